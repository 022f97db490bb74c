//! Legal notices: who answers for the directory, rights of the persons in it, licence of the data.

use std::sync::Arc;

use annuaire_base::date::iso_day;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{CachePolicy, Indexing, Page, PageResult, respond};
use crate::LegalNotices;
use crate::frame::PageFrame;
use crate::french::french_day;
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;

/// The page of legal notices.
#[derive(Template)]
#[template(path = "notices.html")]
pub(crate) struct NoticesPage {
    pub frame: PageFrame,
    pub operator: String,
    pub notices: LegalNotices,
    /// Day of the last published transaction.
    pub updated: String,
}

impl Page for NoticesPage {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Listed;

    fn title(&self) -> &str {
        "Mentions légales et réutilisation"
    }
}

impl NoticesPage {
    /// What the operator said, or that nothing was said.
    fn shown<'a>(&self, notice: &'a str) -> &'a str {
        if notice.is_empty() { "à préciser par l’exploitant" } else { notice }
    }
}

/// `GET /mentions`
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    in_turn(site, visit, notices_page).await
}

fn notices_page(site: &Site, visit: &Visit) -> PageResult {
    let commit_ms = site.unmetered_snapshot(visit.pass)?.commit_ms();
    let page = NoticesPage {
        frame: PageFrame::new(site, &visit.request),
        operator: site.settings.operator.clone(),
        notices: site.settings.notices.clone(),
        updated: french_day(&iso_day(commit_ms)),
    };
    Ok(respond(&visit.request, &page))
}
