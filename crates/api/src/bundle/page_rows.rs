//! The rows of one page of a search.

use annuaire_index::{IdOrder, RoaringBitmap, Row, Snapshot, Version};
use annuaire_terms::TypeId;
use annuaire_web::ErrorCode;

use crate::error::ApiError;
use crate::limits;
use crate::query::{PageOrder, Search};

/// The rows of a page, in its order.
#[derive(Default)]
pub(crate) struct PageRows {
    pub rows: Vec<Row>,
    /// Whether more rows follow.
    pub more: bool,
    /// Row before the previous page; `Some(None)` when that page is the first one, `None` when this one is.
    pub previous: Option<Option<Row>>,
}

/// Cuts one page out of the matches `all`: the rows after the last one served, in the order of the search.
pub(crate) fn cut(
    snap: &Snapshot,
    ty: TypeId,
    search: &Search,
    last: Option<Row>,
    all: &RoaringBitmap,
) -> Result<PageRows, ApiError> {
    let count = search.page_size.entries.max(1);
    let dated = match search.order {
        PageOrder::Updated { .. } => snap.with_own_instant(ty).map_err(ApiError::from_index)? & all,
        _ => RoaringBitmap::new(),
    };
    // The row that is `count` rows before the last one served. The previous page begins after it.
    let mut before: Option<Row> = None;
    let mut found: Vec<Row> = match search.order {
        PageOrder::Id { down } => {
            let edge = last.map(|row| snap.read(row)).transpose().map_err(ApiError::from_index)?;
            let after = edge.as_ref().map(Version::id);
            let (order, back) =
                if down { (IdOrder::Descending, IdOrder::Ascending) } else { (IdOrder::Ascending, IdOrder::Descending) };
            if after.is_some() {
                before = snap.by_id(ty, all, after, back, count).map_err(ApiError::from_index)?.get(count - 1).copied();
            }
            snap.by_id(ty, all, after, order, count + 1).map_err(ApiError::from_index)?
        }
        PageOrder::Updated { down } if !dated.is_empty() => {
            // Instants of other directories do not follow the order of rows: all matches are read and sorted.
            if all.len() > limits::SORTED {
                return Err(ApiError::new(
                    ErrorCode::AnswerTooLarge,
                    format!("{} resources to sort, more than {}: narrow the search or drop _sort.", all.len(), limits::SORTED),
                ));
            }
            let mut keyed = all
                .iter()
                .map(Row::new)
                .map(|r| Ok((snap.last_updated_ms(r).map_err(ApiError::from_index)?, r)))
                .collect::<Result<Vec<_>, ApiError>>()?;
            keyed.sort_unstable();
            if down {
                keyed.reverse();
            }
            let start = last.and_then(|last| keyed.iter().position(|k| k.1 == last)).map_or(0, |at| at + 1);
            before = start.checked_sub(count + 1).map(|at| keyed[at].1);
            keyed.into_iter().skip(start).take(count + 1).map(|k| k.1).collect()
        }
        PageOrder::Updated { down: true } => {
            let mut rest = all.clone();
            if let Some(last) = last {
                let mut above = all.iter();
                above.advance_to(last.get().saturating_add(1));
                before = above.nth(count - 1).map(Row::new);
                rest.remove_range(last.get()..);
            }
            rest.iter().rev().take(count + 1).map(Row::new).collect()
        }
        PageOrder::Updated { down: false } | PageOrder::Row => {
            let mut rest = all.iter();
            if let Some(last) = last {
                // A rank in a bitmap is cheap.
                let below = all.rank(last.get()).saturating_sub(1);
                before = below.checked_sub(count as u64).and_then(|n| all.select(u32::try_from(n).ok()?)).map(Row::new);
                rest.advance_to(last.get().saturating_add(1));
            }
            rest.take(count + 1).map(Row::new).collect()
        }
    };
    let more = found.len() > count;
    found.truncate(count);
    let previous = last.map(|_| before);
    Ok(PageRows { rows: found, more, previous })
}
