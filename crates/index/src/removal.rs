//! Which rows are taken out of terms, sets and columns.

use roaring::RoaringBitmap;

use crate::row::Row;

/// Rows that are taken out.
#[derive(Clone, Copy)]
pub struct Removal<'a> {
    pub rows: &'a RoaringBitmap,
    /// End of the rows of the first state that is kept; `None` when the rows stay under their ids, by which tombstones are found.
    pub first_kept_end: Option<Row>,
}
