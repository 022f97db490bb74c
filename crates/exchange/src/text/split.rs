//! Lines cut into fields.

use crate::formats::Separator;
use std::borrow::Cow;

/// Splits a semicolon line into `width` fields. A quoted field may hold `;` and doubled quotes. Delivered files also hold
/// bare quotes and separators (source-files §5): when the strict reading does not give the expected number of fields, the
/// line is split again on the sequence `";"`, which such a field does not contain. `None` when both fail.
pub(super) fn split_semicolons(line: &str, width: usize) -> Option<Vec<Cow<'_, str>>> {
    if let Some(fields) = strict(line).and_then(|f| fitted(f, width)) {
        return Some(fields);
    }
    let inner = line.trim_end_matches(';').strip_prefix('"')?.strip_suffix('"')?;
    let unquoted = |f| if str::contains(f, "\"\"") { f.replace("\"\"", "\"").into() } else { Cow::Borrowed(f) };
    fitted(inner.split("\";\"").map(unquoted).collect(), width)
}

/// Whether a semicolon line can be cut into exactly `width` fields, quotes included.
pub(crate) fn is_complete(line: &str, width: usize) -> bool {
    strict(line).and_then(|f| fitted(f, width)).is_some()
}

/// Number of fields of a line, as well as it can be told.
pub(super) fn field_count(line: &str, separator: Separator) -> usize {
    match separator {
        Separator::Pipe => line.split('|').count(),
        // An open quote hides the separators after it: the plain count is then the better one.
        Separator::Semicolon => strict(line).map_or_else(|| line.split(';').count(), |f| f.len()),
    }
}

/// Whether a quoted field is open at the end of the line.
pub(crate) fn ends_inside_quotes(line: &[u8]) -> bool {
    line.iter().filter(|b| **b == b'"').count() % 2 == 1
}

/// The fields when their number is right; a closing separator is one empty field too many.
fn fitted(mut fields: Vec<Cow<'_, str>>, width: usize) -> Option<Vec<Cow<'_, str>>> {
    if fields.len() == width + 1 && fields.last().is_some_and(|f| f.is_empty()) {
        fields.pop();
    }
    (fields.len() == width).then_some(fields)
}

/// The fields of a line whose quotes are all where they should be.
fn strict(line: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, tail) = rest.split_once(';').map_or((rest, None), |(f, t)| (f, Some(t)));
            fields.push(Cow::Borrowed(field));
            match tail {
                Some(t) => rest = t,
                None => return Some(fields),
            }
            continue;
        };
        let mut from = 0;
        let end = loop {
            let at = from + quoted.get(from..)?.find('"')?;
            if quoted[at + 1..].starts_with('"') {
                from = at + 2;
            } else {
                break at;
            }
        };
        let field = &quoted[..end];
        fields.push(if field.contains('"') { field.replace("\"\"", "\"").into() } else { Cow::Borrowed(field) });
        match quoted[end + 1..].chars().next() {
            None => return Some(fields),
            Some(';') => rest = &quoted[end + 2..],
            Some(_) => return None,
        }
    }
}
