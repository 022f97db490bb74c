//! What the caller of an import decides, its clocks and its progress included.

use crate::limits;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Receives what is being done, how much of it is done and how much there is (bytes or objects; 0 when unknown).
pub type Progress = Arc<dyn Fn(&str, u64, u64) + Send + Sync>;

/// A clock: milliseconds since 1970 UTC.
pub type ClockMs = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Whether a FHIR resource, as compact JSON, can be published; the reason when it cannot. The program passes the code that
/// publishes, so that every accepted resource is published.
pub type ResourceCheck = fn(&str) -> Result<(), String>;

/// What the caller decides.
#[derive(Clone)]
pub struct Options {
    /// Who imports; goes to the log.
    pub author: String,
    /// The caller's clock, read when the transaction is saved.
    pub clock: ClockMs,
    /// Commits although the clock and the log disagree by more than the log allows.
    pub any_clock: bool,
    /// Reason given to pass the volume and key guards.
    pub accept_mass_change: Option<String>,
    /// The operator declares that the FHIR files are open data: their resources may be published without restriction.
    pub open: bool,
    /// Reads, checks and compares everything, and writes nothing.
    pub dry_run: bool,
    /// Checks each FHIR resource before it is accepted; without it, all are.
    pub check: Option<ResourceCheck>,
    /// The FHIR files of this call are everything that their directory has: resources that they do not name end. Without it a
    /// feed only adds, replaces, and ends what a Bundle deletes by name, since no FHIR file states that it is complete.
    pub full_feed: bool,
    /// Bytes of memory in which pieces are sorted; what does not fit goes to temporary files. What is imported and reported does not
    /// depend on it.
    pub sort_bytes: usize,
    /// Directory of the temporary files of an import that does not fit [`Options::sort_bytes`]: that of the registry is best,
    /// since the system's is often in memory. The files have no name and vanish with the program.
    pub spill: Option<PathBuf>,
    /// Called often; must be quick.
    pub progress: Option<Progress>,
    /// A clock that never steps back, from any instant; only the table of stages reads it.
    pub now: Option<fn() -> Duration>,
    /// Threads that read lines and assemble objects, beside the caller's; zero for as many as there are processors. What is
    /// imported and reported does not depend on it.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            author: String::new(),
            clock: Arc::new(|| 0),
            any_clock: false,
            accept_mass_change: None,
            open: false,
            dry_run: false,
            check: None,
            full_feed: false,
            sort_bytes: limits::SORT_BYTES,
            spill: None,
            progress: None,
            now: None,
            threads: 0,
        }
    }
}

impl Options {
    /// Tells [`Options::progress`] how far the import is.
    pub(crate) fn report_progress(&self, what: &str, done: u64, total: u64) {
        if let Some(progress) = &self.progress {
            progress(what, done, total);
        }
    }

    /// Number of threads that work beside the caller's.
    pub(crate) fn workers(&self) -> usize {
        annuaire_batch::parallel::workers(self.threads)
    }
}
