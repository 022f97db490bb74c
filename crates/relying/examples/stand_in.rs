//! The pages of people who log in with civil traits, and the stand-in for their provider, on this machine: to look at them in a browser.
//!
//! `cargo run -p annuaire-relying --example stand_in -- 8098`, then <http://127.0.0.1:8098/portail/pro/connexion>.

#![allow(clippy::unwrap_used, reason = "a demonstration ends when something is wrong")]

use annuaire_relying::{
    CivilDoor, CivilDoorSettings, ClientProof, RelyingSettings, StandIn, StandInClient, StandInSettings, civil_router,
    fictional_citizens, stand_in_router,
};
use annuaire_store::{Entropy, Registry};
use annuaire_store_sqlite::{SqliteOptions, SqliteRegistry};
use annuaire_web::{Gate, GateSettings};
use axum::http::header;
use axum::routing::get;
use std::sync::Arc;

const STYLE: &str = include_str!("../../pages/assets/style.css");

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
    let port = std::env::args().nth(1).unwrap_or_else(|| "8098".into());
    let base = format!("http://127.0.0.1:{port}");
    let directory = tempfile::tempdir().unwrap();
    let entropy: Entropy = Arc::new(fill);
    let mut secret = [0; 32];
    fill(&mut secret);
    let options = SqliteOptions { entropy: entropy.clone(), now_ms: Arc::new(now_ms), open: |_| true };
    let registry = SqliteRegistry::open(&directory.path().join("registry.sqlite"), options).await.unwrap();
    let registry: Arc<dyn Registry> = Arc::new(registry);
    let gate = Arc::new(Gate::new(GateSettings::new(secret, Arc::new(|| now_ms() * 1_000))));
    let issuer = format!("{base}{}", annuaire_relying::STAND_IN_ROOT);
    let mut provider = RelyingSettings::franceconnect_at(&issuer, "portail", ClientProof::Secret("demonstration".into()), &base);
    provider.is_plain_accepted = true;
    let (back, bye) = (&provider.redirect_uri, &provider.post_logout_redirect_uri);
    let stand_in = StandIn::open(StandInSettings {
        registry: Arc::clone(&registry),
        entropy: entropy.clone(),
        now_ms: Arc::new(now_ms),
        secret,
        gate: Arc::clone(&gate),
        base: base.clone(),
        clients: vec![StandInClient::with_secret("portail", "demonstration", back, bye)],
        citizens: fictional_citizens(),
        style: "/style.css".into(),
        takes_damage: false,
    })
    .await
    .unwrap();
    let door = CivilDoor::new(CivilDoorSettings {
        registry,
        entropy,
        now_ms: Arc::new(now_ms),
        secret,
        gate,
        provider,
        // In one program no connection is needed.
        caller: Arc::clone(&stand_in) as _,
        style: "/style.css".into(),
        is_fictional: true,
        professional_sign_in: "/auth/entree?retour=/portail/pro".into(),
        manager_page: "/portail/gae".into(),
    })
    .unwrap();
    let style = get(|| async { ([(header::CONTENT_TYPE, "text/css")], STYLE) });
    let app = civil_router(&door).merge(stand_in_router(&stand_in)).route("/style.css", style);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
