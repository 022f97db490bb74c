//! One sheet of a file as rows of text: CSV, XLSX and ODS; and rows of text as CSV.
//!
//! ```
//! let rows = annuaire_sheets::read_sheet("nom;prenom\r\nEssai;Zoé\r\n".as_bytes(), |_| true).unwrap();
//! assert_eq!(rows, [["nom", "prenom"], ["Essai", "Zoé"]]);
//! ```
//!
//! * The format is told by the content: no name and no media type is believed.
//! * Row `n` of the answer is line `n + 1` of the spreadsheet, blank lines included, so that a message may name the line that people see.
//!   Blank lines at the end, and blank cells at the end of a line, are left out.
//! * A CSV file is UTF-8, with or without byte order mark; anything else is refused with what to do, since a guess would change names. `;`, `,` and
//!   tab are told apart by the first line.
//! * Of a workbook, the first sheet whose first filled line the caller takes as a header is read. Dates become ISO days, numbers the text
//!   without `.0`, formulas their value. A code that a spreadsheet keeps as a number has lost its leading zeros: columns of codes are text.
//! * Reading is bounded: parts of a workbook are measured as they inflate, before anything reads them.
//!
//! Nothing here opens a file: bytes are given. There is no writer of workbooks: spreadsheets open the CSV that [`write_csv`] writes.

mod cells;
mod error;
pub mod limits;
mod ods;
mod separated;
mod workbook;

pub use error::{SheetError, column_letter};
pub use separated::write_csv;

/// First bytes of a zip file: XLSX and ODS are such.
const ZIP: &[u8] = b"PK\x03\x04";
/// First bytes of the compound files of former spreadsheets.
const COMPOUND: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0];

/// Reads the first sheet of a file whose first filled line is a header for `is_header`. A CSV file has one sheet, which is read whatever its
/// first line is. Costs the file some times over in memory, within [`limits`].
///
/// # Errors
/// [`SheetError`], in French, with line and column where it knows them.
pub fn read_sheet(bytes: &[u8], is_header: impl Fn(&[String]) -> bool) -> Result<Vec<Vec<String>>, SheetError> {
    if bytes.len() > limits::FILE_BYTES {
        return Err(SheetError::TooBig { bytes: bytes.len() });
    }
    let rows = if bytes.starts_with(ZIP) {
        workbook::read(bytes, &is_header)?
    } else if bytes.starts_with(COMPOUND) {
        return Err(SheetError::FormerFormat);
    } else {
        separated::read(bytes)?
    };
    if rows.is_empty() { Err(SheetError::Empty) } else { Ok(rows) }
}
