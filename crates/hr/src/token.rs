//! `POST /jeton`: a token for ten minutes by the credentials of a client (RFC 6749 §4.4). Errors are those of RFC 6749 §5.2.

use crate::call::OpenCall;
use crate::door::HrDoor;
use crate::guesses::{note_guess, refuse_guessing};
use crate::json;
use crate::problem::HrProblem;
use annuaire_registry::limits::SOFTWARE_TOKEN_MS;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::sync::Arc;

/// Why no token is given, as RFC 6749 names it.
enum TokenError {
    Request(&'static str),
    Client,
    Grant,
    Scope,
}

/// What a client sent.
struct Credentials {
    client: String,
    secret: String,
}

/// The credentials of `Authorization: Basic …`, each part as a form encodes it (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<Credentials>, TokenError> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(TokenError::Request("Authorization est envoyé plusieurs fois."));
    }
    let read = || {
        let (scheme, coded) = first.to_str().ok()?.split_once(' ')?;
        let text = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
        let (client, secret) = text.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        Some(Credentials { client: decoded(client)?, secret: decoded(secret)? })
    };
    read().map(Some).ok_or(TokenError::Client)
}

fn decoded(text: &str) -> Option<String> {
    // A part that would begin another field is none.
    if text.contains(['&', '=']) {
        return None;
    }
    form_urlencoded::parse(format!("v={text}").as_bytes()).next().map(|(_, value)| value.into_owned())
}

fn asked(call: &OpenCall) -> Result<Credentials, TokenError> {
    let media = call.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(TokenError::Request("Le corps doit être un formulaire : application/x-www-form-urlencoded."));
    }
    let names = ["grant_type", "client_id", "client_secret", "scope"];
    let mut values: [Option<String>; 4] = Default::default();
    for (name, value) in form_urlencoded::parse(&call.body) {
        // Others are passed over (RFC 6749 §3.2).
        let Some(place) = names.iter().position(|known| *known == name).and_then(|n| values.get_mut(n)) else { continue };
        if place.replace(value.into_owned()).is_some() {
            return Err(TokenError::Request("Un paramètre est envoyé plusieurs fois."));
        }
    }
    let [grant, client, secret, scope] = values.map(|value| value.filter(|value| !value.is_empty()));
    let by_header = basic(&call.headers)?;
    match grant.as_deref() {
        None => return Err(TokenError::Request("grant_type est absent.")),
        Some("client_credentials") => {}
        Some(_) => return Err(TokenError::Grant),
    }
    if scope.is_some() {
        return Err(TokenError::Scope);
    }
    match (by_header, client, secret) {
        (Some(by_header), client, None) if client.as_ref().is_none_or(|client| *client == by_header.client) => Ok(by_header),
        (Some(_), ..) => Err(TokenError::Request("Le client s'identifie de deux manières à la fois.")),
        (None, Some(client), Some(secret)) => Ok(Credentials { client, secret }),
        (None, ..) => Err(TokenError::Client),
    }
}

fn refused(error: &TokenError) -> Response {
    let (status, code, text) = match error {
        TokenError::Request(text) => (StatusCode::BAD_REQUEST, "invalid_request", *text),
        TokenError::Client => (
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "Identifiant ou secret inconnu, ou logiciel dont l'habilitation a pris fin.",
        ),
        TokenError::Grant => (StatusCode::BAD_REQUEST, "unsupported_grant_type", "grant_type doit être client_credentials."),
        TokenError::Scope => (StatusCode::BAD_REQUEST, "invalid_scope", "Aucune portée n'est à demander : retirez scope."),
    };
    let mut response = json::answer(status, &json!({"error": code, "error_description": text}));
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"annuaire\""));
    }
    response
}

/// `POST /jeton`.
pub(crate) async fn token(door: Arc<HrDoor>, call: OpenCall) -> Result<Response, HrProblem> {
    let Credentials { client, secret } = match asked(&call) {
        Ok(credentials) => credentials,
        Err(error) => return Ok(refused(&error)),
    };
    refuse_guessing(&door, &call)?;
    // What is no identifier of ours is in no row.
    let ours = |text: &str, chars: usize| text.len() == chars && text.bytes().all(|b| b.is_ascii_hexdigit());
    if !ours(&client, 24) || !ours(&secret, 64) {
        note_guess(&door, &call);
        return Ok(refused(&TokenError::Client));
    }
    match door.registration().software_token(&client, &secret, &call.trace).await {
        Ok(token) => {
            let value = json!({"access_token": token.expose(), "token_type": "Bearer", "expires_in": SOFTWARE_TOKEN_MS / 1_000});
            let mut response = json::answer(StatusCode::OK, &value);
            response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
            Ok(response)
        }
        Err(stop) if stop.refusal().is_some() => {
            note_guess(&door, &call);
            Ok(refused(&TokenError::Client))
        }
        Err(stop) => Err(stop.into()),
    }
}
