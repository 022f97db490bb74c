//! NDJSON: one object for each row.

use super::json_text::{write_text, write_value};
use super::writer::{Gathering, TableWriter, check_width};
use crate::ViewError;
use crate::column::{Cell, Column};
use std::io::Write;

pub(super) struct NdjsonTable {
    /// What precedes each value: `{"id":`, then `,"name":`…
    before: Vec<Vec<u8>>,
    out: Gathering,
}

impl NdjsonTable {
    pub(super) fn new(out: Box<dyn Write + Send>, columns: &[Column]) -> Self {
        let before = columns.iter().enumerate().map(|(i, column)| {
            let mut text = vec![if i == 0 { b'{' } else { b',' }];
            write_text(&mut text, &column.name);
            text.push(b':');
            text
        });
        Self { before: before.collect(), out: Gathering::new(out) }
    }
}

impl TableWriter for NdjsonTable {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ViewError> {
        check_width(cells, self.before.len())?;
        for (before, cell) in self.before.iter().zip(cells) {
            self.out.bytes.extend_from_slice(before);
            write_value(&mut self.out.bytes, cell);
        }
        self.out.bytes.extend_from_slice(b"}\n");
        self.out.after_row()
    }

    fn finish(self: Box<Self>) -> Result<(), ViewError> {
        self.out.finish()
    }
}
