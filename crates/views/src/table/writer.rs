//! What the writers of all formats share.

use crate::ViewError;
use crate::column::Cell;
use crate::limits::WRITE_BYTES;
use std::io::Write;

/// Writes a table, row after row, in bounded memory.
pub trait TableWriter {
    /// Adds a row: a cell for each column, in order.
    ///
    /// # Errors
    /// [`ViewError::Table`] for a cell that does not fit its column, [`ViewError::Write`] or [`ViewError::Parquet`] when the output
    /// fails. After an error the file is unusable.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ViewError>;

    /// Writes what is still held back and the end of the file. A file that was not finished is not complete.
    ///
    /// # Errors
    /// As [`TableWriter::row`].
    fn finish(self: Box<Self>) -> Result<(), ViewError>;
}

/// Refuses a row with more or less cells than columns.
pub(super) fn check_width(cells: &[Cell<'_>], columns: usize) -> Result<(), ViewError> {
    if cells.len() == columns {
        return Ok(());
    }
    Err(ViewError::Table {
        column: "*".to_owned(),
        what: format!("a row has {} cells, the table {columns} columns", cells.len()),
    })
}

/// A text output that gathers bytes before it writes them.
pub(super) struct Gathering {
    out: Box<dyn Write + Send>,
    pub(super) bytes: Vec<u8>,
}

impl Gathering {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, bytes: Vec::with_capacity(2 * WRITE_BYTES) }
    }

    /// Writes what was gathered once it is enough.
    pub(super) fn after_row(&mut self) -> Result<(), ViewError> {
        if self.bytes.len() >= WRITE_BYTES {
            self.out.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), ViewError> {
        self.out.write_all(&self.bytes)?;
        Ok(self.out.flush()?)
    }
}
