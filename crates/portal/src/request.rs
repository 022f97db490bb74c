//! A request that the gate let in, and who may ask for a page.

use crate::limits::FORM_FIELDS;
use annuaire_web::Anyone;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};

/// Who may ask for a page. Every route names one; what the page then shows, the use cases of `registry` decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// Anybody.
    Open,
    /// Somebody who logged in with a professional means.
    Professional,
    /// Somebody who logged in with FranceConnect.
    Civil,
    /// Somebody who logged in with either.
    Either,
}

/// A request that the gate let in.
#[derive(Debug, Clone)]
pub(crate) struct PortalRequest {
    /// Request id, for the operator's log.
    pub(crate) id: String,
    pub(crate) route: &'static str,
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
    /// Address of the caller, for the audit trail.
    pub(crate) address: String,
    _pass: Anyone,
}

impl PortalRequest {
    /// A request that came with the pass of the gate.
    pub(crate) fn new(id: &str, route: &'static str, parts: &Parts, address: String, pass: Anyone) -> Self {
        Self { id: id.to_owned(), route, headers: parts.headers.clone(), uri: parts.uri.clone(), address, _pass: pass }
    }

    /// The first value of a parameter of the address, without blanks around it; empty when there is none.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let query = self.uri.query().unwrap_or_default();
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }

    /// The value of a cookie; empty when there is none.
    pub(crate) fn cookie(&self, name: &str) -> String {
        let all = self.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
    }

    /// Writes the cause of a failure to the operator's log.
    pub(crate) fn record(&self, cause: &str) {
        annuaire_web::record_internal_error(&self.id, self.route, cause);
    }
}

impl<S: Sync> FromRequestParts<S> for PortalRequest {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The fields of a form's body.
pub(crate) fn fields_of(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().take(FORM_FIELDS + 1).collect()
}
