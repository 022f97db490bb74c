//! What can go wrong in the store.

use annuaire_base::LogIdentity;
use annuaire_terms::RefusedResource;
use heed::MdbError;

use crate::row::Row;

/// What can go wrong in the publication store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// LMDB failed.
    #[error("index storage: {0}")]
    Storage(heed::Error),
    /// The file has reached its reserved size. What was published stays readable.
    #[error(
        "the publication store is full: its file has reached the size reserved for it (map full); reserve more, or rebuild it from the log, which leaves out what is no longer needed"
    )]
    Full,
    /// The files were written by another version of the program, or hold other published forms.
    #[error(
        "the publication store was made by another version of the program ({found}, this one needs {wanted}): rebuild it from the log"
    )]
    Outdated {
        /// Version that the files name.
        found: String,
        /// Version that this program writes.
        wanted: String,
    },
    /// The files hold another view of the log (other guide or perimeter).
    #[error(
        "the publication store holds {found}, not {wanted}: open it as what it is, or rebuild it from the log; nothing was written"
    )]
    OtherView {
        /// View that the files name.
        found: String,
        /// View that the caller asked for.
        wanted: String,
    },
    /// The store was made from another log, or from an earlier life of this one.
    #[error(
        "the publication store follows another log ({store}), or this one before it was restored from a copy: rebuild the store from this log, or open the registry to which it belongs; nothing was written"
    )]
    OtherLog {
        /// Log that the files name.
        store: LogIdentity,
    },
    /// The state asked for is before the first one kept: compaction has removed versions that it had.
    #[error("the state is older than those that the publication store keeps")]
    TooOld,
    /// The directory could not be prepared, or a temporary file failed.
    #[error("index directory: {0}")]
    Io(#[from] std::io::Error),
    /// Stored bytes break the layout.
    #[error("index corrupted: {0}")]
    Corrupt(&'static str),
    /// The snapshot has no such row.
    #[error("row {0} is not visible in this snapshot")]
    UnknownRow(Row),
    /// The search exceeds the effort that its snapshot may spend.
    #[error("the search needs more work than it may take")]
    Exhausted,
    /// A resource cannot be stored.
    #[error("resource refused: {0}")]
    Refused(&'static str),
}

impl From<RefusedResource> for Error {
    fn from(cause: RefusedResource) -> Self {
        Self::Refused(cause.0)
    }
}

impl From<heed::Error> for Error {
    fn from(cause: heed::Error) -> Self {
        match cause {
            heed::Error::Mdb(MdbError::MapFull) => Self::Full,
            other => Self::Storage(other),
        }
    }
}
