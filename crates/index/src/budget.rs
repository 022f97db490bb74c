//! What a search may cost, and what those that cost much found.
//!
//! Work is counted where it is done, not timed: a search is refused for what it asks, never for what else the machine does.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use annuaire_base::Tx;
use annuaire_cache::Generations;
use roaring::RoaringBitmap;

use crate::{Error, Filter};
use annuaire_terms::TypeId;

/// An amount of work; one unit is about a tenth of a microsecond.
pub type Effort = u64;
/// As much work as it takes.
pub const UNLIMITED: Effort = Effort::MAX;

/// A filter that looks one term up.
pub const FILTER: Effort = 10;
/// A block of terms that its own filter excludes.
pub const PASSED: Effort = 2;
/// A block of terms that is read.
pub const BLOCK: Effort = 50;
/// A chunk of a column of links that is read.
pub const CHUNK: Effort = 10;
/// Rows found that are united or copied for one unit.
pub const ROWS: u64 = 500;
/// The head of a record.
pub const HEAD: Effort = 3;
/// A record that is decompressed.
pub const RECORD: Effort = 30;

/// Bytes of the results remembered.
const REMEMBERED: usize = 64 << 20;
/// Work from which a result is remembered: finding one again must cost less.
const WORTH: Effort = 500;

/// Counts the work of a snapshot.
#[derive(Debug)]
pub struct Meter {
    spent: Cell<Effort>,
    allowed: Cell<Effort>,
}

impl Default for Meter {
    fn default() -> Self {
        Self { spent: Cell::new(0), allowed: Cell::new(UNLIMITED) }
    }
}

impl Meter {
    pub fn allow(&self, work: Effort) {
        self.allowed.set(work);
    }

    pub fn spent(&self) -> Effort {
        self.spent.get()
    }

    pub fn spend(&self, work: Effort) -> Result<(), Error> {
        let spent = self.spent.get().saturating_add(work);
        self.spent.set(spent);
        if spent > self.allowed.get() { Err(Error::Exhausted) } else { Ok(()) }
    }
}

/// Transaction, type and filter of a result.
pub type Key = (Tx, TypeId, Filter);

/// Results by key. Nothing in it is ever wrong: a transaction does not change.
pub type Results = Arc<Mutex<Generations<Key, Arc<RoaringBitmap>>>>;

pub fn new_results() -> Results {
    Arc::new(Mutex::new(Generations::new(REMEMBERED)))
}

/// The key of what a search finds, `None` when finding it again costs less than remembering it.
pub fn key(tx: Tx, ty: TypeId, filter: &Filter) -> Option<Key> {
    wide(filter).then(|| (tx, ty, filter.clone()))
}

/// What was found before.
pub fn remembered(results: &Results, key: &Key) -> Option<Arc<RoaringBitmap>> {
    results.lock().unwrap_or_else(PoisonError::into_inner).get(key)
}

/// Keeps what was found with that much work.
pub fn remember(results: &Results, key: Key, rows: &Arc<RoaringBitmap>, work: Effort) {
    if work >= WORTH {
        // The key counts too: a list of a thousand values is longer than what it finds.
        let weight = rows.serialized_size() + std::mem::size_of::<Filter>() * weight(&key.2);
        results.lock().unwrap_or_else(PoisonError::into_inner).insert(key, rows.clone(), weight);
    }
}

/// Whether a filter can cost much: one that looks a single term up is not even looked for.
fn wide(filter: &Filter) -> bool {
    !matches!(filter, Filter::Token { code: Some(_), .. } | Filter::Ids(_) | Filter::Reference { .. } | Filter::Uri { .. })
}

/// Filters in a filter.
fn weight(filter: &Filter) -> usize {
    match filter {
        Filter::And(all) | Filter::Or(all) => 1 + all.iter().map(weight).sum::<usize>(),
        Filter::Not(filter) | Filter::Chain { filter, .. } | Filter::Has { filter, .. } => 1 + weight(filter),
        _ => 1,
    }
}
