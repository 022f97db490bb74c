//! The identity provider of a server: its parts, its pages, and what it does beside answering.

use crate::activation_right::WithheldInRegistry;
use crate::certificates::CertificateService;
use crate::civil::{CivilLogins, CivilParts};
use crate::clock::{now_ms, now_us};
use crate::config::IdentitySection;
use crate::failing::Failing;
use crate::registry::{random_bytes, runtime};
use annuaire_base::Tx;
use annuaire_base::date::iso_day;
use annuaire_ecps::{
    ContactBook, KnownContacts, LocalMailbox, MeansEnded, MessageRoutes, MessageSender, OutgoingPush, PhoneDemo,
    PhoneDoorSettings, PhoneService, PhoneSettings, PushOutcome, PushSender, SmsGateway, SmsSettings, SmtpSecurity, SmtpSender,
    SmtpSettings,
};
use annuaire_identity::{
    EndsSessions, LogoutSender, People, Provider, ProviderAddresses, ProviderSettings, SIGN_IN, SubjectForm, claims, tell_who,
};
use annuaire_store::{BlockingRegistry, Registry};
use annuaire_subscribe::{AddressRules, HttpTransport};
use annuaire_web::{Gate, GateSettings};
use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use axum::Router;
use axum::middleware::from_fn_with_state;
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Requests whose phones are notified side by side: as many push services may be silent without holding up the others.
const PUSHERS: usize = 4;
/// Relying parties that are told of logouts side by side: as many may be silent without holding up the others.
const LOGOUT_TELLERS: usize = 8;
/// Pause of whoever looks for logouts, or for requests to notify, when there are none.
const NOBODY: Duration = Duration::from_millis(300);
/// Everybody who is logged in is looked at again after this long: days pass without a transaction.
const LOOK_AT_ALL: Duration = Duration::from_secs(600);
/// Messages of phones leave this often.
const PHONE_WORK: Duration = Duration::from_millis(500);
/// What is over is removed this often.
const SWEEP: Duration = Duration::from_secs(60);
/// Pause after a failure of the registry.
const RETRY: Duration = Duration::from_secs(2);

/// The provider and its means.
pub(crate) struct Identity {
    pub(crate) provider: Arc<Provider>,
    pub(crate) phone: Arc<PhoneService>,
    pub(crate) mailbox: Option<Arc<LocalMailbox>>,
    /// Mail and text messages, for registration too.
    pub(crate) messages: Arc<dyn MessageSender>,
    sender: Arc<dyn LogoutSender>,
    /// Logins of people without a professional means, where there are some.
    pub(crate) civil: Option<Arc<CivilLogins>>,
    /// For what commands and demonstrations write.
    pub(crate) registry: BlockingRegistry,
    /// Cards and certificates of organisations, where they are taken.
    pub(crate) certificates: Option<Arc<CertificateService>>,
}

/// Who runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdentityUse {
    /// A server of an installation.
    Real,
    /// A demonstration: messages go to a page, visitors register clients, phones are simulated.
    Sandbox,
}

/// What an identity provider is made of.
pub(crate) struct IdentityParts<'a> {
    pub(crate) registry: &'a BlockingRegistry,
    pub(crate) section: &'a IdentitySection,
    /// Scheme and host, when the section names none.
    pub(crate) host: Option<String>,
    pub(crate) secret: [u8; 32],
    pub(crate) gate: Arc<Gate>,
    /// Path of the style sheet of all pages.
    pub(crate) style: String,
    pub(crate) usage: IdentityUse,
    /// Whether it serves the hosts of cards and certificates, if the section names some: commands do not.
    pub(crate) serves: bool,
}

impl Identity {
    /// The provider that a configuration asks for; `None` when there is none.
    pub(crate) fn of(parts: IdentityParts<'_>) -> Result<Option<Self>> {
        let IdentityParts { registry, section, host, secret, gate, style, usage, serves } = parts;
        let named = section.issuer.as_ref().map(|base| base.text().trim_end_matches('/').to_owned());
        let Some(host) = named.or(host) else { return Ok(None) };
        if let Some(path) = host.splitn(4, '/').nth(3).filter(|path| !path.is_empty()) {
            bail!("identity.issuer is scheme and host alone; /{path} is too much: its path is that of the national service");
        }
        let mut addresses = ProviderAddresses::of_host(&host);
        if let Some(login) = &section.login {
            addresses.login_host = login.text().trim_end_matches('/').to_owned();
        }
        let certificates = if serves { CertificateService::of(section, &addresses)?.map(Arc::new) } else { None };
        if let Some(certificates) = &certificates {
            certificates.add_hosts(&mut addresses);
        }
        let subject = match section.subject.trim() {
            "uuid" => SubjectForm::Uuid,
            component if is_uuid(component) => SubjectForm::Federated(component.to_owned()),
            other => bail!("identity.subject = {other:?} is neither uuid nor a UUID (550e8400-e29b-41d4-a716-446655440000)"),
        };
        let blocking = registry.clone();
        let registry: Arc<dyn Registry> = Arc::clone(blocking.registry());
        let (entropy, clock): (annuaire_store::Entropy, Arc<dyn Fn() -> i64 + Send + Sync>) =
            (Arc::new(random_bytes), Arc::new(now_ms));
        let mailbox = (usage == IdentityUse::Sandbox)
            .then(|| Arc::new(LocalMailbox::new(Arc::clone(&registry), Arc::clone(&entropy), Arc::clone(&clock))));
        let messages: Arc<dyn MessageSender> = match &mailbox {
            Some(mailbox) => Arc::clone(mailbox) as Arc<dyn MessageSender>,
            None => message_routes(section)?,
        };
        let rules = match usage {
            // Visitors register clients that run on their own machine.
            IdentityUse::Sandbox => AddressRules::allowing(|address| address.is_loopback()),
            IdentityUse::Real => AddressRules::default(),
        };
        let transport = Arc::new(HttpTransport::new(rules.clone(), None).map_err(anyhow::Error::msg)?);
        // A push service wants to know an https address of who sends (RFC 8292 §2.1).
        let push = addresses.login_host.starts_with("https://");
        let push = push.then(|| Arc::new(PushPost { transport: Arc::clone(&transport), rules }) as Arc<dyn PushSender>);
        let ends = Arc::new(LateEnds::default());
        let phone = Arc::new(PhoneService::new(PhoneSettings {
            registry: Arc::clone(&registry),
            entropy: Arc::clone(&entropy),
            now_ms: Arc::clone(&clock),
            secret,
            messages: Arc::clone(&messages),
            rights: Arc::new(WithheldInRegistry(Arc::clone(&registry))),
            contacts: Arc::new(Contacts(People::new(Arc::clone(&registry)))),
            ended: Arc::clone(&ends) as Arc<dyn MeansEnded>,
            public_base: addresses.login_host.clone(),
            push,
            methods: section.phone_approval.into(),
        }));
        let civil = match serves {
            true => CivilLogins::of(CivilParts {
                registry: Arc::clone(&registry),
                section,
                base: &addresses.login_host,
                secret,
                gate: Arc::clone(&gate),
                style: style.clone(),
                is_fictional: usage == IdentityUse::Sandbox,
            })?,
            false => None,
        };
        let provider = Arc::new(Provider::new(ProviderSettings {
            registry,
            entropy,
            now_ms: clock,
            secret,
            gate,
            addresses,
            subject,
            phone: Arc::clone(&phone),
            sandbox: usage == IdentityUse::Sandbox,
            style,
            certificates: certificates.as_ref().map(|service| service.checks()),
        }));
        let weak: Weak<Provider> = Arc::downgrade(&provider);
        _ = ends.0.set(EndsSessions(weak));
        Ok(Some(Self {
            provider,
            phone,
            mailbox,
            messages,
            sender: Arc::new(LogoutPost(transport)),
            registry: blocking,
            certificates,
            civil: civil.map(Arc::new),
        }))
    }

    /// Its endpoints and pages.
    pub(crate) fn router(&self, people: Vec<(String, String)>) -> Router {
        let demo = self.mailbox.as_ref().map(|mailbox| PhoneDemo { mailbox: Arc::clone(mailbox), people });
        let settings = PhoneDoorSettings { fictional: demo.is_some(), sign_in: Some(SIGN_IN.to_owned()), demo };
        let phone = annuaire_ecps::router(Arc::clone(&self.phone), settings);
        let pages = phone.layer(from_fn_with_state(Arc::clone(&self.provider), tell_who));
        let router = annuaire_identity::router(&self.provider).merge(pages);
        match &self.civil {
            Some(civil) => router.merge(civil.router(&self.provider)),
            None => router,
        }
    }

    /// Starts what goes on beside answers: sessions end with rights, relying parties are told, messages leave.
    pub(crate) async fn start(&self, loops: &mut JoinSet<()>) -> Result<()> {
        self.provider.prepare().await.context("registering the clients of our own pages")?;
        let renewals = self.certificates.as_ref().map(|certificates| certificates.renewals());
        loops.spawn(follow(Arc::clone(&self.provider), renewals));
        loops.spawn(tell(Arc::clone(&self.provider), Arc::clone(&self.sender)));
        loops.spawn(serve_phones(Arc::clone(&self.phone)));
        if self.phone.pushes() {
            loops.spawn(push(Arc::clone(&self.phone)));
        }
        loops.spawn(sweep(Arc::clone(&self.provider), Arc::clone(&self.phone), self.civil.clone()));
        if let Some(certificates) = &self.certificates {
            loops.spawn(Arc::clone(certificates).watch());
        }
        Ok(())
    }
}

/// Follows the log and the lists of revocations: whoever lost their right or their card loses the session.
async fn follow(provider: Arc<Provider>, renewals: Option<watch::Receiver<()>>) {
    let mut commits = provider.registry().commits();
    // A sender that nobody uses stands for the lists of who takes no cards.
    let (_idle, none) = watch::channel(());
    let mut renewals = renewals.unwrap_or(none);
    let (mut done, mut failing): (Option<Tx>, Failing) = (None, Failing::default());
    loop {
        let step = async {
            let last = provider.registry().last_tx().await?;
            match done {
                // What happened while nobody followed.
                None => _ = provider.check_all().await?,
                Some(mut tx) => {
                    while tx < last {
                        tx = tx.next();
                        provider.follow(tx).await?;
                    }
                }
            }
            Ok::<Tx, annuaire_identity::Error>(last)
        };
        match step.await {
            Ok(last) => {
                done = Some(last);
                failing.note("the end of sessions", None);
            }
            Err(error) => {
                failing.note("the end of sessions", Some(error.to_string()));
                tokio::time::sleep(RETRY).await;
                continue;
            }
        }
        tokio::select! {
            changed = commits.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            Ok(()) = renewals.changed() => done = None,
            () = tokio::time::sleep(LOOK_AT_ALL) => done = None,
        }
    }
}

/// Tells relying parties of logouts. One looks for those that wait, so that a server asks little of the registry while there are none.
async fn tell(provider: Arc<Provider>, sender: Arc<dyn LogoutSender>) {
    let tellers = Arc::new(Semaphore::new(LOGOUT_TELLERS));
    let failed = |error: &annuaire_identity::Error| {
        annuaire_web::record_internal_error("", "identity.tell", &annuaire_web::cause_chain(error));
    };
    while let Ok(teller) = Arc::clone(&tellers).acquire_owned().await {
        match provider.take_logout().await {
            Ok(Some(taken)) => {
                let (provider, sender) = (Arc::clone(&provider), Arc::clone(&sender));
                tokio::spawn(async move {
                    let _teller = teller;
                    if let Err(error) = provider.tell_logout(taken, &*sender).await {
                        failed(&error);
                    }
                });
            }
            Ok(None) => tokio::time::sleep(NOBODY).await,
            Err(error) => {
                failed(&error);
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn serve_phones(phone: Arc<PhoneService>) {
    let mut failing = Failing::default();
    loop {
        let sent = phone.run_messages(now_ms()).await;
        failing.note("messages of phones", sent.err().map(|error| error.to_string()));
        tokio::time::sleep(PHONE_WORK).await;
    }
}

/// Notifies phones of requests. As with logouts, one looks.
async fn push(phone: Arc<PhoneService>) {
    let pushers = Arc::new(Semaphore::new(PUSHERS));
    let failed = |error: &annuaire_ecps::PhoneError| {
        annuaire_web::record_internal_error("", "ecps.push", &annuaire_web::cause_chain(error));
    };
    while let Ok(pusher) = Arc::clone(&pushers).acquire_owned().await {
        match phone.take_push().await {
            Ok(Some(taken)) => {
                let phone = Arc::clone(&phone);
                tokio::spawn(async move {
                    let _pusher = pusher;
                    if let Err(error) = phone.push_taken(taken).await {
                        failed(&error);
                    }
                });
            }
            Ok(None) => tokio::time::sleep(NOBODY).await,
            Err(error) => {
                failed(&error);
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn sweep(provider: Arc<Provider>, phone: Arc<PhoneService>, civil: Option<Arc<CivilLogins>>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        if let Err(error) = provider.sweep().await {
            annuaire_web::record_internal_error("", "identity.sweep", &annuaire_web::cause_chain(&error));
        }
        if let Err(error) = phone.run_due(now_ms()).await {
            annuaire_web::record_internal_error("", "ecps.due", &annuaire_web::cause_chain(&error));
        }
        if let Some(civil) = &civil
            && let Err(error) = civil.sweep().await
        {
            annuaire_web::record_internal_error("", "relying.sweep", &annuaire_web::cause_chain(&error));
        }
    }
}

/// Posts logout tokens, to addresses that may be called.
struct LogoutPost(Arc<HttpTransport>);

#[async_trait]
impl LogoutSender for LogoutPost {
    async fn send(&self, address: &str, logout_token: &str) -> Result<(), String> {
        let (transport, address) = (Arc::clone(&self.0), address.to_owned());
        let body = format!("logout_token={logout_token}").into_bytes();
        let time = Duration::from_millis(annuaire_identity::limits::LOGOUT_ANSWER_MS);
        let post = move || transport.post(&address, "application/x-www-form-urlencoded", &[], &body, time);
        tokio::task::spawn_blocking(post).await.map_err(|_| "the sender ended".to_owned())?
    }
}

/// Posts notifications to push services, at addresses that may be called.
struct PushPost {
    transport: Arc<HttpTransport>,
    rules: AddressRules,
}

#[async_trait]
impl PushSender for PushPost {
    fn check(&self, endpoint: &str) -> Result<(), String> {
        self.rules.check(endpoint)
    }

    async fn send(&self, push: &OutgoingPush) -> Result<PushOutcome, String> {
        let (transport, push) = (Arc::clone(&self.transport), push.clone());
        let time = Duration::from_secs(annuaire_ecps::limits::PUSH_SECONDS);
        let post = move || {
            let OutgoingPush { endpoint, headers, body } = &push;
            transport.post_for_status(endpoint, "application/octet-stream", headers, body, time)
        };
        match tokio::task::spawn_blocking(post).await.map_err(|_| "the sender ended".to_owned())?? {
            200..=299 => Ok(PushOutcome::Accepted),
            404 | 410 => Ok(PushOutcome::Gone),
            other => Err(format!("the push service answers {other}")),
        }
    }
}

/// Ends sessions once the provider exists: the phones are made before it.
#[derive(Default)]
struct LateEnds(OnceLock<EndsSessions>);

#[async_trait]
impl MeansEnded for LateEnds {
    async fn means_ended(&self, national_id: &str, means_id: &str) {
        if let Some(ends) = self.0.get() {
            ends.means_ended(national_id, means_id).await;
        }
    }
}

/// Contacts of the register: the correspondence of the merged view.
struct Contacts(People);

#[async_trait]
impl ContactBook for Contacts {
    async fn contacts(&self, national_id: &str) -> Result<Option<KnownContacts>, String> {
        let person = self.0.person(national_id).await.map_err(|error| error.to_string())?;
        // Who has no right any more has no means either.
        let person = person.filter(|person| claims::claims(person, &iso_day(now_ms())).is_ok());
        Ok(person.and_then(|person| person.person.professional.clone()).map(|p| {
            let practice = p.exercices.first();
            let name = practice.map(|e| format!("{} {}", e.prenom_exercice, e.nom_exercice)).unwrap_or_default();
            let contact = p.correspondance.unwrap_or_default();
            let filled = |text: String| (!text.is_empty()).then_some(text);
            KnownContacts {
                mail: filled(contact.courriel),
                mobile: contact.telephones.into_iter().find(|phone| is_mobile(phone)),
                name,
                birth_date: p.etat_civil.and_then(|civil| filled(civil.date_naissance)),
            }
        }))
    }
}

/// Whether a number is that of a French mobile phone, written with or without the country.
fn is_mobile(phone: &str) -> bool {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix("0033").or_else(|| digits.strip_prefix("33")).or_else(|| digits.strip_prefix('0'));
    national.is_some_and(|rest| rest.len() == 9 && rest.starts_with(['6', '7'])) || digits.starts_with("2626")
}

fn is_uuid(text: &str) -> bool {
    let places = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| if places.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// Mail and text messages, as the configuration names their servers.
fn message_routes(section: &IdentitySection) -> Result<Arc<dyn MessageSender>> {
    let (Some(server), Some(from), Some(gateway)) = (&section.mail_server, &section.mail_from, &section.sms_gateway) else {
        bail!("identity: activations and notices need mail and SMS: name mail_server, mail_from and sms_gateway in [identity]");
    };
    let credentials = section.mail_account.as_deref().map(account).transpose()?;
    let mail = SmtpSender::new(&smtp_settings(server, credentials, from)?).map_err(anyhow::Error::msg)?;
    let token = section.sms_token.as_deref().map(fs::read_to_string).transpose().context("reading identity.sms_token")?;
    let token = token.map(|token| token.trim().to_owned());
    let sms = SmsGateway::new(SmsSettings { address: gateway.clone(), token, from: section.sms_from.clone() });
    Ok(Arc::new(MessageRoutes { mail: Arc::new(mail), sms: Arc::new(sms.map_err(anyhow::Error::msg)?) }))
}

/// A mail server as the configuration writes it.
fn smtp_settings(server: &str, credentials: Option<(String, String)>, from: &str) -> Result<SmtpSettings> {
    let wrong = || format!("identity.mail_server = {server:?}: write smtp://host:587, smtps://host:465, or smtp://127.0.0.1:25");
    let (scheme, rest) = server.split_once("://").with_context(wrong)?;
    let (host, port) = match rest.trim_end_matches('/').rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().with_context(wrong)?)),
        None => (rest.trim_end_matches('/'), None),
    };
    let near = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let security = match scheme {
        "smtps" => SmtpSecurity::Tls,
        "smtp" if near => SmtpSecurity::None,
        "smtp" => SmtpSecurity::StartTls,
        _ => bail!(wrong()),
    };
    Ok(SmtpSettings { host: host.to_owned(), port, security, credentials, from: from.to_owned() })
}

/// User name and password of a file, a line each.
fn account(path: &Path) -> Result<(String, String)> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut lines = text.lines().map(str::trim);
    match (lines.next(), lines.next()) {
        (Some(user), Some(password)) if !user.is_empty() => Ok((user.to_owned(), password.to_owned())),
        _ => bail!("{}: user name on the first line, password on the second", path.display()),
    }
}

/// A gate for commands, which nobody passes.
pub(crate) fn closed_gate(secret: [u8; 32]) -> Arc<Gate> {
    Arc::new(Gate::new(GateSettings::new(secret, Arc::new(now_us))))
}

/// Blocks on a future of the provider, for commands.
pub(crate) fn wait_for<T>(future: impl std::future::Future<Output = Result<T, annuaire_identity::Error>>) -> Result<T> {
    Ok(runtime()?.block_on(future)?)
}
