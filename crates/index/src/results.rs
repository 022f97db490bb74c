//! Results of costly searches, remembered for the pages that follow and for the states that follow.
//!
//! A result of a state never becomes wrong. For a later state it is *carried over* ([`crate::carry`]): the rows that are still live stay, and
//! each row added since is looked at alone ([`row_filter`]), by its keys, which are kept in memory for the rows added lately
//! ([`recent_keys`]). A search through references also compares what it found at its other end.

mod recent_keys;
pub mod row_filter;

use std::sync::{Arc, Mutex, PoisonError};

use annuaire_base::Tx;
use annuaire_cache::Generations;
use annuaire_terms::TypeId;
use roaring::RoaringBitmap;

use self::recent_keys::RecentKeys;
use crate::budget::Effort;
use crate::filter::Filter;
use crate::resource_keys::ResourceKeys;
use crate::row::Row;

/// Bytes of the results remembered, over all searches.
const CAPACITY_BYTES: usize = 64 << 20;
/// Effort from which a result is remembered; a cheaper search is repeated.
pub const EFFORT_MIN: Effort = if cfg!(test) { 10 } else { 500 };
/// Most states of which a search keeps its results.
const STATES_MAX: usize = 4;

/// Type and filter of a search.
pub type ResultKey = (TypeId, Filter);

/// Rows at the other ends of searches through references.
pub type LinkEnds = Arc<[Arc<RoaringBitmap>]>;

/// What a search found in a state.
#[derive(Debug, Clone)]
pub struct KeptResult {
    pub tx: Tx,
    /// End of the rows of that state.
    pub end: Row,
    pub rows: Arc<RoaringBitmap>,
    /// What its searches through references found at their other ends, in the order of the filter; `None` when that is not known, and
    /// the result is of its own state only.
    pub ends: Option<LinkEnds>,
}

/// Remembered results, shared by the snapshots of a store.
#[derive(Clone)]
pub struct SearchResults(Arc<Mutex<ResultTable>>);

struct ResultTable {
    /// Results of a search, by their transactions, in ascending order.
    kept: Generations<ResultKey, Arc<[KeptResult]>>,
    recent: RecentKeys,
    /// No result of an earlier state is kept.
    floor: Tx,
}

impl SearchResults {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(ResultTable {
            kept: Generations::new(CAPACITY_BYTES),
            recent: RecentKeys::default(),
            floor: Tx::NONE,
        })))
    }

    /// Key of a search; `None` for a filter that one look-up answers, since remembering its result would cost more.
    pub fn key(ty: TypeId, filter: &Filter) -> Option<ResultKey> {
        (!is_one_look_up(filter)).then(|| (ty, filter.clone()))
    }

    /// The result of a search at a transaction, or at the nearest one before it.
    pub fn get(&self, key: &ResultKey, tx: Tx) -> Option<KeptResult> {
        let kept = self.table().kept.get(key)?;
        kept.iter().rev().find(|result| result.tx <= tx).cloned()
    }

    /// Remembers a result.
    pub fn insert(&self, key: ResultKey, result: KeptResult) {
        let mut table = self.table();
        if result.tx < table.floor {
            return;
        }
        let mut kept: Vec<KeptResult> = table.kept.get(&key).map(|kept| kept.to_vec()).unwrap_or_default();
        kept.retain(|other| other.tx != result.tx);
        kept.insert(kept.partition_point(|other| other.tx < result.tx), result);
        let oldest = kept.len().saturating_sub(STATES_MAX);
        kept.drain(..oldest);
        // A filter that lists a thousand values is larger than its result: the key is weighed too.
        let sizes = kept
            .iter()
            .flat_map(|one| std::iter::once(&one.rows).chain(one.ends.iter().flat_map(|ends| ends.iter())))
            .map(|rows| rows.serialized_size());
        let weight = sizes.sum::<usize>() + std::mem::size_of::<Filter>() * filter_count(&key.1);
        table.kept.insert(key, kept.into(), weight);
    }

    /// Keeps the keys of the rows that small transactions added, from `first` on, without a gap. Called when they are published.
    pub fn note_added(&self, first: Row, keys: Vec<ResourceKeys>) {
        self.table().recent.extend(first, keys);
    }

    /// Keys of these rows; `None` unless all are kept.
    pub fn keys_of(&self, rows: &RoaringBitmap) -> Option<Vec<(Row, Arc<ResourceKeys>)>> {
        let table = self.table();
        rows.iter().map(|row| Some((Row::new(row), table.recent.get(Row::new(row))?))).collect()
    }

    /// Forgets everything, and keeps no result of a state before a transaction any more: it withdrew what they found.
    pub fn forget_before(&self, tx: Tx) {
        let mut table = self.table();
        *table = ResultTable { kept: Generations::new(CAPACITY_BYTES), recent: RecentKeys::default(), floor: tx };
    }

    fn table(&self) -> std::sync::MutexGuard<'_, ResultTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_one_look_up(filter: &Filter) -> bool {
    matches!(
        filter,
        Filter::Token { code: Some(_), .. }
            | Filter::Ids(_)
            | Filter::Reference { .. }
            | Filter::Uri { .. }
            | Filter::Folded { .. }
            | Filter::Word { .. }
            | Filter::Sound { .. }
    )
}

/// Number of filters in a filter, itself included.
fn filter_count(filter: &Filter) -> usize {
    match filter {
        Filter::And(all) | Filter::Or(all) => 1 + all.iter().map(filter_count).sum::<usize>(),
        Filter::Not(filter) | Filter::Chain { filter, .. } | Filter::Has { filter, .. } => 1 + filter_count(filter),
        _ => 1,
    }
}
