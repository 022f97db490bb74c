//! Errors that stop publication.

use annuaire_base::{LogIdentity, Tx};

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
    /// The follower follows the log of another registry.
    #[error(
        "it follows the log {follower}, and this registry has the log {registry}: name the registry that it follows with --database, or make the stores again with `annuaire rebuild`"
    )]
    OtherLog {
        /// The log that the follower knows.
        follower: LogIdentity,
        /// The log of the registry.
        registry: LogIdentity,
    },
    /// The registry was restored from a copy after the follower had followed it, or this is a registry from before such a
    /// restoration: transactions of one number may differ.
    #[error(
        "the log was restored from a backup: it is in its epoch {}, and what follows it knows epoch {}; make the stores again with `annuaire rebuild`",
        registry.epoch, follower.epoch
    )]
    OtherEpoch {
        /// The log that the follower knows.
        follower: LogIdentity,
        /// The log of the registry.
        registry: LogIdentity,
    },
    /// The log ends before the position of the follower.
    #[error(
        "it is at transaction {at} and the log ends at {last}: this is an older state of its log; bring back the registry that it followed, or make the stores again with `annuaire rebuild`"
    )]
    LogIsShorter {
        /// Last transaction of the follower.
        at: Tx,
        /// Last transaction of the log.
        last: Tx,
    },
    /// The last transaction of the follower is another one than that of this number in the log.
    #[error(
        "its transaction {at} is not the one of this registry, although both name one log: one of them was changed by hand or brought back from a copy without `annuaire restore`; make the stores again with `annuaire rebuild`"
    )]
    OtherTransaction {
        /// Last transaction of the follower.
        at: Tx,
    },
    /// A version of a store that is copied cannot be held as it is.
    #[error(
        "the origin tells {resource} in version {number}, which cannot be published here: {reason}; nothing of its transaction was applied"
    )]
    Copied {
        /// Type and id.
        resource: String,
        /// Number of the version.
        number: u32,
        /// Why, in words.
        reason: String,
    },
    /// The versions of a store that is copied do not come in the order of its log.
    #[error(
        "the origin tells transaction {tx} after transaction {after}: its lines are mixed up, and nothing of them is applied"
    )]
    CopiedOutOfOrder {
        /// The transaction.
        tx: Tx,
        /// The one before it.
        after: Tx,
    },
    /// The lines of a store that is copied cannot be read.
    #[error(transparent)]
    CopiedLines(Box<dyn std::error::Error + Send + Sync>),
    /// A thread panicked. Nothing of the transaction was published.
    #[error("a fault of the program ended the publication of transaction {tx}; its words are on standard error")]
    Panicked {
        /// The transaction.
        tx: Tx,
    },
}

impl Error {
    /// Whether the follower and the registry do not belong together, so that trying again is no help.
    #[must_use]
    pub fn is_of_another_log(&self) -> bool {
        matches!(
            self,
            Self::OtherLog { .. } | Self::OtherEpoch { .. } | Self::LogIsShorter { .. } | Self::OtherTransaction { .. }
        )
    }

    /// The error of a follower of `follower` that is given the log `registry`.
    pub(crate) fn of_logs(follower: LogIdentity, registry: LogIdentity) -> Self {
        if follower.id == registry.id { Self::OtherEpoch { follower, registry } } else { Self::OtherLog { follower, registry } }
    }
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
