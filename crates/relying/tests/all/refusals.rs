//! Tokens and answers of a provider that must be refused (identity.md §6, scenario 22), each by its code.

use axum::http::StatusCode;

use crate::world::{SESSION, Visitor, World};

async fn refused(world: &World, damage: &str) -> String {
    let mut visitor = Visitor::default();
    let answer = visitor.log_in(world, "claire", damage).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{damage}: {}", answer.location());
    assert!(!answer.gives(SESSION) && visitor.who(world).await == "nobody", "{damage}");
    assert!(!answer.body.contains("SPECIMEN"), "{damage}");
    answer.code().to_owned()
}

#[tokio::test]
async fn scenario_22_every_wrong_token_is_refused_with_its_code() {
    let world = World::new().await;
    let cases = [
        ("id-token.bad-signature", "id-token.signature"),
        ("id-token.alg-none", "id-token.algorithm"),
        ("id-token.hs256", "id-token.algorithm"),
        ("id-token.strange-key", "id-token.key"),
        ("id-token.access-token-type", "id-token.form"),
        ("id-token.no-token", "id-token.form"),
        ("id-token.wrong-iss", "id-token.issuer"),
        ("id-token.wrong-aud", "id-token.audience"),
        ("id-token.several-aud", "id-token.azp"),
        ("id-token.other-azp", "id-token.azp"),
        ("id-token.expired", "id-token.expired"),
        ("id-token.no-exp", "id-token.claim"),
        ("id-token.future", "id-token.time"),
        ("id-token.wrong-nonce", "id-token.nonce"),
        ("id-token.wrong-acr", "id-token.acr"),
        ("id-token.late-auth-time", "id-token.auth-time"),
        ("id-token.wrong-at-hash", "id-token.at-hash"),
        ("id-token.no-sub", "id-token.subject"),
        ("id-token.other-sub", "userinfo.subject"),
        ("userinfo.bad-signature", "userinfo.signature"),
        ("userinfo.alg-none", "userinfo.algorithm"),
        ("userinfo.hs256", "userinfo.algorithm"),
        ("userinfo.strange-key", "userinfo.key"),
        ("userinfo.other-sub", "userinfo.subject"),
        ("userinfo.no-sub", "userinfo.subject"),
        ("userinfo.wrong-aud", "userinfo.audience"),
        ("userinfo.wrong-iss", "userinfo.issuer"),
        ("userinfo.expired", "userinfo.expired"),
        ("userinfo.no-exp", "userinfo.claim"),
        ("userinfo.wrong-nonce", "userinfo.claim"),
        ("userinfo.bad-trait", "trait.birthdate"),
        ("userinfo.json", "answer"),
        ("token.refused", "exchange.invalid_grant"),
    ];
    for (damage, code) in cases {
        assert_eq!(refused(&world, damage).await, code, "{damage}");
    }
    let trail = world.trail().await;
    let told: Vec<String> = cases.iter().map(|(_, code)| format!("{{\"fault\":\"{code}\"}}")).collect();
    let seen: Vec<&String> = trail.iter().filter(|(event, _)| event == "upstream_login_refused").map(|(_, d)| d).collect();
    assert_eq!(seen, told.iter().collect::<Vec<_>>(), "the trail has the codes and nothing else");
    assert_eq!(Visitor::default().log_in(&world, "claire", "").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_demonstration_takes_no_damage() {
    let world = World::with(false).await;
    for damage in ["id-token.bad-signature", "userinfo.other-sub", "userinfo.json", "token.refused", "callback.wrong-iss"] {
        assert_eq!(Visitor::default().log_in(&world, "claire", damage).await.status, StatusCode::SEE_OTHER, "{damage}");
    }
}

#[tokio::test]
async fn a_rotation_of_keys_is_followed_once_a_minute() {
    let world = World::new().await;
    assert_eq!(Visitor::default().log_in(&world, "claire", "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(refused(&world, "id-token.rotated").await, "id-token.key", "keys were asked a moment ago");
    assert_eq!(world.line.count("jwks"), 1);
    world.pass(60_000);
    assert_eq!(Visitor::default().log_in(&world, "claire", "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.line.count("jwks"), 2);
    for _ in 0..3 {
        assert_eq!(refused(&world, "id-token.strange-key").await, "id-token.key");
    }
    assert_eq!(world.line.count("jwks"), 2, "a stranger's key makes nobody ask again and again");
    world.pass(24 * 3_600_000);
    assert_eq!(Visitor::default().log_in(&world, "claire", "").await.status, StatusCode::SEE_OTHER);
    assert_eq!((world.line.count("jwks"), world.line.count("openid-configuration")), (3, 2));
}

#[tokio::test]
async fn answers_that_are_no_answers_are_refused() {
    let world = World::new().await;
    let cases = [
        ("token", 200, "application/json", "<html>", "answer"),
        ("token", 200, "application/json", "{}", "answer"),
        ("token", 200, "application/json", r#"{"token_type":"DPoP","access_token":"a","id_token":"b"}"#, "answer"),
        ("token", 200, "application/json", r#"{"token_type":"bearer","access_token":"a b","id_token":"b"}"#, "answer"),
        ("token", 200, "application/json", r#"{"token_type":"bearer","access_token":"a"}"#, "answer"),
        ("token", 503, "text/html", "<html>", "exchange.status_503"),
        ("token", 400, "application/json", r#"{"error":"<b>"}"#, "exchange.other"),
        ("userinfo", 401, "application/json", "{}", "answer"),
        ("userinfo", 200, "application/json", "{}", "answer"),
        ("userinfo", 200, "application/jwt", "\u{e9}", "userinfo.form"),
    ];
    for (path, status, media_type, body, code) in cases {
        world.line.answer_instead(path, status, media_type, body);
        assert_eq!(refused(&world, "").await, code, "{path} {body}");
        world.line.instead.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn metadata_and_keys_of_somebody_else_are_refused() {
    let issuer = "https://fc.exemple.test/fc-simulateur/api/v2";
    let good = |change: fn(&mut serde_json::Value)| {
        let mut document = serde_json::json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"), "jwks_uri": format!("{issuer}/jwks"),
        });
        change(&mut document);
        document.to_string()
    };
    for body in [
        good(|d| d["issuer"] = "https://another.exemple.test".into()),
        good(|d| d["token_endpoint"] = "http://fc.exemple.test/token".into()),
        good(|d| d["end_session_endpoint"] = 7.into()),
        good(|d| drop(d.as_object_mut().unwrap().remove("jwks_uri"))),
        "no json".to_owned(),
    ] {
        let world = World::new().await;
        world.line.answer_instead("openid-configuration", 200, "application/json", &body);
        let answer = Visitor::default().get(&world, "/portail/pro/franceconnect").await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "answer"), "{body}");
        let again = Visitor::default().get(&world, "/portail/pro/franceconnect").await;
        assert_eq!(
            (again.code(), world.line.count("openid-configuration")),
            ("unreachable", 1),
            "it is left alone for some seconds"
        );
        world.pass(5_000);
        world.line.answer_instead("openid-configuration", 200, "application/json", &good(|_| ()));
        assert_eq!(Visitor::default().get(&world, "/portail/pro/franceconnect").await.status, StatusCode::SEE_OTHER);
        assert!(world.rows("relying_login").await.len() == 1);
    }
    let world = World::new().await;
    world.line.answer_instead("jwks", 200, "application/json", r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#);
    assert_eq!(refused(&world, "").await, "answer");
}
