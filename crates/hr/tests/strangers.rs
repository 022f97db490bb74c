//! Every address as a stranger, with a token that is over, and as a software of another authority; and the document against the router.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use axum::http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use world::{NEIGHBOUR, SITE, World};

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The operations of the document: method, path, operation.
fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push((Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap(), path.clone(), operation.clone()));
        }
    }
    all
}

/// A path with values in its places.
fn with(path: &str, number: &str, section: &str) -> String {
    let filled = path.replace("{section}", section).replace("{numero}", number).replace("{rpps}", number);
    filled.replace("{id}", number)
}

/// Headers and body with which an operation would be taken.
fn sent(path: &str) -> (Vec<(&'static str, &'static str)>, Value) {
    let body = if path == "/demandes" { json!({"structure": "990000028"}) } else { Value::Null };
    (vec![("if-match", "\"1\""), ("idempotency-key", "clef")], body)
}

#[tokio::test]
async fn the_document_names_what_the_router_answers_and_nothing_else() {
    let world = World::new().await;
    let document = world.document().await;
    assert_eq!(
        (document["openapi"].as_str(), document["servers"][0]["url"].as_str()),
        (Some("3.1.0"), Some("https://annuaire.example/portail/api/v1"))
    );
    let named = operations(&document);
    let ids: BTreeSet<&str> = named.iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), named.len());
    let paths: BTreeSet<&String> = named.iter().map(|(_, path, _)| path).collect();
    for path in paths {
        for method in METHODS {
            let stands = named.iter().any(|(known, other, _)| *known == method && other == path);
            let told = world.raw(method.clone(), &with(path, "x", "civil"), &[], Vec::new()).await;
            let is_missing = [404, 405].contains(&told.status.as_u16());
            assert_eq!(!is_missing, stands, "{method} {path}: {}", told.status);
        }
    }
    // Each name of a schema leads somewhere, and each code has its text.
    for text in document.to_string().split("\"$ref\":\"#").skip(1) {
        let pointer = text.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    assert!(document["x-codes"]["E-PER-01"].as_str().unwrap().starts_with("Vous n'êtes pas gestionnaire"));
}

#[tokio::test]
async fn a_stranger_reaches_the_token_and_the_document_alone() {
    let world = World::new().await;
    let (client, secret) = world.software("990000010", SITE, true).await;
    let over = world.token(&(client.clone(), secret.clone())).await;
    world.pass(10 * 60_000);
    let mut open = Vec::new();
    for (method, path, operation) in operations(&world.document().await) {
        let (headers, body) = sent(&path);
        let asked = with(&path, "x", "civil");
        if operation["security"] == json!([]) {
            open.push(path);
            continue;
        }
        let never = world.call("", method.clone(), &asked, &headers, &body).await.problem(401, "A-JETON");
        assert_eq!(never.header("www-authenticate"), "Bearer realm=\"annuaire\"", "{method} {path}");
        for wrong in ["x".to_owned(), format!("Basic {secret}"), format!("Bearer {secret}x"), format!("bearer  {over}")] {
            let mut headers = headers.clone();
            headers.push(("authorization", &wrong));
            let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
            world.send(method.clone(), &asked, &headers, body).await.problem(401, "A-JETON");
        }
        // Wrong tokens of one address are counted: time passes between them.
        world.pass(5_000);
        let ended = world.call(&over, method.clone(), &asked, &headers, &body).await.problem(401, "A-JETON");
        assert!(ended.header("www-authenticate").contains("invalid_token"), "{method} {path}");
        // The secret is no token.
        world.call(&secret, method.clone(), &asked, &headers, &body).await.problem(401, "A-JETON");
    }
    open.sort_unstable();
    assert_eq!(open, ["/jeton", "/openapi.json"]);
    assert_eq!(world.registry.case_counts(&annuaire_store::CaseFilter::default()).await.unwrap().len(), 0, "nothing was begun");
}

#[tokio::test]
async fn wrong_tokens_of_one_address_are_bounded() {
    let world = World::new().await;
    let token = world.token(&world.software("990000010", SITE, false).await).await;
    for _ in 0..20 {
        world.get(&"0".repeat(64), "/demandes").await.problem(401, "A-JETON");
    }
    assert!(!world.get(&"0".repeat(64), "/demandes").await.problem(429, "A-DEBIT").header("retry-after").is_empty());
    world.pass(1_000);
    world.get(&token, "/demandes").await.ok(200);
}

#[tokio::test]
async fn software_of_another_authority_is_told_nothing() {
    let world = World::new().await;
    let own = world.token(&world.software("990000028", NEIGHBOUR, true).await).await;
    let theirs = world.software("990000010", SITE, true).await;
    let theirs = world.token(&theirs).await;
    let number = world.elsewhere().await;
    let bearer = format!("Bearer {own}");
    let list = "ref_externe;civilite;sexe;nom_famille;prenom;date_naissance;commune_naissance_insee;email;mobile;finess;profession;role;mode;\
        date_debut;identite_verifiee;information_faite\n\
        RH-1;MME;F;Essai;Zoé;1991-05-07;97128;zoe@personne.example;0639980012;990000028;313;GENR11;S;02/11/2026;DOCUMENT_RH;OUI\n";
    let lot = world.send(Method::POST, "/lots", &[("authorization", &bearer)], list.as_bytes().to_vec()).await.ok(201);
    let lot = lot.json()["id"].as_str().unwrap().to_owned();
    let rpps = &NEIGHBOUR[1..];
    let mut reached = BTreeSet::new();
    for (method, path, operation) in operations(&world.document().await) {
        if operation["security"] == json!([]) {
            continue;
        }
        world.pass(1_000);
        let (headers, body) = sent(&path);
        let subject = if path.contains("{id}") {
            lot.as_str()
        } else if path.contains("{rpps}") {
            rpps
        } else {
            number.as_str()
        };
        if path.contains('{') {
            // What there is of another authority, and what there is not, are refused alike, and the owner reaches it.
            let told = world.call(&theirs, method.clone(), &with(&path, subject, "civil"), &headers, &body).await;
            let absent = if path.contains("{rpps}") { "99900000999" } else { "P20260101000001" };
            let missing = world.call(&theirs, method.clone(), &with(&path, absent, "civil"), &headers, &body).await;
            assert!([403, 404].contains(&told.status.as_u16()), "{method} {path}: {} {}", told.status, told.text);
            assert_eq!((told.status, told.text), (missing.status, missing.text), "{method} {path}");
            if method == Method::GET {
                world.get(&own, &with(&path, subject, "civil")).await.ok(200);
            }
            reached.insert(path);
            continue;
        }
        match (method.clone(), path.as_str()) {
            (Method::POST, "/demandes") => {
                drop(world.call(&theirs, method, &path, &headers, &body).await.problem(403, "E-PER-01"))
            }
            (_, "/situations") => drop(world.get(&theirs, "/situations?structure=990000028").await.problem(403, "E-PER-01")),
            (Method::POST, "/lots") => {
                let bearer = format!("Bearer {theirs}");
                let told = world.send(method, "/lots", &[("authorization", &bearer)], list.as_bytes().to_vec()).await.ok(201);
                assert!(told.text.contains("E-PER-01"), "{}", told.text);
                assert_eq!(told.json()["pretes"], json!(0));
            }
            (_, "/structures") => {
                let told = world.get(&theirs, "/structures").await.ok(200);
                assert!(!told.text.contains("990000028"), "{}", told.text);
            }
            _ => {
                let told = world.get(&theirs, &path).await.ok(200);
                assert!(!told.text.contains(&number) && !told.text.contains(&lot), "{path}: {}", told.text);
            }
        }
        reached.insert(path);
    }
    world.pass(6_000);
    let events = world.get(&theirs, "/evenements").await.ok(200);
    assert_eq!(events.json()["evenements"], json!([]));
    assert_eq!(reached.len(), world.document().await["paths"].as_object().unwrap().len() - 2);
    // Nothing happened to the request.
    assert_eq!(world.get(&own, &format!("/demandes/{number}")).await.ok(200).json()["version"], json!(1));
}
