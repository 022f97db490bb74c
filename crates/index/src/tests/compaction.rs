//! Compaction and withdrawal against the model: stopped, interrupted and gone on with at any commit.

use std::cell::Cell;

use annuaire_base::Tx;
use annuaire_terms::{Resource, TypeId};
use proptest::prelude::*;

use super::common::{DICTIONARIES, MAP, param, resource, ty};
use super::model::{Model, check, check_all, check_live, text_filters};
use crate::{ApplyOptions, Error, Filter, Index};

/// A step of a history.
#[derive(Debug, Clone)]
enum Step {
    /// A transaction: resources, and those withdrawn.
    Apply { resources: Vec<Resource>, withdrawn: Vec<(TypeId, String)> },
    /// A compaction that keeps what was closed in the last `keep` transactions, stopped after `commits`.
    Compact { keep: usize, commits: usize },
    /// Closing and opening.
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = (0u8..2, 0u8..4, 0u8..6).prop_map(|(t, i, c)| resource(ty(t), i, c));
    let withdrawn = (0u8..2, 0u8..5).prop_map(|(t, i)| (ty(t), format!("id{i}")));
    let apply = (prop::collection::vec(one, 0..8), prop::collection::vec(withdrawn, 0..3), 0..4)
        .prop_map(|(resources, withdrawn, n)| Step::Apply { resources, withdrawn: if n == 0 { withdrawn } else { vec![] } });
    let compact = (0usize..4, 0usize..12).prop_map(|(keep, commits)| Step::Compact { keep, commits });
    prop::collection::vec(prop_oneof![4 => apply, 2 => compact, 1 => Just(Step::Reopen)], 1..14)
}

fn open(dir: &std::path::Path) -> Index {
    let mut index = Index::open(dir, MAP, DICTIONARIES).unwrap();
    (index.versions_per_commit, index.pages_per_step) = (3, 1);
    index
}

fn apply(index: &Index, tx: Tx, ms: i64, list: &[Resource], withdrawn: &[(TypeId, String)]) {
    let mut preparer = index.preparer(tx, ms).unwrap();
    let prepared = list.iter().cloned().map(|resource| preparer.prepare(resource));
    index.apply_with::<Error>(tx, ms, prepared, &ApplyOptions { withdrawn, ..ApplyOptions::default() }).unwrap();
}

/// Filters of each kind, few enough to be asked at each commit.
fn some_filters() -> Vec<Filter> {
    let chain =
        |filter: Filter| Filter::Chain { param: param(3), target_type: ty(0), target_name: "A".into(), filter: Box::new(filter) };
    let mut all: Vec<Filter> = text_filters(param(2), "go").into();
    all.push(Filter::Missing(param(4)));
    all.push(chain(Filter::Missing(param(4))));
    all.push(Filter::Has { source_type: ty(1), param: param(3), target_name: "A".into(), filter: Box::new(Filter::All) });
    all.push(Filter::Token { param: param(1), system: None, code: Some("c0".into()) });
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Random histories with compactions that are stopped at random commits, reopenings and withdrawals.
    #[test]
    fn a_compacted_store_answers_as_the_model(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let mut index = open(dir.path());
        let (mut model, mut txs, filters) = (Model::default(), Vec::<(Tx, i64)>::new(), some_filters());
        // The horizon of a compaction that was stopped.
        let mut going = Tx::NONE;
        for step in steps {
            match step {
                Step::Apply { resources, withdrawn } => {
                    let n = txs.len() as u64;
                    let (tx, ms) = (Tx::new(3 + 2 * n), 100 * (n as i64 + 1));
                    apply(&index, tx, ms, &resources, &withdrawn);
                    if !withdrawn.is_empty() && index.retained_from() > Tx::NONE {
                        // It ends the compaction, unless there was nothing to withdraw from.
                        model.compact(index.retained_from());
                    }
                    // What is withdrawn goes first: a resource that comes with it follows its tombstone.
                    model.withdraw(tx, ms, &withdrawn);
                    model.apply(tx, ms, &resources);
                    txs.push((tx, ms));
                }
                Step::Compact { keep, commits } => {
                    let Some((horizon, ms)) = txs.len().checked_sub(keep + 1).map(|n| txs[n]) else { continue };
                    let left = Cell::new(commits);
                    let between = || {
                        let known = txs.iter().map(|(tx, _)| *tx).filter(|tx| *tx >= index.retained_from());
                        for tx in known.take(2).chain(txs.last().map(|(tx, _)| *tx)) {
                            check_live(&index.snapshot_at(tx).unwrap().unwrap(), &model, &filters);
                        }
                        assert_eq!(index.check().unwrap(), Vec::<String>::new());
                        left.set(left.get().saturating_sub(1));
                        left.get() > 0
                    };
                    let report = index.compact(ms, &between).unwrap();
                    prop_assert_eq!(report.retained_from, index.retained_from());
                    going = if report.is_complete { Tx::NONE } else { index.retained_from() };
                    if report.is_complete {
                        prop_assert!(index.retained_from() >= horizon);
                        model.compact(index.retained_from());
                        prop_assert_eq!(index.removable(ms).unwrap(), 0);
                        let again = index.compact(ms, &|| true).unwrap();
                        prop_assert_eq!((again.rows, again.commits, again.is_complete), (0, 0, true));
                    }
                }
                Step::Reopen => {
                    let retained = index.retained_from();
                    drop(index);
                    index = open(dir.path());
                    prop_assert_eq!(index.retained_from(), retained);
                }
            }
        }
        // What was stopped is gone on with, by a call that asks for less.
        if going > Tx::NONE {
            index.compact(i64::MIN, &|| true).unwrap();
            model.compact(going);
        }
        let txs: Vec<Tx> = txs.into_iter().map(|(tx, _)| tx).collect();
        check_all(&index, &model, &txs);
        drop(index);
        let index = open(dir.path());
        check(&index.snapshot().unwrap(), &model);
        prop_assert_eq!(index.check().unwrap(), Vec::<String>::new());
    }
}
