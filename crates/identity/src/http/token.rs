//! The token endpoint (identity.md §1.5, §1.10, §1.11).

use std::sync::Arc;

use annuaire_ecps::PromptState;
use annuaire_jose::{is_code_verifier, s256};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::authorize::Parameters;
use crate::ciba::{CibaRequest, PollVerdict};
use crate::claims::ProfessionalClaims;
use crate::client::{ClientMode, ClientRecord, GrantType, sha256_hex};
use crate::error::Error;
use crate::http::admission::EndpointCaller;
use crate::http::answer::{ClientError, json_answer};
use crate::limits::{CIBA_INTERVAL_S, WRITE_ATTEMPTS};
use crate::provider::{EndReason, Provider};
use crate::rows::{Held, Writes};
use crate::session::{AuthMode, Authentication, Binding, Code, Grant, RefreshVerdict, Session};

/// What a step of the endpoint gives: an answer, an error for the client, or a failure of ours.
type TokenStep<T> = Result<Result<T, ClientError>, Error>;

/// `POST …/token`
pub(crate) async fn token(State(provider): State<Arc<Provider>>, caller: EndpointCaller, body: Bytes) -> Response {
    let outcome = answer(&provider, &caller, &body).await;
    caller.answer(outcome.map(|outcome| outcome.map(|value| json_answer(StatusCode::OK, &value))))
}

async fn answer(provider: &Provider, caller: &EndpointCaller, body: &[u8]) -> TokenStep<Value> {
    let form = match Parameters::parse(body) {
        Ok(form) => form,
        Err(fault) => return Ok(Err(fault.into())),
    };
    let url = provider.addresses.endpoint("token");
    let client = match provider.authenticated(caller, &form, &url).await? {
        Ok(client) => client,
        Err(error) => return Ok(Err(error)),
    };
    let binding = match provider.token_binding(&client, caller, &url).await? {
        Ok(binding) => binding,
        Err(error) => return Ok(Err(error)),
    };
    if client.mode == ClientMode::Strict && binding.is_none() {
        return Ok(Err(ClientError::new(
            "invalid_dpop_proof",
            "a strict client binds its tokens: send a DPoP proof or use mutual TLS",
        )));
    }
    let Some(name) = form.get("grant_type") else { return Ok(Err(ClientError::new("invalid_request", "grant_type is missing"))) };
    let Some(grant) = GrantType::ALL.into_iter().find(|grant| grant.name() == name) else {
        return Ok(Err(ClientError::new("unsupported_grant_type", "this grant type is not offered")));
    };
    if !client.may(grant) {
        return Ok(Err(ClientError::new("unauthorized_client", "the client is not registered for this grant type")));
    }
    match grant {
        GrantType::AuthorizationCode => by_code(provider, &client, binding, &form).await,
        GrantType::RefreshToken => by_refresh(provider, &client, binding, &form).await,
        GrantType::Ciba => by_ciba(provider, &client, binding, &form).await,
        GrantType::TokenExchange => by_exchange(provider, &client, binding, &form).await,
    }
}

fn invalid_grant<T>(why: &str) -> TokenStep<T> {
    Ok(Err(ClientError::invalid_grant(why)))
}

/// A session with the claims of its person, as they stand. A person without right loses the session.
async fn session_and_claims(provider: &Provider, sid: &str) -> TokenStep<(Held<Session>, Arc<ProfessionalClaims>)> {
    let Some(session) = provider.rows.live::<Session>(sid).await? else { return invalid_grant("the session is over") };
    match provider.bearer_of(&session.value.authentication).await? {
        Some((_, Ok(claims))) => Ok(Ok((session, claims))),
        _ => {
            provider.end_session(sid, EndReason::NoRight).await?;
            invalid_grant("the person has no open right any more")
        }
    }
}

async fn by_code(provider: &Provider, client: &ClientRecord, binding: Option<Binding>, form: &Parameters) -> TokenStep<Value> {
    let Some(code) = form.get("code") else { return Ok(Err(ClientError::new("invalid_request", "code is missing"))) };
    let sha256 = sha256_hex(code);
    for _ in 0..WRITE_ATTEMPTS {
        let Some(mut held) = provider.rows.live::<Code>(&sha256).await?.filter(|held| held.value.client_id == client.client_id)
        else {
            return invalid_grant("the code is not known");
        };
        let row = &held.value;
        if row.used {
            provider.revoke_grant(&row.grant, "code-reuse").await?;
            return invalid_grant("the code was used before: what it gave is revoked");
        }
        if provider.now_ms() >= row.until_ms {
            return invalid_grant("the code is over");
        }
        if form.get("redirect_uri") != Some(row.redirect_uri.as_str()) {
            return invalid_grant("redirect_uri is not the one of the request");
        }
        match (&row.challenge, form.get("code_verifier")) {
            (None, None) => {}
            (Some(challenge), Some(verifier)) if is_code_verifier(verifier) && s256(verifier) == *challenge => {}
            _ => return invalid_grant("code_verifier does not fit the code_challenge"),
        }
        if row.dpop_jkt.is_some() && row.dpop_jkt != dpop_of(binding.as_ref()) {
            return invalid_grant("the proof is by another key than the request named");
        }
        let (session, claims) = match session_and_claims(provider, &row.sid).await? {
            Ok(both) => both,
            Err(error) => return Ok(Err(error)),
        };
        let session = session.value;
        let mut grant = Grant::of_code(row, &session, binding.clone());
        let answer = provider.token_answer(client, &mut grant, &session, &claims, None, true).await?;
        held.value.used = true;
        let event = token_event(provider, "code", &grant, &claims);
        if provider.rows.write(Writes::default().replace(&held)?.create(&grant)?.audit(event)).await? {
            return Ok(Ok(answer));
        }
    }
    Err(Error::Contended { kind: "code" })
}

fn token_event(provider: &Provider, by: &str, grant: &Grant, claims: &ProfessionalClaims) -> annuaire_store::AuditEvent {
    let detail = json!({"national_id": claims.national_id, "client": grant.client_id, "by": by, "grant": grant.id});
    provider.event("identity.token", &grant.sid, &detail)
}

fn dpop_of(binding: Option<&Binding>) -> Option<String> {
    match binding {
        Some(Binding::Dpop(thumbprint)) => Some(thumbprint.clone()),
        _ => None,
    }
}

async fn by_refresh(provider: &Provider, client: &ClientRecord, binding: Option<Binding>, form: &Parameters) -> TokenStep<Value> {
    let Some(token) = form.get("refresh_token") else {
        return Ok(Err(ClientError::new("invalid_request", "refresh_token is missing")));
    };
    let sha256 = sha256_hex(token);
    let id = token.split_once('.').map_or("", |(id, _)| id);
    for _ in 0..WRITE_ATTEMPTS {
        let Some(mut held) = provider.rows.live::<Grant>(id).await?.filter(|held| held.value.client_id == client.client_id)
        else {
            return invalid_grant("the refresh token is not known");
        };
        match held.value.judge(&sha256, provider.now_ms()) {
            RefreshVerdict::Good => {}
            RefreshVerdict::Over => return invalid_grant("the refresh token is over"),
            RefreshVerdict::Reused => {
                provider.revoke_grant(id, "refresh-reuse").await?;
                return invalid_grant("the refresh token was replaced before: what it gave is revoked");
            }
        }
        if held.value.binding != binding {
            return invalid_grant("the refresh token is bound to another key or certificate");
        }
        let given: Vec<&str> = held.value.scope.split(' ').collect();
        if form.get("scope").is_some_and(|asked| asked.split(' ').any(|scope| !given.contains(&scope))) {
            return Ok(Err(ClientError::new("invalid_scope", "a refresh gives no more than the first answer")));
        }
        let sid = held.value.sid.clone();
        let (session, claims) = match session_and_claims(provider, &sid).await? {
            Ok(both) => both,
            Err(error) => return Ok(Err(error)),
        };
        let rotates_from = Some(sha256.clone());
        let answer = provider.token_answer(client, &mut held.value, &session.value, &claims, rotates_from, false).await?;
        let event = token_event(provider, "refresh", &held.value, &claims);
        if provider.rows.write(Writes::default().replace(&held)?.audit(event)).await? {
            provider.use_session(&sid, Some(&client.client_id)).await?;
            return Ok(Ok(answer));
        }
    }
    Err(Error::Contended { kind: "grant" })
}

async fn by_ciba(provider: &Provider, client: &ClientRecord, binding: Option<Binding>, form: &Parameters) -> TokenStep<Value> {
    let Some(handle) = form.get("auth_req_id") else {
        return Ok(Err(ClientError::new("invalid_request", "auth_req_id is missing")));
    };
    let now_ms = provider.now_ms();
    let Some(mut held) = provider.rows.live::<CibaRequest>(&sha256_hex(handle)).await? else {
        return invalid_grant("the request is not known");
    };
    let verdict = held.value.poll(&client.client_id, now_ms);
    match verdict {
        PollVerdict::Invalid => return invalid_grant("the request is not known"),
        PollVerdict::Expired => return Ok(Err(ClientError::new("expired_token", "nobody answered in time"))),
        PollVerdict::SlowDown | PollVerdict::Look => {}
    }
    held.value.polled_ms = now_ms;
    if verdict == PollVerdict::SlowDown {
        held.value.interval_s += CIBA_INTERVAL_S;
        // Of two polls at once one note is enough.
        provider.rows.write(Writes::default().replace(&held)?).await?;
        return Ok(Err(ClientError::new("slow_down", "the client asks too often: five seconds more")));
    }
    if held.value.binding != binding {
        return invalid_grant("the request was made with another key or certificate");
    }
    match provider.phone.state(&held.value.prompt).await? {
        PromptState::Pending => {
            provider.rows.write(Writes::default().replace(&held)?).await?;
            Ok(Err(ClientError::new("authorization_pending", "the person has not answered yet")))
        }
        PromptState::Expired => Ok(Err(ClientError::new("expired_token", "nobody answered in time"))),
        PromptState::Refused => {
            held.value.done = true;
            provider.rows.write(Writes::default().replace(&held)?).await?;
            Ok(Err(ClientError::new("access_denied", "the person refused, or chose another number")))
        }
        PromptState::Approved(_) => ciba_approved(provider, client, binding, held).await,
    }
}

async fn ciba_approved(
    provider: &Provider,
    client: &ClientRecord,
    binding: Option<Binding>,
    mut held: Held<CibaRequest>,
) -> TokenStep<Value> {
    // The request is taken first: of two polls one gets tokens.
    held.value.done = true;
    if !provider.rows.write(Writes::default().replace(&held)?).await? {
        return invalid_grant("the request is not known");
    }
    let Some(approval) = provider.phone.take(&held.value.prompt).await? else { return invalid_grant("the request is not known") };
    let (person, claims) = match provider.bearer(&approval.national_id).await? {
        Some((person, Ok(claims))) => (person, claims),
        _ => return Ok(Err(ClientError::new("access_denied", "the person has no open right"))),
    };
    let authentication = Authentication {
        national_id: claims.national_id.clone(),
        mode: AuthMode::Mobile,
        amr: approval.amr.iter().map(|method| (*method).to_owned()).collect(),
        at_ms: approval.auth_ms,
        means: approval.means_id,
        holder: None,
        certificate: String::new(),
    };
    let (session, _cookie) = provider.open_session(&person, authentication, &client.client_id).await?;
    provider.use_session(&session.sid, Some(&client.client_id)).await?;
    let mut grant = Grant {
        id: provider.uuid(),
        client_id: client.client_id.clone(),
        scope: held.value.scope.clone(),
        acr: held.value.acr.clone(),
        binding,
        ..Grant::of_session(&session)
    };
    let answer = provider.token_answer(client, &mut grant, &session, &claims, None, false).await?;
    let event = token_event(provider, "ciba", &grant, &claims);
    if !provider.rows.write(Writes::default().create(&grant)?.audit(event)).await? {
        return Err(Error::Contended { kind: "grant" });
    }
    Ok(Ok(answer))
}

/// RFC 8693: a token of a person for one business interface, bound to who asks (identity.md §1.11).
async fn by_exchange(
    provider: &Provider,
    client: &ClientRecord,
    binding: Option<Binding>,
    form: &Parameters,
) -> TokenStep<Value> {
    let wrong = |why: &str| Ok(Err(ClientError::new("invalid_request", why)));
    let Some(subject_token) = form.get("subject_token") else { return wrong("subject_token is missing") };
    if form.get("subject_token_type") != Some("urn:ietf:params:oauth:token-type:access_token") {
        return wrong("subject_token_type is urn:ietf:params:oauth:token-type:access_token");
    }
    if form.get("subject_issuer").is_some_and(|issuer| issuer != "psc" && issuer != provider.addresses.issuer()) {
        return wrong("subject_issuer is not known");
    }
    let Some(binding) = binding else { return wrong("an exchanged token is bound: use mutual TLS or a DPoP proof") };
    let asked: Vec<&str> = form.get("scope").unwrap_or_default().split(' ').filter(|scope| !scope.is_empty()).collect();
    if asked.is_empty() || asked.iter().any(|scope| !client.exchange_scopes.iter().any(|known| known == scope)) {
        return Ok(Err(ClientError::new("invalid_scope", "scope names business scopes that the client is registered for")));
    }
    // RFC 8693 §2.2.2: a subject token that does not stand is an invalid request.
    let Ok(standing) = provider.standing(subject_token).await? else { return wrong("subject_token is not active") };
    if !standing.grant.scope.split(' ').any(|scope| scope == "openid") {
        return wrong("subject_token is the result of an exchange");
    }
    let (session, claims) = match session_and_claims(provider, &standing.session.sid).await? {
        Ok((session, claims)) => (session.value, claims),
        Err(_) => return wrong("subject_token is not active"),
    };
    provider.use_session(&session.sid, Some(&client.client_id)).await?;
    let (now_ms, until_ms) = (provider.now_ms(), session.last_ms());
    let grant = Grant {
        id: provider.uuid(),
        client_id: client.client_id.clone(),
        scope: asked.join(" "),
        acr: standing.grant.acr.clone(),
        binding: Some(binding),
        ..Grant::of_session(&session)
    };
    let expires_in = (until_ms - now_ms) / 1_000;
    let audience = form.get("audience").unwrap_or(&client.client_id);
    let mut token = json!({
        "exp": now_ms / 1_000 + expires_in, "iat": now_ms / 1_000, "jti": format!("{}.{}", grant.id, provider.uuid()),
        "iss": provider.addresses.issuer(), "aud": [audience], "azp": client.client_id, "client_id": client.client_id,
        "sub": session.sub, "SubjectNameID": claims.national_id, "preferred_username": claims.national_id,
        "scope": grant.scope, "sid": session.sid, "session_state": session.sid,
    });
    token["cnf"] = match &grant.binding {
        Some(Binding::Dpop(thumbprint)) => json!({"jkt": thumbprint}),
        Some(Binding::Certificate(thumbprint)) => json!({"x5t#S256": thumbprint}),
        None => Value::Null,
    };
    let signed = provider.keys.sign(client.id_token_algorithm(), "at+jwt", &token).await?;
    let event = token_event(provider, "exchange", &grant, &claims);
    if !provider.rows.write(Writes::default().create(&grant)?.audit(event)).await? {
        return Err(Error::Contended { kind: "grant" });
    }
    Ok(Ok(json!({
        "access_token": signed,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": if matches!(grant.binding, Some(Binding::Dpop(_))) { "DPoP" } else { "Bearer" },
        "expires_in": expires_in,
        "scope": grant.scope,
    })))
}
