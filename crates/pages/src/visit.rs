//! A request for a page.

use std::error::Error;

use annuaire_web::{Anyone, Client};
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::words::Language;

/// What the frame of a page and its error messages need of a request, let in or refused.
#[derive(Debug, Clone)]
pub(crate) struct PageRequest {
    /// Whose turn the page takes.
    pub client: Client,
    /// Request id, which the visitor reads when something goes wrong.
    pub id: String,
    /// Name of the page in the request log.
    pub route: &'static str,
    /// Path prefix that a trusted proxy cut: empty, or `/…` without a slash at the end.
    pub root: String,
    /// Scheme, host and prefix of our addresses as the visitor sees them, without a last slash.
    pub base: String,
    /// Path that was asked for, without query and without the prefix of a proxy.
    pub path: String,
    /// Language that the address asks for; only some pages are translated.
    pub language: Language,
}

impl PageRequest {
    /// The path under which the visitor's browser finds a path of ours.
    pub(crate) fn visible_path(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Writes the cause of an internal error to the operator's log, under the id of this request.
    pub(crate) fn record_cause(&self, cause: &(dyn Error + 'static)) {
        annuaire_web::record_internal_error(&self.id, self.route, &annuaire_web::cause_chain(cause));
    }
}

/// A request that the gate let in. A handler that takes a visit cannot run for a request that was refused.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub request: PageRequest,
    /// Opens the public store.
    pub pass: Anyone,
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = StatusCode;

    /// The visit that [`admit`](crate::admission::admit) left in the request. A route without it answers 500, which the test
    /// of all routes would see.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
