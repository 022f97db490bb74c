//! The first page: the search for people, and how large and recent the directory is.

use std::sync::Arc;

use annuaire_base::Tx;
use annuaire_base::date::iso_day;
use annuaire_index::Error;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{CachePolicy, Indexing, Page, PageResult, respond};
use crate::frame::PageFrame;
use crate::french::{french_count, french_day};
use crate::query::{QueryFields, SearchForm};
use crate::schema::{ORGANIZATION, PRACTITIONER, active, organization, practitioner};
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;

/// The first page.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage<'a> {
    pub frame: PageFrame,
    pub form: SearchForm<'a>,
    /// How many practices are published.
    pub professionals: String,
    /// How many structures are published.
    pub structures: String,
    /// Day of the last published transaction; empty before the first.
    pub updated: String,
}

impl Page for HomePage<'_> {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Listed;

    fn title(&self) -> &str {
        "Trouver un professionnel ou une structure"
    }
}

/// `GET /`
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    in_turn(site, visit, home_page).await
}

fn home_page(site: &Site, visit: &Visit) -> PageResult {
    let snapshot = site.unmetered_snapshot(visit.pass)?;
    let count = |ty, filter| Ok::<_, Error>(french_count(snapshot.search(ty, &filter)?.len()));
    let page = HomePage {
        frame: PageFrame::new(site, &visit.request),
        form: SearchForm::new(&QueryFields::default(), &site.choices),
        professionals: count(PRACTITIONER, active(practitioner::ACTIVE))?,
        structures: count(ORGANIZATION, active(organization::ACTIVE))?,
        updated: if snapshot.tx() > Tx::NONE { french_day(&iso_day(snapshot.commit_ms())) } else { String::new() },
    };
    Ok(respond(&visit.request, &page))
}
