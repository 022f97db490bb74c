//! Why a mirror stops. Nothing that stood before is changed by any of them.

use std::path::PathBuf;

/// Why a mirror could not be made or brought up to date. What it held before stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the mirror cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Sorting ran out of disk, or another input or output failed.
    #[error("sorting what was received: {0}")]
    Sort(#[from] std::io::Error),
    /// The origin cannot be reached, or breaks answers off, after all attempts.
    #[error("{url}: {reason} ({attempts} attempts); what was received is kept, run this again to go on")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the last attempt met.
        reason: String,
        /// How often it was asked for.
        attempts: u32,
        /// The answer began to come.
        cut: bool,
    },
    /// The origin asks to come back later than a run waits.
    #[error("{url}: the origin asks to come back in {seconds} s; what was received is kept, run this again then")]
    Later {
        /// What was asked for.
        url: String,
        /// Seconds until the origin answers again.
        seconds: u64,
    },
    /// The origin answers, and refuses.
    #[error("{url}: the origin answers {status}{}{diagnostics}", if diagnostics.is_empty() { "" } else { ": " })]
    Status {
        /// What was asked for.
        url: String,
        /// Status of HTTP.
        status: u16,
        /// Text of its OperationOutcome, if it sent one.
        diagnostics: String,
    },
    /// The origin sent what nobody may follow or apply.
    #[error("{place}: {reason}")]
    Origin {
        /// Address or file.
        place: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// What the caller asked for cannot be done.
    #[error("{0}")]
    Request(String),
    /// The directory of the mirror is used, damaged, or of another mirror.
    #[error("{0}")]
    State(String),
    /// Where the copy goes did not accept it.
    #[error("{0}")]
    Sink(String),
    /// The circuit breaker: too much of a type would go (REPL-9).
    #[error(
        "{resource_type}: {gone} of {known} resources would be deleted or deactivated, more than {percent} %; nothing was changed. \
         Look at the origin; if this is right, run this again with --confirm-mass-change and the reason"
    )]
    MassChange {
        /// Type of the resources.
        resource_type: String,
        /// Resources that would be deleted or become inactive.
        gone: u64,
        /// Resources that the mirror holds.
        known: u64,
        /// Share that is allowed.
        percent: u32,
    },
    /// The caller asked to stop.
    #[error("stopped; what was received is kept, run this again to go on")]
    Stopped,
}

/// The result of this room.
pub type Result<T> = std::result::Result<T, Error>;

/// Makes an error of a file.
pub(crate) fn file_error(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
    move |source| Error::File { path: path.to_owned(), source }
}

/// An error of what the origin sent.
pub(crate) fn refused(place: &str, reason: impl Into<String>) -> Error {
    Error::Origin { place: shown(place), reason: reason.into() }
}

/// The beginning of a text of an origin, fit for one line of a message.
pub(crate) fn shown(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(crate::limits::SHOWN_CHARS).collect::<String>().trim().to_owned()
}
