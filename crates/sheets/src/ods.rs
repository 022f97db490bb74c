//! The content of an ODS file (OpenDocument 1.3 part 3, §9): tables, rows and cells, of which one element may stand for many.

use crate::cells::{CellGrid, IsHeader, SheetRows, damaged, number};
use crate::error::SheetError;
use crate::limits::{COLUMNS_MAX, LINES_MAX};
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

/// A cell being read.
struct CellReading {
    /// What its attributes say it holds; otherwise its paragraphs do.
    stated: Option<String>,
    shown: String,
    repeated: usize,
    /// Remarks of people in a cell are no value.
    inside_remark: bool,
}

/// A row being read: its cells that hold something, with their columns.
#[derive(Default)]
struct RowReading {
    repeated: usize,
    column: usize,
    filled: Vec<(usize, usize, String)>,
}

/// Reads the first table whose first filled line is a header.
pub(crate) fn read(content: &[u8], is_header: IsHeader<'_>) -> Result<SheetRows, SheetError> {
    let mut reader = Reader::from_reader(content);
    let (mut grid, mut line) = (CellGrid::default(), 0_usize);
    let mut row = RowReading::default();
    let mut cell: Option<CellReading> = None;
    loop {
        let event = reader.read_event().map_err(|error| damaged(&error))?;
        match event {
            Event::Start(e) => match e.name().as_ref() {
                b"table:table" => (grid, line) = (CellGrid::default(), 0),
                b"table:table-row" => {
                    row = RowReading { repeated: repeated(&e, b"table:number-rows-repeated")?, ..RowReading::default() }
                }
                b"table:table-cell" | b"table:covered-table-cell" => cell = Some(cell_of(&e)?),
                b"office:annotation" => cell.iter_mut().for_each(|cell| cell.inside_remark = true),
                b"text:p" => cell
                    .iter_mut()
                    .filter(|cell| !cell.inside_remark && !cell.shown.is_empty())
                    .for_each(|cell| cell.shown.push('\n')),
                _ => {}
            },
            Event::Empty(e) => match e.name().as_ref() {
                b"table:table-row" => line = line.saturating_add(repeated(&e, b"table:number-rows-repeated")?),
                b"table:table-cell" | b"table:covered-table-cell" => row.take(cell_of(&e)?),
                b"text:s" | b"text:tab" | b"text:line-break" => push(cell.as_mut(), " "),
                _ => {}
            },
            Event::End(e) => match e.name().as_ref() {
                b"table:table-cell" | b"table:covered-table-cell" => cell.take().into_iter().for_each(|cell| row.take(cell)),
                b"office:annotation" => cell.iter_mut().for_each(|cell| cell.inside_remark = false),
                b"table:table-row" => {
                    let done = std::mem::take(&mut row);
                    line = done.place(&mut grid, line)?;
                }
                b"table:table" if grid.first().is_some_and(is_header) => return Ok(grid.into_rows()),
                _ => {}
            },
            Event::Text(text) => push(cell.as_mut(), &text.decode().map_err(|error| damaged(&error))?),
            Event::GeneralRef(entity) => {
                let known = match entity.resolve_char_ref().map_err(|error| damaged(&error))? {
                    Some(character) => character.to_string(),
                    None => match entity.as_ref() {
                        b"amp" => "&",
                        b"lt" => "<",
                        b"gt" => ">",
                        b"quot" => "\"",
                        b"apos" => "'",
                        _ => return Err(SheetError::Damaged { reason: "entité inconnue".to_owned() }),
                    }
                    .to_owned(),
                };
                push(cell.as_mut(), &known);
            }
            Event::DocType(_) => return Err(SheetError::Damaged { reason: "déclaration de type de document".to_owned() }),
            Event::Eof => return Err(SheetError::NoHeader),
            _ => {}
        }
    }
}

fn push(cell: Option<&mut CellReading>, text: &str) {
    if let Some(cell) = cell.filter(|cell| !cell.inside_remark) {
        cell.shown.push_str(text);
    }
}

fn attribute(e: &BytesStart<'_>, name: &[u8]) -> Result<Option<String>, SheetError> {
    for attribute in e.attributes() {
        let attribute = attribute.map_err(|error| damaged(&error))?;
        if attribute.key.as_ref() == name {
            let value = std::str::from_utf8(&attribute.value).map_err(|error| damaged(&error))?;
            return Ok(Some(unescape(value).map_err(|error| damaged(&error))?.into_owned()));
        }
    }
    Ok(None)
}

fn repeated(e: &BytesStart<'_>, name: &[u8]) -> Result<usize, SheetError> {
    Ok(attribute(e, name)?.and_then(|text| text.parse().ok()).unwrap_or(1))
}

fn cell_of(e: &BytesStart<'_>) -> Result<CellReading, SheetError> {
    let value = |name: &str| attribute(e, format!("office:{name}").as_bytes());
    let stated = match value("value-type")?.as_deref() {
        Some("date") => value("date-value")?.map(|text| text.strip_suffix("T00:00:00").unwrap_or(&text).to_owned()),
        Some("float" | "currency" | "percentage") => value("value")?.and_then(|text| text.parse().ok()).map(number),
        Some("boolean") => value("boolean-value")?.map(|text| if text == "true" { "OUI" } else { "NON" }.to_owned()),
        Some("string") => value("string-value")?,
        _ => None,
    };
    let repeated = repeated(e, b"table:number-columns-repeated")?;
    Ok(CellReading { stated, shown: String::new(), repeated, inside_remark: false })
}

impl RowReading {
    /// Takes a cell that was read. Blank ones take their place, whatever number they stand for.
    fn take(&mut self, cell: CellReading) {
        let text = cell.stated.unwrap_or(cell.shown);
        if !text.trim().is_empty() {
            self.filled.push((self.column, cell.repeated, text));
        }
        self.column = self.column.saturating_add(cell.repeated);
    }

    /// Puts the cells of a row in place, and tells the line of the next one.
    fn place(self, grid: &mut CellGrid, line: usize) -> Result<usize, SheetError> {
        let next = line.saturating_add(self.repeated);
        if self.filled.is_empty() {
            return Ok(next);
        }
        if next > LINES_MAX + 1 {
            return Err(SheetError::TooManyLines);
        }
        for line in line..next {
            for (column, repeated, text) in &self.filled {
                if column.saturating_add(*repeated) > COLUMNS_MAX {
                    return Err(SheetError::TooManyColumns { line: line + 1 });
                }
                for column in *column..column + repeated {
                    grid.put(line, column, text)?;
                }
            }
        }
        Ok(next)
    }
}
