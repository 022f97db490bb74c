//! How many, how long: every number that this room adds to those of `workflow`.

/// Times that a use case decides again because another one wrote first. Each time somebody else went on, so that few are needed.
pub const ATTEMPTS: u32 = 8;
/// Characters of a field of a draft. Checks ask less; a draft that is saved unchecked must not grow without end.
pub const DRAFT_FIELD_CHARS: usize = 500;
/// Bytes of a folded name in a listing.
pub const LISTED_NAME_BYTES: usize = 200;
/// Rows of a page when rows are walked.
pub const PAGE: u32 = 200;
/// Requests of a page of a list (registration §4.4).
pub const LIST_PAGE_MAX: u32 = 100;
/// Candidates that one blocking key gives at most. A key that gives more tells nothing.
pub const CANDIDATES_MAX: usize = 500;
/// Milliseconds for which a job is hidden from other nodes while it is done.
pub const LEASE_MS: i64 = 60_000;
/// Attempts to send a message before it counts as lost.
pub const SEND_ATTEMPTS: u32 = 8;
/// Milliseconds before the second attempt to send a message; the wait doubles.
pub const SEND_FIRST_MS: i64 = 30_000;
/// Longest wait between two attempts to send a message.
pub const SEND_LONGEST_MS: i64 = 3_600_000;
/// Milliseconds for which messages of the inbox and records of deliveries are kept: a year.
pub const MESSAGES_KEPT_MS: i64 = 365 * 86_400_000;
/// Hour of Paris at which timers begin (registration §13), in milliseconds after midnight.
pub const TIMER_HOUR_MS: i64 = 3 * 3_600_000;
/// Hour of Paris at which digests leave (registration §12), in milliseconds after midnight.
pub const DIGEST_HOUR_MS: i64 = 8 * 3_600_000;
/// Days for which the « finished » table of a list looks back (registration §4.4).
pub const FINISHED_DAYS: i32 = 90;
/// Persons whose keys one unit writes: some thousand rows, for which other writers wait some tens of milliseconds.
pub const INDEXED_PERSONS: u32 = 100;
/// Numbers that are tried before a range counts as used up by others.
pub const NUMBERS_TRIED: u64 = 1_000;
/// Milliseconds for which a code on a new contact is good.
pub const CODE_MS: i64 = 10 * 60_000;
/// Wrong codes after which new ones are needed.
pub const CODE_ATTEMPTS: u32 = 5;
