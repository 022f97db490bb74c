//! Values of a parameter: lists, escapes, tokens.

use crate::error::ApiError;
use crate::limits;

/// Position of the first `mark` that no backslash escapes.
pub(super) fn find_plain(text: &str, mark: char) -> Option<usize> {
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == mark {
            return Some(i);
        }
    }
    None
}

/// Cuts on plain commas, drops empty values, keeps the escapes.
pub(super) fn split_values(mut value: &str) -> Vec<&str> {
    let mut out = Vec::new();
    while let Some(i) = find_plain(value, ',') {
        out.push(&value[..i]);
        value = &value[i + 1..];
    }
    out.push(value);
    out.retain(|v| !v.trim().is_empty());
    out
}

/// Removes the backslash of `\,` `\|` `\$` `\\`; any other backslash stays.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(&next @ (',' | '|' | '$' | '\\'))) => {
                out.push(next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// System and code of a token. An empty system before `|` asks for codes without a system.
pub(super) fn token(text: &str) -> (Option<String>, Option<String>) {
    let clean = |t: &str| unescape(t).trim().to_owned();
    match find_plain(text, '|') {
        None => (None, Some(clean(text))),
        Some(i) => {
            let code = clean(&text[i + 1..]);
            (Some(clean(&text[..i])), (!code.is_empty()).then_some(code))
        }
    }
}

/// Refuses a token that is too long or has control characters.
pub(super) fn check_token(raw: &str) -> Result<(), ApiError> {
    let long = raw.len() > limits::TOKEN && raw.chars().count() > limits::TOKEN;
    if long || raw.contains(char::is_control) { Err(ApiError::token_limits()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_escapes() {
        assert_eq!(split_values(r"a,b\,c,,d\\,e"), vec!["a", r"b\,c", r"d\\", "e"]);
        assert!(split_values(" ,").is_empty());
        assert_eq!(unescape(r"a\,b\|c\$d\\e\f\"), r"a,b|c$d\e\f\");
    }

    #[test]
    fn tokens() {
        let owned = |s: Option<&str>, c: Option<&str>| (s.map(str::to_owned), c.map(str::to_owned));
        assert_eq!(token(" 10 "), owned(None, Some("10")));
        assert_eq!(token("http://s | 10"), owned(Some("http://s"), Some("10")));
        assert_eq!(token("http://s|"), owned(Some("http://s"), None));
        assert_eq!(token("|10"), owned(Some(""), Some("10")));
        assert_eq!(token(r"a\|b|c"), owned(Some("a|b"), Some("c")));
    }
}
