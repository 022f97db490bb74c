//! What is withdrawn by law is nowhere any more, and versions go on from there.

use annuaire_base::Tx;
use annuaire_terms::{Presence, Resource, Term};

use super::common::{DICTIONARIES, MAP, param, ty};
use crate::databases::Db;
use crate::{Error, Filter, GroupItem, Index, Row, TxEnd};

fn resource(id: &str, content: u8, name: &str) -> Resource {
    let long = format!("{}{name}", "long ".repeat(120));
    Resource {
        ty: ty(1),
        id: id.into(),
        before: [&[b'{', content], name.as_bytes()].concat(),
        after: b"}".to_vec(),
        terms: vec![
            Term::Text { param: param(2), value: name.into() },
            Term::Text { param: param(2), value: long },
            Term::Reference { param: param(3), target: format!("B/{name}") },
        ],
        foreign_stamp: None,
        presence: Presence::Described,
    }
}

/// One transaction: its resources, then its end.
fn items(index: &Index, tx: u64, resources: Vec<Resource>, withdrawn: &[&str]) -> Vec<Result<GroupItem, Error>> {
    let mut preparer = index.preparer(Tx::new(tx), 100).unwrap();
    let mut items: Vec<_> =
        resources.into_iter().map(|r| preparer.prepare_for(r, Tx::new(tx), 100).map(GroupItem::Resource)).collect();
    let withdrawn = withdrawn.iter().map(|id| (ty(1), (*id).to_owned())).collect();
    items.push(Ok(GroupItem::End(TxEnd { tx: Tx::new(tx), commit_ms: 100 * tx as i64, withdrawn, ..TxEnd::default() })));
    items
}

/// Whether a name is anywhere in the databases, or in a body.
fn has(index: &Index, name: &str) -> bool {
    let txn = index.env.read_txn().unwrap();
    let in_db = |db: Db| {
        db.iter(&txn).unwrap().any(|item| {
            let (key, value) = item.unwrap();
            [key, value].iter().any(|bytes| memchr::memmem::find(bytes, name.as_bytes()).is_some())
        })
    };
    let dbs = &index.dbs;
    let snapshot = index.snapshot().unwrap();
    let in_body = |row: u32| {
        let version = snapshot.read(Row::new(row)).unwrap();
        memchr::memmem::find(version.body(), name.as_bytes()).is_some()
    };
    [dbs.meta, dbs.rows, dbs.terms, dbs.sets, dbs.longs, dbs.links, dbs.closings, dbs.leaving, dbs.former].into_iter().any(in_db)
        || snapshot.versions_since(None, i64::MIN).unwrap().iter().any(in_body)
}

/// Resources, their withdrawal, and their return in one group: as if each transaction were applied alone.
#[test]
fn a_withdrawal_within_a_group_leaves_nothing_of_the_content() {
    for alone in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
        let apply = |items: Vec<Result<GroupItem, Error>>| index.apply_group(items.into_iter(), None).unwrap();
        apply(items(&index, 1, vec![resource("a", b'0', "zyzzyva"), resource("b", b'0', "dupont")], &[]));
        apply(items(&index, 2, vec![resource("a", b'1', "zyzzyvas")], &[]));
        assert!(has(&index, "zyzzyva") && has(&index, "dupont"));
        let mut group = vec![
            items(&index, 3, vec![resource("a", b'2', "zyzzyva"), resource("c", b'0', "zyzzyva")], &[]),
            items(&index, 4, vec![resource("b", b'1', "durand")], &["a", "c", "unknown"]),
            items(&index, 5, vec![resource("c", b'1', "martin")], &["a"]),
        ];
        if alone {
            group.into_iter().for_each(|items| _ = apply(items));
        } else {
            apply(group.drain(..).flatten().collect());
        }
        assert!(!has(&index, "zyzzyva"), "alone: {alone}");
        assert!(has(&index, "dupont") && has(&index, "durand") && has(&index, "martin"));
        for tx in 1..=5 {
            let snapshot = index.snapshot_at(Tx::new(tx)).unwrap().unwrap();
            assert!(snapshot.current(ty(1), "a").unwrap().is_none(), "not even in the past");
            let found = snapshot.search(ty(1), &Filter::Contains { param: param(2), value: "zyzz".into() }).unwrap();
            assert!(found.is_empty());
        }
        let snapshot = index.snapshot().unwrap();
        let numbers = |id: &str| -> Vec<(u32, bool)> {
            let rows = snapshot.history(ty(1), id).unwrap();
            rows.into_iter().map(|row| snapshot.read(row).unwrap()).map(|v| (v.number, v.tombstone.is_some())).collect()
        };
        assert_eq!(numbers("a"), [(4, true), (3, true), (2, true), (1, true)]);
        assert_eq!(numbers("c"), [(3, false), (2, true), (1, true)]);
        assert_eq!(numbers("b"), [(2, false), (1, false)]);
        assert_eq!(snapshot.versions_since(Some(ty(1)), 400).unwrap().len(), 4, "b, the tombstones of a and c, and c again");
        assert!(snapshot.former(ty(1), "a").unwrap().unwrap().is_withdrawn_by_law);
        assert!(snapshot.former(ty(1), "c").unwrap().is_none());
        assert_eq!(index.check().unwrap(), Vec::<String>::new());

        // Compaction leaves the tombstone.
        assert!(index.compact(500, &|| true).unwrap().is_complete);
        assert_eq!(index.snapshot().unwrap().history(ty(1), "a").unwrap().len(), 1);
        assert_eq!(index.snapshot().unwrap().former(ty(1), "a").unwrap().unwrap().number, 4);
        apply(items(&index, 6, vec![resource("a", b'2', "petit")], &[]));
        assert_eq!(index.snapshot().unwrap().current(ty(1), "a").unwrap().unwrap().number, 5);
        let txn = index.env.read_txn().unwrap();
        assert_eq!(index.dbs.longs.len(&txn).unwrap(), 3, "the long texts of three resources");
        assert_eq!(index.check().unwrap(), Vec::<String>::new());
    }
}

/// A resource that was prepared before it came, vanished and was removed does not use a number again.
#[test]
fn what_was_prepared_long_ago_gets_the_number_that_follows() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    let apply = |items: Vec<Result<GroupItem, Error>>| index.apply_group(items.into_iter(), None).unwrap();
    apply(items(&index, 1, vec![resource("b", b'0', "durand")], &[]));
    let early = items(&index, 4, vec![resource("a", b'0', "martin")], &[]);
    apply(items(&index, 2, vec![resource("a", b'0', "martin")], &[]));
    apply(items(&index, 3, vec![], &["a"]));
    assert_eq!(index.compact(i64::MAX, &|| true).unwrap().rows, 1);
    apply(early);
    assert_eq!(index.snapshot().unwrap().current(ty(1), "a").unwrap().unwrap().number, 3);
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
}
