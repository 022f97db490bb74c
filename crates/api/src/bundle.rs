//! Bundles: pages of searches and of histories.

mod draft;
mod frame;
mod included;
mod page_rows;
mod reduce;

use annuaire_index::{RoaringBitmap, Row, Snapshot};
use annuaire_terms::TypeId;

use crate::error::ApiError;
use crate::query::Search;
use draft::BundleKind;
use page_rows::{PageRows, cut};

pub(crate) use draft::BundleDraft;
pub(crate) use frame::{BundleFrame, PageStart};
pub use reduce::reduce;

/// The order of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HistoryOrder {
    /// The latest version first, as R4 has it.
    NewestFirst,
    /// The first version first, for followers.
    OldestFirst,
}

/// One page of a search on the type of number `ty`.
pub(crate) fn searchset(snap: &Snapshot, ty: TypeId, search: Search, frame: BundleFrame) -> Result<BundleDraft, ApiError> {
    let all = snap.search(ty, &search.filter).map_err(ApiError::from_index)?;
    let total = match frame.from {
        Some(from) => from.total,
        None => search.with_total.then(|| all.len()),
    };
    let page = if search.only_total { PageRows::default() } else { cut(snap, ty, &search, frame.last_row(), &all)? };
    let Search { includes, elements, ignored, only_total, .. } = search;
    // A total alone has no entries, hence no warnings.
    let ignored = if only_total { Vec::new() } else { ignored };
    let mut draft = BundleDraft::new(snap, frame, BundleKind::Search { includes, elements, ignored }, total, page);
    draft.find_included(snap)?;
    Ok(draft)
}

/// One page of a history over the versions `rows`.
pub(crate) fn history(
    snap: &Snapshot,
    mut rows: RoaringBitmap,
    count: usize,
    order: HistoryOrder,
    frame: BundleFrame,
) -> BundleDraft {
    let total = frame.from.map_or(Some(rows.len()), |from| from.total);
    match frame.last_row() {
        Some(last) if order == HistoryOrder::OldestFirst => _ = rows.remove_range(..=last.get()),
        Some(last) => _ = rows.remove_range(last.get()..),
        None => {}
    }
    let page: Vec<Row> = match order {
        HistoryOrder::OldestFirst => rows.iter().take(count).map(Row::new).collect(),
        HistoryOrder::NewestFirst => rows.iter().rev().take(count).map(Row::new).collect(),
    };
    let more = rows.len() > page.len() as u64;
    BundleDraft::new(snap, frame, BundleKind::History, total, PageRows { rows: page, more, previous: None })
}
