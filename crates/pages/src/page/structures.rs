//! The search for structures.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{CachePolicy, Indexing, Page, PageResult, respond};
use crate::frame::PageFrame;
use crate::limits;
use crate::query::{PageLinks, QueryFields, ResultPage, ResultSummary, SearchForm};
use crate::resource::organization::OrganizationView;
use crate::resource::shown_json;
use crate::search;
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;

/// The form, and the results of a search.
#[derive(Template)]
#[template(path = "structures.html")]
pub(crate) struct StructuresPage<'a> {
    pub frame: PageFrame,
    pub form: SearchForm<'a>,
    pub results: Vec<OrganizationView>,
    /// Empty before anything was typed.
    pub summary: String,
    pub links: PageLinks,
}

impl Page for StructuresPage<'_> {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        if self.summary.is_empty() { "Trouver une structure" } else { &self.summary }
    }
}

/// `GET /structures?nom=…&lieu=…&page=…`; without criteria, the form alone.
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    in_turn(site, visit, move |site, visit| structures_page(site, visit, &QueryFields::parse(query.as_deref()))).await
}

fn structures_page(site: &Site, visit: &Visit, fields: &QueryFields) -> PageResult {
    let snapshot = site.snapshot(visit.pass)?;
    let (frame, form) = (PageFrame::new(site, &visit.request), SearchForm::new(fields, &site.choices));
    let page = ResultPage { number: fields.page_number(), size: limits::RESULTS };
    let path = visit.request.visible_path("/structures");
    let criteria = [("nom", form.nom.as_str()), ("lieu", form.lieu.as_str())];
    if form.nom.is_empty() && form.lieu.is_empty() {
        let links = page.links(0, &path, &criteria);
        return Ok(respond(&visit.request, &StructuresPage { frame, form, results: Vec::new(), summary: String::new(), links }));
    }
    let found = search::structures(&snapshot, &form.nom, &form.lieu)?;
    let mut results = Vec::new();
    for row in page.select(&found.rows) {
        results.push(OrganizationView::of_json(&shown_json(&snapshot.read(*row)?)));
    }
    let summary = ResultSummary { total: found.total, sorted: found.sorted, start: page.start(), shown: results.len() };
    let summary = summary.sentence("structure trouvée", "structures trouvées");
    let links = page.links(found.rows.len(), &path, &criteria);
    Ok(respond(&visit.request, &StructuresPage { frame, form, results, summary, links }))
}
