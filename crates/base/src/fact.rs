//! Facts of the change log: what one owner says of one facet of one entity.

use crate::Tx;

/// Who may see a fact. Decided for each fact when it is written, never derived from its owner when it is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Publication {
    /// Nothing of it is ever public.
    #[default]
    Restricted,
    /// Its public members may be public; `consolidate` names them one by one.
    Open,
}

/// What a fact is about, and whose it is. The log holds the versions of each key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactKey {
    /// Code of the owner: the only one who may change the fact.
    pub owner: String,
    /// Entity key: `PP:` + national id, `ST:` + technical id…
    pub entity: String,
    /// The part of the entity: a situation, a practice, the civil status… Empty: all that the owner knows of it, as files do.
    pub facet: String,
}

/// A fact at a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The fact.
    pub key: FactKey,
    /// Transaction of this version.
    pub tx: Tx,
    /// JSON.
    pub payload: String,
    /// Who may see it.
    pub publication: Publication,
}

/// A version of a fact in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactVersion {
    /// The fact.
    pub key: FactKey,
    /// Transaction of this version.
    pub tx: Tx,
    /// What it says.
    pub content: VersionContent,
}

/// What a version says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionContent {
    /// The fact stands with this JSON.
    Stands {
        /// JSON.
        payload: String,
        /// Who may see it.
        publication: Publication,
    },
    /// The fact ends.
    Ends,
    /// The content was withdrawn by law (WDR-1). Whether the fact stood is not known any more; it counts as ended.
    Withdrawn,
}
