//! Registry and change log: traits, types, and the suite that every backend passes.
//!
//! An object is what one *source* says of one *entity*. Every change is a row of the one ordered log, in which it names the
//! transaction of the previous word on the same object; the registry's current state is a pointer to the last one. So the
//! state at any transaction is found by point look-ups, without an index over the log.

pub mod batch;
pub mod suite;

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
pub struct Known {
    /// Entity key.
    pub entity: String,
    /// The fingerprint given with its last put, zero when none was.
    pub digest: u128,
}

/// A committed transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tx {
    /// Number: 1, 2, 3… without gap (LOG-1).
    pub tx: u64,
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
}

/// Result of a registry call.
pub type Result<T> = std::result::Result<T, Error>;

/// What a commit did. An object put several times in one unit counts for its last word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Number of the transaction, `None` when nothing changed.
    pub tx: Option<u64>,
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
    /// Writes one business event as one transaction. `now_ms` is the caller's clock; the commit time is later than the
    /// previous one even if the clock stepped back. No number is taken when nothing changed.
    ///
    /// # Errors
    /// Any error of `write` or of the database; then nothing of the event remains.
    fn commit(
        &mut self,
        author: &str,
        reason: &str,
        now_ms: i64,
        write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>,
    ) -> Result<Outcome>;

    /// Number of the last transaction, 0 for an empty log.
    ///
    /// # Errors
    /// Database failure, as for all reads.
    fn last_tx(&mut self) -> Result<u64>;

    /// Transactions numbered above `after`, in order.
    ///
    /// # Errors
    /// Database failure.
    fn transactions(&mut self, after: u64) -> Result<Vec<Tx>>;

    /// Entities that `tx` changed, distinct, in byte order, the first `limit` that follow `after`. Cost: proportional to the
    /// page, for each source that the transaction speaks for.
    ///
    /// # Errors
    /// Database failure.
    fn changed_entities(&mut self, tx: u64, after: &str, limit: u32) -> Result<Vec<String>>;

    /// What all sources said of these entities just after `tx`, by entity then source. Cost: a few point look-ups for each
    /// entity and source, and one more for each word said of an object after `tx`.
    ///
    /// # Errors
    /// Database failure.
    fn objects_at(&mut self, tx: u64, entities: &[String]) -> Result<Vec<Object>>;

    /// Everything that stood just after `tx`, by entity (byte order) then source: the objects of the entities that follow
    /// `after`, at least one whole entity, about `limit` objects; and the last entity looked at, to be given as the next
    /// `after`, `None` at the end. A page may hold fewer objects, even none: only `None` is the end. Cost: sequential; for
    /// first loads and verification.
    ///
    /// # Errors
    /// Database failure.
    fn standing(&mut self, tx: u64, after: &str, limit: u32) -> Result<(Vec<Object>, Option<String>)>;

    /// What was noted of the last delivery of a source.
    ///
    /// # Errors
    /// Database failure.
    fn delivery(&mut self, source: &str) -> Result<Option<String>>;

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
    fn known(&mut self, source: &str, after: &str, limit: u32) -> Result<Vec<Known>>;

    /// Notes the delivery of a source, replacing the previous note.
    ///
    /// # Errors
    /// Database failure.
    fn set_delivery(&mut self, source: &str, json: &str) -> Result<()>;
}
