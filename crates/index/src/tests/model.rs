//! A naive model of the store: every question is answered by looking at every version.

use std::collections::BTreeMap;

use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_base::sound::sound_key;
use annuaire_base::text::fold;
use annuaire_base::words::searchable_words;
use annuaire_terms::{ParamId, Resource, Term, TypeId};
use roaring::RoaringBitmap;

use super::common::{param, ty};
use crate::{Error, Filter, IdOrder, Index, Row, Snapshot, Tombstone};

pub fn text_filters(param: ParamId, value: &str) -> [Filter; 3] {
    let value = value.to_owned();
    [
        Filter::Prefix { param, value: value.clone() },
        Filter::Contains { param, value: value.clone() },
        Filter::Exact { param, value },
    ]
}

pub fn filters() -> Vec<Filter> {
    let mut all =
        vec![Filter::All, Filter::And(vec![]), Filter::Or(vec![]), Filter::Missing(param(4)), Filter::Missing(param(9))];
    for system in [None, Some(""), Some("s")] {
        for code in [None, Some("c0"), Some("c1")] {
            all.push(Filter::Token { param: param(1), system: system.map(Into::into), code: code.map(Into::into) });
        }
    }
    for value in [
        "elodie le goff",
        "Élodie",
        "goff",
        "GOFF",
        "",
        "\u{1}",
        &"long ".repeat(119),
        &format!("{}2", "Long ".repeat(120)),
        "g 1",
    ] {
        all.extend(text_filters(param(2), value));
    }
    for value in ["Elodie le goff", "GOFF", "", "goff x"] {
        all.push(Filter::Folded { param: param(2), value: value.into() });
    }
    for value in ["legoff", "goff", "jean", "go"] {
        all.push(Filter::Word { param: param(2), word: value.into() });
        all.push(Filter::WordStart { param: param(2), beginning: value.into() });
        all.push(Filter::Sound { param: param(2), sound: sound_key(value) });
    }
    all.push(Filter::Reference { param: param(3), target: "A/id1".into() });
    all.push(Filter::Uri { param: param(4), value: "urn:2".into() });
    all.push(Filter::Ids(vec!["id0".into(), "id2".into(), "none".into()]));
    all.push(Filter::Rows { first: Row::new(2), last: Row::new(6) });
    all.push(Filter::Rows { first: Row::new(3), last: Row::MAX });
    for (from_ms, before_ms) in
        [(None, None), (Some(100), None), (Some(101), Some(300)), (None, Some(140)), (Some(300), Some(200))]
    {
        all.push(Filter::Updated { from_ms, before_ms });
    }
    for (from, before) in
        [(None, None), (Some("GOFF"), None), (Some("GOFF"), Some("elodie")), (None, Some("\u{e9}")), (Some("z"), Some("a"))]
    {
        all.push(Filter::Between { param: param(2), from: from.map(Into::into), before: before.map(Into::into) });
    }
    let pairs: Vec<_> = all.windows(2).map(|w| (w[0].clone(), w[1].clone())).collect();
    for (a, b) in pairs {
        all.push(Filter::And(vec![a.clone(), Filter::Not(Box::new(b.clone()))]));
        all.push(Filter::Or(vec![a, b]));
    }
    let inner = [
        Filter::All,
        Filter::Not(Box::new(Filter::All)),
        Filter::Token { param: param(1), system: None, code: Some("c0".into()) },
        Filter::Missing(param(4)),
        Filter::Ids(vec!["id0".into(), "id1".into()]),
    ];
    for (number, name) in [(0, "A"), (1, "B"), (1, "A"), (2, "C")] {
        for (param, filter) in inner.iter().map(|f| (param(3), f)).chain([(param(5), &Filter::All)]) {
            let ty = ty(number);
            let filter = Box::new(filter.clone());
            all.push(Filter::Chain { param, target_type: ty, target_name: name.into(), filter: filter.clone() });
            let has = Filter::Has { source_type: ty, param, target_name: name.into(), filter };
            all.extend([Filter::Not(Box::new(has.clone())), has]);
        }
    }
    all
}

/// What was done to a version after it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Kept,
    /// Its content was withdrawn by law.
    Withdrawn,
    /// The tombstone that a withdrawal added.
    Tombstone,
}

pub struct ModelVersion {
    pub r: Resource,
    pub tx: Tx,
    pub arrival: i64,
    pub ms: i64,
    pub closed: Option<Tx>,
    pub version: u32,
    pub fate: Fate,
    /// Compaction removed it.
    pub is_removed: bool,
}

#[derive(Default)]
pub struct Model {
    rows: Vec<ModelVersion>,
    ids: BTreeMap<(TypeId, String), usize>,
}

impl Model {
    pub fn apply(&mut self, tx: Tx, ms: i64, list: &[Resource]) -> u64 {
        let start = self.rows.len();
        for r in list {
            let mut version = 1;
            if let Some(&old) = self.ids.get(&(r.ty, r.id.clone())) {
                let old = &mut self.rows[old];
                let is_live = old.closed.is_none();
                if is_live && old.r.before == r.before {
                    continue;
                }
                old.closed = old.closed.or(Some(tx));
                version = old.version + 1;
            }
            self.ids.insert((r.ty, r.id.clone()), self.rows.len());
            let version = r.foreign_stamp.as_ref().and_then(|k| k.version).unwrap_or(0).max(version);
            let own = r.foreign_stamp.as_ref().map_or(ms, |k| k.last_updated_ms);
            self.rows.push(ModelVersion {
                r: r.clone(),
                tx,
                arrival: ms,
                ms: own,
                closed: None,
                version,
                fate: Fate::Kept,
                is_removed: false,
            });
        }
        (self.rows.len() - start) as u64
    }

    /// Withdraws resources in a transaction, before its own are applied.
    pub fn withdraw(&mut self, tx: Tx, ms: i64, resources: &[(TypeId, String)]) {
        for key in resources {
            let Some(last) = self.ids.get(key).copied() else { continue };
            if self.rows[last].fate != Fate::Kept {
                continue;
            }
            let version = self.rows[last].version + 1;
            for old in self.rows.iter_mut().filter(|v| v.r.ty == key.0 && v.r.id == key.1) {
                if old.fate != Fate::Withdrawn {
                    (old.fate, old.closed) = (Fate::Withdrawn, Some(tx));
                }
            }
            let r = Resource { terms: vec![], before: vec![], after: vec![], foreign_stamp: None, ..self.rows[last].r.clone() };
            self.ids.insert(key.clone(), self.rows.len());
            let fate = Fate::Tombstone;
            self.rows.push(ModelVersion { r, tx, arrival: ms, ms, closed: Some(tx), version, fate, is_removed: false });
        }
    }

    /// Removes what was closed at a transaction or before it.
    pub fn compact(&mut self, horizon: Tx) {
        for version in self.rows.iter_mut().filter(|v| v.fate != Fate::Tombstone && v.closed.is_some_and(|tx| tx <= horizon)) {
            version.is_removed = true;
        }
    }
}

/// Targets of the references of a version, for one parameter.
pub fn links_of(v: &ModelVersion, p: ParamId) -> impl Iterator<Item = &str> {
    v.r.terms.iter().filter_map(move |x| match x {
        Term::Reference { param, target } if *param == p => Some(target.as_str()),
        _ => None,
    })
}

/// Whether a version satisfies a filter in a state whose live versions are `live`.
pub fn satisfies(live: &[(usize, &ModelVersion)], row: usize, v: &ModelVersion, f: &Filter) -> bool {
    let any = |p: &dyn Fn(&Term) -> bool| v.r.terms.iter().any(p);
    let texts =
        |p: ParamId, t: &dyn Fn(&str) -> bool| any(&|x| matches!(x, Term::Text { param, value } if *param == p && t(value)));
    let words = |p: ParamId, w: &dyn Fn(&str) -> bool| {
        any(&|x| matches!(x, Term::Words { param, value } if *param == p && searchable_words(value).iter().any(|word| w(word))))
    };
    match f {
        Filter::All => true,
        Filter::And(l) => l.iter().all(|f| satisfies(live, row, v, f)),
        Filter::Or(l) => l.iter().any(|f| satisfies(live, row, v, f)),
        Filter::Not(f) => !satisfies(live, row, v, f),
        Filter::Token { param: p, system: s, code: c } => any(&|x| {
            matches!(x, Term::Token { param, system, code }
            if param == p && s.as_ref().is_none_or(|s| s == system) && c.as_ref().is_none_or(|c| c == code))
        }),
        Filter::Prefix { param, value } => texts(*param, &|t| fold(t).starts_with(&fold(value))),
        Filter::Contains { param, value } => texts(*param, &|t| fold(t).contains(&fold(value))),
        Filter::Exact { param, value } => texts(*param, &|t| t == value),
        Filter::Folded { param, value } => texts(*param, &|t| fold(t) == fold(value)),
        Filter::Word { param, word } => words(*param, &|w| w == word),
        Filter::WordStart { param, beginning } => words(*param, &|w| w.starts_with(beginning)),
        Filter::Sound { param, sound } => words(*param, &|w| sound_key(w) == *sound),
        Filter::Reference { param, target } => any(&|x| *x == Term::Reference { param: *param, target: target.clone() }),
        Filter::Chain { param, target_type, target_name, filter } => live.iter().any(|(row, target)| {
            let name = format!("{target_name}/{}", target.r.id);
            target.r.ty == *target_type && satisfies(live, *row, target, filter) && links_of(v, *param).any(|to| to == name)
        }),
        Filter::Has { source_type, param, target_name, filter } => live.iter().any(|(row, source)| {
            let name = format!("{target_name}/{}", v.r.id);
            source.r.ty == *source_type && satisfies(live, *row, source, filter) && links_of(source, *param).any(|to| to == name)
        }),
        Filter::Uri { param, value } => any(&|x| *x == Term::Uri { param: *param, value: value.clone() }),
        Filter::Ids(ids) => ids.contains(&v.r.id),
        Filter::Rows { first, last } => (*first..=*last).contains(&Row::new(row as u32)),
        Filter::Updated { from_ms, before_ms } => from_ms.is_none_or(|f| v.ms >= f) && before_ms.is_none_or(|b| v.ms < b),
        Filter::Between { param, from, before } => texts(*param, &|t| {
            from.as_ref().is_none_or(|f| fold(t) >= fold(f)) && before.as_ref().is_none_or(|b| fold(t) < fold(b))
        }),
        Filter::Missing(p) => !any(&|x| match x {
            Term::Order { .. } => false,
            other => other.param() == *p,
        }),
    }
}

/// Versions of a snapshot, by row.
type VisibleVersions<'m> = Vec<(usize, &'m ModelVersion)>;

/// Versions that are live in a state.
fn live_of<'m>(s: &Snapshot, m: &'m Model) -> VisibleVersions<'m> {
    let is_live = |v: &&ModelVersion| v.tx <= s.tx() && v.fate == Fate::Kept && v.closed.is_none_or(|c| c > s.tx());
    m.rows.iter().enumerate().filter(|(_, v)| is_live(v)).collect()
}

/// Compares searches and the newest versions, which compaction never changes, not even on its way.
pub fn check_live(s: &Snapshot, m: &Model, filters: &[Filter]) {
    let live = live_of(s, m);
    for ty in (0..3).map(ty) {
        for f in filters {
            let kept = live.iter().filter(|(i, v)| v.r.ty == ty && satisfies(&live, *i, v, f));
            let want: RoaringBitmap = kept.map(|(i, _)| *i as u32).collect();
            assert_eq!(*s.search(ty, f).unwrap(), want, "{f:?} at {}", s.tx());
        }
        let all = s.search(ty, &Filter::All).unwrap();
        let mut ids: Vec<_> = all.iter().map(Row::new).map(|r| (s.read(r).unwrap().id().to_owned(), r)).collect();
        ids.sort();
        let sorted: Vec<Row> = ids.iter().map(|i| i.1).collect();
        assert_eq!(s.by_id(ty, &all, None, IdOrder::Ascending, 99).unwrap(), sorted);
        if let [(first, _), .., (last, _)] = ids.as_slice() {
            assert_eq!(s.by_id(ty, &all, Some(first), IdOrder::Ascending, 1).unwrap(), sorted[1..2]);
            let down: Vec<Row> = sorted[..sorted.len() - 1].iter().rev().copied().collect();
            assert_eq!(s.by_id(ty, &all, Some(last), IdOrder::Descending, 99).unwrap(), down);
        }
        let listed_text = |row: &u32| {
            m.rows[*row as usize].r.terms.iter().find_map(|x| match x {
                Term::Order { value } => Some(fold(value)),
                _ => None,
            })
        };
        for beginning in ["", "elodie ", "goff", "z"] {
            let begins = |row: &u32| listed_text(row).is_some_and(|text| text.starts_with(&fold(beginning)));
            let mut want: Vec<u32> = all.iter().filter(begins).collect();
            want.sort_by_key(|row| (listed_text(row), *row));
            for (skip, limit) in [(0, 99), (1, 2), (2, 1), (9, 9), (0, 0)] {
                let page: Vec<Row> = want.iter().skip(skip).take(limit).copied().map(Row::new).collect();
                assert_eq!(s.listed(ty, &all, beginning, skip, limit).unwrap(), page, "{beginning} {skip} {limit}");
            }
        }
        for (wanted, edits) in [("gof", 1), ("legof", 2), ("elodi", 1), ("jaen", 1), ("x", 0)] {
            for near in s.near_words(ty, param(2), wanted, edits, 99).unwrap() {
                assert!(near.edits <= edits && near.rows > 0, "{wanted} {near:?}");
            }
            let exact = s.near_words(ty, param(2), wanted, 0, 99).unwrap();
            let there = s.search(ty, &Filter::Word { param: param(2), word: wanted.into() }).unwrap();
            assert!(exact.len() == 1 || there.is_empty(), "{wanted}");
        }
        for id in (0..5).map(|n| format!("id{n}")) {
            let newest = live.iter().find(|(_, v)| v.r.ty == ty && v.r.id == id);
            let newest = newest.map(|(row, v)| (Row::new(*row as u32), v.version));
            assert_eq!(s.current(ty, &id).unwrap().map(|e| (e.row, e.number)), newest);
            assert_eq!(s.exists(ty, &id).unwrap(), newest.is_some());
            // Whatever a history lists can be read.
            for row in s.history(ty, &id).unwrap() {
                assert_eq!(s.read(row).unwrap().id(), id);
            }
        }
    }
    for row in s.versions_since(None, i64::MIN).unwrap() {
        s.read(Row::new(row)).unwrap();
    }
}

pub fn check(s: &Snapshot, m: &Model) {
    check_live(s, m, &filters());
    let end = m.rows.iter().filter(|v| v.tx <= s.tx()).count();
    let rows: VisibleVersions<'_> = m.rows.iter().enumerate().filter(|(_, v)| v.tx <= s.tx() && !v.is_removed).collect();
    let set = |keep: &dyn Fn(usize, &ModelVersion) -> bool| -> RoaringBitmap {
        rows.iter().filter(|(i, v)| keep(*i, v)).map(|(i, _)| *i as u32).collect()
    };
    for ty in (0..3).map(ty) {
        for n in 0..5 {
            let id = format!("id{n}");
            let mut want: Vec<Row> = set(&|_, v| v.r.ty == ty && v.r.id == id).iter().map(Row::new).collect();
            want.reverse();
            assert_eq!(s.history(ty, &id).unwrap(), want);
            for k in 0..want.len() + 9 {
                let row = want.iter().copied().find(|row| m.rows[row.get() as usize].version == k as u32);
                assert_eq!(s.version(ty, &id, k as u32).unwrap().map(|e| e.row), row);
            }
            let last = m.rows[..end].iter().rev().find(|v| v.r.ty == ty && v.r.id == id);
            let former = last
                .filter(|last| last.fate != Fate::Kept || last.is_removed)
                .map(|last| (last.version, last.fate != Fate::Kept));
            assert_eq!(s.former(ty, &id).unwrap().map(|f| (f.number, f.is_withdrawn_by_law)), former, "{id} at {}", s.tx());
        }
    }
    for (i, v) in &rows {
        let e = s.read(Row::new(*i as u32)).unwrap();
        assert_eq!((e.ty, e.id(), e.number, e.tx, e.last_updated_ms), (v.r.ty, &*v.r.id, v.version, v.tx, v.ms));
        assert_eq!(e.tombstone, (v.fate != Fate::Kept).then_some(Tombstone::WithdrawnByLaw));
        if e.tombstone.is_some() {
            assert_eq!((e.body(), s.references(e.row).unwrap()), (&[][..], vec![]));
            continue;
        }
        let stamp = format!("\"versionId\":\"{}\",\"lastUpdated\":\"{}\",", v.version, iso_ms(v.ms));
        let stamp = v.r.foreign_stamp.as_ref().map_or(stamp.into_bytes(), |k| k.stamp.clone());
        assert_eq!(e.body(), [&v.r.before[..], &stamp, &v.r.after].concat());
        assert!(s.references(e.row).unwrap().iter().map(|(_, to)| to).eq(links_of(v, param(3)).chain(links_of(v, param(5)))));
    }
    for row in (0..=end).filter(|row| m.rows.get(*row).is_none_or(|v| v.is_removed || *row == end)) {
        assert!(s.read(Row::new(row as u32)).is_err(), "row {row}");
    }
    for ms in (0..1000).step_by(50).chain([-1, 101, 299, i64::MAX]) {
        // Old versions that were withdrawn are in the history of their resource alone.
        let of_history = |v: &ModelVersion| v.fate != Fate::Withdrawn;
        let want = set(&|_, v| v.arrival >= ms && of_history(v));
        let first = s.first_row_at(ms).unwrap().get() as usize;
        assert_eq!(set(&|i, v| i >= first && of_history(v)), want);
        assert_eq!(s.versions_since(None, ms).unwrap(), want);
        assert_eq!(s.versions_since(Some(ty(1)), ms).unwrap(), set(&|_, v| v.arrival >= ms && v.r.ty == ty(1) && of_history(v)));
    }
}

pub fn check_all(index: &Index, m: &Model, txs: &[Tx]) {
    check(&index.snapshot().unwrap(), m);
    for tx in [Tx::NONE].iter().chain(txs) {
        if *tx > Tx::NONE && *tx < index.retained_from() {
            assert!(matches!(index.snapshot_at(*tx), Err(Error::TooOld)));
        } else {
            check(&index.snapshot_at(*tx).unwrap().unwrap(), m);
        }
    }
    assert!(index.snapshot_at(Tx::new(u64::MAX)).unwrap().is_none());
}
