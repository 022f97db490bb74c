//! Limits of what strangers may cost, in one place.

/// Clients whose rate is followed, and addresses whose guesses are, at a time; those that asked least recently are forgotten.
pub const CLIENTS: usize = 100_000;
/// Wrong keys that an address may send at once before it has to wait.
pub const GUESSES: i64 = 10;
/// Microseconds after which an address may send one more.
pub const GUESS_EVERY: i64 = 500_000;
/// Longest wait of a request whose address sent too many wrong keys, in microseconds; one that would wait longer is refused
/// unread.
pub const GUESS_WAIT: i64 = 2_000_000;
/// Verified keys remembered with the address that sent them: they do not wait for the guesses of others.
pub const PROVEN: usize = 20_000;
/// Addresses read of a forwarding header, from the right; those before them are ignored.
pub const HOPS: usize = 32;
/// Most bytes of a host name with its port.
pub const HOST: usize = 261;
/// Most bytes of the path prefix that a proxy names.
pub const PREFIX: usize = 200;
/// Milliseconds for which a store may be behind its log before its health says so: the whole country is published in less.
pub const BEHIND_MS: i64 = 300_000;
/// Milliseconds without a report after which publication is taken for dead.
pub const SILENT_MS: i64 = 900_000;
/// Milliseconds by which the last transaction may be ahead of the clock of this machine before its health says so.
pub const CLOCK_BEHIND_MS: i64 = 60_000;
/// Milliseconds for which the last transaction may be over before health doubts the clock. An installation that receives nothing
/// for 200 days is rarer than a wrong clock.
pub const CLOCK_AHEAD_MS: i64 = 200 * 86_400_000;
/// Milliseconds by which the clocks of this machine and of its database may differ before health says so.
pub const CLOCK_APART_MS: i64 = 10_000;
/// Work that a request may take at all, in units of about a tenth of a microsecond: about a second.
pub const LONG: u64 = 10_000_000;
/// Work that a request may take on the threads that read connections, in the unit of [`LONG`]: enough for a page of fifty
/// resources with what it includes. A request that needs more starts again in the [`Lane`](crate::Lane).
pub const QUICK: u64 = 8_000;
/// Descriptors kept for stores, registry and logs.
pub const OTHER_FILES: usize = 256;
/// Seconds for which anything between us and a reader may keep what holds personal data: the deadline of a withdrawal (WDR-5).
pub const WITHDRAWAL_SECONDS: u32 = 86_400;
/// Answers shorter than this many bytes are not compressed.
pub const GZIP_FROM: usize = 1_400;
/// Bytes of a piece of a long answer.
pub const PIECE: usize = 256 << 10;
/// Bytes of a piece for a client that took more than its share, so that others wait less for its sending.
pub const SMALL_PIECE: usize = 64 << 10;
/// Bytes of all kept answers.
pub const KEPT_BYTES: usize = 64 << 20;
/// Answers remembered as asked once.
pub const ASKED_ONCE: usize = 100_000;
/// Least bytes of an answer that is kept: a shorter one is made as fast as it is found.
pub const KEPT_FROM: usize = 16 << 10;
/// Clients whose share is followed at a time.
pub const SHARES: usize = 100_000;
/// Microseconds of work in the last second or two beyond which a client waits for others.
pub const SHARE: i64 = 200_000;
/// Distance between the beginnings of two answers of a slowed client, in multiples of the cost of one: 2 is half a processor.
pub const PACE: i64 = 2;
/// Longest wait of an answer of a slowed client, in microseconds: its small requests are still answered soon.
pub const PUT_OFF: i64 = 50_000;
/// Microseconds that the smallest request costs the machine besides our own work.
pub const REQUEST_MICROS: i64 = 20;
/// Bytes that the machine sends in a microsecond.
pub const SENT_IN_A_MICROSECOND: u64 = 3_000;
/// Bytes of a block of a file that is sent; a connection holds two.
pub const FILE_BLOCK: usize = 256 << 10;
/// Certificates that a proxy may name beside that of its client.
pub const CLIENT_CHAIN: usize = 8;
/// Seconds for which a browser that came by TLS comes back by TLS alone (RFC 6797 §6.1.1): a year.
pub const TLS_ONLY_SECONDS: u32 = 31_536_000;
