//! Logins by passkey, without a phone: what they give, and what is refused.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../../ecps/tests/all/authenticator.rs"]
mod authenticator;
mod world;

use annuaire_ecps::{DeviceChange, SignedIn, SimulatedPhone};
use annuaire_identity::ClientRecord;
use authenticator::Authenticator;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use world::*;

/// A phone of a person, with a passkey.
async fn ready(world: &World, national_id: &str, authenticator: &mut Authenticator) -> SimulatedPhone {
    let phone = world.activated(national_id).await;
    let call = |claims: Value| phone.signed("ecps-passkey+jwt", world.clock.load(Ordering::SeqCst), claims).unwrap();
    let id = &phone.activation_id;
    let options = world.phone.start_first_passkey(id, &call(json!({"activation_id": id}))).await.unwrap();
    let made = authenticator.create(&options);
    let signed = call(json!({"activation_id": id, "credential_id": made["id"]}));
    world.phone.finish_first_passkey(id, &signed, &made).await.unwrap();
    phone
}

async fn page(world: &World, browser: &mut Browser, client_id: &str) -> Answer {
    browser.follow(world, &format!("/auth?{}", encoded(&request(client_id)))).await
}

fn challenge(page: &Answer) -> &str {
    between(&page.body, "data-challenge=\"", "\"")
}

async fn present(world: &World, browser: &mut Browser, page: &Answer, assertion: &Value) -> Answer {
    browser.post(world, page, &[("action", "cle"), ("assertion", &assertion.to_string())]).await
}

/// Logs in and returns the code.
async fn login(world: &World, browser: &mut Browser, authenticator: &mut Authenticator, client_id: &str) -> String {
    let page = page(world, browser, client_id).await;
    let assertion = authenticator.get(challenge(&page));
    let back = present(world, browser, &page, &assertion).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
    query_of(back.location())["code"].clone()
}

fn holder() -> SignedIn {
    let login_ms = 1_795_000_000_000;
    SignedIn { national_id: DOCTOR.into(), other_ids: Vec::new(), sid: "s".into(), by_card: false, login_ms }
}

#[tokio::test]
async fn a_passkey_logs_somebody_in_without_a_phone() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    for (n, (synced, key)) in [(false, "hwk"), (true, "swk")].into_iter().enumerate() {
        let name = format!("authenticator {n}");
        let mut authenticator = if synced { Authenticator::synced(HOST, &name) } else { Authenticator::new(HOST, &name) };
        ready(&world, DOCTOR, &mut authenticator).await;
        let mut browser = Browser::default();
        let code = login(&world, &mut browser, &mut authenticator, "exemple").await;
        let tokens = world.tokens("exemple", &code).await.json();
        let id = claims_of(tokens["id_token"].as_str().unwrap());
        for (claim, value) in [
            ("authMode", json!("WEBAUTHN")),
            ("acr", json!("eidas1")),
            ("amr", json!([key, "user", "mfa"])),
            ("SubjectNameID", json!(DOCTOR)),
        ] {
            assert_eq!(id[claim], value, "{claim}");
        }
        assert_eq!(world.userinfo(tokens["access_token"].as_str().unwrap()).await.json()["SubjectNameID"], DOCTOR);
        // The session is one as others.
        let mut silent = request("exemple");
        silent.push(("prompt", "none"));
        let again = browser.step(&world, &format!("/auth?{}", encoded(&silent))).await;
        assert!(query_of(again.location()).contains_key("code"));
    }
}

#[tokio::test]
async fn the_page_is_whole_without_the_script_and_runs_no_other() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let mut browser = Browser::default();
    let page = page(&world, &mut browser, "exemple").await;
    assert!(between(&page.body, "id=\"cle-acces\"", ">").ends_with(" hidden"), "without script nobody sees it");
    assert!(page.body.contains("data-rp-id=\"id.exemple.test\"") && page.body.contains("Utiliser une clé d’accès"));
    assert!(page.body.contains("Se connecter avec e-CPS") && page.body.contains("autocomplete=\"username webauthn\""));
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'") && !policy.contains("unsafe"));
    assert_eq!(page.body.matches("<script").count(), 1);
    for forbidden in [" style=", " onclick=", "javascript:"] {
        assert!(!page.body.contains(forbidden), "{forbidden}");
    }
    let path = between(&page.body, "<script src=\"", "\"");
    let script = world.get(path, &[]).await;
    assert_eq!(
        (script.status, &script.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"text/javascript;charset=UTF-8".parse().unwrap())
    );
    assert!(script.body.contains("navigator.credentials.get") && !script.body.contains("fetch("));
    // Each login has a challenge of its own, which stays with it.
    let at = browser.at.clone();
    let seen = browser.step(&world, &at).await;
    assert_eq!(challenge(&seen), challenge(&page));
    let other = browser.follow(&world, &format!("/auth?{}", encoded(&request("exemple")))).await;
    assert_ne!(challenge(&other), challenge(&page));
    // The page that waits for a phone has a script of its own, and asks for no passkey.
    let wait = browser.submit(&world, &other, &[("identifiant", DOCTOR), ("action", "e-cps")]).await;
    assert!(!wait.body.contains(path) && !wait.body.contains("data-challenge"), "{}", wait.body);
}

/// Login CSRF, replays, other logins, browsers and origins.
#[tokio::test]
async fn an_assertion_is_good_once_for_its_login_in_its_browser() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let mut authenticator = Authenticator::synced(HOST, "one");
    ready(&world, DOCTOR, &mut authenticator).await;
    let (mut browser, mut attacker) = (Browser::default(), Browser::default());
    let first = page(&world, &mut browser, "exemple").await;
    let assertion = authenticator.get(challenge(&first));
    let is_refused = |answer: &Answer| {
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
        assert!(answer.body.contains("Cette clé d’accès n’est pas reconnue") && !answer.body.contains("aria-invalid"));
        assert!(!answer.headers.contains_key(header::SET_COOKIE), "no session");
    };
    // Another login of this browser, and the login of another browser that was talked into it.
    let second = page(&world, &mut browser, "exemple").await;
    is_refused(&present(&world, &mut browser, &second, &assertion).await);
    let theirs = page(&world, &mut attacker, "exemple").await;
    is_refused(&present(&world, &mut attacker, &theirs, &assertion).await);
    // The page of one browser in another one; a form that no page of ours made.
    assert_eq!(present(&world, &mut attacker, &first, &assertion).await.status, StatusCode::GONE);
    let stranger = world
        .send(
            Request::post(between(&first.body, "<form method=\"post\" action=\"", "\""))
                .header(header::HOST, "id.exemple.test")
                .body(Body::from(encoded(&[("action", "cle"), ("assertion", &assertion.to_string())])))
                .unwrap(),
        )
        .await;
    assert_eq!(stranger.status, StatusCode::GONE);
    let forged = Answer { body: first.body.replace("name=\"proof\" value=\"", "name=\"proof\" value=\"x"), ..first };
    assert_eq!(present(&world, &mut browser, &forged, &assertion).await.status, StatusCode::FORBIDDEN);
    let first = Answer { body: forged.body.replace("value=\"x", "value=\""), ..forged };
    // A page of somebody else relays: the browser says so.
    for origin in ["https://id.exemple.test.evil.test", "http://id.exemple.test", "https://evil.test"] {
        authenticator.origin = origin.into();
        is_refused(&present(&world, &mut browser, &first, &authenticator.get(challenge(&first))).await);
    }
    authenticator.origin = HOST.into();
    for nothing in [Value::Null, json!({}), json!("x")] {
        is_refused(&present(&world, &mut browser, &first, &nothing).await);
    }
    is_refused(&browser.post(&world, &first, &[("action", "cle")]).await);
    let mut unknown = Authenticator::synced(HOST, "one");
    unknown.user_handle.clone_from(&authenticator.user_handle);
    is_refused(&present(&world, &mut browser, &first, &unknown.get(challenge(&first))).await);
    // It is good where it belongs, on any node, and once.
    let node = world.another_node();
    let back = present(&node, &mut browser, &first, &assertion).await;
    assert!(query_of(back.location()).contains_key("code"));
    assert_eq!(present(&world, &mut browser, &first, &assertion).await.status, StatusCode::GONE, "a replay");
    let third = page(&world, &mut attacker, "exemple").await;
    is_refused(&present(&world, &mut attacker, &third, &assertion).await);
    let audited = world.registry.audit_trail(0, 10_000).await.unwrap();
    assert!(audited.iter().filter(|row| row.event.event == "identity.passkey.refused").count() >= 10);
}

#[tokio::test]
async fn who_may_not_log_in_is_told_so_whatever_passkey_they_have() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let mut authenticator = Authenticator::new(HOST, "one");
    ready(&world, DOCTOR, &mut authenticator).await;
    let doctor = person(DOCTOR, "10", vec![situation("1", "F990000010", "")]);
    let mut dead = doctor.clone();
    dead.etat_civil = Some(annuaire_mos::EtatCivil { date_deces: "2026-11-01".into(), ..Default::default() });
    let mut closed = doctor.clone();
    closed.exercices[0].date_fin_effet_exercice = "2026-11-01".into();
    closed.exercices[0].situations.clear();
    for gone in [Some(dead), Some(closed), None] {
        world.state(DOCTOR, gone).await;
        let mut browser = Browser::default();
        let page = page(&world, &mut browser, "exemple").await;
        let answer = present(&world, &mut browser, &page, &authenticator.get(challenge(&page))).await;
        assert!(answer.body.contains("Connexion impossible"), "{}", answer.body);
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
    }
    world.state(DOCTOR, Some(doctor)).await;
    login(&world, &mut Browser::default(), &mut authenticator, "exemple").await;
}

/// A phone of the former number opens the account of the person, whom the register knows by another one.
#[tokio::test]
async fn a_passkey_of_a_former_identifier_is_of_its_person() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let (old, new) = ("0999999001", "899900000060");
    world.state(old, Some(person(old, "10", vec![situation("9", "F990000010", "")]))).await;
    let mut authenticator = Authenticator::new(HOST, "one");
    let phone = ready(&world, old, &mut authenticator).await;
    let subject = async |code: &str| {
        let tokens = world.tokens("exemple", code).await.json();
        let id = claims_of(tokens["id_token"].as_str().unwrap());
        (id["sub"].clone(), id["SubjectNameID"].clone())
    };
    let before = subject(&login(&world, &mut Browser::default(), &mut authenticator, "exemple").await).await;
    assert_eq!(before.1, old);
    world.state(old, None).await;
    world.state(new, Some(adeli(person(new, "10", vec![situation("9", "F990000010", "")]), old))).await;
    // Until the account knows the new number, nobody can tell whose passkey it is.
    let mut browser = Browser::default();
    let page = page(&world, &mut browser, "exemple").await;
    let answer = present(&world, &mut browser, &page, &authenticator.get(challenge(&page))).await;
    assert!(answer.body.contains("Connexion impossible"), "{}", answer.body);
    world.login(&mut Browser::default(), &phone, new, &request("exemple")).await;
    let after = subject(&login(&world, &mut Browser::default(), &mut authenticator, "exemple").await).await;
    assert_eq!(after, (before.0, json!(new)));
}

#[tokio::test]
async fn a_session_ends_with_the_means_and_with_the_passkey_that_it_rests_on() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let is_open = async |browser: &mut Browser| {
        let mut silent = request("exemple");
        silent.push(("prompt", "none"));
        let answer = browser.step(&world, &format!("/auth?{}", encoded(&silent))).await;
        query_of(answer.location()).contains_key("code")
    };
    let mut authenticator = Authenticator::new(HOST, "one");
    let phone = ready(&world, DOCTOR, &mut authenticator).await;
    let (mut by_phone, mut by_passkey) = (Browser::default(), Browser::default());
    world.login(&mut by_phone, &phone, DOCTOR, &request("exemple")).await;
    let code = login(&world, &mut by_passkey, &mut authenticator, "exemple").await;
    let access = world.tokens("exemple", &code).await.json()["access_token"].as_str().unwrap().to_owned();
    assert!(is_open(&mut by_phone).await && is_open(&mut by_passkey).await);
    // The passkey goes: its sessions end at once, those of the phone stay.
    world.phone.change_device(&holder(), &phone.means_id, &DeviceChange::RemovePasskey).await.unwrap();
    assert!(is_open(&mut by_phone).await && !is_open(&mut by_passkey).await);
    assert_eq!(world.userinfo(&access).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.introspect("exemple", &access).await.json(), json!({"active": false}));
    let told = Told::default();
    assert!(world.provider.tell_one_logout(&told).await.unwrap());
    assert_eq!(told.tokens.lock().unwrap().len(), 1);
    // The means goes: both kinds end.
    let mut second = Authenticator::new(HOST, "two");
    let phone = ready(&world, DOCTOR, &mut second).await;
    let (mut by_phone, mut by_passkey) = (Browser::default(), Browser::default());
    world.login(&mut by_phone, &phone, DOCTOR, &request("exemple")).await;
    login(&world, &mut by_passkey, &mut second, "exemple").await;
    world.phone.change_device(&holder(), &phone.means_id, &DeviceChange::Revoke).await.unwrap();
    assert!(!is_open(&mut by_phone).await && !is_open(&mut by_passkey).await);
    // And no login comes of it any more; nor of a suspended one.
    let mut third = Authenticator::new(HOST, "three");
    let phone = ready(&world, DOCTOR, &mut third).await;
    world.phone.change_device(&holder(), &phone.means_id, &DeviceChange::Suspend).await.unwrap();
    for (authenticator, said) in [(&mut second, "n’est pas reconnue"), (&mut third, "est suspendu")] {
        let mut browser = Browser::default();
        let page = page(&world, &mut browser, "exemple").await;
        let answer = present(&world, &mut browser, &page, &authenticator.get(challenge(&page))).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(said), "{}", answer.body);
    }
}

#[tokio::test]
async fn clients_take_the_ways_that_they_are_registered_for() {
    let world = World::new().await;
    let modes = |id: &str, modes: &[&str]| ClientRecord {
        allowed_auth_modes: modes.iter().map(|mode| (*mode).to_owned()).collect(),
        ..compat(id)
    };
    world.register(compat("exemple")).await;
    world.register(modes("sans", &["CARD", "MOBILE"])).await;
    world.register(modes("avec", &["WEBAUTHN"])).await;
    let mut authenticator = Authenticator::new(HOST, "one");
    let phone = ready(&world, DOCTOR, &mut authenticator).await;
    let mut browser = Browser::default();
    login(&world, &mut browser, &mut authenticator, "exemple").await;
    // The session does not do for a client that wants a phone, whose page has no button.
    let without = page(&world, &mut browser, "sans").await;
    assert!(
        without.body.contains("Identifiant national") && !without.body.contains("cle-acces") && !without.body.contains("<script")
    );
    let answer = present(&world, &mut browser, &without, &authenticator.get("AAAA")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("ne sont pas proposées ici"), "{}", answer.body);
    let mut other = Browser::default();
    world.login(&mut other, &phone, DOCTOR, &request("exemple")).await;
    let asked = page(&world, &mut other, "avec").await;
    assert!(asked.body.contains("cle-acces"), "the session of the phone does not do here");
    login(&world, &mut other, &mut authenticator, "avec").await;
}

#[tokio::test]
async fn where_browsers_have_no_passkeys_the_page_proposes_none() {
    let world = World::with("http://id.exemple.test").await;
    world.register(compat("exemple")).await;
    let mut browser = Browser::default();
    let page = page(&world, &mut browser, "exemple").await;
    assert!(page.body.contains("Se connecter avec e-CPS") && !page.body.contains("cle-acces") && !page.body.contains("<script"));
    assert!(page.body.contains("autocomplete=\"username\""));
}

#[tokio::test]
async fn a_page_of_ours_may_ask_for_a_fresh_login() {
    let world = World::new().await;
    let entry = world.get("/auth/entree?retour=/e-cps/appareils&de-nouveau=oui", &[]).await;
    assert!(query_of(entry.location()).get("prompt").is_some_and(|prompt| prompt == "login"), "{}", entry.location());
    let entry = world.get("/auth/entree?retour=/e-cps/appareils", &[]).await;
    assert!(!query_of(entry.location()).contains_key("prompt"));
}
