//! Several nodes, restarts, races, rotation of keys, and what the audit trail says.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_identity::REALM;
use annuaire_jose::{SignatureAlgorithm, TokenRule, open_token, read_jwks};
use axum::http::StatusCode;
use world::*;

/// What one node gave, another one takes: all of it is in the database.
#[tokio::test]
async fn any_node_answers() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let other = world.another_node();
    let tokens = other.tokens("exemple", &code).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    let tokens = tokens.json();
    assert_eq!(world.userinfo(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
    assert_eq!(world.tokens("exemple", &code).await.error(), "invalid_grant", "used, on whichever node");
    let again = browser.follow(&other, &format!("/auth?{}", encoded(&request("exemple")))).await;
    assert!(query_of(again.location()).contains_key("code"), "the session is known there too");
}

/// Of many who present one code, at most one gets tokens.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_gets_the_tokens() {
    let world = std::sync::Arc::new(World::new().await);
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    for _ in 0..3 {
        let code = match browser.cookies.contains_key("__Host-annuaire-session") {
            false => world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await,
            true => {
                let answer = browser.step(&world, &format!("/auth?{}", encoded(&request("exemple")))).await;
                query_of(answer.location())["code"].clone()
            }
        };
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let (world, code) = (std::sync::Arc::clone(&world), code.clone());
                tokio::spawn(async move { world.tokens("exemple", &code).await.status })
            })
            .collect();
        let mut good = 0;
        for each in tries {
            good += usize::from(each.await.unwrap() == StatusCode::OK);
        }
        assert!(good <= 1, "{good} got tokens");
    }
}

/// Keys change without a moment in which a token does not verify.
#[tokio::test]
async fn keys_rotate_without_downtime() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let before = world.tokens("exemple", &code).await.json();
    let cached = world.get(&format!("{REALM}/protocol/openid-connect/certs"), &[]).await.json();
    world.provider.rotate_keys().await.unwrap();
    let again = browser.step(&world, &format!("/auth?{}", encoded(&request("exemple")))).await;
    let after = world.tokens("exemple", &query_of(again.location())["code"]).await.json();
    let kid = |tokens: &serde_json::Value| {
        let head = tokens["id_token"].as_str().unwrap().split('.').next().unwrap();
        let head = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, head).unwrap();
        serde_json::from_slice::<serde_json::Value>(&head).unwrap()["kid"].clone()
    };
    assert_ne!(kid(&before), kid(&after));
    let fresh = world.get(&format!("{REALM}/protocol/openid-connect/certs"), &[]).await.json();
    let rule = TokenRule { types: &["JWT"], algorithms: &[SignatureAlgorithm::Rs256] };
    for (tokens, keys, what) in [(&before, &fresh, "an old token, new keys"), (&after, &cached, "a new token, keys of a cache")] {
        let keys = read_jwks(keys).unwrap();
        assert!(open_token(tokens["id_token"].as_str().unwrap(), &rule, &|header| header.candidates(&keys)).is_ok(), "{what}");
    }
    assert_eq!(world.userinfo(before["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
}

/// Every authentication is in the audit trail, and no secret is; what is at rest opens nothing.
#[tokio::test]
async fn the_audit_trail_tells_who_and_no_secret() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &request("exemple")).await;
    let tokens = world.tokens("exemple", &code).await.json();
    world.provider.end_sessions_of(DOCTOR, None).await.unwrap();
    let trail = world.registry.audit_trail(0, 1_000).await.unwrap();
    let events: Vec<&str> = trail.iter().map(|row| row.event.event.as_str()).collect();
    for event in ["identity.client", "identity.login", "identity.token", "identity.session.end"] {
        assert!(events.contains(&event), "{event}: {events:?}");
    }
    let login = trail.iter().find(|row| row.event.event == "identity.login").unwrap();
    assert_eq!(login.event.actor, DOCTOR);
    let cookie = browser.cookies["__Host-annuaire-session"].clone();
    let secrets = [
        code.as_str(),
        tokens["refresh_token"].as_str().unwrap(),
        tokens["access_token"].as_str().unwrap(),
        cookie.as_str(),
        PIN,
    ];
    for row in &trail {
        assert!(secrets.iter().all(|secret| !format!("{row:?}").contains(secret)), "{row:?}");
    }
    for kind in ["client", "session", "session_cookie", "grant", "code", "signing_keys", "means", "prompt"] {
        for row in world.registry.identity_rows(kind, None, "", 1_000).await.unwrap() {
            assert!(secrets.iter().all(|secret| !format!("{row:?}").contains(secret)), "{kind}");
        }
    }
    let keys = world.registry.identity_rows("signing_keys", None, "", 10).await.unwrap();
    assert!(keys.len() == 1 && !keys[0].content.contains("pkcs8"), "sealed");
}

/// What is over is removed, and nothing else.
#[tokio::test]
async fn what_is_over_is_swept() {
    let world = World::new().await;
    world.register(compat("exemple")).await;
    let phone = world.activated(DOCTOR).await;
    let code = world.login(&mut Browser::default(), &phone, DOCTOR, &request("exemple")).await;
    world.tokens("exemple", &code).await;
    assert_eq!(world.provider.sweep().await.unwrap(), 0, "nothing is over yet");
    world.pass(5 * 3_600_000);
    assert!(world.provider.sweep().await.unwrap() >= 4, "session, cookie, grant, code, login");
    assert_eq!(world.provider.clients("", 10).await.unwrap().len(), 1);
}
