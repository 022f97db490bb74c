//! Logout: asked for by a client with a hint, or confirmed by the person (OpenID RP-Initiated Logout, identity.md §1.9).

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::authorize::Parameters;
use crate::client::ClientRecord;
use crate::error::Error;
use crate::http::admission::EndpointCaller;
use crate::http::answer::{origin, see_other, with_query};
use crate::http::browser::{BrowserCookie, Frame};
use crate::provider::{EndReason, Provider};

const CONFIRM: &str = "/auth/deconnexion";

/// `GET` or `POST …/logout`
pub(crate) async fn end(
    State(provider): State<Arc<Provider>>,
    caller: EndpointCaller,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let text = caller.sent(query, &body);
    ended(&provider, &caller, &text).await.unwrap_or_else(|error| provider.incident(&caller, &error))
}

async fn ended(provider: &Provider, caller: &EndpointCaller, text: &[u8]) -> Result<Response, Error> {
    let parameters = Parameters::parse(text).unwrap_or_default();
    let hint = match parameters.get("id_token_hint") {
        Some(token) => provider.hint_claims(token).await?,
        None => None,
    };
    let named = parameters.get("client_id");
    let of_hint = hint.as_ref().and_then(|claims| claims.get("aud")).and_then(|aud| aud.as_str());
    let is_one = named.is_none() || of_hint.is_none() || named == of_hint;
    let client = match of_hint.or(named).filter(|_| is_one) {
        Some(id) => provider.client(id).await?,
        None => None,
    };
    let return_to = parameters.get("post_logout_redirect_uri").filter(|to| is_registered(client.as_ref(), to));
    let state = parameters.get("state");
    if parameters.get("post_logout_redirect_uri").is_some() && return_to.is_none() {
        let text = "L’adresse de retour n’est pas enregistrée pour cette application. Votre session n’a pas été fermée.";
        return Ok(provider.message(caller, StatusCode::BAD_REQUEST, "Demande incorrecte", text));
    }
    let sid = hint.as_ref().and_then(|claims| claims.get("sid")).and_then(|sid| sid.as_str()).filter(|_| is_one);
    if let Some(sid) = sid {
        provider.end_session(sid, EndReason::Logout).await?;
        return Ok(gone(provider, caller, return_to, state));
    }
    // Nobody is logged out by an address that somebody else made: the person confirms, on the host of the cookie.
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("retour", return_to), ("etat", state), ("application", client.as_ref().map(|c| c.client_id.as_str()))]
    {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    Ok(see_other(&format!("{}{CONFIRM}?{}", provider.addresses.login_host, query.finish())))
}

fn is_registered(client: Option<&ClientRecord>, address: &str) -> bool {
    client.is_some_and(|client| client.post_logout_redirect_uris.iter().any(|known| known == address))
}

/// After a logout: back to the client, or a page.
fn gone(provider: &Provider, caller: &EndpointCaller, return_to: Option<&str>, state: Option<&str>) -> Response {
    let mut response = match return_to {
        Some(to) => {
            let members: Vec<_> = state.map(|state| ("state".to_owned(), state.to_owned())).into_iter().collect();
            see_other(&if members.is_empty() { to.to_owned() } else { with_query(to, &members) })
        }
        None => provider.message(caller, StatusCode::OK, "Vous êtes déconnecté", "Vous pouvez fermer cette page."),
    };
    provider.give_cookie(&mut response, BrowserCookie::Session, "");
    response
}

/// `GET /auth/deconnexion`
pub(crate) async fn confirm(
    State(provider): State<Arc<Provider>>,
    caller: EndpointCaller,
    RawQuery(query): RawQuery,
) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let shown = async {
        let Some(cookie) = provider.cookie(&caller.headers, BrowserCookie::Session) else {
            return Ok(gone(&provider, &caller, None, None));
        };
        let text = |name: &str| parameters.get(name).map(str::to_owned);
        let page = LogoutPage {
            frame: provider.frame(),
            action: CONFIRM.to_owned(),
            proof: provider.form_proof(&cookie, "logout"),
            return_to: text("retour"),
            state: text("etat"),
            client_id: text("application"),
        };
        let targets: Vec<String> = parameters.get("retour").map(origin).filter(|origin| is_origin(origin)).into_iter().collect();
        Ok(provider.page(&caller, StatusCode::OK, &page, &targets))
    };
    shown.await.unwrap_or_else(|error: Error| provider.incident(&caller, &error))
}

/// Whether a text may stand in a policy: what came in an address is not trusted.
fn is_origin(text: &str) -> bool {
    text.starts_with("http") && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'.' | b'-'))
}

/// `POST /auth/deconnexion`
pub(crate) async fn confirmed(State(provider): State<Arc<Provider>>, caller: EndpointCaller, body: Bytes) -> Response {
    let done = async {
        let form = Parameters::parse(&body).unwrap_or_default();
        let Some(cookie) = provider.cookie(&caller.headers, BrowserCookie::Session) else {
            return Ok(gone(&provider, &caller, None, None));
        };
        if !provider.is_our_form(&cookie, "logout", form.get("proof")) {
            let text = "Le formulaire ne vient pas de cette page. Votre session n’a pas été fermée.";
            return Ok(provider.message(&caller, StatusCode::FORBIDDEN, "Demande refusée", text));
        }
        if let Some(session) = provider.session_of(&cookie).await? {
            provider.end_session(&session.value.sid, EndReason::Logout).await?;
        }
        let client = match form.get("application") {
            Some(id) => provider.client(id).await?,
            None => None,
        };
        let return_to = form.get("retour").filter(|to| is_registered(client.as_ref(), to));
        Ok(gone(&provider, &caller, return_to, form.get("etat")))
    };
    done.await.unwrap_or_else(|error: Error| provider.incident(&caller, &error))
}

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage {
    frame: Frame,
    action: String,
    proof: String,
    return_to: Option<String>,
    state: Option<String>,
    client_id: Option<String>,
}
