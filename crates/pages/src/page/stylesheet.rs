//! The one style sheet.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::CachePolicy;
use crate::visit::Visit;

/// How long clients may cache the file.
pub(crate) const CACHE: CachePolicy = CachePolicy::Immutable;

/// The style sheet: what is at [`path`].
pub const STYLE: &str = include_str!("../../assets/style.css");

/// The address of the style sheet: it contains a hash of the content, so that another content has another address.
#[must_use]
pub fn path() -> String {
    format!("/annuaire.{:08x}.css", xxhash_rust::xxh3::xxh3_64(STYLE.as_bytes()) >> 32)
}

/// `GET /annuaire.….css`
pub(crate) async fn show(_: Visit) -> Response {
    let mut response = Response::new(Body::from(STYLE));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css;charset=UTF-8"));
    CACHE.apply(&mut response);
    response
}
