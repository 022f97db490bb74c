//! Transactions of the log: who, why, when.

use crate::{Error, Result, limits};
use annuaire_base::Tx;

/// A committed transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its number (LOG-1).
    pub tx: Tx,
    /// Milliseconds since 1970 UTC, strictly increasing (LOG-2).
    pub commit_ms: i64,
    /// Who committed.
    pub author: String,
    /// Why.
    pub reason: String,
    /// Number of log rows.
    pub changes: u64,
}

/// Who commits, why and by which clock.
#[derive(Clone, Copy)]
pub struct Cause<'a> {
    /// Who commits.
    pub author: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Clock of the caller, milliseconds since 1970 UTC. It is read once, when the transaction is saved: an instant taken
    /// earlier could precede a read that did not yet see the transaction (LOG-3).
    pub now_ms: &'a dyn Fn() -> i64,
    /// Commits even when [`limits`] call the clock wrong; for an operator who has checked it.
    pub any_clock: bool,
}

/// The commit time of a transaction that follows one of `before_ms` (negative when it is the first), by a clock that reads
/// `now_ms` (LOG-2).
///
/// # Errors
/// [`Error::Clock`] when the two differ by more than [`limits`] allow and `any_clock` is false.
pub fn commit_time(before_ms: i64, now_ms: i64, any_clock: bool) -> Result<i64> {
    let sound = before_ms < 0
        || (before_ms.saturating_sub(now_ms) <= limits::CLOCK_BEHIND_MS
            && now_ms.saturating_sub(before_ms) <= limits::CLOCK_AHEAD_MS);
    if sound || any_clock {
        Ok(now_ms.max(before_ms.saturating_add(1)))
    } else {
        Err(Error::Clock { last_ms: before_ms, now_ms })
    }
}
