//! Errors of the registry.

/// Why the registry refused. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("registry: {0}")]
    Database(String),
    /// The file of the database is damaged.
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
}

/// Result of a registry call.
pub type Result<T> = std::result::Result<T, Error>;
