//! What crawlers of search engines may visit (RFC 9309).

use axum::response::{IntoResponse, Response};

use super::CachePolicy;
use crate::visit::Visit;

/// How long clients may cache the file.
pub(crate) const CACHE: CachePolicy = CachePolicy::Unstated;

/// Searches are not for crawlers: their number has no end.
const ROBOTS: &str = "User-agent: *\nDisallow: /recherche\nDisallow: /structures\n";

/// `GET /robots.txt`
pub(crate) async fn show(_: Visit) -> Response {
    let mut response = ROBOTS.into_response();
    CACHE.apply(&mut response);
    response
}
