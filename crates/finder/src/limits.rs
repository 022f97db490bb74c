//! Every bound of this room.

/// Places that a reading gives at most.
pub const PLACES: usize = 20;
/// Words at one edge of a text that may name a place together.
pub const EDGE_WORDS: usize = 5;
/// Postal codes in a text around which a place is looked for.
pub const EDGE_POSTAL_CODES: usize = 4;
/// Words that may name a profession or a specialty together.
pub const CONCEPT_WORDS: usize = 4;
/// Letters from which the beginning of a word may stand for a profession or a specialty.
pub const CONCEPT_BEGINNING: usize = 4;
/// Characters of a typed text that are read; the longest name of a commune has 45.
pub const TYPED: usize = 120;
/// Words of a typed text that are read.
pub const TYPED_WORDS: usize = 16;
/// Letters of a name from which one typing error is allowed.
pub const ONE_ERROR: usize = 5;
/// Letters of a name from which two typing errors are allowed.
pub const TWO_ERRORS: usize = 9;
/// Characters of a name for which typing errors are looked for.
pub const NEAR_NAME: usize = 60;
/// Rows of the comparison that one search for typing errors computes at most, of at most five cells each. Names of communes need some
/// nine thousand.
pub const NEAR_ROWS: usize = 50_000;
/// Departments and regions stand in lists among communes of so many inhabitants, unless they have fewer: after Brest, before Brétigny.
pub const AREA_WEIGHT: u32 = 100_000;
/// Names of communes in the label of a postal code.
pub const LABEL_NAMES: usize = 3;

/// Letters of the box « what » that are read.
pub const TYPED_CHARS: usize = 200;
/// Words of the box « what » that are read.
pub const WORDS: usize = 12;
/// Numbers in one box that are looked up.
pub const NUMBERS: usize = 10;
/// Places at the edges of the words that are tried.
pub const EDGE_PLACES: usize = 2;
/// Professions and specialties among the words that are tried.
pub const CONCEPTS: usize = 2;
/// Results from which nothing more is looked for: those of a first look.
pub const ENOUGH: u64 = 10;
/// Results with names that are only near to what was typed.
pub const NEAR_RESULTS: usize = 20;
/// Rows whose place is looked up one by one; for more, the people of the place are found first.
pub const CANDIDATES: u64 = 300;
/// Rows that are read to be put in order; more are met by walking the stored order.
pub const READ: u64 = 100;
/// Words of a family name.
pub const FAMILY_WORDS: usize = 4;
/// Pairs of neighbours that are tried as one word.
pub const GLUED: usize = 6;
/// Near words that are tried for a typed one.
pub const NEAR_WORDS: usize = 48;
/// Letters from which a word alone is looked for as a beginning.
pub const BEGINNING: usize = 2;
/// Letters from which a word is looked for by its sound.
pub const SOUND: usize = 3;
/// Letters from which one of them may be wrong.
pub const ONE_EDIT: usize = 4;
/// Letters from which two of them may be wrong.
pub const TWO_EDITS: usize = 6;

/// Practices that one question about a person reads and scores.
pub const SCORED: usize = 200;
/// Situations of a practice whose structures are read to compare the place.
pub const SCORED_PLACES: usize = 20;
/// Thousandths of a score from which a practice is certainly the person that was described.
pub const CERTAIN: u32 = 950;
/// Thousandths of a score from which it probably is.
pub const PROBABLE: u32 = 750;
/// Thousandths of a score from which it possibly is; below, it certainly is not.
pub const POSSIBLE: u32 = 200;
