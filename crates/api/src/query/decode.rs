//! Percent-encoding of queries and paths (RFC 3986 §2.1, HTML forms).

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Bytes that a value is written with as they are: those that need no encoding in a query, and `/` for readability.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Decodes a segment of a path. `None` when a `%` is not followed by two hexadecimal digits, or the result is not UTF-8: such a
/// text was cut or encoded twice, and any reading of it would be a guess.
pub(crate) fn decode_segment(text: &str) -> Option<Cow<'_, str>> {
    let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    let well_formed = text.bytes().enumerate().all(|(at, b)| b != b'%' || (digit(at + 1) && digit(at + 2)));
    if !well_formed {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok()
}

/// Decodes a name or value of a query or form, in which a plus stands for a space. `None` as for [`decode_segment`].
pub(crate) fn decode_form(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return decode_segment(text);
    }
    decode_segment(&text.replace('+', " ")).map(|decoded| Cow::Owned(decoded.into_owned()))
}

/// Appends a value as it may stand in a query.
pub(crate) fn encode(out: &mut String, value: &str) {
    out.extend(utf8_percent_encode(value, PLAIN));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_texts_are_decoded() {
        for (text, segment, form) in [
            ("a+b%20c", "a+b c", "a b c"),
            ("%C3%89", "É", "É"),
            ("", "", ""),
            ("a%2B+", "a++", "a+ "),
            ("100%25", "100%", "100%"),
        ] {
            assert_eq!((decode_segment(text).as_deref(), decode_form(text).as_deref()), (Some(segment), Some(form)), "{text}");
        }
        for bad in ["%", "%4", "100%", "%GG", "%%41", "%FF", "%C3", "+%F", "%+1"] {
            assert_eq!((decode_segment(bad), decode_form(bad)), (None, None), "{bad}");
        }
        let mut out = String::new();
        encode(&mut out, "a-._~/é +&");
        assert_eq!(out, "a-._~/%C3%A9%20%2B%26");
    }
}
