//! Bounds of what a visitor may ask of a page, in one place.

/// Most bytes of the note of an edition of extractions.
pub(crate) const NOTE_BYTES: u64 = 1 << 20;
/// Results on a page of a search.
pub(crate) const RESULTS: usize = 20;
/// Characters of a field of a search form; the rest is cut.
pub(crate) const FIELD_CHARS: usize = 200;
/// Results of each kind that a first look shows.
pub(crate) const FIRST_LOOK: usize = 10;
/// Professions and specialties that are offered to narrow a search.
pub(crate) const FACETS: usize = 12;
/// Places of one name that a sentence tells.
pub(crate) const PLACES_TOLD: usize = 6;
/// Towns that the box « where » suggests without a script.
pub(crate) const TOWNS: usize = 120;
/// Words of a criterion of the advanced form.
pub(crate) const CRITERION_WORDS: usize = 8;
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
/// Most bytes of a page that is sent; a longer one would be a fault of its template.
pub(crate) const PAGE_BYTES: usize = 16 << 20;
/// Most bytes of a line of a contact card (RFC 6350 §3.2).
pub(crate) const VCARD_LINE: usize = 75;
/// Most bytes of an address in a QR code: with more, its squares are too small to be read from paper.
pub(crate) const QR_BYTES: usize = 400;
/// Pixels of a side of a QR code, at least.
pub(crate) const QR_PIXELS: u32 = 220;
/// Rows of the store in a part of the sitemap, of which each gives one address at most (sitemaps.org allows 50,000).
pub(crate) const SITEMAP_ROWS: u32 = 20_000;
/// Most bytes of an answer of the API that a page shows; a longer one is for programs.
pub(crate) const SHOWN_ANSWER: usize = 2 << 20;
/// Characters of a field of a form of the API; the rest is cut.
pub(crate) const QUERY_FIELD_CHARS: usize = 4_000;
/// Resources of a type that are read to find examples of requests.
pub(crate) const EXAMPLES_READ: usize = 60;
