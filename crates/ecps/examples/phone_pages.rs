//! The pages of `/e-cps/` alone, with fictional people, on this machine: to look at them in a browser.
//!
//! `cargo run -p annuaire-ecps --example phone_pages -- 8099`, then <http://localhost:8099/e-cps/>. `/demander` stands for a login page: it asks
//! Camille to approve, and shows the number. Everybody is signed in as Camille.

#![allow(clippy::unwrap_used, reason = "a demonstration ends when something is wrong")]

use annuaire_ecps::{
    ActivationRight, ApprovalMethods, Asker, ContactBook, KnownContacts, LocalMailbox, MeansEnded, PhoneDemo, PhoneDoorSettings,
    PhoneService, PhoneSettings, PromptOrder, SignedIn, router,
};
use annuaire_store::{Entropy, Registry};
use annuaire_store_sqlite::{SqliteOptions, SqliteRegistry};
use async_trait::async_trait;
use axum::response::Html;
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;

const CAMILLE: &str = "810999000015";

struct People;

#[async_trait]
impl ContactBook for People {
    async fn contacts(&self, national_id: &str) -> Result<Option<KnownContacts>, String> {
        let camille = KnownContacts {
            mail: Some("camille@id.example".into()),
            mobile: Some("+33199000011".into()),
            name: "Camille".into(),
            birth_date: Some("1984-02-29".into()),
        };
        Ok((national_id == CAMILLE).then_some(camille))
    }
}

#[async_trait]
impl ActivationRight for People {
    async fn is_withheld(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }

    async fn is_frozen(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }

    async fn note_activation(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[async_trait]
impl MeansEnded for People {
    async fn means_ended(&self, _: &str, means_id: &str) {
        println!("means {means_id} ended");
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock of a demonstration")]
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Random bytes of the operating system.
fn fill(bytes: &mut [u8]) {
    use std::io::Read;
    std::fs::File::open("/dev/urandom").unwrap().read_exact(bytes).unwrap();
}

#[tokio::main]
async fn main() {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8099".into());
    let directory = tempfile::tempdir().unwrap();
    let entropy: Entropy = Arc::new(fill);
    let options = SqliteOptions { entropy: entropy.clone(), now_ms: Arc::new(now_ms), open: |_| true };
    let registry = SqliteRegistry::open(&directory.path().join("registry.sqlite"), options).await.unwrap();
    let registry: Arc<dyn Registry> = Arc::new(registry);
    let mailbox = Arc::new(LocalMailbox::new(Arc::clone(&registry), entropy.clone(), Arc::new(now_ms)));
    let service = Arc::new(PhoneService::new(PhoneSettings {
        registry,
        entropy,
        now_ms: Arc::new(now_ms),
        secret: [7; 32],
        messages: mailbox.clone(),
        contacts: Arc::new(People),
        rights: Arc::new(People),
        ended: Arc::new(People),
        public_base: format!("http://localhost:{port}"),
        push: None,
        methods: ApprovalMethods::default(),
    }));
    let worker = Arc::clone(&service);
    tokio::spawn(async move {
        loop {
            worker.run_messages(now_ms()).await.unwrap();
            worker.run_due(now_ms()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let asking = Arc::clone(&service);
    let ask = get(move || async move {
        let order = PromptOrder {
            national_id: CAMILLE.into(),
            other_ids: Vec::new(),
            client_id: "dossier".into(),
            client_name: "Dossier patient Exemple".into(),
            channel_origin: "Firefox sous Linux, Metz".into(),
            number: None,
            asker: Asker::Browser("demonstration".into()),
        };
        Html(match asking.ask(&order).await {
            Ok(answer) => format!("<h1 id=number>{}</h1>", answer.number),
            Err(refusal) => format!("<p>{refusal}</p>"),
        })
    });
    let who = SignedIn {
        national_id: CAMILLE.into(),
        other_ids: Vec::new(),
        sid: "demonstration".into(),
        by_card: true,
        login_ms: now_ms(),
    };
    let demo = Some(PhoneDemo { mailbox, people: vec![(CAMILLE.into(), "Camille Exemple".into())] });
    let settings = PhoneDoorSettings { fictional: true, sign_in: None, demo };
    let app = router(service, settings).route("/demander", ask).layer(axum::Extension(who));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
