//! The pages that keep the directory true (registration §15), as browsers see them.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_workflow::day::{paris_day, plus_days};
use annuaire_workflow::fields::ContactDraft;
use annuaire_workflow::request_number::RequestNumber;
use annuaire_workflow::reviews::is_surveyed;
use axum::http::StatusCode;
use world::{COLLEAGUE, HEAD, NATIONAL, NEIGHBOUR, SITE, World, trace};

const DAY: i64 = 86_400_000;
const REVIEW: &str = "/portail/gae/effectifs/confirmation";

/// The value of the first hidden field of a name.
fn hidden(text: &str, name: &str) -> String {
    let (_, rest) = text.split_once(&format!("name=\"{name}\" value=\"")).expect(name);
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_manager_confirms_ends_or_changes_what_is_to_be_reviewed() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    for (given, name) in [("Ondine", "ondine"), ("Basile", "basile"), ("Colombe", "colombe")] {
        w.registered(&by, "990000010", given, name).await;
    }
    w.registration.run_due(&w.system).await.unwrap();
    w.get(Some(SITE), REVIEW).await.page(StatusCode::OK, "Enregistrements à vérifier").says(&["0 enregistrement à vérifier"]);
    w.get(Some(SITE), "/portail/gae").await.hides(&["à vérifier cette année"]);
    w.pass(366 * DAY);
    w.registration.run_due(&w.system).await.unwrap();
    w.get(Some(SITE), "/portail/gae").await.says(&["3 enregistrements à vérifier cette année", REVIEW]);
    w.get(Some(NEIGHBOUR), "/portail/gae").await.hides(&["à vérifier cette année"]);
    let page = w.get(Some(SITE), REVIEW).await.page(StatusCode::OK, "Enregistrements à vérifier");
    let page = page.says(&["Ondine", "Basile", "Colombe", "Toujours présent", "Parti le", "Rôle changé"]);
    let (rpps, situation) = (hidden(&page.text, "rpps"), hidden(&page.text, "situation"));
    let fields =
        |faire| [("structure", "990000010"), ("rpps", rpps.as_str()), ("situation", situation.as_str()), ("faire", faire)];
    // A manager of another structure neither reads nor answers.
    let elsewhere = format!("{REVIEW}?structure=990000010");
    w.get(Some(NEIGHBOUR), &elsewhere).await.page(StatusCode::FORBIDDEN, "Ce n’est pas possible").hides(&["Ondine"]);
    for deed in ["present", "parti", "role"] {
        assert_eq!(w.post(NEIGHBOUR, REVIEW, &fields(deed)).await.status, StatusCode::FORBIDDEN, "{deed}");
    }
    assert_eq!(w.post(SITE, REVIEW, &fields("effacer")).await.status, StatusCode::BAD_REQUEST);
    // « Parti le »: a day that is none is told beside the field; a good one leads to the legal statement.
    let left = |day| [&fields("parti")[..], &[("cle", day), ("depart", day)]].concat();
    let wrong = w.post(SITE, REVIEW, &left("31/02/2027")).await;
    assert!(wrong.location.ends_with("?controle=situation"), "{}", wrong.location);
    let number = wrong.location.split(['/', '?']).nth(4).unwrap().to_owned();
    w.get(Some(SITE), &wrong.location).await.says(&["31/02/2027"]);
    w.post(SITE, &format!("/portail/gae/demandes/{number}/abandonner"), &[("confirme", "oui")]).await;
    let good = w.post(SITE, REVIEW, &left("15/11/2027")).await;
    assert!(good.location.ends_with("/soumettre"), "{}", good.location);
    let again = w.post(SITE, REVIEW, &left("15/11/2027")).await;
    assert!(good.location.starts_with(&again.location), "sent twice, one request: {} {}", good.location, again.location);
    // « Rôle changé » begins a change.
    let changed = w.post(SITE, REVIEW, &fields("role")).await;
    w.get(Some(SITE), &changed.location).await.says(&["Modification"]);
    // « Toujours présent », of a line and of the page.
    let one = w.post(SITE, REVIEW, &fields("present")).await;
    assert_eq!(one.location, format!("{REVIEW}?structure=990000010&fait=confirmees"));
    let page = w.get(Some(HEAD), &one.location).await.says(&["La confirmation est enregistrée.", "2 enregistrements à vérifier"]);
    let bulk = page.text.rsplit("<form").next().unwrap();
    let all: Vec<&str> = bulk.split("name=\"situation\" value=\"").skip(1).map(|part| part.split('"').next().unwrap()).collect();
    assert_eq!(all.len(), 2);
    let fields: Vec<(&str, &str)> =
        all.iter().map(|id| ("situation", *id)).chain([("structure", "990000010"), ("faire", "present")]).collect();
    assert_eq!(w.post(HEAD, REVIEW, &fields).await.status, StatusCode::SEE_OTHER);
    w.get(Some(SITE), &elsewhere).await.says(&["0 enregistrement à vérifier"]);
}

const REPORT: &str = "/portail/signaler";
const WRONG: &str = "Cette personne est partie en septembre.";

/// What a stranger types, with the token of the page.
async fn report(w: &World, rpps: &str, datum: &str) -> world::Answered {
    let token = hidden(&w.get(None, REPORT).await.text, "jeton");
    let fields =
        [("jeton", token.as_str()), ("rpps", rpps), ("donnee", datum), ("texte", WRONG), ("email", "lecteur@essai.example")];
    w.post_plain(None, REPORT, &fields).await
}

#[tokio::test]
async fn anybody_reports_an_anomaly_and_learns_nothing_that_the_directory_hides() {
    let w = World::new().await;
    let (_, rpps) = w.registered(&w.manager(SITE).await, "990000010", "Ondine", "ondine").await;
    let page = w.get(None, &format!("{REPORT}?rpps={rpps}")).await.page(StatusCode::OK, "Signaler une anomalie");
    page.says(&[&rpps, "Donnée inexacte", "Coordonnées"]).hides(&["Ondine"]);
    // A form without the token of the page, and one that was sent from elsewhere.
    for token in ["", "0123456789abcdef0123456789abcdef"] {
        let fields = [("jeton", token), ("rpps", rpps.as_str()), ("donnee", "role"), ("texte", WRONG)];
        assert_eq!(w.post_plain(None, REPORT, &fields).await.status, StatusCode::FORBIDDEN);
    }
    for (rpps, datum, told) in
        [("12", "role", "Saisissez les 11 chiffres du numéro RPPS"), (rpps.as_str(), "autre", "Ce champ est obligatoire.")]
    {
        let answer = report(&w, rpps, datum).await.page(StatusCode::UNPROCESSABLE_ENTITY, "Signaler une anomalie");
        answer.says(&[told, WRONG, "lecteur@essai.example"]);
    }
    // Known, unknown, of an order: one answer.
    let mut states = Vec::new();
    for number in [rpps.as_str(), "99912345671", &HEAD[1..]] {
        let answer = report(&w, number, "role").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let state = w.get(None, &answer.location).await.page(StatusCode::OK, "Suivi d’un signalement");
        let state = state.says(&["En attente de réponse", "Votre signalement est transmis."]);
        let shown = state.text.replace(answer.location.split(['/', '?']).nth(3).unwrap(), "…");
        assert!(!shown.contains(number) && !shown.contains(WRONG) && !shown.contains("lecteur@"));
        states.push((answer.location, shown));
    }
    assert!(states.iter().all(|(_, shown)| *shown == states[0].1), "a stranger learns nothing");
    w.get(None, &format!("{REPORT}/0123456789abcdef0123456789abcdef")).await.page(StatusCode::NOT_FOUND, "Page introuvable");
    // Its manager sees it on the home page, answers, and the reporter sees the answer.
    w.get(Some(NEIGHBOUR), "/portail/gae").await.hides(&["anomalie signalée"]);
    w.get(Some(NEIGHBOUR), "/portail/gae/anomalies").await.page(StatusCode::OK, "Anomalies signalées").hides(&["Ondine"]);
    w.get(Some(SITE), "/portail/gae").await.says(&["1 anomalie signalée", "/portail/gae/anomalies"]);
    let list = w.get(Some(SITE), "/portail/gae/anomalies").await.page(StatusCode::OK, "Anomalies signalées");
    let list = list.says(&["Ondine", WRONG, "lecteur@essai.example", "Corrigé", "Exact", "Ne nous concerne pas"]);
    let key = hidden(&list.text, "anomalie");
    let fields = [("anomalie", key.as_str()), ("faire", "corrige")];
    for (who, path) in [
        (NEIGHBOUR, "/portail/gae/anomalies"),
        (SITE, "/portail/pro/anomalies"),
        (NATIONAL, "/portail/console/support/anomalies"),
        (HEAD, "/portail/console/autorite/anomalies"),
    ] {
        assert_eq!(w.post(who, path, &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
    let done = w.post(SITE, "/portail/gae/anomalies", &fields).await;
    w.get(Some(SITE), &done.location).await.says(&["La réponse est envoyée.", "Aucune anomalie n’attend"]);
    w.get(None, &states[0].0).await.says(&["<strong>Corrigé</strong>"]).hides(&["En attente"]);
    // What nobody owns is the support's; what an order registered is its agents'.
    w.get(Some(NATIONAL), "/portail/console/support/anomalies").await.says(&["99912345671", WRONG]).hides(&["SIEGE"]);
    w.get(Some(NATIONAL), "/portail/console/autorite/anomalies").await.says(&[&HEAD[1..]]).hides(&["99912345671"]);
}

#[tokio::test]
async fn a_professional_confirms_the_own_contact_with_one_click() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Ondine", "ondine").await;
    let who = format!("8{rpps}");
    r.means_activated(&w.system, &who).await.unwrap();
    // No request leaves before a contact is verified: both pages where one begins say where to go first.
    let (first, pages) = ("confirmez vos coordonnées", ["/portail/pro/situations", "/portail/pro/situations/ajouter"]);
    for path in pages {
        w.get(Some(&who), path).await.says(&[first, "/portail/pro/coordonnees"]);
    }
    let draft = ContactDraft { email: "autre@personne.example".into(), mobile: "0639980019".into(), sans_mobile: false };
    r.propose_contact(&by, &rpps, &draft).await.unwrap();
    w.post(&who, "/portail/pro/coordonnees/proposition", &[("faire", "accepter")]).await;
    for path in pages {
        w.get(Some(&who), path).await.hides(&[first]);
    }
    let button = "Mes coordonnées sont toujours exactes";
    w.get(Some(&who), "/portail/pro/coordonnees").await.page(StatusCode::OK, "Mes coordonnées").hides(&[button]);
    w.pass(366 * DAY);
    w.get(Some(&who), "/portail/pro").await.says(&["Vos coordonnées n’ont pas été vérifiées depuis un an"]);
    w.get(Some(&who), "/portail/pro/coordonnees").await.page(StatusCode::OK, "Mes coordonnées").says(&[button]);
    let done = w.post(&who, "/portail/pro/coordonnees/confirmation", &[]).await;
    w.get(Some(&who), &done.location).await.says(&["La confirmation est enregistrée."]).hides(&[button]);
    // Whoever verified nothing has nothing to confirm.
    let none = w.post(SITE, "/portail/pro/coordonnees/confirmation", &[]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
}

const FIGURES: &str = "/portail/console/indicateurs";

#[tokio::test]
async fn auditors_and_arbiters_read_figures_that_name_nobody() {
    let w = World::new().await;
    w.get(Some(NATIONAL), "/portail/console").await.says(&[FIGURES, "Indicateurs de qualité"]);
    let page = w.get(Some(NATIONAL), FIGURES).await.page(StatusCode::OK, "Indicateurs de qualité");
    page.says(&["Le premier calcul n’a pas encore eu lieu"]);
    let (_, rpps) = w.registered(&w.manager(SITE).await, "990000010", "Ondine", "ondine").await;
    w.registration.run_due(&w.system).await.unwrap();
    w.get(Some(SITE), "/portail/gae").await.hides(&["Qualité de vos enregistrements"]);
    w.registration.run_nightly_indicators(&w.system).await.unwrap().expect("a count");
    let page = w.get(Some(NATIONAL), FIGURES).await.page(StatusCode::OK, "Indicateurs de qualité");
    page.says(&["Tous les territoires", "Identités certifiées", "n. c.", &format!("{FIGURES}/fichier")])
        .hides(&["Ondine", &rpps]);
    let file = w.get(Some(NATIONAL), &format!("{FIGURES}/fichier")).await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(file.text.starts_with("\u{feff}Territoire;Indicateur;Valeur;Base\r\n"), "{}", file.text);
    assert!(file.text.contains("Tous les territoires;Identités certifiées;n. c.;\r\n"), "{}", file.text);
    assert!(!file.text.contains(&rpps) && !file.text.contains("Ondine"));
    // The manager sees the own score, and no rank.
    w.get(Some(SITE), "/portail/gae").await.says(&["Qualité de vos enregistrements"]).hides(&["Médiane", "rang"]);
    w.get(Some(NEIGHBOUR), "/portail/gae").await.hides(&["Qualité de vos enregistrements"]);
}

#[tokio::test]
async fn another_arbiter_decides_again_without_the_first_decision() {
    let w = World::new().await;
    let (queue, reason) = ("/portail/console/arbitrage", "Deux pièces d'identité vues");
    let first = w.registration.arbiter_session(NATIONAL, "doublons", trace()).await.unwrap();
    let numbers: Vec<String> = (0..14).map(|n| format!("8999000080{n:02}")).collect();
    for (n, id) in numbers.iter().enumerate() {
        w.state_person(id, &format!("PERSONNE{n}")).await;
    }
    let second = w.registration.arbiter_session(COLLEAGUE, "doublons", trace()).await.unwrap();
    'drawn: for one in &numbers {
        for other in numbers.iter().filter(|other| *other != one) {
            w.registration.declare_distinct(&first, &one[1..], &other[1..], reason).await.unwrap();
            if !w.registration.second_looks(&second).await.unwrap().is_empty() {
                break 'drawn;
            }
        }
    }
    w.get(Some(NATIONAL), queue).await.hides(&["Seconds avis à donner"]);
    let list = w.get(Some(COLLEAGUE), queue).await.says(&["Seconds avis à donner"]).hides(&["Désaccords"]);
    let (_, rest) = list.text.split_once(&format!("{queue}/second-avis/")).unwrap();
    let path = format!("{queue}/second-avis/{}", rest.split('"').next().unwrap());
    let asked = w.get(Some(COLLEAGUE), &path).await.page(StatusCode::OK, "Donner un second avis");
    asked.says(&["name=\"acces\""]).hides(&["PERSONNE"]);
    let opened = [("acces", "second avis")];
    let page = w.post(COLLEAGUE, &path, &opened).await.page(StatusCode::OK, "Donner un second avis");
    let page = page.says(&["Nom de famille", "Même personne", "Personnes distinctes"]);
    page.hides(&["Rejeter", reason, "en vigueur par"]);
    assert_eq!(w.post(NATIONAL, &path, &opened).await.status, StatusCode::CONFLICT, "the first one does not look again");
    let decision = |faire, motif| [("acces", "second avis"), ("faire", faire), ("motif", motif)];
    let short = w.post(COLLEAGUE, &path, &decision("meme", "court")).await;
    short.page(StatusCode::UNPROCESSABLE_ENTITY, "Donner un second avis").says(&["href=\"#motif\""]);
    assert_eq!(w.post(COLLEAGUE, &path, &decision("autre", reason)).await.status, StatusCode::BAD_REQUEST);
    let done = w.post(COLLEAGUE, &path, &decision("meme", reason)).await;
    w.get(Some(NATIONAL), &done.location).await.says(&["Désaccords entre arbitres", "Personnes distinctes", "Même personne"]);
    assert_eq!(w.post(COLLEAGUE, &path, &opened).await.status, StatusCode::CONFLICT, "answered");
}

#[tokio::test]
async fn two_arbiters_correct_a_death_and_the_managers_see_what_it_ended() {
    let w = World::new().await;
    let (path, ended) = ("/portail/console/arbitrage/corrections", "/portail/gae/deces-corriges");
    let (_, rpps) = w.registered(&w.manager(SITE).await, "990000010", "Ondine", "ondine").await;
    let day = annuaire_workflow::day::parse_iso("2026-11-20").unwrap();
    w.registration.death_known(&w.system, &rpps, day).await.unwrap();
    w.get(Some(SITE), "/portail/gae").await.hides(&["décès corrigé"]);
    let form = |motif| [("faire", "deces"), ("decede", rpps.as_str()), ("accesDeces", "appel"), ("motifDeces", motif)];
    let short = w.post(NATIONAL, path, &form("court")).await.page(StatusCode::UNPROCESSABLE_ENTITY, "Corrections de l’arbitre");
    short.says(&["href=\"#motifDeces\"", &rpps]);
    let empty = w.post(NATIONAL, path, &[("faire", "deces")]).await;
    empty.page(StatusCode::UNPROCESSABLE_ENTITY, "Corrections de l’arbitre").says(&["href=\"#decede\"", "href=\"#accesDeces\""]);
    let reason = "Erreur sur la personne";
    w.post(NATIONAL, path, &form(reason)).await.leads_to("/portail/console/arbitrage?fait=deces-propose");
    w.get(Some(NATIONAL), path).await.says(&[&format!("Numéro {rpps}"), "par vous"]);
    let done = w.post(COLLEAGUE, path, &form(reason)).await;
    w.get(Some(COLLEAGUE), &done.location).await.says(&["La personne n’est plus déclarée décédée."]);
    // Its managers, and no other.
    w.get(None, ended).await.leads_to("/portail/gae/connexion?retour=%2Fportail%2Fgae%2Fdeces-corriges");
    w.get(Some(NEIGHBOUR), ended).await.page(StatusCode::OK, "Activités arrêtées par un décès corrigé").hides(&["Ondine"]);
    w.get(Some(SITE), "/portail/gae").await.says(&["1 activité arrêtée par un décès corrigé", ended]);
    let list = w.get(Some(SITE), ended).await.page(StatusCode::OK, "Activités arrêtées par un décès corrigé");
    let list = list.says(&["Ondine", &rpps, "20/11/2026", "Traité"]);
    let fields = [("situation", &*hidden(&list.text, "situation"))];
    assert_eq!(w.post_plain(None, ended, &fields).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(w.post_plain(Some(SITE), ended, &fields).await.status, StatusCode::FORBIDDEN, "a form without token");
    assert_eq!(w.post(NEIGHBOUR, ended, &fields).await.status, StatusCode::FORBIDDEN);
    let done = w.post(SITE, ended, &fields).await;
    w.get(Some(SITE), &done.location)
        .await
        .says(&["Cette activité n’attend plus de suite.", "Aucune activité n’attend une suite."]);
}

#[tokio::test]
async fn who_is_drawn_answers_two_questions() {
    let w = World::new().await;
    let path = "/portail/pro/enquete";
    // The seed follows from the secret of this installation; days pass until the first request of one is drawn.
    let key = blake3::derive_key("annuaire 2026-11 hashed traits of registration", &[7; 32]);
    let mut hash = blake3::Hasher::new_keyed(&key);
    let seed = hash.update(&6_u64.to_be_bytes()).update(b"survey").finalize().to_hex();
    let today = paris_day(w.clock.load(std::sync::atomic::Ordering::SeqCst));
    let drawn = |days: &i32| is_surveyed(seed.as_bytes(), &RequestNumber::new(plus_days(today, *days), 1).to_string());
    w.pass(i64::from((0..380).find(drawn).unwrap()) * DAY);
    let (_, rpps) = w.registered(&w.manager(SITE).await, "990000010", "Ondine", "ondine").await;
    let who = format!("8{rpps}");
    w.get(Some(&who), "/portail/pro").await.hides(&[path]);
    w.get(Some(&who), path).await.page(StatusCode::NOT_FOUND, "Page introuvable");
    w.pass(7 * DAY);
    w.get(None, path).await.leads_to("/connexion?retour=%2Fportail%2Fpro%2Fenquete");
    w.get(Some(SITE), path).await.page(StatusCode::NOT_FOUND, "Page introuvable");
    let answers = [("informe", "oui"), ("exact", "non")];
    assert_eq!(w.post(SITE, path, &answers).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(w.post_plain(None, path, &answers).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(w.post_plain(Some(&who), path, &answers).await.status, StatusCode::FORBIDDEN, "a form without token");
    w.get(Some(&who), "/portail/pro").await.says(&[path]);
    let page = w.get(Some(&who), path).await.page(StatusCode::OK, "Votre avis sur votre enregistrement");
    page.says(&["Avez-vous été informé(e)", "Le rôle enregistré est-il exact"]);
    let half = w.post(&who, path, &answers[..1]).await;
    half.page(StatusCode::UNPROCESSABLE_ENTITY, "Votre avis sur votre enregistrement").says(&["href=\"#exact"]);
    let done = w.post(&who, path, &answers).await;
    w.get(Some(&who), &done.location).await.says(&["Merci"]).hides(&[path]);
    w.get(Some(&who), path).await.page(StatusCode::NOT_FOUND, "Page introuvable");
}
