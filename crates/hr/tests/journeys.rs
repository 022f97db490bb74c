//! What a software does from its token to the number of the professional, and what it is told when something is wrong.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use axum::http::Method;
use base64::Engine;
use serde_json::{Value, json};
use world::{SITE, World, civil, contact, site, situation};

#[tokio::test]
async fn a_request_goes_from_its_key_to_its_number() {
    let world = World::new().await;
    let token = world.token(&world.software("990000010", SITE, true).await).await;
    let (number, version) = world.begun(&token, "clef-1").await;
    assert_eq!(version, "\"1\"");
    let again = world
        .call(&token, Method::POST, "/demandes", &[("idempotency-key", "clef-1")], &json!({"structure": "990000010"}))
        .await
        .ok(201);
    assert_eq!(again.json()["numero"], json!(number), "one key, one request");
    assert!(again.header("location").ends_with(&format!("/portail/api/v1/demandes/{number}")));
    let other = json!({"structure": "990000010", "type": "AJOUT", "rpps": &SITE[1..]});
    world.call(&token, Method::POST, "/demandes", &[("idempotency-key", "clef-1")], &other).await.problem(422, "E-REQ-12");

    // What is found is told field by field, and the draft is kept.
    let mut wrong = civil("Camille");
    (wrong["nomFamille"], wrong["sexe"]) = (json!("Ess4i"), json!(""));
    let told = world.fill(&token, &number, "civil", &version, &wrong).await.problem(422, "E-REQ-09");
    let found: Vec<(Value, Value)> =
        told.json()["constats"].as_array().unwrap().iter().map(|f| (f["champ"].clone(), f["code"].clone())).collect();
    assert!(found.contains(&(json!("nomFamille"), json!("E-CIV-01"))), "{found:?}");
    assert!(found.contains(&(json!("sexe"), json!("E-GEN-01"))), "{found:?}");
    let version = told.header("etag");
    let kept = world.get(&token, &format!("/demandes/{number}")).await.ok(200);
    assert_eq!((kept.header("etag"), kept.json()["civil"]["nomFamille"].clone()), (version.clone(), json!("Ess4i")));
    world.post(&token, &format!("/demandes/{number}/soumettre"), &Value::Null).await.problem(422, "E-REQ-03");

    // Whoever saw another version is told so, and nothing is written.
    world.fill(&token, &number, "civil", "\"1\"", &civil("Camille")).await.problem(412, "E-GEN-09");
    let told = world.fill(&token, &number, "civil", &version, &civil("Camille")).await.ok(200);
    let told = world.fill(&token, &number, "contact", &told.header("etag"), &contact("camille")).await.ok(200);
    let place = situation("990000010", "Camille");
    let told = world.fill(&token, &number, "situation", &told.header("etag"), &place).await.ok(200);
    assert_eq!(told.json()["etat"]["code"], json!("BROUILLON_AE"));
    let told = world.post(&token, &format!("/demandes/{number}/soumettre"), &Value::Null).await.ok(200);
    assert_eq!(told.json()["etat"]["code"], json!("INSTRUCTION_AE"));
    let legal = json!({"confirmation": true, "faceAFace": true});
    let path = format!("/demandes/{number}/valider");
    let sent = [("if-match", told.header("etag"))];
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
    world.call(&token, Method::POST, &path, &sent, &Value::Null).await.problem(422, "E-LEG-01");
    let told = world.call(&token, Method::POST, &path, &sent, &legal).await.ok(200);
    assert_eq!(told.json()["etat"]["code"], json!("TRAITEMENT_RPPS"));
    world.registration.run_processing(&world.system).await.unwrap();
    world.pass(6_000);
    let done = world.get(&token, &format!("/demandes/{number}")).await.ok(200).json();
    let rpps = done["rpps"].as_str().unwrap().to_owned();
    assert!(rpps.starts_with("99912") && done["etat"]["code"] == json!("VALIDEE"), "{done}");
    // A settled request is no longer abandoned or withdrawn.
    for deed in ["abandonner", "retirer"] {
        world.post(&token, &format!("/demandes/{number}/{deed}"), &Value::Null).await.problem(409, "E-REQ-06");
    }
    let events = world.get(&token, "/evenements").await.ok(200).json();
    let event = &events["evenements"][0];
    assert_eq!(
        (event["numero"].clone(), event["rpps"].clone(), event["origine"].clone()),
        (json!(number), json!(rpps), json!("API"))
    );
    let next = events["suite"].as_str().unwrap();
    let nothing = world.get(&token, &format!("/evenements?depuis={next}")).await.ok(200).json();
    assert_eq!((nothing["evenements"].clone(), nothing["suite"].clone()), (json!([]), json!(next)));
    // The person works in the perimeter now, and the contact is masked.
    let person = world.get(&token, &format!("/professionnels/{rpps}")).await.ok(200);
    assert!(person.json()["civil"]["nomFamille"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("Essai")));
    assert!(
        !person.text.contains("camille@personne.example") && person.json()["contact"]["email"].as_str().unwrap().contains('…')
    );
}

#[tokio::test]
async fn a_warning_is_acknowledged_and_keeps_the_software_from_validating() {
    let world = World::new().await;
    let token = world.token(&world.software("990000010", SITE, true).await).await;
    let (number, version) = world.begun(&token, "k").await;
    let mut odd = civil("Claude");
    odd["civilite"] = json!("M");
    let told = world.fill(&token, &number, "civil", &version, &odd).await.problem(422, "E-REQ-09");
    assert_eq!(
        (told.json()["constats"][0]["code"].clone(), told.json()["constats"][0]["bloquant"].clone()),
        (json!("W-CIV-01"), json!(false))
    );
    odd["avertissementsAcquittes"] = json!(["W-CIV-01"]);
    let told = world.fill(&token, &number, "civil", &told.header("etag"), &odd).await.ok(200);
    let told = world.fill(&token, &number, "contact", &told.header("etag"), &contact("claude")).await.ok(200);
    world.fill(&token, &number, "situation", &told.header("etag"), &situation("990000010", "Claude")).await.ok(200);
    let told = world.post(&token, &format!("/demandes/{number}/soumettre"), &Value::Null).await.ok(200);
    let legal = json!({"confirmation": true, "faceAFace": true});
    let tag = told.header("etag");
    let path = format!("/demandes/{number}/valider");
    world.call(&token, Method::POST, &path, &[("if-match", &tag)], &legal).await.problem(403, "E-REQ-07");
    let told = world.post(&token, &format!("/demandes/{number}/retirer"), &Value::Null).await.ok(200);
    assert_eq!(told.json()["etat"]["code"], json!("ANNULEE"));
    let (draft, _) = world.begun(&token, "k2").await;
    let told = world.post(&token, &format!("/demandes/{draft}/abandonner"), &json!({})).await.ok(200);
    assert_eq!(told.json()["etat"]["code"], json!("ABANDONNEE"));
    let list = world.get(&token, "/demandes?etat=ABANDONNEE").await.ok(200).json();
    assert_eq!((list["total"].clone(), list["demandes"][0]["numero"].clone()), (json!(1), json!(draft)));
    assert_eq!(world.get(&token, "/demandes?parPage=1&page=2").await.ok(200).json()["demandes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lists_are_checked_filed_and_reported() {
    let world = World::new().await;
    let token = world.token(&world.software("990000010", SITE, false).await).await;
    let bearer = format!("Bearer {token}");
    let send = |path: &'static str, body: &'static str| {
        let bearer = bearer.clone();
        let world = &world;
        async move { world.send(Method::POST, path, &[("authorization", &bearer)], body.as_bytes().to_vec()).await }
    };
    send("/lots", "").await.problem(422, "A-FICHIER");
    send("/lots", "rien;du;tout\n1;2;3\n").await.problem(422, "A-FICHIER");
    let list = "ref_externe;civilite;sexe;nom_famille;prenom;date_naissance;commune_naissance_insee;email;mobile;finess;profession;role;mode;\
        date_debut;identite_verifiee;information_faite\n\
        RH-1;MME;F;Essai;Zoé;1991-05-07;97128;zoe@personne.example;0639980012;990000010;313;GENR11;S;02/11/2026;DOCUMENT_RH;OUI\n\
        RH-2;MME;F;Ess4i;Léa;1990-05-07;97128;lea@personne.example;0639980013;990000010;313;GENR11;S;02/11/2026;DOCUMENT_RH;OUI\n";
    let told = send("/lots?nom=effectifs.csv", list).await.ok(201);
    let lot = told.json();
    assert_eq!(
        (lot["pretes"].clone(), lot["enErreur"].clone(), lot["phase"].clone()),
        (json!(1), json!(1), json!("CONTROLE")),
        "{lot}"
    );
    assert_eq!(lot["detail"][1]["constats"][0]["code"], json!("E-CIV-01"));
    let id = lot["id"].as_str().unwrap();
    assert!(told.header("location").ends_with(&format!("/lots/{id}")));
    world.post(&token, &format!("/lots/{id}/soumettre"), &Value::Null).await.ok(202);
    world.post(&token, &format!("/lots/{id}/soumettre"), &Value::Null).await.problem(409, "E-REQ-06");
    world.registration.run_lots(&world.system).await.unwrap();
    let lot = world.get(&token, &format!("/lots/{id}")).await.ok(200).json();
    assert_eq!((lot["phase"].clone(), lot["detail"][0]["resultat"].clone()), (json!("MIS_EN_INSTRUCTION"), json!("CREEE")));
    let number = lot["detail"][0]["demande"].as_str().unwrap();
    assert_eq!(world.get(&token, &format!("/demandes/{number}")).await.ok(200).json()["origine"], json!("IMPORT"));
    assert_eq!(world.get(&token, "/lots").await.ok(200).json()["lots"][0]["nom"], json!("effectifs.csv"));
    let report = world.get(&token, &format!("/lots/{id}/rapport")).await.ok(200);
    assert!(report.header("content-type").starts_with("text/csv") && report.text.contains("E-CIV-01"), "{}", report.text);
}

#[tokio::test]
async fn terminologies_structures_and_staff_are_read() {
    let world = World::new().await;
    let token = world.token(&world.software("990000010", SITE, false).await).await;
    let lists = world.get(&token, "/nomenclatures").await.ok(200).json();
    let value = |field: &str, code: &str| {
        let list = lists["listes"].as_array().unwrap().iter().find(|list| list["champ"] == json!(field)).unwrap();
        list["valeurs"].as_array().unwrap().iter().find(|value| value["code"] == json!(code)).cloned().unwrap()
    };
    assert_eq!(
        (value("profession", "313")["ouvert"].clone(), value("role", "GENR11")["ouvert"].clone()),
        (json!(true), json!(true))
    );
    let closed = value("civilite", "MLLE");
    assert!(closed["ouvert"] == json!(false) && !closed["fin"].as_str().unwrap().is_empty(), "{closed}");
    let own = world.get(&token, "/structures").await.ok(200).json();
    assert_eq!((own["structures"].as_array().unwrap().len(), own["structures"][0]["finess"].clone()), (1, json!("990000010")));
    let other = world.get(&token, "/structures?finess=990000028").await.ok(200).json();
    assert_eq!(other["structures"][0]["dansLePerimetre"], json!(false));
    let told = world.get(&token, "/structures?siret=12").await.problem(422, "E-REQ-09");
    assert_eq!(
        (told.json()["constats"][0]["champ"].clone(), told.json()["constats"][0]["code"].clone()),
        (json!("siret"), json!("E-STR-05"))
    );
    world.get(&token, "/structures?nom=Introuvable").await.problem(422, "E-REQ-09");
    let staff = world.get(&token, "/situations?structure=990000010").await.ok(200).json();
    assert_eq!((staff["personnes"].clone(), staff["situations"][0]["rpps"].is_string()), (json!(2), true), "{staff}");
}

#[tokio::test]
async fn malformed_calls_are_told_where_they_are_wrong() {
    let world = World::new().await;
    let token = world.token(&world.software("990000010", SITE, false).await).await;
    let begin = json!({"structure": "990000010"});
    world.post(&token, "/demandes", &begin).await.problem(400, "A-CLE");
    for key in ["", "avec espace", &"k".repeat(81)] {
        world.call(&token, Method::POST, "/demandes", &[("idempotency-key", key)], &begin).await.problem(400, "A-CLE");
    }
    for (body, name) in [
        (json!({"structure": "990000010", "inconnu": "x"}), "inconnu"),
        (json!({"structure": 990_000_010}), "structure"),
        (json!({"structure": "990000010", "type": "AJOUT"}), "rpps"),
        (json!({"structure": "990000010", "type": "FIN", "rpps": "99900000029"}), "situation"),
        (json!({"structure": "990000010", "type": "X", "rpps": "99900000029"}), "type"),
    ] {
        world.pass(1_000);
        let told =
            world.call(&token, Method::POST, "/demandes", &[("idempotency-key", "k")], &body).await.problem(400, "A-MEMBRE");
        assert_eq!(told.json()["constats"][0]["champ"], json!(name), "{body}");
    }
    for body in ["[]", "{", "\u{0}"] {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
        world.send(Method::POST, "/demandes", &headers, body.as_bytes().to_vec()).await.problem(400, "A-JSON");
    }
    world.pass(1_000);
    let (number, _) = world.begun(&token, "k").await;
    let path = format!("/demandes/{number}/civil");
    world.call(&token, Method::PUT, &path, &[], &json!({})).await.problem(428, "A-VERSION");
    world.call(&token, Method::PUT, &path, &[("if-match", "1")], &json!({})).await.problem(400, "A-VERSION-FORME");
    world
        .call(&token, Method::PUT, &format!("/demandes/{number}/autre"), &[("if-match", "\"1\"")], &json!({}))
        .await
        .problem(404, "A-ADRESSE");
    let unknown = json!({"avertissementsAcquittes": ["E-CIV-01"]});
    world.call(&token, Method::PUT, &path, &[("if-match", "\"1\"")], &unknown).await.problem(400, "A-MEMBRE");
    for query in ["/demandes?etat=X", "/demandes?autre=1", "/demandes?page=0", "/demandes?page=1&page=1", "/demandes?parPage=101"]
    {
        world.get(&token, query).await.problem(400, "A-PARAMETRE");
    }
    world.pass(1_000);
    world.get(&token, "/evenements?depuis=hier").await.problem(400, "A-PARAMETRE");
    world.get(&token, "/situations").await.problem(400, "A-PARAMETRE");
    world.get(&token, &format!("/demandes?numero={}", "9".repeat(1_100))).await.problem(413, "A-TAILLE");
    let long = json!({"nomFamille": "x".repeat(70_000)});
    world.call(&token, Method::PUT, &path, &[("if-match", "\"1\"")], &long).await.problem(413, "A-TAILLE");
    world.raw(Method::DELETE, "/demandes", &[], Vec::new()).await.problem(405, "A-METHODE");
    for path in ["", "/", "/rien", "/demandes/1/2/3"] {
        world.raw(Method::GET, path, &[], Vec::new()).await.problem(404, "A-ADRESSE");
    }
}

#[tokio::test]
async fn tokens_follow_rfc_6749() {
    let world = World::new().await;
    let (client, secret) = world.software("990000010", SITE, false).await;
    let basic = |client: &str, secret: &str| {
        let coded = base64::engine::general_purpose::STANDARD.encode(format!("{client}:{secret}"));
        format!("Basic {coded}")
    };
    let right = basic(&client, &secret);
    let told = world.form(&[("authorization", &right)], "grant_type=client_credentials").await.ok(200);
    let value = told.json();
    assert_eq!((value["token_type"].clone(), value["expires_in"].clone()), (json!("Bearer"), json!(600)));
    assert_eq!((told.header("cache-control").as_str(), told.header("pragma").as_str()), ("no-store", "no-cache"));
    let body = format!("client_id={client}&client_secret={secret}");
    for (headers, form, status, error) in [
        (vec![], String::new(), 400, "invalid_request"),
        (vec![], body.clone(), 400, "invalid_request"),
        (vec![], format!("grant_type=password&{body}"), 400, "unsupported_grant_type"),
        (vec![], format!("grant_type=client_credentials&{body}&scope=tout"), 400, "invalid_scope"),
        (vec![], format!("grant_type=client_credentials&grant_type=client_credentials&{body}"), 400, "invalid_request"),
        (vec![], "grant_type=client_credentials".to_owned(), 401, "invalid_client"),
        (vec![], format!("grant_type=client_credentials&client_id={client}&client_secret=faux"), 401, "invalid_client"),
        (vec![("authorization", right.clone())], format!("grant_type=client_credentials&{body}"), 400, "invalid_request"),
        (
            vec![("authorization", basic(&client, &"0".repeat(64)))],
            "grant_type=client_credentials".to_owned(),
            401,
            "invalid_client",
        ),
        (
            vec![("authorization", basic(&"0".repeat(24), &secret))],
            "grant_type=client_credentials".to_owned(),
            401,
            "invalid_client",
        ),
        (vec![("authorization", "Basic ???".to_owned())], "grant_type=client_credentials".to_owned(), 401, "invalid_client"),
        (vec![("authorization", format!("Bearer {secret}"))], "grant_type=client_credentials".to_owned(), 401, "invalid_client"),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let told = world.form(&headers, &form).await.ok(status);
        assert_eq!(told.json()["error"], json!(error), "{form}");
        assert_eq!(told.header("www-authenticate").starts_with("Basic "), status == 401);
        assert!(!told.text.contains(&secret));
    }
    let told = world.send(Method::POST, "/jeton", &[("content-type", "application/json")], b"{}".to_vec()).await.ok(400);
    assert_eq!(told.json()["error"], json!("invalid_request"));
    // Guesses of one address are bounded, and the right secret waits with them.
    let wrong = format!("grant_type=client_credentials&client_id={client}&client_secret={}", "0".repeat(64));
    let mut last = 401;
    for _ in 0..30 {
        last = world.form(&[], &wrong).await.status.as_u16();
    }
    assert_eq!(last, 429);
    let waits = world.form(&[], &format!("grant_type=client_credentials&{body}")).await.problem(429, "A-DEBIT");
    let seconds: i64 = waits.header("retry-after").parse().unwrap();
    world.pass(seconds * 1_000);
    world.form(&[], &format!("grant_type=client_credentials&{body}")).await.ok(200);
}

#[tokio::test]
async fn an_authority_has_ten_requests_a_second_and_another_its_own() {
    let world = World::new().await;
    let one = world.token(&world.software("990000010", SITE, false).await).await;
    let colleague = world.token(&world.software("990000010", SITE, false).await).await;
    let other = world.token(&world.software("990000028", world::NEIGHBOUR, false).await).await;
    for n in 0..10 {
        let by = if n % 2 == 0 { &one } else { &colleague };
        let told = world.get(by, "/lots").await.ok(200);
        assert_eq!(told.header("x-ratelimit-remaining"), (9 - n).to_string());
    }
    let told = world.get(&one, "/lots").await.problem(429, "A-DEBIT");
    assert_eq!(told.header("retry-after"), "1");
    world.get(&colleague, "/lots").await.problem(429, "A-DEBIT");
    world.get(&other, "/lots").await.ok(200);
    world.pass(1_000);
    world.get(&one, "/lots").await.ok(200);
}

#[tokio::test]
async fn a_software_that_is_revoked_is_over_at_once() {
    let world = World::new().await;
    let known = world.software("990000010", SITE, false).await;
    let token = world.token(&known).await;
    world.get(&token, "/demandes").await.ok(200);
    world.registration.revoke_software(&world.representative().await, &site("990000010"), &known.0).await.unwrap();
    world.get(&token, "/demandes").await.problem(401, "A-JETON");
}
