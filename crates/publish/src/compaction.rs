//! Removing versions that were closed long ago.

use crate::error::Error;
use crate::limits;
use annuaire_index::Index;

/// Removes from a store the versions that were closed before an instant, milliseconds since 1970 UTC, when there are so many that
/// it pays ([`limits::REMOVABLE`]). `go_on` is asked between small commits. Returns whether all is done.
///
/// Nothing but histories and states before that instant changes.
///
/// # Errors
/// When the store cannot be read or written; calling again goes on.
pub fn compact(index: &Index, keep_closed_since_ms: i64, go_on: &dyn Fn() -> bool) -> Result<bool, Error> {
    let removable = index.removable(keep_closed_since_ms)?;
    if removable == 0 || removable.saturating_mul(limits::REMOVABLE) < index.resource_count() {
        return Ok(true);
    }
    Ok(index.compact(keep_closed_since_ms, go_on)?.is_complete)
}
