//! The page at the address of the API, for developers: what there is, forms, and examples that answer something.

use std::sync::Arc;

use annuaire_base::Tx;
use annuaire_base::date::iso_day;
use annuaire_fhir::schema::type_id;
use askama::Template;
use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::{CachePolicy, Indexing, Page, PageResult, respond};
use crate::developers::examples::{ApiExample, examples};
use crate::developers::form::{ApiForm, query_of};
use crate::developers::words::{API, RESOURCES};
use crate::frame::PageFrame;
use crate::french::{french_count, french_day};
use crate::page::message::respond_with;
use crate::page::missing::UnknownAddress;
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;

/// A resource on the page.
pub(crate) struct ResourceSection {
    pub ty: &'static str,
    pub french: &'static str,
    pub english: &'static str,
    /// How many there are.
    pub total: String,
    pub examples: Vec<ApiExample>,
    pub form: ApiForm,
}

/// The page.
#[derive(Template)]
#[template(path = "developers.html")]
pub(crate) struct DevelopersPage {
    pub frame: PageFrame,
    /// Address of the API, as the visitor sees it.
    pub base: String,
    /// Programs need a key.
    pub asks_for_keys: bool,
    /// Mail address or address of a page; empty when there is none.
    pub contact: String,
    /// The contact as a link.
    pub contact_link: String,
    /// Day of the last published transaction; empty before the first.
    pub updated: String,
    /// Its number.
    pub tx: u64,
    pub resources: Vec<ResourceSection>,
}

impl Page for DevelopersPage {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Listed;

    fn title(&self) -> &str {
        "API FHIR pour les développeurs"
    }

    fn fhir_path(&self) -> &str {
        "/fhir/v2/metadata"
    }
}

/// `GET /fhir/v2`, for a browser.
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let base = format!("{}{API}", site.settings.gate.base(&parts).trim_end_matches(API));
    let mut response = in_turn(site, visit, move |site, visit| developers_page(site, visit, base)).await;
    // A program gets something else at this address.
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

fn developers_page(site: &Site, visit: &Visit, base: String) -> PageResult {
    let snapshot = site.unmetered_snapshot(visit.pass)?;
    let mut resources = Vec::new();
    for words in &RESOURCES {
        let Some(ty) = type_id(words.ty) else { continue };
        let found = examples(&snapshot, ty, words.ty)?;
        resources.push(ResourceSection {
            ty: words.ty,
            french: words.french,
            english: words.english,
            total: french_count(found.total),
            examples: found.examples,
            form: ApiForm::of(words.ty, ""),
        });
    }
    let contact = site.contact.clone().unwrap_or_default();
    let page = DevelopersPage {
        frame: PageFrame::new(site, &visit.request),
        base,
        asks_for_keys: site.settings.gate.asks_for_keys(),
        contact_link: if contact.contains("://") { contact.clone() } else { format!("mailto:{contact}") },
        contact,
        updated: if snapshot.tx() > Tx::NONE { french_day(&iso_day(snapshot.commit_ms())) } else { String::new() },
        tx: snapshot.tx().get(),
        resources,
    };
    Ok(respond(&visit.request, &page))
}

/// `GET /developpeurs/demande`: from the fields of a form to the request that they mean.
pub(crate) async fn ask(State(site): State<Arc<Site>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let Some((ty, query)) = query_of(query.as_deref().unwrap_or_default()) else {
        return respond_with(&site, &visit.request, UnknownAddress);
    };
    let path = visit.request.visible_path(&format!("{API}/{ty}"));
    let address = if query.is_empty() { path } else { format!("{path}?{query}") };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    // The query is percent-encoded: a header can hold it.
    if let Ok(value) = HeaderValue::try_from(address) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}
