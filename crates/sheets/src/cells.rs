//! SheetRows under construction, within the bounds.

use crate::error::{SheetError, column_letter};
use crate::limits::{CELL_CHARS, COLUMNS_MAX, LINES_MAX, TEXT_BYTES};

/// Rows of text.
pub(crate) type SheetRows = Vec<Vec<String>>;

/// Whether a line is a header.
pub(crate) type IsHeader<'a> = &'a dyn Fn(&[String]) -> bool;

/// Puts cells in their places; every place that it makes is within the bounds.
#[derive(Debug, Default)]
pub(crate) struct CellGrid {
    rows: SheetRows,
    bytes: usize,
}

impl CellGrid {
    /// Puts a text at a line and column, counted from 0. Blank texts only count when something follows.
    pub(crate) fn put(&mut self, line: usize, column: usize, text: &str) -> Result<(), SheetError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        if line > LINES_MAX {
            return Err(SheetError::TooManyLines);
        }
        if column >= COLUMNS_MAX {
            return Err(SheetError::TooManyColumns { line: line + 1 });
        }
        if text.chars().count() > CELL_CHARS {
            return Err(SheetError::CellTooLong { line: line + 1, column: column_letter(column) });
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(SheetError::Unreadable { line: line + 1, column: column_letter(column) });
        }
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > TEXT_BYTES {
            return Err(SheetError::TooMuchText);
        }
        if self.rows.len() <= line {
            self.rows.resize_with(line + 1, Vec::new);
        }
        let Some(row) = self.rows.get_mut(line) else { return Ok(()) };
        if row.len() <= column {
            row.resize_with(column + 1, String::new);
        }
        if let Some(cell) = row.get_mut(column) {
            text.clone_into(cell);
        }
        Ok(())
    }

    /// The first filled line.
    pub(crate) fn first(&self) -> Option<&[String]> {
        self.rows.iter().find(|row| !row.is_empty()).map(Vec::as_slice)
    }

    pub(crate) fn into_rows(self) -> SheetRows {
        self.rows
    }
}

/// A number as people type it.
pub(crate) fn number(value: f64) -> String {
    value.to_string()
}

/// The error of a reader, as the person is told.
pub(crate) fn damaged(error: &dyn std::fmt::Display) -> SheetError {
    SheetError::Damaged { reason: error.to_string() }
}
