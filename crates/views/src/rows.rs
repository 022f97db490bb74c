//! Running a view on a resource.

use crate::ViewError;
use crate::column::Cell;
use crate::definition::{Child, ColumnPath, Iteration, Select, ViewDefinition};
use crate::json::Document;
use crate::limits::{ELEMENTS_OF_A_RESOURCE, RESOURCE_DEPTH, ROWS_OF_A_RESOURCE};
use crate::path::{Datum, Expr, FaultCause, Scope, each, path_fault, single};

/// Takes the rows of a view. An error that it returns ends the run and is returned from it.
pub type RowTaker<'a> = &'a mut dyn FnMut(&[Cell<'_>]) -> Result<(), ViewError>;

/// What is still to be crossed with a partial row.
type Rest<'a, 't> = &'a mut dyn FnMut(&mut Vec<Cell<'t>>) -> Result<(), ViewError>;

impl ViewDefinition {
    /// Hands the rows of one resource to `out`, in the order of the definition; a resource of another type, or one that a
    /// criterion leaves out, gives none. Cost: one evaluation of each path for each row that it contributes to.
    ///
    /// # Errors
    /// [`ViewError::Row`] when a path finds several values or a value of another type than its column, or when a criterion is no
    /// boolean; what `out` returns. Rows handed out before stay handed out.
    pub fn rows(&self, resource: &Document<'_>, out: RowTaker<'_>) -> Result<(), ViewError> {
        if resource.resource_type() != self.resource {
            return Ok(());
        }
        let run = ViewRun { view: self, resource, elements: std::cell::Cell::new(0) };
        let scope = Scope { this: Datum::element(resource.root(), ""), row_index: 0, moment: None };
        for (place, criterion) in &self.criteria {
            if !run.is_true(criterion, &scope, place)? {
                return Ok(());
            }
        }
        let mut row: Vec<Cell<'_>> = vec![Cell::Null; self.columns.len()];
        let mut count = 0;
        run.crossed(&self.selects, &scope, &mut row, &mut |row| {
            count += 1;
            if count > ROWS_OF_A_RESOURCE {
                let what =
                    format!("the resource gives more than {ROWS_OF_A_RESOURCE} rows; do not cross its lists with each other");
                return Err(run.error("select", what));
            }
            out(row)
        })
    }
}

struct ViewRun<'t> {
    view: &'t ViewDefinition,
    resource: &'t Document<'t>,
    /// Elements that iterations went over.
    elements: std::cell::Cell<u64>,
}

impl<'t> ViewRun<'t> {
    fn error(&self, place: &str, what: impl Into<String>) -> ViewError {
        let resource = format!("{}/{}", self.resource.resource_type(), self.resource.id());
        ViewError::Row { resource, place: place.to_owned(), what: what.into() }
    }

    fn placed(&self, cause: FaultCause, place: &str) -> ViewError {
        match cause {
            FaultCause::Path(what) => self.error(place, what),
            FaultCause::Inner(error) => error,
        }
    }

    fn is_true(&self, criterion: &'t Expr, scope: &Scope<'t>, place: &str) -> Result<bool, ViewError> {
        match single(criterion, scope).map_err(|f| self.placed(*f, place))? {
            None => Ok(false),
            Some(found) => found
                .boolean()
                .ok_or_else(|| self.error(place, format!("a criterion must be a boolean, and this is {}", found.kind()))),
        }
    }

    /// The cross product of sibling selects.
    fn crossed(
        &self,
        selects: &'t [Select],
        scope: &Scope<'t>,
        row: &mut Vec<Cell<'t>>,
        rest: Rest<'_, 't>,
    ) -> Result<(), ViewError> {
        match selects.split_first() {
            None => rest(row),
            Some((first, others)) => self.select(first, scope, row, &mut |row| self.crossed(others, scope, row, rest)),
        }
    }

    /// The cross product of what stands below a select.
    fn children(
        &self,
        children: &'t [Child],
        scope: &Scope<'t>,
        row: &mut Vec<Cell<'t>>,
        rest: Rest<'_, 't>,
    ) -> Result<(), ViewError> {
        let Some((first, others)) = children.split_first() else { return rest(row) };
        let mut then = |row: &mut Vec<Cell<'t>>| self.children(others, scope, row, rest);
        match first {
            Child::Select(select) => self.select(select, scope, row, &mut then),
            Child::Union(branches) => branches.iter().try_for_each(|branch| self.select(branch, scope, row, &mut then)),
        }
    }

    /// The rows of one select, each with what is still to be crossed with it.
    fn select(
        &self,
        select: &'t Select,
        scope: &Scope<'t>,
        row: &mut Vec<Cell<'t>>,
        rest: Rest<'_, 't>,
    ) -> Result<(), ViewError> {
        let mut index = 0;
        let mut on_element = |found: Datum<'t>, row: &mut Vec<Cell<'t>>| {
            let scope = Scope { this: found, row_index: index, moment: None };
            index += 1;
            self.on_element(select, &scope, row, rest)
        };
        match &select.iteration {
            Iteration::Once => self.on_element(select, scope, row, rest),
            Iteration::ForEach(path) => self.iterate(path, scope, select, &mut |found| on_element(found, row)),
            Iteration::Repeat(paths) => self.repeat(paths, scope, select, &mut |found| on_element(found, row)),
            Iteration::ForEachOrNull(path) => {
                self.iterate(path, scope, select, &mut |found| on_element(found, row))?;
                if index > 0 {
                    return Ok(());
                }
                row[select.slots.clone()].fill(Cell::Null);
                // The row of nulls is number 0 of this iteration.
                for column in select.columns.iter().filter(|c| matches!(c.expr, Expr::RowIndex)) {
                    row[column.slot] = Cell::Integer(0);
                }
                rest(row)
            }
        }
    }

    fn iterate(
        &self,
        path: &'t Expr,
        scope: &Scope<'t>,
        select: &Select,
        on: &mut dyn FnMut(Datum<'t>) -> Result<(), ViewError>,
    ) -> Result<(), ViewError> {
        let all = each(path, scope, &mut |found| {
            self.elements.set(self.elements.get() + 1);
            if self.elements.get() > ELEMENTS_OF_A_RESOURCE {
                return Err(path_fault(format!(
                    "the view goes over more than {ELEMENTS_OF_A_RESOURCE} elements of one resource"
                )));
            }
            on(found).map(|()| true).map_err(|e| Box::new(FaultCause::Inner(e)))
        });
        all.map(|_| ()).map_err(|f| self.placed(*f, &select.place))
    }

    /// Each element that the paths find, and below it what they find from there. A path that does not go down (`$this`) is
    /// stopped by the depth of the document.
    fn repeat(
        &self,
        paths: &'t [Expr],
        scope: &Scope<'t>,
        select: &Select,
        on: &mut dyn FnMut(Datum<'t>) -> Result<(), ViewError>,
    ) -> Result<(), ViewError> {
        self.repeat_below(paths, scope, select, 0, on)
    }

    fn repeat_below(
        &self,
        paths: &'t [Expr],
        scope: &Scope<'t>,
        select: &Select,
        depth: usize,
        on: &mut dyn FnMut(Datum<'t>) -> Result<(), ViewError>,
    ) -> Result<(), ViewError> {
        if depth > RESOURCE_DEPTH {
            return Err(self.error(&select.place, "repeat has a path that does not lead to another element"));
        }
        paths.iter().try_for_each(|path| {
            self.iterate(path, scope, select, &mut |found| {
                on(found.clone())?;
                let below = Scope { this: found, row_index: 0, moment: None };
                self.repeat_below(paths, &below, select, depth + 1, on)
            })
        })
    }

    fn on_element(
        &self,
        select: &'t Select,
        scope: &Scope<'t>,
        row: &mut Vec<Cell<'t>>,
        rest: Rest<'_, 't>,
    ) -> Result<(), ViewError> {
        for column in &select.columns {
            row[column.slot] = self.cell(column, scope)?;
        }
        self.children(&select.children, scope, row, rest)
    }

    fn cell(&self, path: &'t ColumnPath, scope: &Scope<'t>) -> Result<Cell<'t>, ViewError> {
        let column = &self.view.columns[path.slot];
        let with_type;
        let scope = match path.moment {
            None => scope,
            moment => {
                with_type = Scope { moment, ..scope.clone() };
                &with_type
            }
        };
        let cell = if column.collection {
            let mut list = Vec::new();
            each(&path.expr, scope, &mut |found| {
                list.push(column.cell(found).map_err(path_fault)?);
                Ok(true)
            })
            .map(|_| Cell::List(list))
        } else {
            single(&path.expr, scope).and_then(|found| found.map_or(Ok(Cell::Null), |f| column.cell(f).map_err(path_fault)))
        };
        cell.map_err(|f| self.placed(*f, &format!("column `{}`", column.name)))
    }
}
