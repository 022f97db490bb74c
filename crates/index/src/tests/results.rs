//! Results carried over transactions, compared with a store that remembers nothing.

use annuaire_base::Tx;
use annuaire_terms::Resource;
use proptest::prelude::*;

use super::common::{DICTIONARIES, MAP, all_ok, apply, resource, ty};
use super::model::filters;
use crate::{Filter, Index};

fn batches() -> impl Strategy<Value = Vec<Vec<Resource>>> {
    let one = (0u8..2, 0u8..5, 0u8..6).prop_map(|(t, i, c)| resource(ty(t), i, c));
    prop::collection::vec(prop::collection::vec(one, 0..5), 2..8)
}

/// Filters that cost enough to be remembered, and how much of them is asked for at each transaction.
fn asked() -> impl Strategy<Value = Vec<Vec<usize>>> {
    prop::collection::vec(prop::collection::vec(0usize..filters().len(), 0..40), 8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_result_carried_over_is_that_of_the_search(history in batches(), asked in asked()) {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
        let filters = filters();
        for (n, list) in history.iter().enumerate() {
            apply(&index, Tx::new(n as u64 + 1), 100 * (n as i64 + 1), all_ok(list)).unwrap();
            // A store that was just opened remembers nothing.
            let copy = tempfile::tempdir().unwrap();
            index.env.copy_to_path(copy.path().join("data.mdb"), heed::CompactionOption::Disabled).unwrap();
            let fresh = Index::open(copy.path(), MAP, DICTIONARIES).unwrap();
            for filter in asked[n].iter().map(|at| &filters[*at]).chain([&Filter::All]) {
                for ty in (0..2).map(ty) {
                    let (kept, wanted) = (index.snapshot().unwrap(), fresh.snapshot().unwrap());
                    prop_assert_eq!(kept.search(ty, filter).unwrap(), wanted.search(ty, filter).unwrap(), "{:?}", filter);
                }
            }
        }
    }
}
