//! Errors of the registry.

use annuaire_base::Tx;
use annuaire_base::fact::FactKey;

/// Why the registry refused. Nothing was written, unless the error says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("registry: {0}")]
    Database(String),
    /// The database is damaged.
    #[error("registry: {0}: it is damaged; bring it back from a backup with `annuaire restore`")]
    Damaged(String),
    /// The writer gave up, for the reason given.
    #[error("{0}")]
    Rejected(String),
    /// The clock of this machine and the log differ by more than [`limits`](crate::limits) allow.
    #[error("the clock of this machine says {now_ms} and the last transaction is of {last_ms} (milliseconds since 1970)")]
    Clock {
        /// Commit time of the last transaction.
        last_ms: i64,
        /// Reading of the clock.
        now_ms: i64,
    },
    /// A put about an owner that is not in the table of owners.
    #[error("{0:?} owns nothing in this registry: register the owner first")]
    UnknownOwner(String),
    /// A compare-and-set lost: somebody changed the fact.
    #[error("{} ({}) was changed by transaction {at} since it was read: read it again and decide again", key.entity, key.owner)]
    Conflict {
        /// The fact.
        key: FactKey,
        /// Transaction of its last version.
        at: Tx,
    },
    /// A stage was compared with a state that is not the last one of its owner.
    #[error("transaction {at} changed facts of {owner} while this import was being prepared: import again")]
    Overtaken {
        /// The owner.
        owner: String,
        /// The transaction.
        at: Tx,
    },
    /// A write about a subscription that somebody else changed or removed meanwhile.
    #[error("subscription {id} was changed or removed since it was read: read it again and decide again")]
    SubscriptionChanged {
        /// The subscription.
        id: String,
    },
    /// A write about a row of identity that somebody else wrote or removed meanwhile. The text leaves the key out, which may name a person.
    #[error("a row of identity of kind {kind:?} was written or removed since it was read: read it again and decide again")]
    IdentityChanged {
        /// Kind of the row.
        kind: String,
        /// Its key.
        key: String,
    },
    /// The connection was lost while the commit was under way, and the registry could not be asked whether it happened.
    #[error(
        "the connection to the database was lost during the commit of transaction {tx}: look whether it exists before repeating it"
    )]
    Uncertain {
        /// Number that the transaction has if it exists.
        tx: Tx,
    },
}

/// Result of a registry call.
pub type Result<T> = std::result::Result<T, Error>;
