//! The way of a request through the gate, for all endpoints of the provider.

use std::sync::Arc;

use annuaire_web::{Anyone, RateRule, Refusal, RequestLine, RequestSubject, cause_chain, record_internal_error};
use axum::body::HttpBody;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::Error;
use crate::http::answer::{ClientError, error_answer, json_answer};
use crate::provider::Provider;
use crate::session::Binding;

/// What the gate needs to know of a route.
#[derive(Clone)]
pub(crate) struct EndpointAdmission {
    pub(crate) provider: Arc<Provider>,
    pub(crate) route: &'static str,
}

/// A request that the gate let in.
#[derive(Debug, Clone)]
pub(crate) struct EndpointCaller {
    /// Request id, for the operator's log.
    pub(crate) id: String,
    pub(crate) route: &'static str,
    pub(crate) headers: HeaderMap,
    pub(crate) method: Method,
    /// Certificate of an organisation that was verified at the TLS host, or by a trusted proxy.
    pub(crate) organisation: Option<OrganisationProof>,
    _pass: Anyone,
}

/// A verified certificate of an organisation: put into requests by who terminated TLS, after the chain was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationProof {
    /// Subject (RFC 4514).
    pub subject: String,
    /// SHA-256 of the certificate, base64url (RFC 8705 §3.1).
    pub thumbprint: String,
}

impl EndpointCaller {
    /// The binding that the certificate of the caller gives.
    pub(crate) fn certificate(&self) -> Option<Binding> {
        self.organisation.as_ref().map(|proof| Binding::Certificate(proof.thumbprint.clone()))
    }

    /// What was sent to an endpoint that takes GET and POST: the form of a POST, else the query.
    pub(crate) fn sent(&self, query: Option<String>, body: &[u8]) -> Vec<u8> {
        if self.method == Method::POST { body.to_vec() } else { query.unwrap_or_default().into_bytes() }
    }

    /// A header that stands once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    /// Answers an endpoint of clients.
    pub(crate) fn answer(&self, outcome: Result<Result<Response, ClientError>, Error>) -> Response {
        match outcome {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => error_answer(&error),
            Err(error) => {
                self.record(&error);
                let mut told = ClientError::new("server_error", format!("the provider cannot answer: incident {}", self.id));
                told.status = StatusCode::INTERNAL_SERVER_ERROR;
                error_answer(&told)
            }
        }
    }

    /// Writes the cause of a failure to the operator's log.
    pub(crate) fn record(&self, error: &Error) {
        record_internal_error(&self.id, self.route, &cause_chain(error));
    }
}

impl<S: Sync> FromRequestParts<S> for EndpointCaller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Lets a request in, or answers with the refusal.
pub(crate) async fn admit(State(admission): State<EndpointAdmission>, request: Request, next: Next) -> Response {
    let EndpointAdmission { provider, route } = admission;
    let gate = &provider.gate;
    let (mut parts, body) = request.into_parts();
    let (arrival, pass) = gate.arrive::<Anyone>(&mut parts, RateRule::Counted).await;
    let method = parts.method.clone();
    let mut response = match pass {
        Ok(pass) => {
            let caller = EndpointCaller {
                id: arrival.id.clone(),
                route,
                headers: parts.headers.clone(),
                method: method.clone(),
                organisation: parts.extensions.get::<OrganisationProof>().cloned(),
                _pass: pass,
            };
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(Refusal::Rate) => {
            let error =
                ClientError { status: StatusCode::TOO_MANY_REQUESTS, ..ClientError::new("slow_down", "too many requests") };
            error_answer(&error)
        }
        Err(_) => json_answer(StatusCode::BAD_REQUEST, &serde_json::json!({"error": "invalid_request"})),
    };
    gate.stamp(&arrival, &mut response);
    let subject = RequestSubject { route, ..RequestSubject::default() };
    let line =
        RequestLine { method, subject, status: response.status(), client: arrival.client, id: arrival.id, start: arrival.start };
    let bytes = if line.method == Method::HEAD { 0 } else { response.body().size_hint().exact().unwrap_or(0) };
    gate.account(&line, bytes, gate.now() - arrival.start);
    response
}
