//! Compaction: removing what was closed long ago, and giving its space back.

use annuaire_base::Tx;

use crate::error::Error;
use crate::index::Index;

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactionReport {
    /// Closed versions removed.
    pub rows: u64,
    /// The first transaction whose state is answered.
    pub retained_from: Tx,
    /// Whether nothing is left to do; false when it was stopped.
    pub is_complete: bool,
}

impl Index {
    /// Removes the versions that were closed before an instant (milliseconds since 1970 UTC), in small commits, between which
    /// transactions are applied. `between` is called after each of them, and false stops the compaction: another call goes on.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn compact(&self, _keep_closed_since_ms: i64, _between: &dyn Fn() -> bool) -> Result<CompactionReport, Error> {
        Err(Error::Refused("compaction is not written yet"))
    }
}
