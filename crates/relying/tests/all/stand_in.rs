//! The stand-in as a client sees it: lifetimes, forms and errors of identity.md §4.2 and §4.3.

use annuaire_relying::{ProviderCall, ProviderCaller};
use axum::http::StatusCode;
use serde_json::Value;

use crate::world::{SECRET, Visitor, World, encoded, parameter};

const REDIRECT: &str = "https://portail.exemple.test/portail/pro/franceconnect/retour";
const AUTHORIZE: &str = "/fc-simulateur/api/v2/authorize";

fn query() -> Vec<(&'static str, &'static str)> {
    vec![
        ("response_type", "code"),
        ("client_id", "portail"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid identite_pivot"),
        ("acr_values", "eidas1"),
        ("state", "un-etat"),
        ("nonce", "0123456789012345678901"),
    ]
}

async fn code(world: &World) -> String {
    let mut visitor = Visitor::default();
    let page = visitor.get(world, &format!("{AUTHORIZE}?{}", encoded(&query()))).await;
    let back = visitor.choose(world, &page, "angele", "").await;
    assert_eq!((parameter(&back, "state").as_str(), parameter(&back, "iss").as_str()), ("un-etat", world.line.stand_in.issuer()));
    parameter(&back, "code")
}

async fn exchange(world: &World, form: &[(&str, &str)]) -> (u16, Value) {
    let address = format!("{}/token", world.line.stand_in.issuer());
    let answer = world.line.stand_in.call(ProviderCall { address, form: Some(encoded(form)), bearer: None }).await.unwrap();
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

fn form(code: &str) -> Vec<(&str, &str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("client_id", "portail"),
        ("client_secret", SECRET),
    ]
}

#[tokio::test]
async fn a_code_is_good_once_and_for_thirty_seconds() {
    let world = World::new().await;
    let given = code(&world).await;
    world.pass(29_999);
    let (status, body) = exchange(&world, &form(&given)).await;
    assert_eq!(status, 200, "{body}");
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token", "expires_in", "id_token", "scope", "token_type"]);
    assert_eq!((body["expires_in"].as_i64(), exchange(&world, &form(&given)).await.0), (Some(60), 400));
    let late = code(&world).await;
    world.pass(30_000);
    assert_eq!(exchange(&world, &form(&late)).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn an_exchange_needs_the_client_and_its_address() {
    let world = World::new().await;
    for (name, value, error) in [
        ("client_secret", "x", "invalid_client"),
        ("client_id", "x", "invalid_client"),
        ("grant_type", "refresh_token", "unsupported_grant_type"),
        ("redirect_uri", "https://portail.exemple.test/", "invalid_grant"),
        ("code_verifier", "a-verifier-that-no-challenge-was-given-for-at-all", "invalid_grant"),
    ] {
        let given = code(&world).await;
        let mut form: Vec<(&str, &str)> = form(&given).into_iter().filter(|(known, _)| *known != name).collect();
        form.push((name, value));
        assert_eq!(exchange(&world, &form).await.1["error"], error, "{name}");
    }
}

#[tokio::test]
async fn an_access_token_is_good_for_a_minute() {
    let world = World::new().await;
    let given = code(&world).await;
    let token = exchange(&world, &form(&given)).await.1["access_token"].as_str().unwrap().to_owned();
    let ask = |bearer: Option<String>| {
        let address = format!("{}/userinfo", world.line.stand_in.issuer());
        world.line.stand_in.call(ProviderCall { address, form: None, bearer })
    };
    world.pass(59_999);
    let answer = ask(Some(token.clone())).await.unwrap();
    assert_eq!((answer.status, answer.media_type.as_str()), (200, "application/jwt"));
    world.pass(1);
    assert_eq!(ask(Some(token)).await.unwrap().status, 401);
    assert_eq!(ask(None).await.unwrap().status, 401);
    world.pass(1);
    assert!(world.line.stand_in.sweep().await.unwrap() >= 1);
}

#[tokio::test]
async fn wrong_requests_are_a_page_with_a_code_or_a_redirection() {
    let world = World::new().await;
    let ask = async |name: &str, value: &str| {
        let mut query: Vec<(&str, &str)> = query().into_iter().filter(|(known, _)| *known != name).collect();
        if !value.is_empty() {
            query.push((name, value));
        }
        Visitor::default().get(&world, &format!("{AUTHORIZE}?{}", encoded(&query))).await
    };
    for (name, value) in
        [("nonce", ""), ("nonce", "court"), ("state", ""), ("acr_values", "eidas3"), ("client_id", "<b>"), ("prompt", "none")]
    {
        let answer = ask(name, value).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        assert!(answer.body.contains("Code <strong>Y0") && !answer.body.contains("<b>"), "{}", answer.body);
        assert_eq!(answer.location(), "");
    }
    let answer = ask("response_type", "token").await;
    assert_eq!(
        (answer.status, parameter(&answer.location(), "error").as_str()),
        (StatusCode::SEE_OTHER, "unsupported_response_type")
    );
    let forced = ask("prompt", "login").await;
    assert!(forced.body.contains("Qui êtes-vous"), "{}", forced.body);
}

#[tokio::test]
async fn a_logout_needs_a_token_of_ours_and_a_registered_address() {
    let world = World::new().await;
    let given = code(&world).await;
    let hint = exchange(&world, &form(&given)).await.1["id_token"].as_str().unwrap().to_owned();
    let bye = "https://portail.exemple.test/portail/pro/deconnecte";
    let good = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", bye), ("state", "é&")];
    let end = async |form: &[(&str, &str)]| {
        Visitor::default().get(&world, &format!("/fc-simulateur/api/v2/session/end?{}", encoded(form))).await
    };
    assert_eq!(end(&good).await.location(), format!("{bye}?state=%C3%A9%26"));
    for (at, value) in [(0, "x"), (0, &hint[..hint.len() - 4]), (1, "https://evil.test/"), (2, "")] {
        let mut form = good;
        form[at].1 = value;
        let answer = end(&form).await;
        assert_eq!((answer.status, answer.location().as_str()), (StatusCode::BAD_REQUEST, ""), "{at} {value}");
    }
}
