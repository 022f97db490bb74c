//! Tables as files: CSV, NDJSON and Parquet behind one trait.

mod csv;
mod json_text;
mod ndjson;
mod parquet;
mod writer;

use crate::ViewError;
use crate::column::Column;
use std::io::Write;
pub use writer::TableWriter;

/// A format of tables.
///
/// | | CSV | NDJSON | Parquet |
/// |---|---|---|---|
/// | no value | empty field (an empty text is `""`) | `null` | null |
/// | text, code | text | text | `STRING`; codes and repeated texts in a dictionary |
/// | boolean | `true`, `false` | boolean | `BOOLEAN` |
/// | integer | digits | number | `INT64` |
/// | decimal | digits, as published | number, as published | `DECIMAL(38, 9)`; a number that does not fit is an error |
/// | date | text, as published | text, as published | `DATE`, and `…_text` |
/// | instant | text, as published | text, as published | `TIMESTAMP(UTC, ms)`, and `…_text` for a dateTime |
/// | list | JSON array | array | `LIST`; dates and instants in it are texts |
///
/// FHIR dates may be known to the year or the month only, and Parquet has no such type. A date column `x` becomes two Parquet
/// columns: `x` holds the day when the value is a full day, else null; `x_text` holds the text of the values that `x` cannot, else
/// null. Nothing is lost, and no day is invented. A column of type `dateTime` is written likewise; what has no offset, or parts
/// below a millisecond, is in `x_text`. A column of type `instant` has no second column: parts below a millisecond are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableFormat {
    /// RFC 4180 in UTF-8, lines end with LF, with a header.
    Csv,
    /// One JSON object for each row and line.
    Ndjson,
    /// Apache Parquet with zstd. Equal rows and metadata give equal bytes (of one release of this crate).
    Parquet,
}

impl TableFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Ndjson, Self::Parquet];

    /// The end of the name of a file, without the point; also the name of the format on a command line.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }

    /// Media type of the format.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The format of this name; `None` when there is no such format.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.extension() == name)
    }
}

/// A writer of a table with these columns. `metadata` (names and values, in this order) is written into Parquet; CSV and NDJSON have no
/// place for it. Memory: [`WRITE_BYTES`](crate::limits::WRITE_BYTES) for the texts; for Parquet one row group
/// ([`ROW_GROUP_ROWS`](crate::limits::ROW_GROUP_ROWS), [`ROW_GROUP_BYTES`](crate::limits::ROW_GROUP_BYTES)) and its compressed form.
///
/// # Errors
/// [`ViewError::Table`] when a Parquet column `x_text` would have the name of another one; what the output returns.
pub fn table_writer(
    format: TableFormat,
    out: Box<dyn Write + Send>,
    columns: &[Column],
    metadata: &[(String, String)],
) -> Result<Box<dyn TableWriter + Send>, ViewError> {
    Ok(match format {
        TableFormat::Csv => Box::new(csv::CsvTable::new(out, columns)?),
        TableFormat::Ndjson => Box::new(ndjson::NdjsonTable::new(out, columns)),
        TableFormat::Parquet => Box::new(parquet::ParquetTable::new(out, columns, metadata)?),
    })
}
