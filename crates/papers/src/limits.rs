//! Every number of this room. Lengths are points: 72 to the inch.

/// Width of a page: A4.
pub(crate) const PAGE_WIDTH: f32 = 595.276;
/// Height of a page: A4.
pub(crate) const PAGE_HEIGHT: f32 = 841.89;
/// Blank around what is written.
pub(crate) const MARGIN: f32 = 56.0;
/// From one line to the next, for each point of its size.
pub(crate) const LEADING: f32 = 1.4;
/// Size of text.
pub(crate) const TEXT_SIZE: f32 = 10.5;
/// Size of notes and of page numbers.
pub(crate) const NOTE_SIZE: f32 = 8.5;
/// Sizes of headings of the levels 1 and 2.
pub(crate) const HEADING_SIZES: [f32; 2] = [18.0, 13.0];
/// Blank after a block.
pub(crate) const BLOCK_GAP: f32 = 8.0;
/// Blank before a heading of level 2.
pub(crate) const HEADING_GAP: f32 = 10.0;
/// Where values begin, from the left margin: labels stand before them.
pub(crate) const VALUE_INDENT: f32 = 190.0;
/// Where items of lists begin.
pub(crate) const ITEM_INDENT: f32 = 14.0;
/// Side of a QR code.
pub(crate) const QR_SIDE: f32 = 96.0;
/// Blank modules around a QR code (ISO/IEC 18004).
pub(crate) const QR_QUIET: usize = 4;
/// Pages of a paper. The longest summary has two; a paper that is longer is refused.
pub(crate) const PAGES: usize = 50;
