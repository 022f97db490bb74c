//! The pages of legal representatives and mandataires (SC60), as browsers see them.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_workflow::habilitation::HabilitationState;
use axum::http::StatusCode;
use world::{COLLEAGUE, HEAD, NATIONAL, NEIGHBOUR, REP, SITE, World, site};

const PAGES: [&str; 6] = [
    "/portail/habilitations",
    "/portail/habilitations/EG:990000010",
    "/portail/habilitations/EG:990000010/gestionnaire",
    "/portail/habilitations/EG:990000010/mandataire",
    "/portail/habilitations/EG:990000010/gestionnaires/899900000029/supprimer",
    "/portail/habilitations/EG:990000010/logiciels",
];

#[tokio::test]
async fn strangers_and_other_people_see_nothing() {
    let w = World::new().await;
    for path in PAGES {
        let answer = w.get(None, path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.location.starts_with("/connexion?retour="), "{path}: {}", answer.location);
        let answer = w.post_plain(None, path, &[("structure", "990000010")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        let answer = w.post_plain(Some(REP), path, &[("faire", "quatre-yeux")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "a form without token: {path}");
    }
    for path in &PAGES[1..] {
        for stranger in [SITE, HEAD, NEIGHBOUR] {
            let answer = w.get(Some(stranger), path).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            assert!(answer.text.contains("E-HAB-01"));
            let answer = w.post(stranger, path, &[("rpps", &COLLEAGUE[1..]), ("faire", "envoyer"), ("cgu", "oui")]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    w.get(Some(SITE), PAGES[0])
        .await
        .page(StatusCode::OK, "Habilitations")
        .says(&["Vous ne représentez encore aucune structure"]);
    assert_eq!(w.get(Some("899900000999"), PAGES[0]).await.status, StatusCode::FORBIDDEN, "nobody registered");
    assert_eq!(w.get(Some(REP), "/portail/habilitations/990000010").await.status, StatusCode::NOT_FOUND);
    assert_eq!(w.get(Some(REP), "/portail/habilitations/EG:990000099").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_structure_is_attached_and_verified() {
    let w = World::bare().await;
    w.post(REP, PAGES[0], &[("structure", "")])
        .await
        .page(StatusCode::UNPROCESSABLE_ENTITY, "Habilitations")
        .says(&["#structure"]);
    w.post(REP, PAGES[0], &[("structure", "990000044")])
        .await
        .page(StatusCode::UNPROCESSABLE_ENTITY, "Habilitations")
        .says(&["href=\"#structure\"", "value=\"990000044\""]);
    w.post(REP, PAGES[0], &[("structure", "990000010")]).await.leads_to("/portail/habilitations?fait=rattachee");
    w.get(Some(REP), PAGES[0]).await.says(&["/portail/habilitations/EG:990000010", "À vérifier", "Représentant légal"]);
    let page = w.get(Some(REP), PAGES[1]).await.page(StatusCode::OK, "990000010 - Structure d&#39;essai 990000010");
    page.says(&["Le support vérifie le contrat"]).hides(&["Ajouter une habilitation"]);
    w.post(COLLEAGUE, PAGES[0], &[("structure", "990000010")])
        .await
        .page(StatusCode::UNPROCESSABLE_ENTITY, "Habilitations")
        .says(&["à vérifier"])
        .hides(&["A_VERIFIER"]);
    let support = "/portail/console/support";
    w.get(Some(NATIONAL), support).await.page(StatusCode::OK, "Support").says(&["990000010", "REPRESENTANTE GESTION"]);
    w.post(NATIONAL, "/portail/console/support/acte", &[("faire", "accepter"), ("cible", "EG:990000010")])
        .await
        .page(StatusCode::UNPROCESSABLE_ENTITY, "Support");
    let fields = [("faire", "accepter"), ("cible", "EG:990000010"), ("contrat", "C-2026-01")];
    w.post(NATIONAL, "/portail/console/support/acte", &fields).await.leads_to("/portail/console/support?fait=acceptee");
    w.get(Some(REP), PAGES[1]).await.says(&["Habilitée", "contrat C-2026-01", "Ajouter une habilitation"]);
}

#[tokio::test]
async fn a_manager_is_designated_and_withdrawn() {
    let w = World::new().await;
    let path = PAGES[2];
    w.get(Some(REP), path).await.page(StatusCode::OK, "Ajouter une habilitation");
    let error = StatusCode::UNPROCESSABLE_ENTITY;
    w.post(REP, path, &[("faire", "chercher"), ("rpps", "")]).await.page(error, "Ajouter une habilitation").says(&["#rpps"]);
    w.post(REP, path, &[("faire", "chercher"), ("rpps", "99900000999")])
        .await
        .page(error, "Ajouter une habilitation")
        .says(&["Enregistrer cette personne d’abord", "/portail/gae/nouvelle"]);
    let number = &COLLEAGUE[1..];
    let found = w.post(REP, path, &[("faire", "chercher"), ("rpps", number)]).await;
    found.page(StatusCode::OK, "Ajouter une habilitation").says(&["COLLEGUE GESTION", "Médecin", "Étape suivante"]);
    let wrong = [("faire", "recapituler"), ("rpps", number), ("fin", "01/01/2020")];
    w.post(REP, path, &wrong).await.page(error, "Ajouter une habilitation").says(&["href=\"#fin\""]);
    let summary = w.post(REP, path, &[("faire", "recapituler"), ("rpps", number), ("fin", "31/12/2027")]).await;
    summary.page(StatusCode::OK, "Ajouter une habilitation").says(&[
        "Récapitulatif",
        "31/12/2027",
        "Envoyer la demande d’habilitation",
    ]);
    let unread = [("faire", "envoyer"), ("rpps", number), ("fin", "31/12/2027")];
    w.post(REP, path, &unread).await.page(error, "Ajouter une habilitation").says(&["href=\"#cgu\""]);
    let send = [("faire", "envoyer"), ("rpps", number), ("fin", "31/12/2027"), ("cgu", "oui")];
    w.post(REP, path, &send).await.leads_to("/portail/habilitations/EG:990000010?fait=habilitation");
    w.get(Some(REP), PAGES[1]).await.says(&["COLLEGUE GESTION", "31/12/2027", "avant le 26/11/2027"]);
    w.manager(COLLEAGUE).await;
    let remove = "/portail/habilitations/EG:990000010/gestionnaires/899900000037/supprimer";
    w.get(Some(REP), remove).await.page(StatusCode::OK, "Supprimer une habilitation").says(&["COLLEGUE GESTION", ">Supprimer<"]);
    w.post(REP, remove, &[]).await.leads_to("/portail/habilitations/EG:990000010?fait=retrait");
    let all = w.registration.managers(&w.representative().await, &site("990000010")).await.unwrap();
    assert!(all.iter().any(|manager| manager.manager == COLLEAGUE && manager.state == HabilitationState::Revoked));
    let gone = w.get(Some(REP), "/portail/habilitations/EG:990000010/gestionnaires/899900000045/supprimer").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "a manager of another structure");
}

#[tokio::test]
async fn a_manager_of_a_legal_entity_leaves_sites_out() {
    let w = World::new().await;
    let path = "/portail/habilitations/EJ:990000002/gestionnaire";
    let number = &COLLEAGUE[1..];
    let terms = w.post(REP, path, &[("faire", "chercher"), ("rpps", number)]).await;
    terms.page(StatusCode::OK, "Ajouter une habilitation").says(&["exclusion-990000010", "exclusion-990000028"]);
    let mut fields = vec![("rpps", number), ("exclusion", "990000028"), ("faire", "recapituler")];
    w.post(REP, path, &fields).await.says(&["name=\"exclusion\" value=\"990000028\""]).hides(&["value=\"990000010\""]);
    fields[2].1 = "envoyer";
    fields.push(("cgu", "oui"));
    w.post(REP, path, &fields).await.leads_to("/portail/habilitations/EJ:990000002?fait=habilitation");
    let places = w.registration.perimeter_places(&w.manager(COLLEAGUE).await).await.unwrap();
    let numbers: Vec<_> = places.iter().map(|place| place.number.as_str()).collect();
    assert!(numbers.contains(&"990000010") && !numbers.contains(&"990000028"), "{numbers:?}");
}

#[tokio::test]
async fn a_mandataire_acts_and_is_no_representative() {
    let w = World::new().await;
    let (path, number) = (PAGES[3], &COLLEAGUE[1..]);
    w.post(REP, path, &[("faire", "chercher"), ("rpps", number)]).await.says(&["autoriser la sous-délégation"]);
    let send = [("faire", "envoyer"), ("rpps", number), ("cgu", "oui")];
    w.post(REP, path, &send).await.leads_to("/portail/habilitations/EG:990000010?fait=mandat");
    let page = w.get(Some(COLLEAGUE), PAGES[1]).await;
    page.says(&["Mandataire", "Ajouter une habilitation"])
        .hides(&["Ajouter un mandataire", "Supprimer<span class=\"visually-hidden\"> le mandat"]);
    let other = [("faire", "envoyer"), ("rpps", &HEAD[1..]), ("cgu", "oui")];
    w.post(COLLEAGUE, path, &other)
        .await
        .page(StatusCode::UNPROCESSABLE_ENTITY, "Ajouter un mandataire")
        .says(&["sauf sous-délégation"]);
    w.post(COLLEAGUE, PAGES[2], &send)
        .await
        .page(StatusCode::UNPROCESSABLE_ENTITY, "Ajouter une habilitation")
        .says(&["vous-même"]);
    let remove = "/portail/habilitations/EG:990000010/mandataires/899900000037/supprimer";
    w.get(Some(REP), remove).await.page(StatusCode::OK, "Supprimer un mandataire");
    w.post(REP, remove, &[]).await.leads_to("/portail/habilitations/EG:990000010?fait=finmandat");
    assert_eq!(w.get(Some(COLLEAGUE), PAGES[1]).await.status, StatusCode::FORBIDDEN, "at once");
}

#[tokio::test]
async fn options_third_structures_and_the_yearly_list() {
    let w = World::new().await;
    let (path, back) = (PAGES[1], "/portail/habilitations/EG:990000010?fait=");
    w.post(REP, path, &[("faire", "quatre-yeux"), ("quatreYeux", "oui")]).await.leads_to(&format!("{back}option"));
    w.get(Some(REP), path).await.says(&["aria-describedby=\"quatreYeux-aide\" checked"]);
    w.post(REP, path, &[("faire", "quatre-yeux")]).await.leads_to(&format!("{back}option"));
    w.get(Some(REP), path).await.hides(&[" checked"]);
    w.post(REP, path, &[("faire", "deleguer"), ("tiers", "990000044")])
        .await
        .page(StatusCode::UNPROCESSABLE_ENTITY, "990000010 - Structure d&#39;essai 990000010")
        .says(&["href=\"#tiers\"", "value=\"990000044\""]);
    w.post(REP, path, &[("faire", "deleguer"), ("tiers", "990000028")]).await.leads_to(&format!("{back}delegation"));
    let third = async || w.registration.perimeter_places(&w.manager(NEIGHBOUR).await).await.unwrap().len();
    assert_eq!(third().await, 2);
    w.get(Some(REP), path).await.says(&["990000028 - Structure", "Mettre fin"]);
    w.post(REP, path, &[("faire", "fin-delegation"), ("tiers", "990000028")]).await.leads_to(&format!("{back}findelegation"));
    assert_eq!(third().await, 1);
    w.pass(200 * world::DAY);
    w.post(REP, path, &[("faire", "confirmer")]).await.leads_to(&format!("{back}confirmes"));
    w.get(Some(REP), path).await.says(&["avant le 14/06/2028"]);
    assert_eq!(w.post(REP, path, &[("faire", "autre")]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_structure_that_closed_is_taken_over() {
    let w = World::new().await;
    let old = "/portail/habilitations/EG:990000028";
    let heading = "990000028 - Structure d&#39;essai 990000028";
    w.get(Some(REP), old).await.page(StatusCode::OK, heading).hides(&["Reprendre"]);
    let mut closing = world::structure("990000028", "990000002", "99900000300023");
    closing.date_fermeture = "2026-11-27".into();
    w.state_structure(closing).await;
    w.registration.follow_structures(&w.system, &["F990000028".to_owned()]).await.unwrap();
    w.pass(3 * world::DAY);
    w.registration.run_due(&w.system).await.unwrap();
    w.get(Some(REP), old).await.page(StatusCode::OK, heading).says(&["Suspendue", "Reprendre sur le nouvel établissement"]);
    let take = |number| [("faire", "reprendre"), ("nouveau", number)];
    w.post(REP, old, &take("990000044")).await.page(StatusCode::UNPROCESSABLE_ENTITY, heading).says(&["href=\"#nouveau\""]);
    w.state_structure(world::structure("990000036", "990000002", "99900000300031")).await;
    w.post(REP, old, &take("990000036")).await.leads_to("/portail/habilitations/EG:990000036?fait=reprise");
    w.get(Some(REP), "/portail/habilitations/EG:990000036").await.says(&["VOISINE GESTION", "Habilitée"]);
    w.get(Some(REP), old).await.page(StatusCode::OK, heading).says(&["a été reprise"]).hides(&["name=\"nouveau\""]);
    w.manager(NEIGHBOUR).await;
}

/// The text between the first `<code>` after some words and its end.
fn code_after(page: &str, words: &str) -> String {
    let (_, rest) = page.split_once(words).unwrap();
    let (_, rest) = rest.split_once("<code>").unwrap();
    rest.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_software_is_registered_renewed_and_revoked() {
    let w = World::new().await;
    let (path, error) = (PAGES[5], StatusCode::UNPROCESSABLE_ENTITY);
    w.get(Some(REP), PAGES[1]).await.says(&["href=\"/portail/habilitations/EG:990000010/logiciels\""]);
    let page = w.get(Some(REP), path).await.page(StatusCode::OK, "Logiciels");
    page.says(&["Aucun logiciel", "SITE GESTION", "https://annuaire.example/portail/api/v1/openapi.json"])
        .hides(&["VOISINE GESTION"]);
    w.post(REP, path, &[("nom", ""), ("gestionnaire", "")]).await.page(error, "Logiciels").says(&["#nom", "#gestionnaire"]);
    let other = [("nom", "SIRH"), ("gestionnaire", NEIGHBOUR)];
    w.post(REP, path, &other).await.page(error, "Logiciels").says(&["href=\"#gestionnaire\"", "value=\"SIRH\""]);
    let fields = [("nom", "SIRH <essai>"), ("gestionnaire", SITE), ("validation", "oui")];
    let told = w.post(REP, path, &fields).await.page(StatusCode::OK, "Logiciel enregistré");
    assert_eq!(told.headers["cache-control"], "no-store");
    let (client, secret) = (code_after(&told.text, "Identifiant"), code_after(&told.text, "<dt>Secret"));
    told.says(&[
        "SIRH &#60;essai&#62;",
        &format!("curl -u {client} -d grant_type=client_credentials https://annuaire.example/portail/api/v1/jeton"),
        "openapi.json",
    ]);
    let token = async |secret: &str| w.registration.software_token(&client, secret, &world::trace()).await;
    token(&secret).await.unwrap();
    w.post(REP, path, &fields).await.page(error, "Logiciels").says(&["href=\"#nom\""]).hides(&[&secret]);
    w.get(Some(REP), path).await.page(StatusCode::OK, "Logiciels").says(&[&client, "Actif", ">oui<"]).hides(&[&secret]);

    let (renewal, revocation) = (format!("{path}/{client}/secret"), format!("{path}/{client}/revocation"));
    for deed in [&renewal, &revocation] {
        assert_eq!(w.get(None, deed).await.status, StatusCode::SEE_OTHER);
        assert_eq!(w.post_plain(Some(REP), deed, &[]).await.status, StatusCode::FORBIDDEN, "without the token of the form");
        assert_eq!(w.get(Some(SITE), deed).await.status, StatusCode::FORBIDDEN);
        assert_eq!(w.post(SITE, deed, &[]).await.status, StatusCode::FORBIDDEN, "its manager is no representative");
        let elsewhere = deed.replace("EG:990000010", "EG:990000028");
        assert_eq!(w.post(REP, &elsewhere, &[]).await.status, StatusCode::NOT_FOUND, "below another structure");
    }
    assert_eq!(w.get(Some(REP), &format!("{path}/{client}/autre")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(w.get(Some(REP), &format!("{path}/inconnu/secret")).await.status, StatusCode::NOT_FOUND);
    w.get(Some(REP), &renewal).await.page(StatusCode::OK, "Renouveler le secret d’un logiciel");
    let told = w.post(REP, &renewal, &[]).await.page(StatusCode::OK, "Nouveau secret");
    let renewed = code_after(&told.text, "<dt>Secret");
    assert!(renewed != secret && renewed.len() == 64, "{renewed}");
    assert!(token(&secret).await.is_err(), "the former secret");
    token(&renewed).await.unwrap();
    w.get(Some(REP), &revocation).await.page(StatusCode::OK, "Révoquer un logiciel").says(&["SIRH &#60;essai&#62;"]);
    w.post(REP, &revocation, &[]).await.leads_to(&format!("{path}?fait=logicielrevoque"));
    w.get(Some(REP), path).await.says(&["Révoqué"]).hides(&[&renewal, &revocation]);
    assert!(token(&renewed).await.is_err());
    assert_eq!(w.post(REP, &renewal, &[]).await.status, StatusCode::NOT_FOUND, "a revoked one");
}
