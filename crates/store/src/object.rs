//! Objects: what one source knows of one entity.

use annuaire_base::Tx;

/// A new version of an object, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Entity key: `PP:` + national id, `ST:` + technical id…
    pub entity: String,
    /// Key of the source that owns the object.
    pub source: String,
    /// JSON of the object; `None` ends it.
    pub payload: Option<String>,
    /// Fingerprint of the input that the payload was made of; equal fingerprints spare the comparison of payloads. Zero: unknown.
    pub digest: u128,
}

/// An object that has not ended, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMark {
    /// Entity key.
    pub entity: String,
    /// Fingerprint given with its last version, zero when none was given.
    pub digest: u128,
}

/// An object at a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Entity key.
    pub entity: String,
    /// Source key.
    pub source: String,
    /// JSON.
    pub payload: String,
}

/// Result of a commit. An object put several times in one unit counts once, for its last version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommitOutcome {
    /// Number of the transaction, `None` when nothing changed.
    pub tx: Option<Tx>,
    /// Objects that are new.
    pub created: u64,
    /// Objects with another content.
    pub changed: u64,
    /// Objects that ended.
    pub ended: u64,
    /// Puts that changed nothing and left no trace (LOG-5).
    pub unchanged: u64,
}
