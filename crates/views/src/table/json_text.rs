//! Cells as JSON.

use crate::column::Cell;

/// Writes a cell as a JSON value.
pub(super) fn write_value(out: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::Boolean(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Cell::Integer(n) => out.extend_from_slice(n.to_string().as_bytes()),
        Cell::Decimal(digits) => out.extend_from_slice(digits.as_bytes()),
        Cell::Text(text) | Cell::Date(text) | Cell::Instant(text) => write_text(out, text),
        Cell::List(cells) => {
            out.push(b'[');
            for (i, cell) in cells.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_value(out, cell);
            }
            out.push(b']');
        }
    }
}

/// Writes a text in quotes.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| matches!(b, b'"' | b'\\' | ..b' ')) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        match special[0] {
            b @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', b]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
        }
        rest = &special[1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
