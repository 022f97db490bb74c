//! What can go wrong with published files.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong with published files. What was published before stands.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory of the tree cannot be read or written.
    #[error("{}: {cause}{}", path.display(), advice(cause))]
    File {
        /// Where.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The publication store cannot be read.
    #[error("reading the publication store: {0}")]
    Index(#[from] annuaire_index::Error),
    /// What the tree keeps of itself cannot be read.
    #[error("{}: not what this program wrote ({reason}); remove the directory, and the files are made again", path.display())]
    State {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A resource was withdrawn by law while files that hold it were made. They are discarded; the next update makes others.
    #[error("a resource was withdrawn while files were made; they are made again")]
    Withdrawn,
    /// A thread that compresses panicked.
    #[error("a file was not compressed: its thread panicked")]
    Lost,
    /// Whoever witnesses pages refused one.
    #[error("the proof of a page: {0}")]
    Witness(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room there: what was published before stands, and the next update goes on"
        }
        _ => "",
    }
}

/// Names the place of an error of the system.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    |cause| Error::File { path: path.to_owned(), cause }
}
