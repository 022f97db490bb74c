//! CSV after RFC 4180, with LF at the end of lines.

use super::json_text::write_value;
use super::writer::{Gathering, TableWriter, check_width};
use crate::ViewError;
use crate::column::{Cell, Column};
use std::io::Write;

pub(super) struct CsvTable {
    columns: usize,
    out: Gathering,
    /// A list as JSON, before it is quoted.
    list: Vec<u8>,
}

impl CsvTable {
    pub(super) fn new(out: Box<dyn Write + Send>, columns: &[Column]) -> Result<Self, ViewError> {
        let mut table = Self { columns: columns.len(), out: Gathering::new(out), list: Vec::new() };
        let names: Vec<Cell<'_>> = columns.iter().map(|c| Cell::Text(c.name.as_str().into())).collect();
        table.row(&names)?;
        Ok(table)
    }
}

impl TableWriter for CsvTable {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ViewError> {
        check_width(cells, self.columns)?;
        let out = &mut self.out.bytes;
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            match cell {
                // A line without any character would be no row: a table of one column shows its null as a blank text.
                Cell::Null if cells.len() == 1 => out.extend_from_slice(b"\"\""),
                Cell::Null => {}
                Cell::Text(text) | Cell::Date(text) | Cell::Instant(text) => write_field(out, text.as_bytes()),
                Cell::List(_) => {
                    self.list.clear();
                    write_value(&mut self.list, cell);
                    write_field(out, &self.list);
                }
                Cell::Boolean(_) | Cell::Integer(_) | Cell::Decimal(_) => write_value(out, cell),
            }
        }
        out.push(b'\n');
        self.out.after_row()
    }

    fn finish(self: Box<Self>) -> Result<(), ViewError> {
        self.out.finish()
    }
}

/// Writes a field, in quotes when it is empty or holds what separates fields and lines.
fn write_field(out: &mut Vec<u8>, text: &[u8]) {
    if !text.is_empty() && !text.iter().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r')) {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for b in text {
        if *b == b'"' {
            out.push(b'"');
        }
        out.push(*b);
    }
    out.push(b'"');
}
