//! Bounds of what a visitor may ask of a page, in one place.

/// Most bytes of the note of an edition of extractions.
pub(crate) const NOTE_BYTES: u64 = 1 << 20;
/// Results on a page of a search.
pub(crate) const RESULTS: usize = 20;
/// Characters of a field of a search form; the rest is cut.
pub(crate) const FIELD_CHARS: usize = 100;
/// Words of a name that a search takes into account.
pub(crate) const NAME_WORDS: usize = 8;
/// Results that are sorted by name; more come in the order of the store.
pub(crate) const SORTED: u64 = 2_000;
/// Professionals shown at a time on the page of a structure.
pub(crate) const PEOPLE: usize = 50;
/// Establishments, and activities of each kind, shown on the page of a structure.
pub(crate) const PARTS: usize = 200;
/// Most characters of a national number; a longer one was never withdrawn.
pub(crate) const NATIONAL_ID: usize = 20;
/// Highest page number; a higher one shows this page.
pub(crate) const LAST_PAGE: usize = 10_000;
/// Days of changes that a page lists. The public perimeter has no older history (data-perimeters §5).
pub(crate) const HISTORY_DAYS: i64 = 30;
/// Most bytes of an answer of the API that a page shows; a longer one is for programs.
pub(crate) const SHOWN_ANSWER: usize = 2 << 20;
/// Characters of a field of a form of the API; the rest is cut.
pub(crate) const QUERY_FIELD_CHARS: usize = 4_000;
/// Resources of a type that are read to find examples of requests.
pub(crate) const EXAMPLES_READ: usize = 60;
