//! What the page that waits for a phone asks for: its script, and whether the phone has answered.
//!
//! Without script the page is read again every two seconds. With it, it is read again once, when there is something else to read: nobody
//! loses the focus or hears the page anew meanwhile (WCAG 2.2.1, 3.2.5).

use std::sync::Arc;

use annuaire_ecps::PromptState;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::Response;

use crate::error::Error;
use crate::http::admission::EndpointCaller;
use crate::http::answer::set;
use crate::http::login::login_of;
use crate::login::LoginStep;
use crate::provider::Provider;

/// `GET /auth/attente.js`
pub(crate) async fn script() -> Response {
    let mut response = Response::new(Body::from(include_str!("../../assets/wait.js")));
    set(&mut response, header::CONTENT_TYPE, "text/javascript;charset=UTF-8");
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // A new version is there at once.
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    response
}

/// `GET /auth/connexion/{id}/etat`: 204 while the phone has not answered, 200 when the page has something else to say. It changes nothing, and
/// tells another browser nothing.
pub(crate) async fn state(State(provider): State<Arc<Provider>>, caller: EndpointCaller, Path(id): Path<String>) -> Response {
    let status = match is_waiting(&provider, &caller, &id).await {
        Ok(true) => StatusCode::NO_CONTENT,
        Ok(false) => StatusCode::OK,
        Err(error) => return provider.incident(&caller, &error),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

async fn is_waiting(provider: &Provider, caller: &EndpointCaller, id: &str) -> Result<bool, Error> {
    let Some(held) = login_of(provider, caller, id).await? else { return Ok(false) };
    let LoginStep::Phone { prompt, .. } = &held.value.step else { return Ok(false) };
    Ok(matches!(provider.phone.state(prompt).await?, PromptState::Pending))
}
