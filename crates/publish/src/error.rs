//! Errors that stop publication.

use annuaire_base::Tx;

/// An error that stopped publication. The transactions before it stay published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry failed.
    #[error(transparent)]
    Store(#[from] annuaire_store::Error),
    /// The publication store failed.
    #[error(transparent)]
    Index(annuaire_index::Error),
    /// The store holds another view of the log.
    #[error("the publication store holds {found}, and {wanted} is asked for: use the guide of the store, or rebuild it")]
    OtherView {
        /// The view that the store holds.
        found: String,
        /// The view that the caller wants.
        wanted: String,
    },
    /// Another version of the program made the store, or the store does not tell its version: it must be rebuilt from the log.
    #[error("the publication store was made by another version of the program: rebuild it from the log")]
    Outdated,
    /// The store followed another log.
    #[error(
        "the publication store follows another log: its transaction {tx} is not the one of this registry; bring back the registry that it follows, or rebuild the store"
    )]
    OtherLog {
        /// Last transaction of the store.
        tx: Tx,
    },
    /// A thread panicked. Nothing of the transaction was published.
    #[error("a fault of the program ended the publication of transaction {tx}; its words are on standard error")]
    Panicked {
        /// The transaction.
        tx: Tx,
    },
}

impl From<annuaire_index::Error> for Error {
    fn from(cause: annuaire_index::Error) -> Self {
        match cause {
            annuaire_index::Error::Outdated { .. } => Self::Outdated,
            annuaire_index::Error::OtherView { found, wanted } => Self::OtherView { found, wanted },
            other => Self::Index(other),
        }
    }
}
