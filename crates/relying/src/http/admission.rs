//! The way of a request through the gate, for all routes of this room.

use std::sync::Arc;

use annuaire_web::{Anyone, Gate, RateRule, Refusal, RequestLine, RequestSubject};
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;

/// What the gate needs to know of a route.
#[derive(Clone)]
pub(crate) struct CivilAdmission {
    gate: Arc<Gate>,
    route: &'static str,
}

/// A request that the gate let in.
#[derive(Debug, Clone)]
pub(crate) struct AdmittedRequest {
    /// Request id, for the operator's log.
    pub(crate) id: String,
    pub(crate) route: &'static str,
    pub(crate) headers: HeaderMap,
    pub(crate) method: Method,
    _pass: Anyone,
}

impl AdmittedRequest {
    /// Writes the cause of a failure to the operator's log.
    pub(crate) fn record(&self, cause: &str) {
        annuaire_web::record_internal_error(&self.id, self.route, cause);
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        cookie(&self.headers, name)
    }
}

/// The value of a cookie of a request; one that is empty or longer than ours is none.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let value = values.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
    value.filter(|value| !value.is_empty() && value.len() <= 128)
}

impl<S: Sync> FromRequestParts<S> for AdmittedRequest {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Adds a route behind the gate.
pub(crate) fn admitted<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    gate: &Arc<Gate>,
    path: &str,
    route: &'static str,
    handler: MethodRouter<S>,
) -> Router<S> {
    let admission = CivilAdmission { gate: Arc::clone(gate), route };
    router.route(path, handler.layer(from_fn_with_state(admission, admit)))
}

/// Lets a request in, or answers with the refusal.
async fn admit(State(admission): State<CivilAdmission>, request: Request, next: Next) -> Response {
    let CivilAdmission { gate, route } = admission;
    let (mut parts, body) = request.into_parts();
    let (arrival, pass) = gate.arrive::<Anyone>(&mut parts, RateRule::Counted).await;
    let method = parts.method.clone();
    let mut response = match pass {
        Ok(pass) => {
            let (id, headers) = (arrival.id.clone(), parts.headers.clone());
            parts.extensions.insert(AdmittedRequest { id, route, headers, method: method.clone(), _pass: pass });
            next.run(Request::from_parts(parts, body)).await
        }
        Err(Refusal::Rate) => refused(StatusCode::TOO_MANY_REQUESTS, "Trop de demandes à la fois : réessayez dans une minute."),
        Err(_) => refused(StatusCode::BAD_REQUEST, "Cette demande ne peut pas être acceptée."),
    };
    gate.stamp(&arrival, &mut response);
    let subject = RequestSubject { route, ..RequestSubject::default() };
    let line =
        RequestLine { method, subject, status: response.status(), client: arrival.client, id: arrival.id, start: arrival.start };
    let bytes = if line.method == Method::HEAD { 0 } else { response.body().size_hint().exact().unwrap_or(0) };
    gate.account(&line, bytes, gate.now() - arrival.start);
    response
}

fn refused(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    response
}
