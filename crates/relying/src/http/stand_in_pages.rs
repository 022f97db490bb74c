//! Pages and endpoints of the stand-in.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};

use crate::calls::ProviderAnswer;
use crate::error::RelyingError;
use crate::http::admission::{AdmittedRequest, admitted};
use crate::http::answer::{RelyingFrame, cookie_name, give_cookie, page, redirected, set};
use crate::limits::{BODY_BYTES, STAND_IN_SESSION_MS};
use crate::stand_in::asked::AskFault;
use crate::stand_in::{Chosen, STAND_IN_ROOT, StandIn, json_answer};

const COOKIE: &str = "annuaire-fc-simulateur";
/// Where the form of the page goes.
const CHOICE: &str = "/fc-simulateur/choix";

#[derive(Template)]
#[template(path = "stand_in.html")]
struct StandInPage<'a> {
    frame: &'a RelyingFrame,
    action: &'static str,
    asked: &'a str,
    /// Id, name and label.
    people: Vec<(&'a str, String, &'a str)>,
    /// Id and name of who is logged in already.
    known: Option<(&'a str, String)>,
}

#[derive(Template)]
#[template(path = "stand_in_fault.html")]
struct StandInFaultPage<'a> {
    frame: &'a RelyingFrame,
    code: &'a str,
    text: &'a str,
}

impl StandIn {
    fn frame(&self) -> RelyingFrame {
        let is_encrypted = self.issuer.starts_with("https://");
        RelyingFrame { style: self.style.clone(), is_fictional: true, is_encrypted, is_plain_accepted: !is_encrypted }
    }

    fn session_cookie(&self, request: &AdmittedRequest) -> Option<String> {
        request.cookie(&cookie_name(COOKIE, self.issuer.starts_with("https://")))
    }

    fn give_session(&self, response: &mut Response, value: &str) {
        give_cookie(response, COOKIE, value, STAND_IN_SESSION_MS / 1_000, self.issuer.starts_with("https://"));
    }

    fn fault(&self, request: &AdmittedRequest, fault: &AskFault) -> Response {
        match fault {
            AskFault::Page(code, text) => {
                let frame = self.frame();
                page(&frame, request, StatusCode::BAD_REQUEST, &StandInFaultPage { frame: &frame, code, text })
            }
            AskFault::Told { redirect_uri, state, error } => redirected(&self.back(redirect_uri, state, &[("error", error)])),
        }
    }

    fn failure(&self, request: &AdmittedRequest, error: &RelyingError) -> Response {
        request.record(&annuaire_web::cause_chain(error));
        let frame = self.frame();
        let shown = StandInFaultPage { frame: &frame, code: "Y000000", text: "le simulateur ne peut pas répondre" };
        page(&frame, request, StatusCode::INTERNAL_SERVER_ERROR, &shown)
    }
}

fn sent(request: &AdmittedRequest, answer: Result<ProviderAnswer, RelyingError>) -> Response {
    let answer = answer.unwrap_or_else(|error| {
        request.record(&annuaire_web::cause_chain(&error));
        json_answer(500, &serde_json::json!({"error": "server_error"}))
    });
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut response, header::CONTENT_TYPE, &answer.media_type);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn authorize(State(stand_in): State<Arc<StandIn>>, request: AdmittedRequest, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let asked = match stand_in.asked(&query) {
        Ok(asked) => asked,
        Err(fault) => return stand_in.fault(&request, &fault),
    };
    let cookie = stand_in.session_cookie(&request).filter(|_| !asked.is_login_forced);
    let known = match stand_in.session_citizen(cookie.as_deref()).await {
        Ok(known) => known,
        Err(error) => return stand_in.failure(&request, &error),
    };
    let frame = stand_in.frame();
    let shown = StandInPage {
        frame: &frame,
        action: CHOICE,
        asked: &query,
        people: stand_in.citizens.iter().map(|one| (one.id.as_str(), one.name(), one.label.as_str())).collect(),
        known: known.map(|one| (one.id.as_str(), one.name())),
    };
    page(&frame, &request, StatusCode::OK, &shown)
}

async fn choose(State(stand_in): State<Arc<StandIn>>, request: AdmittedRequest, form: Bytes) -> Response {
    match stand_in.choose(&form, stand_in.session_cookie(&request).as_deref()).await {
        Ok(Chosen::Back { location, session }) => {
            let mut response = redirected(&location);
            if let Some(cookie) = session {
                stand_in.give_session(&mut response, &cookie);
            }
            response
        }
        Ok(Chosen::Fault(fault)) => stand_in.fault(&request, &fault),
        Ok(Chosen::Unknown) => {
            stand_in.fault(&request, &AskFault::Page("Y020001", "personne ne porte ce nom dans le simulateur".into()))
        }
        Err(error) => stand_in.failure(&request, &error),
    }
}

async fn end_session(State(stand_in): State<Arc<StandIn>>, request: AdmittedRequest, RawQuery(query): RawQuery) -> Response {
    let cookie = stand_in.session_cookie(&request);
    match stand_in.end_session(&query.unwrap_or_default(), cookie.as_deref()).await {
        Ok(Ok(location)) => {
            let mut response = redirected(&location);
            stand_in.give_session(&mut response, "");
            response
        }
        Ok(Err(fault)) => stand_in.fault(&request, &fault),
        Err(error) => stand_in.failure(&request, &error),
    }
}

async fn token(State(stand_in): State<Arc<StandIn>>, request: AdmittedRequest, form: Bytes) -> Response {
    sent(&request, stand_in.token(&form).await)
}

async fn user_info(State(stand_in): State<Arc<StandIn>>, request: AdmittedRequest) -> Response {
    let bearer = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let answer = stand_in.user_info(bearer.and_then(|value| value.strip_prefix("Bearer "))).await;
    sent(&request, answer)
}

async fn keys(State(stand_in): State<Arc<StandIn>>, request: AdmittedRequest) -> Response {
    sent(&request, stand_in.keys().await)
}

async fn metadata(State(stand_in): State<Arc<StandIn>>, request: AdmittedRequest) -> Response {
    sent(&request, Ok(json_answer(200, &stand_in.metadata())))
}

/// The pages and endpoints of the stand-in, below [`STAND_IN_ROOT`]. Anyone may call them; a code needs the client's proof, and UserInfo an
/// access token. It is for demonstrations and tests: whoever opens its page is whom they choose.
pub fn stand_in_router(stand_in: &Arc<StandIn>) -> Router {
    let at = |path: &str| format!("{STAND_IN_ROOT}{path}");
    let mut router = Router::new();
    for (path, route, handler) in [
        (at("/.well-known/openid-configuration"), "stand-in.metadata", get(metadata)),
        (at("/authorize"), "stand-in.authorize", get(authorize)),
        (at("/token"), "stand-in.token", post(token)),
        (at("/userinfo"), "stand-in.userinfo", get(user_info)),
        (at("/jwks"), "stand-in.keys", get(keys)),
        (at("/session/end"), "stand-in.logout", get(end_session)),
        (CHOICE.to_owned(), "stand-in.choice", post(choose)),
    ] {
        router = admitted(router, &stand_in.gate, &path, route, handler);
    }
    router.layer(DefaultBodyLimit::max(BODY_BYTES)).with_state(Arc::clone(stand_in))
}
