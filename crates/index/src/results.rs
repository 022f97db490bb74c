//! Results of costly searches, remembered for the pages that follow.
//!
//! A result never becomes wrong: its key names the transaction, and the state at a transaction does not change.

use std::sync::{Arc, Mutex, PoisonError};

use annuaire_base::Tx;
use annuaire_cache::Generations;
use annuaire_terms::TypeId;
use roaring::RoaringBitmap;

use crate::budget::Effort;
use crate::filter::Filter;

/// Bytes of the results remembered, over all searches.
const CAPACITY_BYTES: usize = 64 << 20;
/// Effort from which a result is remembered; a cheaper search is repeated.
const EFFORT_MIN: Effort = 500;

/// Transaction, type and filter of a search.
pub type ResultKey = (Tx, TypeId, Filter);

/// Remembered results, shared by the snapshots of a store.
#[derive(Clone)]
pub struct SearchResults(Arc<Mutex<Generations<ResultKey, Arc<RoaringBitmap>>>>);

impl SearchResults {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Generations::new(CAPACITY_BYTES))))
    }

    /// Key of a search; `None` for a filter that one look-up answers, since remembering its result would cost more.
    pub fn key(tx: Tx, ty: TypeId, filter: &Filter) -> Option<ResultKey> {
        (!is_one_look_up(filter)).then(|| (tx, ty, filter.clone()))
    }

    pub fn get(&self, key: &ResultKey) -> Option<Arc<RoaringBitmap>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }

    /// Remembers a result that cost `effort`, unless that is little.
    pub fn insert(&self, key: ResultKey, rows: &Arc<RoaringBitmap>, effort: Effort) {
        if effort >= EFFORT_MIN {
            // A filter that lists a thousand values is larger than its result: the key is weighed too.
            let weight = rows.serialized_size() + std::mem::size_of::<Filter>() * filter_count(&key.2);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, rows.clone(), weight);
        }
    }
}

fn is_one_look_up(filter: &Filter) -> bool {
    matches!(filter, Filter::Token { code: Some(_), .. } | Filter::Ids(_) | Filter::Reference { .. } | Filter::Uri { .. })
}

/// Number of filters in a filter, itself included.
fn filter_count(filter: &Filter) -> usize {
    match filter {
        Filter::And(all) | Filter::Or(all) => 1 + all.iter().map(filter_count).sum::<usize>(),
        Filter::Not(filter) | Filter::Chain { filter, .. } | Filter::Has { filter, .. } => 1 + filter_count(filter),
        _ => 1,
    }
}
