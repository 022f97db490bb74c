//! Endpoints that clients call before a person answers: pushed requests and CIBA.

use std::sync::Arc;

use annuaire_ecps::{AskRefusal, Asker, PromptOrder};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::authorize::{ACR, AuthorizeFault, Parameters, RequestWay, read_request, scopes};
use crate::ciba::{CibaRequest, is_binding_message};
use crate::claims::identifiers;
use crate::client::{ClientMode, GrantType, sha256_hex};
use crate::error::Error;
use crate::http::admission::EndpointCaller;
use crate::http::answer::{ClientError, json_answer};
use crate::limits::{CIBA_INTERVAL_S, CIBA_PER_PERSON, CIBA_S, CIBA_WINDOW_MS, PUSHED_S};
use crate::provider::Provider;
use crate::pushed::{PushedRequest, URN};
use crate::rows::Writes;

/// `POST …/ext/par/request` (RFC 9126)
pub(crate) async fn push(State(provider): State<Arc<Provider>>, caller: EndpointCaller, body: Bytes) -> Response {
    let outcome = pushed(&provider, &caller, &body).await;
    caller.answer(outcome.map(|outcome| outcome.map(|value| json_answer(StatusCode::CREATED, &value))))
}

async fn pushed(provider: &Provider, caller: &EndpointCaller, body: &[u8]) -> Result<Result<Value, ClientError>, Error> {
    let form = match Parameters::parse(body) {
        Ok(form) => form,
        Err(fault) => return Ok(Err(fault.into())),
    };
    let url = provider.addresses.endpoint("ext/par/request");
    let client = match provider.authenticated(caller, &form, &url).await? {
        Ok(client) => client,
        Err(error) => return Ok(Err(error)),
    };
    if form.get("request_uri").is_some() {
        return Ok(Err(ClientError::new("invalid_request", "a pushed request names no request_uri")));
    }
    let mut request = match read_request(&form, &client, RequestWay::Pushed) {
        Ok(request) => request,
        Err(AuthorizeFault::OnPage(_)) => {
            return Ok(Err(ClientError::new("invalid_request", "redirect_uri is missing or not registered for this client")));
        }
        Err(AuthorizeFault::ToClient(_, refused)) => return Ok(Err(refused.into())),
    };
    // A proof that comes with the request names the key as dpop_jkt does (RFC 9449 §10.1).
    match provider.binding(caller, &url, None).await? {
        Ok(Some(crate::session::Binding::Dpop(thumbprint))) => {
            if request.dpop_jkt.as_ref().is_some_and(|named| *named != thumbprint) {
                return Ok(Err(ClientError::new("invalid_dpop_proof", "dpop_jkt names another key than the proof")));
            }
            request.dpop_jkt = Some(thumbprint);
        }
        Ok(_) => {}
        Err(error) => return Ok(Err(error)),
    }
    let handle = provider.handle();
    let row = PushedRequest {
        sha256: sha256_hex(&handle),
        client_id: client.client_id,
        request,
        until_ms: provider.now_ms() + PUSHED_S * 1_000,
    };
    if !provider.rows.write(Writes::default().create(&row)?).await? {
        return Err(Error::Contended { kind: "pushed_request" });
    }
    Ok(Ok(json!({"request_uri": format!("{URN}{handle}"), "expires_in": PUSHED_S})))
}

/// `POST …/ext/ciba/auth`
pub(crate) async fn ciba(State(provider): State<Arc<Provider>>, caller: EndpointCaller, body: Bytes) -> Response {
    let outcome = asked(&provider, &caller, &body).await;
    caller.answer(outcome.map(|outcome| outcome.map(|value| json_answer(StatusCode::OK, &value))))
}

async fn asked(provider: &Provider, caller: &EndpointCaller, body: &[u8]) -> Result<Result<Value, ClientError>, Error> {
    let form = match Parameters::parse(body) {
        Ok(form) => form,
        Err(fault) => return Ok(Err(fault.into())),
    };
    let url = provider.addresses.endpoint("ext/ciba/auth");
    let client = match provider.authenticated(caller, &form, &url).await? {
        Ok(client) => client,
        Err(error) => return Ok(Err(error)),
    };
    let wrong = |error: &'static str, why: &str| Ok(Err(ClientError::new(error, why)));
    if !client.may(GrantType::Ciba) {
        return wrong("unauthorized_client", "the client is not registered for CIBA");
    }
    if form.get("request").is_some() {
        return wrong("invalid_request", "request objects are not supported");
    }
    if form.get("id_token_hint").is_some() || form.get("login_hint_token").is_some() {
        return wrong("invalid_request", "name the person with login_hint alone");
    }
    let Some(national_id) = form.get("login_hint") else { return wrong("invalid_request", "login_hint is missing") };
    let asked: Vec<&str> = form.get("scope").unwrap_or_default().split(' ').collect();
    if !asked.contains(&"openid") {
        return wrong("invalid_scope", "scope has openid");
    }
    match form.get("acr_values") {
        None if client.mode != ClientMode::Basic => return wrong("invalid_request", "acr_values is missing: eidas1"),
        Some(values) if !values.split(' ').any(|value| value == ACR) => {
            return wrong("invalid_request", "the level that is given is eidas1");
        }
        _ => {}
    }
    let Some(message) = form.get("binding_message").filter(|message| is_binding_message(message)) else {
        return wrong("invalid_binding_message", "binding_message is two digits");
    };
    match form.get("channel") {
        None | Some("MOBILE") => {}
        Some("CARD") => return wrong("unknown_user_id", "no card can be asked without a browser here"),
        Some(_) => return wrong("invalid_request", "channel is MOBILE or CARD"),
    }
    let binding = match provider.token_binding(&client, caller, &url).await? {
        Ok(binding) => binding,
        Err(error) => return Ok(Err(error)),
    };
    let now_ms = provider.now_ms();
    let recent = provider.rows.list::<CibaRequest>(Some(national_id), "", 100).await?;
    let recent: Vec<_> = recent.into_iter().filter(|held| held.value.asked_ms > now_ms - CIBA_WINDOW_MS).collect();
    let pending = |held: &&crate::rows::Held<CibaRequest>| {
        held.value.client_id == client.client_id && !held.value.done && held.value.expires_ms > now_ms
    };
    // Limits are for one client and one person: nobody can lock somebody out of the others (identity.md §0.1, 1).
    let by_client = recent.iter().filter(|held| held.value.client_id == client.client_id).count();
    if recent.iter().any(|held| pending(&held)) || by_client >= CIBA_PER_PERSON {
        return wrong("access_denied", "this person is being asked already, or was asked too often");
    }
    let person = provider.people.person(national_id).await?;
    let handle = provider.handle();
    let sha256 = sha256_hex(&handle);
    let order = PromptOrder {
        national_id: national_id.to_owned(),
        other_ids: person.as_deref().map(identifiers).unwrap_or_default(),
        client_id: client.client_id.clone(),
        client_name: client.client_name.clone(),
        channel_origin: "Demande d’un logiciel, sans navigateur".to_owned(),
        number: Some(message.to_owned()),
        asker: Asker::Ciba(sha256.clone()),
    };
    let prompt = match provider.phone.ask_known(&order).await {
        Ok(answer) => answer,
        Err(AskRefusal::Failed(error)) => return Err(error.into()),
        Err(AskRefusal::UnknownPerson | AskRefusal::NationalId) => {
            return wrong("unknown_user_id", "nobody with this identifier can be asked on this channel");
        }
        Err(_) => return wrong("access_denied", "this person may not be asked by this client for now"),
    };
    let row = CibaRequest {
        sha256,
        client_id: client.client_id,
        national_id: national_id.to_owned(),
        scope: scopes(&asked),
        acr: ACR.to_owned(),
        binding,
        prompt: prompt.prompt_id,
        interval_s: CIBA_INTERVAL_S,
        polled_ms: 0,
        expires_ms: now_ms + CIBA_S * 1_000,
        asked_ms: now_ms,
        done: false,
        forgotten_ms: now_ms + CIBA_WINDOW_MS,
    };
    if !provider.rows.write(Writes::default().create(&row)?).await? {
        return Err(Error::Contended { kind: "ciba" });
    }
    Ok(Ok(json!({"auth_req_id": handle, "expires_in": CIBA_S, "interval": CIBA_INTERVAL_S})))
}
