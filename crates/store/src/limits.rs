//! Limits of the clock of the log, of its chunks, and of rows of identity.

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
/// Bytes of the kind of a row of identity.
pub const IDENTITY_KIND_BYTES: usize = 64;
/// Bytes of the key of a row of identity: a digest, a number, an address of a client.
pub const IDENTITY_KEY_BYTES: usize = 512;
/// Bytes of the subject of a row of identity.
pub const IDENTITY_SUBJECT_BYTES: usize = 256;
/// Bytes of a column of a case.
pub const CASE_TEXT_BYTES: usize = 256;
/// Bytes of the content of a row of identity. The largest are the keys and settings of a client.
pub const IDENTITY_CONTENT_BYTES: usize = 256 * 1_024;
