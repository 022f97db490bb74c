//! The authorization endpoint: a request of a client becomes a code at once, a login, or a refusal.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::authorize::{
    ACR, AuthorizeFault, AuthorizeRequest, Parameters, Refused, RequestWay, ReturnTo, read_request, return_to,
};
use crate::client::{ClientRecord, sha256_hex};
use crate::error::Error;
use crate::http::admission::EndpointCaller;
use crate::http::answer::{is_redirected, members, origin, see_other, with_query};
use crate::http::browser::{BrowserCookie, Frame};
use crate::limits::{CODE_MS, LOGIN_MS, USED_CODE_MS};
use crate::login::{Login, LoginStep};
use crate::provider::Provider;
use crate::pushed::{PushedRequest, URN};
use crate::rows::{Held, Writes};
use crate::session::{AuthMode, Code, Session};

const WRONG_REQUEST: &str = "Demande incorrecte";

/// `GET` or `POST /auth`
pub(crate) async fn authorize(
    State(provider): State<Arc<Provider>>,
    caller: EndpointCaller,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let text = caller.sent(query, &body);
    match begin(&provider, &caller, &text).await {
        Ok(response) => response,
        Err(error) => provider.incident(&caller, &error),
    }
}

async fn begin(provider: &Provider, caller: &EndpointCaller, text: &[u8]) -> Result<Response, Error> {
    let on_page = |text: &str| Ok(provider.message(caller, StatusCode::BAD_REQUEST, WRONG_REQUEST, text));
    let Ok(parameters) = Parameters::parse(text) else {
        return on_page("La demande de l’application a des paramètres en double, ou trop longs. Signalez-le à son éditeur.");
    };
    let client = match parameters.get("client_id") {
        Some(id) => provider.client(id).await?,
        None => None,
    };
    let Some(client) = client else {
        return on_page("L’application qui vous envoie ici n’est pas enregistrée. Signalez-le à son éditeur.");
    };
    let request = match asked(provider, &parameters, &client).await? {
        Ok(request) => request,
        Err(AuthorizeFault::OnPage(text)) => {
            return on_page(&format!("{text} Signalez-le à l’éditeur de {}.", client.client_name));
        }
        Err(AuthorizeFault::ToClient(to, refused)) => return Ok(provider.refuse(caller, &to, &refused)),
    };
    let session = match provider.cookie(&caller.headers, BrowserCookie::Session) {
        Some(cookie) => provider.session_of(&cookie).await?,
        None => None,
    };
    if let Some(session) = session
        && fits(provider, &request, &client, &session).await?
    {
        return provider.give_code(caller, &request, &client, &session.value).await;
    }
    if request.no_page {
        return Ok(provider.refuse(caller, &request.return_to, &Refused::new("login_required", "nobody is logged in as asked")));
    }
    let browser = provider.cookie(&caller.headers, BrowserCookie::Browser).unwrap_or_else(|| provider.handle());
    let login = Login {
        id: provider.uuid(),
        request,
        client_name: client.client_name,
        browser_sha256: sha256_hex(&browser),
        step: LoginStep::Choice,
        until_ms: provider.now_ms() + LOGIN_MS,
    };
    if !provider.rows.write(Writes::default().create(&login)?).await? {
        return Err(Error::Contended { kind: "login" });
    }
    let mut response = see_other(&login.path());
    provider.give_cookie(&mut response, BrowserCookie::Browser, &browser);
    Ok(response)
}

/// The request that the parameters make, or that was pushed before.
async fn asked(
    provider: &Provider,
    parameters: &Parameters,
    client: &ClientRecord,
) -> Result<Result<AuthorizeRequest, AuthorizeFault>, Error> {
    let Some(uri) = parameters.get("request_uri") else { return Ok(read_request(parameters, client, RequestWay::Direct)) };
    let fault = |error: &'static str, why: &str| match return_to(parameters, client) {
        Ok(to) => AuthorizeFault::ToClient(to, Refused::new(error, why)),
        Err(_) => AuthorizeFault::OnPage("La demande est périmée, ou a déjà servi."),
    };
    let Some(handle) = uri.strip_prefix(URN) else {
        return Ok(Err(fault("request_uri_not_supported", "push the request first (RFC 9126)")));
    };
    let held: Option<Held<PushedRequest>> = provider.rows.live(&sha256_hex(handle)).await?;
    let Some(held) = held.filter(|held| held.value.client_id == client.client_id) else {
        return Ok(Err(fault("invalid_request_uri", "the pushed request is over, was used, or is another client's")));
    };
    // It is used once.
    if !provider.rows.write(Writes::default().remove(&held)).await? {
        return Ok(Err(fault("invalid_request_uri", "the pushed request was used")));
    }
    Ok(Ok(held.value.request))
}

/// Whether a session answers a request without another login.
async fn fits(
    provider: &Provider,
    request: &AuthorizeRequest,
    client: &ClientRecord,
    session: &Held<Session>,
) -> Result<bool, Error> {
    let authentication = &session.value.authentication;
    let age_ms = provider.now_ms() - authentication.at_ms;
    if request.login_again || request.max_age_s.is_some_and(|age| age_ms > age * 1_000) || !client.takes(authentication.mode) {
        return Ok(false);
    }
    if let Some(hint) = &request.id_token_hint {
        let claims = provider.hint_claims(hint).await?;
        if !claims.is_some_and(|claims| claims.get("sub").is_some_and(|sub| *sub == session.value.sub)) {
            return Ok(false);
        }
    }
    // After an alert of fraud, what a phone opened leads nowhere else.
    if authentication.mode != AuthMode::Card && provider.phone.is_frozen(&authentication.national_id).await? {
        return Ok(false);
    }
    // Whoever lost their right is told so by the login, not by a silent loop.
    Ok(matches!(provider.bearer_of(authentication).await?, Some((_, Ok(_)))))
}

impl Login {
    /// Path of its pages.
    pub(crate) fn path(&self) -> String {
        format!("/auth/connexion/{}", self.id)
    }
}

impl Provider {
    /// Answers a client with a refusal.
    pub(crate) fn refuse(&self, caller: &EndpointCaller, to: &ReturnTo, refused: &Refused) -> Response {
        let told = [("error", refused.error), ("error_description", refused.description.as_str())];
        self.return_answer(caller, to, "Retour à l’application", "l’application", &told)
    }

    /// Answers a client with a code.
    pub(crate) async fn give_code(
        &self,
        caller: &EndpointCaller,
        request: &AuthorizeRequest,
        client: &ClientRecord,
        session: &Session,
    ) -> Result<Response, Error> {
        let (code, now_ms) = (self.handle(), self.now_ms());
        let row = Code {
            sha256: sha256_hex(&code),
            client_id: client.client_id.clone(),
            redirect_uri: request.return_to.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            dpop_jkt: request.dpop_jkt.clone(),
            grant: self.uuid(),
            sid: session.sid.clone(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            acr: ACR.to_owned(),
            until_ms: now_ms + CODE_MS,
            used: false,
            forgotten_ms: now_ms + USED_CODE_MS,
        };
        if !self.use_session(&session.sid, Some(&client.client_id)).await? {
            return Ok(self.refuse(caller, &request.return_to, &Refused::new("login_required", "the session ended meanwhile")));
        }
        if !self.rows.write(Writes::default().create(&row)?).await? {
            return Err(Error::Contended { kind: "code" });
        }
        let told = [("code", code.as_str()), ("session_state", session.sid.as_str())];
        Ok(self.return_answer(caller, &request.return_to, "Vous êtes identifié", &client.client_name, &told))
    }

    fn return_answer(
        &self,
        caller: &EndpointCaller,
        to: &ReturnTo,
        title: &str,
        client_name: &str,
        told: &[(&str, &str)],
    ) -> Response {
        let members = members(to, &self.addresses.issuer(), told);
        if is_redirected(to) {
            return see_other(&with_query(&to.redirect_uri, &members));
        }
        let page = FormPostPage {
            frame: self.frame(),
            title: title.to_owned(),
            client_name: client_name.to_owned(),
            action: to.redirect_uri.clone(),
            members,
        };
        self.page(caller, StatusCode::OK, &page, &[origin(&to.redirect_uri)])
    }
}

/// The page that carries an answer in a form (OAuth 2.0 Form Post Response Mode). Its button is visible: there is no script.
#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage {
    frame: Frame,
    title: String,
    client_name: String,
    action: String,
    members: Vec<(String, String)>,
}
