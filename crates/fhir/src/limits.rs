//! Limits of what is published, in one place.

/// Longest resource of a feed, in bytes. Nesting is bounded by the JSON reader (128 levels).
pub const RESOURCE: usize = 16 << 20;
/// Highest version of a feed that stays; beyond it the version is 1, so that versions can go on.
pub const VERSION: u32 = 1_000_000_000;
/// First instant that a feed is believed to say: 2000-01-01, in milliseconds since 1970. There was no FHIR before.
pub const FIRST_INSTANT: i64 = 946_684_800_000;
/// Version of the published forms: raised whenever the bytes or terms of a form change, so that a store of other forms is
/// rebuilt and not continued.
pub const FORMS: u32 = 2;
