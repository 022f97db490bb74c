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
