//! Rows of several resources side by side: an activity, its professional and its structure.

use crate::ViewError;
use crate::column::Cell;
use crate::definition::ViewDefinition;
use crate::json::Document;
use crate::rows::RowTaker;

/// Gives the resources that a joined table looks up. The caller decides where from: a publication store, an archive, a map.
pub trait Resolve {
    /// The JSON of a resource; `None` when there is none.
    ///
    /// # Errors
    /// Why the look-up failed; the run ends with it.
    fn resolve(&mut self, resource_type: &str, id: &str) -> Result<Option<Vec<u8>>, String>;
}

/// Finds nothing. For tables that are not joined.
#[derive(Debug, Clone, Copy)]
pub struct NoResources;

impl Resolve for NoResources {
    fn resolve(&mut self, _: &str, _: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }
}

/// A view whose columns are beside those of the main one.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) view: ViewDefinition,
    /// Number of the column of the main view that holds the id of the resource.
    pub(crate) key: usize,
}

/// Hands out each row of `main`, followed by the cells of each joined view on the resource that the key of the row names. What is
/// not found gives nulls, and several rows of a joined view multiply the row.
pub(crate) fn joined_rows(
    main: &ViewDefinition,
    joined: &[Joined],
    resource: &Document<'_>,
    resolve: &mut dyn Resolve,
    out: RowTaker<'_>,
) -> Result<(), ViewError> {
    main.rows(resource, &mut |cells| {
        let mut row = Vec::with_capacity(cells.len() + joined.iter().map(|j| j.view.columns().len()).sum::<usize>());
        row.extend_from_slice(cells);
        beside(joined, &mut row, resolve, out)
    })
}

/// Completes a row by the first of these views, then by the others.
fn beside(joined: &[Joined], row: &mut Vec<Cell<'_>>, resolve: &mut dyn Resolve, out: RowTaker<'_>) -> Result<(), ViewError> {
    let Some((first, others)) = joined.split_first() else { return out(row) };
    let start = row.len();
    let found = match &row[first.key] {
        Cell::Text(id) => {
            let ty = first.view.resource_type();
            resolve.resolve(ty, id).map_err(|what| ViewError::Resolve { key: format!("{ty}/{id}"), what })?
        }
        _ => None,
    };
    let mut any = false;
    if let Some(json) = found {
        let document = Document::parse(&json)?;
        first.view.rows(&document, &mut |cells| {
            any = true;
            // The cells borrow from the looked-up resource, the row from the main one: both live for this call.
            let mut longer: Vec<Cell<'_>> = Vec::with_capacity(row.capacity());
            longer.extend_from_slice(&row[..start]);
            longer.extend_from_slice(cells);
            beside(others, &mut longer, resolve, out)
        })?;
    }
    if !any {
        row.resize(start + first.view.columns().len(), Cell::Null);
        beside(others, row, resolve, out)?;
        row.truncate(start);
    }
    Ok(())
}
