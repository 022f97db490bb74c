//! Transactions of the log: who, why, when.

use crate::{Error, Result, limits};
use annuaire_base::Tx;
use std::fmt;
use std::str::FromStr;

/// The way by which a change came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Files or feeds.
    Import,
    /// The registration portal.
    Portal,
    /// A machine interface.
    Interface,
    /// The program itself: a due date, a job.
    System,
    /// A command of the operator.
    Operator,
}

const CHANNELS: [(Channel, &str); 5] = [
    (Channel::Import, "import"),
    (Channel::Portal, "portal"),
    (Channel::Interface, "interface"),
    (Channel::System, "system"),
    (Channel::Operator, "operator"),
];

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(CHANNELS.iter().find(|(c, _)| c == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Channel {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        CHANNELS.iter().find(|(_, name)| *name == text).map(|(c, _)| *c).ok_or(())
    }
}

/// Who commits, and why: the part of a cause that the log keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Who commits: a number of a person, or the name of a command.
    pub actor: String,
    /// The registration authority in whose name.
    pub authority: Option<String>,
    /// Number of the request that is decided (`registration.md` §6.1).
    pub request: Option<String>,
    /// The way by which it came in.
    pub channel: Channel,
    /// Legal basis, where one is needed: withdrawal, correction by order.
    pub basis: Option<String>,
    /// Why, in words.
    pub reason: String,
}

impl Cause {
    /// The cause of a command or job without authority, request or legal basis.
    #[must_use]
    pub fn new(channel: Channel, actor: &str, reason: &str) -> Self {
        let (actor, reason) = (actor.to_owned(), reason.to_owned());
        Self { actor, authority: None, request: None, channel, basis: None, reason }
    }
}

/// The clock by which a transaction is dated.
#[derive(Clone, Copy)]
pub struct CommitClock<'a> {
    /// Milliseconds since 1970 UTC. It is read once, while the transaction is saved: an instant taken earlier could precede a
    /// read that did not yet see the transaction (LOG-3).
    pub now_ms: &'a (dyn Fn() -> i64 + Sync),
    /// Commits even when [`limits`] call the clock wrong; for an operator who has checked it.
    pub any_clock: bool,
}

/// A committed transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its number (LOG-1).
    pub tx: Tx,
    /// Milliseconds since 1970 UTC, strictly increasing (LOG-2).
    pub commit_ms: i64,
    /// Who and why.
    pub cause: Cause,
    /// Number of log rows.
    pub changes: u64,
    /// Number of entities that it withdraws.
    pub withdrawals: u64,
    /// SHA-256 over the digest of the transaction before it, number, instant and the Merkle root of its rows (RFC 6962). Two logs
    /// with one digest at one number say the same up to there. All zero in transactions of registries before version 4.
    pub digest: [u8; 32],
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
