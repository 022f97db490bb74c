//! An installation in a directory: people, phones, clients, and a browser that walks pages as plain HTML.
#![allow(clippy::unwrap_used, missing_docs, dead_code)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use annuaire_base::fact::{FactKey, Publication};
use annuaire_ecps::{
    ActivationRight, ApprovalMethods, ContactBook, KnownContacts, LocalMailbox, MeansEnded, MessageSender, PhoneService,
    PhoneSettings, SimulatedPhone,
};
use annuaire_identity::{
    CertificateChecks, ClientAuthentication, ClientMode, ClientRecord, EndsSessions, GrantType, LogoutSender, OrganisationProof,
    Provider, ProviderAddresses, ProviderSettings, REALM, SubjectForm, router,
};
use annuaire_mos::owner::Owner;
use annuaire_mos::{ExerciceProfessionnel, IdentifiantAlternatif, Objet, Professionnel, SituationExercice};
use annuaire_store::{Cause, Change, Channel, CommitClock, Entropy, Expect, OwnerRow, Registry};
use annuaire_store_postgres::{PostgresOptions, PostgresRegistry};
use annuaire_store_sqlite::{SqliteOptions, SqliteRegistry};
use annuaire_web::{Gate, GateSettings};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor};
use std::path::Path;
use std::str::FromStr;
use std::sync::Mutex;
use tower::ServiceExt;

pub const HOST: &str = "https://id.exemple.test";
pub const CALLBACK: &str = "https://app.exemple.test/oidc/callback";
pub const DOCTOR: &str = "899900000011";
pub const ROLE: &str = "899900000037";
pub const PIN: &str = "193574";

/// An installation.
pub struct World {
    pub provider: Arc<Provider>,
    pub phone: Arc<PhoneService>,
    pub mailbox: Arc<LocalMailbox>,
    pub registry: Arc<dyn Registry>,
    pub entropy: Entropy,
    pub clock: Arc<AtomicI64>,
    pub app: Router,
    _dir: tempfile::TempDir,
}

struct Book;

#[async_trait]
impl ContactBook for Book {
    async fn contacts(&self, national_id: &str) -> Result<Option<KnownContacts>, String> {
        Ok(Some(KnownContacts {
            mail: Some(format!("{national_id}@exemple.test")),
            mobile: Some("+33639980011".into()),
            name: "Camille".into(),
            birth_date: None,
        }))
    }
}

/// Who is frozen: a row of a kind of its own, that a test writes.
struct Rights(Arc<dyn Registry>);

/// Kind of the rows of who is frozen.
pub const FROZEN: &str = "frozen-in-test";

#[async_trait]
impl ActivationRight for Rights {
    async fn is_withheld(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }

    async fn is_frozen(&self, national_id: &str) -> Result<bool, String> {
        Ok(self.0.identity_row(FROZEN, national_id).await.unwrap().is_some())
    }

    async fn note_activation(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[derive(Default)]
struct Late(std::sync::OnceLock<EndsSessions>);

#[async_trait]
impl MeansEnded for Late {
    async fn means_ended(&self, national_id: &str, means_id: &str) {
        self.0.get().unwrap().means_ended(national_id, means_id).await;
    }
}

/// Keeps what relying parties are told; some never answer.
#[derive(Default)]
pub struct Told {
    pub tokens: Mutex<Vec<(String, String)>>,
    pub silent: Mutex<Vec<String>>,
}

#[async_trait]
impl LogoutSender for Told {
    async fn send(&self, address: &str, token: &str) -> Result<(), String> {
        if self.silent.lock().unwrap().iter().any(|silent| silent == address) {
            return Err("no answer".into());
        }
        self.tokens.lock().unwrap().push((address.to_owned(), token.to_owned()));
        Ok(())
    }
}

pub fn situation(id: &str, structure: &str, role: &str) -> SituationExercice {
    SituationExercice {
        id_situation_exercice: id.into(),
        mode_exercice: "S".into(),
        structure: structure.into(),
        role: role.into(),
        ..Default::default()
    }
}

pub fn person(national_id: &str, profession: &str, situations: Vec<SituationExercice>) -> Professionnel {
    Professionnel {
        type_id_nat_pp: "8".into(),
        id_pp: national_id[1..].into(),
        id_nat_ps: national_id.into(),
        civilite: "MME".into(),
        exercices: vec![ExerciceProfessionnel {
            profession: profession.into(),
            categorie_professionnelle: "C".into(),
            civilite_exercice: "DR".into(),
            nom_exercice: "EXEMPLE".into(),
            prenom_exercice: "CAMILLE".into(),
            situations,
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A registry of its own: in a file, or in a schema of the PostgreSQL server that the environment names.
async fn registry(dir: &Path, entropy: &Entropy, now: &Arc<dyn Fn() -> i64 + Send + Sync>) -> Arc<dyn Registry> {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    let Some(server) = postgres() else {
        let options = SqliteOptions { entropy: Arc::clone(entropy), now_ms: Arc::clone(now), open: |_| false };
        return Arc::new(SqliteRegistry::open(&dir.join("registry.sqlite"), options).await.unwrap());
    };
    let number = SCHEMAS.fetch_add(1, Ordering::SeqCst);
    let name = format!("identity_{}_{number}", std::process::id());
    let mut connection = PgConnectOptions::from_str(&server).unwrap().connect().await.unwrap();
    connection.execute(format!("CREATE SCHEMA {name}").as_str()).await.unwrap();
    // Commits are told by the identity of the log, to all worlds of the database: each log needs one of its own.
    let shared = Arc::clone(entropy);
    let entropy: Entropy = Arc::new(move |bytes: &mut [u8]| {
        shared(bytes);
        bytes.iter_mut().zip(number.to_le_bytes().into_iter().cycle()).for_each(|(byte, own)| *byte ^= own);
    });
    let options = PostgresOptions { entropy, open: |_| false };
    Arc::new(PostgresRegistry::open(&format!("{server}?options=-c%20search_path%3D{name}"), options).await.unwrap())
}

#[expect(clippy::disallowed_methods, reason = "the environment names the server of the tests")]
fn postgres() -> Option<String> {
    std::env::var("ANNUAIRE_TEST_POSTGRES").ok()
}

/// The provider and its means.
fn parts(
    host: &str,
    registry: &Arc<dyn Registry>,
    (entropy, clock): (&Entropy, &Arc<AtomicI64>),
    (card_host, certificates): (Option<String>, Option<CertificateChecks>),
) -> (Arc<Provider>, Arc<PhoneService>, Arc<LocalMailbox>) {
    let now = clock_of(clock);
    let mailbox = Arc::new(LocalMailbox::new(Arc::clone(registry), Arc::clone(entropy), Arc::clone(&now)));
    let late = Arc::new(Late::default());
    let phone = Arc::new(PhoneService::new(PhoneSettings {
        registry: Arc::clone(registry),
        entropy: Arc::clone(entropy),
        now_ms: Arc::clone(&now),
        secret: [7; 32],
        messages: Arc::clone(&mailbox) as Arc<dyn MessageSender>,
        contacts: Arc::new(Book),
        rights: Arc::new(Rights(Arc::clone(registry))),
        ended: Arc::clone(&late) as Arc<dyn MeansEnded>,
        public_base: host.into(),
        push: None,
        methods: ApprovalMethods::default(),
    }));
    let gate_clock = Arc::clone(&now);
    let gate = Arc::new(Gate::new(GateSettings::new([7; 32], Arc::new(move || gate_clock() * 1_000))));
    let mut addresses = ProviderAddresses::of_host(host);
    addresses.mtls_host = Some("https://mtls.exemple.test".into());
    addresses.card_host = card_host;
    let provider = Arc::new(Provider::new(ProviderSettings {
        registry: Arc::clone(registry),
        entropy: Arc::clone(entropy),
        now_ms: now,
        secret: [7; 32],
        gate,
        addresses,
        subject: SubjectForm::Uuid,
        phone: Arc::clone(&phone),
        sandbox: true,
        style: "/style.css".into(),
        certificates,
    }));
    _ = late.0.set(EndsSessions(Arc::downgrade(&provider)));
    (provider, phone, mailbox)
}

fn clock_of(clock: &Arc<AtomicI64>) -> Arc<dyn Fn() -> i64 + Send + Sync> {
    let clock = Arc::clone(clock);
    Arc::new(move || clock.load(Ordering::SeqCst))
}

impl World {
    pub async fn new() -> Self {
        Self::with(HOST).await
    }

    pub async fn with(host: &str) -> Self {
        Self::made(host, None, None).await
    }

    /// With a host of cards, and what certificates are checked with.
    pub async fn made(host: &str, card_host: Option<String>, certificates: Option<CertificateChecks>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let counter = AtomicU64::new(1);
        let entropy: Entropy = Arc::new(move |bytes: &mut [u8]| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&counter.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            hasher.finalize_xof().fill(bytes);
        });
        let clock = Arc::new(AtomicI64::new(1_795_000_000_000));
        let now = clock_of(&clock);
        let registry = registry(dir.path(), &entropy, &now).await;
        let (provider, phone, mailbox) = parts(host, &registry, (&entropy, &clock), (card_host, certificates));
        let app = router(&provider);
        let world = Self { provider, phone, mailbox, registry, entropy, clock, app, _dir: dir };
        world
            .state(DOCTOR, Some(person(DOCTOR, "10", vec![situation("1", "F990000010", ""), situation("2", "R99911", "")])))
            .await;
        world.state(ROLE, Some(person(ROLE, "99", vec![situation("3", "F990000010", "331")]))).await;
        world
    }

    /// Another node of the installation: it has nothing but the registry and the secret.
    pub fn another_node(&self) -> Self {
        let (provider, phone, mailbox) = parts(HOST, &self.registry, (&self.entropy, &self.clock), (None, None));
        let app = router(&provider);
        Self {
            provider,
            phone,
            mailbox,
            registry: Arc::clone(&self.registry),
            entropy: Arc::clone(&self.entropy),
            clock: Arc::clone(&self.clock),
            app,
            _dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    /// States a person, or ends what was stated.
    pub async fn state(&self, national_id: &str, person: Option<Professionnel>) {
        let owner = Owner::authority("CNOM").unwrap();
        let mut unit = self.registry.begin().await.unwrap();
        let description = serde_json::to_string(&owner).unwrap();
        unit.set_owner(&OwnerRow { code: owner.code.clone(), description }).await.unwrap();
        let key = FactKey { owner: owner.code, entity: format!("PP:{national_id}"), facet: String::new() };
        let payload = person.map(|person| serde_json::to_string(&Objet::Professionnel(person)).unwrap());
        unit.put(Change { key, payload, publication: Publication::Open, fingerprint: 0 }, Expect::Any).await.unwrap();
        let cause = Cause {
            actor: "test".into(),
            authority: None,
            request: None,
            channel: Channel::Operator,
            basis: None,
            reason: "test".into(),
        };
        let now = self.clock.load(Ordering::SeqCst);
        unit.save(&cause, CommitClock { now_ms: &move || now, any_clock: true }).await.unwrap();
    }

    /// Follows the log to its end, as a server does.
    pub async fn follow(&self) -> u32 {
        self.provider.follow(self.registry.last_tx().await.unwrap()).await.unwrap()
    }

    pub async fn activated(&self, national_id: &str) -> SimulatedPhone {
        SimulatedPhone::activate(&self.phone, &self.mailbox, national_id, "Téléphone", PIN).await.unwrap()
    }

    pub async fn register(&self, record: ClientRecord) {
        assert_eq!(record.objection(), None);
        self.provider.register_client(&record, "test").await.unwrap();
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// A form for an endpoint of clients.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(format!("{REALM}/protocol/openid-connect/{path}"))
            .header(header::HOST, "id.exemple.test")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(encoded(form))).unwrap()).await
    }

    /// As [`post`](Self::post), with the certificate of an organisation.
    pub async fn post_with_certificate(&self, path: &str, proof: OrganisationProof, form: &[(&str, &str)]) -> Answer {
        let request = Request::post(format!("{REALM}/protocol/openid-connect/{path}"))
            .header(header::HOST, "mtls.exemple.test")
            .extension(proof)
            .body(Body::from(encoded(form)))
            .unwrap();
        self.send(request).await
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path).header(header::HOST, "id.exemple.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn userinfo(&self, token: &str) -> Answer {
        self.get(&format!("{REALM}/protocol/openid-connect/userinfo"), &[("authorization", &format!("Bearer {token}"))]).await
    }

    /// Logs in with a phone and returns the code that the client gets.
    pub async fn login(
        &self,
        browser: &mut Browser,
        phone: &SimulatedPhone,
        national_id: &str,
        query: &[(&str, &str)],
    ) -> String {
        let back = self.login_answer(browser, phone, national_id, query).await;
        back.get("code").cloned().unwrap_or_else(|| panic!("no code: {back:?}"))
    }

    /// Logs in with a phone and returns what the client gets.
    pub async fn login_answer(
        &self,
        browser: &mut Browser,
        phone: &SimulatedPhone,
        national_id: &str,
        query: &[(&str, &str)],
    ) -> BTreeMap<String, String> {
        let page = browser.follow(self, &format!("/auth?{}", encoded(query))).await;
        assert!(page.body.contains("Identifiant national"), "{}", page.body);
        let wait = browser.submit(self, &page, &[("identifiant", national_id), ("action", "e-cps")]).await;
        let number = between(&wait.body, "aria-label=\"Nombre à choisir\">", "<").to_owned();
        phone.approve(&self.phone, &number).await.unwrap();
        let path = browser.at.clone();
        let back = browser.step(self, &path).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
        query_of(back.location())
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }

    pub fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }

    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }
}

/// A browser without script: it keeps cookies, follows redirections on our host, and sends forms.
#[derive(Debug, Default, Clone)]
pub struct Browser {
    pub cookies: BTreeMap<String, String>,
    /// Path of the page that it shows.
    pub at: String,
}

impl Browser {
    fn request(&self, builder: axum::http::request::Builder) -> axum::http::request::Builder {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let builder = builder.header(header::HOST, "id.exemple.test").header(header::USER_AGENT, "Firefox/140 Linux");
        if cookies.is_empty() { builder } else { builder.header(header::COOKIE, cookies.join("; ")) }
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name)
            } else {
                self.cookies.insert(name.into(), value.into())
            };
        }
    }

    /// Asks for an address and does not follow its redirection.
    pub async fn step(&mut self, world: &World, path: &str) -> Answer {
        let answer = world.send(self.request(Request::get(path)).body(Body::empty()).unwrap()).await;
        self.keep(&answer);
        self.at = path.to_owned();
        answer
    }

    /// Asks for an address and follows redirections on our host.
    pub async fn follow(&mut self, world: &World, path: &str) -> Answer {
        let mut path = path.to_owned();
        for _ in 0..5 {
            let answer = self.step(world, &path).await;
            let next = answer.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
            match next {
                Some(to) if to.starts_with('/') || to.starts_with(HOST) => path = to.replacen(HOST, "", 1),
                _ => return answer,
            }
        }
        panic!("redirections without end");
    }

    /// Sends the first form of a page with these fields, and follows redirections on our host.
    pub async fn submit(&mut self, world: &World, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let answer = self.post(world, page, fields).await;
        match answer.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned()) {
            Some(to) if to.starts_with('/') => self.follow(world, &to).await,
            _ => answer,
        }
    }

    /// Sends the first form of a page with these fields.
    pub async fn post(&mut self, world: &World, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let action = between(&page.body, "<form method=\"post\" action=\"", "\"").replace("&#38;", "&");
        let proof = page.body.contains("name=\"proof\"").then(|| between(&page.body, "name=\"proof\" value=\"", "\"").to_owned());
        let mut form: Vec<(&str, &str)> = proof.iter().map(|proof| ("proof", proof.as_str())).collect();
        form.extend_from_slice(fields);
        let request = self.request(Request::post(&action)).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = world.send(request.body(Body::from(encoded(&form))).unwrap()).await;
        self.keep(&answer);
        answer
    }
}

pub fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let start = text.find(before).unwrap_or_else(|| panic!("no {before} in {text}")) + before.len();
    &text[start..start + text[start..].find(after).unwrap()]
}

pub fn encoded(fields: &[(&str, &str)]) -> String {
    let mut all = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        all.append_pair(name, value);
    }
    all.finish()
}

pub fn query_of(address: &str) -> BTreeMap<String, String> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The parameters of a request as applications of the national service make it.
pub fn request(client_id: &str) -> Vec<(&str, &str)> {
    vec![
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", CALLBACK),
        ("scope", "openid scope_all"),
        ("acr_values", "eidas1"),
        ("state", "etat"),
        ("nonce", "n-1"),
    ]
}

/// A client as the national service has them: a secret in the header.
pub fn compat(client_id: &str) -> ClientRecord {
    ClientRecord {
        client_id: client_id.into(),
        client_name: "Dossier patient Exemple".into(),
        mode: ClientMode::Compat,
        redirect_uris: vec![CALLBACK.into()],
        post_logout_redirect_uris: vec!["https://app.exemple.test/au-revoir".into()],
        backchannel_logout_uri: Some(format!("https://{client_id}.exemple.test/logout")),
        token_endpoint_auth_method: ClientAuthentication::ClientSecretBasic,
        secrets_sha256: vec![annuaire_base::text::hex(&Sha256::digest(b"secret"))],
        jwks: None,
        tls_client_auth_subject_dn: None,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Ciba],
        id_token_signed_response_alg: "RS256".into(),
        userinfo_signed_response_alg: None,
        require_pkce: false,
        allowed_auth_modes: vec![],
        introspects_others: false,
        exchange_scopes: vec![],
        created_ms: 0,
        ends_ms: None,
    }
}

pub fn basic(client_id: &str) -> (&'static str, String) {
    ("authorization", format!("Basic {}", STANDARD.encode(format!("{client_id}:secret"))))
}

impl World {
    /// Exchanges a code as the client `client_id` with its secret.
    pub async fn tokens(&self, client_id: &str, code: &str) -> Answer {
        let (name, value) = basic(client_id);
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.post("token", &[(name, &value)], &form).await
    }

    pub async fn refresh(&self, client_id: &str, token: &str) -> Answer {
        let (name, value) = basic(client_id);
        self.post("token", &[(name, &value)], &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub async fn introspect(&self, client_id: &str, token: &str) -> Answer {
        let (name, value) = basic(client_id);
        self.post("token/introspect", &[(name, &value)], &[("token", token)]).await
    }
}

/// The claims of a token, not verified.
pub fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

pub fn adeli(mut person: Professionnel, number: &str) -> Professionnel {
    person.identifiants_alternatifs =
        vec![IdentifiantAlternatif { id_nat_ps: number.into(), origine: "ADELI".into(), ..Default::default() }];
    person
}
