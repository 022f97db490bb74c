//! What crawlers of search engines may visit (RFC 9309).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::CachePolicy;
use crate::site::Site;
use crate::visit::Visit;

/// How long clients may cache the file.
pub(crate) const CACHE: CachePolicy = CachePolicy::Unstated;

/// Searches and checks are not for crawlers: their number has no end. The form of checks is.
const NOT_VISITED: [&str; 3] = ["/recherche", "/structures", "/verifier?"];

/// `GET /robots.txt`
///
/// A directory that is not to be listed is visited nevertheless: a crawler that may not read a page does not learn that the page asks not
/// to be listed.
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    let mut text = String::from("User-agent: *\n");
    for path in NOT_VISITED {
        text.push_str(&format!("Disallow: {}\n", visit.request.visible_path(path)));
    }
    if site.settings.is_indexed {
        text.push_str(&format!("Sitemap: {}/sitemap.xml\n", visit.request.base));
    }
    let mut response = text.into_response();
    CACHE.apply(&mut response);
    response
}
