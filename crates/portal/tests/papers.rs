//! Papers as PDF. Equal data gives equal bytes, so that what a paper says is compared with a paper made of what its page says.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_papers::{AttestedPlace, HomeHelpPaper, PaperCheck, RegistrationPaper, RequestPaper};
use axum::http::{StatusCode, header};
use world::{Answered, COLLEAGUE, DAY, HEAD, NEIGHBOUR, SITE, World};

/// The bytes of a file that is handed out as a PDF of that name, and kept by nobody between.
#[track_caller]
fn pdf(answer: &Answered, name: &str) -> Vec<u8> {
    assert_eq!(answer.status, StatusCode::OK, "{}{}", answer.location, answer.text);
    for (header, value) in [
        (header::CONTENT_TYPE, "application/pdf"),
        (header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        assert_eq!(answer.headers.get(&header).map(|value| value.to_str().unwrap()), Some(value), "{header}");
    }
    assert!(answer.bytes.starts_with(b"%PDF-1.7"));
    answer.bytes.clone()
}

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    text.split(from).skip(1).map(|part| part.split_once(to).expect("an end").0).collect()
}

fn plain(html: &str) -> String {
    html.replace("&#39;", "'").replace("&#38;", "&").replace("&nbsp;", "\u{a0}")
}

/// The paper that says what a summary shows on its page.
fn paper_of(page: &str) -> RequestPaper {
    let one = |from: &str, to: &str| between(page, from, to).first().map(|text| plain(text)).unwrap_or_default();
    let main = between(page, "<div class=\"split\"><div>", "</div>").first().map(|text| (*text).to_owned()).expect("sections");
    let sections = main.split("<h2>").skip(1).map(|part| {
        let (title, rest) = part.split_once("</h2>").unwrap();
        let lines = between(rest, "<dt>", "</dt>").into_iter().zip(between(rest, "<dd>", "</dd>"));
        (plain(title), lines.map(|(label, value)| (plain(label), plain(value))).collect())
    });
    let steps = between(page, "<h2>Étapes</h2><ul>", "</ul>").first().map(|list| between(list, "<li>", "</li>")).expect("steps");
    let steps = steps.into_iter().map(|step| {
        let (words, when) = step.split_once(" <span class=\"soft\">").unwrap();
        (plain(when.trim_end_matches("</span>")), plain(words))
    });
    RequestPaper {
        number: one("Numéro de la demande&nbsp;: <strong class=\"whole\">", "<"),
        kind: one("</strong></span> · ", " · "),
        state: one("Statut de la demande&nbsp;: <span class=\"state", "</strong>").split("<strong>").nth(1).unwrap().to_owned(),
        rpps: one("Numéro RPPS&nbsp;: <strong class=\"whole\">", "<"),
        sections: sections.collect(),
        steps: steps.collect(),
    }
}

#[tokio::test]
async fn an_attestation_says_what_is_public_and_how_it_is_checked() {
    let w = World::new().await;
    let path = "/portail/pro/attestation.pdf";
    w.get(Some(COLLEAGUE), "/portail/pro").await.says(&[path, "Télécharger mon attestation"]);
    let page = w.get(Some(COLLEAGUE), "/portail/pro/attestation").await;
    let page = page.page(StatusCode::OK, "Attestation d’enregistrement").says(&[path, "Télécharger mon attestation (PDF)"]);
    let code = between(&page.text, "Code de vérification&nbsp;: <strong class=\"whole\">", "<")[0].to_owned();
    let rpps = &COLLEAGUE[1..];
    let checked = format!("/portail/verifier?rpps={rpps}&code={code}");
    let public = w.get(None, &checked).await.says(&["Attestation reconnue"]);
    let value = |label: &str| plain(between(&public.text, &format!("<dt>{label}</dt><dd>"), "</dd>")[0]);
    let (number, name) = value("Structures").split_once(" - ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    // Made of what a stranger is told who checks it, and of nothing else: no birth, no contact.
    let expected = RegistrationPaper {
        rpps: rpps.into(),
        names: vec![value("Nom d’exercice")],
        professions: vec![value("Profession")],
        places: vec![AttestedPlace { number, name }],
        day: "26/11/2026".into(),
        check: PaperCheck { url: format!("https://annuaire.example{checked}"), code },
    };
    assert_eq!(expected.names, ["COLLEGUE GESTION"]);
    let got = pdf(&w.get(Some(COLLEAGUE), path).await, &format!("attestation-{rpps}.pdf"));
    assert!(got == expected.to_pdf().unwrap(), "the paper says something else than the check of it");
    // The title names its number, which is that of whoever is logged in.
    let other = pdf(&w.get(Some(SITE), path).await, &format!("attestation-{}.pdf", &SITE[1..]));
    assert!(other != got);
    assert_eq!(w.get(None, path).await.status, StatusCode::SEE_OTHER);
    assert_eq!(w.get(Some("899900000999"), path).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_person_of_whom_nothing_is_public_is_attested_nothing() {
    let w = World::new().await;
    w.withhold(COLLEAGUE).await;
    for path in ["/portail/pro/attestation", "/portail/pro/attestation.pdf"] {
        let told = w.get(Some(COLLEAGUE), path).await.page(StatusCode::CONFLICT, "Attestation impossible");
        told.hides(&["COLLEGUE GESTION</strong>", "Code de vérification"]);
    }
}

#[tokio::test]
async fn the_summary_of_a_request_says_what_its_confirmation_shows() {
    let w = World::new().await;
    let site = w.manager(SITE).await;
    let (number, rpps) = w.registered(&site, "990000010", "Ondine", "ondine").await;
    let page = w.get(Some(SITE), &format!("/portail/gae/demandes/{number}/confirmation")).await;
    let path = format!("/portail/gae/demandes/{number}/confirmation.pdf");
    let page = page.says(&[&path, "Télécharger (PDF)", "Non renseigné", &rpps]);
    let expected = paper_of(&page.text);
    assert_eq!([expected.sections.len(), expected.sections[2].1.len().min(5)], [3, 5]);
    assert_eq!((&expected.number, &expected.rpps), (&number, &rpps));
    let got = pdf(&w.get(Some(SITE), &path).await, &format!("demande-{number}.pdf"));
    assert!(got == expected.to_pdf().unwrap(), "{expected:?}");
    // Another value is another paper.
    let mut other = expected;
    other.sections[0].1[0].1.push('x');
    assert!(got != other.to_pdf().unwrap());
    // Nobody else: a stranger logs in, a neighbour is refused, and a professional has no page of it.
    let stranger = w.get(None, &path).await;
    assert_eq!((stranger.status, stranger.location.contains("retour=")), (StatusCode::SEE_OTHER, true));
    assert_eq!(w.get(Some(HEAD), &path).await.status, StatusCode::OK);
    w.get(Some(NEIGHBOUR), &path).await.page(StatusCode::FORBIDDEN, "Ce n’est pas possible").hides(&["Ondine", "Fictif"]);
    for path in [format!("/portail/pro/demandes/{number}/confirmation.pdf"), "/portail/pro/demandes/x/confirmation.pdf".into()] {
        let other = w.get(Some(COLLEAGUE), &path).await;
        assert!(other.status.is_client_error() && other.bytes != got && !other.text.contains("Ondine"), "{}", other.status);
        assert_eq!(w.get(None, &path).await.status, StatusCode::SEE_OTHER);
    }
    let own = format!("/portail/pro/inscription/{number}/confirmation.pdf");
    assert_eq!(w.get(None, &own).await.status, StatusCode::SEE_OTHER);
    assert_eq!(w.get(Some(SITE), &own).await.status, StatusCode::SEE_OTHER, "a professional is no applicant");
}

#[tokio::test]
async fn a_professional_keeps_the_summary_of_their_own_request() {
    let w = World::new().await;
    let begun = w.post(COLLEAGUE, "/portail/pro/coordonnees", &[]).await.location;
    let number = begun.rsplit('/').next().unwrap().to_owned();
    let page = w.get(Some(COLLEAGUE), &format!("{begun}/confirmation")).await;
    let path = format!("{begun}/confirmation.pdf");
    let page = page.says(&[&path, "Données de contact"]).hides(&["Etat civil"]);
    let expected = paper_of(&page.text);
    let got = pdf(&w.get(Some(COLLEAGUE), &path).await, &format!("demande-{number}.pdf"));
    assert!(got == expected.to_pdf().unwrap(), "{expected:?}");
    assert!(w.get(Some(SITE), &path).await.status.is_client_error());
    assert_eq!(w.get(None, &path).await.status, StatusCode::SEE_OTHER);
}

/// Somebody registered as a qualified home helper, whose employer checked the proofs on a day.
async fn home_helper(w: &World, verified_on: &str) -> String {
    let site = w.manager(SITE).await;
    let at = w.submitted_with(&site, "990000010", ("Ondine", "ondine"), |situation| {
        situation.profession = "371".into();
        situation.critere = "experience".into();
        situation.verifie = true;
        situation.date_verification = verified_on.into();
    });
    let at = w.signed(&site, at.await).await;
    w.process().await;
    w.registration.open_sheet(&site, &at.number).await.unwrap().rpps.unwrap()
}

#[tokio::test]
async fn the_attestation_of_a_home_helper_is_recognised_for_five_years() {
    let w = World::new().await;
    let rpps = home_helper(&w, "28/02/2026").await;
    let who = format!("8{rpps}");
    let (path, paper) = ("/portail/pro/attestation-profession", "/portail/pro/attestation-profession.pdf");
    w.get(Some(&who), "/portail/pro").await.says(&[path]);
    let page = w.get(Some(&who), path).await.page(StatusCode::OK, "Attestation de profession");
    let page = page.says(&[paper, "Aide à domicile qualifié(e)", "990000010", "28/02/2026", "27/02/2031"]);
    let code = between(&page.text, "Code de vérification&nbsp;: <strong class=\"whole\">", "<")[0].to_owned();
    let checked = format!("/portail/verifier?rpps={rpps}&code={code}");
    let expected = HomeHelpPaper {
        rpps: rpps.clone(),
        names: vec!["Ondine Fictif".into()],
        profession: "Aide à domicile qualifié(e)".into(),
        place: AttestedPlace { number: "990000010".into(), name: "Structure d'essai 990000010".into() },
        verified_on: "28/02/2026".into(),
        valid_until: "27/02/2031".into(),
        check: PaperCheck { url: format!("https://annuaire.example{checked}"), code: code.clone() },
    };
    let name = format!("attestation-profession-{rpps}.pdf");
    let got = pdf(&w.get(Some(&who), paper).await, &name);
    assert!(got == expected.to_pdf().unwrap(), "{expected:?}: {}", page.text);
    // Anybody checks it; the code of the registration is another one, and neither is good for somebody else.
    let found = w.get(None, &checked).await.page(StatusCode::OK, "Vérifier une attestation");
    found.says(&["Attestation reconnue", "Aide à domicile qualifié(e)", "28/02/2026", "27/02/2031"]);
    let registration = w.get(Some(&who), "/portail/pro/attestation").await;
    assert!(!registration.text.contains(&code));
    let other = w.get(None, &format!("/portail/verifier?rpps={}&code={code}", &SITE[1..])).await;
    other.page(StatusCode::UNPROCESSABLE_ENTITY, "Vérifier une attestation").hides(&["Attestation reconnue"]);
    // Until the last day, and not on the next one.
    let days = 1554;
    w.pass(days * DAY);
    w.get(None, &checked).await.page(StatusCode::OK, "Vérifier une attestation").says(&["Attestation reconnue"]);
    assert_eq!(w.get(Some(&who), path).await.status, StatusCode::OK);
    w.pass(DAY);
    w.get(None, &checked).await.page(StatusCode::UNPROCESSABLE_ENTITY, "Vérifier une attestation").hides(&["reconnue</h2>"]);
    w.get(Some(&who), path).await.page(StatusCode::CONFLICT, "Attestation impossible");
    assert_eq!(w.get(Some(&who), paper).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn nobody_else_has_the_attestation_of_a_home_helper() {
    let w = World::new().await;
    let rpps = home_helper(&w, "26/11/2026").await;
    for path in ["/portail/pro/attestation-profession", "/portail/pro/attestation-profession.pdf"] {
        assert_eq!(w.get(None, path).await.status, StatusCode::SEE_OTHER);
        w.get(Some(COLLEAGUE), path).await.page(StatusCode::CONFLICT, "Attestation impossible").hides(&[&rpps]);
        assert_eq!(w.get(Some("899900000999"), path).await.status, StatusCode::FORBIDDEN);
    }
    w.get(Some(COLLEAGUE), "/portail/pro").await.hides(&["attestation-profession"]);
}
