//! Bounds of a request, in one place.

/// Default page size.
pub const PAGE: usize = 50;
/// Largest page size; more is lowered.
pub const PAGE_CAP: usize = 1_000;
/// Most candidates read to check an `:of-type`.
pub const OF_TYPE: u64 = 1_000;
/// Most included resources on one page.
pub const INCLUDED: u64 = 50_000;
/// Rounds of `:iterate`.
pub const ITERATE: usize = 5;
/// Most rows sorted in memory by an instant that is not their commit's, or by id.
pub const SORTED: u64 = 200_000;
/// Bytes of one answer beyond which no further match is written: the next page goes on.
pub const ANSWER: usize = 32 << 20;
/// Most characters of a token.
pub const TOKEN: usize = 1_023;
/// Most values of one parameter.
pub const VALUES: usize = 1_000;
/// Links that one criterion may follow, by chaining or `_has`.
pub const CHAIN: usize = 1;
/// Most parameters of a request.
pub const PARAMETERS: usize = 200;
/// Most bytes of a query, in the URL or a form: its paging token must still fit a URL.
pub const QUERY: usize = 40_000;
/// Answers smaller than this are not compressed.
pub const GZIP_FROM: usize = 1_400;
/// Clients whose share is followed at a time.
pub const CLIENTS: usize = 100_000;
/// Seconds for which a cache may keep one version of a resource.
pub const VERSION_KEPT: u32 = 86_400;
/// Bytes of an answer made at a time.
pub const PIECE: usize = 256 << 10;
/// The same for a client that took more than its share: others wait for the sending of less.
pub const SMALL_PIECE: usize = 64 << 10;
/// Bytes of the answers kept for who asks the same again.
pub const KEPT: usize = 64 << 20;
/// Answers known to have been asked once.
pub const MET: usize = 100_000;
/// Bytes from which an answer is worth keeping: shorter ones are made as fast as found.
pub const WORTH_KEEPING: usize = 16 << 10;
/// Microseconds of work in the last second or two beyond which a client waits for others.
pub const SHARE: i64 = 200_000;
/// How many times what its answers cost lies between their beginnings then: a client gets half a processor.
pub const PACE: i64 = 2;
/// Microseconds for which an answer is put off at most: small ones of a client that also asked for much still come soon.
pub const PUT_OFF: i64 = 50_000;
/// Microseconds that the least of requests costs the machine beside our own work.
pub const REQUEST_MICROS: i64 = 20;
/// Bytes that the machine sends in a microsecond.
pub const SENT_IN_A_MICROSECOND: u64 = 3_000;
