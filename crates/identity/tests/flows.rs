//! The flows of identity.md §6, against the endpoints as clients and browsers use them.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_identity::REALM;
use annuaire_jose::{TokenRule, open_token, read_jwks};
use axum::http::{StatusCode, header};
use serde_json::json;
use world::*;

#[tokio::test]
async fn scenario_01_a_client_of_the_national_service_logs_somebody_in() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let back = world.login_answer(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    assert_eq!(back["state"], "etat");
    assert_eq!(back["iss"], format!("{HOST}{REALM}"));
    let answer = world.tokens("exemple", &back["code"]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let tokens = answer.json();
    assert_eq!(
        (&tokens["expires_in"], &tokens["token_type"], &tokens["refresh_expires_in"]),
        (&json!(120), &json!("Bearer"), &json!(1800))
    );
    assert_eq!(tokens["session_state"], back["session_state"]);

    // What is signed verifies with what is published.
    let keys = world.get(&format!("{REALM}/protocol/openid-connect/certs"), &[]).await.json();
    let keys = read_jwks(&keys).unwrap();
    let rule = TokenRule { types: &["JWT"], algorithms: &[annuaire_jose::SignatureAlgorithm::Rs256] };
    let id = open_token(tokens["id_token"].as_str().unwrap(), &rule, &|header| header.candidates(&keys)).unwrap().claims;
    for (claim, value) in [
        ("iss", json!(format!("{HOST}{REALM}"))),
        ("aud", json!("exemple")),
        ("nonce", json!("n-1")),
        ("acr", json!("eidas1")),
        ("amr", json!(["swk", "pin", "mfa"])),
        ("authMode", json!("MOBILE")),
        ("SubjectNameID", json!(DOCTOR)),
        ("typ", json!("ID")),
    ] {
        assert_eq!(id[claim], value, "{claim}");
    }
    let access = tokens["access_token"].as_str().unwrap();
    assert!(open_token(access, &rule, &|header| header.candidates(&keys)).is_err(), "an access token is no ID token");

    let told = world.userinfo(access).await.json();
    assert_eq!(told["sub"], id["sub"]);
    assert_eq!(told["SubjectNameID"], DOCTOR);
    assert_eq!(told["SubjectRole"], json!(["10^1.2.250.1.213.1.1.5.5"]));
    assert_eq!(told["SubjectRefPro"]["exercices"][0]["activities"].as_array().unwrap().len(), 2);

    let looked = world.introspect("exemple", access).await.json();
    assert_eq!(
        (&looked["active"], &looked["SubjectNameID"], &looked["client_id"]),
        (&json!(true), &json!(DOCTOR), &json!("exemple"))
    );

    // The second application asks nothing: there is a session.
    world.register(compat("autre")).await;
    let again = browser.follow(&world, &format!("/auth?{}", encoded(&request("autre")))).await;
    let second = query_of(again.location());
    assert!(second.contains_key("code") && second["session_state"] == back["session_state"], "{second:?}");
}

/// Every line of the metadata works.
#[tokio::test]
async fn scenario_02_metadata_at_both_paths_says_what_works() {
    let world = World::new().await;
    let one = world.get(&format!("{REALM}/.well-known/openid-configuration"), &[]).await;
    let other = world.get(&format!("{REALM}/.well-known/wallet-openid-configuration"), &[]).await;
    assert_eq!((one.status, &one.body), (StatusCode::OK, &other.body));
    let told = one.json();
    assert_eq!(told["issuer"], format!("{HOST}{REALM}"));
    let endpoints = told.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
    let mut tried = 0;
    for (name, address) in endpoints {
        let path = address.as_str().unwrap().strip_prefix(HOST).unwrap();
        let answer = match name.as_str() {
            "jwks_uri" | "authorization_endpoint" | "end_session_endpoint" | "userinfo_endpoint" => world.get(path, &[]).await,
            _ => world.post(path.strip_prefix(&format!("{REALM}/protocol/openid-connect/")).unwrap(), &[], &[]).await,
        };
        let expected = match name.as_str() {
            "jwks_uri" => StatusCode::OK,
            "end_session_endpoint" => StatusCode::SEE_OTHER,
            "authorization_endpoint" => StatusCode::BAD_REQUEST,
            // A stranger.
            _ => StatusCode::UNAUTHORIZED,
        };
        assert_eq!(answer.status, expected, "{name}: {}", answer.body);
        tried += 1;
    }
    assert_eq!(tried, 9);
}

/// What a browser is told on a page and never by a redirection.
#[tokio::test]
async fn scenario_03_an_answer_goes_to_registered_addresses_alone() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let mut browser = Browser::default();
    for (name, value) in [
        ("redirect_uri", "https://app.exemple.test/oidc/callback/"),
        ("redirect_uri", "https://evil.test/"),
        ("client_id", "inconnu"),
    ] {
        let mut query = request("exemple");
        query.retain(|(known, _)| *known != name);
        query.push((name, value));
        let answer = browser.step(&world, &format!("/auth?{}", encoded(&query))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{value}");
        assert!(!answer.headers.contains_key(header::LOCATION) && answer.body.contains("<h1>Demande incorrecte</h1>"));
    }
    let mut query = request("exemple");
    query.push(("prompt", "none"));
    let answer = browser.step(&world, &format!("/auth?{}", encoded(&query))).await;
    let back = query_of(answer.location());
    assert_eq!((back["error"].as_str(), back["state"].as_str()), ("login_required", "etat"));
}

#[tokio::test]
async fn scenario_04_a_code_used_twice_ends_what_it_gave() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    world.register(compat("autre")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    assert_eq!(world.tokens("autre", &code).await.error(), "invalid_grant", "another client's");
    let first = world.tokens("exemple", &code).await.json();
    let access = first["access_token"].as_str().unwrap();
    assert_eq!(world.userinfo(access).await.status, StatusCode::OK);
    assert_eq!(world.tokens("exemple", &code).await.error(), "invalid_grant");
    let over = world.userinfo(access).await;
    assert_eq!(over.status, StatusCode::UNAUTHORIZED);
    assert!(over.headers[header::WWW_AUTHENTICATE].to_str().unwrap().contains("error=\"invalid_token\""));
    assert_eq!(world.introspect("exemple", access).await.json(), json!({"active": false}));
    assert_eq!(world.refresh("exemple", first["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
}

#[tokio::test]
async fn scenario_05_an_access_token_is_over_after_121_seconds() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let tokens = world.tokens("exemple", &code).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    world.pass(120_000);
    assert_eq!(world.userinfo(access).await.status, StatusCode::OK);
    world.pass(1_000);
    assert_eq!(world.userinfo(access).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.introspect("exemple", access).await.json(), json!({"active": false}));

    let late = browser.follow(&world, &format!("/auth?{}", encoded(&request("exemple")))).await;
    let code = query_of(late.location())["code"].clone();
    world.pass(60_000);
    assert_eq!(world.tokens("exemple", &code).await.error(), "invalid_grant", "a minute later");
}

#[tokio::test]
async fn scenario_07_a_refresh_token_that_was_replaced_ends_its_family() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let first = world.tokens("exemple", &code).await.json();
    let r1 = first["refresh_token"].as_str().unwrap().to_owned();
    world.pass(1_000);
    let second = world.refresh("exemple", &r1).await.json();
    let r2 = second["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(r1, r2);
    assert!(second["id_token"].is_string() && claims_of(second["id_token"].as_str().unwrap())["nonce"].is_null());
    // A lost answer is forgiven for ten seconds.
    world.pass(5_000);
    let third = world.refresh("exemple", &r1).await.json();
    let r3 = third["refresh_token"].as_str().unwrap().to_owned();
    world.pass(11_000);
    assert_eq!(world.refresh("exemple", &r1).await.error(), "invalid_grant");
    assert_eq!(world.refresh("exemple", &r3).await.error(), "invalid_grant", "the whole family is over");
    assert_eq!(world.userinfo(third["access_token"].as_str().unwrap()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn scenario_06_a_refresh_token_is_over_after_31_minutes_without_use() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let code = world.login(&mut Browser::default(), &phone, DOCTOR, &request("exemple")).await;
    let tokens = world.tokens("exemple", &code).await.json();
    world.pass(31 * 60_000);
    assert_eq!(world.refresh("exemple", tokens["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
}

#[tokio::test]
async fn scenario_08_a_session_ends_after_four_hours_and_half_an_hour_without_use() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let mut silent = request("exemple");
    silent.push(("prompt", "none"));
    let path = format!("/auth?{}", encoded(&silent));
    for _ in 0..9 {
        world.pass(25 * 60_000);
        let answer = browser.step(&world, &path).await;
        assert!(query_of(answer.location()).contains_key("code"));
    }
    world.pass(16 * 60_000);
    assert_eq!(query_of(browser.step(&world, &path).await.location())["error"], "login_required", "after 4 h 01");

    world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    world.pass(31 * 60_000);
    assert_eq!(query_of(browser.step(&world, &path).await.location())["error"], "login_required", "after 31 minutes");
}

#[tokio::test]
async fn a_session_of_a_frozen_phone_opens_no_other_application() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let mut silent = request("exemple");
    silent.push(("prompt", "none"));
    let path = format!("/auth?{}", encoded(&silent));
    assert!(query_of(browser.step(&world, &path).await.location()).contains_key("code"));
    let row = annuaire_store::IdentityRow {
        kind: world::FROZEN.into(),
        key: DOCTOR.into(),
        subject: String::new(),
        due_ms: None,
        version: 1,
        content: "{}".into(),
    };
    let mut unit = world.registry.begin().await.unwrap();
    unit.write_identity(&annuaire_store::IdentityWrite::Create(row)).await.unwrap();
    let now_ms = world.clock.load(std::sync::atomic::Ordering::SeqCst);
    let cause = annuaire_store::Cause::new(annuaire_store::Channel::Operator, "test", "test");
    unit.save(&cause, annuaire_store::CommitClock { now_ms: &move || now_ms, any_clock: false }).await.unwrap();
    assert_eq!(query_of(browser.step(&world, &path).await.location())["error"], "login_required");
}

#[tokio::test]
async fn scenario_09_a_wrong_number_refuses_and_says_so() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let page = browser.follow(&world, &format!("/auth?{}", encoded(&request("exemple")))).await;
    let wait = browser.submit(&world, &page, &[("identifiant", "99900000011"), ("action", "e-cps")]).await;
    let number = between(&wait.body, "Nombre à choisir\">", "<");
    let wrong = if number == "17" { "18" } else { "17" };
    _ = phone.approve(&world.phone, wrong).await;
    let path = browser.at.clone();
    let refused = browser.follow(&world, &path).await;
    assert!(refused.body.contains("Connexion refusée"), "{}", refused.body);
    let back = browser.post(&world, &refused, &[("action", "annuler")]).await;
    assert_eq!(query_of(back.location())["error"], "access_denied");
}

#[tokio::test]
async fn scenario_11_an_unknown_identifier_looks_like_a_known_one() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let page = browser.follow(&world, &format!("/auth?{}", encoded(&request("exemple")))).await;
    let wait = browser.submit(&world, &page, &[("identifiant", DOCTOR), ("action", "e-cps")]).await;
    let path = browser.at.clone();
    let page = browser.follow(&world, &format!("/auth?{}", encoded(&request("exemple")))).await;
    let unknown = browser.submit(&world, &page, &[("identifiant", "899900000086"), ("action", "e-cps")]).await;
    assert_eq!(unknown.status, StatusCode::OK);
    let strip = |page: &str, path: &str| {
        let number = between(page, "Nombre à choisir\">", "<").to_owned();
        let id = path.trim_start_matches("/auth/connexion/").trim_end_matches("/attente").to_owned();
        let proof = between(page, "name=\"proof\" value=\"", "\"").to_owned();
        page.replace(&number, "NN").replace(&id, "ID").replace(&proof, "PROOF")
    };
    assert_eq!(strip(&wait.body, &path), strip(&unknown.body, &browser.at));
}

/// The page that waits looks without taking the answer, and tells another browser nothing.
#[tokio::test]
async fn the_state_of_a_login_is_told_to_its_browser_and_takes_nothing() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let page = browser.follow(&world, &format!("/auth?{}", encoded(&request("exemple")))).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let wait = browser.submit(&world, &page, &[("identifiant", DOCTOR), ("action", "e-cps")]).await;
    let policy = wait.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'; connect-src 'self'") && policy.contains("default-src 'none'"), "{policy}");
    assert!(wait.body.contains("<noscript><meta http-equiv=\"refresh\""), "{}", wait.body);
    let script = browser.step(&world, between(&wait.body, "<script src=\"", "\"")).await;
    assert_eq!(
        (script.status, &script.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"text/javascript;charset=UTF-8".parse().unwrap())
    );
    let path = login_path(&wait);
    let state = format!("{path}/etat");
    assert_eq!(browser.step(&world, &state).await.status, StatusCode::NO_CONTENT);
    assert_eq!(Browser::default().step(&world, &state).await.status, StatusCode::OK, "as if there were nothing to wait for");
    phone.approve(&world.phone, between(&wait.body, "Nombre à choisir\">", "<")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(browser.step(&world, &state).await.status, StatusCode::OK);
    }
    let back = browser.step(&world, &format!("{path}/attente")).await;
    assert!(query_of(back.location()).contains_key("code"));
}

/// Path of the login whose page this is.
fn login_path(page: &Answer) -> String {
    between(&page.body, "<form method=\"post\" action=\"", "\"").to_owned()
}

/// A login belongs to the browser that began it, and its forms to its pages.
#[tokio::test]
async fn forms_and_logins_belong_to_their_browser() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let mut browser = Browser::default();
    let page = browser.follow(&world, &format!("/auth?{}", encoded(&request("exemple")))).await;
    let path = browser.at.clone();
    let mut thief = Browser::default();
    assert_eq!(thief.step(&world, &path).await.status, StatusCode::GONE);
    let forged = Answer { body: page.body.replace("name=\"proof\" value=\"", "name=\"proof\" value=\"x"), ..page };
    let answer = browser.post(&world, &forged, &[("identifiant", DOCTOR), ("action", "e-cps")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    for (name, expected) in [("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"), ("cache-control", "no-store")] {
        assert_eq!(answer.headers[name], expected);
    }
    assert!(answer.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
    assert!(answer.headers.contains_key("strict-transport-security"));
    // Cookies are of this host alone, over TLS, not for scripts; and the session gets a new one at each login.
    assert!(browser.cookies.keys().all(|name| name.starts_with("__Host-")), "{:?}", browser.cookies);
}

/// The end of a right is the end of tokens and sessions, and relying parties are told.
#[tokio::test]
async fn scenario_14_when_the_right_ends_the_session_ends() {
    let world = World::new().await;
    for id in ["exemple", "sourd"] {
        world.register(compat(id)).await;
    }
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let tokens = world.tokens("exemple", &code).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    browser.follow(&world, &format!("/auth?{}", encoded(&request("sourd")))).await;

    world.pass(10);
    world.state(DOCTOR, Some(person(DOCTOR, "10", vec![situation("1", "F990000010", "")]))).await;
    assert_eq!(world.follow().await, 0);
    let told = world.userinfo(access).await.json();
    assert_eq!(told["SubjectRefPro"]["exercices"][0]["activities"].as_array().unwrap().len(), 1);

    world.pass(10);
    world.state(DOCTOR, None).await;
    assert_eq!(world.follow().await, 1);
    assert_eq!(world.userinfo(access).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.introspect("exemple", access).await.json(), json!({"active": false}));
    assert_eq!(world.refresh("exemple", tokens["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");

    let told = Told::default();
    told.silent.lock().unwrap().push("https://sourd.exemple.test/logout".into());
    while world.provider.tell_one_logout(&told).await.unwrap() {}
    {
        let sent = told.tokens.lock().unwrap();
        assert_eq!(sent.len(), 1, "who answers is told, whoever does not");
        let claims = claims_of(&sent[0].1);
        assert_eq!((&claims["aud"], &claims["sid"]), (&json!("exemple"), &tokens["session_state"]));
        assert!(claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object() && claims["nonce"].is_null());
    }
    // The silent one is told once it answers.
    told.silent.lock().unwrap().clear();
    world.pass(60_000);
    while world.provider.tell_one_logout(&told).await.unwrap() {}
    assert_eq!(told.tokens.lock().unwrap().len(), 2);
}

/// A device that is revoked takes its sessions with it.
#[tokio::test]
async fn a_revoked_device_ends_its_sessions() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let tokens = world.tokens("exemple", &code).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(world.phone.revoke_all(DOCTOR, &[], "support").await.unwrap(), 1);
    world.phone.run_messages(world.phone.now_ms()).await.unwrap();
    assert_eq!(world.userinfo(access).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn scenario_15_a_new_identifier_keeps_the_sub() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let (old, new) = ("0999999001", "899900000060");
    world.state(old, Some(person(old, "10", vec![situation("9", "F990000010", "")]))).await;
    let phone = world.activated(old).await;
    let code = world.login(&mut Browser::default(), &phone, old, &request("exemple")).await;
    let before = world.tokens("exemple", &code).await.json();
    let before = claims_of(before["id_token"].as_str().unwrap());
    assert_eq!(before["SubjectNameID"], old);

    world.pass(10);
    world.state(old, None).await;
    world.state(new, Some(adeli(person(new, "10", vec![situation("9", "F990000010", "")]), old))).await;
    let code = world.login(&mut Browser::default(), &phone, new, &request("exemple")).await;
    let tokens = world.tokens("exemple", &code).await.json();
    let after = claims_of(tokens["id_token"].as_str().unwrap());
    assert_eq!((&after["SubjectNameID"], &after["sub"]), (&json!(new), &before["sub"]));
    let told = world.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    let known: Vec<_> = told["otherIds"].as_array().unwrap().iter().map(|id| (&id["identifiant"], &id["origine"])).collect();
    assert_eq!(known, [(&json!(new), &json!("RPPS")), (&json!(old), &json!("ADELI"))]);
}

#[tokio::test]
async fn scenario_16_a_professional_with_a_role_has_no_profession() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(ROLE).await;
    let code = world.login(&mut Browser::default(), &phone, ROLE, &request("exemple")).await;
    let tokens = world.tokens("exemple", &code).await.json();
    let told = world.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(told["SubjectRole"], json!(["331^1.2.250.1.213.1.1.5.5"]));
    assert_eq!(told["SubjectRefPro"]["exercices"][0]["codeProfession"], "");
}

/// Asks for the doctor by CIBA, with one parameter changed or left out.
async fn ciba(world: &World, client: &str, change: (&str, Option<&str>)) -> Answer {
    let whole = [
        ("scope", "openid scope_all"),
        ("acr_values", "eidas1"),
        ("login_hint", DOCTOR),
        ("binding_message", "42"),
        ("channel", "MOBILE"),
    ];
    let (name, value) = basic(client);
    let mut form: Vec<(&str, &str)> = whole.into_iter().filter(|(known, _)| *known != change.0).collect();
    form.extend(change.1.map(|value| (change.0, value)));
    world.post("ext/ciba/auth", &[(name, &value)], &form).await
}

#[tokio::test]
async fn scenario_13_a_client_without_the_right_asks_nobody_by_ciba() {
    let world = World::new().await;
    let mut without = compat("sans");
    without.grant_types.retain(|grant| *grant != annuaire_identity::GrantType::Ciba);
    world.register(without).await;
    let phone = world.activated(DOCTOR).await;
    assert_eq!(ciba(&world, "sans", ("", None)).await.error(), "unauthorized_client");
    assert!(phone.approve(&world.phone, "42").await.is_err(), "nothing waits on the phone");
}

#[tokio::test]
async fn scenario_12_ciba_tells_what_happens() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    world.register(compat("autre")).await;
    let phone = world.activated(DOCTOR).await;
    let ask = async |client: &str, change: (&str, Option<&str>)| ciba(&world, client, change).await;
    for (client, change, error) in [
        ("exemple", ("login_hint", None), "invalid_request"),
        ("exemple", ("login_hint", Some("899900000086")), "unknown_user_id"),
        ("exemple", ("binding_message", Some("4")), "invalid_binding_message"),
        ("exemple", ("channel", Some("PIGEON")), "invalid_request"),
        ("exemple", ("id_token_hint", Some("x")), "invalid_request"),
    ] {
        assert_eq!(ask(client, change).await.error(), error, "{change:?}");
    }
    let poll = async |client: &str, id: &str| {
        let (name, value) = basic(client);
        let form = [("grant_type", "urn:openid:params:grant-type:ciba"), ("auth_req_id", id)];
        world.post("token", &[(name, &value)], &form).await
    };
    let asked = ask("exemple", ("", None)).await.json();
    assert_eq!((&asked["expires_in"], &asked["interval"]), (&json!(120), &json!(5)));
    let id = asked["auth_req_id"].as_str().unwrap().to_owned();
    assert_eq!(poll("autre", &id).await.error(), "invalid_grant");
    assert_eq!(poll("exemple", &id).await.error(), "authorization_pending");
    world.pass(1_000);
    assert_eq!(poll("exemple", &id).await.error(), "slow_down");
    world.pass(9_000);
    assert_eq!(poll("exemple", &id).await.error(), "slow_down", "ten seconds from now on");
    phone.approve(&world.phone, "42").await.unwrap();
    world.pass(20_000);
    let tokens = poll("exemple", &id).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    let told = world.userinfo(tokens.json()["access_token"].as_str().unwrap()).await.json();
    assert_eq!(told["SubjectNameID"], DOCTOR);
    assert_eq!(poll("exemple", &id).await.error(), "invalid_grant", "it was used");

    let id = ask("exemple", ("", None)).await.json()["auth_req_id"].as_str().unwrap().to_owned();
    phone.decide(&world.phone, "refuse", "").await.unwrap();
    world.pass(6_000);
    assert_eq!(poll("exemple", &id).await.error(), "access_denied");
    let id = ask("exemple", ("", None)).await.json()["auth_req_id"].as_str().unwrap().to_owned();
    world.pass(120_000);
    assert_eq!(poll("exemple", &id).await.error(), "expired_token");
}

/// The rights of introspection and revocation.
#[tokio::test]
async fn scenario_26_clients_look_into_their_own_tokens() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    world.register(compat("curieux")).await;
    let mut api = compat("api");
    api.introspects_others = true;
    world.register(api).await;
    let phone = world.activated(DOCTOR).await;
    let code = world.login(&mut Browser::default(), &phone, DOCTOR, &request("exemple")).await;
    let tokens = world.tokens("exemple", &code).await.json();
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    assert_eq!(world.introspect("curieux", access).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.introspect("api", access).await.json()["azp"], "exemple");
    assert_eq!(world.introspect("exemple", refresh).await.json()["active"], true);
    let (name, value) = basic("exemple");
    assert_eq!(world.post("token/introspect", &[(name, &value)], &[]).await.status, StatusCode::BAD_REQUEST);
    let (name, value) = basic("curieux");
    assert_eq!(world.post("revoke", &[(name, &value)], &[("token", refresh)]).await.status, StatusCode::OK);
    assert_eq!(world.introspect("exemple", refresh).await.json()["active"], true, "another client revokes nothing");
    let (name, value) = basic("exemple");
    assert_eq!(world.post("revoke", &[(name, &value)], &[("token", refresh)]).await.status, StatusCode::OK);
    assert_eq!(world.introspect("exemple", access).await.json(), json!({"active": false}));
    let wrong = [("authorization", "Basic ZXhlbXBsZTp3cm9uZw==")];
    let answer = world.post("token", &wrong, &[("grant_type", "authorization_code"), ("code", "x")]).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    assert!(answer.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic"));
}

/// Logout by a client, and by a person who confirms.
#[tokio::test]
async fn a_logout_ends_the_session_and_returns_to_registered_addresses() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let tokens = world.tokens("exemple", &code).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    let end = format!("{REALM}/protocol/openid-connect/logout");
    // An address of somebody else's logs nobody out.
    let foreign = format!("{end}?{}", encoded(&[("post_logout_redirect_uri", "https://evil.test/"), ("client_id", "exemple")]));
    let answer = browser.follow(&world, &foreign).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    // Without a hint, the person confirms.
    let page = browser.follow(&world, &end).await;
    assert!(page.body.contains("Se déconnecter ?"), "{}", page.body);
    assert_eq!(world.userinfo(access).await.status, StatusCode::OK);
    // A hint whose signature is wrong is none.
    let hint = tokens["id_token"].as_str().unwrap();
    let broken = format!("{}x", &hint[..hint.len() - 1]);
    let page = browser.follow(&world, &format!("{end}?{}", encoded(&[("id_token_hint", &broken)]))).await;
    assert!(page.body.contains("Se déconnecter ?"));
    world.pass(130_000);
    let whole = [("id_token_hint", hint), ("post_logout_redirect_uri", "https://app.exemple.test/au-revoir"), ("state", "s")];
    let answer = browser.step(&world, &format!("{end}?{}", encoded(&whole))).await;
    assert_eq!(answer.location(), "https://app.exemple.test/au-revoir?state=s");
    assert_eq!(world.refresh("exemple", tokens["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
    let told = Told::default();
    while world.provider.tell_one_logout(&told).await.unwrap() {}
    assert_eq!(told.tokens.lock().unwrap().len(), 1);

    world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let page = browser.follow(&world, &end).await;
    let answer = browser.submit(&world, &page, &[]).await;
    assert!(answer.body.contains("Vous êtes déconnecté"), "{}", answer.body);
    let mut silent = request("exemple");
    silent.push(("prompt", "none"));
    let answer = browser.step(&world, &format!("/auth?{}", encoded(&silent))).await;
    assert_eq!(query_of(answer.location())["error"], "login_required");
}

/// `prompt=login` and `max_age` ask again; the session keeps its id and gets another cookie.
#[tokio::test]
async fn a_client_may_ask_for_another_login() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let first = world.login_answer(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let cookie = browser.cookies["__Host-annuaire-session"].clone();
    world.pass(2_000);
    let mut query = request("exemple");
    query.push(("max_age", "1"));
    let second = world.login_answer(&mut browser, &phone, DOCTOR, &query).await;
    assert_eq!(first["session_state"], second["session_state"]);
    assert_ne!(cookie, browser.cookies["__Host-annuaire-session"], "no cookie outlives a login");
    let tokens = world.tokens("exemple", &second["code"]).await.json();
    assert_eq!(claims_of(tokens["id_token"].as_str().unwrap())["auth_time"], json!(1_795_000_002));
    let mut old = browser.clone();
    old.cookies.insert("__Host-annuaire-session".into(), cookie);
    let mut silent = request("exemple");
    silent.push(("prompt", "none"));
    let answer = old.step(&world, &format!("/auth?{}", encoded(&silent))).await;
    assert_eq!(query_of(answer.location())["error"], "login_required", "the former cookie opens nothing");
    let mut form_post = request("exemple");
    form_post.push(("response_mode", "form_post"));
    let page = browser.follow(&world, &format!("/auth?{}", encoded(&form_post))).await;
    assert!(
        page.body.contains("name=\"code\"") && page.body.contains("action=\"https://app.exemple.test/oidc/callback\""),
        "{}",
        page.body
    );
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("form-action 'self' https://app.exemple.test;"));
}
