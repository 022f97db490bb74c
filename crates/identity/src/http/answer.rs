//! Answers of endpoints: JSON that nobody keeps, errors of the protocol, redirections with a code.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::authorize::{Refused, ResponseMode, ReturnTo};

/// An error of an endpoint that clients call (RFC 6749 §5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientError {
    pub(crate) status: StatusCode,
    pub(crate) error: &'static str,
    pub(crate) description: String,
    /// Value of `WWW-Authenticate`, where one belongs.
    pub(crate) challenge: Option<String>,
}

impl ClientError {
    pub(crate) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into(), challenge: None }
    }

    /// The client did not prove who it is.
    pub(crate) fn invalid_client(description: impl Into<String>, tried_basic: bool) -> Self {
        let challenge = tried_basic.then(|| "Basic realm=\"esante-wallet\"".to_owned());
        Self { status: StatusCode::UNAUTHORIZED, challenge, ..Self::new("invalid_client", description) }
    }

    pub(crate) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(crate) fn forbidden(description: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, ..Self::new("access_denied", description) }
    }
}

impl From<Refused> for ClientError {
    fn from(refused: Refused) -> Self {
        Self::new(refused.error, refused.description)
    }
}

impl From<crate::authorize::ParameterFault> for ClientError {
    fn from(fault: crate::authorize::ParameterFault) -> Self {
        Refused::from(fault).into()
    }
}

/// A JSON answer that nobody keeps.
pub(crate) fn json_answer(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The answer to an error.
pub(crate) fn error_answer(error: &ClientError) -> Response {
    let mut response = json_answer(error.status, &json!({"error": error.error, "error_description": ascii(&error.description)}));
    if let Some(value) = error.challenge.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// A description holds the letters that RFC 6749 §5.2 allows.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '\'' }).collect()
}

/// A redirection that is followed by GET, whatever came before (303: a form is never sent on, FAPI 2.0 §5.3.2.2).
pub(crate) fn see_other(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    // ProviderAddresses are registered in ASCII, and what is added is encoded.
    headers.insert(header::LOCATION, HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/")));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Adds a cookie.
pub(crate) fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Adds a header.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The members of an answer to a client, as they travel.
pub(crate) fn members(to: &ReturnTo, issuer: &str, told: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = told.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if let Some(state) = &to.state {
        all.push(("state".into(), state.clone()));
    }
    // RFC 9207: a client that talks to several providers sees which one answers.
    all.push(("iss".into(), issuer.to_owned()));
    all
}

/// The address of a client with the members of an answer in its query.
pub(crate) fn with_query(address: &str, members: &[(String, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in members {
        query.append_pair(name, value);
    }
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{}", query.finish())
}

/// Whether the answer is a redirection.
pub(crate) fn is_redirected(to: &ReturnTo) -> bool {
    to.mode == ResponseMode::Query
}

/// The origin of an address, for `form-action`: Chromium applies it to the redirection that follows a form (identity.md §0.1, 8).
pub(crate) fn origin(address: &str) -> String {
    let after = address.find("://").map_or(0, |at| at + 3);
    let end = address[after..].find(['/', '?', '#']).map_or(address.len(), |at| after + at);
    address[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_encoded_and_queries_kept() {
        let to = ReturnTo {
            client_id: "c".into(),
            redirect_uri: "https://a.test/cb?x=1".into(),
            state: Some("é &=".into()),
            mode: ResponseMode::Query,
        };
        let all = members(&to, "https://id.test/r", &[("code", "a+b")]);
        assert_eq!(
            with_query(&to.redirect_uri, &all),
            "https://a.test/cb?x=1&code=a%2Bb&state=%C3%A9+%26%3D&iss=https%3A%2F%2Fid.test%2Fr"
        );
        assert_eq!(origin("https://a.test:8443/cb?x"), "https://a.test:8443");
        assert_eq!(origin("https://a.test"), "https://a.test");
    }

    #[test]
    fn a_description_keeps_to_its_letters() {
        assert_eq!(ascii("say \"no\" \\ é\n"), "say 'no' ' ''");
    }
}
