//! Why an import wrote nothing.

use std::io;

/// Why an import wrote nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// The cause.
        source: io::Error,
    },
    /// A guard refused a whole file.
    #[error("{file}: {reason}")]
    Refused {
        /// The file.
        file: String,
        /// What was found and what to do.
        reason: String,
    },
    /// The registry failed.
    #[error(transparent)]
    Store(#[from] annuaire_store::Error),
}

/// The refusal of a whole file.
pub(crate) fn refused(file: &str, reason: String) -> Error {
    Error::Refused { file: file.to_owned(), reason }
}
