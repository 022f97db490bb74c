//! The modules of the OpenID Foundation's lists (identity-libraries.md §5.1, §5.2) for a basic client, each as one step with its name.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_ecps::SimulatedPhone;
use annuaire_identity::{ClientMode, ClientRecord, REALM};
use annuaire_jose::{SignatureAlgorithm, TokenRule, open_token, read_jwks};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use world::*;

const QUERY_CALLBACK: &str = "https://app.exemple.test/cb?instance=1";

async fn basic_client(world: &World) {
    let record =
        ClientRecord { mode: ClientMode::Basic, redirect_uris: vec![CALLBACK.into(), QUERY_CALLBACK.into()], ..compat("base") };
    world.register(record).await;
}

/// A request as the suite makes it, with changes: a value of `None` takes the parameter away.
fn asked<'a>(changes: &[(&'a str, Option<&'a str>)]) -> Vec<(&'a str, &'a str)> {
    let mut all =
        vec![("response_type", "code"), ("client_id", "base"), ("redirect_uri", CALLBACK), ("scope", "openid"), ("state", "s")];
    for (name, value) in changes {
        all.retain(|(known, _)| known != name);
        all.extend(value.map(|value| (*name, value)));
    }
    all
}

async fn silent(world: &World, browser: &mut Browser, changes: &[(&str, Option<&str>)]) -> BTreeMap<String, String> {
    let answer = browser.step(world, &format!("/auth?{}", encoded(&asked(changes)))).await;
    assert!(answer.status == StatusCode::SEE_OTHER, "{changes:?}: {} {}", answer.status, answer.body);
    query_of(answer.location())
}

async fn logged_in(world: &World) -> (Browser, SimulatedPhone, Value) {
    basic_client(world).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &asked(&[])).await;
    let tokens = world.tokens("base", &code).await.json();
    (browser, phone, tokens)
}

/// Config OP.
#[tokio::test]
async fn config() {
    let world = World::new().await;
    let told = world.get(&format!("{REALM}/.well-known/openid-configuration"), &[]).await.json();
    for member in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "scopes_supported",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "claims_supported",
    ] {
        assert!(!told[member].is_null(), "{member}");
    }
    let addresses = told.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
    assert!(addresses.map(|(_, value)| value.as_str().unwrap()).all(|address| address.starts_with("https://")));
    assert!(told["id_token_signing_alg_values_supported"].as_array().unwrap().contains(&json!("RS256")));
    let keys = world.get(&format!("{REALM}/protocol/openid-connect/certs"), &[]).await.json();
    let keys = keys["keys"].as_array().unwrap();
    let kids: BTreeSet<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids.len(), keys.len(), "kids are unique");
    for key in keys {
        assert!(["d", "p", "q", "dp", "dq", "qi", "k"].iter().all(|private| key[*private].is_null()), "no private member");
        assert_eq!(key["use"], "sig");
        assert!(
            matches!((key["kty"].as_str(), key["alg"].as_str()), (Some("RSA"), Some("RS256")) | (Some("EC"), Some("ES256"))),
            "{key}"
        );
    }
}

/// Parameters that must not fail, and answers that do not need a page.
#[tokio::test]
async fn parameters() {
    let world = World::new().await;
    let (mut browser, phone, first) = logged_in(&world).await;
    let hint = first["id_token"].as_str().unwrap().to_owned();
    let none = ("prompt", Some("none"));
    for (module, changes) in [
        ("prompt-none-logged-in", vec![none]),
        ("nonce-absent", vec![("nonce", None), none]),
        ("scope-profile", vec![("scope", Some("openid profile")), none]),
        ("scope-email-address-phone", vec![("scope", Some("openid profile email address phone")), none]),
        ("display-page", vec![("display", Some("page")), none]),
        ("display-popup", vec![("display", Some("popup")), none]),
        ("ui-locales", vec![("ui_locales", Some("fr en")), none]),
        ("claims-locales", vec![("claims_locales", Some("fr")), none]),
        ("acr-values", vec![("acr_values", Some("1 2")), none]),
        ("login-hint", vec![("login_hint", Some("somebody@exemple.test")), none]),
        ("id-token-hint", vec![("id_token_hint", Some(hint.as_str())), none]),
        ("max-age-10000", vec![("max_age", Some("10000"))]),
        ("claims-parameter", vec![("claims", Some(r#"{"userinfo":{"name":{"essential":true}}}"#)), none]),
        ("other-parameter", vec![("extra", Some("foobar")), none]),
        ("redirect-uri-query-ok", vec![("redirect_uri", Some(QUERY_CALLBACK)), none]),
    ] {
        let back = silent(&world, &mut browser, &changes).await;
        assert!(back.contains_key("code") && back["state"] == "s", "{module}: {back:?}");
    }
    let kept = browser.step(&world, &format!("/auth?{}", encoded(&asked(&[("redirect_uri", Some(QUERY_CALLBACK))])))).await;
    assert!(kept.location().starts_with("https://app.exemple.test/cb?instance=1&code="), "redirect-uri-query-added");

    for (module, changes, error) in [
        ("response-type-missing", vec![("response_type", None)], "invalid_request"),
        ("prompt-none-not-logged-in", vec![none], "login_required"),
        ("unsigned-request-object", vec![("request", Some("eyJhbGciOiJub25lIn0.e30."))], "request_not_supported"),
        ("request-uri-unsigned", vec![("request_uri", Some("https://app.exemple.test/r"))], "request_uri_not_supported"),
        ("pkce-plain", vec![("code_challenge", Some("x")), ("code_challenge_method", Some("plain"))], "invalid_request"),
        ("id-token-hint-of-another", vec![("id_token_hint", Some("eyJ.e30.x")), none], "login_required"),
    ] {
        let mut other = if module == "prompt-none-not-logged-in" { Browser::default() } else { browser.clone() };
        assert_eq!(silent(&world, &mut other, &changes).await["error"], error, "{module}");
    }
    for (module, changes) in [
        ("redirect-uri-query-mismatch", vec![("redirect_uri", Some("https://app.exemple.test/cb?instance=2"))]),
        ("redirect-uri-not-registered", vec![("redirect_uri", Some("https://app.exemple.test/other"))]),
    ] {
        let answer = browser.step(&world, &format!("/auth?{}", encoded(&asked(&changes)))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{module}");
    }
    // prompt-login and max-age-1: another authentication, with a later time.
    for change in [("prompt", Some("login")), ("max_age", Some("1"))] {
        world.pass(5_000);
        let code = world.login(&mut browser, &phone, DOCTOR, &asked(&[change])).await;
        let again = world.tokens("base", &code).await.json();
        let time = |tokens: &Value| claims_of(tokens["id_token"].as_str().unwrap())["auth_time"].as_i64().unwrap();
        assert!(time(&again) > time(&first), "{change:?}");
    }
}

/// The authorization endpoint by POST, and UserInfo in its three ways.
#[tokio::test]
async fn ways() {
    let world = World::new().await;
    let (mut browser, _, tokens) = logged_in(&world).await;
    let keys = read_jwks(&world.get(&format!("{REALM}/protocol/openid-connect/certs"), &[]).await.json()).unwrap();
    let rule = TokenRule { types: &["JWT"], algorithms: &[SignatureAlgorithm::Rs256] };
    let id = open_token(tokens["id_token"].as_str().unwrap(), &rule, &|header| {
        assert!(header.kid.is_some(), "id-token-kid-exists-and-in-jwks");
        header.candidates(&keys)
    });
    assert!(id.unwrap().claims.get("nonce").is_none());

    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = Request::post("/auth")
        .header(header::HOST, "id.exemple.test")
        .header(header::COOKIE, cookies.join("; "))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(encoded(&asked(&[("nonce", Some("n"))]))))
        .unwrap();
    let answer = world.send(request).await;
    let code = query_of(answer.location())["code"].clone();
    let second = world.tokens("base", &code).await.json();
    assert_eq!(claims_of(second["id_token"].as_str().unwrap())["nonce"], "n", "post-authorization-request, nonce echoed");

    let token = second["access_token"].as_str().unwrap();
    let path = format!("{REALM}/protocol/openid-connect/userinfo");
    let get = world.get(&path, &[("authorization", &format!("Bearer {token}"))]).await;
    let by_header = world.post("userinfo", &[("authorization", &format!("Bearer {token}"))], &[]).await;
    let by_body = world.post("userinfo", &[], &[("access_token", token)]).await;
    assert_eq!((get.status, by_header.status, by_body.status), (StatusCode::OK, StatusCode::OK, StatusCode::OK));
    assert!(get.body == by_header.body && get.body == by_body.body, "userinfo by GET, POST header, POST body");
    assert_eq!(get.json()["sub"], claims_of(second["id_token"].as_str().unwrap())["sub"]);
    let twice = world.post("userinfo", &[("authorization", &format!("Bearer {token}"))], &[("access_token", token)]).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    browser.cookies.clear();
}

/// client_secret_post, PKCE, and a refresh token of another client.
#[tokio::test]
async fn clients() {
    let world = World::new().await;
    let (mut browser, _, _) = logged_in(&world).await;
    let posting = ClientRecord {
        mode: ClientMode::Basic,
        token_endpoint_auth_method: annuaire_identity::ClientAuthentication::ClientSecretPost,
        ..compat("poste")
    };
    world.register(posting).await;
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = annuaire_jose::s256(verifier);
    let changes =
        [("client_id", Some("poste")), ("code_challenge", Some(challenge.as_str())), ("code_challenge_method", Some("S256"))];
    let code = silent(&world, &mut browser, &changes).await["code"].clone();
    let form = |verifier: &'static str| {
        [
            ("grant_type", "authorization_code"),
            ("client_id", "poste"),
            ("client_secret", "secret"),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ]
    };
    let with = |verifier, code| [&form(verifier)[..], &[("code", code)]].concat();
    // A code that somebody injected comes with another verifier.
    let injected = world.post("token", &[], &with("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &code)).await;
    assert_eq!(injected.error(), "invalid_grant");
    let tokens = world.post("token", &[], &with(verifier, &code)).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    let refresh = tokens.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(world.refresh("base", &refresh).await.error(), "invalid_grant", "another client's refresh token");
    let (name, value) = basic("poste");
    let by_header = world.post("token", &[(name, &value)], &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
    assert_eq!(by_header.error(), "invalid_client", "the client is registered for another way");
    let both = world.post("token", &[(name, &value)], &with(verifier, &code)).await;
    assert_eq!(both.error(), "invalid_request", "two ways at once");
}
