//! The way of a call through the gate: who asks, at which rate, with which body.

use crate::call::{OpenCall, SoftwareCall};
use crate::door::HrDoor;
use crate::guesses::{note_guess, refuse_guessing};
use crate::limits::{ADDRESS_BYTES, SEGMENT_CHARS};
use crate::problem::{CallFault, HrProblem};
use crate::route::{HrHandling, HrRoute};
use annuaire_registry::{SessionTrace, SoftwareSession};
use annuaire_web::{Anyone, Arrival, Client, Origin, RateRule, Refusal, RequestLine, RequestSubject};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use std::sync::Arc;

/// The token of `Authorization: Bearer …`, sent once, of the form of our tokens.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = all.next()?.to_str().ok()?.split_once(' ')?;
    let ours = token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit());
    (all.next().is_none() && scheme.eq_ignore_ascii_case("bearer") && ours).then_some(token)
}

/// Lets a call in, has it answered, and writes its line.
pub(crate) async fn admit(door: Arc<HrDoor>, route: &'static HrRoute, handling: HrHandling, request: Request) -> Response {
    let gate = Arc::clone(&door.settings.gate);
    let (mut parts, body) = request.into_parts();
    let (mut arrival, pass) = gate.arrive::<Anyone>(&mut parts, RateRule::Counted).await;
    let method = parts.method.clone();
    let address = parts.extensions.get::<Origin>().and_then(|origin| origin.address).map(|address| address.to_string());
    let answered = match pass {
        Ok(pass) => {
            let call = OpenCall {
                headers: parts.headers,
                uri: parts.uri,
                body: Bytes::new(),
                trace: SessionTrace {
                    session: arrival.id.clone(),
                    means: "jeton".to_owned(),
                    level: String::new(),
                    address: address.unwrap_or_default(),
                },
                client: arrival.client,
                segments: Vec::new(),
                _pass: pass,
            };
            answered(&door, route, handling, call, body, &mut arrival).await
        }
        Err(Refusal::Rate) => Err(CallFault::Rate.into()),
        Err(_) => Err(CallFault::Host.into()),
    };
    let mut response = answered.unwrap_or_else(|problem| {
        if let Some(cause) = problem.cause() {
            annuaire_web::record_internal_error(&arrival.id, route.name, cause);
        }
        problem.answer(&door.address("/openapi.json"))
    });
    gate.stamp(&arrival, &mut response);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let subject = RequestSubject { route: route.name, ..RequestSubject::default() };
    let line =
        RequestLine { method, subject, status: response.status(), client: arrival.client, id: arrival.id, start: arrival.start };
    let bytes = if line.method == Method::HEAD { 0 } else { response.body().size_hint().exact().unwrap_or(0) };
    gate.account(&line, bytes, gate.now() - arrival.start);
    response
}

async fn answered(
    door: &Arc<HrDoor>,
    route: &'static HrRoute,
    handling: HrHandling,
    mut call: OpenCall,
    body: Body,
    arrival: &mut Arrival,
) -> Result<Response, HrProblem> {
    if call.uri.path().len() + call.uri.query().map_or(0, str::len) > ADDRESS_BYTES {
        return Err(CallFault::TooLong.into());
    }
    let handler = match handling {
        HrHandling::Open(handler) => {
            call.body = whole(body, route.body_bytes()).await?;
            return handler(Arc::clone(door), call).await;
        }
        HrHandling::Software(handler) => handler,
    };
    // Nothing of the body is read for somebody who is not known.
    let session = software(door, &call).await?;
    let authority = blake3::hash(session.authority().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&authority.as_bytes()[..8]);
    let verdict = door.authorities.take(Client::numbered(u64::from_be_bytes(first)), door.settings.gate.now());
    arrival.rate = Some((door.authorities.rate(), verdict));
    if !verdict.allowed {
        return Err(CallFault::Rate.into());
    }
    call.segments = segments(route, call.uri.path())?;
    call.body = whole(body, route.body_bytes()).await?;
    handler(Arc::clone(door), SoftwareCall { session, call }).await
}

async fn whole(body: Body, most: usize) -> Result<Bytes, HrProblem> {
    axum::body::to_bytes(body, most).await.map_err(|_| CallFault::TooLong.into())
}

/// The session of the token of a call.
async fn software(door: &HrDoor, call: &OpenCall) -> Result<SoftwareSession, HrProblem> {
    let Some(token) = bearer(&call.headers) else { return Err(CallFault::Token.into()) };
    refuse_guessing(door, call)?;
    match door.registration().software_session(token, call.trace.clone()).await {
        Ok(session) => Ok(session),
        Err(stop) if stop.refusal().is_some() => {
            note_guess(door, call);
            Err(HrProblem::from(CallFault::Token).with_challenge("Bearer realm=\"annuaire\", error=\"invalid_token\""))
        }
        Err(stop) => Err(stop.into()),
    }
}

/// The values of the places of a path: letters, digits, dots, dashes and underscores, as all our numbers are.
fn segments(route: &HrRoute, path: &str) -> Result<Vec<String>, HrProblem> {
    let sound = |value: &str| {
        (1..=SEGMENT_CHARS).contains(&value.chars().count())
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let mut values = Vec::new();
    for (place, value) in route.whole_path().split('/').zip(path.split('/')) {
        if place.starts_with('{') {
            if !sound(value) {
                return Err(CallFault::Address.into());
            }
            values.push(value.to_owned());
        }
    }
    Ok(values)
}
