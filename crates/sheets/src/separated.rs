//! CSV: read as spreadsheets write it, and written so that no spreadsheet runs what somebody typed.

use crate::cells::{CellGrid, SheetRows};
use crate::error::{SheetError, column_letter};

/// Byte order mark of UTF-8.
const MARK: &str = "\u{feff}";
/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Reads a CSV file.
pub(crate) fn read(bytes: &[u8]) -> Result<SheetRows, SheetError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        SheetError::NotUtf8 { line: before.iter().filter(|byte| **byte == b'\n').count() + 1 }
    })?;
    let text = text.strip_prefix(MARK).unwrap_or(text);
    let mut grid = CellGrid::default();
    let mut reading = SeparatedText { rest: text, separator: separator(text) };
    let (mut line, mut column) = (0, 0);
    while !reading.rest.is_empty() {
        let quote = SheetError::Quote { line: line + 1, column: column_letter(column) };
        let Some(field) = reading.field() else { return Err(quote) };
        grid.put(line, column, unguarded(&field))?;
        column += 1;
        if !reading.skip_separator() {
            if !reading.skip_line_end() {
                return Err(quote);
            }
            (line, column) = (line + 1, 0);
        }
    }
    Ok(grid.into_rows())
}

/// The separator that the first line has most often; `;` when it has none.
fn separator(text: &str) -> char {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |wanted: char| first.chars().filter(|c| *c == wanted).count();
    let mut best = ';';
    for other in [',', '\t'] {
        if count(other) > count(best) {
            best = other;
        }
    }
    best
}

/// What is left to read.
struct SeparatedText<'a> {
    rest: &'a str,
    separator: char,
}

impl SeparatedText<'_> {
    /// The next field; `None` when a quote does not end.
    fn field(&mut self) -> Option<String> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self.rest.find([self.separator, '\n', '\r']).unwrap_or(self.rest.len());
            let (field, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Some(field.to_owned());
        };
        let mut field = String::new();
        let mut rest = quoted;
        loop {
            let (part, behind) = rest.split_once('"')?;
            field.push_str(part);
            match behind.strip_prefix('"') {
                Some(more) => {
                    field.push('"');
                    rest = more;
                }
                None => {
                    self.rest = behind;
                    return Some(field);
                }
            }
        }
    }

    fn skip_separator(&mut self) -> bool {
        self.rest.strip_prefix(self.separator).map(|rest| self.rest = rest).is_some()
    }

    /// Skips the end of a line; false when something else stands here.
    fn skip_line_end(&mut self) -> bool {
        let ends = ["\r\n", "\n", "\r"];
        match ends.iter().find_map(|end| self.rest.strip_prefix(end)) {
            Some(rest) => self.rest = rest,
            None => return self.rest.is_empty(),
        }
        true
    }
}

/// A field without the apostrophe that guards it against being run.
fn unguarded(field: &str) -> &str {
    field.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(field)
}

/// Rows as CSV for spreadsheets: UTF-8 with byte order mark, `;`, each field quoted, lines end with CRLF. A field that a spreadsheet would run
/// as a formula gets an apostrophe in front, which [`read_sheet`](crate::read_sheet) takes away again.
#[must_use]
pub fn write_csv<R, F>(rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item = F>,
    F: AsRef<str>,
{
    let mut out = String::from(MARK);
    for row in rows {
        for (n, field) in row.into_iter().enumerate() {
            let field = field.as_ref();
            out.push_str(if n == 0 { "\"" } else { ";\"" });
            if field.starts_with(FORMULA) {
                out.push('\'');
            }
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        }
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{CELL_CHARS, COLUMNS_MAX, LINES_MAX};

    fn rows(text: &str) -> SheetRows {
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn separators_quotes_and_line_ends_are_those_of_spreadsheets() {
        for text in ["a;b\r\n\"x;\"\"y\"\"\";é\r\n", "\u{feff}a,b\n\"x;\"\"y\"\"\",é", "a\tb\r\"x;\"\"y\"\"\"\té\r"] {
            assert_eq!(rows(text), [["a", "b"], ["x;\"y\"", "é"]], "{text:?}");
        }
        assert_eq!(rows("a\n\"deux\nlignes\"\n"), [["a"], ["deux\nlignes"]]);
    }

    #[test]
    fn blank_lines_count_as_lines_and_blank_ends_are_left_out() {
        assert_eq!(rows("a;b;;\n\n;; \nx;;z;\n;;;\n"), [vec!["a", "b"], vec![], vec![], vec!["x", "", "z"]]);
        assert!(rows("\n;;\n").is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let fault = |text: &[u8]| read(text).unwrap_err();
        assert_eq!(fault(b"a;b\nDup\xe9;x\n"), SheetError::NotUtf8 { line: 2 });
        assert_eq!(fault(b"a;b\nx;\"y\n"), SheetError::Quote { line: 2, column: "B".into() });
        assert_eq!(fault(b"a;b\n\"x\"y;z\n"), SheetError::Quote { line: 2, column: "A".into() });
        assert_eq!(fault(b"a\nx\0y\n"), SheetError::Unreadable { line: 2, column: "A".into() });
        let long = format!("a\n;{}", "x".repeat(CELL_CHARS + 1));
        assert_eq!(fault(long.as_bytes()), SheetError::CellTooLong { line: 2, column: "B".into() });
        assert_eq!(fault(format!("a{}b", ";".repeat(COLUMNS_MAX)).as_bytes()), SheetError::TooManyColumns { line: 1 });
        assert_eq!(fault("x\n".repeat(LINES_MAX + 2).as_bytes()), SheetError::TooManyLines);
        assert_eq!(rows(&"x\n".repeat(LINES_MAX + 1)).len(), LINES_MAX + 1);
    }

    #[test]
    fn what_is_written_is_read_again_and_runs_nowhere() {
        let written = write_csv([["=1+1", "+262692000012", "a\"b;c", "d\ne"]]);
        assert!(written.contains("\"'=1+1\";\"'+262692000012\""), "{written}");
        assert_eq!(rows(&written), [["=1+1", "+262692000012", "a\"b;c", "d\ne"]]);
        assert_eq!(rows("'avant;l'eau"), [["'avant", "l'eau"]], "only a guard is taken away");
    }
}
