//! Strict clients (FAPI 2.0 Security Profile), certificates, and the exchange of tokens.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_identity::{ClientAuthentication, ClientMode, ClientRecord, GrantType, OrganisationProof, REALM};
use annuaire_jose::{PrivateKey, SignatureAlgorithm, access_token_hash, s256, sign};
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use world::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

struct StrictClient {
    key: PrivateKey,
    proof: PrivateKey,
    number: std::cell::Cell<u32>,
}

impl StrictClient {
    async fn register(world: &World) -> Self {
        let key = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
        let record = ClientRecord {
            mode: ClientMode::Strict,
            token_endpoint_auth_method: ClientAuthentication::PrivateKeyJwt,
            secrets_sha256: vec![],
            jwks: Some(json!({"keys": [key.public().jwk()]})),
            id_token_signed_response_alg: "ES256".into(),
            userinfo_signed_response_alg: Some("ES256".into()),
            exchange_scopes: vec!["lecture".into()],
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::TokenExchange],
            ..compat("strict")
        };
        world.register(record).await;
        Self { key, proof: PrivateKey::generate(SignatureAlgorithm::Es256).unwrap(), number: std::cell::Cell::new(0) }
    }

    fn next(&self) -> String {
        self.number.set(self.number.get() + 1);
        format!("jti-{}", self.number.get())
    }

    fn assertion(&self, world: &World) -> String {
        let now = world.clock.load(Ordering::SeqCst) / 1_000;
        let claims = json!({"iss": "strict", "sub": "strict", "aud": format!("{HOST}{REALM}"), "jti": self.next(), "iat": now, "exp": now + 60});
        sign(&self.key, "JWT", &claims).unwrap()
    }

    fn dpop(&self, world: &World, key: &PrivateKey, path: &str, method: &str, token: Option<&str>) -> String {
        let now = world.clock.load(Ordering::SeqCst) / 1_000;
        let url = format!("{HOST}{REALM}/protocol/openid-connect/{path}");
        let mut claims = json!({"htm": method, "htu": url, "jti": self.next(), "iat": now});
        if let Some(token) = token {
            claims["ath"] = s256(token).into();
        }
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public().jwk()});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign_bytes(signed.as_bytes()).unwrap()))
    }

    async fn call(&self, world: &World, path: &str, form: &[(&str, &str)]) -> Answer {
        let assertion = self.assertion(world);
        let mut all = vec![
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
        ];
        all.extend_from_slice(form);
        let proof = self.dpop(world, &self.proof, path, "POST", None);
        world.post(path, &[("dpop", &proof)], &all).await
    }

    async fn userinfo(&self, world: &World, token: &str, proof: &str) -> Answer {
        let path = format!("{REALM}/protocol/openid-connect/userinfo");
        world.get(&path, &[("authorization", &format!("DPoP {token}")), ("dpop", proof)]).await
    }

    /// Pushes a request, logs in, and returns the code.
    async fn code(&self, world: &World, browser: &mut Browser, phone: &annuaire_ecps::SimulatedPhone) -> String {
        let challenge = s256(VERIFIER);
        let mut form = request("strict");
        form.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
        let pushed = self.call(world, "ext/par/request", &form).await;
        assert_eq!(pushed.status, StatusCode::CREATED, "{}", pushed.body);
        let uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        world.login(browser, phone, DOCTOR, &[("client_id", "strict"), ("request_uri", &uri)]).await
    }
}

fn token_form(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]
}

#[tokio::test]
async fn a_strict_client_pushes_proves_and_binds() {
    let world = World::new().await;
    let client = StrictClient::register(&world).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();

    // A request that was not pushed is refused, and so is one that was used.
    let mut direct = request("strict");
    let challenge = s256(VERIFIER);
    direct.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
    let answer = browser.step(&world, &format!("/auth?{}", encoded(&direct))).await;
    assert_eq!(query_of(answer.location())["error"], "invalid_request");
    let pushed = client.call(&world, "ext/par/request", &direct).await.json();
    let uri = pushed["request_uri"].as_str().unwrap();
    let used = format!("/auth?{}", encoded(&[("client_id", "strict"), ("request_uri", uri)]));
    assert_eq!(browser.follow(&world, &used).await.status, StatusCode::OK);
    assert_eq!(browser.follow(&world, &used).await.status, StatusCode::BAD_REQUEST);

    let code = client.code(&world, &mut browser, &phone).await;
    let wrong =
        client.call(&world, "token", &[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)]).await;
    assert_eq!(wrong.error(), "invalid_grant", "no verifier");
    let tokens = client.call(&world, "token", &token_form(&code)).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    let tokens = tokens.json();
    assert_eq!(tokens["token_type"], "DPoP");
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(claims_of(access)["cnf"]["jkt"], client.proof.public().thumbprint());
    assert_eq!(claims_of(tokens["id_token"].as_str().unwrap())["at_hash"], access_token_hash(access, SignatureAlgorithm::Es256));

    // The token is good with its key alone, each proof once, and never as a plain bearer token.
    let proof = client.dpop(&world, &client.proof, "userinfo", "GET", Some(access));
    let told = client.userinfo(&world, access, &proof).await;
    assert_eq!(
        (told.status, &told.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"application/jwt".parse().unwrap()),
        "{}",
        told.body
    );
    assert_eq!(claims_of(&told.body)["SubjectNameID"], DOCTOR);
    assert_eq!(client.userinfo(&world, access, &proof).await.status, StatusCode::UNAUTHORIZED, "the proof was used");
    let thief = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
    let stolen = client.dpop(&world, &thief, "userinfo", "GET", Some(access));
    assert_eq!(client.userinfo(&world, access, &stolen).await.status, StatusCode::UNAUTHORIZED);
    let elsewhere = client.dpop(&world, &client.proof, "token", "GET", Some(access));
    assert_eq!(client.userinfo(&world, access, &elsewhere).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.userinfo(access).await.status, StatusCode::UNAUTHORIZED);

    // A bound refresh token stays (no rotation).
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    for _ in 0..2 {
        let again = client.call(&world, "token", &form).await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.body);
        assert!(again.json()["refresh_token"].is_null());
    }
    // An assertion is used once; without a proof nothing is given.
    let assertion = client.assertion(&world);
    let mut all = vec![
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    all.extend_from_slice(&form);
    assert_eq!(world.post("token", &[], &all).await.error(), "invalid_dpop_proof");
    let proof = client.dpop(&world, &client.proof, "token", "POST", None);
    assert_eq!(world.post("token", &[("dpop", &proof)], &all).await.error(), "invalid_client", "the assertion was used");
}

/// The form of an exchange.
fn exchange<'t>(scope: &'t str, token: &'t str) -> [(&'t str, &'t str); 5] {
    [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_issuer", "psc"),
        ("scope", scope),
        ("subject_token", token),
    ]
}

#[tokio::test]
async fn scenario_20_an_exchanged_token_is_bound_and_for_its_interface() {
    let world = World::new().await;
    let client = StrictClient::register(&world).await;
    let phone = world.activated(DOCTOR).await;
    let code = client.code(&world, &mut Browser::default(), &phone).await;
    let tokens = client.call(&world, "token", &token_form(&code)).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(client.call(&world, "token", &exchange("ecriture", access)).await.error(), "invalid_scope");
    let exchanged = client.call(&world, "token", &exchange("lecture", access)).await;
    assert_eq!(exchanged.status, StatusCode::OK, "{}", exchanged.body);
    let exchanged: Value = exchanged.json();
    assert_eq!(exchanged["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    let token = exchanged["access_token"].as_str().unwrap();
    let claims = claims_of(token);
    assert_eq!((&claims["scope"], &claims["SubjectNameID"]), (&json!("lecture"), &json!(DOCTOR)));
    // Not for UserInfo, not for another exchange, not by another key.
    let proof = client.dpop(&world, &client.proof, "userinfo", "GET", Some(token));
    assert_eq!(client.userinfo(&world, token, &proof).await.status, StatusCode::FORBIDDEN);
    let thief = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
    let stolen = client.dpop(&world, &thief, "userinfo", "GET", Some(token));
    assert_eq!(client.userinfo(&world, token, &stolen).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.call(&world, "token", &exchange("lecture", token)).await.error(), "invalid_request");
}

/// RFC 8693 §2.2.2 over the table: a subject token that is over is an invalid request (identity.md §0.1, 6).
#[tokio::test]
async fn scenario_21_a_token_is_not_exchanged_three_minutes_later() {
    let world = World::new().await;
    let client = StrictClient::register(&world).await;
    let phone = world.activated(DOCTOR).await;
    let code = client.code(&world, &mut Browser::default(), &phone).await;
    let tokens = client.call(&world, "token", &token_form(&code)).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    world.pass(3 * 60_000);
    assert_eq!(client.call(&world, "token", &exchange("lecture", access)).await.error(), "invalid_request");
}

#[tokio::test]
async fn an_organisation_is_known_by_its_certificate() {
    let world = World::new().await;
    let record = ClientRecord {
        token_endpoint_auth_method: ClientAuthentication::TlsClientAuth,
        secrets_sha256: vec![],
        tls_client_auth_subject_dn: Some("CN=app.exemple.test,OU=399900000300015,O=EDITEUR EXEMPLE,C=FR".into()),
        ..compat("confiance")
    };
    world.register(record).await;
    let phone = world.activated(DOCTOR).await;
    let mut browser = Browser::default();
    let code = world.login(&mut browser, &phone, DOCTOR, &request("confiance")).await;
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("client_id", "confiance")];
    let proof = |subject: &str| OrganisationProof { subject: subject.into(), thumbprint: "bWlubmllcyBjZXJ0aWZpY2F0ZQ".into() };
    assert_eq!(world.post("token", &[], &form).await.error(), "invalid_client", "no certificate");
    let other = proof("CN=autre.exemple.test,OU=399900000300015,O=EDITEUR EXEMPLE,C=FR");
    assert_eq!(world.post_with_certificate("token", other, &form).await.error(), "invalid_client");
    let own = proof("CN=app.exemple.test, OU=399900000300015, O=EDITEUR EXEMPLE, C=FR");
    let tokens = world.post_with_certificate("token", own.clone(), &form).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    let tokens = tokens.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(claims_of(access)["cnf"]["x5t#S256"], own.thumbprint);
    assert_eq!(world.userinfo(access).await.status, StatusCode::UNAUTHORIZED, "without the certificate");
    let request = Request::get(format!("{REALM}/protocol/openid-connect/userinfo"))
        .header(header::HOST, "mtls.exemple.test")
        .header(header::AUTHORIZATION, format!("Bearer {access}"))
        .extension(own)
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::OK);
}
