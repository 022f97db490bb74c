//! The provider: what each endpoint works with, and the steps that several of them share.

use std::sync::Arc;

use annuaire_base::date::iso_day;
use annuaire_ecps::PhoneService;
use annuaire_store::{AuditEvent, Entropy, NewJob, Queue, Registry};
use annuaire_web::Gate;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::at_work::PersonAtWork;
use crate::certificates::CertificateChecks;
use crate::claims::{claims, identifiers};
use crate::client::{ClientRecord, sha256_hex};
use crate::error::Error;
use crate::keys::SigningKeys;
use crate::limits::{CLIENTS_OF_SESSION, SWEEP, TOUCH_MS, WRITE_ATTEMPTS};
use crate::person::{People, ToldClaims};
use crate::rows::{Held, ProviderRow, Rows, Writes};
use crate::session::{Account, AccountName, Authentication, Code, Grant, Once, Session, SessionCookie};

/// Kind of the jobs that tell a relying party of a logout.
pub(crate) const LOGOUT_JOB: &str = "backchannel-logout";
/// Kinds of the rows that make somebody logged in. A registry that was brought back from a copy loses them: a login that ended since would
/// stand again.
pub const PROVIDER_LOGIN_KINDS: [&str; 8] = [
    Session::KIND,
    SessionCookie::KIND,
    Grant::KIND,
    Code::KIND,
    crate::login::Login::KIND,
    crate::login::CardTicket::KIND,
    crate::pushed::PushedRequest::KIND,
    crate::ciba::CibaRequest::KIND,
];
/// Path of the issuer below its host.
pub const REALM: &str = "/auth/realms/esante-wallet";

/// How `sub` is formed (identity.md §1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectForm {
    /// A UUID: opaque, the default.
    Uuid,
    /// `f:<component>:<national identifier of the first login>`, as the national service formed it.
    Federated(String),
}

/// ProviderAddresses of the provider, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderAddresses {
    /// Scheme and host of the issuer.
    pub host: String,
    /// Scheme and host where people log in; that of the issuer when there is one host.
    pub login_host: String,
    /// Scheme and host that asks for client certificates of organisations, where there is one.
    pub mtls_host: Option<String>,
    /// Scheme and host that asks for cards, where there is one.
    pub card_host: Option<String>,
}

impl ProviderAddresses {
    /// One host for everything.
    #[must_use]
    pub fn of_host(host: &str) -> Self {
        Self { host: host.to_owned(), login_host: host.to_owned(), mtls_host: None, card_host: None }
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("{}{REALM}", self.host)
    }

    /// An endpoint below the issuer.
    pub(crate) fn endpoint(&self, path: &str) -> String {
        format!("{}{REALM}/protocol/openid-connect/{path}", self.host)
    }

    /// Whether browsers reach the login over TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.login_host.starts_with("https://")
    }
}

/// What the provider is made of.
pub struct ProviderSettings {
    /// Where people, rows and keys are.
    pub registry: Arc<dyn Registry>,
    /// Random bytes.
    pub entropy: Entropy,
    /// The clock, milliseconds since 1970 UTC.
    pub now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Secret of the installation.
    pub secret: [u8; 32],
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// Its addresses.
    pub addresses: ProviderAddresses,
    /// How `sub` is formed.
    pub subject: SubjectForm,
    /// The means on a phone.
    pub phone: Arc<PhoneService>,
    /// Whether visitors may register clients and see tokens (demonstration).
    pub sandbox: bool,
    /// Path of the style sheet of all pages.
    pub style: String,
    /// What cards and certificates of organisations are checked with; none are taken without.
    pub certificates: Option<CertificateChecks>,
}

/// The provider.
pub struct Provider {
    pub(crate) rows: Rows,
    pub(crate) people: People,
    pub(crate) keys: SigningKeys,
    pub(crate) entropy: Entropy,
    pub(crate) gate: Arc<Gate>,
    pub(crate) addresses: ProviderAddresses,
    pub(crate) subject: SubjectForm,
    pub(crate) phone: Arc<PhoneService>,
    pub(crate) sandbox: bool,
    pub(crate) style: String,
    pub(crate) certificates: Option<CertificateChecks>,
    /// Binds forms to the browser that was given them.
    pub(crate) form_key: [u8; 32],
}

/// Why a session that stands on its own may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// The person asked for it, here or at a client.
    Logout,
    /// The person has no right any more.
    NoRight,
    /// The device, card or passkey ended.
    MeansEnded,
    /// The operator ended it.
    Operator,
}

impl EndReason {
    const fn code(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::NoRight => "no-right",
            Self::MeansEnded => "means-ended",
            Self::Operator => "operator",
        }
    }
}

impl Provider {
    /// A provider. Cost: none; keys are made at the first use.
    #[must_use]
    pub fn new(settings: ProviderSettings) -> Self {
        let ProviderSettings { registry, entropy, now_ms, secret, gate, addresses, subject, phone, sandbox, style, certificates } =
            settings;
        let rows = Rows::new(Arc::clone(&registry), now_ms);
        Self {
            keys: SigningKeys::new(rows.clone(), &secret, Arc::clone(&entropy)),
            people: People::new(registry),
            form_key: blake3::derive_key("annuaire 2026-11 forms of the provider", &secret),
            rows,
            entropy,
            gate,
            addresses,
            subject,
            phone,
            sandbox,
            style,
            certificates,
        }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.rows.now_ms()
    }

    /// 256 random bits in base64url.
    pub(crate) fn handle(&self) -> String {
        let mut bytes = [0; 32];
        (self.entropy)(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A random UUID (version 4, RFC 9562).
    pub(crate) fn uuid(&self) -> String {
        let mut bytes = [0; 16];
        (self.entropy)(&mut bytes);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex = annuaire_base::text::hex(&bytes);
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    /// A client that may be used.
    pub(crate) async fn client(&self, client_id: &str) -> Result<Option<ClientRecord>, Error> {
        Ok(self.rows.live::<ClientRecord>(client_id).await?.map(|held| held.value))
    }

    /// Registers a client, or changes what is registered of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn register_client(&self, record: &ClientRecord, actor: &str) -> Result<(), Error> {
        for _ in 0..WRITE_ATTEMPTS {
            let event = self.event("identity.client", &record.client_id, &json!({"by": actor}));
            let writes = match self.rows.any::<ClientRecord>(&record.client_id).await? {
                None => Writes::default().create(record)?,
                Some(mut held) => {
                    held.value = record.clone();
                    Writes::default().replace(&held)?
                }
            };
            if self.rows.write(writes.audit(event)).await? {
                return Ok(());
            }
        }
        Err(Error::Contended { kind: ClientRecord::KIND })
    }

    /// Removes a client: its tokens are good no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_client(&self, client_id: &str, actor: &str) -> Result<bool, Error> {
        for _ in 0..WRITE_ATTEMPTS {
            let Some(held) = self.rows.any::<ClientRecord>(client_id).await? else { return Ok(false) };
            let event = self.event("identity.client.removed", client_id, &json!({"by": actor}));
            if self.rows.write(Writes::default().remove(&held).audit(event)).await? {
                return Ok(true);
            }
        }
        Err(Error::Contended { kind: ClientRecord::KIND })
    }

    /// Gives a client another secret and returns it: it is kept nowhere. The one before stays good, so that the client can be changed over;
    /// older ones end. `None` when the client is not known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new_secret(&self, client_id: &str, actor: &str) -> Result<Option<String>, Error> {
        for _ in 0..WRITE_ATTEMPTS {
            let Some(mut held) = self.rows.any::<ClientRecord>(client_id).await? else { return Ok(None) };
            let secret = self.handle();
            held.value.secrets_sha256.insert(0, sha256_hex(&secret));
            held.value.secrets_sha256.truncate(2);
            let event = self.event("identity.client.secret", client_id, &json!({"by": actor}));
            if self.rows.write(Writes::default().replace(&held)?.audit(event)).await? {
                return Ok(Some(secret));
            }
        }
        Err(Error::Contended { kind: ClientRecord::KIND })
    }

    /// Puts the announced signing keys in force at once: for an operator who believes that a key is known to others. What the former keys
    /// signed is good until it ends.
    ///
    /// # Errors
    /// When the database fails, or the keys do not open.
    pub async fn rotate_keys(&self) -> Result<(), Error> {
        self.keys.rotate().await?;
        let event = self.event("identity.keys.rotated", "provider", &json!({}));
        self.rows.write(Writes::default().audit(event)).await.map(|_| ())
    }

    /// The registry in which all of it is.
    #[must_use]
    pub fn registry(&self) -> &Arc<dyn Registry> {
        self.rows.registry()
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.addresses.issuer()
    }

    /// Its addresses.
    #[must_use]
    pub fn addresses(&self) -> &ProviderAddresses {
        &self.addresses
    }

    /// Clients by id: the first `limit` that follow `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clients(&self, after: &str, limit: u32) -> Result<Vec<ClientRecord>, Error> {
        Ok(self.rows.list::<ClientRecord>(None, after, limit).await?.into_iter().map(|held| held.value).collect())
    }

    /// An event of the audit trail. `actor` is the person concerned, as far as known.
    pub(crate) fn event(&self, event: &str, object: &str, detail: &Value) -> AuditEvent {
        let actor = detail["national_id"].as_str().unwrap_or("identity").to_owned();
        AuditEvent { actor, event: event.to_owned(), object: object.to_owned(), request: None, detail: detail.to_string() }
    }

    /// A person with the claims of today.
    pub(crate) async fn bearer(&self, national_id: &str) -> Result<Option<(Arc<PersonAtWork>, ToldClaims)>, Error> {
        self.people.told(national_id, &iso_day(self.now_ms())).await
    }

    /// A person who proved who they are, with the claims of today. Staff whom the directory does not describe are who their card says.
    pub(crate) async fn bearer_of(
        &self,
        authentication: &Authentication,
    ) -> Result<Option<(Arc<PersonAtWork>, ToldClaims)>, Error> {
        let (national_id, holder) = (&authentication.national_id, &authentication.holder);
        let Some(holder) = holder else { return self.bearer(national_id).await };
        let known = self.people.person(national_id).await?.unwrap_or_default();
        if known.person.professional.is_some() {
            return self.bearer(national_id).await;
        }
        let structures = self.people.structures(std::slice::from_ref(&holder.structure)).await?;
        let person = holder.at_work(national_id, PersonAtWork { person: known.person.clone(), structures });
        let told = claims(&person, &iso_day(self.now_ms())).map(Arc::new);
        Ok(Some((Arc::new(person), told)))
    }

    /// The account of a person; made at the first login. All identifiers of the person lead to it from then on.
    async fn account(&self, person: &PersonAtWork) -> Result<Account, Error> {
        let ids = identifiers(person);
        for _ in 0..WRITE_ATTEMPTS {
            let mut known: Option<Account> = None;
            let mut unknown: Vec<&String> = Vec::new();
            for id in &ids {
                match self.rows.any::<AccountName>(id).await? {
                    None => unknown.push(id),
                    Some(name) if known.is_none() => {
                        known = self.rows.any::<Account>(&name.value.sub).await?.map(|held| held.value)
                    }
                    Some(_) => {}
                }
            }
            if let (Some(account), true) = (&known, unknown.is_empty()) {
                return Ok(account.clone());
            }
            let mut writes = Writes::default();
            let account = match known {
                Some(account) => account,
                None => {
                    let first_national_id = ids.first().cloned().unwrap_or_default();
                    let sub = match &self.subject {
                        SubjectForm::Uuid => self.uuid(),
                        SubjectForm::Federated(component) => format!("f:{component}:{first_national_id}"),
                    };
                    let account = Account { sub, first_national_id };
                    writes = writes.create(&account)?;
                    account
                }
            };
            for id in unknown {
                writes = writes.create(&AccountName { national_id: id.clone(), sub: account.sub.clone() })?;
            }
            if self.rows.write(writes).await? {
                return Ok(account);
            }
        }
        Err(Error::Contended { kind: Account::KIND })
    }

    /// Opens a session; returns it with the value of its cookie.
    pub(crate) async fn open_session(
        &self,
        person: &PersonAtWork,
        authentication: Authentication,
        client_id: &str,
    ) -> Result<(Session, String), Error> {
        let account = self.account(person).await?;
        let cookie = self.handle();
        let session =
            Session { sid: self.uuid(), sub: account.sub, used_ms: authentication.at_ms, authentication, clients: Vec::new() };
        let row = SessionCookie { sha256: sha256_hex(&cookie), sid: session.sid.clone(), until_ms: session.last_ms() };
        let event = self.login_event(&session, client_id);
        // Both keys are new: nobody else can have written them.
        if !self.rows.write(Writes::default().create(&session)?.create(&row)?.audit(event)).await? {
            return Err(Error::Contended { kind: Session::KIND });
        }
        Ok((session, cookie))
    }

    /// Writes a session whose person logged in again, with another cookie; `None` when it ended meanwhile.
    pub(crate) async fn replace_session(
        &self,
        held: &Held<Session>,
        client_id: &str,
    ) -> Result<Option<(Session, String)>, Error> {
        let (session, cookie) = (&held.value, self.handle());
        let row = SessionCookie { sha256: sha256_hex(&cookie), sid: session.sid.clone(), until_ms: session.last_ms() };
        let mut writes = Writes::default().replace(held)?.create(&row)?;
        for old in self.rows.list::<SessionCookie>(Some(&session.sid), "", 100).await? {
            writes = writes.remove(&old);
        }
        let event = self.login_event(session, client_id);
        Ok(self.rows.write(writes.audit(event)).await?.then(|| (session.clone(), cookie)))
    }

    fn login_event(&self, session: &Session, client_id: &str) -> AuditEvent {
        let detail = json!({
            "national_id": session.authentication.national_id,
            "authMode": session.authentication.mode.name(),
            "means": session.authentication.means,
            "client": client_id,
        });
        self.event("identity.login", &session.sid, &detail)
    }

    /// The session of a cookie.
    pub(crate) async fn session_of(&self, cookie: &str) -> Result<Option<Held<Session>>, Error> {
        match self.rows.live::<SessionCookie>(&sha256_hex(cookie)).await? {
            Some(held) => self.rows.live(&held.value.sid).await,
            None => Ok(None),
        }
    }

    /// Notes that a session is used, and by which client; false when it ended meanwhile.
    pub(crate) async fn use_session(&self, sid: &str, client_id: Option<&str>) -> Result<bool, Error> {
        for _ in 0..WRITE_ATTEMPTS {
            let Some(mut held) = self.rows.live::<Session>(sid).await? else { return Ok(false) };
            let (session, now) = (&mut held.value, self.now_ms());
            let is_new = client_id.is_some_and(|id| !session.clients.iter().any(|known| known == id));
            if !is_new && now - session.used_ms < TOUCH_MS {
                return Ok(true);
            }
            session.used_ms = now;
            if let (true, Some(id)) = (is_new && session.clients.len() < CLIENTS_OF_SESSION, client_id) {
                session.clients.push(id.to_owned());
            }
            if self.rows.write(Writes::default().replace(&held)?).await? {
                return Ok(true);
            }
        }
        Err(Error::Contended { kind: Session::KIND })
    }

    /// Ends a session: its tokens are inactive from now on, and each of its clients will be told. False when it had ended.
    pub(crate) async fn end_session(&self, sid: &str, reason: EndReason) -> Result<bool, Error> {
        for _ in 0..WRITE_ATTEMPTS {
            let Some(held) = self.rows.any::<Session>(sid).await? else { return Ok(false) };
            let session = &held.value;
            let detail = json!({"national_id": session.authentication.national_id, "reason": reason.code()});
            let event = self.event("identity.session.end", sid, &detail);
            let mut jobs = Vec::new();
            for id in &session.clients {
                if let Some(client) = self.client(id).await?
                    && client.backchannel_logout_uri.is_some()
                {
                    jobs.push(NewJob {
                        queue: Queue::Outbox,
                        kind: LOGOUT_JOB.to_owned(),
                        key: format!("{sid} {id}"),
                        due_ms: self.now_ms(),
                        payload: json!({"client": id, "sid": sid, "sub": session.sub}).to_string(),
                    });
                }
            }
            if self.rows.write(Writes::default().remove(&held).audit(event).jobs(jobs)).await? {
                return Ok(true);
            }
        }
        Err(Error::Contended { kind: Session::KIND })
    }

    /// Ends the sessions of a person that rest on a means, or all of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_sessions_of(&self, national_id: &str, means: Option<&str>) -> Result<u32, Error> {
        let Some(name) = self.rows.any::<AccountName>(national_id).await? else { return Ok(0) };
        let mut ended = 0;
        for held in self.rows.list::<Session>(Some(&name.value.sub), "", u32::MAX >> 1).await? {
            if means.is_none_or(|means| means == held.value.authentication.means) {
                let reason = if means.is_some() { EndReason::MeansEnded } else { EndReason::Operator };
                ended += u32::from(self.end_session(&held.value.sid, reason).await?);
            }
        }
        Ok(ended)
    }

    /// Uses a value once; false when it was used before.
    pub(crate) async fn once(&self, kind: &str, value: &str, until_ms: i64) -> Result<bool, Error> {
        self.rows.write(Writes::default().create(&Once { key: sha256_hex(&format!("{kind} {value}")), until_ms })?).await
    }

    /// Removes what is over; called from time to time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let kinds = [&PROVIDER_LOGIN_KINDS[..], &[Once::KIND]].concat();
        Ok(self.rows.registry().sweep_identity(&kinds, self.now_ms(), SWEEP).await?)
    }
}
