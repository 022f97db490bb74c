//! Limits of publication, in one place.

/// Most entities set aside that are named; all of them are counted.
pub const NAMED: usize = 20;
/// Entities, or facts, read from the registry at a time.
pub const PAGE: u32 = 1_000;
/// Transactions of the log read at a time.
pub const TRANSACTIONS: u32 = 10_000;
/// Most changes of a transaction that is applied together with others, and whose resources are all in memory at once.
pub const SMALL: u64 = 2_000;
/// Most changes of all the transactions that are applied together: their resources take some ten thousand bytes each.
pub const GROUP: u64 = 20_000;
/// Changes that wait, those of a group included, from which the group is committed in large steps: about two days of a small directory.
pub const BACKLOG: u64 = 2_000;
/// Changes of a group below which the calling thread does all the work: starting threads would cost more.
pub const ALONE: u64 = 32;
/// Time that the reduced form of a withdrawn resource stays in the public store, in milliseconds: thirty days (fhir-api §11,
/// data-perimeters §5).
pub const WITHDRAWN_MS: i64 = 30 * 86_400_000;
/// Time after which a reduced form that was due, and to which another resource still pointed, is examined again, in milliseconds:
/// a day.
pub const AGAIN_MS: i64 = 86_400_000;
/// A transaction with fewer changes is read by look-ups: they are quick, however much is published.
pub const LARGE: u64 = 50_000;
/// A large transaction is read in order when its changes times this number are at least as many as the published resources.
pub const SHARE: u64 = 8;
/// Closed versions are removed when they are at least this part of the live ones, as a divisor: removing reads the whole store.
pub const REMOVABLE: u64 = 50;

/// Versions of a copied store that are made at once, by one thread.
pub const COPIED_AT_ONCE: usize = 64;
/// Versions of a copied store from which on they are committed in large steps.
pub const BACKLOG_COPIED: u64 = 20_000;
