//! Writing facts, and counting what was written.

use annuaire_base::Tx;
use annuaire_base::fact::{FactKey, Publication};

/// A new version of a fact, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The fact.
    pub key: FactKey,
    /// JSON of the content; `None` ends the fact.
    pub payload: Option<String>,
    /// Who may see it.
    pub publication: Publication,
    /// Fingerprint of the input that the payload was made of; equal fingerprints (and equal publication) spare the comparison of payloads. Zero: unknown.
    pub fingerprint: u64,
}

/// What a put demands of the version that it replaces (compare-and-set).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: the last word counts.
    Any,
    /// The fact does not stand: it is new, or ended.
    Absent,
    /// The last version is of this transaction or an earlier one: nobody changed it since it was read at this transaction.
    UnchangedSince(Tx),
}

/// A fact that stands, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactMark {
    /// Entity key.
    pub entity: String,
    /// Facet.
    pub facet: String,
    /// Fingerprint given with its last version, zero when none was given. A backend may keep one that a stage gave later with equal content.
    pub fingerprint: u64,
}

/// Counts of what a unit or a stage changes. A fact put several times counts once, for its last version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeCounts {
    /// Facts that are new, or stand again.
    pub created: u64,
    /// Facts with another content.
    pub changed: u64,
    /// Facts that ended.
    pub ended: u64,
    /// Puts that changed nothing and left no trace (LOG-5).
    pub unchanged: u64,
    /// Puts about a withdrawn entity, which left no trace: a withdrawal is not undone by an old file.
    pub withheld: u64,
}

impl ChangeCounts {
    /// Number of rows of the log.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.created + self.changed + self.ended
    }
}

/// Result of [`Unit::save`](crate::Unit::save).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommitOutcome {
    /// Number of the transaction, `None` when no fact changed.
    pub tx: Option<Tx>,
    /// What changed.
    pub counts: ChangeCounts,
}
