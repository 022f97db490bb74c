//! Limits of published files.

/// Limits of a tree of published files. The program uses the default; tests use smaller ones.
#[derive(Debug, Clone, Copy)]
pub struct TreeLimits {
    /// Decoded bytes after which a file of lines is closed: a client that is cut loses at most this.
    pub file_bytes: usize,
    /// Share of the root, in per cent of its lines, that increments may reach before it is made anew: a newcomer then reads little twice.
    pub root_share: u64,
    /// Age of a root, in milliseconds, beyond which the next increment brings a new one.
    pub root_age_ms: i64,
    /// Milliseconds for which replaced files and pages stay (PUB-12).
    pub grace_ms: i64,
    /// Newer roots that there must be before a file or page goes (PUB-12).
    pub grace_roots: usize,
    /// Names of what was removed that are remembered, to answer 410 and not 404.
    pub removed_names: usize,
}

const DAY_MS: i64 = 86_400_000;

impl Default for TreeLimits {
    fn default() -> Self {
        Self {
            file_bytes: 32 << 20,
            root_share: 10,
            root_age_ms: 7 * DAY_MS,
            grace_ms: 7 * DAY_MS,
            grace_roots: 3,
            removed_names: 50_000,
        }
    }
}

/// Level of compression: on one processor it keeps pace with the reading of a store.
pub const LEVEL: i32 = 3;
/// Most threads that compress: each holds a few files in memory.
pub const THREADS: usize = 4;
/// Deletions of one line (a Bundle): a reader parses a line at a time.
pub const DELETIONS: usize = 1_000;

/// Limits of exports. The program uses the default; tests use smaller ones.
#[derive(Debug, Clone, Copy)]
pub struct ExportLimits {
    /// Unfinished jobs, of all callers.
    pub waiting: usize,
    /// Unfinished jobs of one caller.
    pub waiting_of_caller: usize,
    /// Jobs of one caller, finished ones included.
    pub jobs_of_caller: usize,
    /// Jobs of all callers, finished ones included.
    pub jobs: usize,
    /// Bytes of the files of all jobs on disk. Files that jobs share count for each of them.
    pub bytes: u64,
    /// Bytes of the files of the jobs of one caller.
    pub bytes_of_caller: u64,
    /// Milliseconds for which a job is kept after its end.
    pub lifetime_ms: i64,
    /// Milliseconds between two questions about an unfinished job (BULK-11).
    pub poll_ms: i64,
}

impl Default for ExportLimits {
    fn default() -> Self {
        Self {
            waiting: 64,
            waiting_of_caller: 4,
            jobs_of_caller: 16,
            jobs: 1_000,
            bytes: 16 << 30,
            bytes_of_caller: 4 << 30,
            lifetime_ms: DAY_MS,
            poll_ms: 2_000,
        }
    }
}

/// Bytes of lines of a file of an export, when the caller names none.
pub const EXPORT_FILE: usize = 32 << 20;
/// Least and most bytes of lines of a file of an export that a caller may ask: few names, and bounded memory.
pub const EXPORT_FILE_BOUNDS: (usize, usize) = (1 << 20, 64 << 20);
/// Work of the filters of an export, in the unit of `Snapshot::within`: some minutes of a thread.
pub const EXPORT_EFFORT: u64 = 2_000_000_000;
