//! The script and the icon of the pages. The address of each contains a hash of its content.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::{CachePolicy, stylesheet};
use crate::visit::Visit;

/// How long clients may cache the files.
pub(crate) const CACHE: CachePolicy = CachePolicy::Immutable;

/// Copies telephone numbers. Pages show its buttons only where it runs.
const SCRIPT: &str = include_str!("../../assets/page.js");
/// A sheet with a person on it, drawn here.
const ICON: &str = include_str!("../../assets/icon.svg");

/// Addresses of the files beside the pages, without the prefix of a proxy.
#[derive(Debug, Clone)]
pub(crate) struct AssetPaths {
    pub stylesheet: String,
    pub script: String,
    pub icon: String,
}

impl AssetPaths {
    pub(crate) fn new() -> Self {
        let hashed = |text: &str, extension: &str| {
            format!("/annuaire.{:08x}.{extension}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()) >> 32)
        };
        Self { stylesheet: stylesheet::path(), script: hashed(SCRIPT, "js"), icon: hashed(ICON, "svg") }
    }
}

/// `GET /annuaire.….js`
pub(crate) async fn script(_: Visit) -> Response {
    file(SCRIPT, "text/javascript;charset=UTF-8")
}

/// `GET /annuaire.….svg`
pub(crate) async fn icon(_: Visit) -> Response {
    file(ICON, "image/svg+xml")
}

fn file(content: &'static str, media_type: &'static str) -> Response {
    let mut response = Response::new(Body::from(content));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    CACHE.apply(&mut response);
    response
}
