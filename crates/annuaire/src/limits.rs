//! Limits of what strangers may hold.

use std::time::Duration;

/// How long and how many connections may be. Tests use shorter ones.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// From the first byte of a request to the first byte of its answer: slow headers and slow bodies end here.
    pub(crate) request: Duration,
    /// Without a byte of the next request.
    pub(crate) idle: Duration,
    /// The same once three quarters of the connections are taken, so that idle ones make room.
    pub(crate) crowded: Duration,
    /// Without taking a byte of the answer that waits.
    pub(crate) reader: Duration,
    /// For running answers when the server ends.
    pub(crate) finish: Duration,
    /// Pause of the accept loop when the system refuses connections, mostly for want of descriptors.
    pub(crate) pause: Duration,
    /// Open at once; others wait to be accepted.
    pub(crate) connections: usize,
    /// Bytes of request line and headers. Links to next pages repeat the query with its token: up to 54 KiB.
    pub(crate) head: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(15),
            idle: Duration::from_secs(300),
            crowded: Duration::from_secs(10),
            reader: Duration::from_secs(30),
            finish: Duration::from_secs(5),
            pause: Duration::from_millis(100),
            connections: 20_000,
            head: 96 << 10,
        }
    }
}

/// Descriptors kept for stores, registry and logs.
pub(crate) const OTHER_FILES: usize = 256;

/// Niceness of imports and publication: beside readers, they take a tenth of what is asked of a processor.
pub(crate) const NICE: i32 = 10;
