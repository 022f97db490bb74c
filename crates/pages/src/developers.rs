//! The door of the API for people with a browser: what a browser asks below `/fhir/v2` is answered by a page.
//!
//! The API knows no HTML. This door stands before it: a request of a program passes untouched; of one that prefers HTML, the API is
//! asked as a program would ask it, and its answer, be it a refusal, is shown as it is between the tags of a page. Who is let in,
//! counted and logged is decided by the API alone.

pub(crate) mod accept;
pub(crate) mod examples;
pub(crate) mod form;
pub(crate) mod markdown;
pub(crate) mod shown_answer;
pub(crate) mod words;

use std::sync::Arc;

use annuaire_web::Gate;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header, request::Parts};
use axum::middleware::Next;
use axum::response::Response;
use tower::ServiceExt;

use crate::frame::PageFrame;
use crate::limits;
use crate::page::answer::{AnswerPage, AnswerTooLong};
use crate::page::{Page, rendered};
use crate::site::Site;
use accept::prefers_html;
use form::ApiForm;
use shown_answer::shown_json_lines;
use words::API;

/// The API, as the pages before it know it.
pub struct ApiDoor {
    /// Its router.
    pub router: Router,
    /// Mail address, or address of a page, for questions of developers.
    pub contact: Option<String>,
}

/// What the door needs.
#[derive(Clone)]
pub(crate) struct BrowserDoor {
    pub site: Arc<Site>,
    /// The page at the address of the API itself.
    pub home: Router,
}

/// Answers a browser with a page, and anybody else as the API does.
pub(crate) async fn show_to_browsers(State(door): State<BrowserDoor>, request: Request, next: Next) -> Response {
    let below = request.uri().path().strip_prefix(API).filter(|below| below.is_empty() || below.starts_with('/'));
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let Some(below) = below.filter(|_| is_read && prefers_html(request.headers(), request.uri().query())) else {
        return next.run(request).await;
    };
    if below.is_empty() || below == "/" {
        let Ok(response) = door.home.oneshot(request).await;
        return response;
    }
    let (mut parts, body) = request.into_parts();
    let gate = &door.site.settings.gate;
    gate.note_origin(&mut parts);
    let asked = AskedAddress::of(gate, &parts);
    let response = next.run(Request::from_parts(as_program(parts), body)).await;
    shown(&door.site, &asked, response).await
}

/// The request as a program makes it. What a browser has kept is a page, not the answer of the API.
fn as_program(mut parts: Parts) -> Parts {
    for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_RANGE, header::RANGE, header::ACCEPT_ENCODING] {
        parts.headers.remove(name);
    }
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/fhir+json"));
    parts
}

/// The address that a browser asked, as it sees it.
pub(crate) struct AskedAddress {
    /// Path prefix that a proxy cut.
    root: String,
    /// Address of the API.
    base: String,
    /// The part after the address of the API: `/…`, with the query.
    below: String,
    path_below: String,
    query: String,
}

impl AskedAddress {
    fn of(gate: &Gate, parts: &Parts) -> Self {
        let base = format!("{}{API}", gate.base(parts).trim_end_matches(API));
        // Quotes would end the argument of a command.
        let whole = parts.uri.path_and_query().map_or("", |asked| asked.as_str()).replace('\'', "%27");
        let below = whole.strip_prefix(API).unwrap_or_default().to_owned();
        let path_below = parts.uri.path().strip_prefix(API).unwrap_or_default().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Self { root: gate.prefix(parts), base, below, path_below, query }
    }

    /// The type that a search names; empty for another request.
    fn searched_type(&self) -> &str {
        let ty = self.path_below.trim_matches('/');
        if words::resource(ty).is_some() { ty } else { "" }
    }
}

/// A page with the answer of the API; what is no FHIR JSON stays as it is.
async fn shown(site: &Site, asked: &AskedAddress, response: Response) -> Response {
    let media = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !media.starts_with("application/fhir+json") {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let frame = PageFrame::of_root(site, asked.root.clone());
    let url = format!("{}{}", asked.base, asked.below);
    let page = match to_bytes(body, limits::SHOWN_ANSWER).await {
        Ok(json) => {
            let ty = asked.searched_type();
            let key = if site.settings.gate.asks_for_keys() { "-H 'ESANTE-API-KEY: VOTRE-CLE' " } else { "" };
            rendered(&AnswerPage {
                frame,
                title: asked.path_below.trim_matches('/').to_owned(),
                status: parts.status,
                curl: format!("curl {key}'{url}'"),
                raw: with_format(&url),
                url,
                json: shown_json_lines(&json, &asked.base, &asked.root),
                form: (!ty.is_empty()).then(|| ApiForm::of(ty, &asked.query)),
            })
        }
        Err(_) => {
            parts.status = StatusCode::OK;
            rendered(&AnswerTooLong { frame, raw: with_format(&url) })
        }
    };
    let body = match page {
        Ok(body) => body,
        // Writing to a string does not fail. If it does, the browser shows at least where the answer is.
        Err(_) => format!("La réponse ne peut pas être affichée : {}", with_format(&asked.below)),
    };
    for name in [
        header::ETAG,
        header::LAST_MODIFIED,
        header::CONTENT_LENGTH,
        header::ACCEPT_RANGES,
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
    ] {
        parts.headers.remove(name);
    }
    let mut response = Response::from_parts(parts, Body::from(body));
    AnswerPage::add_headers(&mut response);
    response
}

/// An address at which a browser gets what programs get.
fn with_format(url: &str) -> String {
    format!("{url}{}_format=json", if url.contains('?') { '&' } else { '?' })
}
