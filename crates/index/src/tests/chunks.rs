//! Stores with many chunks, blocks and slices.

use annuaire_base::Tx;
use annuaire_terms::{Presence, Resource, Term, TypeId};
use roaring::RoaringBitmap;

use super::common::{DICTIONARIES, MAP, all_ok, apply, param, resource, ty};
use super::model::text_filters;
use crate::{Error, Filter, IdOrder, Index, Row, Version};

#[test]
fn many_rows_over_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = Index::open(dir.path(), 1 << 30, DICTIONARIES).unwrap();
    index.versions_per_commit = 3_000;
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
    let cut = all_ok(&vec![resource(ty(1), 1, 1); 1])
        .chain((0..4_000).map(|i| Ok(Resource { id: format!("z{i}"), ..resource(ty(1), 1, 1) })))
        .chain([Err(Error::Refused("cut"))])
        .collect::<Vec<_>>();
    assert!(apply(&index, Tx::new(2), 0, cut.into_iter()).is_err());
    apply(&index, Tx::new(2), 0, all_ok(&[])).unwrap();
    let s = index.snapshot().unwrap();
    let odd: RoaringBitmap = (0..70_000).filter(|i| i % 2 == 1).collect();
    assert_eq!(*s.search(ty(1), &text_filters(param(1), "N1")[0]).unwrap(), odd);
    let fives: RoaringBitmap = (0..70_000).filter(|i| i % 17 == 5).collect();
    assert_eq!(*s.search(ty(1), &Filter::Uri { param: param(2), value: "5".into() }).unwrap(), fives);
    let all = s.search(ty(1), &Filter::All).unwrap();
    assert_eq!(all.len(), 70_000);
    // Many values of one row each.
    assert_eq!(s.search(ty(1), &text_filters(param(3), "u")[0]).unwrap(), all);
    let ones: RoaringBitmap = (0..70_000_u32).filter(|i| i.to_string().starts_with('1')).collect();
    assert_eq!(*s.search(ty(1), &text_filters(param(3), "U1")[0]).unwrap(), ones);
    let sevens: RoaringBitmap = (0..70_000_u32).filter(|i| i.to_string().contains("777")).collect();
    assert_eq!(*s.search(ty(1), &text_filters(param(3), "777")[1]).unwrap(), sevens);
    let id = |row: Row| s.read(row).unwrap().id().to_owned();
    let up = s.by_id(ty(1), &all, Some("10000"), IdOrder::Ascending, 3).unwrap();
    assert_eq!(up.into_iter().map(id).collect::<Vec<_>>(), ["10001", "10002", "10003"]);
    let down = s.by_id(ty(1), &odd, Some("10003"), IdOrder::Descending, 2).unwrap();
    assert_eq!(down.into_iter().map(id).collect::<Vec<_>>(), ["10001", "1"]);
}

/// Chunks of rows, some with one long record. Each row is read alone, after its neighbour, and after a distant row; transactions
/// are interrupted in between.
#[test]
fn rows_over_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    index.versions_per_commit = 7;
    // Pseudo-random bytes: compression leaves them long.
    let noise = |seed: usize, len: usize| -> Vec<u8> {
        let mut x = seed as u32;
        let mut next = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    };
    let numbered = |n: usize| {
        let len = [100, 700, 1_500, 9_000, 3_900, 0][n % 6];
        Resource { id: n.to_string(), after: [&noise(n, len)[..], b"x}"].concat(), ..resource(ty(1), 1, 1) }
    };
    let mut rows = 0;
    for (tx, many) in [1, 2, 40, 1, 200].into_iter().enumerate() {
        let (tx, all) = (Tx::new(tx as u64 + 1), (rows..rows + many).map(numbered).collect::<Vec<_>>());
        let cut = all_ok(&all[..many / 2]).chain([Err(Error::Refused("cut"))]);
        assert!(apply(&index, tx, 100, cut).is_err());
        if tx.get() % 2 == 0 {
            drop(index);
            index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
            index.versions_per_commit = 7;
        }
        assert_eq!(apply(&index, tx, 100, all_ok(&all)).unwrap(), many as u64);
        rows += many;
        let s = index.snapshot().unwrap();
        let has_row =
            |row: usize, entry: &Version| entry.row.get() as usize == row && entry.body().ends_with(&numbered(row).after);
        for step in [1, 5, 60, rows - 1] {
            let (mut reader, mut entry) = (s.reader(), Version::default());
            for row in (0..rows).map(|n| n * step % rows).chain((0..rows).rev()) {
                reader.read(Row::new(row as u32), &mut entry).unwrap();
                assert!(has_row(row, &entry), "row {row} by steps of {step}");
                assert!(has_row(row, &s.read(Row::new(row as u32)).unwrap()));
            }
            assert!(reader.read(Row::new(rows as u32), &mut entry).is_err() && s.read(Row::new(rows as u32)).is_err());
        }
        assert_eq!(index.check().unwrap(), Vec::<String>::new());
    }
}

/// Columns of several chunks, written by large and small transactions that are interrupted and applied again.
#[test]
fn links_over_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = Index::open(dir.path(), 1 << 30, DICTIONARIES).unwrap();
    index.versions_per_commit = 900;
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
    // One row has more references than a chunk holds; then rows leave a gap that 16 bits do not hold.
    let mut list: Vec<_> = (0..700).map(|n| source(n, n..n + if n == 5 { 900 } else { n % 3 })).collect();
    list.extend((0..66_000).map(|n| target(n, 0)));
    apply(&index, Tx::new(1), 0, all_ok(&list)).unwrap();
    let mut tx = Tx::new(1);
    // Small transactions, each interrupted once.
    for n in 700..760 {
        tx = tx.next();
        let one = [source(n, n..n + 2), target(n, 1)];
        let cut = all_ok(&one).chain((0..if n % 20 == 0 { 1_000 } else { 1 }).map(|k| Ok(source(9_000 + k, 0..1))));
        assert!(apply(&index, tx, 0, cut.chain([Err(Error::Refused("cut"))])).is_err());
        apply(&index, tx, 0, all_ok(&one)).unwrap();
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
    // Small transactions extended the last chunk of each column.
    let txn = index.env.read_txn().unwrap();
    let sizes: Vec<usize> = index.dbs.links.iter(&txn).unwrap().map(|item| item.unwrap().1.len()).collect();
    assert!(sizes.iter().filter(|size| **size < 4_080).count() <= 6, "{sizes:?}");
}
