//! Two numbers of one person become one (registration §8.6).

use crate::day::{Day, plus_days};
use crate::limits::MERGE_UNDONE_DAYS;

/// A person who is merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeCandidate {
    /// RPPS number.
    pub rpps: String,
    /// Instant at which the number was given, in milliseconds.
    pub given_at: i64,
    /// Whether the person is active.
    pub active: bool,
    /// Whether the number is an alias already.
    pub merged: bool,
}

/// Why two persons are not merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MergeFault {
    /// Both are the same number.
    SameNumber,
    /// One of them is an alias: its survivor is meant.
    AlreadyMerged,
}

/// The number that stays: the oldest active one; when none is active, the oldest. The other one becomes an alias.
///
/// # Errors
/// [`MergeFault`].
pub fn survivor<'a>(a: &'a MergeCandidate, b: &'a MergeCandidate) -> Result<&'a MergeCandidate, MergeFault> {
    if a.rpps == b.rpps {
        return Err(MergeFault::SameNumber);
    }
    if a.merged || b.merged {
        return Err(MergeFault::AlreadyMerged);
    }
    let key = |person: &MergeCandidate| (!person.active, person.given_at, person.rpps.clone());
    Ok(if key(a) <= key(b) { a } else { b })
}

/// Whether a merge may be undone: within 30 days by the arbiter who made it, later by two arbiters.
#[must_use]
pub fn may_undo_merge(merged_by: &str, merged_on: Day, arbiters: &[&str], today: Day) -> bool {
    let mut distinct = arbiters.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let alone = today <= plus_days(merged_on, MERGE_UNDONE_DAYS) && distinct.contains(&merged_by);
    alone || distinct.len() >= 2
}
