//! What a kind of query makes of a nation.

/// Most equally good answers of a query: with more of them none can be asked to stand among the first ten.
pub(crate) const MOST_ANSWERS: usize = 10;

/// A query before its letters get their case, and the pages that answer it.
pub(crate) struct GoldDraft {
    pub q: String,
    pub ou: String,
    pub answers: Vec<String>,
}
