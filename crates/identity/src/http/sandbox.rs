//! The sandbox of a demonstration: anybody registers a client, and sees the tokens that it would get.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::authorize::Parameters;
use crate::client::{ClientAuthentication, ClientRecord, GrantType, sha256_hex};
use crate::error::Error;
use crate::http::admission::EndpointCaller;
use crate::http::browser::Frame;
use crate::provider::Provider;
use crate::session::{Code, Session};

/// A client that a visitor registered ends after this long.
const LIFE_MS: i64 = 7 * 86_400_000;
/// The client of the page that shows tokens.
pub(crate) const SHOWCASE: &str = "vitrine";

/// `GET /auth/bac-a-sable`
pub(crate) async fn show(State(provider): State<Arc<Provider>>, caller: EndpointCaller) -> Response {
    provider.page(&caller, StatusCode::OK, &form(&provider, None), &[])
}

fn form(provider: &Provider, problem: Option<String>) -> SandboxPage {
    SandboxPage {
        frame: provider.frame(),
        problem,
        issuer: provider.addresses.issuer(),
        showcase: format!(
            "/auth?response_type=code&client_id={SHOWCASE}&redirect_uri={}&scope=openid%20scope_all&acr_values=eidas1&state=vitrine&nonce={}",
            form_urlencoded::byte_serialize(showcase_return(provider).as_bytes()).collect::<String>(),
            provider.uuid()
        ),
    }
}

fn showcase_return(provider: &Provider) -> String {
    format!("{}/auth/bac-a-sable/jetons", provider.addresses.login_host)
}

/// The client of the page that shows tokens.
pub(crate) fn showcase(provider: &Provider) -> ClientRecord {
    let addresses = vec![showcase_return(provider)];
    // Nobody knows its secret: the page exchanges its code inside.
    ClientRecord::with_secret(SHOWCASE, "Vitrine des jetons", addresses, &provider.handle(), provider.now_ms())
}

/// `POST /auth/bac-a-sable`: registers a client.
pub(crate) async fn register(State(provider): State<Arc<Provider>>, caller: EndpointCaller, body: Bytes) -> Response {
    registered(&provider, &caller, &body).await.unwrap_or_else(|error| provider.incident(&caller, &error))
}

async fn registered(provider: &Provider, caller: &EndpointCaller, body: &[u8]) -> Result<Response, Error> {
    let asked = Parameters::parse(body).unwrap_or_default();
    let lines = |name: &str| -> Vec<String> {
        let text = asked.get(name).unwrap_or_default();
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let secret = provider.handle();
    let (id, name) = (format!("essai-{}", &provider.uuid()[..8]), asked.get("nom").unwrap_or_default().trim());
    let record = ClientRecord {
        post_logout_redirect_uris: lines("retours_deconnexion"),
        backchannel_logout_uri: asked.get("deconnexion").map(|address| address.trim().to_owned()),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Ciba],
        token_endpoint_auth_method: match asked.get("methode") {
            Some("client_secret_post") => ClientAuthentication::ClientSecretPost,
            _ => ClientAuthentication::ClientSecretBasic,
        },
        ends_ms: Some(provider.now_ms() + LIFE_MS),
        ..ClientRecord::with_secret(&id, name, lines("retours"), &secret, provider.now_ms())
    };
    if let Some(objection) = record.objection() {
        return Ok(provider.page(caller, StatusCode::UNPROCESSABLE_ENTITY, &form(provider, Some(objection)), &[]));
    }
    provider.register_client(&record, "sandbox").await?;
    let page =
        RegisteredPage { frame: provider.frame(), client_id: record.client_id, secret, issuer: provider.addresses.issuer() };
    Ok(provider.page(caller, StatusCode::OK, &page, &[]))
}

/// `GET /auth/bac-a-sable/jetons?code=…`: the tokens that a client gets for this login.
pub(crate) async fn tokens(State(provider): State<Arc<Provider>>, caller: EndpointCaller, RawQuery(query): RawQuery) -> Response {
    shown(&provider, &caller, &query.unwrap_or_default()).await.unwrap_or_else(|error| provider.incident(&caller, &error))
}

async fn shown(provider: &Provider, caller: &EndpointCaller, query: &str) -> Result<Response, Error> {
    let answer = Parameters::parse(query.as_bytes()).unwrap_or_default();
    if let Some(error) = answer.get("error") {
        let text = format!("L’application reçoit l’erreur {error}.");
        return Ok(provider.message(caller, StatusCode::OK, "Connexion non aboutie", &text));
    }
    let row = provider.rows.live::<Code>(&sha256_hex(answer.get("code").unwrap_or_default())).await?;
    let over = || Ok(provider.message(caller, StatusCode::GONE, "Code périmé", "Recommencez depuis le bac à sable."));
    let Some(mut held) =
        row.filter(|held| held.value.client_id == SHOWCASE && !held.value.used && provider.now_ms() < held.value.until_ms)
    else {
        return over();
    };
    let (client, session) = (showcase(provider), provider.rows.live::<Session>(&held.value.sid).await?);
    let Some(session) = session.map(|held| held.value) else { return over() };
    let Some((_, Ok(claims))) = provider.bearer_of(&session.authentication).await? else { return over() };
    let mut grant = crate::session::Grant::of_code(&held.value, &session, None);
    let given = provider.token_answer(&client, &mut grant, &session, &claims, None, true).await?;
    held.value.used = true;
    if !provider.rows.write(crate::rows::Writes::default().replace(&held)?.create(&grant)?).await? {
        return over();
    }
    let payload = |name: &str| given[name].as_str().map(readable).unwrap_or_default();
    let told = crate::tokens::userinfo_claims(&grant, &session, &claims);
    let page = TokensPage {
        frame: provider.frame(),
        answer: pretty(&given),
        access: payload("access_token"),
        id: payload("id_token"),
        userinfo: pretty(&told),
    };
    Ok(provider.page(caller, StatusCode::OK, &page, &[]))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The claims of a token of ours.
fn readable(token: &str) -> String {
    let bytes = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    serde_json::from_slice::<Value>(&bytes).map(|value| pretty(&value)).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "sandbox.html")]
struct SandboxPage {
    frame: Frame,
    problem: Option<String>,
    issuer: String,
    showcase: String,
}

#[derive(Template)]
#[template(path = "registered.html")]
struct RegisteredPage {
    frame: Frame,
    client_id: String,
    secret: String,
    issuer: String,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    frame: Frame,
    answer: String,
    access: String,
    id: String,
    userinfo: String,
}
