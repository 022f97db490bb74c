//! The script of the page of a login: it finds passkeys, and does nothing else.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::http::admission::EndpointCaller;

const SCRIPT: &str = include_str!("../../assets/passkey.js");

/// Its path, which changes with its content.
pub(crate) fn script_path() -> String {
    format!("/auth/cle-acces.{}.js", &blake3::hash(SCRIPT.as_bytes()).to_hex()[..8])
}

/// `GET` of [`script_path`].
pub(crate) async fn script(_caller: EndpointCaller) -> Response {
    let mut response = Response::new(Body::from(SCRIPT));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/javascript;charset=UTF-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
