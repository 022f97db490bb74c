//! Conditions of requests on the tag of what is there (RFC 9110 §13.1).

use axum::http::header::AsHeaderName;
use axum::http::{HeaderMap, header};

/// Whether `If-None-Match` names this tag: weak comparison of a list, or `*`.
#[must_use]
pub fn none_match_names(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    named(headers, header::IF_NONE_MATCH).any(|t| t == "*" || t.trim_start_matches("W/") == opaque)
}

/// Whether `If-Match` is absent or names this tag: strong comparison of a list, or `*`.
#[must_use]
pub fn match_names(headers: &HeaderMap, tag: &str) -> bool {
    !headers.contains_key(header::IF_MATCH)
        || named(headers, header::IF_MATCH).any(|t| t == "*" || t == tag && !t.starts_with("W/"))
}

fn named(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    let texts = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim).filter(|tag| !tag.is_empty())
}
