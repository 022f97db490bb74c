//! A stand-in for FranceConnect, for demonstrations and tests (identity.md §4): its paths, parameters, lifetimes and forms, and fictional people.
//!
//! It is no identity provider: whoever opens its page is whom they choose.

pub(crate) mod asked;
pub(crate) mod citizens;
pub(crate) mod client;
mod damage;

use std::sync::Arc;

use annuaire_jose::{KeyRing, SignatureAlgorithm, equal, is_code_verifier, open_token, s256, sign};
use annuaire_seal::Sealer;
use annuaire_store::{Entropy, Registry};
use annuaire_web::Gate;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::calls::{ProviderAnswer, ProviderCall, ProviderCaller};
use crate::error::RelyingError;
use crate::limits::{STAND_IN_CODE_MS, STAND_IN_SESSION_MS, STAND_IN_TOKEN_S, SWEEP};
use crate::relying::with_query;
use crate::rows::{KeptRow, ReadRow, RelyingRows, RowWrites, is_handle, sha256_key};
use asked::{AskFault, AskedLogin, parameters, read_asked};
use citizens::Citizen;
use client::{StandInClient, value};
use damage::{DamagedToken, damaged};

/// Where the stand-in is, below scheme and host.
pub const STAND_IN_ROOT: &str = "/fc-simulateur/api/v2";
const SEAL_PURPOSE: &str = "annuaire 2026-11 keys of a stand-in provider";
const RING: &str = "ring";

/// What the stand-in is made of.
pub struct StandInSettings {
    /// Where rows are.
    pub registry: Arc<dyn Registry>,
    /// Random bytes.
    pub entropy: Entropy,
    /// The clock, milliseconds since 1970 UTC.
    pub now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Secret of the installation.
    pub secret: [u8; 32],
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// Scheme and host, without a slash at the end: its issuer is this and [`STAND_IN_ROOT`].
    pub base: String,
    /// Its clients.
    pub clients: Vec<StandInClient>,
    /// Its people.
    pub citizens: Vec<Citizen>,
    /// Path of the style sheet.
    pub style: String,
    /// Whether the form of its page may ask for wrong answers, in a parameter `defaut`. For tests alone.
    pub takes_damage: bool,
}

/// A code, or an access token: what a login gave.
#[derive(Clone, Serialize, Deserialize)]
struct GrantOf<const IS_CODE: bool> {
    key: String,
    citizen: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    acr: String,
    nonce: String,
    challenge: Option<String>,
    auth_time_s: i64,
    damage: String,
    due_ms: i64,
}

type StandInCode = GrantOf<true>;
type StandInAccess = GrantOf<false>;

impl<const IS_CODE: bool> KeptRow for GrantOf<IS_CODE> {
    const KIND: &'static str = if IS_CODE { "stand_in_code" } else { "stand_in_access" };

    fn key(&self) -> &str {
        &self.key
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

/// The session of a browser at the stand-in.
#[derive(Serialize, Deserialize)]
struct StandInSession {
    key: String,
    citizen: String,
    auth_time_s: i64,
    due_ms: i64,
}

impl KeptRow for StandInSession {
    const KIND: &'static str = "stand_in_session";

    fn key(&self) -> &str {
        &self.key
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

/// The signing keys.
#[derive(Serialize, Deserialize)]
struct StandInKeys {
    sealed: String,
}

impl KeptRow for StandInKeys {
    const KIND: &'static str = "stand_in_keys";

    fn key(&self) -> &str {
        RING
    }

    fn due_ms(&self) -> Option<i64> {
        None
    }
}

/// What a person chose on the page of the stand-in.
pub(crate) enum Chosen {
    /// Back to the client, with a code or an error; the cookie of a new session, if there is one.
    Back { location: String, session: Option<String> },
    /// The request cannot be answered.
    Fault(AskFault),
    /// Nobody of this name is known.
    Unknown,
}

/// The stand-in.
pub struct StandIn {
    rows: RelyingRows,
    sealer: Sealer,
    now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) issuer: String,
    pub(crate) style: String,
    clients: Vec<StandInClient>,
    pub(crate) citizens: Vec<Citizen>,
    takes_damage: bool,
}

impl StandIn {
    /// A stand-in. Its keys are made once for the installation.
    ///
    /// # Errors
    /// When the database fails, or keys cannot be made or opened.
    pub async fn open(settings: StandInSettings) -> Result<Arc<Self>, RelyingError> {
        let StandInSettings { registry, entropy, now_ms, secret, gate, base, clients, citizens, style, takes_damage } = settings;
        let stand_in = Self {
            rows: RelyingRows::new(registry, entropy),
            sealer: Sealer::new(&secret, SEAL_PURPOSE),
            now_ms,
            gate,
            issuer: format!("{base}{STAND_IN_ROOT}"),
            style,
            clients,
            citizens,
            takes_damage,
        };
        let now = stand_in.now_ms();
        if stand_in.rows.live::<StandInKeys>(RING, now).await?.is_none() {
            let keys = stand_in.sealed(&KeyRing::new(&[SignatureAlgorithm::Es256], now)?)?;
            // Another node that was faster made them.
            stand_in.rows.write(RowWrites::default().create(&keys)?, now).await?;
        }
        stand_in.ring().await?;
        Ok(Arc::new(stand_in))
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.now_ms)()
    }

    /// Its issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    fn sealed(&self, ring: &KeyRing) -> Result<StandInKeys, RelyingError> {
        let sealed = self.sealer.seal(RING, &ring.to_json(), self.rows.random());
        Ok(StandInKeys { sealed: sealed.ok_or(RelyingError::Sealed(StandInKeys::KIND))? })
    }

    async fn ring(&self) -> Result<(KeyRing, ReadRow<StandInKeys>), RelyingError> {
        let kind = StandInKeys::KIND;
        let read = self.rows.live::<StandInKeys>(RING, self.now_ms()).await?.ok_or(RelyingError::Contended(kind))?;
        let text = self.sealer.open(RING, &read.value.sealed).ok_or(RelyingError::Sealed(kind))?;
        Ok((KeyRing::from_json(&text)?, read))
    }

    /// Signs with a key that nobody has seen from now on; the former one stays published.
    ///
    /// # Errors
    /// When the database fails, or a key cannot be made.
    pub async fn rotate(&self) -> Result<(), RelyingError> {
        let (mut ring, mut read) = self.ring().await?;
        let now = self.now_ms();
        // The next key is published already: the one after it is not.
        ring.rotate_now(SignatureAlgorithm::Es256, now)?;
        ring.rotate_now(SignatureAlgorithm::Es256, now)?;
        read.value = self.sealed(&ring)?;
        let is_written = self.rows.write(RowWrites::default().replace(&read)?, now).await?;
        if is_written { Ok(()) } else { Err(RelyingError::Contended(StandInKeys::KIND)) }
    }

    /// Removes what is over; returns how many rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<u64, RelyingError> {
        let kinds = [StandInCode::KIND, StandInAccess::KIND, StandInSession::KIND];
        self.rows.sweep(&kinds, self.now_ms(), SWEEP).await
    }

    /// The metadata (identity.md §4.1, §4.2).
    #[must_use]
    pub fn metadata(&self) -> Value {
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": self.at("/authorize"),
            "token_endpoint": self.at("/token"),
            "userinfo_endpoint": self.at("/userinfo"),
            "jwks_uri": self.at("/jwks"),
            "end_session_endpoint": self.at("/session/end"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["pairwise"],
            "acr_values_supported": ["eidas1"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "userinfo_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "identite_pivot", "profile", "birth", "email", "preferred_username", "amr"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    /// Reads the request of a login.
    pub(crate) fn asked(&self, query: &str) -> Result<AskedLogin, AskFault> {
        read_asked(query, &self.clients)
    }

    fn citizen(&self, id: &str) -> Option<&Citizen> {
        self.citizens.iter().find(|citizen| citizen.id == id)
    }

    /// The person of a session.
    pub(crate) async fn session_citizen(&self, cookie: Option<&str>) -> Result<Option<&Citizen>, RelyingError> {
        let Some(cookie) = cookie.filter(|cookie| is_handle(cookie)) else { return Ok(None) };
        let read = self.rows.live::<StandInSession>(&sha256_key(cookie), self.now_ms()).await?;
        Ok(read.and_then(|read| self.citizen(&read.value.citizen)))
    }

    /// The address of the client with members of an answer.
    pub(crate) fn back(&self, redirect_uri: &str, state: &str, members: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(members).append_pair("state", state).append_pair("iss", &self.issuer);
        with_query(redirect_uri, &query.finish())
    }

    /// What a person chose: somebody (`citoyen`), or to cancel. `cookie` is the one of the session.
    pub(crate) async fn choose(&self, form: &[u8], cookie: Option<&str>) -> Result<Chosen, RelyingError> {
        let Some(form) = parameters(form) else { return Ok(Chosen::Unknown) };
        let asked = match self.asked(value(&form, "demande").unwrap_or_default()) {
            Ok(asked) => asked,
            Err(fault) => return Ok(Chosen::Fault(fault)),
        };
        let now_ms = self.now_ms();
        let back = |members: &[(&str, &str)]| self.back(&asked.redirect_uri, &asked.state, members);
        let told = |location: String| Ok(Chosen::Back { location, session: None });
        let Some(id) = value(&form, "citoyen") else {
            return told(back(&[("error", "access_denied"), ("error_description", "User auth aborted")]));
        };
        let Some(citizen) = self.citizen(id) else { return Ok(Chosen::Unknown) };
        if let Some(code) = &citizen.register_code {
            let description = format!("Y{code}");
            return told(back(&[("error", "server_error"), ("error_description", &description)]));
        }
        let damage = value(&form, "defaut").filter(|_| self.takes_damage).unwrap_or_default().to_owned();
        let key = cookie.filter(|cookie| is_handle(cookie)).map(sha256_key).unwrap_or_default();
        let former = match key.as_str() {
            "" => None,
            key => self.rows.live::<StandInSession>(key, now_ms).await?,
        };
        let now_s = now_ms.div_euclid(1_000);
        let again = former.as_ref().filter(|read| read.value.citizen == *id && !asked.is_login_forced);
        let auth_time_s = again.map_or(now_s, |read| read.value.auth_time_s);
        let code = self.rows.handle();
        let grant = StandInCode {
            key: sha256_key(&code),
            citizen: id.to_owned(),
            client_id: asked.client_id.clone(),
            redirect_uri: asked.redirect_uri.clone(),
            scope: asked.scope.clone(),
            acr: asked.acr.clone(),
            nonce: asked.nonce.clone(),
            challenge: asked.challenge.clone(),
            auth_time_s,
            damage,
            due_ms: now_ms + STAND_IN_CODE_MS,
        };
        let mut writes = RowWrites::default().create(&grant)?;
        let mut session = None;
        if again.is_none() {
            let cookie = self.rows.handle();
            let due_ms = now_ms + STAND_IN_SESSION_MS;
            writes = writes.create(&StandInSession { key: sha256_key(&cookie), citizen: id.to_owned(), auth_time_s, due_ms })?;
            if let Some(former) = &former {
                writes = writes.remove(former);
            }
            session = Some(cookie);
        }
        if !self.rows.write(writes, now_ms).await? {
            return Err(RelyingError::Contended(StandInSession::KIND));
        }
        let mut location = back(&[("code", &code)]);
        match grant.damage.as_str() {
            "callback.wrong-iss" => {
                location = location.replace("iss=", "iss=https%3A%2F%2Fanother.exemple.test%2F");
            }
            "callback.no-iss" => location.truncate(location.find("&iss=").unwrap_or(location.len())),
            _ => {}
        }
        Ok(Chosen::Back { location, session })
    }

    /// Ends a session (identity.md §4.4): the client's address with its state, or why not.
    pub(crate) async fn end_session(&self, query: &str, cookie: Option<&str>) -> Result<Result<String, AskFault>, RelyingError> {
        const CODE: &str = "Y040001";
        let wrong = |what: &str| Ok(Err(AskFault::Page(CODE, format!("le paramètre {what} manque ou n’est pas accepté"))));
        let Some(all) = parameters(query.as_bytes()) else { return wrong("(répété)") };
        let (ring, _) = self.ring().await?;
        let rule = annuaire_jose::TokenRule { types: &["JWT"], algorithms: &[SignatureAlgorithm::Es256] };
        let hint = value(&all, "id_token_hint").unwrap_or_default();
        let Ok(opened) = open_token(hint, &rule, &|header| ring.candidates(header)) else { return wrong("id_token_hint") };
        let client = self.clients.iter().find(|client| opened.claims.get("aud") == Some(&json!(client.client_id)));
        let Some(client) = client else { return wrong("id_token_hint") };
        let Some(address) = value(&all, "post_logout_redirect_uri") else { return wrong("post_logout_redirect_uri") };
        if !client.post_logout_redirect_uris.iter().any(|known| known == address) {
            return wrong("post_logout_redirect_uri");
        }
        let Some(state) = value(&all, "state") else { return wrong("state") };
        if let Some(cookie) = cookie.filter(|cookie| is_handle(cookie)) {
            let now_ms = self.now_ms();
            if let Some(read) = self.rows.live::<StandInSession>(&sha256_key(cookie), now_ms).await? {
                self.rows.write(RowWrites::default().remove(&read), now_ms).await?;
            }
        }
        let state: String = form_urlencoded::byte_serialize(state.as_bytes()).collect();
        Ok(Ok(with_query(address, &format!("state={state}"))))
    }

    /// Exchanges a code.
    pub(crate) async fn token(&self, form: &[u8]) -> Result<ProviderAnswer, RelyingError> {
        let error = |status, code: &str| json_answer(status, &json!({"error": code}));
        let Some(form) = parameters(form) else { return Ok(error(400, "invalid_request")) };
        let now_ms = self.now_ms();
        let now_s = now_ms.div_euclid(1_000);
        let client = value(&form, "client_id").and_then(|id| self.clients.iter().find(|client| client.client_id == id));
        let (token_address, issuer) = (self.at("/token"), self.issuer.as_str());
        let Some(client) = client.filter(|client| client.proves(&form, &[&token_address, issuer], now_s)) else {
            return Ok(error(401, "invalid_client"));
        };
        if value(&form, "grant_type") != Some("authorization_code") {
            return Ok(error(400, "unsupported_grant_type"));
        }
        let code = value(&form, "code").filter(|code| is_handle(code)).unwrap_or_default();
        let Some(read) = self.rows.live::<StandInCode>(&sha256_key(code), now_ms).await? else {
            return Ok(error(400, "invalid_grant"));
        };
        let grant = read.value.clone();
        // A code that was shown is over, whoever showed it.
        let is_first = self.rows.write(RowWrites::default().remove(&read), now_ms).await?;
        let verifier = value(&form, "code_verifier");
        let is_challenge_met = match &grant.challenge {
            Some(challenge) => verifier.is_some_and(|text| is_code_verifier(text) && equal(s256(text), challenge)),
            None => verifier.is_none(),
        };
        let is_same = grant.client_id == client.client_id && value(&form, "redirect_uri") == Some(grant.redirect_uri.as_str());
        if !(is_first && is_same && is_challenge_met) || grant.damage == "token.refused" {
            return Ok(error(400, "invalid_grant"));
        }
        if grant.damage == "id-token.rotated" {
            self.rotate().await?;
        }
        let citizen = self.citizen(&grant.citizen);
        let Some(citizen) = citizen else { return Ok(error(400, "invalid_grant")) };
        let mut claims = json!({
            "sub": citizen.subject(&grant.client_id), "iss": self.issuer, "aud": grant.client_id,
            "exp": now_s + STAND_IN_TOKEN_S, "iat": now_s, "auth_time": grant.auth_time_s, "nonce": grant.nonce, "acr": grant.acr,
        });
        if grant.scope.split(' ').any(|scope| scope == "amr") {
            claims["amr"] = json!(["pwd"]);
        }
        let kind = DamagedToken::Identity.kind(&grant.damage);
        let id_token = self.signed(kind, claims, client).await?;
        let access_token = self.rows.handle();
        let access = StandInAccess {
            key: sha256_key(&access_token),
            citizen: grant.citizen,
            client_id: grant.client_id,
            redirect_uri: grant.redirect_uri,
            scope: grant.scope.clone(),
            acr: grant.acr,
            nonce: grant.nonce,
            challenge: None,
            auth_time_s: grant.auth_time_s,
            damage: grant.damage,
            due_ms: now_ms + STAND_IN_TOKEN_S * 1_000,
        };
        self.rows.write(RowWrites::default().create(&access)?, now_ms).await?;
        Ok(json_answer(
            200,
            &json!({
                "access_token": access_token, "expires_in": STAND_IN_TOKEN_S, "id_token": id_token,
                "scope": grant.scope, "token_type": "Bearer",
            }),
        ))
    }

    async fn signed(&self, kind: &str, claims: Value, client: &StandInClient) -> Result<String, RelyingError> {
        let (ring, _) = self.ring().await?;
        let algorithm = SignatureAlgorithm::Es256;
        let key = ring.signer(algorithm).ok_or(annuaire_jose::JoseError::NoKeys(algorithm.name()))?;
        if self.takes_damage && !kind.is_empty() {
            return Ok(damaged(kind, key, claims, client.secret_sha256.as_deref().unwrap_or_default())?);
        }
        Ok(sign(key, "JWT", &claims)?)
    }

    /// The traits of the person of an access token, signed.
    pub(crate) async fn user_info(&self, bearer: Option<&str>) -> Result<ProviderAnswer, RelyingError> {
        let now_ms = self.now_ms();
        let refused = || Ok(json_answer(401, &json!({"error": "invalid_token"})));
        let Some(token) = bearer.filter(|token| is_handle(token)) else { return refused() };
        let Some(read) = self.rows.live::<StandInAccess>(&sha256_key(token), now_ms).await? else { return refused() };
        let access = read.value;
        let client = self.clients.iter().find(|client| client.client_id == access.client_id);
        let (Some(citizen), Some(client)) = (self.citizen(&access.citizen), client) else { return refused() };
        let mut claims = citizen.claims(&access.scope);
        let now_s = now_ms.div_euclid(1_000);
        for (name, told) in [
            ("sub", json!(citizen.subject(&access.client_id))),
            ("iss", json!(self.issuer)),
            ("aud", json!(access.client_id)),
            ("iat", json!(now_s)),
            ("exp", json!(now_s + STAND_IN_TOKEN_S)),
        ] {
            claims.insert(name.to_owned(), told);
        }
        let kind = DamagedToken::UserInfo.kind(&access.damage);
        if kind == "json" {
            return Ok(json_answer(200, &Value::Object(claims)));
        }
        let body = self.signed(kind, Value::Object(claims), client).await?.into_bytes();
        Ok(ProviderAnswer { status: 200, media_type: "application/jwt".into(), body })
    }

    /// Its public keys.
    pub(crate) async fn keys(&self) -> Result<ProviderAnswer, RelyingError> {
        Ok(json_answer(200, &self.ring().await?.0.jwks()))
    }
}

pub(crate) fn json_answer(status: u16, value: &Value) -> ProviderAnswer {
    ProviderAnswer { status, media_type: "application/json".into(), body: value.to_string().into_bytes() }
}

/// A relying party in the program of the stand-in calls it without a connection.
#[async_trait]
impl ProviderCaller for StandIn {
    async fn call(&self, call: ProviderCall) -> Result<ProviderAnswer, String> {
        let Some(path) = call.address.strip_prefix(&self.issuer) else { return Err("it is another provider".into()) };
        let answer = match (path, &call.form) {
            ("/.well-known/openid-configuration", None) => Ok(json_answer(200, &self.metadata())),
            ("/jwks", None) => self.keys().await,
            ("/userinfo", None) => self.user_info(call.bearer.as_deref()).await,
            ("/token", Some(form)) => self.token(form.as_bytes()).await,
            _ => Ok(json_answer(404, &json!({"error": "not_found"}))),
        };
        answer.map_err(|error| error.to_string())
    }
}
