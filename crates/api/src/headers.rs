//! Headers of requests and answers.

use axum::http::header::AsHeaderName;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;

/// Headers that a page of another site may send.
pub(crate) const ALLOWED: &str =
    "Accept, Authorization, Content-Type, ESANTE-API-KEY, If-Modified-Since, If-None-Match, Prefer, X-Request-Id";
/// Headers of answers that a page of another site may read.
pub(crate) const EXPOSED: &str = "Content-Location, ETag, Last-Modified, Link, Location, RateLimit, RateLimit-Policy, Retry-After, \
    Webhook-Secret, X-Complete-Tx, X-Last-Time, X-Last-Tx, X-Log, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id";

/// The text of a header; empty when it is absent or no text.
pub(crate) fn header_text(headers: &HeaderMap, name: impl AsHeaderName) -> &str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// Adds a header whose value is a constant: it is neither checked nor copied.
pub(crate) fn add_constant(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Whether `If-None-Match` names this tag: weak comparison of a list, or `*` (RFC 9110 §13.1.2).
pub(crate) fn none_match_names(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    let wanted = header_text(headers, header::IF_NONE_MATCH);
    !wanted.is_empty() && wanted.split(',').map(str::trim).any(|t| t == "*" || t.trim_start_matches("W/") == opaque)
}
