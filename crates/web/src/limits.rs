//! Bounds of what strangers may cost, in one place.

/// Clients whose rate, and addresses whose guesses, are followed at a time; beyond, the ones that asked least recently are
/// forgotten.
pub const CLIENTS: usize = 100_000;
/// Wrong keys or credentials that an address may send at once before it has to wait.
pub const GUESSES: i64 = 10;
/// Microseconds after which an address may send one more.
pub const GUESS_EVERY: i64 = 500_000;
/// Microseconds for which a request whose address made too many guesses waits for its turn to be verified; one that would wait
/// longer is refused unread.
pub const GUESS_WAIT: i64 = 2_000_000;
/// Verified keys remembered with the address that they came from: they do not wait for the guesses of others.
pub const PROVEN: usize = 20_000;
/// Addresses read of a forwarding header, from the right; what is left of them is not looked at.
pub const HOPS: usize = 32;
/// Most bytes of a host name with its port.
pub const HOST: usize = 261;
/// Most bytes of the path prefix that a proxy names.
pub const PREFIX: usize = 200;
/// Milliseconds for which a store may be behind its log before the service says so: the country is published in less.
pub const BEHIND_MS: i64 = 300_000;
/// Milliseconds without a word of publication after which it is taken for dead.
pub const SILENT_MS: i64 = 900_000;
/// Work that a request may take at all, in units of about a tenth of a microsecond: about a second.
pub const LONG: u64 = 10_000_000;
/// Work that a request may take on the threads that read connections, in the unit of [`LONG`]: enough for a page of fifty
/// resources with what it includes. A request that needs more starts again in the [`Lane`](crate::Lane).
pub const QUICK: u64 = 8_000;
/// Descriptors kept for stores, registry and logs.
pub const OTHER_FILES: usize = 256;
