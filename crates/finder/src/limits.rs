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
