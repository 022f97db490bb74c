//! A portal and a stand-in in a directory, and browsers without script.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use annuaire_relying::{
    CivilDoor, CivilDoorSettings, CivilSession, ClientProof, ProfessionalSessionOpen, ProviderAnswer, ProviderCall,
    ProviderCaller, RelyingParts, RelyingSettings, StandIn, StandInClient, StandInSettings, civil_router, fictional_citizens,
    stand_in_router, tell_civil,
};
use annuaire_store::identity::IdentityRow;
use annuaire_store::{Entropy, Registry};
use annuaire_store_sqlite::{SqliteOptions, SqliteRegistry};
use annuaire_web::{Gate, GateSettings};
use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::routing::get;
use axum::{Extension, Router};
use tower::ServiceExt;

pub const PORTAL: &str = "https://portail.exemple.test";
pub const SECRET: &str = "un-secret-de-client";
pub const START_MS: i64 = 1_795_000_000_000;
pub const SESSION: &str = "__Host-annuaire-civil";

/// Status, media type, body.
type Instead = (u16, String, Vec<u8>);

/// Calls the stand-in, keeps what was called, and fails when it is told to.
pub struct Line {
    pub stand_in: Arc<StandIn>,
    pub calls: Mutex<Vec<String>>,
    pub is_down: AtomicBool,
    /// Answers in place of those of the stand-in, by the end of the address.
    pub instead: Mutex<BTreeMap<String, Instead>>,
    pub tokens: Mutex<Vec<serde_json::Value>>,
}

#[async_trait]
impl ProviderCaller for Line {
    async fn call(&self, call: ProviderCall) -> Result<ProviderAnswer, String> {
        let path = call.address.rsplit('/').next().unwrap().to_owned();
        self.calls.lock().unwrap().push(path.clone());
        if self.is_down.load(Ordering::SeqCst) {
            return Err("no connection".into());
        }
        if let Some((status, media_type, body)) = self.instead.lock().unwrap().get(&path).cloned() {
            return Ok(ProviderAnswer { status, media_type, body });
        }
        let answer = self.stand_in.call(call).await?;
        if path == "token" {
            self.tokens.lock().unwrap().push(serde_json::from_slice(&answer.body).unwrap());
        }
        Ok(answer)
    }
}

impl Line {
    pub fn count(&self, path: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|called| *called == path).count()
    }

    pub fn answer_instead(&self, path: &str, status: u16, media_type: &str, body: &str) {
        self.instead.lock().unwrap().insert(path.into(), (status, media_type.into(), body.as_bytes().to_vec()));
    }
}

pub struct World {
    pub registry: Arc<dyn Registry>,
    pub clock: Arc<AtomicI64>,
    pub line: Arc<Line>,
    pub door: Arc<CivilDoor>,
    pub app: Router,
    pub parts: RelyingParts,
    pub dir: tempfile::TempDir,
}

pub fn settings(issuer: &str) -> RelyingSettings {
    RelyingSettings::franceconnect_at(issuer, "portail", ClientProof::Secret(SECRET.into()), PORTAL)
}

impl World {
    pub async fn new() -> Self {
        Self::with(true).await
    }

    pub async fn with(takes_damage: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let counter = AtomicU64::new(1);
        let entropy: Entropy = Arc::new(move |bytes: &mut [u8]| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&counter.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            hasher.finalize_xof().fill(bytes);
        });
        let clock = Arc::new(AtomicI64::new(START_MS));
        let now_ms: Arc<dyn Fn() -> i64 + Send + Sync> = {
            let clock = Arc::clone(&clock);
            Arc::new(move || clock.load(Ordering::SeqCst))
        };
        let options = SqliteOptions { entropy: Arc::clone(&entropy), now_ms: Arc::clone(&now_ms), open: |_| false };
        let registry: Arc<dyn Registry> =
            Arc::new(SqliteRegistry::open(&dir.path().join("registry.sqlite"), options).await.unwrap());
        let gate_clock = Arc::clone(&now_ms);
        let gate = Arc::new(Gate::new(GateSettings::new([7; 32], Arc::new(move || gate_clock() * 1_000))));
        let settings = settings(&format!("https://fc.exemple.test{}", annuaire_relying::STAND_IN_ROOT));
        let client = StandInClient::with_secret("portail", SECRET, &settings.redirect_uri, &settings.post_logout_redirect_uri);
        let stand_in = StandIn::open(StandInSettings {
            registry: Arc::clone(&registry),
            entropy: Arc::clone(&entropy),
            now_ms: Arc::clone(&now_ms),
            secret: [7; 32],
            gate: Arc::clone(&gate),
            base: "https://fc.exemple.test".into(),
            clients: vec![client],
            citizens: fictional_citizens(),
            style: "/style.css".into(),
            takes_damage,
        })
        .await
        .unwrap();
        let line = Arc::new(Line {
            stand_in: Arc::clone(&stand_in),
            calls: Mutex::default(),
            is_down: AtomicBool::new(false),
            instead: Mutex::default(),
            tokens: Mutex::default(),
        });
        let caller = Arc::clone(&line) as Arc<dyn ProviderCaller>;
        let parts = RelyingParts {
            registry: Arc::clone(&registry),
            entropy: Arc::clone(&entropy),
            secret: [7; 32],
            caller: Arc::clone(&caller),
        };
        let door = CivilDoor::new(CivilDoorSettings {
            registry: Arc::clone(&registry),
            entropy,
            now_ms,
            secret: [7; 32],
            gate,
            provider: settings,
            caller,
            style: "/style.css".into(),
            is_fictional: true,
            professional_sign_in: "/auth/entree?retour=/portail/pro".into(),
            manager_page: "/portail/gae".into(),
        })
        .unwrap();
        let who = get(|person: Option<Extension<CivilSession>>| async move {
            person.map_or("nobody".to_owned(), |Extension(person)| {
                format!("{} {} {}", person.account, person.identity.birth_name(), person.certification())
            })
        });
        let who = who.layer(axum::middleware::from_fn_with_state(Arc::clone(&door), tell_civil));
        let app = civil_router(&door).merge(stand_in_router(&stand_in)).route("/portail/qui", who);
        Self { registry, clock, line, door, app, parts, dir }
    }

    pub fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub async fn rows(&self, kind: &str) -> Vec<IdentityRow> {
        self.registry.identity_rows(kind, None, "", 100).await.unwrap()
    }

    /// Events of the trail with their details, in order.
    pub async fn trail(&self) -> Vec<(String, String)> {
        let rows = self.registry.audit_trail(0, 1_000).await.unwrap();
        rows.into_iter().map(|row| (row.event.event, row.event.detail)).collect()
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> String {
        self.headers.get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The code that a page shows.
    pub fn code(&self) -> &str {
        between(&self.body, "Code&nbsp;: <span class=\"whole\">", "<")
    }

    pub fn gives(&self, cookie: &str) -> bool {
        let all = self.headers.get_all(header::SET_COOKIE);
        all.iter().any(|value| value.to_str().unwrap().starts_with(&format!("{cookie}=")))
    }
}

/// A browser without script.
#[derive(Debug, Default, Clone)]
pub struct Visitor {
    pub cookies: BTreeMap<String, String>,
    pub is_professional: bool,
}

impl Visitor {
    pub async fn send(&mut self, world: &World, method: Method, address: &str, form: Option<String>) -> Answer {
        let path = address.strip_prefix(PORTAL).or_else(|| address.strip_prefix("https://fc.exemple.test")).unwrap_or(address);
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "portail.exemple.test");
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if self.is_professional {
            request = request.extension(ProfessionalSessionOpen);
        }
        let answer = world.send(request.body(form.map_or_else(Body::empty, Body::from)).unwrap()).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
                assert!(cookie.contains(part), "{cookie}");
            }
            let (name, rest) = cookie.split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => drop(self.cookies.remove(name)),
                value => drop(self.cookies.insert(name.into(), value.into())),
            }
        }
        answer
    }

    pub async fn get(&mut self, world: &World, address: &str) -> Answer {
        self.send(world, Method::GET, address, None).await
    }

    pub async fn post(&mut self, world: &World, address: &str, form: &[(&str, &str)]) -> Answer {
        self.send(world, Method::POST, address, Some(encoded(form))).await
    }

    /// Begins a login; the page of the stand-in.
    pub async fn begin(&mut self, world: &World) -> Answer {
        let begun = self.get(world, "/portail/pro/franceconnect").await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
        self.get(world, &begun.location()).await
    }

    /// Chooses a person on a page of the stand-in; the address of the callback.
    pub async fn choose(&mut self, world: &World, page: &Answer, citizen: &str, damage: &str) -> String {
        let asked = between(&page.body, "name=\"demande\" value=\"", "\"").replace("&#38;", "&").replace("&amp;", "&");
        let choice = if citizen.is_empty() { ("action", "annuler") } else { ("citoyen", citizen) };
        let answer = self.post(world, "/fc-simulateur/choix", &[("demande", &asked), choice, ("defaut", damage)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer.location()
    }

    /// A whole login; the answer to the callback.
    pub async fn log_in(&mut self, world: &World, citizen: &str, damage: &str) -> Answer {
        let page = self.begin(world).await;
        let callback = self.choose(world, &page, citizen, damage).await;
        assert!(callback.starts_with(&format!("{PORTAL}/portail/pro/franceconnect/retour?")), "{callback}");
        self.get(world, &callback).await
    }

    pub async fn who(&mut self, world: &World) -> String {
        self.get(world, "/portail/qui").await.body
    }
}

pub fn encoded(form: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

pub fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).unwrap_or_else(|| panic!("no {from} in {text}")) + from.len();
    &text[start..start + text[start..].find(to).unwrap()]
}

pub fn parameter(address: &str, name: &str) -> String {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let found = form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}
