//! Lists of keys as one parameter of a statement.

/// A JSON array of texts: the form in which one parameter of a statement carries any number of keys (`json_each`).
pub(crate) fn json_list(texts: &[&str]) -> String {
    // A list of texts is always JSON.
    serde_json::to_string(texts).unwrap_or_default()
}
