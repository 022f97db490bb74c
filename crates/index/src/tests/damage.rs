//! Damaged files: `check` reports what was changed, and reads refuse it.

use annuaire_base::Tx;
use annuaire_terms::{ParamId, Resource, Term};

use super::common::{DICTIONARIES, MAP, all_ok, apply, resource, ty};
use crate::databases::Db;
use crate::{Index, Row};

#[test]
fn what_was_changed_is_named_and_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    let all: Vec<_> = (0..5).map(|i| resource(ty(1), i, i)).collect();
    apply(&index, Tx::new(1), 100, all_ok(&all)).unwrap();
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

#[test]
fn a_column_that_was_changed_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    apply(&index, Tx::new(1), 100, all_ok(&(0..5).map(|i| resource(ty(1), i, i)).collect::<Vec<_>>())).unwrap();
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
        Resource { terms: vec![Term::Reference { param: ParamId::STORE, target: "A/id1".into() }], ..resource(ty(1), 9, 1) };
    assert!(apply(&index, Tx::new(2), 200, all_ok(&[nameless])).is_err());
}
