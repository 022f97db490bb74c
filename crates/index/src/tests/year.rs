//! A year in miniature: daily deliveries and small transactions, with compaction. What the store takes follows what is kept.

use annuaire_base::Tx;
use annuaire_terms::{Presence, Resource, Term};

use super::common::{DICTIONARIES, param, ty};
use crate::{Error, Filter, GroupItem, Index, Row, TxEnd};

const RESOURCES: u32 = 1_000;
const DAYS: u32 = 90;
/// Resources that a day changes, in one delivery and one by one.
const CHANGED: u32 = 20;

/// The content of a resource after a number of changes. Few of its values change, as in life.
fn resource(n: u32, changes: u32) -> Resource {
    let text = |param, value| Term::Text { param, value };
    let town = format!("town {}", (n + changes / 3) % 90);
    Resource {
        ty: ty(1),
        id: format!("{n:07}"),
        before: format!("{{\"name\":\"Nom{} Prénom{}\",\"town\":\"{town}\",\"seen\":{changes},", n % 700, n % 310).into_bytes(),
        after: b"\"end\":1}".to_vec(),
        terms: vec![
            text(param(1), format!("Nom{} Prénom{}", n % 700, n % 310)),
            text(param(2), town),
            Term::Token { param: param(3), system: "phone".into(), code: format!("{:08}", n * 37 + changes) },
            Term::Token { param: param(4), system: "profession".into(), code: format!("{}", n % 20) },
            Term::Reference { param: param(5), target: format!("B/{}", (n + changes) % 400) },
        ],
        foreign_stamp: None,
        presence: Presence::Described,
    }
}

/// What a store takes: values in `terms`, `sets`, `rows`, `links`, `tx` and `closings`, and pages in use.
#[derive(Debug)]
struct Size {
    blocks: u64,
    chunks: u64,
    columns: u64,
    others: u64,
    pages: usize,
}

fn size(index: &Index) -> Size {
    let txn = index.env.read_txn().unwrap();
    let dbs = &index.dbs;
    let mut pages = 0;
    for db in [dbs.rows, dbs.terms, dbs.sets, dbs.longs, dbs.links, dbs.tx, dbs.closings] {
        let stat = db.stat(&txn).unwrap();
        pages += stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
    }
    let len = |db: crate::databases::Db| db.len(&txn).unwrap();
    Size {
        blocks: len(dbs.terms),
        chunks: len(dbs.rows),
        columns: len(dbs.links),
        others: len(dbs.tx) + len(dbs.closings),
        pages,
    }
}

#[test]
fn a_store_grows_with_what_it_keeps_and_not_with_its_age() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), 1 << 30, DICTIONARIES).unwrap();
    let (mut tx, mut changes) = (0, vec![0; RESOURCES as usize]);
    // Transactions one millisecond after the other, in one group.
    let mut apply = |ms: i64, transactions: Vec<Vec<Resource>>| {
        let mut preparer = index.preparer(Tx::new(tx), ms).unwrap();
        let mut items = Vec::new();
        for (ms, resources) in (ms..).zip(transactions) {
            tx += 1;
            items.extend(resources.into_iter().map(|r| preparer.prepare_for(r, Tx::new(tx), ms).map(GroupItem::Resource)));
            items.push(Ok::<_, Error>(GroupItem::End(TxEnd { tx: Tx::new(tx), commit_ms: ms, ..TxEnd::default() })));
        }
        index.apply_group(items.into_iter(), None).unwrap();
    };
    apply(0, vec![(0..RESOURCES).map(|n| resource(n, 0)).collect()]);
    let first = size(&index);
    let mut file_after_month = 0;
    for day in 1..=DAYS {
        let mut change = |n: u32| {
            let n = (n.wrapping_mul(2_654_435_761) >> 8) % RESOURCES;
            changes[n as usize] += 1;
            resource(n, changes[n as usize])
        };
        let delivery = (0..CHANGED).map(|n| change(day * 1_000 + n)).collect();
        let small = (0..CHANGED).map(|n| vec![change(day * 1_000 + 500 + n)]);
        apply(i64::from(day) * 1_000, std::iter::once(delivery).chain(small).collect());
        if day % 5 == 0 {
            let report = index.compact((i64::from(day) - 10) * 1_000, &|| true).unwrap();
            assert!(report.is_complete);
        }
        if day == DAYS / 3 {
            file_after_month = index.env.info().last_page_number;
        }
    }
    let last = size(&index);
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
    // All but the last day is removed: the store of the same content, written once.
    assert!(index.compact(i64::from(DAYS) * 1_000, &|| true).unwrap().is_complete);
    let compact = size(&index);
    let fresh_dir = tempfile::tempdir().unwrap();
    let fresh_index = Index::open(fresh_dir.path(), 1 << 30, DICTIONARIES).unwrap();
    let mut preparer = fresh_index.preparer(Tx::new(1), 0).unwrap();
    let all: Vec<_> = changes.iter().zip(0..).map(|(changes, n)| preparer.prepare(resource(n, *changes))).collect();
    fresh_index.apply::<Error>(Tx::new(1), 0, all.into_iter()).unwrap();
    let fresh = size(&fresh_index);
    println!("first {first:?}\nlast {last:?}\ncompact {compact:?}\nfresh {fresh:?}");
    println!("pages of the file: {file_after_month} at a third, {} at the end", index.env.info().last_page_number);

    // Ten to fifteen days of changes are kept: some 500 versions beside 1 000.
    assert!(last.blocks * 10 <= fresh.blocks * 25, "blocks");
    assert!(last.pages * 10 <= fresh.pages * 28, "pages");
    assert!(compact.blocks * 10 <= fresh.blocks * 20 && compact.pages * 10 <= fresh.pages * 20);
    assert!(compact.columns <= fresh.columns + 4 && compact.chunks <= 2 * fresh.chunks);
    // Transactions of which a version is left, and those that are kept.
    assert!(compact.others < u64::from(RESOURCES));
    // Freed pages are used again: the file does not grow with the days.
    assert!(index.env.info().last_page_number * 10 <= file_after_month * 13);
    // Every row that is left can be found, and is that of the naive store.
    let snapshot = index.snapshot().unwrap();
    let live = snapshot.search(ty(1), &Filter::All).unwrap();
    assert_eq!(live.len(), u64::from(RESOURCES));
    for row in live.iter().map(Row::new) {
        let version = snapshot.read(row).unwrap();
        let n: u32 = version.id().parse().unwrap();
        assert_eq!(version.number, changes[n as usize] + 1);
        let wanted = resource(n, changes[n as usize]);
        assert!(version.body().starts_with(&wanted.before));
    }
}
