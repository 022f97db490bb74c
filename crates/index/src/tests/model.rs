//! A naive model of the store: every question is answered by looking at every version.

use std::collections::BTreeMap;

use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_base::text::fold;
use annuaire_terms::{ParamId, Resource, Term, TypeId};
use roaring::RoaringBitmap;

use super::common::{param, ty};
use crate::{Filter, IdOrder, Index, Row, Snapshot};

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

pub struct ModelVersion {
    pub r: Resource,
    pub tx: Tx,
    pub arrival: i64,
    pub ms: i64,
    pub closed: Option<Tx>,
    pub version: u32,
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
                if old.r.before == r.before {
                    continue;
                }
                old.closed = Some(tx);
                version = old.version + 1;
            }
            self.ids.insert((r.ty, r.id.clone()), self.rows.len());
            let version = r.foreign_stamp.as_ref().and_then(|k| k.version).unwrap_or(0).max(version);
            let own = r.foreign_stamp.as_ref().map_or(ms, |k| k.last_updated_ms);
            self.rows.push(ModelVersion { r: r.clone(), tx, arrival: ms, ms: own, closed: None, version });
        }
        (self.rows.len() - start) as u64
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
            Term::Token { param, .. } | Term::Text { param, .. } | Term::Reference { param, .. } | Term::Uri { param, .. } => {
                param == p
            }
        }),
    }
}

pub fn check(s: &Snapshot, m: &Model) {
    let rows: Vec<_> = m.rows.iter().enumerate().filter(|(_, v)| v.tx <= s.tx()).collect();
    let set = |keep: &dyn Fn(usize, &ModelVersion) -> bool| -> RoaringBitmap {
        rows.iter().filter(|(i, v)| keep(*i, v)).map(|(i, _)| *i as u32).collect()
    };
    let live: Vec<_> = rows.iter().copied().filter(|(_, v)| v.closed.is_none_or(|c| c > s.tx())).collect();
    for ty in (0..3).map(ty) {
        for f in filters() {
            let kept = live.iter().filter(|(i, v)| v.r.ty == ty && satisfies(&live, *i, v, &f));
            let want: RoaringBitmap = kept.map(|(i, _)| *i as u32).collect();
            assert_eq!(*s.search(ty, &f).unwrap(), want, "{f:?} at {}", s.tx());
        }
        let live = s.search(ty, &Filter::All).unwrap();
        let mut ids: Vec<_> = live.iter().map(Row::new).map(|r| (s.read(r).unwrap().id().to_owned(), r)).collect();
        ids.sort();
        let sorted: Vec<Row> = ids.iter().map(|i| i.1).collect();
        assert_eq!(s.by_id(ty, &live, None, IdOrder::Ascending, 99).unwrap(), sorted);
        if let [(first, _), .., (last, _)] = ids.as_slice() {
            assert_eq!(s.by_id(ty, &live, Some(first), IdOrder::Ascending, 1).unwrap(), sorted[1..2]);
            let down: Vec<Row> = sorted[..sorted.len() - 1].iter().rev().copied().collect();
            assert_eq!(s.by_id(ty, &live, Some(last), IdOrder::Descending, 99).unwrap(), down);
        }
        for n in 0..5 {
            let id = format!("id{n}");
            let mut want: Vec<Row> = set(&|_, v| v.r.ty == ty && v.r.id == id).iter().map(Row::new).collect();
            want.reverse();
            assert_eq!(s.history(ty, &id).unwrap(), want);
            assert_eq!(s.current(ty, &id).unwrap().map(|e| e.row), want.first().copied());
            for k in 0..want.len() + 9 {
                let row = want.iter().copied().find(|row| m.rows[row.get() as usize].version == k as u32);
                assert_eq!(s.version(ty, &id, k as u32).unwrap().map(|e| e.row), row);
            }
        }
    }
    for (i, v) in &rows {
        let e = s.read(Row::new(*i as u32)).unwrap();
        assert_eq!((e.ty, e.id(), e.number, e.tx, e.last_updated_ms), (v.r.ty, &*v.r.id, v.version, v.tx, v.ms));
        let stamp = format!("\"versionId\":\"{}\",\"lastUpdated\":\"{}\",", v.version, iso_ms(v.ms));
        let stamp = v.r.foreign_stamp.as_ref().map_or(stamp.into_bytes(), |k| k.stamp.clone());
        assert_eq!(e.body(), [&v.r.before[..], &stamp, &v.r.after].concat());
        assert!(s.references(e.row).unwrap().iter().map(|(_, to)| to).eq(links_of(v, param(3)).chain(links_of(v, param(5)))));
    }
    assert!(s.read(Row::new(rows.len() as u32)).is_err());
    for ms in (0..1000).step_by(50).chain([-1, 101, 299, i64::MAX]) {
        let want = set(&|_, v| v.arrival >= ms);
        assert_eq!(s.first_row_at(ms).unwrap(), want.min().map_or(Row::MAX, Row::new));
        assert_eq!(s.versions_since(None, ms).unwrap(), want);
        assert_eq!(s.versions_since(Some(ty(1)), ms).unwrap(), set(&|_, v| v.arrival >= ms && v.r.ty == ty(1)));
    }
}

pub fn check_all(index: &Index, m: &Model, txs: &[Tx]) {
    check(&index.snapshot().unwrap(), m);
    for tx in [Tx::NONE].iter().chain(txs) {
        check(&index.snapshot_at(*tx).unwrap().unwrap(), m);
    }
    assert!(index.snapshot_at(Tx::new(u64::MAX)).unwrap().is_none());
}
