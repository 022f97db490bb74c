//! Limits of publication, in one place.

/// Most entities set aside that are named; the others are counted.
pub const NAMED: usize = 20;
/// Entities, or objects, read from the registry at a time.
pub const PAGE: u32 = 1_000;
/// Time that what left stays in the public store in its reduced form, in milliseconds: thirty days (fhir-api §11,
/// data-perimeters §5).
pub const WITHDRAWN_MS: i64 = 30 * 86_400_000;
/// Time after which one that another resource still points to is looked at again, in milliseconds: a day.
pub const AGAIN_MS: i64 = 86_400_000;
