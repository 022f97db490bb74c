//! How a page leaves: with a tag of its content, not at all when the client has it, compressed when the client wants that.
//!
//! The tag is a hash of the content. A tag made of the transaction alone would not know of the day, on which a card expires, nor of
//! the address that a proxy gives the site.

use std::sync::Arc;

use annuaire_web::limits::GZIP_FROM;
use annuaire_web::{Gate, accepts_gzip, none_match_names};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::limits;

/// Headers of a request that decide how its page leaves.
pub(crate) struct DeliveryWish {
    headers: HeaderMap,
}

impl DeliveryWish {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let wanted = [header::IF_NONE_MATCH, header::ACCEPT_ENCODING];
        let of_request =
            wanted.iter().flat_map(|name| headers.get_all(name).iter().map(move |value| (name.clone(), value.clone())));
        // Extending a map by pairs replaces values; a header that came twice counts twice.
        let mut headers = HeaderMap::new();
        for (name, value) in of_request {
            headers.append(name, value);
        }
        Self { headers }
    }

    /// The response as the client wants it. A response with status 200 gets a tag.
    pub(crate) async fn deliver(&self, gate: &Arc<Gate>, response: Response) -> Response {
        let (mut parts, body) = response.into_parts();
        let body = match to_bytes(body, limits::PAGE_BYTES).await {
            Ok(body) => body,
            // A page is made in memory: only one beyond the limit cannot be read.
            Err(_) => return Response::from_parts(parts, Body::empty()),
        };
        if parts.status == StatusCode::OK {
            let tag = format!("W/\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(&body));
            let is_known = none_match_names(&self.headers, &tag);
            parts.headers.extend(HeaderValue::try_from(tag).ok().map(|tag| (header::ETAG, tag)));
            if is_known {
                parts.status = StatusCode::NOT_MODIFIED;
                parts.headers.remove(header::CONTENT_TYPE);
                parts.headers.remove(header::CONTENT_LENGTH);
                parts.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
                return Response::from_parts(parts, Body::empty());
            }
        }
        if body.len() < GZIP_FROM {
            return Response::from_parts(parts, Body::from(body));
        }
        parts.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if !accepts_gzip(&self.headers) {
            return Response::from_parts(parts, Body::from(body));
        }
        parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, Body::from(gate.gzip_encoder().compress_all(&body)))
    }
}
