//! Workbooks: their parts are measured first, then the sheet is read by the reader of its format.

use crate::cells::{CellGrid, IsHeader, SheetRows, damaged, number};
use crate::error::{SheetError, column_letter};
use crate::limits::{INFLATED_BYTES, PARTS_MAX};
use crate::ods;
use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Reads a workbook in a zip file.
pub(crate) fn read(bytes: &[u8], is_header: IsHeader<'_>) -> Result<SheetRows, SheetError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    measure(&mut archive)?;
    let has = |name: &str| archive.index_for_name(name).is_some();
    if has("xl/workbook.xml") {
        return spreadsheet(bytes, is_header);
    }
    if !has("content.xml") {
        return Err(SheetError::NotASheet);
    }
    let mut content = Vec::new();
    let mut part = archive.by_name("content.xml").map_err(|error| damaged(&error))?;
    part.read_to_end(&mut content).map_err(|error| damaged(&error))?;
    ods::read(&content, is_header)
}

/// Inflates every part without keeping it: what sizes a file claims is not believed.
fn measure(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<(), SheetError> {
    if archive.len() > PARTS_MAX {
        return Err(SheetError::Inflated);
    }
    let mut left = INFLATED_BYTES;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| damaged(&error))?;
        let mut bounded = part.take(left + 1);
        let read = std::io::copy(&mut bounded, &mut std::io::sink()).map_err(|error| damaged(&error))?;
        left = left.checked_sub(read).ok_or(SheetError::Inflated)?;
    }
    Ok(())
}

/// Reads an XLSX file, cell by cell: a sheet that claims a million columns costs what it holds.
fn spreadsheet(bytes: &[u8], is_header: IsHeader<'_>) -> Result<SheetRows, SheetError> {
    let mut book: Xlsx<Cursor<&[u8]>> = Xlsx::new(Cursor::new(bytes)).map_err(|error: XlsxError| damaged(&error))?;
    for name in book.sheet_names() {
        // A sheet of charts has no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&name) else { continue };
        let mut grid = CellGrid::default();
        let mut header_line = None;
        let mut fits = true;
        while let Some(cell) = cells.next_cell().map_err(|error| damaged(&error))? {
            let (line, column) = cell.get_position();
            let (line, column) = (line as usize, column as usize);
            let text = text_of(cell.get_value(), line, column)?;
            if text.trim().is_empty() {
                continue;
            }
            // The first filled line is whole once another one begins: other sheets are left there.
            if *header_line.get_or_insert(line) != line && fits {
                fits = grid.first().is_some_and(is_header);
                if !fits {
                    break;
                }
                header_line = Some(line);
            }
            grid.put(line, column, &text)?;
        }
        if fits && grid.first().is_some_and(is_header) {
            return Ok(grid.into_rows());
        }
    }
    Err(SheetError::NoHeader)
}

fn text_of(value: &DataRef<'_>, line: usize, column: usize) -> Result<String, SheetError> {
    Ok(match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(n) => n.to_string(),
        DataRef::Float(n) => number(*n),
        DataRef::Bool(yes) => if *yes { "OUI" } else { "NON" }.to_owned(),
        DataRef::DateTime(date) => day_of(date),
        DataRef::DateTimeIso(text) => text.strip_suffix("T00:00:00").unwrap_or(text).to_owned(),
        DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => {
            return Err(SheetError::Formula { line: line + 1, column: column_letter(column), text: error.to_string() });
        }
    })
}

/// A date as ISO day, with the time when there is one.
fn day_of(date: &ExcelDateTime) -> String {
    if !date.is_datetime() {
        return number(date.as_f64());
    }
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    let time = match (hour, minute, second) {
        (0, 0, 0) => String::new(),
        _ => format!("T{hour:02}:{minute:02}:{second:02}"),
    };
    format!("{year:04}-{month:02}-{day:02}{time}")
}
