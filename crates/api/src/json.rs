//! JSON strings, appended to bytes that are already JSON.

use serde_json::Value;

/// Appends `text` as a JSON string.
pub(crate) fn quote(out: &mut Vec<u8>, text: &str) {
    quote_all(out, &[text]);
}

/// Appends texts, one after the other, as one JSON string.
pub(crate) fn quote_all(out: &mut Vec<u8>, parts: &[&str]) {
    // A loop without early exit is vectorised by the compiler.
    let plain = |text: &&str| text.bytes().fold(true, |plain, b| plain & (b >= b' ') & (b != b'"') & (b != b'\\'));
    if !parts.iter().all(plain) {
        out.extend_from_slice(Value::from(parts.concat()).to_string().as_bytes());
        return;
    }
    out.push(b'"');
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
    out.push(b'"');
}
