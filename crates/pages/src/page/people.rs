//! The search for professionals.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{CachePolicy, Indexing, Page, PageResult, respond};
use crate::frame::PageFrame;
use crate::limits;
use crate::query::{PageLinks, QueryFields, ResultPage, ResultSummary, SearchForm};
use crate::resource::practitioner::PractitionerView;
use crate::resource::shown_json;
use crate::resource::situation::PracticeView;
use crate::search::{self, PeopleCriteria};
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;

/// The results of a search.
#[derive(Template)]
#[template(path = "people.html")]
pub(crate) struct PeoplePage<'a> {
    pub frame: PageFrame,
    pub form: SearchForm<'a>,
    pub results: Vec<PracticeView>,
    pub summary: String,
    pub links: PageLinks,
}

impl Page for PeoplePage<'_> {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        &self.summary
    }
}

/// The form again, for a search without any criterion.
#[derive(Template)]
#[template(path = "people_without_criteria.html")]
pub(crate) struct PeopleWithoutCriteriaPage<'a> {
    pub frame: PageFrame,
    pub form: SearchForm<'a>,
}

impl Page for PeopleWithoutCriteriaPage<'_> {
    const STATUS: StatusCode = StatusCode::BAD_REQUEST;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        "Recherche à préciser"
    }
}

/// `GET /recherche?nom=…&profession=…&specialite=…&lieu=…&page=…`
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    in_turn(site, visit, move |site, visit| people_page(site, visit, &QueryFields::parse(query.as_deref()))).await
}

fn people_page(site: &Site, visit: &Visit, fields: &QueryFields) -> PageResult {
    let snapshot = site.snapshot(visit.pass)?;
    let (frame, form) = (PageFrame::new(site, &visit.request), SearchForm::new(fields, &site.choices));
    if form.is_empty() {
        return Ok(respond(&visit.request, &PeopleWithoutCriteriaPage { frame, form }));
    }
    let SearchForm { nom, profession, specialite, lieu, .. } = &form;
    let found = search::people(&snapshot, &PeopleCriteria { name: nom, profession, specialty: specialite, place: lieu })?;
    let page = ResultPage { number: fields.page_number(), size: limits::RESULTS };
    let mut results = Vec::new();
    for row in page.select(&found.rows) {
        let practitioner = PractitionerView::of_json(&shown_json(&snapshot.read(*row)?));
        results.push(PracticeView::with_situations(&snapshot, practitioner)?);
    }
    let summary = ResultSummary { total: found.total, sorted: found.sorted, start: page.start(), shown: results.len() };
    let criteria = [("nom", nom.as_str()), ("profession", profession), ("specialite", specialite), ("lieu", lieu)];
    let links = page.links(found.rows.len(), &visit.request.visible_path("/recherche"), &criteria);
    let summary = summary.sentence("résultat", "résultats");
    Ok(respond(&visit.request, &PeoplePage { frame, form, results, summary, links }))
}
