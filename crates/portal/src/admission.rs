//! The way of a request through the gate, and of a fault to its page.

use crate::door::Portal;
use crate::fault::PortalFault;
use crate::limits::{FORM_BYTES, PATH_BYTES};
use crate::request::{PortalRequest, Space};
use annuaire_ecps::{SessionUnread, SignedIn};
use annuaire_relying::CivilSession;
use annuaire_web::{Anyone, Origin, RateRule, Refusal, RequestLine, RequestSubject};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;
use std::sync::Arc;

#[derive(Clone)]
struct Admission {
    portal: Arc<Portal>,
    route: &'static str,
    space: Space,
}

/// Adds a route behind the gate.
pub(crate) fn admitted(
    router: Router<Arc<Portal>>,
    portal: &Arc<Portal>,
    (path, route, space): (&str, &'static str, Space),
    handler: MethodRouter<Arc<Portal>>,
) -> Router<Arc<Portal>> {
    let admission = Admission { portal: Arc::clone(portal), route, space };
    router.route(path, handler.layer(from_fn_with_state(admission, admit)))
}

/// Lets a request in and makes a page of each fault.
async fn admit(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    let Admission { portal, route, space } = admission;
    let gate = Arc::clone(&portal.settings.gate);
    let (mut parts, body) = request.into_parts();
    let (arrival, pass) = gate.arrive::<Anyone>(&mut parts, RateRule::Counted).await;
    let method = parts.method.clone();
    let mut response = match pass {
        Ok(pass) => {
            let address = parts.extensions.get::<Origin>().and_then(|origin| origin.address).map(|address| address.to_string());
            let address = address.unwrap_or_default();
            let admitted = PortalRequest::new(&arrival.id, route, &parts, address, pass);
            parts.extensions.insert(admitted.clone());
            answered(&portal, space, &admitted, parts, body, next).await
        }
        Err(Refusal::Rate) => {
            crate::answer::plain(StatusCode::TOO_MANY_REQUESTS, "Trop de demandes à la fois : réessayez dans une minute.")
        }
        Err(_) => crate::answer::plain(StatusCode::BAD_REQUEST, "Cette demande ne peut pas être acceptée."),
    };
    gate.stamp(&arrival, &mut response);
    let subject = RequestSubject { route, ..RequestSubject::default() };
    let line =
        RequestLine { method, subject, status: response.status(), client: arrival.client, id: arrival.id, start: arrival.start };
    let bytes = if line.method == Method::HEAD { 0 } else { response.body().size_hint().exact().unwrap_or(0) };
    gate.account(&line, bytes, gate.now() - arrival.start);
    response
}

async fn answered(
    portal: &Arc<Portal>,
    space: Space,
    request: &PortalRequest,
    mut parts: Parts,
    body: Body,
    next: Next,
) -> Response {
    let is_professional = parts.extensions.get::<SignedIn>().is_some();
    let is_civil = parts.extensions.get::<CivilSession>().is_some();
    let is_in = match space {
        Space::Open => true,
        Space::Professional => is_professional,
        Space::Civil => is_civil,
        Space::Either => is_professional || is_civil,
    };
    // Numbers of addresses reach the audit trail as they are.
    let path = parts.uri.path();
    if path.len() > PATH_BYTES || path.contains("%00") {
        return PortalFault::Nothing.page(portal, request);
    }
    if parts.method == Method::POST && !portal.is_our_form(&parts.headers) {
        return PortalFault::ForeignForm.page(portal, request);
    }
    // Nothing that was typed is lost with a session or a failure: the page that says so carries the form. Files are sent again from the disk.
    let is_form = parts.method == Method::POST && is_typed_form(&parts.headers);
    let (typed, body) = if is_form {
        let Ok(typed) = axum::body::to_bytes(body, FORM_BYTES).await else {
            return PortalFault::Unreadable.page(portal, request);
        };
        (Some(typed.clone()), Body::from(typed))
    } else {
        (None, body)
    };
    if !is_in {
        let is_unread = space != Space::Civil && parts.extensions.get::<SessionUnread>().is_some();
        let fault = match typed {
            Some(typed) if is_unread => PortalFault::FailedForm(typed, None),
            _ if is_unread => PortalFault::SessionUnread,
            Some(typed) => PortalFault::SessionOver(space, typed),
            None if parts.method == Method::POST => PortalFault::SessionOver(space, Bytes::new()),
            None => PortalFault::SignIn(space),
        };
        return fault.page(portal, request);
    }
    parts.extensions.insert(Arc::clone(portal));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    match (response.extensions_mut().remove::<PortalFault>(), typed) {
        (Some(PortalFault::Failed(cause)), Some(typed)) => PortalFault::FailedForm(typed, Some(cause)).page(portal, request),
        (Some(fault), _) => fault.page(portal, request),
        (None, _) => response,
    }
}

/// Whether the fields of a form are its whole body, as browsers send forms without a file.
fn is_typed_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

impl Portal {
    /// Whether a form was sent by a page of this address. Browsers say so by `Sec-Fetch-Site`, older ones by `Origin`, which is `null` for
    /// our own pages, since they send no referrer. Each form has a token of its person besides.
    fn is_our_form(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        match (text("sec-fetch-site"), text("origin")) {
            (Some(site), _) => site == "same-origin" || site == "none",
            (None, Some(origin)) => origin == self.origin() || origin == "null",
            (None, None) => true,
        }
    }
}
