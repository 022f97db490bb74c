//! Making tokens, and reading back our own.

use annuaire_jose::{SignatureAlgorithm, TokenRule, access_token_hash, open_token};
use serde_json::{Map, Value, json};

use crate::claims::ProfessionalClaims;
use crate::client::{ClientMode, ClientRecord, GrantType, sha256_hex};
use crate::error::Error;
use crate::limits::{ACCESS_S, ID_TOKEN_S, LOGOUT_TOKEN_S, REFRESH_GRACE_MS};
use crate::provider::Provider;
use crate::rows::Held;
use crate::session::{Binding, Grant, Session};

/// `typ` of an access token (RFC 9068).
const ACCESS_TYPE: &str = "at+jwt";
/// `typ` of an ID token.
const ID_TYPE: &str = "JWT";
/// `typ` of a logout token (OpenID Back-Channel Logout §2.4).
const LOGOUT_TYPE: &str = "logout+jwt";
/// Algorithms of our tokens.
const OURS: [SignatureAlgorithm; 2] = [SignatureAlgorithm::Rs256, SignatureAlgorithm::Es256];

/// An access token of ours that stands: nothing of it ended.
pub(crate) struct StandingToken {
    pub(crate) claims: Map<String, Value>,
    pub(crate) grant: Grant,
    pub(crate) session: Session,
    /// The client to which it was given.
    pub(crate) client: ClientRecord,
}

/// Why an access token does not stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotStanding;

impl Provider {
    /// The answer of the token endpoint. The refresh token becomes part of `grant`, which the caller writes before it answers.
    pub(crate) async fn token_answer(
        &self,
        client: &ClientRecord,
        grant: &mut Grant,
        session: &Session,
        person: &ProfessionalClaims,
        rotates_from: Option<String>,
        with_nonce: bool,
    ) -> Result<Value, Error> {
        let now_ms = self.now_ms();
        let now = now_ms / 1_000;
        let bound = grant.binding.is_some();
        let algorithm = client.id_token_algorithm();
        let auth_time = session.authentication.at_ms / 1_000;
        let mut access = json!({
            "exp": now + ACCESS_S, "iat": now, "auth_time": auth_time,
            "jti": format!("{}.{}", grant.id, self.uuid()),
            "iss": self.addresses.issuer(), "aud": client.client_id, "sub": grant.sub,
            "typ": "Bearer", "azp": client.client_id, "client_id": client.client_id,
            "session_state": session.sid, "acr": grant.acr, "scope": grant.scope, "sid": session.sid,
            "authMode": session.authentication.mode.name(),
            "otherIds": person.other_ids, "preferred_username": person.national_id,
        });
        let nonce = grant.nonce.as_deref().filter(|_| with_nonce);
        if let Some(nonce) = nonce {
            access["nonce"] = nonce.into();
        }
        match &grant.binding {
            Some(Binding::Dpop(thumbprint)) => access["cnf"] = json!({"jkt": thumbprint}),
            Some(Binding::Certificate(thumbprint)) => access["cnf"] = json!({"x5t#S256": thumbprint}),
            None => {}
        }
        let access = self.keys.sign(algorithm, ACCESS_TYPE, &access).await?;
        let mut id = json!({
            "exp": now + ID_TOKEN_S, "iat": now, "auth_time": auth_time, "jti": self.uuid(),
            "iss": self.addresses.issuer(), "aud": client.client_id, "sub": grant.sub, "typ": "ID", "azp": client.client_id,
            "session_state": session.sid, "at_hash": access_token_hash(&access, algorithm),
            "acr": grant.acr, "amr": session.authentication.amr, "sid": session.sid,
            "authMode": session.authentication.mode.name(),
            "SubjectNameID": person.national_id, "preferred_username": person.national_id,
            "given_name": person.given_name, "family_name": person.family_name,
        });
        if let Some(nonce) = nonce {
            id["nonce"] = nonce.into();
        }
        let mut answer = json!({
            "access_token": access,
            "expires_in": ACCESS_S,
            "token_type": if matches!(grant.binding, Some(Binding::Dpop(_))) { "DPoP" } else { "Bearer" },
            "id_token": self.keys.sign(algorithm, ID_TYPE, &id).await?,
            "not-before-policy": 0,
            "session_state": session.sid,
            "scope": grant.scope,
        });
        if client.may(GrantType::RefreshToken) {
            // A token that is bound to its holder stays (identity.md §1.12); another one is replaced at each use.
            let stays = client.mode == ClientMode::Strict && bound && rotates_from.is_some();
            if stays {
                grant.prolong(now_ms);
            } else {
                let refresh = format!("{}.{}", grant.id, self.handle());
                grant.put_refresh(sha256_hex(&refresh), rotates_from, now_ms, REFRESH_GRACE_MS);
                answer["refresh_token"] = refresh.into();
            }
            answer["refresh_expires_in"] = ((grant.refresh_until_ms - now_ms) / 1_000).into();
        }
        Ok(answer)
    }

    /// An access token that was presented, if it is ours and everything that it rests on stands.
    pub(crate) async fn standing(&self, token: &str) -> Result<Result<StandingToken, NotStanding>, Error> {
        let Some(claims) = self.own_claims(token, ACCESS_TYPE).await? else { return Ok(Err(NotStanding)) };
        let now = self.now_ms() / 1_000;
        // No leeway: the clock that signed is the clock that reads (identity.md §0.1, 12).
        if claims["exp"].as_i64().is_none_or(|exp| now > exp) {
            return Ok(Err(NotStanding));
        }
        let named = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let grant_id = named("jti").split_once('.').map_or("", |(grant, _)| grant);
        // What a client that was removed had is good no more.
        let keys = (grant_id, named("sid"), named("azp"));
        let (Some(grant), Some(session), Some(client)) = self.rows.live_three::<Grant, Session, ClientRecord>(keys).await? else {
            return Ok(Err(NotStanding));
        };
        let (grant, session, client) = (grant.value, session.value, client.value);
        if grant.revoked || grant.sid != session.sid || grant.client_id != client.client_id {
            return Ok(Err(NotStanding));
        }
        Ok(Ok(StandingToken { claims, grant, session, client }))
    }

    /// The claims of an ID token of ours that is given as a hint; it may be over (OpenID RP-Initiated Logout §4).
    pub(crate) async fn hint_claims(&self, token: &str) -> Result<Option<Map<String, Value>>, Error> {
        let claims = self.own_claims(token, ID_TYPE).await?;
        Ok(claims.filter(|claims| claims.get("typ").is_some_and(|typ| typ == "ID")))
    }

    /// The claims of a token that one of our keys signed, of one `typ`.
    async fn own_claims(&self, token: &str, typ: &str) -> Result<Option<Map<String, Value>>, Error> {
        let ring = self.keys.ring().await?;
        let rule = TokenRule { types: &[typ], algorithms: &OURS };
        let opened = open_token(token, &rule, &|header| ring.candidates(header));
        let issuer = self.addresses.issuer();
        Ok(opened.ok().map(|opened| opened.claims).filter(|claims| claims.get("iss").is_some_and(|iss| *iss == issuer)))
    }

    /// A logout token for one client.
    pub(crate) async fn logout_token(&self, client: &ClientRecord, sid: &str, sub: &str) -> Result<String, Error> {
        let now = self.now_ms() / 1_000;
        let claims = json!({
            "iss": self.addresses.issuer(), "aud": client.client_id, "iat": now, "exp": now + LOGOUT_TOKEN_S, "jti": self.uuid(),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sid": sid, "sub": sub,
        });
        self.keys.sign(client.id_token_algorithm(), LOGOUT_TYPE, &claims).await
    }

    /// Ends all that a grant gave; false when it had ended.
    pub(crate) async fn revoke_grant(&self, id: &str, why: &str) -> Result<bool, Error> {
        for _ in 0..crate::limits::WRITE_ATTEMPTS {
            let Some(mut held): Option<Held<Grant>> = self.rows.live(id).await? else { return Ok(false) };
            if held.value.revoked {
                return Ok(false);
            }
            held.value.revoked = true;
            let event =
                self.event("identity.grant.end", &held.value.sid, &json!({"client": held.value.client_id, "reason": why}));
            if self.rows.write(crate::rows::Writes::default().replace(&held)?.audit(event)).await? {
                return Ok(true);
            }
        }
        Err(Error::Contended { kind: "grant" })
    }
}

/// The claims that UserInfo tells for a scope.
pub(crate) fn userinfo_claims(grant: &Grant, session: &Session, person: &ProfessionalClaims) -> Value {
    let mut told = json!({
        "sub": grant.sub,
        "authMode": session.authentication.mode.name(),
    });
    let scopes: Vec<&str> = grant.scope.split(' ').collect();
    let Some(members) = told.as_object_mut() else { return told };
    if scopes.contains(&"scope_all") || scopes.contains(&"profile") {
        members.insert("given_name".into(), person.given_name.as_str().into());
        members.insert("family_name".into(), person.family_name.as_str().into());
        members.insert("preferred_username".into(), person.national_id.as_str().into());
    }
    if scopes.contains(&"scope_all") {
        members.insert("SubjectNameID".into(), person.national_id.as_str().into());
        members.insert("email_verified".into(), false.into());
        members.insert("otherIds".into(), person.other_ids.clone());
        members.extend(person.all.clone());
    }
    told
}
