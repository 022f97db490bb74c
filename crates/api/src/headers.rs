//! Headers of requests and answers.

use axum::http::header::AsHeaderName;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

/// Headers that a page of another site may send.
pub(crate) const ALLOWED: &str = "Accept, Accept-Datetime, Authorization, Content-Type, ESANTE-API-KEY, If-Match, If-Modified-Since, \
    If-None-Match, If-Range, Prefer, Range, X-Request-Id";
/// Headers of answers that a page of another site may read.
pub(crate) const EXPOSED: &str = "Accept-Ranges, Content-Location, Content-Range, ETag, Expires, Last-Modified, Link, Location, Memento-Datetime, \
    RateLimit, RateLimit-Policy, Repr-Digest, Retry-After, Webhook-Secret, X-Complete-Tx, X-Last-Time, X-Last-Tx, X-Lines-Left, X-Log, X-RateLimit-Limit, \
    X-Progress, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id";

/// The text of a header; empty when it is absent or no text.
pub(crate) fn header_text(headers: &HeaderMap, name: impl AsHeaderName) -> &str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// Adds a header whose value is a constant: it is neither checked nor copied.
pub(crate) fn add_constant(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
