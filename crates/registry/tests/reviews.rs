//! The attestation campaign (registration §15): when managers are asked, what they answer, what silence does.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{RegistrationSubject, SectionDraft};
use annuaire_workflow::fields::{ClosingDraft, ContactDraft};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::reviews::ReviewStep;
use annuaire_workflow::state::RequestState;
use world::{COLLEAGUE, DAY, HEAD, NEIGHBOUR, SITE, World, person, refused, signed};

const PLACE: &str = "990000010";

/// Mails of N20 of a run of timers, by address.
async fn asked(w: &World) -> Vec<(String, String)> {
    w.registration.run_due(&w.system).await.unwrap();
    let mails = w.mails().await.into_iter().filter(|(_, subject, _)| subject.contains("enregistrements à vérifier"));
    let mut all: Vec<(String, String)> = mails.map(|(to, _, text)| (to, text)).collect();
    all.sort();
    all
}

/// Managers log in: a habilitation that nobody uses for thirteen months is suspended.
async fn all_log_in(w: &World) {
    for id in [SITE, COLLEAGUE, HEAD] {
        w.manager(id).await;
    }
}

fn told(mails: &[(String, String)]) -> Vec<&str> {
    mails.iter().map(|(to, _)| to.as_str()).collect()
}

#[tokio::test]
async fn managers_are_asked_after_a_year_and_silence_removes_nothing() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, PLACE, "Camille", "camille").await;
    assert!(asked(&w).await.is_empty());
    w.pass(364 * DAY);
    assert!(asked(&w).await.is_empty(), "not before a year");
    assert_eq!(r.manager_tasks(&by).await.unwrap().reviews, 0);
    w.pass(DAY);
    let mails = asked(&w).await;
    assert_eq!(told(&mails), ["collegue@gestion.example", "siege@gestion.example", "site@gestion.example"]);
    // Asked on 26 November 2027: « non confirmé » follows after 120 days.
    assert!(mails[0].1.contains("1 enregistrements de Structure d'essai 990000010") && mails[0].1.contains("25/03/2028"));
    assert!(asked(&w).await.is_empty(), "once");
    assert_eq!(r.manager_tasks(&by).await.unwrap().reviews, 1);
    assert_eq!(r.dashboard(&by).await.unwrap().to_review, 1);
    assert_eq!(r.manager_tasks(&w.manager(NEIGHBOUR).await).await.unwrap().reviews, 0, "of the own perimeter");
    all_log_in(&w).await;
    let step = async || r.situations_to_review(&by, PLACE, 0, 50).await.unwrap().lines[0].step;
    assert_eq!(step().await, ReviewStep::Asked);
    w.pass(60 * DAY);
    assert_eq!(told(&asked(&w).await), ["representante@gestion.example"]);
    assert_eq!(step().await, ReviewStep::Reminded);
    let shown = async || {
        let page = r.staff(&by, PLACE, 0, 50).await.unwrap();
        page.lines.into_iter().find(|line| line.rpps == rpps).unwrap().unconfirmed
    };
    assert!(!shown().await);
    w.pass(60 * DAY);
    assert!(asked(&w).await.is_empty());
    assert_eq!(step().await, ReviewStep::NotConfirmed);
    assert!(shown().await, "restricted data shows it");
    w.pass(300 * DAY);
    r.run_due(&w.system).await.unwrap();
    assert_eq!(w.public(&rpps).await.exercices[0].situations.len(), 1, "nobody is removed");
}

#[tokio::test]
async fn an_answer_lasts_a_year_and_what_the_authority_changes_is_one() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    for (given, name) in [("Camille", "camille"), ("Dominique", "dominique")] {
        w.registered(&by, PLACE, given, name).await;
    }
    r.run_due(&w.system).await.unwrap();
    w.pass(366 * DAY);
    asked(&w).await;
    let page = r.situations_to_review(&by, PLACE, 0, 50).await.unwrap();
    assert_eq!((page.total, page.lines.len()), (2, 2));
    assert_eq!(r.situations_to_review(&by, PLACE, 1, 50).await.unwrap().lines.len(), 1, "pages");
    let all: Vec<String> = page.lines.iter().map(|line| line.situation.clone()).collect();
    // Strangers to the structure, and situations of nobody.
    let stranger = w.manager(NEIGHBOUR).await;
    assert_eq!(refused(r.confirm_situations(&stranger, PLACE, &all).await).code, MessageCode::EPer01);
    assert_eq!(refused(r.situations_to_review(&stranger, PLACE, 0, 50).await).code, MessageCode::EPer01);
    assert_eq!(refused(r.confirm_situations(&stranger, "990000028", &all).await).code, MessageCode::EGen02);
    assert_eq!(refused(r.confirm_situations(&by, PLACE, &["x".to_owned()]).await).code, MessageCode::EGen02);
    assert_eq!(refused(r.confirm_situations(&by, PLACE, &[]).await).code, MessageCode::EGen02);
    assert_eq!(r.confirm_situations(&by, PLACE, &all[..1]).await.unwrap(), 1);
    assert_eq!(r.confirm_situations(&by, PLACE, &all[..1]).await.unwrap(), 1, "sent twice");
    assert_eq!(r.manager_tasks(&w.manager(HEAD).await).await.unwrap().reviews, 1);
    // The other one left: the request of the existing use case ends the situation, and nothing waits.
    let left = &page.lines.iter().find(|line| line.situation == all[1]).unwrap();
    let ends = RegistrationSubject::Situation { rpps: left.rpps.clone(), situation: all[1].clone(), ends: true };
    let at = r.create_request(&by, PLACE, &ends).await.unwrap();
    let closing = ClosingDraft { date_fin: "20/11/2027".into(), motif: String::new() };
    let outcome = r.validate_section(&by, &at.number, at.version, SectionDraft::Closing(closing), &[]).await.unwrap();
    assert!(outcome.valid, "{:?}", outcome.findings.list);
    assert_eq!(r.submit(&by, &at.number, signed()).await.unwrap().state, RequestState::S30);
    w.process().await;
    r.run_due(&w.system).await.unwrap();
    assert_eq!(r.manager_tasks(&by).await.unwrap().reviews, 0);
    assert!(w.registry.identity_row("situation-review", &all[1]).await.unwrap().is_none());
    all_log_in(&w).await;
    // From 27 November 2027 to that day of a leap year.
    w.pass(365 * DAY);
    assert!(asked(&w).await.is_empty());
    w.pass(DAY);
    assert_eq!(told(&asked(&w).await).len(), 3, "a year after the answer");
}

#[tokio::test]
async fn a_large_structure_is_asked_after_six_months_and_nobody_confirms_themselves() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, PLACE, "Camille", "camille").await;
    let (_, elsewhere) = w.registered(&w.manager(NEIGHBOUR).await, "990000028", "Claude", "claude").await;
    w.state_persons((0..501).map(|n| person(&format!("8109990{n:05}"), "NOMBREUSE")).collect()).await;
    r.run_due(&w.system).await.unwrap();
    w.pass(182 * DAY);
    let mails = asked(&w).await;
    assert_eq!(told(&mails), ["collegue@gestion.example", "siege@gestion.example", "site@gestion.example"]);
    assert!(mails.iter().all(|(_, text)| text.contains(PLACE)), "the small one has a year: {elsewhere}");
    // Whoever was registered and manages the structure is confirmed by a colleague.
    let rep = w.representative().await;
    let own = format!("8{rpps}");
    r.designate_manager(&rep, &world::site(PLACE), &own, annuaire_registry::ManagerTerms::default()).await.unwrap();
    let own = w.manager(&own).await;
    let page = r.situations_to_review(&own, PLACE, 0, 50).await.unwrap();
    assert!(page.lines[0].is_own);
    let all = vec![page.lines[0].situation.clone()];
    assert_eq!(refused(r.confirm_situations(&own, PLACE, &all).await).code, MessageCode::EReq04);
    assert_eq!(r.confirm_situations(&w.manager(COLLEAGUE).await, PLACE, &all).await.unwrap(), 1);
}

#[tokio::test]
async fn who_was_registered_before_reviews_began_is_reviewed_too_and_the_night_reads_what_is_due_alone() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, PLACE, "Camille", "camille").await;
    // As an installation of a former release left it: no row of reviews, and nothing to look at.
    let id = w.restricted(&rpps).await.exercices[0].situations[0].id_situation_exercice.clone();
    let followed = w.registry.identity_row("followed-person", &format!("8{rpps}")).await.unwrap().unwrap();
    let mut unit = w.registry.begin().await.unwrap();
    unit.write_identity(&annuaire_store::IdentityWrite::Replace(annuaire_store::IdentityRow {
        due_ms: None,
        content: followed.content.replace(&followed.due_ms.unwrap().to_string(), "null"),
        ..followed
    }))
    .await
    .unwrap();
    let cause = annuaire_store::Cause::new(annuaire_store::Channel::Operator, "test", "test");
    let now = w.clock.load(std::sync::atomic::Ordering::SeqCst);
    unit.save(&cause, annuaire_store::CommitClock { now_ms: &move || now, any_clock: false }).await.unwrap();
    for _ in 0..2 {
        w.registration.run_due(&w.system).await.unwrap();
    }
    assert!(w.registry.identity_row("situation-review", &id).await.unwrap().is_some());
    let due = async || w.registry.identity_rows_due("place-review", w.clock.load(std::sync::atomic::Ordering::SeqCst), 10).await;
    w.pass(180 * DAY);
    assert!(due().await.unwrap().is_empty(), "no structure is looked at before its day");
}

#[tokio::test]
async fn a_verified_contact_is_asked_for_after_a_year_and_one_click_confirms_it() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, PLACE, "Camille", "camille").await;
    let holder = w.holder(&rpps).await;
    let old = async || r.own_file(&holder).await.unwrap().contact_is_old;
    w.pass(380 * DAY);
    assert!(!old().await, "a contact that nobody verified is not confirmed, but verified by codes");
    assert_eq!(refused(r.confirm_own_contact(&holder).await).code, MessageCode::EGen02);
    r.means_activated(&w.system, &format!("8{rpps}")).await.unwrap();
    let draft = ContactDraft { email: "autre@personne.example".into(), mobile: "0639980019".into(), sans_mobile: false };
    r.propose_contact(&w.manager(SITE).await, &rpps, &draft).await.unwrap();
    r.confirm_contact(&holder, true).await.unwrap();
    r.run_nightly_indicators(&w.system).await.unwrap().expect("the walk of the night finds the contact");
    w.mails().await;
    let asked = async || {
        r.run_due(&w.system).await.unwrap();
        let mails = w.mails().await.into_iter().filter(|(_, subject, _)| subject.contains("toujours exactes"));
        mails.map(|(to, ..)| to).collect::<Vec<String>>()
    };
    // From 11 December 2027 to that day of a leap year.
    w.pass(365 * DAY);
    assert!(!old().await && asked().await.is_empty());
    w.pass(DAY);
    assert!(old().await);
    assert_eq!(asked().await, ["autre@personne.example"]);
    assert!(asked().await.is_empty(), "once");
    for _ in 0..2 {
        r.confirm_own_contact(&holder).await.unwrap();
        assert!(!old().await);
    }
    w.pass(364 * DAY);
    assert!(!old().await && asked().await.is_empty());
    w.pass(DAY);
    assert!(old().await, "a year after the click");
    assert_eq!(asked().await, ["autre@personne.example"]);
}
