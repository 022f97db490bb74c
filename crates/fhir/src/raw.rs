//! Members of JSON texts, as they are written: what is not changed keeps its bytes. The texts were parsed once and are valid.

use std::ops::Range;

/// A member of an object.
pub(crate) struct Member<'a> {
    /// Its name, without escapes.
    pub(crate) name: String,
    /// Name and value, as written.
    pub(crate) whole: &'a str,
    /// The value, as written.
    pub(crate) value: &'a str,
    /// Where [`Member::whole`] is in the text.
    pub(crate) place: Range<usize>,
}

fn blank(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The end of the value that starts at `at`.
fn end_of(bytes: &[u8], mut at: usize) -> usize {
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

/// Where the values of an array or the members of an object start and end.
fn pieces(text: &str, open: u8) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = blank(bytes, 0);
    let mut out = Vec::new();
    if bytes.get(at) != Some(&open) {
        return out;
    }
    at = blank(bytes, at + 1);
    while bytes.get(at).is_some_and(|b| !matches!(b, b'}' | b']')) {
        let start = at;
        let mut end = end_of(bytes, at);
        if open == b'{' {
            end = end_of(bytes, blank(bytes, blank(bytes, end) + 1));
        }
        out.push(start..end);
        at = blank(bytes, end);
        if bytes.get(at) == Some(&b',') {
            at = blank(bytes, at + 1);
        }
    }
    out
}

/// The members of an object, in order; none when the text is not an object.
pub(crate) fn members(text: &str) -> Vec<Member<'_>> {
    let member = |place: Range<usize>| {
        let whole = &text[place.clone()];
        let end = end_of(whole.as_bytes(), 0);
        let name = serde_json::from_str(&whole[..end]).unwrap_or_default();
        let value = &whole[blank(whole.as_bytes(), blank(whole.as_bytes(), end) + 1)..];
        Member { name, whole, value, place }
    };
    pieces(text, b'{').into_iter().map(member).collect()
}

/// The values of an array, in order; none when the text is not an array.
pub(crate) fn values(text: &str) -> Vec<&str> {
    pieces(text, b'[').into_iter().map(|place| &text[place]).collect()
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
        assert!(members(text).iter().all(|m| text[m.place.clone()] == *m.whole));
    }
}
