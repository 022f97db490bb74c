//! Effort of a search: how much work it may do.
//!
//! Work is counted where it is done, not timed, so that a request is refused for its own cost and never because the machine is
//! busy.

use std::cell::Cell;

use crate::error::Error;

/// An amount of work; one unit takes about a tenth of a microsecond.
pub type Effort = u64;
/// No bound on the work.
pub const UNLIMITED: Effort = Effort::MAX;

/// Cost of evaluating a filter: one look-up of a term.
pub const FILTER: Effort = 10;
/// Cost of skipping a block of terms that its Bloom filter excludes.
pub const BLOCK_SKIPPED: Effort = 2;
/// Cost of reading a block of terms.
pub const BLOCK: Effort = 50;
/// Cost of reading a chunk of a link column.
pub const CHUNK: Effort = 10;
/// Number of rows united or copied for one unit.
pub const ROWS_PER_UNIT: u64 = 500;
/// Cost of reading the head of a record.
pub const HEAD: Effort = 3;
/// Cost of decompressing a record.
pub const RECORD: Effort = 30;

/// Counts the work of a snapshot.
#[derive(Debug)]
pub struct Meter {
    spent: Cell<Effort>,
    limit: Cell<Effort>,
}

impl Meter {
    pub fn unlimited() -> Self {
        Self { spent: Cell::new(0), limit: Cell::new(UNLIMITED) }
    }

    pub fn set_limit(&self, limit: Effort) {
        self.limit.set(limit);
    }

    pub fn spent(&self) -> Effort {
        self.spent.get()
    }

    /// Adds work to the total. [`Error::Exhausted`] beyond the limit.
    pub fn spend(&self, work: Effort) -> Result<(), Error> {
        let spent = self.spent.get().saturating_add(work);
        self.spent.set(spent);
        if spent > self.limit.get() { Err(Error::Exhausted) } else { Ok(()) }
    }
}
