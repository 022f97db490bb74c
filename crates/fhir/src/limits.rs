//! Limits of what is published, in one place.

/// Longest resource of a feed, in bytes. The JSON reader bounds its nesting to 128 levels.
pub const RESOURCE: usize = 16 << 20;
/// Highest version that a resource of a feed keeps. A higher one is published as version 1, so that the numbers can go on.
pub const VERSION: u32 = 1_000_000_000;
/// Earliest instant that a resource of a feed keeps: 2000-01-01, in milliseconds since 1970. There was no FHIR before.
pub const FIRST_INSTANT: i64 = 946_684_800_000;
/// Version of the published forms. Raise it whenever the bytes or terms of a form change: a store of other forms is then rebuilt
/// and not continued.
pub const FORMS: u32 = 4;
