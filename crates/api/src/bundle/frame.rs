//! What a bundle needs besides its rows.

use annuaire_index::Row;

use crate::cursor::PageSeal;

/// What a bundle needs besides its rows.
pub(crate) struct BundleFrame {
    /// Address of the perimeter as the client sees it: links begin with it.
    pub base: String,
    /// Seal of the page tokens; it names the log of the bundle.
    pub seal: PageSeal,
    /// Address of this page.
    pub self_url: String,
    /// Perimeter and type, or path of a history: part of the page tokens.
    pub scope: String,
    /// Query of the first page, still encoded: part of the page tokens.
    pub query: String,
    /// Where a page reached by a link begins.
    pub from: Option<PageStart>,
}

impl BundleFrame {
    /// Last row already served.
    pub(crate) fn last_row(&self) -> Option<Row> {
        self.from.and_then(|from| from.last_row)
    }
}

/// Where a page reached by a link begins, as its token says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageStart {
    /// Last row of the page before it; `None` for the first page.
    pub last_row: Option<Row>,
    /// Total of the first page; `None` when it has none.
    pub total: Option<u64>,
}
