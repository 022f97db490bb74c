//! What a page states about itself, and its response.
//!
//! To add a page: a file in `page/` with a struct that derives its template and implements [`Page`], and a handler; a line in
//! `routes.rs`; a sample in `page/tests.rs`.

pub(crate) mod accessibility;
pub(crate) mod answer;
pub(crate) mod asset;
pub(crate) mod contact_card;
pub(crate) mod developers;
pub(crate) mod extractions;
pub(crate) mod guide;
pub(crate) mod home;
pub(crate) mod message;
pub(crate) mod missing;
pub(crate) mod notices;
pub(crate) mod professional;
pub(crate) mod robots;
pub(crate) mod search;
pub(crate) mod sitemap;
pub(crate) mod structure;
pub(crate) mod stylesheet;
pub(crate) mod verify;

use annuaire_index::Error;
use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::visit::PageRequest;

/// How long browsers and proxies may show a response without asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CachePolicy {
    /// They ask before each use: the page shows the present state of the directory.
    Revalidate,
    /// They never ask again: the address contains a hash of the content.
    Immutable,
    /// The response has no `Cache-Control`, and each client applies its own heuristic (RFC 9111 §4.2.2).
    Unstated,
}

impl CachePolicy {
    /// Value of `Cache-Control`, where there is one.
    pub(crate) const fn header(self) -> Option<&'static str> {
        match self {
            Self::Revalidate => Some("no-cache"),
            Self::Immutable => Some("public, max-age=31536000, immutable"),
            Self::Unstated => None,
        }
    }

    /// Sets `Cache-Control` of a response.
    pub(crate) fn apply(self, response: &mut Response) {
        if let Some(value) = self.header() {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
        }
    }
}

/// Whether search engines may list a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indexing {
    /// They may: the page has a permanent address.
    Listed,
    /// They must not: the page answers one request.
    Unlisted,
}

/// A page: a template, with the status and the headers of its response. Templates extend `base.html`, which calls these methods.
pub(crate) trait Page: Template {
    /// Status of the response.
    const STATUS: StatusCode;
    /// How long clients may cache the response.
    const CACHE: CachePolicy;
    /// Whether search engines may list it.
    const INDEXING: Indexing;

    /// Title of the window and of the entry in a search engine, without the name of the directory.
    fn title(&self) -> &str;

    /// Path of the facts of this page for machines, without the prefix of a proxy; empty when there is none.
    fn fhir_path(&self) -> &str {
        ""
    }

    /// Whether search engines may list this page.
    fn is_listed(&self) -> bool {
        Self::INDEXING == Indexing::Listed
    }

    /// Adds the headers of a page of this type to a response.
    fn add_headers(response: &mut Response) {
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html;charset=UTF-8"),
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "same-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Self::CACHE.apply(response);
        if Self::INDEXING == Indexing::Unlisted {
            response.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex"));
        }
    }
}

/// The HTML of a page.
pub(crate) fn rendered(page: &impl Page) -> Result<String, askama::Error> {
    page.render()
}

/// The response with a page, or with a message in its place; an error when the store cannot be read or the work is used up.
pub(crate) type PageResult = Result<Response, Error>;

/// Lets the page load style sheet, script and pictures of this server and send its forms to it, and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// Renders a page. A template that fails answers 500 with the number under which the operator finds the cause.
pub(crate) fn respond<P: Page>(request: &PageRequest, page: &P) -> Response {
    let (status, body) = match page.render() {
        Ok(body) => (P::STATUS, body),
        Err(error) => {
            request.record_cause(&error);
            (StatusCode::INTERNAL_SERVER_ERROR, format!("La page ne peut pas être affichée (incident {}).", request.id))
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    P::add_headers(&mut response);
    response
}

#[cfg(test)]
mod tests;
