//! The guide of developers, in French and in English: the text of `docs`, as pages.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{CachePolicy, Indexing, Page, respond};
use crate::developers::markdown::GuideText;
use crate::developers::words::API;
use crate::frame::PageFrame;
use crate::site::Site;
use crate::visit::Visit;

const FRENCH: &str = include_str!("../../../../docs/guide-fr.md");
const ENGLISH: &str = include_str!("../../../../docs/guide-en.md");
/// Address of the API in the text, in whose place a page shows its own.
const WRITTEN_BASE: &str = "https://annuaire.example/fhir/v2";

/// Path of the French guide.
pub(crate) const FRENCH_PATH: &str = "/developpeurs/guide";
/// Path of the English guide.
pub(crate) const ENGLISH_PATH: &str = "/developpeurs/guide-en";

/// A guide.
#[derive(Template)]
#[template(path = "guide.html")]
pub(crate) struct GuidePage {
    pub frame: PageFrame,
    /// Language of the text, as HTML names it.
    pub lang: &'static str,
    pub document: GuideText,
}

impl Page for GuidePage {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Listed;

    fn title(&self) -> &str {
        &self.document.title
    }
}

impl GuidePage {
    pub(crate) fn french(frame: PageFrame, base: &str) -> Self {
        Self { frame, lang: "fr", document: GuideText::of(&FRENCH.replace(WRITTEN_BASE, base)) }
    }

    pub(crate) fn english(frame: PageFrame, base: &str) -> Self {
        Self { frame, lang: "en", document: GuideText::of(&ENGLISH.replace(WRITTEN_BASE, base)) }
    }
}

/// `GET /developpeurs/guide`
pub(crate) async fn show_french(State(site): State<Arc<Site>>, visit: Visit, request: Request) -> Response {
    respond(&visit.request, &GuidePage::french(PageFrame::new(&site, &visit.request), &base(&site, request)))
}

/// `GET /developpeurs/guide-en`
pub(crate) async fn show_english(State(site): State<Arc<Site>>, visit: Visit, request: Request) -> Response {
    respond(&visit.request, &GuidePage::english(PageFrame::new(&site, &visit.request), &base(&site, request)))
}

fn base(site: &Site, request: Request) -> String {
    let (parts, _) = request.into_parts();
    format!("{}{API}", site.settings.gate.base(&parts).trim_end_matches(API))
}
