//! The relying party by itself: other proofs, other forms of UserInfo, other providers, and calls over a real connection.

use std::sync::Arc;

use annuaire_jose::{PrivateKey, SignatureAlgorithm};
use annuaire_relying::{
    ClientProof, EndpointSource, HttpCaller, LoginFault, ProviderEndpoints, RelyingParts, RelyingParty, RelyingSettings,
    ServiceEnvironment, StandIn, StandInClient, StandInSettings, UserInfoForm, fictional_citizens, stand_in_router,
};
use annuaire_web::{Gate, GateSettings};
use serde_json::json;

use crate::world::{PORTAL, START_MS, Visitor, World, parameter, settings};

/// Goes from the beginning of a login to its callback; its query and the cookie.
async fn walk(world: &World, party: &RelyingParty, damage: &str) -> (String, String) {
    let begun = party.begin(world.now(), "/portail/x", None).await.unwrap();
    let mut visitor = Visitor::default();
    let page = visitor.get(world, &begun.location).await;
    let callback = visitor.choose(world, &page, "angele", damage).await;
    (callback.split_once('?').unwrap().1.to_owned(), begun.cookie)
}

fn changed(world: &World, change: impl FnOnce(&mut RelyingSettings)) -> RelyingParty {
    let mut settings = settings(world.line.stand_in.issuer());
    change(&mut settings);
    RelyingParty::new(settings, world.parts.clone()).unwrap()
}

#[tokio::test]
async fn a_request_has_what_the_provider_asks_for() {
    let world = World::new().await;
    let party = changed(&world, |settings| settings.max_age_s = Some(0));
    let begun = party.begin(world.now(), "/", None).await.unwrap();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "portail"),
        ("redirect_uri", "https://portail.exemple.test/portail/pro/franceconnect/retour"),
        ("acr_values", "eidas1"),
        ("code_challenge_method", "S256"),
        ("max_age", "0"),
    ] {
        assert_eq!(parameter(&begun.location, name), value, "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(parameter(&begun.location, name).len(), 43, "{name}");
    }
    let again = party.begin(world.now(), "/", Some(&begun.cookie)).await.unwrap();
    assert_eq!(again.cookie, begun.cookie);
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(parameter(&again.location, name), parameter(&begun.location, name), "{name}");
    }
    let odd = party.begin(world.now(), "/", Some("not one of ours")).await.unwrap();
    assert_ne!(odd.cookie, "not one of ours");
    let row = &world.rows("relying_login").await[0];
    assert!(
        !row.content.contains(&parameter(&begun.location, "nonce")) && !row.key.contains(&parameter(&begun.location, "state"))
    );
}

#[tokio::test]
async fn any_node_finishes_what_another_began() {
    let world = World::new().await;
    let (one, other) = (changed(&world, |_| ()), changed(&world, |_| ()));
    let (query, cookie) = walk(&world, &one, "").await;
    let login = other.finish(world.now(), &query, Some(&cookie)).await.unwrap();
    assert_eq!(
        (login.return_page.as_str(), login.acr.as_str(), login.auth_time_s),
        ("/portail/x", "eidas1", Some(START_MS / 1_000))
    );
    assert!(!format!("{login:?}").contains("EXEMPLAIRE"));
    let (query, cookie) = walk(&world, &one, "").await;
    let stranger = changed(&world, |settings| settings.code = "another".into());
    let fault = stranger.finish(world.now(), &query, Some(&cookie)).await.unwrap_err();
    assert!(matches!(fault, LoginFault::UnknownLogin), "the login of another provider");
    one.finish(world.now(), &query, Some(&cookie)).await.unwrap();
}

#[tokio::test]
async fn user_info_comes_in_the_form_of_the_settings_alone() {
    let world = World::new().await;
    let plain = changed(&world, |settings| settings.user_info = UserInfoForm::Json);
    let (query, cookie) = walk(&world, &plain, "userinfo.json").await;
    let login = plain.finish(world.now(), &query, Some(&cookie)).await.unwrap();
    assert_eq!(login.claims["family_name"], "EXEMPLAIRE");
    let (query, cookie) = walk(&world, &plain, "").await;
    assert_eq!(plain.finish(world.now(), &query, Some(&cookie)).await.unwrap_err().code(), "answer");
    world.line.answer_instead("userinfo", 200, "application/json", r#"{"sub":"x"}"#);
    let (query, cookie) = walk(&world, &plain, "").await;
    assert_eq!(plain.finish(world.now(), &query, Some(&cookie)).await.unwrap_err().code(), "userinfo.subject");
    world.line.answer_instead("userinfo", 200, "text/html", r#"{"sub":"x"}"#);
    let (query, cookie) = walk(&world, &plain, "").await;
    assert_eq!(
        plain.finish(world.now(), &query, Some(&cookie)).await.unwrap_err().code(),
        "answer",
        "the type is looked at first"
    );
    world.line.instead.lock().unwrap().clear();
    let rsa = changed(&world, |settings| settings.id_token_algorithms = vec![SignatureAlgorithm::Rs256]);
    let (query, cookie) = walk(&world, &rsa, "").await;
    assert_eq!(rsa.finish(world.now(), &query, Some(&cookie)).await.unwrap_err().code(), "id-token.algorithm");
}

#[tokio::test]
async fn a_login_at_the_provider_is_no_older_than_asked() {
    let world = World::new().await;
    let party = changed(&world, |settings| settings.max_age_s = Some(60));
    let mut visitor = Visitor::default();
    visitor.log_in(&world, "angele", "").await;
    for (wait, outcome) in [(80_000, None), (11_000, Some("id-token.auth-time"))] {
        world.pass(wait);
        let begun = party.begin(world.now(), "/", None).await.unwrap();
        let page = visitor.get(&world, &begun.location).await;
        let callback = visitor.choose(&world, &page, "angele", "").await;
        let finished = party.finish(world.now(), callback.split_once('?').unwrap().1, Some(&begun.cookie)).await;
        assert_eq!(finished.err().map(|fault| fault.code()).as_deref(), outcome, "{wait}");
    }
}

/// A stand-in behind a real connection, a client with a key, and endpoints one by one.
#[tokio::test]
async fn a_client_with_a_key_logs_in_over_http() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let clock = Arc::clone(&world.clock);
    let now_ms: Arc<dyn Fn() -> i64 + Send + Sync> = Arc::new(move || clock.load(std::sync::atomic::Ordering::SeqCst));
    let gate_clock = Arc::clone(&now_ms);
    let key = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
    let back = format!("{PORTAL}/retour");
    let stand_in = StandIn::open(StandInSettings {
        registry: Arc::clone(&world.registry),
        entropy: Arc::clone(&world.parts.entropy),
        now_ms,
        secret: [7; 32],
        gate: Arc::new(Gate::new(GateSettings::new([7; 32], Arc::new(move || gate_clock() * 1_000)))),
        base: base.clone(),
        clients: vec![StandInClient {
            client_id: "portail".into(),
            secret_sha256: None,
            keys: vec![key.public()],
            redirect_uris: vec![back.clone()],
            post_logout_redirect_uris: vec![],
        }],
        citizens: fictional_citizens(),
        style: "/style.css".into(),
        takes_damage: false,
    })
    .await
    .unwrap();
    let app = stand_in_router(&stand_in);
    let served = app.clone();
    let server = tokio::spawn(async move { axum::serve(listener, served).await });
    let issuer = stand_in.issuer().to_owned();
    let endpoints = ProviderEndpoints {
        authorization: format!("{issuer}/authorize"),
        token: format!("{issuer}/token"),
        user_info: format!("{issuer}/userinfo"),
        keys: format!("{issuer}/jwks"),
        end_session: None,
    };
    let other = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
    for (proof, endpoints, outcome) in [
        (ClientProof::Key(key.clone()), EndpointSource::Explicit(endpoints.clone()), None),
        (ClientProof::Key(key), EndpointSource::Metadata(format!("{issuer}/.well-known/openid-configuration")), None),
        (ClientProof::Key(other), EndpointSource::Explicit(endpoints.clone()), Some("exchange.invalid_client")),
        (ClientProof::Secret("x".into()), EndpointSource::Explicit(endpoints), Some("exchange.invalid_client")),
    ] {
        let mut settings = settings(&issuer);
        (settings.proof, settings.endpoints) = (proof, endpoints);
        settings.redirect_uri.clone_from(&back);
        settings.is_plain_accepted = true;
        let parts = RelyingParts { caller: Arc::new(HttpCaller::new(None).unwrap()), ..world.parts.clone() };
        let party = RelyingParty::new(settings, parts).unwrap();
        let begun = party.begin(world.now(), "/", None).await.unwrap();
        let asked = begun.location.split_once('?').unwrap().1;
        let form = crate::world::encoded(&[("demande", asked), ("citoyen", "camille")]);
        let request = axum::http::Request::post("/fc-simulateur/choix").body(axum::body::Body::from(form)).unwrap();
        let answer = tower::ServiceExt::oneshot(app.clone(), request).await.unwrap();
        let callback = answer.headers()["location"].to_str().unwrap().to_owned();
        let finished = party.finish(world.now(), callback.split_once('?').unwrap().1, Some(&begun.cookie)).await;
        match outcome {
            None => assert_eq!(finished.unwrap().claims["family_name"], "EXEMPLE"),
            Some(code) => assert_eq!(finished.unwrap_err().code(), code),
        }
    }
    server.abort();
}

/// The shape of the national provider of professionals: endpoints one by one, RS256, UserInfo as JSON, members that FranceConnect does not send.
#[tokio::test]
async fn a_login_at_pro_sante_connect_needs_its_preset_alone() {
    let world = World::new().await;
    let (back, bye) = ("https://app.exemple.test/oidc/callback", "https://app.exemple.test/au-revoir");
    let proof = ClientProof::Secret("s".into());
    let settings = RelyingSettings::pro_sante_connect(ServiceEnvironment::Sandbox, "exemple-dossier", proof, back, bye);
    let issuer = settings.issuer.clone();
    let party = RelyingParty::new(settings, world.parts.clone()).unwrap();
    let key = PrivateKey::generate(SignatureAlgorithm::Rs256).unwrap();
    let other = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
    let set = json!({"keys": [key.public().jwk(), other.public().jwk(), {"kty": "RSA", "use": "enc", "kid": "odd"}]});
    world.line.answer_instead("certs", 200, "application/json", &set.to_string());
    let subject = "f:550dc1c8-d97b-4b1e-ac8c-8eb4471cf9dd:899900000011";
    let told = json!({"sub": subject, "SubjectNameID": "899900000011", "otherIds": [{"origine": "RPPS"}]});
    world.line.answer_instead("userinfo", 200, "application/json", &told.to_string());
    for (signer, acr, outcome) in
        [(&key, "eidas1", None), (&key, "eidas0", Some("id-token.acr")), (&other, "eidas1", Some("id-token.algorithm"))]
    {
        let begun = party.begin(world.now(), "/portail/gae", None).await.unwrap();
        assert!(
            begun.location.starts_with("https://wallet.bas.psc.esante.gouv.fr/auth?response_type=code&"),
            "{}",
            begun.location
        );
        assert_eq!(parameter(&begun.location, "scope"), "openid scope_all");
        let now_s = world.now() / 1_000;
        let claims = json!({
            "iss": issuer, "aud": "exemple-dossier", "azp": "exemple-dossier", "sub": subject, "typ": "ID", "sid": "x",
            "exp": now_s + 120, "iat": now_s, "auth_time": now_s, "nonce": parameter(&begun.location, "nonce"), "acr": acr,
            "at_hash": annuaire_jose::access_token_hash("an-access-token", SignatureAlgorithm::Rs256),
        });
        let id_token = annuaire_jose::sign(signer, "JWT", &claims).unwrap();
        let tokens = json!({"access_token": "an-access-token", "expires_in": 120, "refresh_token": "r", "token_type": "Bearer",
            "id_token": id_token, "not-before-policy": 0, "session_state": "x", "scope": "openid scope_all"});
        world.line.answer_instead("token", 200, "application/json", &tokens.to_string());
        let state = parameter(&begun.location, "state");
        let query = crate::world::encoded(&[("state", &state), ("session_state", "x"), ("iss", &issuer), ("code", "c.d.e")]);
        let finished = party.finish(world.now(), &query, Some(&begun.cookie)).await;
        match outcome {
            None => {
                let login = finished.unwrap();
                assert_eq!((login.subject.as_str(), &login.claims["SubjectNameID"]), (subject, &json!("899900000011")));
                let left = party.logout_location(world.now(), &login.id_token, "s").await.unwrap().unwrap();
                assert!(left.starts_with(&format!("{issuer}/protocol/openid-connect/logout?id_token_hint=ey")), "{left}");
                assert_eq!(parameter(&left, "post_logout_redirect_uri"), bye);
            }
            Some(code) => assert_eq!(finished.unwrap_err().code(), code),
        }
    }
}
