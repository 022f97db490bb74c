//! Limits of the clock of the log.

/// How far the last transaction may be ahead of the clock of the committing machine, in milliseconds: the clocks of two
/// machines differ by less than an hour.
pub const CLOCK_BEHIND_MS: i64 = 3_600_000;
/// How far a commit may be after the transaction before it, in milliseconds. A machine with a wrong clock is more frequent than
/// an installation that receives nothing for 400 days.
pub const CLOCK_AHEAD_MS: i64 = 400 * 86_400_000;
