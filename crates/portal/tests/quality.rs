//! The pages that keep the directory true (registration §15), as browsers see them.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use axum::http::StatusCode;
use world::{HEAD, NEIGHBOUR, SITE, World};

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
