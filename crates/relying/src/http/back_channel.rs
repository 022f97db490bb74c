//! Where the provider tells that somebody logged out there (OpenID Connect Back-Channel Logout §2.5, §2.8).

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::back_channel::LogoutFault;
use crate::error::RelyingError;
use crate::fault::LoginFault;
use crate::http::admission::AdmittedRequest;
use crate::http::door::CivilDoor;

/// `POST /portail/pro/franceconnect/deconnexion` with `logout_token`. Whoever calls is nobody: the token alone counts.
pub(crate) async fn told(State(door): State<Arc<CivilDoor>>, request: AdmittedRequest, form: Bytes) -> Response {
    let mut tokens = form_urlencoded::parse(&form).filter(|(name, _)| name == "logout_token").map(|(_, token)| token);
    let (Some(token), None) = (tokens.next(), tokens.next()) else {
        return answer(StatusCode::BAD_REQUEST, "one logout_token is needed");
    };
    let now_ms = door.now_ms();
    let outcome = match door.party.told_logout(now_ms, &token).await {
        Ok(logout) => door.sessions.end_told(now_ms, &door.party.settings().issuer, &logout).await,
        Err(LogoutFault::Provider(LoginFault::Internal(error))) => Err(error),
        Err(LogoutFault::Provider(fault)) => {
            request.record(&annuaire_web::cause_chain(&fault));
            return answer(StatusCode::SERVICE_UNAVAILABLE, "the keys of the provider cannot be had: try again");
        }
        Err(fault) => return answer(StatusCode::BAD_REQUEST, &fault.to_string()),
    };
    match outcome {
        Ok(_) => answer(StatusCode::OK, ""),
        Err(error) => failed(&request, &error),
    }
}

fn failed(request: &AdmittedRequest, error: &RelyingError) -> Response {
    request.record(&annuaire_web::cause_chain(error));
    answer(StatusCode::INTERNAL_SERVER_ERROR, "the session could not be ended: try again")
}

fn answer(status: StatusCode, why: &str) -> Response {
    let error = if status == StatusCode::BAD_REQUEST { "invalid_request" } else { "server_error" };
    let body = match status {
        StatusCode::OK => Body::empty(),
        _ => Body::from(serde_json::json!({"error": error, "error_description": why}).to_string()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
