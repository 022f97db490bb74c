//! The statement on accessibility (décret 2019-768, RGAA 4.1).

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{CachePolicy, Indexing, Page, respond};
use crate::frame::PageFrame;
use crate::site::Site;
use crate::visit::Visit;

/// The statement.
#[derive(Template)]
#[template(path = "accessibility.html")]
pub(crate) struct AccessibilityPage {
    pub frame: PageFrame,
    pub operator: String,
    /// How the operator is reached; empty when the operator did not say.
    pub contact: String,
}

impl Page for AccessibilityPage {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Listed;

    fn title(&self) -> &str {
        "Déclaration d’accessibilité"
    }
}

/// `GET /accessibilite`
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    let settings = &site.settings;
    let page = AccessibilityPage {
        frame: PageFrame::new(&site, &visit.request),
        operator: settings.operator.clone(),
        contact: settings.notices.contact.clone(),
    };
    respond(&visit.request, &page)
}
