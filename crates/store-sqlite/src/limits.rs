//! Limits of this room.

use std::time::Duration;

/// How long a writer waits for another one before it gives up. Stages and units are brief; a checkpoint may take seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);
/// Connections that read at the same time.
pub(crate) const READERS: u32 = 8;
/// Bytes of decoded chunks that stay in memory.
pub(crate) const CACHE_BYTES: usize = 64 * 1_024 * 1_024;
/// Entities looked up together: bounds the chunks that are in memory at once.
pub(crate) const ENTITIES_TOGETHER: usize = 128;
/// Chunks fetched by one statement.
pub(crate) const CHUNKS_TOGETHER: usize = 64;
/// Chunks that a stage writes in one turn: some milliseconds, so that no unit waits longer.
pub(crate) const STAGE_CHUNKS: usize = 16;
/// Bytes of payloads and keys that a stage gathers before it writes them.
pub(crate) const STAGE_BYTES: usize = 2 * 1_024 * 1_024;
/// Puts that a stage gathers before it writes them.
pub(crate) const STAGE_PUTS: usize = 8_192;
/// Pause between two short transactions of a stage, in which a writer of another process gets its turn.
pub(crate) const STAGE_PAUSE: Duration = Duration::from_millis(1);
/// How long a stage that shows no sign of life is kept, in milliseconds.
pub(crate) const STAGE_LEASE_MS: i64 = 15 * 60_000;
/// Chunks of an abandoned stage that one short transaction removes.
pub(crate) const DISCARDED_TOGETHER: i64 = 256;
/// How often commits of other processes are looked for.
pub(crate) const WATCH: Duration = Duration::from_millis(100);
/// Bytes of write-ahead log from which it is copied into the file.
pub(crate) const WAL_COPY_BYTES: u64 = 4 * 1_024 * 1_024;
/// Bytes of write-ahead log from which writers wait until it is copied, so that it starts again from its beginning.
pub(crate) const WAL_MOST_BYTES: u64 = 256 * 1_024 * 1_024;
/// Rows of a former log that are brought forward at a time.
pub(crate) const MIGRATED_TOGETHER: i64 = 8_192;
