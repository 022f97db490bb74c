//! The way of a request through the gate: let in or refused, counted, one line in the request log.

use std::sync::Arc;

use annuaire_web::{Anyone, RateRule, Refusal, RequestLine, RequestSubject};
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

use crate::delivery::DeliveryWish;
use crate::page::message::{BadHost, TooManyRequests, respond_with};
use crate::site::Site;
use crate::visit::{PageRequest, Visit};
use crate::words::Language;

/// What the gate needs to know of a route.
#[derive(Clone)]
pub(crate) struct RouteAdmission {
    pub site: Arc<Site>,
    /// Name of the page in the request log and in the counters.
    pub route: &'static str,
    /// Whether a request counts for the rate of its client.
    pub rate: RateRule,
}

/// Lets a request in as anyone's and hands a [`Visit`] to its handler, or answers with the message of the refusal.
pub(crate) async fn admit(State(admission): State<RouteAdmission>, request: Request, next: Next) -> Response {
    let RouteAdmission { site, route, rate } = admission;
    let gate = &site.settings.gate;
    let (mut parts, body) = request.into_parts();
    let (arrival, pass) = gate.arrive::<Anyone>(&mut parts, rate).await;
    let root = gate.prefix(&parts);
    let (base, path) = (gate.base(&parts), parts.uri.path().to_owned());
    let language = Language::of_query(parts.uri.query());
    let request = PageRequest { client: arrival.client, id: arrival.id.clone(), route, root, base, path, language };
    let method = parts.method.clone();
    let wish = DeliveryWish::of(&parts.headers);
    let response = match pass {
        Ok(pass) => {
            parts.extensions.insert(Visit { request, pass });
            next.run(Request::from_parts(parts, body)).await
        }
        Err(Refusal::Rate) => {
            let seconds = arrival.rate.map_or(1, |(_, verdict)| verdict.reset.max(1));
            respond_with(&site, &request, TooManyRequests { seconds })
        }
        // A page asks for no key and no credential: besides the rate, only a bad host is refused.
        Err(_) => respond_with(&site, &request, BadHost),
    };
    let mut response = wish.deliver(gate, response).await;
    if !site.settings.is_indexed {
        response.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex"));
    }
    gate.stamp(&arrival, &mut response);
    let subject = RequestSubject { route, ..RequestSubject::default() };
    let line =
        RequestLine { method, subject, status: response.status(), client: arrival.client, id: arrival.id, start: arrival.start };
    let bytes = if line.method == Method::HEAD { 0 } else { response.body().size_hint().exact().unwrap_or(0) };
    gate.account(&line, bytes, gate.now() - arrival.start);
    response
}
