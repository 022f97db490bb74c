//! Limits of the clock of the log, and of its chunks.

/// How far the last transaction may be ahead of the clock of the committing machine, in milliseconds: the clocks of two
/// machines differ by less than an hour.
pub const CLOCK_BEHIND_MS: i64 = 3_600_000;
/// How far a commit may be after the transaction before it, in milliseconds. A machine with a wrong clock is more frequent than
/// an installation that receives nothing for 400 days.
pub const CLOCK_AHEAD_MS: i64 = 400 * 86_400_000;
/// Bytes of payloads at which a chunk is cut: a reader of one fact decompresses all of its chunk, a smaller chunk compresses worse.
pub const CHUNK_BYTES: usize = 24 * 1_024;
/// Rows at which a chunk is cut, when they say little.
pub const CHUNK_ROWS: usize = 256;
/// Bytes of payloads of one chunk at most. A chunk is not cut within an entity, so it may be larger than [`CHUNK_BYTES`].
pub const CHUNK_BYTES_MOST: usize = 64 * 1_024 * 1_024;
/// Level of zstd. Higher ones take longer and gain little (see [`chunk`](crate::chunk)).
pub const COMPRESSION_LEVEL: i32 = 1;
