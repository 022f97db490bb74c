//! What follows the log, and bringing it to the end.

use crate::error::Error;
use crate::limits;
use crate::set_aside::SetAside;
use annuaire_base::{LogIdentity, Tx};
use annuaire_consolidate::{Owners, Perimeter};
use annuaire_store::{BlockingRegistry, Transaction};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A consumer of the log that has applied it up to a transaction: a publication store; later exports, subscriptions, sessions.
///
/// It applies each transaction completely or not at all, in order, and remembers its position with what it has applied. So
/// it may be killed at any moment: it goes on from where it is.
pub trait Follower {
    /// Its name, for messages and metrics.
    fn name(&self) -> &str;

    /// What of the log it may show.
    fn perimeter(&self) -> Perimeter;

    /// Where it is.
    ///
    /// # Errors
    /// When it cannot be read.
    fn position(&self) -> Result<Position, Error>;

    /// Remembers the log that it follows, when it follows none yet.
    ///
    /// # Errors
    /// [`Error::OtherLog`] or [`Error::OtherEpoch`] when it follows another one.
    fn bind(&mut self, log: LogIdentity) -> Result<(), Error>;

    /// Applies the first transactions of a range that begins just after its position: at least one, as many as it likes.
    ///
    /// # Errors
    /// The transactions before the one that failed are applied.
    fn apply(&mut self, range: &LogRange<'_>) -> Result<AppliedRange, Error>;
}

/// Where a follower is in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Last transaction that it has applied; [`Tx::NONE`] when there is none.
    pub tx: Tx,
    /// Instant of that transaction, milliseconds since 1970 UTC.
    pub commit_ms: i64,
    /// Digest of that transaction.
    pub digest: [u8; 32],
}

/// Transactions of the log that follow each other.
pub struct LogRange<'a> {
    /// The registry, which has their facts.
    pub registry: &'a BlockingRegistry,
    /// The owners of facts, read after the transactions: every owner of their facts is among them.
    pub owners: &'a Owners,
    /// The transactions, at least one.
    pub transactions: &'a [Transaction],
}

/// What a follower has applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppliedRange {
    /// Its new position.
    pub tx: Tx,
    /// New versions, of resources in a publication store.
    pub versions: u64,
    /// Resources whose content was withdrawn by law: what was kept of them elsewhere, as in caches, must go.
    pub withdrawn: u64,
    /// Entities out of which nothing could be made.
    pub set_aside: Vec<SetAside>,
}

/// Receives what is being done, how much of it is done, and how much there is (0 when that is not known).
pub type Tell<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// Brings a follower to the end of the log, transactions included that are committed meanwhile. `applied` is called after
/// each step.
///
/// # Errors
/// Stops at the first failure; calling again resumes. One of those of [`Error::is_of_another_log`] when the position of the
/// follower is not in this log; nothing is applied then.
pub fn catch_up(
    registry: &BlockingRegistry,
    follower: &mut dyn Follower,
    tell: Tell<'_>,
    applied: &mut dyn FnMut(AppliedRange),
) -> Result<(), Error> {
    let mut log = check_position(registry, follower)?;
    let mut done = 0;
    while !log.is_empty() {
        // After the transactions: an owner is written before its first fact, or with it.
        let owners = crate::owners::read(registry)?;
        let total = done + log.iter().map(|tx| tx.changes).sum::<u64>();
        let mut rest = &log[..];
        while let Some(next) = rest.first() {
            tell("publishing", done, total);
            let range = LogRange { registry, owners: &owners, transactions: rest };
            // Unwind safe: a follower applies a transaction with its last write, or nothing of it.
            let step = catch_unwind(AssertUnwindSafe(|| follower.apply(&range)));
            let step = step.unwrap_or(Err(Error::Panicked { tx: next.tx }))?;
            let (now, later) = rest.split_at(rest.partition_point(|tx| tx.tx <= step.tx));
            done += now.iter().map(|tx| tx.changes).sum::<u64>();
            rest = later;
            applied(step);
        }
        log = registry.transactions(follower.position()?.tx, limits::TRANSACTIONS)?;
    }
    // A turn that found nothing has nothing to tell.
    if done > 0 {
        tell("publishing", done, done);
    }
    Ok(())
}

/// Checks that the position of a follower is one of this log, and returns the first transactions after it.
pub(crate) fn check_position(registry: &BlockingRegistry, follower: &mut dyn Follower) -> Result<Vec<Transaction>, Error> {
    follower.bind(registry.log()?)?;
    let Position { tx, commit_ms, digest } = follower.position()?;
    if tx == Tx::NONE {
        return Ok(registry.transactions(tx, limits::TRANSACTIONS)?);
    }
    let mut log = registry.transactions(tx.previous(), limits::TRANSACTIONS)?;
    match log.first() {
        Some(same) if same.tx == tx && same.commit_ms == commit_ms && same.digest == digest => {
            log.remove(0);
            Ok(log)
        }
        Some(_) => Err(Error::OtherTransaction { at: tx }),
        None => Err(Error::LogIsShorter { at: tx, last: registry.last_tx()? }),
    }
}
