//! The page at every address that has none.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::message::{Message, respond_with};
use crate::site::Site;
use crate::visit::Visit;

/// Answers any method at an unknown address.
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    respond_with(&site, &visit.request, UnknownAddress)
}

/// No page has this address.
pub(crate) struct UnknownAddress;

impl Message for UnknownAddress {
    const STATUS: StatusCode = StatusCode::NOT_FOUND;
    const HEADING: &'static str = "Page introuvable";

    fn text(&self) -> Cow<'static, str> {
        "Cette adresse ne correspond à aucune page de l’annuaire. Vérifiez-la ou revenez à la recherche.".into()
    }
}
