//! Limits of a request, in one place.

use std::time::Duration;

/// Default page size.
pub(crate) const PAGE: usize = 50;
/// Largest page size; more is lowered.
pub(crate) const PAGE_CAP: usize = 1_000;
/// Most candidates read to check an `:of-type`.
pub(crate) const OF_TYPE: u64 = 1_000;
/// Most included resources on one page.
pub(crate) const INCLUDED: u64 = 50_000;
/// Rounds of `:iterate`.
pub(crate) const ITERATE: usize = 5;
/// Most rows sorted in memory by instants that are not those of their commits.
pub(crate) const SORTED: u64 = 200_000;
/// Bytes of an answer beyond which no further match is written: the page ends, and the next one goes on.
pub(crate) const ANSWER: usize = 32 << 20;
/// Most characters of a token.
pub(crate) const TOKEN: usize = 1_023;
/// Most values of one parameter.
pub(crate) const VALUES: usize = 1_000;
/// Links that one criterion may follow, by chaining or `_has`.
pub(crate) const CHAIN: usize = 1;
/// Most parameters of a request.
pub(crate) const PARAMETERS: usize = 200;
/// Most bytes of a query, in the URL or a form: its paging token must still fit a URL.
pub(crate) const QUERY: usize = 40_000;
/// Seconds for which a cache may keep one version of a resource: the deadline of a withdrawal (WDR-5).
pub(crate) const VERSION_KEPT: u32 = annuaire_web::limits::WITHDRAWAL_SECONDS;
/// Lines of an answer of `$changes`.
pub(crate) const CHANGES: u64 = 1_000;
/// Most lines of an answer of `$changes`; more is lowered.
pub(crate) const CHANGES_CAP: u64 = 10_000;
/// Longest wait for a change (interop §11.2).
pub(crate) const CHANGES_WAIT: Duration = Duration::from_secs(55);
/// Longest wait of a link for a state that another node of the cluster already shows.
pub(crate) const BEHIND_WAIT: Duration = Duration::from_secs(2);
/// Seconds after which a client whose link waited in vain is told to ask again.
pub(crate) const BEHIND_RETRY_SECONDS: u32 = 2;
/// Seconds for which a page of published files may be kept: it changes when the next one exists (PUB-6).
pub(crate) const PAGE_KEPT: u32 = 10;
/// Most bytes of the Parameters of an export.
pub(crate) const EXPORT_BODY: usize = 64 << 10;
/// Seconds after which a caller that has as many exports as it may is told to ask again.
pub(crate) const EXPORT_RETRY_SECONDS: u32 = 60;
/// Most bytes of the Parameters of a match.
pub(crate) const MATCH_BODY: usize = 64 << 10;
/// Practitioners of an answer of a match.
pub(crate) const MATCHES: u64 = 20;
/// Most practitioners of an answer of a match; more is lowered.
pub(crate) const MATCHES_CAP: u64 = 100;
/// Most identifiers, codes or words of the description of a match.
pub(crate) const MATCH_VALUES: usize = 20;
