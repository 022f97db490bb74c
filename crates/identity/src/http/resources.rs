//! Endpoints that look into tokens: UserInfo, introspection, revocation (identity.md §1.7, §1.8).

use std::sync::Arc;

use annuaire_jose::SignatureAlgorithm;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::authorize::Parameters;
use crate::client::{ClientRecord, sha256_hex};
use crate::error::Error;
use crate::http::admission::EndpointCaller;
use crate::http::answer::{ClientError, json_answer};
use crate::limits::ACCESS_S;
use crate::provider::{EndReason, Provider};
use crate::session::{Binding, Grant, RefreshVerdict, Session};
use crate::tokens::{StandingToken, userinfo_claims};

/// `GET` or `POST …/userinfo`
pub(crate) async fn userinfo(State(provider): State<Arc<Provider>>, caller: EndpointCaller, body: Bytes) -> Response {
    let outcome = told(&provider, &caller, &body).await;
    caller.answer(outcome)
}

/// The error of a resource (RFC 6750 §3).
fn invalid_token(scheme: &str, why: &str) -> ClientError {
    let challenge = Some(format!("{scheme} realm=\"esante-wallet\", error=\"invalid_token\", error_description=\"{why}\""));
    ClientError { status: StatusCode::UNAUTHORIZED, challenge, ..ClientError::new("invalid_token", why) }
}

async fn told(provider: &Provider, caller: &EndpointCaller, body: &[u8]) -> Result<Result<Response, ClientError>, Error> {
    let (scheme, token) = match bearer_token(caller, body) {
        Ok(Some(found)) => found,
        Ok(None) => {
            let challenge = Some("Bearer realm=\"esante-wallet\"".to_owned());
            let error = ClientError::new("invalid_request", "an access token is needed");
            return Ok(Err(ClientError { status: StatusCode::UNAUTHORIZED, challenge, ..error }));
        }
        Err(error) => return Ok(Err(error)),
    };
    let Ok(StandingToken { grant, session, client, .. }) = provider.standing(&token).await? else {
        return Ok(Err(invalid_token("Bearer", "the token is over, revoked or not ours")));
    };
    if let Err(error) = is_holder(provider, caller, (scheme, &token), &grant).await? {
        return Ok(Err(error));
    }
    if !grant.scope.split(' ').any(|scope| scope == "openid") {
        let challenge = Some("Bearer error=\"insufficient_scope\", scope=\"openid\"".to_owned());
        let error = ClientError::new("insufficient_scope", "the token is for another interface");
        return Ok(Err(ClientError { status: StatusCode::FORBIDDEN, challenge, ..error }));
    }
    let claims = match provider.bearer_of(&session.authentication).await? {
        Some((_, Ok(claims))) => claims,
        _ => {
            provider.end_session(&session.sid, EndReason::NoRight).await?;
            return Ok(Err(invalid_token("Bearer", "the person has no open right any more")));
        }
    };
    Ok(Ok(answer(provider, &client, userinfo_claims(&grant, &session, &claims)).await?))
}

async fn answer(provider: &Provider, client: &ClientRecord, mut claims: Value) -> Result<Response, Error> {
    let algorithm = client.userinfo_signed_response_alg.as_deref().and_then(SignatureAlgorithm::of_name);
    let Some(algorithm) = algorithm else { return Ok(json_answer(StatusCode::OK, &claims)) };
    let now = provider.now_ms() / 1_000;
    claims["iss"] = provider.addresses.issuer().into();
    claims["aud"] = client.client_id.as_str().into();
    (claims["iat"], claims["exp"]) = (now.into(), (now + ACCESS_S).into());
    let mut response = Response::new(Body::from(provider.keys.sign(algorithm, "JWT", &claims).await?));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The token of a request with its scheme: in the header, or in the form of a POST, and in one place alone.
fn bearer_token(caller: &EndpointCaller, body: &[u8]) -> Result<Option<(&'static str, String)>, ClientError> {
    let in_header = caller.header("authorization").and_then(|value| value.split_once(' ')).and_then(|(scheme, token)| {
        let scheme = ["Bearer", "DPoP"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
        Some((scheme, token.trim().to_owned()))
    });
    let form = if caller.method == Method::POST { Parameters::parse(body)? } else { Parameters::default() };
    match (in_header, form.get("access_token")) {
        (Some(_), Some(_)) => Err(ClientError::new("invalid_request", "the token is sent twice")),
        (None, Some(token)) => Ok(Some(("Bearer", token.to_owned()))),
        (found, None) => Ok(found),
    }
}

/// Whether who presents a token is whom it is bound to (RFC 9449 §7, RFC 8705 §3).
async fn is_holder(
    provider: &Provider,
    caller: &EndpointCaller,
    (scheme, token): (&str, &str),
    grant: &Grant,
) -> Result<Result<(), ClientError>, Error> {
    let holds = match &grant.binding {
        None => scheme == "Bearer",
        Some(Binding::Certificate(_)) => scheme == "Bearer" && caller.certificate() == grant.binding,
        Some(Binding::Dpop(_)) if scheme == "DPoP" => {
            let given = provider.binding(caller, &provider.addresses.endpoint("userinfo"), Some(token)).await?;
            match given {
                Ok(given) => given == grant.binding,
                Err(error) => return Ok(Err(invalid_token("DPoP", &error.description))),
            }
        }
        Some(Binding::Dpop(_)) => false,
    };
    let scheme = if matches!(grant.binding, Some(Binding::Dpop(_))) { "DPoP" } else { "Bearer" };
    Ok(if holds { Ok(()) } else { Err(invalid_token(scheme, "the token is bound to another key or certificate")) })
}

/// `POST …/token/introspect` (RFC 7662)
pub(crate) async fn introspect(State(provider): State<Arc<Provider>>, caller: EndpointCaller, body: Bytes) -> Response {
    let outcome = looked_into(&provider, &caller, &body).await;
    caller.answer(outcome.map(|outcome| outcome.map(|value| json_answer(StatusCode::OK, &value))))
}

async fn looked_into(provider: &Provider, caller: &EndpointCaller, body: &[u8]) -> Result<Result<Value, ClientError>, Error> {
    let form = match Parameters::parse(body) {
        Ok(form) => form,
        Err(fault) => return Ok(Err(fault.into())),
    };
    let client = match provider.authenticated(caller, &form, &provider.addresses.endpoint("token/introspect")).await? {
        Ok(client) => client,
        Err(error) => return Ok(Err(error)),
    };
    let Some(token) = form.get("token") else { return Ok(Err(ClientError::new("invalid_request", "token is missing"))) };
    let inactive = || Ok(Ok(json!({"active": false})));
    let may = |grant: &Grant| client.introspects_others || grant.client_id == client.client_id;
    let foreign = || Ok(Err(ClientError::forbidden("the client may look into its own tokens only")));
    if let Ok(standing) = provider.standing(token).await? {
        if !may(&standing.grant) {
            return foreign();
        }
        return match provider.bearer_of(&standing.session.authentication).await? {
            Some((_, Ok(claims))) => {
                let mut told = Value::Object(standing.claims);
                told["active"] = true.into();
                told["SubjectNameID"] = claims.national_id.as_str().into();
                told["username"] = claims.national_id.as_str().into();
                told["otherIds"] = claims.other_ids.clone();
                Ok(Ok(told))
            }
            _ => {
                provider.end_session(&standing.session.sid, EndReason::NoRight).await?;
                inactive()
            }
        };
    }
    let Some((grant, session)) = standing_refresh(provider, token).await? else { return inactive() };
    if !may(&grant) {
        return foreign();
    }
    Ok(Ok(json!({
        "active": true, "exp": grant.refresh_until_ms / 1_000, "iss": provider.addresses.issuer(), "sub": grant.sub, "typ": "Refresh",
        "azp": grant.client_id, "client_id": grant.client_id, "scope": grant.scope, "sid": session.sid, "session_state": session.sid,
        "auth_time": session.authentication.at_ms / 1_000, "acr": grant.acr, "authMode": session.authentication.mode.name(),
    })))
}

/// The grant and session of a refresh token that stands.
async fn standing_refresh(provider: &Provider, token: &str) -> Result<Option<(Grant, Session)>, Error> {
    let Some((id, _)) = token.split_once('.') else { return Ok(None) };
    let Some(held) = provider.rows.live::<Grant>(id).await? else { return Ok(None) };
    if held.value.judge(&sha256_hex(token), provider.now_ms()) != RefreshVerdict::Good {
        return Ok(None);
    }
    let session = provider.rows.live::<Session>(&held.value.sid).await?;
    Ok(session.map(|session| (held.value, session.value)))
}

/// `POST …/revoke` (RFC 7009): ends all that the login gave to the client, whichever of its tokens is named.
pub(crate) async fn revoke(State(provider): State<Arc<Provider>>, caller: EndpointCaller, body: Bytes) -> Response {
    let outcome = revoked(&provider, &caller, &body).await;
    caller.answer(outcome.map(|outcome| outcome.map(|()| json_answer(StatusCode::OK, &json!({})))))
}

async fn revoked(provider: &Provider, caller: &EndpointCaller, body: &[u8]) -> Result<Result<(), ClientError>, Error> {
    let form = match Parameters::parse(body) {
        Ok(form) => form,
        Err(fault) => return Ok(Err(fault.into())),
    };
    let client = match provider.authenticated(caller, &form, &provider.addresses.endpoint("revoke")).await? {
        Ok(client) => client,
        Err(error) => return Ok(Err(error)),
    };
    let Some(token) = form.get("token") else { return Ok(Err(ClientError::new("invalid_request", "token is missing"))) };
    let grant = match provider.standing(token).await? {
        Ok(standing) => Some(standing.grant),
        Err(_) => standing_refresh(provider, token).await?.map(|(grant, _)| grant),
    };
    // What is unknown, over or another client's is answered alike (RFC 7009 §2.2).
    if let Some(grant) = grant.filter(|grant| grant.client_id == client.client_id) {
        provider.revoke_grant(&grant.id, "revoked").await?;
    }
    Ok(Ok(()))
}
