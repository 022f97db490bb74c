//! Registry and change log: traits and types.
//!
//! An object is what one *source* says of one *entity*. Every change is a row of the one ordered log, in which it names the
//! transaction of the previous word on the same object; the registry's current state is a pointer to the last one. So the
//! state at any transaction is found by point look-ups, without an index over the log.

pub mod batch;

use annuaire_base::Tx;

/// Limits of the log's clock, in one place.
pub mod limits {
    /// How far the last transaction may be ahead of the clock of whoever commits, in milliseconds: what clocks of machines
    /// differ by. One hour.
    pub const CLOCK_BEHIND_MS: i64 = 3_600_000;
    /// How far a commit may be after the transaction before it, in milliseconds: an installation that slept longer than 400
    /// days is rarer than a machine whose clock is wrong.
    pub const CLOCK_AHEAD_MS: i64 = 400 * 86_400_000;
}

/// What one source now says of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `PP:`+national id, `ST:`+technical id.
    pub entity: String,
    /// Who says it.
    pub source: String,
    /// JSON of the object; `None` when the source no longer says anything.
    pub payload: Option<String>,
    /// Fingerprint of what the payload was made of; equal fingerprints spare the comparison. Zero: unknown.
    pub digest: u128,
}

/// An object that stands, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMark {
    /// Entity key.
    pub entity: String,
    /// The fingerprint given with its last put, zero when none was.
    pub digest: u128,
}

/// A committed transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Number: 1, 2, 3… without gap (LOG-1).
    pub tx: Tx,
    /// Milliseconds since 1970 UTC, strictly increasing (LOG-2).
    pub commit_ms: i64,
    /// Who.
    pub author: String,
    /// Why.
    pub reason: String,
    /// Number of log rows.
    pub changes: u64,
}

/// An object as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Entity key.
    pub entity: String,
    /// Source key.
    pub source: String,
    /// JSON.
    pub payload: String,
}

/// Why the registry did not do what was asked. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("registry: {0}")]
    Database(String),
    /// The file of the database is damaged.
    #[error("registry: {0}: it is damaged; bring it back from a backup with `annuaire restore`")]
    Damaged(String),
    /// The writer gave up; its words.
    #[error("{0}")]
    Rejected(String),
    /// The clock of this machine and the log disagree by more than [`limits`] allow.
    #[error("the clock of this machine says {now_ms} and the last transaction is of {last_ms} (milliseconds since 1970)")]
    Clock {
        /// Commit time of the last transaction.
        last_ms: i64,
        /// What the clock says.
        now_ms: i64,
    },
}

/// Who commits, why and by which clock.
#[derive(Clone, Copy)]
pub struct Cause<'a> {
    /// Who.
    pub author: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The caller's clock, milliseconds since 1970 UTC. Read once, when the transaction is saved, so that no reader could see
    /// the state before it at a later instant than the one it is given (LOG-3).
    pub now_ms: &'a dyn Fn() -> i64,
    /// Commits even when [`limits`] say that the clock is wrong; for an operator who has looked.
    pub any_clock: bool,
}

/// The instant of a commit after one at `before_ms` (negative: there is none), by a clock that says `now_ms` (LOG-2).
///
/// # Errors
/// [`Error::Clock`] when the two are further apart than [`limits`] allow and `any_clock` is not set.
pub fn instant(before_ms: i64, now_ms: i64, any_clock: bool) -> Result<i64> {
    let sound = before_ms < 0
        || (before_ms.saturating_sub(now_ms) <= limits::CLOCK_BEHIND_MS
            && now_ms.saturating_sub(before_ms) <= limits::CLOCK_AHEAD_MS);
    if sound || any_clock {
        Ok(now_ms.max(before_ms.saturating_add(1)))
    } else {
        Err(Error::Clock { last_ms: before_ms, now_ms })
    }
}

/// Result of a registry call.
pub type Result<T> = std::result::Result<T, Error>;

/// What a commit did. An object put several times in one unit counts for its last word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommitOutcome {
    /// Number of the transaction, `None` when nothing changed.
    pub tx: Option<Tx>,
    /// Objects the registry did not have.
    pub created: u64,
    /// Objects with another content.
    pub changed: u64,
    /// Objects ended.
    pub ended: u64,
    /// Puts that changed nothing and left no trace (LOG-5).
    pub unchanged: u64,
}

/// The registry of one installation. One writer at a time.
pub trait Registry: Send {
    /// Writes one business event as one transaction. Its instant is [`instant`]: later than the previous one even if the clock
    /// stepped back. No number is taken when nothing changed; notes stand all the same.
    ///
    /// # Errors
    /// Any error of `write`, of [`instant`] or of the database; then nothing of the event remains.
    fn commit(&mut self, cause: Cause<'_>, write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>) -> Result<CommitOutcome>;

    /// Number of the last transaction, 0 for an empty log.
    ///
    /// # Errors
    /// Database failure, as for all reads.
    fn last_tx(&mut self) -> Result<Tx>;

    /// Transactions numbered above `after`, in order.
    ///
    /// # Errors
    /// Database failure.
    fn transactions(&mut self, after: Tx) -> Result<Vec<Transaction>>;

    /// Entities that `tx` changed, distinct, in byte order, the first `limit` that follow `after`. Cost: proportional to the
    /// page, for each source that the transaction speaks for.
    ///
    /// # Errors
    /// Database failure.
    fn changed_entities(&mut self, tx: Tx, after: &str, limit: u32) -> Result<Vec<String>>;

    /// What all sources said of these entities just after `tx`, by entity then source. Cost: a few point look-ups for each
    /// entity and source, and one more for each word said of an object after `tx`.
    ///
    /// # Errors
    /// Database failure.
    fn objects_at(&mut self, tx: Tx, entities: &[String]) -> Result<Vec<Object>>;

    /// Everything that stood just after `tx`, by entity (byte order) then source: the objects of the entities that follow
    /// `after`, at least one whole entity, about `limit` objects; and the last entity looked at, to be given as the next
    /// `after`, `None` at the end. A page may hold fewer objects, even none: only `None` is the end. Cost: sequential; for
    /// first loads and verification.
    ///
    /// # Errors
    /// Database failure.
    fn standing(&mut self, tx: Tx, after: &str, limit: u32) -> Result<(Vec<Object>, Option<String>)>;

    /// A note: what is kept beside the log, in the same transactions, and is no fact to publish. `kind` and `key` name it.
    ///
    /// # Errors
    /// Database failure.
    fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>>;

    /// The first `limit` notes of a kind whose keys follow `after`, as (key, text), in byte order of their keys.
    ///
    /// # Errors
    /// Database failure.
    fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>>;

    /// Every disagreement between log and state, in words; empty when all is well. Reads the whole registry.
    ///
    /// # Errors
    /// Database failure.
    fn verify(&mut self) -> Result<Vec<String>>;
}

/// A transaction being written.
pub trait Unit {
    /// Says something of an entity. The same content again, or the end of an unknown object, vanishes; so does the same
    /// non-zero digest, without a look at the content. Of several words on one object, the last one stands. Any order is
    /// correct; the fastest is by source, then entity. Words are buffered: an error may belong to an earlier one.
    ///
    /// # Errors
    /// Database failure.
    fn put(&mut self, change: Change) -> Result<()>;

    /// Objects of `source` that stand, words of this unit included, by entity (byte order), the first `limit` that follow
    /// `after`. Cost: proportional to the page, plus what ended in between.
    ///
    /// # Errors
    /// Database failure.
    fn known(&mut self, source: &str, after: &str, limit: u32) -> Result<Vec<ObjectMark>>;

    /// What was done so far: the number that the transaction takes when it changes something, and counts. Cost: writes what is
    /// buffered.
    ///
    /// # Errors
    /// Database failure.
    fn outcome(&mut self) -> Result<CommitOutcome>;

    /// [`Registry::note`], as this transaction sees it: nobody else writes before its end.
    ///
    /// # Errors
    /// Database failure.
    fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>>;

    /// [`Registry::notes`], as this transaction sees them.
    ///
    /// # Errors
    /// Database failure.
    fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>>;

    /// Writes a note over the one before it; `None` removes it.
    ///
    /// # Errors
    /// Database failure.
    fn set_note(&mut self, kind: &str, key: &str, text: Option<&str>) -> Result<()>;
}
