//! Limits of publication, in one place.

/// Most entities set aside that are named; all of them are counted.
pub const NAMED: usize = 20;
/// Entities, or objects, read from the registry at a time.
pub const PAGE: u32 = 1_000;
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
