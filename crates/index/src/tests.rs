#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use annuaire_base::date::iso_ms;
use annuaire_base::text::fold;
use proptest::prelude::*;

use annuaire_terms::{ForeignStamp, ParamId, Presence, Resource, Term, TypeId};

use super::*;

const MAP: usize = 1 << 28;

const fn ty(number: u8) -> TypeId {
    TypeId::new(number)
}

const fn param(number: u8) -> ParamId {
    ParamId::new(number)
}
/// A dictionary for one type and none for the others.
const DICTIONARIES: &[&[u8]] = &[b"", b"\"versionId\":\"1\",\"lastUpdated\":\"1970-01-01T00:00:00.100Z\","];

/// What links call the types 0 and 1.
const NAMES: [&str; 2] = ["A", "B"];

fn res(ty: TypeId, id: u8, content: u8) -> Resource {
    let names = ["Élodie  Le-Goff", "elodie", "GOFF", "", "Jean\u{1}\0x"];
    let mut terms = vec![
        Term::Token {
            param: param(1),
            system: ["", "s", "t"][usize::from(content % 3)].into(),
            code: format!("c{}", content % 2),
        },
        Term::Text { param: param(2), value: names[usize::from(content) % 5].into() },
        Term::Reference { param: param(3), target: format!("{}/id{}", NAMES[usize::from(content % 2)], (content + id) % 5) },
    ];
    if content.is_multiple_of(3) {
        terms.push(Term::Reference { param: param(3), target: format!("{}/id{}", NAMES[usize::from(id % 2)], content % 4) });
        terms.push(Term::Reference { param: param(5), target: ["A/id1", "id1", "B/C/id1", "B/"][usize::from(id % 4)].into() });
    }
    if content.is_multiple_of(2) {
        terms.push(Term::Uri { param: param(4), value: format!("urn:{}", content % 3) });
        terms.push(Term::Text { param: param(2), value: format!("{}{}", "Long ".repeat(120), content % 3) });
    }
    // One content comes from another directory, with its own version and an instant between those of the transactions.
    let kept = (content == 5).then(|| ForeignStamp {
        version: id.is_multiple_of(2).then_some(7),
        last_updated_ms: 40 + 100 * i64::from(id),
        stamp: b"of another".to_vec(),
    });
    Resource {
        ty,
        id: format!("id{id}"),
        before: vec![b'{', b'0' + content],
        after: b"x}".to_vec(),
        terms,
        foreign_stamp: kept,
        presence: Presence::Described,
    }
}

fn text(param: ParamId, value: &str) -> [Filter; 3] {
    let value = value.to_owned();
    [
        Filter::Prefix { param, value: value.clone() },
        Filter::Contains { param, value: value.clone() },
        Filter::Exact { param, value },
    ]
}

fn filters() -> Vec<Filter> {
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
        all.extend(text(param(2), value));
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

struct ModelVersion {
    r: Resource,
    tx: Tx,
    arrival: i64,
    ms: i64,
    closed: Option<Tx>,
    version: u32,
}

#[derive(Default)]
struct Model {
    rows: Vec<ModelVersion>,
    ids: BTreeMap<(TypeId, String), usize>,
}

impl Model {
    fn apply(&mut self, tx: Tx, ms: i64, list: &[Resource]) -> u64 {
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

/// The links of a version under a parameter.
fn links_of(v: &ModelVersion, p: ParamId) -> impl Iterator<Item = &str> {
    v.r.terms.iter().filter_map(move |x| match x {
        Term::Reference { param, target } if *param == p => Some(target.as_str()),
        _ => None,
    })
}

/// Whether a filter keeps a version, among those that are `live` with it.
fn keeps(live: &[(usize, &ModelVersion)], row: usize, v: &ModelVersion, f: &Filter) -> bool {
    let any = |p: &dyn Fn(&Term) -> bool| v.r.terms.iter().any(p);
    let texts =
        |p: ParamId, t: &dyn Fn(&str) -> bool| any(&|x| matches!(x, Term::Text { param, value } if *param == p && t(value)));
    match f {
        Filter::All => true,
        Filter::And(l) => l.iter().all(|f| keeps(live, row, v, f)),
        Filter::Or(l) => l.iter().any(|f| keeps(live, row, v, f)),
        Filter::Not(f) => !keeps(live, row, v, f),
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
            target.r.ty == *target_type && keeps(live, *row, target, filter) && links_of(v, *param).any(|to| to == name)
        }),
        Filter::Has { source_type, param, target_name, filter } => live.iter().any(|(row, source)| {
            let name = format!("{target_name}/{}", v.r.id);
            source.r.ty == *source_type && keeps(live, *row, source, filter) && links_of(source, *param).any(|to| to == name)
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

fn check(s: &Snapshot, m: &Model) {
    let rows: Vec<_> = m.rows.iter().enumerate().filter(|(_, v)| v.tx <= s.tx()).collect();
    let set = |keep: &dyn Fn(usize, &ModelVersion) -> bool| -> RoaringBitmap {
        rows.iter().filter(|(i, v)| keep(*i, v)).map(|(i, _)| *i as u32).collect()
    };
    let live: Vec<_> = rows.iter().copied().filter(|(_, v)| v.closed.is_none_or(|c| c > s.tx())).collect();
    for ty in (0..3).map(ty) {
        for f in filters() {
            let kept = live.iter().filter(|(i, v)| v.r.ty == ty && keeps(&live, *i, v, &f));
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

fn ok(list: &[Resource]) -> impl Iterator<Item = Result<Resource, Error>> {
    list.iter().cloned().map(Ok)
}

/// Prepares and applies, as a publisher with one thread would.
fn apply(index: &Index, tx: Tx, ms: i64, list: impl Iterator<Item = Result<Resource, Error>>) -> Result<u64, Error> {
    let mut preparer = index.preparer(tx, ms)?;
    index.apply(tx, ms, list.map(|r| r.and_then(|r| preparer.prepare(r))))
}

fn check_all(index: &Index, m: &Model, txs: &[Tx]) {
    check(&index.snapshot().unwrap(), m);
    for tx in [Tx::NONE].iter().chain(txs) {
        check(&index.snapshot_at(*tx).unwrap().unwrap(), m);
    }
    assert!(index.snapshot_at(Tx::new(u64::MAX)).unwrap().is_none());
}

fn batches() -> impl Strategy<Value = Vec<Vec<Resource>>> {
    let one = (0u8..2, 0u8..4, 0u8..6).prop_map(|(t, i, c)| res(ty(t), i, c));
    prop::collection::vec(prop::collection::vec(one, 0..10), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Random histories, with failures in the middle of transactions and a reopening.
    #[test]
    fn same_as_the_model(history in batches(), lost in batches(), batch in 1usize..5) {
        let dir = tempfile::tempdir().unwrap();
        let mut index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
        index.batch = batch;
        let (mut model, mut txs) = (Model::default(), Vec::new());
        for (i, list) in history.iter().enumerate() {
            let (tx, ms) = (Tx::new(3 + 2 * i as u64), 100 * (i as i64 / 2 + 1));
            let held = index.snapshot().unwrap();
            if let Some(lost) = lost.get(i) {
                let broken = ok(lost).chain([Err(Error::Refused("cut"))]);
                prop_assert!(apply(&index, tx, ms, broken).is_err());
                check(&index.snapshot().unwrap(), &model);
            }
            let made = apply(&index, tx, ms, ok(list)).unwrap();
            check(&held, model_at(&model));
            prop_assert_eq!(made, model.apply(tx, ms, list));
            prop_assert_eq!(apply(&index, tx, ms, ok(&[res(ty(0), 0, 9)])).unwrap(), 0);
            txs.push(tx);
        }
        check_all(&index, &model, &txs);
        drop(index);
        let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
        prop_assert_eq!(index.applied_tx(), txs[txs.len() - 1]);
        check_all(&index, &model, &txs);
        prop_assert_eq!(index.check().unwrap(), Vec::<String>::new());
    }
}

fn model_at(m: &Model) -> &Model {
    m
}

#[test]
fn crash_between_batches() {
    let dir = tempfile::tempdir().unwrap();
    let first: Vec<_> = (0..5).map(|i| res(ty(1), i, i)).collect();
    let second: Vec<_> = (0..5).map(|i| res(ty(1), i, i + 1)).collect();
    let mut model = Model::default();
    let mut index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    index.batch = 2;
    apply(&index, Tx::new(1), 100, ok(&first)).unwrap();
    model.apply(Tx::new(1), 100, &first);
    let cut = ok(&second[1..]).chain([Err(Error::Refused("cut"))]);
    assert!(apply(&index, Tx::new(2), 200, cut).is_err());
    check_all(&index, &model, &[Tx::new(1)]);
    drop(index);
    let mut index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    index.batch = 2;
    assert!(crate::chunk::last(&index.dbs, &index.env.read_txn().unwrap()).unwrap() > Some(Row::new(5)), "rows were left");
    check_all(&index, &model, &[Tx::new(1)]);
    assert_eq!(apply(&index, Tx::new(2), 200, ok(&second)).unwrap(), model.apply(Tx::new(2), 200, &second));
    check_all(&index, &model, &[Tx::new(1), Tx::new(2)]);
}

#[test]
fn many_rows_over_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = Index::open(dir.path(), 1 << 30, DICTIONARIES).unwrap();
    index.batch = 3_000;
    let many = (0..70_000u32).map(|i| {
        let terms = vec![
            Term::Text { param: param(1), value: format!("n{}", i % 2) },
            Term::Text { param: param(3), value: format!("u{i}") },
            Term::Uri { param: param(2), value: format!("{}", i % 17) },
        ];
        Ok::<_, Error>(Resource {
            ty: ty(1),
            id: i.to_string(),
            before: i.to_le_bytes().into(),
            after: vec![],
            terms,
            foreign_stamp: None,
            presence: Presence::Described,
        })
    });
    assert_eq!(apply(&index, Tx::new(1), 0, many).unwrap(), 70_000);
    let cut = ok(&vec![res(ty(1), 1, 1); 1])
        .chain((0..4_000).map(|i| Ok(Resource { id: format!("z{i}"), ..res(ty(1), 1, 1) })))
        .chain([Err(Error::Refused("cut"))])
        .collect::<Vec<_>>();
    assert!(apply(&index, Tx::new(2), 0, cut.into_iter()).is_err());
    apply(&index, Tx::new(2), 0, ok(&[])).unwrap();
    let s = index.snapshot().unwrap();
    let odd: RoaringBitmap = (0..70_000).filter(|i| i % 2 == 1).collect();
    assert_eq!(*s.search(ty(1), &text(param(1), "N1")[0]).unwrap(), odd);
    let fives: RoaringBitmap = (0..70_000).filter(|i| i % 17 == 5).collect();
    assert_eq!(*s.search(ty(1), &Filter::Uri { param: param(2), value: "5".into() }).unwrap(), fives);
    let all = s.search(ty(1), &Filter::All).unwrap();
    assert_eq!(all.len(), 70_000);
    // Many values of one row each.
    assert_eq!(s.search(ty(1), &text(param(3), "u")[0]).unwrap(), all);
    let ones: RoaringBitmap = (0..70_000_u32).filter(|i| i.to_string().starts_with('1')).collect();
    assert_eq!(*s.search(ty(1), &text(param(3), "U1")[0]).unwrap(), ones);
    let sevens: RoaringBitmap = (0..70_000_u32).filter(|i| i.to_string().contains("777")).collect();
    assert_eq!(*s.search(ty(1), &text(param(3), "777")[1]).unwrap(), sevens);
    let id = |row: Row| s.read(row).unwrap().id().to_owned();
    let up = s.by_id(ty(1), &all, Some("10000"), IdOrder::Ascending, 3).unwrap();
    assert_eq!(up.into_iter().map(id).collect::<Vec<_>>(), ["10001", "10002", "10003"]);
    let down = s.by_id(ty(1), &odd, Some("10003"), IdOrder::Descending, 2).unwrap();
    assert_eq!(down.into_iter().map(id).collect::<Vec<_>>(), ["10001", "1"]);
}

#[test]
fn what_was_changed_is_named_and_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    let all: Vec<_> = (0..5).map(|i| res(ty(1), i, i)).collect();
    apply(&index, Tx::new(1), 100, ok(&all)).unwrap();
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
    let change = |db: Db, key: &[u8], at: usize| {
        let mut txn = index.env.write_txn().unwrap();
        let mut value = db.get(&txn, key).unwrap().unwrap().to_vec();
        value[at] ^= 1;
        db.put(&mut txn, key, &value).unwrap();
        txn.commit().unwrap();
    };
    let chunk = 0_u32.to_be_bytes();
    let bytes = index.dbs.rows.get(&index.env.read_txn().unwrap(), &chunk).unwrap().unwrap().to_vec();
    for at in 0..bytes.len() {
        change(index.dbs.rows, &chunk, at);
        let snap = index.snapshot().unwrap();
        assert!((0..5).any(|row| snap.read(Row::new(row)).is_err()), "byte {at} of a chunk");
        assert!(index.check().unwrap()[0].starts_with("key 00000000 of rows: "), "byte {at}");
        change(index.dbs.rows, &chunk, at);
    }
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
    change(index.dbs.tx, &1_u64.to_be_bytes(), 0);
    assert!(!index.check().unwrap().is_empty(), "a transaction of fewer or more rows");
    change(index.dbs.tx, &1_u64.to_be_bytes(), 0);
    let mut txn = index.env.write_txn().unwrap();
    index.dbs.rows.delete(&mut txn, &chunk).unwrap();
    index.dbs.rows.put(&mut txn, &1_u32.to_be_bytes(), &bytes).unwrap();
    txn.commit().unwrap();
    assert!(index.check().unwrap()[0].contains("row 0 should come here"));
}

/// Chunks of rows, some filled by one record: each row is read alone, after the one before it and after one far from it, whatever
/// was interrupted on the way.
#[test]
fn rows_over_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    index.batch = 7;
    // Of no two letters alike, so that compression leaves them long.
    let noise = |seed: usize, len: usize| -> Vec<u8> {
        let mut x = seed as u32;
        let mut next = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    };
    let resource = |n: usize| {
        let len = [100, 700, 1_500, 9_000, 3_900, 0][n % 6];
        Resource { id: n.to_string(), after: [&noise(n, len)[..], b"x}"].concat(), ..res(ty(1), 1, 1) }
    };
    let mut rows = 0;
    for (tx, many) in [1, 2, 40, 1, 200].into_iter().enumerate() {
        let (tx, all) = (Tx::new(tx as u64 + 1), (rows..rows + many).map(resource).collect::<Vec<_>>());
        let cut = ok(&all[..many / 2]).chain([Err(Error::Refused("cut"))]);
        assert!(apply(&index, tx, 100, cut).is_err());
        if tx.get() % 2 == 0 {
            drop(index);
            index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
            index.batch = 7;
        }
        assert_eq!(apply(&index, tx, 100, ok(&all)).unwrap(), many as u64);
        rows += many;
        let s = index.snapshot().unwrap();
        let right = |row: usize, entry: &Version| entry.row.get() as usize == row && entry.body().ends_with(&resource(row).after);
        for step in [1, 5, 60, rows - 1] {
            let (mut reader, mut entry) = (s.reader(), Version::default());
            for row in (0..rows).map(|n| n * step % rows).chain((0..rows).rev()) {
                reader.read(Row::new(row as u32), &mut entry).unwrap();
                assert!(right(row, &entry), "row {row} by steps of {step}");
                assert!(right(row, &s.read(Row::new(row as u32)).unwrap()));
            }
            assert!(reader.read(Row::new(rows as u32), &mut entry).is_err() && s.read(Row::new(rows as u32)).is_err());
        }
        assert_eq!(index.check().unwrap(), Vec::<String>::new());
    }
}

/// Several chunks of columns, made by transactions large and small, broken and resumed.
#[test]
fn links_over_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = Index::open(dir.path(), 1 << 30, DICTIONARIES).unwrap();
    index.batch = 900;
    let to = |n: u32| Term::Reference { param: param(3), target: format!("A/{n}") };
    let target = |n: u32, content: u8| {
        let terms = vec![Term::Uri { param: param(1), value: format!("{}", n % 3) }];
        Resource {
            ty: ty(0),
            id: n.to_string(),
            before: vec![content],
            after: vec![],
            terms,
            foreign_stamp: None,
            presence: Presence::Described,
        }
    };
    let source = |n: u32, links: std::ops::Range<u32>| Resource {
        ty: ty(1),
        id: n.to_string(),
        before: n.to_le_bytes().into(),
        after: vec![],
        terms: links.map(to).collect(),
        foreign_stamp: None,
        presence: Presence::Described,
    };
    // More links of one row than a chunk holds; then a gap that no distance covers.
    let mut list: Vec<_> = (0..700).map(|n| source(n, n..n + if n == 5 { 900 } else { n % 3 })).collect();
    list.extend((0..66_000).map(|n| target(n, 0)));
    apply(&index, Tx::new(1), 0, ok(&list)).unwrap();
    let mut tx = Tx::new(1);
    // Small transactions, each interrupted once.
    for n in 700..760 {
        tx = tx.next();
        let one = [source(n, n..n + 2), target(n, 1)];
        let cut = ok(&one).chain((0..if n % 20 == 0 { 1_000 } else { 1 }).map(|k| Ok(source(9_000 + k, 0..1))));
        assert!(apply(&index, tx, 0, cut.chain([Err(Error::Refused("cut"))])).is_err());
        apply(&index, tx, 0, ok(&one)).unwrap();
    }
    let s = index.snapshot().unwrap();
    let uri = |n: u32| Box::new(Filter::Uri { param: param(1), value: n.to_string() });
    let ids = |ty: TypeId, filter: &Filter| -> Vec<u32> {
        let rows = s.search(ty, filter).unwrap();
        let mut ids: Vec<u32> = rows.iter().map(Row::new).map(|row| s.read(row).unwrap().id().parse().unwrap()).collect();
        ids.sort_unstable();
        ids
    };
    let links = |n: u32| match n {
        5 => 5..905,
        0..700 => n..n + n % 3,
        _ => n..n + 2,
    };
    let chain = Filter::Chain { param: param(3), target_type: ty(0), target_name: "A".into(), filter: uri(2) };
    let want: Vec<u32> = (0..760).filter(|n| links(*n).any(|to| to % 3 == 2)).collect();
    assert_eq!(ids(ty(1), &chain), want);
    let has = Filter::Has { source_type: ty(1), param: param(3), target_name: "A".into(), filter: Box::new(Filter::All) };
    let want: std::collections::BTreeSet<u32> = (0..760).flat_map(links).collect();
    assert_eq!(ids(ty(0), &has), want.into_iter().collect::<Vec<_>>());
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
    // Small transactions went on in the last chunk.
    let txn = index.env.read_txn().unwrap();
    let sizes: Vec<usize> = index.dbs.links.iter(&txn).unwrap().map(|item| item.unwrap().1.len()).collect();
    assert!(sizes.iter().filter(|size| **size < 4_080).count() <= 6, "{sizes:?}");
}

#[test]
fn a_column_that_was_changed_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    apply(&index, Tx::new(1), 100, ok(&(0..5).map(|i| res(ty(1), i, i)).collect::<Vec<_>>())).unwrap();
    let columns: Vec<(Vec<u8>, Vec<u8>)> = {
        let txn = index.env.read_txn().unwrap();
        index.dbs.links.iter(&txn).unwrap().map(|item| item.map(|(k, v)| (k.to_vec(), v.to_vec())).unwrap()).collect()
    };
    assert_eq!(columns.len(), 3);
    let put = |key: &[u8], value: Option<&[u8]>| {
        let mut txn = index.env.write_txn().unwrap();
        match value {
            Some(value) => index.dbs.links.put(&mut txn, key, value).unwrap(),
            None => assert!(index.dbs.links.delete(&mut txn, key).unwrap()),
        }
        txn.commit().unwrap();
    };
    for (key, value) in &columns {
        for at in 0..value.len() {
            let mut changed = value.clone();
            changed[at] ^= 1;
            put(key, Some(&changed));
            assert!(!index.check().unwrap().is_empty(), "byte {at} of a column");
        }
        for changed in [Some(&value[..value.len() - 10]), Some(&value[..value.len() - 1]), Some(&[][..]), None] {
            put(key, changed);
            assert!(!index.check().unwrap().is_empty(), "a column cut to {changed:?}");
        }
        put(key, Some(&[&value[..], &[255, 0, 1, 2, 3, 4, 5, 6, 7, 8]].concat()));
        assert_eq!(index.check().unwrap(), Vec::<String>::new(), "beyond the end there may be anything");
        put(key, Some(value));
    }
    put(&[1, 9, 0, 0, 0, 1], Some(&[0; 10]));
    assert!(index.check().unwrap()[0].contains("its links are not those"), "a column too many");
    put(&[1, 9, 0, 0, 0, 1], None);
    put(&[0, 9, 0, 0, 0, 1], Some(&[0; 10]));
    assert!(index.check().unwrap()[0].contains("that no row has"), "a column of another type");
    put(&[0, 9, 0, 0, 0, 1], None);
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
    let nameless =
        Resource { terms: vec![Term::Reference { param: ParamId::STORE, target: "A/id1".into() }], ..res(ty(1), 9, 1) };
    assert!(apply(&index, Tx::new(2), 200, ok(&[nameless])).is_err());
}

#[test]
fn an_index_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Index>();
    sent::<Snapshot>();
}

/// A search that may take little work is refused, and one that was found before takes none.
#[test]
fn work_is_bounded_and_not_done_twice() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    let many = (0..30_000_u32).map(|n| Resource {
        id: format!("id{n}"),
        terms: vec![Term::Text { param: param(1), value: format!("name {n}") }],
        ..res(ty(1), 0, 1)
    });
    apply(&index, Tx::new(1), 100, many.map(Ok)).unwrap();
    let wide = Filter::Contains { param: param(1), value: "9".into() };
    let found = |work: Effort| index.snapshot().unwrap().within(work).search(ty(1), &wide).map(|rows| rows.len());
    assert!(matches!(found(1_000), Err(Error::Exhausted)));
    let all = found(UNLIMITED).unwrap();
    assert_eq!(all, (0..30_000).filter(|n| n.to_string().contains('9')).count() as u64);
    assert_eq!(found(1_000).unwrap(), all, "found before");
    let half = Filter::Or(vec![wide.clone(), Filter::Contains { param: param(1), value: "8".into() }]);
    assert!(matches!(index.snapshot().unwrap().within(1_000).search(ty(1), &half), Err(Error::Exhausted)));
    // The next state is another one.
    let more = vec![Resource {
        id: "one more".into(),
        terms: vec![Term::Text { param: param(1), value: "9".into() }],
        ..res(ty(1), 0, 1)
    }];
    apply(&index, Tx::new(2), 200, ok(&more)).unwrap();
    assert_eq!(found(UNLIMITED).unwrap(), all + 1);
    let before = index.snapshot_at(Tx::new(1)).unwrap().unwrap();
    assert_eq!(before.search(ty(1), &wide).unwrap().len(), all);
}
