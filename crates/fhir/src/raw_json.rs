//! Members and elements of a JSON text as slices of it, so that whatever is not changed keeps its bytes (numbers, escapes, white
//! space).
//!
//! The callers have parsed the text before: the slicing relies on valid JSON and looks at brackets, quotes and commas alone.

use std::ops::Range;

/// A member of an object.
pub(crate) struct RawMember<'a> {
    /// Name, its escapes resolved.
    pub(crate) name: String,
    /// Name and value, as written.
    pub(crate) text: &'a str,
    /// The value, as written.
    pub(crate) value: &'a str,
    /// Position of [`RawMember::text`] in the object.
    pub(crate) span: Range<usize>,
}

/// The first position from `at` on that is not white space.
fn skip_white_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The position after the value that starts at `at`.
fn end_of_value(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(byte) = bytes.get(at) {
                    match byte {
                        b'\\' => at += 1,
                        b'"' => break,
                        _ => {}
                    }
                    at += 1;
                }
                if depth == 0 {
                    return at + 1;
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b',' if depth == 0 => return at,
            b if depth == 0 && b.is_ascii_whitespace() => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

/// Positions of the elements of an array (`open` is `[`) or of the members of an object (`{`); none for another value.
fn spans(text: &str, open: u8) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = skip_white_space(bytes, 0);
    let mut out = Vec::new();
    if bytes.get(at) != Some(&open) {
        return out;
    }
    at = skip_white_space(bytes, at + 1);
    while bytes.get(at).is_some_and(|b| !matches!(b, b'}' | b']')) {
        let start = at;
        let mut end = end_of_value(bytes, at);
        if open == b'{' {
            end = end_of_value(bytes, skip_white_space(bytes, skip_white_space(bytes, end) + 1));
        }
        out.push(start..end);
        at = skip_white_space(bytes, end);
        if bytes.get(at) == Some(&b',') {
            at = skip_white_space(bytes, at + 1);
        }
    }
    out
}

/// The members of an object, in order; none when the text is not an object.
pub(crate) fn members(text: &str) -> Vec<RawMember<'_>> {
    let member = |span: Range<usize>| {
        let written = &text[span.clone()];
        let bytes = written.as_bytes();
        let end_of_name = end_of_value(bytes, 0);
        let name = serde_json::from_str(&written[..end_of_name]).unwrap_or_default();
        let colon = skip_white_space(bytes, end_of_name);
        let value = &written[skip_white_space(bytes, colon + 1)..];
        RawMember { name, text: written, value, span }
    };
    spans(text, b'{').into_iter().map(member).collect()
}

/// The elements of an array, in order; none when the text is not an array.
pub(crate) fn values(text: &str) -> Vec<&str> {
    spans(text, b'[').into_iter().map(|span| &text[span]).collect()
}

#[cfg(test)]
mod tests {
    use super::{members, values};

    #[test]
    fn members_and_values_keep_their_bytes() {
        let text = r#" { "a\u0062" : [1, {"x":"]}\""}, "s,\\"] ,"n":null,"o":{},"t": "é" }"#;
        let all: Vec<_> = members(text).into_iter().map(|m| (m.name.clone(), m.value.to_owned())).collect();
        let want = [("ab", r#"[1, {"x":"]}\""}, "s,\\"]"#), ("n", "null"), ("o", "{}"), ("t", "\"é\"")];
        assert_eq!(all, want.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert_eq!(values(&all[0].1), ["1", r#"{"x":"]}\""}"#, r#""s,\\""#]);
        assert!(members("[]").is_empty() && members("{}").is_empty() && values("[ ]").is_empty());
        assert!(members(text).iter().all(|m| text[m.span.clone()] == *m.text));
    }
}
