//! Limits of the program.

use std::time::Duration;

/// How often a server looks for transactions of which nothing told it: every commit wakes it.
pub(crate) const FOLLOW_EVERY: Duration = Duration::from_secs(5);
/// How often a server looks whether old versions can be removed.
pub(crate) const COMPACT_EVERY: Duration = Duration::from_secs(3_600);
/// Half of the first pause of a publication that fails.
pub(crate) const RETRY_FIRST: Duration = Duration::from_millis(500);
/// Longest pause of a publication that fails before it tries again.
pub(crate) const RETRY: Duration = Duration::from_secs(30);
/// How often a server frees the reader slots of processes that were killed.
pub(crate) const CLEAR_EVERY: Duration = Duration::from_secs(60);
/// How long a server whose stores are whole waits for a short delay to be published before it answers.
pub(crate) const START_WHOLE: Duration = Duration::from_millis(700);
/// How long it waits for a store that was never published, beside one that was.
pub(crate) const START_NEW: Duration = Duration::from_secs(10);
/// How often a server compares its clock with that of its database.
pub(crate) const COMPARE_CLOCKS: Duration = Duration::from_secs(600);
/// How often a server looks whether its files must be updated before their time: something was withdrawn by law.
pub(crate) const FILES_LOOK: Duration = Duration::from_secs(1);
/// How often the publishing process gives a sign of life.
pub(crate) const BEAT: Duration = Duration::from_secs(1);
/// Silence of the publishing process after which an import reports that nobody publishes.
pub(crate) const SILENT: Duration = Duration::from_secs(15);
/// How long an import waits for a publisher that is itself waiting, as for its registry.
pub(crate) const FAILING: Duration = Duration::from_secs(10);
/// How long an import waits for a publisher that is at work: twice what the first load of a country takes.
pub(crate) const PUBLISHER: Duration = Duration::from_secs(600);
/// How long a process tries to take the right to publish.
pub(crate) const SOON: Duration = Duration::from_secs(2);
/// How often a process that waits looks again.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// How often a server looks whether extractions are due.
pub(crate) const EXTRACTIONS_LOOK: Duration = Duration::from_secs(30);
/// How long it waits after extractions that could not be made.
pub(crate) const EXTRACTIONS_RETRY: Duration = Duration::from_secs(900);
/// Editions of extractions that are kept: each is a whole directory in some ten formats.
pub(crate) const EXTRACTIONS_KEPT: usize = 3;

/// How long the origin of a copy may wait for a change before it answers.
pub(crate) const COPY_WAIT_SECONDS: u64 = 50;
/// Pages of a log that are received before the one that is being applied is done.
pub(crate) const PAGES_AHEAD: usize = 2;
/// Resources that an update of a copy may take away whatever their share is.
pub(crate) const MASS_CHANGE_FROM: u64 = 100;

/// What `doctor` warns of.
pub(crate) mod doctor {
    /// Least room on the disk of the data directory, in bytes; and as a multiple of what the directory takes.
    pub(crate) const ROOM_BYTES: u64 = 2 << 30;
    /// Milliseconds for which a letter or an alert of registration may wait before a warning: a day.
    pub(crate) const BACKLOG_MS: i64 = 86_400_000;
    /// Share of the address space of a store that may be taken, per cent, before a warning.
    pub(crate) const MAP_PERCENT: u64 = 80;
}
/// Rows of logins that a restoration removes together.
pub(crate) const LOGIN_ROWS: u32 = 10_000;
/// How often a server looks at the files of revocation lists and at its own certificate: a list that arrives ends sessions within seconds.
pub(crate) const LIST_LOOKS: Duration = Duration::from_secs(3);
/// Looks from one download of the revocation lists to the next: an hour.
pub(crate) const LIST_DOWNLOADS: u32 = 1_200;
/// Longest time of the download of a revocation list.
pub(crate) const LIST_TIME: Duration = Duration::from_secs(60);
/// Milliseconds before the end of a revocation list from which the operator is warned.
pub(crate) const LIST_WARNING_MS: i64 = 86_400_000;
/// Most files in the directory of revocation lists.
pub(crate) const LIST_FILES: usize = 256;
/// Work of one search for structures, in tenths of a microsecond: twenty milliseconds.
pub(crate) const STRUCTURE_SEARCH_EFFORT: u64 = 200_000;
/// Sites of a legal entity, or establishments of an employer, that are found at most: the largest has some thousand.
pub(crate) const STRUCTURE_SITES: usize = 5_000;
/// People of a page of the staff of a structure.
pub(crate) const STRUCTURE_STAFF: u32 = 200;
/// Jobs of the work queue among which those for operators are counted: of more that wait, the first ones.
pub(crate) const WORK_JOBS: u32 = 10_000;
