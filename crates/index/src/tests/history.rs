//! Random histories against the model, with interruptions.

use annuaire_base::Tx;
use annuaire_terms::Resource;
use proptest::prelude::*;

use super::common::{DICTIONARIES, MAP, all_ok, apply, resource, ty};
use super::model::{Model, check, check_all};
use crate::{Error, Index, Row};

fn batches() -> impl Strategy<Value = Vec<Vec<Resource>>> {
    let one = (0u8..2, 0u8..4, 0u8..6).prop_map(|(t, i, c)| resource(ty(t), i, c));
    prop::collection::vec(prop::collection::vec(one, 0..10), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Random histories, with failures in the middle of transactions and a reopening.
    #[test]
    fn the_store_answers_as_the_model(history in batches(), lost in batches(), batch in 1usize..5) {
        let dir = tempfile::tempdir().unwrap();
        let mut index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
        index.versions_per_commit = batch;
        let (mut model, mut txs) = (Model::default(), Vec::new());
        for (i, list) in history.iter().enumerate() {
            let (tx, ms) = (Tx::new(3 + 2 * i as u64), 100 * (i as i64 / 2 + 1));
            let held = index.snapshot().unwrap();
            if let Some(lost) = lost.get(i) {
                let broken = all_ok(lost).chain([Err(Error::Refused("cut"))]);
                prop_assert!(apply(&index, tx, ms, broken).is_err());
                check(&index.snapshot().unwrap(), &model);
            }
            let made = apply(&index, tx, ms, all_ok(list)).unwrap();
            check(&held, &model);
            prop_assert_eq!(made, model.apply(tx, ms, list));
            prop_assert_eq!(apply(&index, tx, ms, all_ok(&[resource(ty(0), 0, 9)])).unwrap(), 0);
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

#[test]
fn crash_between_batches() {
    let dir = tempfile::tempdir().unwrap();
    let first: Vec<_> = (0..5).map(|i| resource(ty(1), i, i)).collect();
    let second: Vec<_> = (0..5).map(|i| resource(ty(1), i, i + 1)).collect();
    let mut model = Model::default();
    let mut index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    index.versions_per_commit = 2;
    apply(&index, Tx::new(1), 100, all_ok(&first)).unwrap();
    model.apply(Tx::new(1), 100, &first);
    let cut = all_ok(&second[1..]).chain([Err(Error::Refused("cut"))]);
    assert!(apply(&index, Tx::new(2), 200, cut).is_err());
    check_all(&index, &model, &[Tx::new(1)]);
    drop(index);
    let mut index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    index.versions_per_commit = 2;
    assert!(crate::chunk::last_row(&index.dbs, &index.env.read_txn().unwrap()).unwrap() > Some(Row::new(5)), "rows were left");
    check_all(&index, &model, &[Tx::new(1)]);
    assert_eq!(apply(&index, Tx::new(2), 200, all_ok(&second)).unwrap(), model.apply(Tx::new(2), 200, &second));
    check_all(&index, &model, &[Tx::new(1), Tx::new(2)]);
}
