//! Every number that this room adds.

use annuaire_web::Rate;

/// Requests of the software of one authority together (registration §17.3): ten a second, and as many at once.
pub const AUTHORITY_RATE: Rate = Rate { per_second: 10, burst: 10 };
/// Wrong secrets and tokens of one address, before it waits. Secrets have 256 bits: what this bounds is the trail, which keeps each attempt.
pub const STRANGER_RATE: Rate = Rate { per_second: 1, burst: 20 };
/// Bytes of a body that is no list.
pub const BODY_BYTES: usize = 64 * 1024;
/// Bytes of a list: those that `sheets` reads.
pub const LIST_BYTES: usize = annuaire_sheets::limits::FILE_BYTES;
/// Bytes of a path and query.
pub const ADDRESS_BYTES: usize = 1_000;
/// Characters of a part of a path: the longest one of ours is the identifier of a list.
pub const SEGMENT_CHARS: usize = 64;
/// Characters of a key of idempotency: room for two UUIDs.
pub const KEY_CHARS: usize = 80;
/// Lines of a page that asks for none.
pub const PAGE_LINES: u32 = 50;
/// Lines of a page at most.
pub const PAGE_LINES_MAX: u32 = 100;
/// Pages of a list at most: who wants more narrows the list.
pub const PAGES_MAX: u32 = 10_000;
