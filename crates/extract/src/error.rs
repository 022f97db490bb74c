//! Why nothing was extracted or compared.

use annuaire_base::Tx;
use std::io;

/// Why nothing was extracted or compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{file}: {source}")]
    Io {
        /// The file, or what was being done.
        file: String,
        /// The cause.
        source: io::Error,
    },
    /// What was asked cannot be done.
    #[error("{0}")]
    Refused(String),
    /// The registry has no such state.
    #[error("{0}")]
    NoState(String),
    /// A delivery cannot be read.
    #[error(transparent)]
    Delivery(#[from] annuaire_exchange::Error),
    /// The registry failed.
    #[error(transparent)]
    Store(#[from] annuaire_store::Error),
    /// A thread that makes lines panicked: a fault of the program.
    #[error("a fault of the program ended the extraction of transaction {tx}; nothing was written")]
    Panicked {
        /// The transaction.
        tx: Tx,
    },
}

/// An error of reading or writing this file.
pub(crate) fn io(file: &str) -> impl Fn(io::Error) -> Error + '_ {
    move |source| Error::Io { file: file.to_owned(), source }
}
