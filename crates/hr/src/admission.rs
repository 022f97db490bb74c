//! The way of a call through the gate: who asks, at which rate, with which body. A [`SoftwareCall`] is made here alone.

use crate::door::HrDoor;
use crate::limits::{ADDRESS_BYTES, PAGE_LINES, PAGE_LINES_MAX, PAGES_MAX, SEGMENT_CHARS};
use crate::problem::{CallFault, HrProblem};
use crate::route::{Handling, HrRoute};
use annuaire_registry::{SessionTrace, SoftwareSession};
use annuaire_web::{Anyone, Arrival, Client, Origin, RateRule, Refusal, RequestLine, RequestSubject};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::Response;
use std::sync::Arc;

/// A call that the gate let in; nobody is known yet.
pub(crate) struct OpenCall {
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
    pub(crate) body: Bytes,
    pub(crate) trace: SessionTrace,
    /// Whom the request counts for, by the address.
    pub(crate) client: Client,
    /// The values of the places of the path, in order.
    segments: Vec<String>,
    _pass: Anyone,
}

/// A call of a software whose token stands.
pub(crate) struct SoftwareCall {
    pub(crate) session: SoftwareSession,
    pub(crate) call: OpenCall,
}

impl SoftwareCall {
    /// The value of the place `n` of the path; empty when the route has none.
    pub(crate) fn segment(&self, n: usize) -> &str {
        self.call.segments.get(n).map_or("", String::as_str)
    }

    /// The parameters of the address, which may be those of `known` alone, each once; a missing one is empty.
    pub(crate) fn parameters<const N: usize>(&self, known: [&str; N]) -> Result<[String; N], HrProblem> {
        let mut values: [Option<String>; N] = [const { None }; N];
        let mut wrong = Vec::new();
        for (name, value) in form_urlencoded::parse(self.call.uri.query().unwrap_or_default().as_bytes()) {
            match known.iter().position(|known| *known == name).and_then(|n| values.get_mut(n)) {
                Some(place @ None) if !value.contains('\0') => *place = Some(value.trim().to_owned()),
                _ => wrong.push(name.chars().take(40).collect()),
            }
        }
        if wrong.is_empty() {
            Ok(values.map(Option::unwrap_or_default))
        } else {
            Err(HrProblem::named(CallFault::Parameter, &wrong))
        }
    }

    /// The version that `If-Match` names.
    pub(crate) fn version(&self) -> Result<u64, HrProblem> {
        let mut all = self.call.headers.get_all(header::IF_MATCH).iter();
        let first = all.next().ok_or(CallFault::VersionMissing)?;
        let tag = first.to_str().ok().map(str::trim).filter(|_| all.next().is_none());
        let version = tag.and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
        version.ok_or_else(|| CallFault::VersionMalformed.into())
    }
}

/// Page and lines of a page, as numbers from 1: lines before the page, and lines of it.
pub(crate) fn page(page: &str, lines: &str) -> Result<(u32, u32), HrProblem> {
    let number = |text: &str, default: u32, most: u32, name: &str| match text {
        "" => Ok(default),
        text => {
            let number = text.parse::<u32>().ok().filter(|n| (1..=most).contains(n));
            number.ok_or_else(|| HrProblem::named(CallFault::Parameter, &[name.to_owned()]))
        }
    };
    let lines = number(lines, PAGE_LINES, PAGE_LINES_MAX, "parPage")?;
    Ok(((number(page, 1, PAGES_MAX, "page")? - 1) * lines, lines))
}

/// The token of `Authorization: Bearer …`, sent once, of the form of our tokens.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = all.next()?.to_str().ok()?.split_once(' ')?;
    let ours = token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit());
    (all.next().is_none() && scheme.eq_ignore_ascii_case("bearer") && ours).then_some(token)
}

/// Lets a call in, has it answered, and writes its line.
pub(crate) async fn admit(door: Arc<HrDoor>, route: &'static HrRoute, handling: Handling, request: Request) -> Response {
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
        if let Some(cause) = &problem.cause {
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
    handling: Handling,
    mut call: OpenCall,
    body: Body,
    arrival: &mut Arrival,
) -> Result<Response, HrProblem> {
    if call.uri.path().len() + call.uri.query().map_or(0, str::len) > ADDRESS_BYTES {
        return Err(CallFault::TooLong.into());
    }
    let handler = match handling {
        Handling::Open(handler) => {
            call.body = whole(body, route.body_bytes()).await?;
            return handler(Arc::clone(door), call).await;
        }
        Handling::Software(handler) => handler,
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

/// Refuses an address that sent too many wrong secrets and tokens.
pub(crate) fn refuse_guessing(door: &HrDoor, call: &OpenCall) -> Result<(), HrProblem> {
    let verdict = door.strangers.look(call.client, door.settings.gate.now());
    if verdict.allowed { Ok(()) } else { Err(HrProblem::from(CallFault::Rate).retry_after(verdict.reset)) }
}

/// Notes a wrong secret or token of an address.
pub(crate) fn note_guess(door: &HrDoor, call: &OpenCall) {
    door.strangers.take(call.client, door.settings.gate.now());
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
