//! Logouts that a provider tells, with every token that ends nothing.

use annuaire_jose::{PrivateKey, SignatureAlgorithm, sign};
use annuaire_relying::{ProviderCall, ProviderCaller};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Answer, Visitor, World};

const PATH: &str = "/portail/pro/franceconnect/deconnexion";

/// A world whose provider has one more key, which the test holds.
async fn world() -> (World, PrivateKey) {
    let world = World::new().await;
    let key = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
    let call = ProviderCall { address: format!("{}/jwks", world.line.stand_in.issuer()), form: None, bearer: None };
    let mut set: Value = serde_json::from_slice(&world.line.call(call).await.unwrap().body).unwrap();
    set["keys"].as_array_mut().unwrap().push(key.public().jwk());
    world.line.answer_instead("jwks", 200, "application/json", &set.to_string());
    (world, key)
}

/// The person of the last login, as the provider names them.
fn subject(world: &World) -> String {
    let tokens = world.line.tokens.lock().unwrap();
    let token = tokens.last().unwrap()["id_token"].as_str().unwrap().to_owned();
    crate::journeys::claims(&token)["sub"].as_str().unwrap().to_owned()
}

/// A logout token that ends the sessions of a person.
fn claims(world: &World, subject: &str, id: &str) -> Value {
    let now_s = world.now() / 1_000;
    json!({
        "iss": world.line.stand_in.issuer(), "aud": "portail", "iat": now_s, "exp": now_s + 120, "jti": id, "sub": subject,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    })
}

async fn tell(world: &World, token: &str) -> Answer {
    Visitor::default().post(world, PATH, &[("logout_token", token)]).await
}

#[tokio::test]
async fn scenario_19_a_forged_replayed_or_nonce_bearing_logout_token_ends_no_session() {
    let (world, key) = world().await;
    let mut claire = Visitor::default();
    claire.log_in(&world, "claire", "").await;
    let of = subject(&world);
    let whole = claims(&world, &of, "one");
    let stranger = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
    let other_algorithm = PrivateKey::generate(SignatureAlgorithm::Rs256).unwrap();
    let with = |name: &str, value: Value| {
        let mut claims = whole.clone();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        sign(&key, "logout+jwt", &claims).unwrap()
    };
    let now_s = world.now() / 1_000;
    let sound = sign(&key, "logout+jwt", &whole).unwrap();
    let unsigned = {
        use base64::Engine;
        let part = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({"alg": "none", "typ": "logout+jwt"})), part(&whole))
    };
    for (why, token) in [
        ("signed by somebody else", sign(&stranger, "logout+jwt", &whole).unwrap()),
        ("by another algorithm", sign(&other_algorithm, "logout+jwt", &whole).unwrap()),
        ("not signed", unsigned),
        ("an access token", sign(&key, "at+jwt", &whole).unwrap()),
        ("a nonce", with("nonce", json!("n"))),
        ("no event", with("events", Value::Null)),
        ("another event", with("events", json!({"x": {}}))),
        ("another client", with("aud", json!("autre"))),
        ("another issuer", with("iss", json!("https://evil.test"))),
        ("nobody", with("sub", Value::Null)),
        ("no id", with("jti", Value::Null)),
        ("no time", with("iat", Value::Null)),
        ("too old", with("iat", json!(now_s - 400))),
        ("over", with("exp", json!(now_s - 60))),
        ("no token", "x".into()),
        ("nothing", String::new()),
    ] {
        let answer = tell(&world, &token).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{why}: {}", answer.body);
        assert_eq!(answer.headers["cache-control"], "no-store", "{why}");
        assert!(answer.body.contains("\"invalid_request\"") && !answer.body.contains(&of), "{why}: {}", answer.body);
        assert!(claire.who(&world).await.contains("SPECIMEN"), "{why}");
    }
    let twice = Visitor::default().post(&world, PATH, &[("logout_token", &sound), ("logout_token", &sound)]).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);

    let mut other = Visitor::default();
    other.log_in(&world, "angele", "").await;
    let answer = tell(&world, &sound).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    assert_eq!(claire.who(&world).await, "nobody");
    assert!(other.who(&world).await.contains("EXEMPLAIRE"), "nobody else is logged out");
    assert_eq!(world.trail().await.last().unwrap().0, "civil_session_ended");
    // The person logs in again; the token that was taken ends nothing more.
    claire.log_in(&world, "claire", "").await;
    assert_eq!(tell(&world, &sound).await.status, StatusCode::BAD_REQUEST);
    assert!(claire.who(&world).await.contains("SPECIMEN"));
    assert_eq!(tell(&world, &sign(&key, "JWT", &claims(&world, &of, "two")).unwrap()).await.status, StatusCode::OK);
    assert_eq!(claire.who(&world).await, "nobody");
    world.pass(10 * 60_000);
    assert!(world.door.sweep().await.unwrap() >= 2, "what was taken is forgotten when it is over");
}

#[tokio::test]
async fn a_provider_without_keys_is_asked_to_try_again() {
    let (world, key) = world().await;
    let mut claire = Visitor::default();
    claire.log_in(&world, "claire", "").await;
    let token = sign(&key, "logout+jwt", &claims(&world, &subject(&world), "one")).unwrap();
    world.pass(25 * 3_600_000);
    world.line.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(tell(&world, &token).await.status, StatusCode::SERVICE_UNAVAILABLE);
}
