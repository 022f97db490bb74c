//! A login at a provider: begun with a redirection, finished when the browser comes back.

use std::sync::Arc;

use annuaire_jose::{PublicKey, SignatureAlgorithm, equal, s256, sign};
use annuaire_seal::Sealer;
use annuaire_store::{Entropy, Registry};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::calls::{ProviderAnswer, ProviderCall, ProviderCaller};
use crate::error::RelyingError;
use crate::fault::{LoginFault, TokenFault, plain_code, refusal};
use crate::known::KnownProvider;
use crate::limits::{HANDLE_BYTES, LOGIN_MS, PAGE_BYTES, PARAMETERS, QUERY_BYTES};
use crate::provider::{ClientProof, ProviderEndpoints, RelyingSettings, UserInfoForm};
use crate::rows::{KeptRow, RelyingRows, RowWrites, is_handle, sha256_key};
use crate::verify::{self, LOGIN_TYPES, LoginRule};

const PURPOSE: &str = "annuaire 2026-11 login at another provider";

/// A login that is under way.
#[derive(Serialize, Deserialize)]
pub(crate) struct PendingLogin {
    /// SHA-256 of `state`.
    key: String,
    provider: String,
    /// SHA-256 of the cookie of the browser that began it.
    browser: String,
    /// Sealed: nonce and PKCE verifier.
    sealed: String,
    return_page: String,
    due_ms: i64,
}

impl KeptRow for PendingLogin {
    const KIND: &'static str = "relying_login";

    fn key(&self) -> &str {
        &self.key
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

/// What only we know of a login.
#[derive(Serialize, Deserialize)]
struct LoginSecrets {
    nonce: String,
    verifier: String,
}

/// The beginning of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRedirect {
    /// Where to send the browser.
    pub location: String,
    /// The value of the cookie that binds logins to the browser: the one it has, or a new one.
    pub cookie: String,
}

/// A login whose tokens are verified.
#[derive(Clone)]
pub struct VerifiedLogin {
    /// The issuer.
    pub issuer: String,
    /// The person there (`sub`): a key of this issuer and this client alone.
    pub subject: String,
    /// The session there (`sid`), which a logout token names; FranceConnect tells none.
    pub session: Option<String>,
    /// The level of the login (`acr`).
    pub acr: String,
    /// When the person logged in there, seconds since 1970, if it is told.
    pub auth_time_s: Option<i64>,
    /// The members of UserInfo.
    pub claims: Map<String, Value>,
    /// The ID token, for the logout; kept sealed and no longer than the session.
    pub id_token: String,
    /// The page to which the login returns, as [`begin`](RelyingParty::begin) was given it: who redirects there decides whether it is a page of ours.
    pub return_page: String,
}

/// It shows nothing about the person.
impl std::fmt::Debug for VerifiedLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedLogin").field("issuer", &self.issuer).field("acr", &self.acr).finish_non_exhaustive()
    }
}

/// What a relying party needs of the installation.
#[derive(Clone)]
pub struct RelyingParts {
    /// Where rows are.
    pub registry: Arc<dyn Registry>,
    /// Random bytes.
    pub entropy: Entropy,
    /// Secret of the installation.
    pub secret: [u8; 32],
    /// Who calls the provider.
    pub caller: Arc<dyn ProviderCaller>,
}

/// A relying party of one provider. Any node finishes what another one began.
pub struct RelyingParty {
    settings: RelyingSettings,
    rows: RelyingRows,
    sealer: Sealer,
    caller: Arc<dyn ProviderCaller>,
    known: KnownProvider,
}

impl RelyingParty {
    /// A relying party.
    ///
    /// # Errors
    /// [`RelyingError::Setting`] for settings that no login can succeed with.
    pub fn new(settings: RelyingSettings, parts: RelyingParts) -> Result<Self, RelyingError> {
        settings.check()?;
        let RelyingParts { registry, entropy, secret, caller } = parts;
        let rows = RelyingRows::new(registry, entropy);
        Ok(Self { settings, rows, sealer: Sealer::new(&secret, PURPOSE), caller, known: KnownProvider::new() })
    }

    pub(crate) fn rows(&self) -> &RelyingRows {
        &self.rows
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &RelyingSettings {
        &self.settings
    }

    /// Where the provider's endpoints are: from the settings, or from its metadata of today.
    ///
    /// # Errors
    /// When the metadata cannot be had.
    pub async fn endpoints(&self, now_ms: i64) -> Result<Arc<ProviderEndpoints>, LoginFault> {
        self.known.endpoints(now_ms, &self.settings, self.caller.as_ref()).await
    }

    /// Begins a login that will return to `return_page`, a path of ours. `browser` is the value of the cookie that the browser has already:
    /// two logins of one browser, in two tabs, have one cookie.
    ///
    /// # Errors
    /// When the provider's endpoints are not known, or the database fails.
    pub async fn begin(&self, now_ms: i64, return_page: &str, browser: Option<&str>) -> Result<LoginRedirect, LoginFault> {
        let endpoints = self.endpoints(now_ms).await?;
        let cookie = browser.filter(|value| is_handle(value)).map_or_else(|| self.rows.handle(), str::to_owned);
        let state = self.rows.handle();
        let secrets = LoginSecrets { nonce: self.rows.handle(), verifier: self.rows.handle() };
        let key = sha256_key(&state);
        let told = Zeroizing::new(serde_json::to_string(&secrets).map_err(unreadable)?);
        let sealed = self.sealer.seal(&key, &told, self.rows.random()).ok_or(RelyingError::Sealed(PendingLogin::KIND))?;
        let pending = PendingLogin {
            key,
            provider: self.settings.code.clone(),
            browser: sha256_key(&cookie),
            sealed,
            return_page: if return_page.len() <= PAGE_BYTES { return_page.to_owned() } else { "/".to_owned() },
            due_ms: now_ms.saturating_add(LOGIN_MS),
        };
        if !self.rows.write(RowWrites::default().create(&pending)?, now_ms).await? {
            return Err(RelyingError::Contended(PendingLogin::KIND).into());
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.settings.redirect_uri),
            ("scope", &self.settings.scopes),
            ("acr_values", &self.settings.acr),
            ("state", &state),
            ("nonce", &secrets.nonce),
            ("code_challenge", &s256(&secrets.verifier)),
            ("code_challenge_method", "S256"),
        ] {
            query.append_pair(name, value);
        }
        if let Some(seconds) = self.settings.max_age_s {
            query.append_pair("max_age", &seconds.to_string());
        }
        Ok(LoginRedirect { location: with_query(&endpoints.authorization, &query.finish()), cookie })
    }

    /// Finishes a login: `query` is what the browser came back with, `browser` its cookie. A login is finished once, whatever comes of it; a
    /// callback from another browser does not use it up. Cost: three calls of the provider.
    ///
    /// # Errors
    /// Why nobody is logged in. What the provider did wrong is in the audit trail by its code.
    pub async fn finish(&self, now_ms: i64, query: &str, browser: Option<&str>) -> Result<VerifiedLogin, LoginFault> {
        let answer = CallbackQuery::read(query)?;
        let state = answer.get("state").filter(|state| is_handle(state)).ok_or(LoginFault::Callback("no state"))?;
        let read = self.rows.live::<PendingLogin>(&sha256_key(state), now_ms).await?;
        let read = read.filter(|read| read.value.provider == self.settings.code).ok_or(LoginFault::UnknownLogin)?;
        if !browser.is_some_and(|cookie| equal(sha256_key(cookie), &read.value.browser)) {
            return Err(LoginFault::OtherBrowser);
        }
        if !self.rows.write(RowWrites::default().remove(&read), now_ms).await? {
            return Err(LoginFault::UnknownLogin);
        }
        let outcome = self.judge(now_ms, &answer, &read.value).await;
        if let Err(fault) = &outcome {
            self.note(now_ms, fault).await?;
        }
        outcome
    }

    /// Writes to the audit trail that a login was refused, by its code; a failure of ours is the operator's log's.
    pub(crate) async fn note(&self, now_ms: i64, fault: &LoginFault) -> Result<(), RelyingError> {
        if matches!(fault, LoginFault::Internal(_)) {
            return Ok(());
        }
        let detail = json!({"fault": fault.code()});
        let event = RowWrites::default().audit("relying", "upstream_login_refused", &self.settings.code, &detail);
        self.rows.write(event, now_ms).await.map(|_| ())
    }

    async fn judge(&self, now_ms: i64, answer: &CallbackQuery, pending: &PendingLogin) -> Result<VerifiedLogin, LoginFault> {
        if answer.get("iss").is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(LoginFault::OtherIssuer);
        }
        if let Some(error) = answer.get("error") {
            return Err(refusal(error, answer.get("error_description").unwrap_or_default()));
        }
        let code = answer.get("code").filter(|code| !code.is_empty()).ok_or(LoginFault::Callback("no code"))?;
        let secrets = self.sealer.open(&pending.key, &pending.sealed).ok_or(RelyingError::Sealed(PendingLogin::KIND))?;
        let secrets: LoginSecrets = serde_json::from_str(&secrets).map_err(unreadable)?;
        let endpoints = self.endpoints(now_ms).await?;
        let tokens = self.exchange(now_ms, &endpoints, code, &secrets.verifier).await?;
        let rule = LoginRule {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            now_s: now_ms.div_euclid(1_000),
            nonce: &secrets.nonce,
            acr: &self.settings.acr,
            max_age_s: self.settings.max_age_s,
            access_token: &tokens.access,
        };
        let algorithms = &self.settings.id_token_algorithms;
        let opened = self.open(now_ms, &endpoints, &tokens.id, &LOGIN_TYPES, algorithms).await?.map_err(LoginFault::IdToken)?;
        let told = verify::judge_id_token(&opened, &rule).map_err(LoginFault::IdToken)?;
        let claims = self.user_info(now_ms, &endpoints, &rule, &told.subject).await?;
        Ok(VerifiedLogin {
            issuer: self.settings.issuer.clone(),
            subject: told.subject,
            session: told.session,
            acr: self.settings.acr.clone(),
            auth_time_s: told.auth_time_s,
            claims,
            id_token: tokens.id,
            return_page: pending.return_page.clone(),
        })
    }

    /// Opens a token; when its key is not known, the keys are asked once more.
    pub(crate) async fn open(
        &self,
        now_ms: i64,
        endpoints: &ProviderEndpoints,
        token: &str,
        types: &[&str],
        algorithms: &[SignatureAlgorithm],
    ) -> Result<Result<annuaire_jose::OpenedToken, TokenFault>, LoginFault> {
        let keys: Arc<[PublicKey]> = self.known.keys(now_ms, &endpoints.keys, self.caller.as_ref()).await?;
        let opened = verify::open(token, types, algorithms, &keys);
        if !matches!(opened, Err(TokenFault::Signed(annuaire_jose::JoseError::UnknownKey))) {
            return Ok(opened);
        }
        let others = self.known.other_keys(now_ms, &endpoints.keys, self.caller.as_ref(), &keys).await?;
        Ok(others.map_or(opened, |keys| verify::open(token, types, algorithms, &keys)))
    }

    async fn exchange(
        &self,
        now_ms: i64,
        endpoints: &ProviderEndpoints,
        code: &str,
        verifier: &str,
    ) -> Result<ToldTokens, LoginFault> {
        const PART: &str = "token endpoint";
        let form = self.exchange_form(now_ms, endpoints, code, verifier)?;
        let call = ProviderCall { address: endpoints.token.clone(), form: Some(form), bearer: None };
        let answer = self.call(call, PART).await?;
        let wrong = |reason: &str| LoginFault::Answer { part: PART, reason: reason.to_owned() };
        let body: Value = match serde_json::from_slice(&answer.body) {
            Ok(body) => body,
            Err(_) if answer.status == 200 => return Err(wrong("it is no JSON")),
            Err(_) => return Err(LoginFault::Exchange(format!("status_{}", answer.status))),
        };
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        if answer.status != 200 {
            return Err(LoginFault::Exchange(plain_code(text("error").unwrap_or_default())));
        }
        if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer")) {
            return Err(wrong("`token_type` is not Bearer"));
        }
        let handle = |name: &str| {
            let fits = |text: &&str| !text.is_empty() && text.len() <= HANDLE_BYTES && text.bytes().all(|b| b.is_ascii_graphic());
            text(name).filter(fits).map(str::to_owned)
        };
        Ok(ToldTokens {
            access: handle("access_token").ok_or_else(|| wrong("`access_token` is missing or no token"))?,
            id: handle("id_token").ok_or_else(|| wrong("`id_token` is missing or no token"))?,
        })
    }

    /// The form of an exchange, with the proof of who we are.
    fn exchange_form(
        &self,
        now_ms: i64,
        endpoints: &ProviderEndpoints,
        code: &str,
        verifier: &str,
    ) -> Result<String, RelyingError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.settings.redirect_uri)
            .append_pair("code_verifier", verifier)
            .append_pair("client_id", &self.settings.client_id);
        match &self.settings.proof {
            ClientProof::Secret(secret) => {
                form.append_pair("client_secret", secret);
            }
            ClientProof::Key(key) => {
                let now_s = now_ms.div_euclid(1_000);
                let claims = json!({
                    "iss": self.settings.client_id, "sub": self.settings.client_id, "aud": endpoints.token,
                    "iat": now_s, "exp": now_s + 60, "jti": self.rows.handle(),
                });
                form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                    .append_pair("client_assertion", &sign(key, "JWT", &claims).map_err(RelyingError::from)?);
            }
        }
        Ok(form.finish())
    }

    async fn user_info(
        &self,
        now_ms: i64,
        endpoints: &ProviderEndpoints,
        rule: &LoginRule<'_>,
        subject: &str,
    ) -> Result<Map<String, Value>, LoginFault> {
        const PART: &str = "UserInfo";
        let bearer = Some(rule.access_token.to_owned());
        let call = ProviderCall { address: endpoints.user_info.clone(), form: None, bearer };
        let answer = self.call(call, PART).await?;
        let wrong = |reason: String| LoginFault::Answer { part: PART, reason };
        if answer.status != 200 {
            return Err(wrong(format!("it answers {}", answer.status)));
        }
        let is_type = |expected: &str| {
            let told = format!("it is not of the media type {expected} that the settings say");
            if answer.media_type == expected { Ok(()) } else { Err(wrong(told)) }
        };
        match &self.settings.user_info {
            UserInfoForm::Signed(algorithms) => {
                is_type("application/jwt")?;
                let token = std::str::from_utf8(&answer.body).map_err(|_| wrong("it is no text".into()))?.trim();
                let opened =
                    self.open(now_ms, endpoints, token, &LOGIN_TYPES, algorithms).await?.map_err(LoginFault::UserInfo)?;
                verify::judge_user_info(&opened, rule, subject).map_err(LoginFault::UserInfo)?;
                Ok(opened.claims)
            }
            UserInfoForm::Json => {
                is_type("application/json")?;
                let claims: Map<String, Value> =
                    serde_json::from_slice(&answer.body).map_err(|_| wrong("it is no JSON object".into()))?;
                verify::judge_subject(&claims, subject).map_err(LoginFault::UserInfo)?;
                Ok(claims)
            }
        }
    }

    async fn call(&self, call: ProviderCall, part: &'static str) -> Result<ProviderAnswer, LoginFault> {
        self.caller.call(call).await.map_err(|reason| LoginFault::Unreachable { part, reason })
    }

    /// Where to send the browser to log out at the provider (identity.md §4.4); `None` when it has no such place.
    ///
    /// # Errors
    /// When the provider's metadata cannot be had.
    pub async fn logout_location(&self, now_ms: i64, id_token: &str, state: &str) -> Result<Option<String>, LoginFault> {
        let endpoints = self.endpoints(now_ms).await?;
        Ok(endpoints.end_session.as_ref().map(|address| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query
                .append_pair("id_token_hint", id_token)
                .append_pair("post_logout_redirect_uri", &self.settings.post_logout_redirect_uri)
                .append_pair("state", state);
            with_query(address, &query.finish())
        }))
    }
}

fn unreadable(cause: serde_json::Error) -> RelyingError {
    RelyingError::Unreadable { kind: PendingLogin::KIND, cause }
}

/// The tokens of an exchange.
struct ToldTokens {
    access: String,
    id: String,
}

/// The parameters that a browser came back with; none stands twice.
struct CallbackQuery(Vec<(String, String)>);

impl CallbackQuery {
    fn read(query: &str) -> Result<Self, LoginFault> {
        if query.len() > QUERY_BYTES {
            return Err(LoginFault::Callback("it is too long"));
        }
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if all.len() == PARAMETERS {
                return Err(LoginFault::Callback("it has too many parameters"));
            }
            if all.iter().any(|(known, _)| *known == name) {
                return Err(LoginFault::Callback("a parameter stands twice"));
            }
            all.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(all))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An address with a query added.
pub(crate) fn with_query(address: &str, query: &str) -> String {
    format!("{address}{}{query}", if address.contains('?') { '&' } else { '?' })
}
