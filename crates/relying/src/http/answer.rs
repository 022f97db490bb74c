//! Answers: pages, redirections, cookies.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::http::admission::AdmittedRequest;

/// What every page shows around its content.
#[derive(Debug, Clone)]
pub(crate) struct RelyingFrame {
    /// Path of the style sheet.
    pub(crate) style: String,
    /// Shows that everything is fictional.
    pub(crate) is_fictional: bool,
    /// Whether browsers reach the pages over TLS.
    pub(crate) is_encrypted: bool,
    /// Whether forms may end at addresses without encryption: in a demonstration on one machine.
    pub(crate) is_plain_accepted: bool,
}

/// The answer with a page.
///
/// Chromium applies `form-action` to each redirection that follows a form, and a provider sends browsers on to hosts that we do not know
/// (those where people prove who they are, and log out). So forms may end at any encrypted address.
pub(crate) fn page(frame: &RelyingFrame, request: &AdmittedRequest, status: StatusCode, page: &impl Template) -> Response {
    let (status, body) = match page.render() {
        Ok(body) => (status, body),
        Err(error) => {
            request.record(&error.to_string());
            (StatusCode::INTERNAL_SERVER_ERROR, format!("La page ne peut pas être affichée (incident {}).", request.id))
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let plain = if frame.is_plain_accepted { " http:" } else { "" };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' https:{plain}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    set(&mut response, header::CONTENT_SECURITY_POLICY, &policy);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html;charset=UTF-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if frame.is_encrypted {
        set(&mut response, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// A redirection that is followed by GET.
pub(crate) fn redirected(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/")));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Adds a header.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The name of a cookie: over TLS with the prefix that keeps it to this host (RFC 6265bis §4.1.3.2).
pub(crate) fn cookie_name(name: &str, is_encrypted: bool) -> String {
    if is_encrypted { format!("__Host-{name}") } else { name.to_owned() }
}

/// Gives a cookie to a browser for so many seconds; an empty value takes it away.
pub(crate) fn give_cookie(response: &mut Response, name: &str, value: &str, seconds: i64, is_encrypted: bool) {
    let (name, secure) = (cookie_name(name, is_encrypted), if is_encrypted { "; Secure" } else { "" });
    let age = if value.is_empty() { 0 } else { seconds };
    if let Ok(value) = HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}")) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
