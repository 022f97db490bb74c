//! The consoles and the check of attestations, as browsers see them.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{PersonQuery, PersonSearch};
use annuaire_workflow::state::RequestState;
use axum::http::StatusCode;
use world::{COLLEAGUE, HEAD, NATIONAL, NEIGHBOUR, REP, SITE, World, trace};

const REASON: &str = "Deux pièces d'identité vues";
const ERROR: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const QUEUE: &str = "/portail/console/arbitrage";
const SUPPORT: &str = "/portail/console/support";

const PAGES: &[&str] = &[
    QUEUE,
    "/portail/console/arbitrage/P26112600000001",
    "/portail/console/arbitrage/corrections",
    "/portail/console/arbitrage/paires/99900000011/99900000029",
    "/portail/console/arbitrage/second-avis/0123456789abcdef",
    SUPPORT,
    "/portail/console/audit",
    "/portail/console/audit/fichier",
    "/portail/console/indicateurs",
    "/portail/console/indicateurs/fichier",
    "/portail/console/nomenclatures",
    "/portail/console/autorite",
    "/portail/console/autorite/anomalies",
    "/portail/console/support/anomalies",
    "/portail/console/autorite/flux",
    "/portail/console/autorite/flux/CNOM-1",
    "/portail/console/autorite/flux/CNOM-1/acquittement.jsonl",
];

const FORMS: &[&str] = &[
    "/portail/console/arbitrage/P26112600000001",
    "/portail/console/arbitrage/corrections",
    "/portail/console/arbitrage/paires/99900000011/99900000029",
    "/portail/console/arbitrage/second-avis/0123456789abcdef",
    SUPPORT,
    "/portail/console/support/acte",
    "/portail/console/nomenclatures",
    "/portail/console/autorite",
    "/portail/console/autorite/anomalies",
    "/portail/console/support/anomalies",
    "/portail/console/autorite/flux/CNOM-1",
];

#[tokio::test]
async fn consoles_are_closed_to_strangers_and_to_everybody_else() {
    let w = World::new().await;
    for path in PAGES.iter().chain(&["/portail/console"]) {
        let answer = w.get(None, path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.location.starts_with("/connexion?retour="), "{path}: {}", answer.location);
    }
    for path in PAGES {
        for other in [SITE, REP] {
            let page = w.get(Some(other), path).await;
            page.page(StatusCode::FORBIDDEN, "Cette console ne vous est pas ouverte");
        }
    }
    for path in FORMS {
        let fields = [("acces", "essai"), ("faire", "clore"), ("alerte", "1"), ("motif", REASON), ("rpps", &COLLEAGUE[1..])];
        assert_eq!(w.post_plain(None, path, &fields).await.status, StatusCode::UNAUTHORIZED, "{path}");
        let forged = w.post_plain(Some(NATIONAL), path, &fields).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "a form without token: {path}");
        assert_eq!(w.post(SITE, path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let none = w.get(Some(SITE), "/portail/console").await.page(StatusCode::OK, "Consoles");
    none.says(&["Aucune console ne vous est ouverte"]).hides(&["arbitrage", "Support", "audit"]);
    let agent = w.get(Some(HEAD), "/portail/console").await.page(StatusCode::OK, "Consoles");
    agent.says(&["/portail/console/autorite", "ARS-53"]).hides(&["arbitrage", "Support", "audit"]);
    let all = w.get(Some(NATIONAL), "/portail/console").await;
    all.says(&[QUEUE, SUPPORT, "/portail/console/audit", "/portail/console/nomenclatures", "/portail/console/autorite"]);
}

/// A request that waits for an arbiter: somebody of nearly the same identity is registered.
async fn doubtful(w: &World) -> (String, String) {
    let (by, neighbour) = (w.manager(SITE).await, w.manager(NEIGHBOUR).await);
    let (_, known) = w.registered(&by, "990000010", "Marie-Alice", "alice").await;
    let at = w.validated(&neighbour, "990000028", "Marie-Aline", "aline").await;
    w.process().await;
    (at.number, known)
}

async fn state_of(w: &World, number: &str) -> RequestState {
    w.registration.open_sheet(&w.manager(NEIGHBOUR).await, number).await.unwrap().state
}

#[tokio::test]
async fn a_file_is_opened_for_a_purpose_and_decided_with_a_reason() {
    let w = World::new().await;
    let (number, known) = doubtful(&w).await;
    let path = format!("{QUEUE}/{number}");
    w.get(Some(NATIONAL), QUEUE).await.page(StatusCode::OK, "File d’arbitrage").says(&[&path]).hides(&["Marie", "Essai"]);
    let before = w.get(Some(NATIONAL), &path).await.page(StatusCode::OK, &format!("Ouvrir la demande {number}"));
    before.says(&["name=\"acces\""]).hides(&["Marie", &known]);
    w.post(NATIONAL, &path, &[("acces", " ")])
        .await
        .page(ERROR, &format!("Ouvrir la demande {number}"))
        .says(&["href=\"#acces\""]);
    let title = format!("Arbitrage de la demande {number}");
    let file = w.post(NATIONAL, &path, &[("acces", "file du jour")]).await.page(StatusCode::OK, &title);
    file.says(&["Marie-Aline", "Marie-Alice", &known, "89 sur 100", "name=\"acces\" value=\"file du jour\"", "07/05/1991"])
        .says(&["Même personne — rattacher", "Personnes distinctes", "Demander une pièce à l’AE", "Rejeter"]);
    let events = w.registry.audit_trail(0, 100_000).await.unwrap();
    let read = events.iter().rfind(|row| row.event.event == "inscription-lire").unwrap();
    assert!(read.event.actor == NATIONAL && read.event.detail.contains("file du jour"), "{read:?}");
    for deed in ["rattacher", "distinguer", "piece", "rejeter"] {
        let short = [("acces", "file du jour"), ("faire", deed), ("motif", "court")];
        w.post(NATIONAL, &path, &short).await.page(ERROR, &title).says(&["href=\"#motif\"", ">court</textarea>"]);
    }
    assert_eq!(state_of(&w, &number).await, RequestState::S35);
    let decision = [("acces", "file du jour"), ("faire", "distinguer"), ("motif", REASON)];
    w.post(NATIONAL, &path, &decision).await.leads_to("/portail/console/arbitrage?fait=arbitree");
    w.process().await;
    assert_eq!(state_of(&w, &number).await, RequestState::S40);
    w.get(Some(NATIONAL), QUEUE).await.says(&["Aucune demande n’attend un arbitrage"]);
    assert_eq!(w.post(NATIONAL, &path, &decision[..1]).await.status, StatusCode::CONFLICT, "it is in the queue no more");
}

#[tokio::test]
async fn the_other_decisions_lead_where_they_say() {
    for (deed, state) in [("rattacher", RequestState::S40), ("piece", RequestState::S25), ("rejeter", RequestState::S50)] {
        let w = World::new().await;
        let (number, _) = doubtful(&w).await;
        let decision = [("acces", "file du jour"), ("faire", deed), ("motif", REASON)];
        let done = w.post(NATIONAL, &format!("{QUEUE}/{number}"), &decision).await;
        done.leads_to("/portail/console/arbitrage?fait=arbitree");
        w.process().await;
        let reached = state_of(&w, &number).await;
        if deed == "rejeter" {
            assert!(reached.terminal() && reached != RequestState::S40, "{reached:?}");
        } else {
            assert_eq!(reached, state, "{deed}");
        }
    }
}

/// Two registered persons who are alike, and a pair of the night.
async fn pair(w: &World) -> (String, String) {
    w.state_person("899900000110", "MARIE-ALICE").await;
    w.state_person("899900000128", "MARIE-ALINE").await;
    while w.registration.index_next(&w.system).await.unwrap().is_behind {}
    assert!(w.registration.run_duplicates(&w.system).await.unwrap().found >= 1);
    ("99900000110".to_owned(), "99900000128".to_owned())
}

#[tokio::test]
async fn a_pair_is_merged_and_the_merge_undone() {
    let w = World::new().await;
    let (one, other) = pair(&w).await;
    let path = format!("{QUEUE}/paires/{one}/{other}");
    w.get(Some(NATIONAL), QUEUE).await.says(&[&path]).hides(&["MARIE"]);
    w.get(Some(NATIONAL), &path).await.page(StatusCode::OK, &format!("Comparer les numéros {one} et {other}")).hides(&["MARIE"]);
    let sheet = w.post(NATIONAL, &path, &[("acces", "doublons")]).await.page(StatusCode::OK, "Comparer deux numéros");
    sheet.says(&["MARIE-ALICE", "MARIE-ALINE", "name=\"conserve\" value=\"99900000110\""]);
    let merge = |reason| [("acces", "doublons"), ("faire", "fusionner"), ("conserve", "99900000110"), ("motif", reason)];
    w.post(NATIONAL, &path, &merge("court")).await.page(ERROR, "Comparer deux numéros").says(&["href=\"#motif\""]);
    w.post(NATIONAL, &path, &merge(REASON)).await.leads_to("/portail/console/arbitrage?fait=fusionnees");
    assert_eq!(w.registration.surviving_number(&other).await.unwrap().as_deref(), Some(one.as_str()));
    let corrections = "/portail/console/arbitrage/corrections";
    let undo = |reason| [("faire", "defusionner"), ("alias", "99900000128"), ("accesFusion", "erreur"), ("motif", reason)];
    w.post(NATIONAL, corrections, &undo("")).await.page(ERROR, "Corrections de l’arbitre").says(&["href=\"#motif\""]);
    w.post(NATIONAL, corrections, &undo("court")).await.page(ERROR, "Corrections de l’arbitre").says(&["href=\"#motif\""]);
    w.post(NATIONAL, corrections, &undo(REASON)).await.leads_to("/portail/console/arbitrage?fait=defusionnees");
    assert_eq!(w.registration.surviving_number(&other).await.unwrap(), None);
}

#[tokio::test]
async fn a_merge_that_is_older_waits_for_a_second_arbiter() {
    let w = World::new().await;
    let (one, other) = pair(&w).await;
    let merge = [("acces", "doublons"), ("faire", "fusionner"), ("conserve", one.as_str()), ("motif", REASON)];
    let merged = w.post(NATIONAL, &format!("{QUEUE}/paires/{one}/{other}"), &merge).await;
    merged.leads_to("/portail/console/arbitrage?fait=fusionnees");
    w.pass(31 * 86_400_000);
    let corrections = "/portail/console/arbitrage/corrections";
    let undo = [("faire", "defusionner"), ("alias", other.as_str()), ("accesFusion", "erreur"), ("motif", REASON)];
    w.post(NATIONAL, corrections, &undo).await.leads_to("/portail/console/arbitrage?fait=defusion-proposee");
    assert!(w.registration.surviving_number(&other).await.unwrap().is_some());
    w.get(Some(NATIONAL), corrections).await.says(&["attendent un second arbitre", &other, "par vous"]);
    w.post(NATIONAL, corrections, &undo).await.page(ERROR, "Corrections de l’arbitre");
    assert!(w.registration.surviving_number(&other).await.unwrap().is_some(), "nobody confirms themselves");
}

#[tokio::test]
async fn a_pair_is_declared_distinct() {
    let w = World::new().await;
    let (one, other) = pair(&w).await;
    let path = format!("{QUEUE}/paires/{one}/{other}");
    let decision = [("acces", "doublons"), ("faire", "distinguer"), ("motif", REASON)];
    w.post(NATIONAL, &path, &decision).await.leads_to("/portail/console/arbitrage?fait=distinctes");
    w.get(Some(NATIONAL), QUEUE).await.hides(&[&path]);
    assert_eq!(w.registration.run_duplicates(&w.system).await.unwrap().found, 0);
}

#[tokio::test]
async fn an_arbiter_agrees_to_a_wrong_person_before_the_authority_asks() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (number, _) = w.registered(&by, "990000010", "Camille", "camille").await;
    let corrections = "/portail/console/arbitrage/corrections";
    w.get(Some(NATIONAL), corrections).await.page(StatusCode::OK, "Corrections de l’arbitre");
    let agree = [("faire", "accorder"), ("numero", number.as_str()), ("accesAccord", "appel de l'établissement")];
    w.post(NATIONAL, corrections, &agree[..2]).await.page(ERROR, "Corrections de l’arbitre").says(&["href=\"#accesAccord\""]);
    w.post(NATIONAL, corrections, &agree).await.leads_to("/portail/console/arbitrage?fait=accord");
    w.registration.cancel_wrong_person(&by, &number, false).await.unwrap();
}

#[tokio::test]
async fn support_opens_a_request_and_a_person_behind_masks() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (number, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let secrets = ["Essai", "ESSAI", "camille@", "0692000012", "97128", "Camille E"];
    w.get(Some(NATIONAL), SUPPORT).await.page(StatusCode::OK, "Support").hides(&secrets);
    w.post(NATIONAL, SUPPORT, &[("numero", &number)]).await.page(ERROR, "Support").says(&["href=\"#acces\"", &number]);
    w.post(NATIONAL, SUPPORT, &[("acces", "appel")]).await.page(ERROR, "Support").says(&["href=\"#numero\""]);
    w.post(NATIONAL, SUPPORT, &[("acces", "appel"), ("numero", "P20260101000000")])
        .await
        .page(StatusCode::OK, "Support")
        .says(&["Aucune demande n’a ce numéro"]);
    let found = w.post(NATIONAL, SUPPORT, &[("acces", "appel"), ("numero", &number)]).await;
    found
        .page(StatusCode::OK, &format!("Demande {number}"))
        .says(&["Création de la demande", "N10", "e-mail", "en attente", &rpps])
        .hides(&secrets);
    let person = w.post(NATIONAL, SUPPORT, &[("acces", "appel"), ("rpps", &rpps)]).await;
    person.page(StatusCode::OK, &format!("Fiche {rpps}")).says(&["E…", "c…@p….example", "••/••/1991"]).hides(&secrets);
    let target = [("faire", "reaffecter"), ("acces", "appel"), ("numero", number.as_str()), ("cible", "990000044")];
    let refused = w.post(NATIONAL, "/portail/console/support/acte", &target).await;
    refused.page(ERROR, &format!("Demande {number}")).says(&["href=\"#cible\""]);
}

#[tokio::test]
async fn support_reassigns_closes_alerts_and_lifts_what_was_withheld() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (number, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let act = "/portail/console/support/acte";
    let neighbour = w.manager(NEIGHBOUR).await;
    let open = w.submitted(&by, "990000010", "Dominique", "dominique").await.number;
    let target = [("faire", "reaffecter"), ("acces", "appel"), ("numero", open.as_str()), ("cible", "990000028")];
    w.post(NATIONAL, act, &target).await.leads_to("/portail/console/support?fait=reaffectee");
    assert_eq!(w.registration.open_sheet(&neighbour, &open).await.unwrap().place.unwrap().number, "990000028");
    let holder = w.registration.holder_session(&format!("8{rpps}"), trace()).await.unwrap();
    w.registration.not_me(&holder, &number).await.unwrap();
    let page = w.get(Some(NATIONAL), SUPPORT).await.page(StatusCode::OK, "Support");
    let (_, rest) = page.text.split_once("name=\"alerte\" value=\"").expect("an alert");
    let alert = rest.split('"').next().unwrap().to_owned();
    page.says(&["Alerte «\u{a0}Ce n’est pas moi\u{a0}»", &number]);
    let close = [("faire", "clore"), ("alerte", alert.as_str())];
    w.post(NATIONAL, act, &close).await.leads_to("/portail/console/support?fait=close");
    w.post(NATIONAL, act, &close).await.page(ERROR, "Support").says(&["href=\"#alertes\""]);
    let title = format!("Fiche {rpps}");
    w.post(NATIONAL, SUPPORT, &[("acces", "appel"), ("rpps", &rpps)])
        .await
        .page(StatusCode::OK, &title)
        .says(&["Lever la suspension"]);
    let lift = |reason| [("faire", "lever"), ("acces", "appel"), ("rpps", rpps.as_str()), ("motif", reason)];
    w.post(NATIONAL, act, &lift("court")).await.page(ERROR, &title).says(&["href=\"#motif\""]);
    w.post(NATIONAL, act, &lift("Vérifié par téléphone")).await.leads_to("/portail/console/support?fait=levee");
    assert_eq!(w.registration.means_withheld(&format!("8{rpps}")).await.unwrap(), None);
}

#[tokio::test]
async fn auditors_search_the_trail_backwards_and_take_it_along() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (number, _) = w.registered(&by, "990000010", "Camille", "camille").await;
    for n in 0..60 {
        let query = PersonQuery::Number(format!("8880000{n:04}"));
        assert!(!matches!(w.registration.find_person(&by, &query).await.unwrap(), PersonSearch::Found(_)));
    }
    let path = "/portail/console/audit";
    let about = format!("{path}?demande={}&evenement=inscription-valider", number.to_lowercase());
    let found = w.get(Some(NATIONAL), &about).await.page(StatusCode::OK, "Trace d’audit");
    found.says(&["inscription-valider", SITE, &number]).hides(&["Événements plus anciens", "inscription-creer"]);
    let all = w.get(Some(NATIONAL), &format!("{path}?acteur={SITE}")).await.page(StatusCode::OK, "Trace d’audit");
    let (_, rest) = all.text.split_once(&format!("href=\"{path}?acteur={SITE}&#38;avant=")).expect("older events");
    let before = rest.split('"').next().unwrap().to_owned();
    let older =
        w.get(Some(NATIONAL), &format!("{path}?acteur={SITE}&avant={before}")).await.page(StatusCode::OK, "Trace d’audit");
    older.says(&["inscription-creer"]).hides(&[&format!(">{before}</td>")]);
    w.get(Some(NATIONAL), &format!("{path}?depuis=hier")).await.page(ERROR, "Trace d’audit").says(&["href=\"#depuis\""]);
    w.get(Some(NATIONAL), &format!("{path}?depuis=27/11/2026")).await.says(&["Aucun événement"]);
    w.get(Some(NATIONAL), &format!("{path}?acteur={SITE}&depuis=26/11/2026&jusque=26/11/2026")).await.says(&[SITE]);
    let file = w.get(Some(NATIONAL), &format!("{path}/fichier?acteur={SITE}")).await;
    assert!(file.status == StatusCode::OK && file.text.starts_with('\u{feff}') && file.text.lines().count() > 60);
    let own = w.get(Some(NATIONAL), &format!("{path}?acteur={NATIONAL}&evenement=inscription-lire-trace")).await;
    own.says(&["sought-actor", SITE]);
}

#[tokio::test]
async fn a_wish_is_answered() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let key = w.registration.wish_profession(&by, "Musicothérapeute", 3, "Soins palliatifs").await.unwrap();
    let path = "/portail/console/nomenclatures";
    let page = w.get(Some(NATIONAL), path).await.page(StatusCode::OK, "Nomenclatures");
    page.says(&["Musicothérapeute", "Soins palliatifs", "<dd>3</dd>"]);
    w.post(NATIONAL, path, &[("souhait", &key), ("reponse", " ")]).await.page(ERROR, "Nomenclatures");
    let answer = [("souhait", key.as_str()), ("reponse", "Retenue pour la prochaine version")];
    w.post(NATIONAL, path, &answer).await.leads_to("/portail/console/nomenclatures?fait=repondu");
    let page = w.get(Some(NATIONAL), path).await.page(StatusCode::OK, "Nomenclatures");
    page.says(&["Aucune demande n’attend", "Retenue pour la prochaine version"]);
}

#[tokio::test]
async fn an_authority_sees_its_population_and_nobody_else() {
    let w = World::new().await;
    let path = "/portail/console/autorite";
    w.get(Some(NATIONAL), path).await.page(StatusCode::OK, "Autorité d’enregistrement").says(&[
        "CNOM",
        "Anomalies signalées",
        "Flux de l’autorité",
    ]);
    let own = w.post(NATIONAL, path, &[("rpps", &COLLEAGUE[1..])]).await.page(StatusCode::OK, "Autorité d’enregistrement");
    own.says(&["COLLEGUE", "03/02/1980", "collegue@gestion.example"]);
    let other = w.post(HEAD, path, &[("rpps", &COLLEAGUE[1..])]).await.page(ERROR, "Autorité d’enregistrement");
    let unknown = w.post(HEAD, path, &[("rpps", "99900000999")]).await.page(ERROR, "Autorité d’enregistrement");
    let plain = |text: &str| text.replace(&COLLEAGUE[1..], "").replace("99900000999", "");
    assert_eq!(plain(&other.text), plain(&unknown.text), "they are not told apart");
    other.hides(&["COLLEGUE", "1980"]);
}

#[tokio::test]
async fn anybody_checks_an_attestation_and_a_wrong_code_tells_nothing() {
    let w = World::new().await;
    w.get(None, "/portail/verifier").await.page(StatusCode::OK, "Vérifier une attestation");
    let attestation =
        w.get(Some(COLLEAGUE), "/portail/pro/attestation").await.page(StatusCode::OK, "Attestation d’enregistrement");
    let (_, rest) = attestation.text.split_once("Code de vérification&nbsp;: <strong class=\"whole\">").expect("a code");
    let code = rest.split('<').next().unwrap().to_owned();
    assert!(code.len() == 14 && code.split('-').all(|part| part.len() == 4), "{code}");
    let check = async |rpps: &str, code: &str| w.get(None, &format!("/portail/verifier?rpps={rpps}&code={code}")).await;
    let good = check(&COLLEAGUE[1..], &code).await.page(StatusCode::OK, "Vérifier une attestation");
    good.says(&["Attestation reconnue", "26/11/2026", "COLLEGUE GESTION", "Médecin", "990000010 - Structure"]).hides(&[
        "1980",
        "gestion.example",
        "35238",
    ]);
    check(&COLLEAGUE[1..], &code.to_lowercase().replace('-', "%20")).await.says(&["Attestation reconnue"]);
    // The number of somebody, of nobody, and a wrong code: one answer.
    let wrong =
        check(&REP[1..], &code).await.page(ERROR, "Vérifier une attestation").hides(&["REPRESENTANTE", "Attestation reconnue"]);
    let nobody = check("99900000999", &code).await;
    assert_eq!(wrong.text.replace(&REP[1..], ""), nobody.text.replace("99900000999", ""));
    let other = check(&COLLEAGUE[1..], "4K7M-09QX-ZT2A").await.page(ERROR, "Vérifier une attestation");
    other.hides(&["COLLEGUE", "Attestation reconnue"]);
    for (rpps, code) in [("123", code.as_str()), (&COLLEAGUE[1..], "court"), ("", "court")] {
        check(rpps, code).await.page(ERROR, "Vérifier une attestation").says(&["class=\"summary\""]);
    }
    w.pass(365 * world::DAY);
    check(&COLLEAGUE[1..], &code).await.says(&["Attestation reconnue"]);
    w.pass(2 * world::DAY);
    check(&COLLEAGUE[1..], &code).await.page(ERROR, "Vérifier une attestation");
}

#[tokio::test]
async fn an_agent_decides_on_a_batch_that_waits_and_no_other_authority_sees_it() {
    let w = World::new().await;
    let r = &w.registration;
    let by = annuaire_registry::FeedSender::agent(&r.authority_session(NATIONAL, trace()).await.unwrap());
    let line = concat!(
        r#"{"sourceId": "M-1", "version": 1, "operation": "upsert", "#,
        r#""person": {"familyName": "EXEMPLE", "givenNames": ["Odile"], "sex": "F", "birthDate": "1979-03-14", "birthCommune": "35238"}, "#,
        r#""exercises": [{"profession": "10", "category": "C", "familyName": "EXEMPLE", "givenName": "Odile"}]}"#,
    );
    let held = r.receive_feed(&by, false, "changements.jsonl", line.as_bytes()).await.unwrap();
    let list = "/portail/console/autorite/flux";
    let path = format!("{list}/{}", held.id);
    w.get(Some(NATIONAL), list).await.page(StatusCode::OK, "Flux de l’autorité").says(&[&path, "En attente de décision"]);
    w.get(Some(HEAD), list).await.page(StatusCode::OK, "Flux de l’autorité").hides(&["changements.jsonl", &held.id]);
    assert_ne!(w.get(Some(HEAD), &path).await.status, StatusCode::OK);
    let page = w.get(Some(NATIONAL), &path).await.page(StatusCode::OK, "changements.jsonl");
    page.says(&["Appliquer", "Rejeter", "Personnes nouvelles"]).hides(&["EXEMPLE", "Odile"]);
    let short = w.post(NATIONAL, &path, &[("faire", "appliquer"), ("motif", "court")]).await;
    short.page(ERROR, "changements.jsonl").says(&["href=\"#motif\"", ">court</textarea>"]);
    assert_ne!(w.post(HEAD, &path, &[("faire", "appliquer"), ("motif", REASON)]).await.status, StatusCode::SEE_OTHER);
    w.post(NATIONAL, &path, &[("faire", "appliquer"), ("motif", REASON)]).await.leads_to(&path);
    r.run_feeds(&w.system).await.unwrap();
    w.get(Some(NATIONAL), &path).await.page(StatusCode::OK, "changements.jsonl").says(&["Appliqué", "acquittement.jsonl"]);
    let answer = w.get(Some(NATIONAL), &format!("{path}/acquittement.jsonl")).await;
    assert!(answer.text.contains(r#""result":"accepted","rpps":"99"#), "{}", answer.text);
    assert_ne!(w.get(Some(HEAD), &format!("{path}/acquittement.jsonl")).await.status, StatusCode::OK);
}
