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
/// Most parameters of a request.
pub const PARAMETERS: usize = 200;
/// Most bytes of a query, in the URL or a form: its paging token must still fit a URL.
pub const QUERY: usize = 40_000;
/// Answers smaller than this are not compressed.
pub const GZIP_FROM: usize = 1_400;
/// Clients whose rate is followed at a time; beyond, those at rest are forgotten.
pub const CLIENTS: usize = 100_000;
/// Seconds for which a cache may keep one version of a resource.
pub const VERSION_KEPT: u32 = 86_400;
