//! Which rows are taken out of terms, sets and columns.

use roaring::RoaringBitmap;

/// Rows that are taken out.
#[derive(Clone, Copy)]
pub struct Removal<'a> {
    pub rows: &'a RoaringBitmap,
    /// They stay under their ids: tombstones are found by them.
    pub keeps_ids: bool,
}
