//! The dialogue with the civil register, and what managers do about identities that it does not know (registration §9).
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_consolidate::Perimeter;
use annuaire_registry::{AnswerOutcome, CivilAnswer, CivilQuestion, RegistrationSubject, SectionDraft, parse_answer};
use annuaire_workflow::certification::CertificationState as S;
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::fields::CivilDraft;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::state::RequestState;
use world::*;

/// What is asked now, marked as sent.
async fn asked(w: &World) -> Vec<CivilQuestion> {
    let questions = w.registration.civil_questions(&w.system).await.unwrap();
    let again = w.registration.civil_questions(&w.system).await.unwrap();
    assert_eq!(questions, again, "a question that nobody marked is asked again with its reference");
    assert_eq!(w.registration.civil_questions_sent(&w.system, &questions).await.unwrap(), questions.len() as u64);
    assert!(w.registration.civil_questions(&w.system).await.unwrap().is_empty());
    questions
}

async fn answer(w: &World, reference: &str, answer: &CivilAnswer) -> AnswerOutcome {
    w.registration.take_civil_answer(&w.system, reference, answer).await.unwrap()
}

/// Asks about the only person and takes an answer.
async fn dialogue(w: &World, given: &CivilAnswer) -> AnswerOutcome {
    let questions = asked(w).await;
    assert_eq!(questions.len(), 1);
    answer(w, &questions[0].reference, given).await
}

async fn state(w: &World, rpps: &str) -> String {
    w.restricted(rpps).await.etat_civil.unwrap().statut
}

#[tokio::test]
async fn an_exact_answer_certifies_and_repeating_it_changes_nothing() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    assert!(w.registration.civil_questions(&w.system).await.unwrap().is_empty(), "the register is asked in the night");
    w.pass(DAY);
    let questions = asked(&w).await;
    let line: serde_json::Value = serde_json::from_str(&questions[0].to_line()).unwrap();
    assert_eq!(line["familyName"], "Essai");
    assert_eq!(line["birthPlace"]["commune"], "97128");
    assert_eq!(line.as_object().unwrap().len(), 6, "no other member, and no social security number");
    assert_eq!(state(&w, &rpps).await, "DI");
    let reference = &questions[0].reference;
    assert_eq!(answer(&w, reference, &CivilAnswer::Exact).await, AnswerOutcome::Taken(S::Certified));
    assert_eq!(state(&w, &rpps).await, "C");
    let tx = w.registry.last_tx().await.unwrap();
    assert_eq!(answer(&w, reference, &CivilAnswer::Exact).await, AnswerOutcome::Repeated);
    assert_eq!(answer(&w, reference, &CivilAnswer::Unknown).await, AnswerOutcome::AnsweredBefore);
    assert_eq!(answer(&w, "no-such", &CivilAnswer::Exact).await, AnswerOutcome::NotAsked);
    assert_eq!(w.registry.last_tx().await.unwrap(), tx, "nothing was written");
    let row = w.registry.identity_row("certification", &format!("8{rpps}")).await.unwrap().unwrap();
    assert!(row.content.contains(r#""sentOn":"2026-11-27","answeredOn":"2026-11-27""#), "{}", row.content);
    assert!(!row.content.to_lowercase().contains("essai"), "rows hold no trait");
}

#[tokio::test]
async fn the_form_of_the_register_is_taken_and_told() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    w.pass(DAY);
    w.mails().await;
    let form = CivilAnswer::Differing { family_name: "ÉSSAI".into(), given_names: vec!["CAMILLE".into(), "ZOÉ".into()] };
    assert_eq!(dialogue(&w, &form).await, AnswerOutcome::Taken(S::Certified));
    let civil = w.restricted(&rpps).await.etat_civil.unwrap();
    assert_eq!((civil.nom_famille.as_str(), civil.prenoms.len(), civil.statut.as_str()), ("ÉSSAI", 2, "C"));
    let told = w.mails().await;
    let (_, subject, text) = told.iter().find(|(to, ..)| to == "camille@personne.example").expect("N15");
    assert_eq!(subject, "Votre état civil a été corrigé");
    assert!(text.contains("nom de famille, prénoms") && !text.contains("ÉSSAI"), "{text}");
    // Certified, the person is asked for again after a year, and another change is taken.
    w.pass(364 * DAY);
    assert!(w.registration.civil_questions(&w.system).await.unwrap().is_empty());
    w.pass(2 * DAY);
    let changed = r#"{"reference":"r","answer":"changed","familyName":"Nouvel","givenNames":["Camille"],"sex":"F",
        "birthDate":"1991-05-07","birthPlace":{"commune":"97128","country":"99100"}}"#;
    let (_, changed) = parse_answer(changed, parse_iso("2027-11-27").unwrap()).unwrap();
    assert_eq!(dialogue(&w, &changed).await, AnswerOutcome::Taken(S::Certified));
    let civil = w.restricted(&rpps).await.etat_civil.unwrap();
    assert_eq!((civil.nom_famille.to_uppercase().as_str(), civil.lieu_naissance.as_str()), ("NOUVEL", "Sainte-Anne"));
}

#[tokio::test]
async fn a_number_that_is_being_made_is_asked_for_six_times_more() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    w.pass(DAY);
    for n in 0..6 {
        assert_eq!(dialogue(&w, &CivilAnswer::InProgress).await, AnswerOutcome::Taken(S::InProgress), "answer {n}");
        w.pass(29 * DAY);
        assert!(w.registration.civil_questions(&w.system).await.unwrap().is_empty(), "not before 30 days");
        w.pass(DAY + 3_600_000);
    }
    assert_eq!(dialogue(&w, &CivilAnswer::InProgress).await, AnswerOutcome::Taken(S::NotCertifiable));
    assert_eq!(state(&w, &rpps).await, "NC");
    assert_eq!(w.registration.identities_to_verify(&by).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_unknown_identity_is_a_task_of_the_owning_authority_alone() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    w.pass(DAY);
    assert_eq!(dialogue(&w, &CivilAnswer::Unknown).await, AnswerOutcome::Taken(S::NotCertifiable));
    let r = &w.registration;
    let tasks = r.identities_to_verify(&by).await.unwrap();
    assert_eq!((tasks.len(), tasks[0].rpps.as_str(), tasks[0].state.as_str()), (1, rpps.as_str(), "NC"));
    assert_eq!(r.manager_tasks(&by).await.unwrap().identities, 1);
    let head = w.manager(HEAD).await;
    assert_eq!(r.identities_to_verify(&head).await.unwrap().len(), 1, "the legal entity answers for its site");
    let neighbour = w.manager(NEIGHBOUR).await;
    assert!(r.identities_to_verify(&neighbour).await.unwrap().is_empty());
    assert_eq!(r.manager_tasks(&neighbour).await.unwrap().identities, 0);
    assert_eq!(refused(r.ask_register_again(&neighbour, &rpps).await).code, MessageCode::EPer01);
    assert_eq!(refused(r.confirm_on_document(&neighbour, &rpps, "CNI", "26/11/2026").await).code, MessageCode::EPer01);
    // What is typed wrong.
    for (document, day) in
        [("FRANCECONNECT", "26/11/2026"), ("AUTRE", "26/11/2026"), ("CNI", "26/11/2030"), ("CNI", "hier"), ("", "")]
    {
        assert_eq!(refused(r.confirm_on_document(&by, &rpps, document, day).await).code, MessageCode::EGen02, "{document} {day}");
    }
    r.confirm_on_document(&by, &rpps, "CNI", "26/11/2026").await.unwrap();
    assert_eq!(state(&w, &rpps).await, "AC");
    assert!(r.identities_to_verify(&by).await.unwrap().is_empty());
    assert_eq!(refused(r.confirm_on_document(&by, &rpps, "CNI", "26/11/2026").await).code, MessageCode::EPer01, "done");
    // The register still does not know: the authority keeps the responsibility, and nobody is asked again.
    w.pass(DAY);
    assert_eq!(dialogue(&w, &CivilAnswer::Unknown).await, AnswerOutcome::Taken(S::NotCertifiable));
    assert!(r.identities_to_verify(&by).await.unwrap().is_empty());
}

#[tokio::test]
async fn asking_again_is_a_new_question() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    w.pass(DAY);
    let first = asked(&w).await;
    answer(&w, &first[0].reference, &CivilAnswer::Unknown).await;
    w.registration.ask_register_again(&by, &rpps).await.unwrap();
    assert_eq!(state(&w, &rpps).await, "DI");
    w.pass(DAY);
    let second = asked(&w).await;
    assert_ne!(first[0].reference, second[0].reference);
    assert_eq!(answer(&w, &second[0].reference, &CivilAnswer::Exact).await, AnswerOutcome::Taken(S::Certified));
}

#[tokio::test]
async fn a_civil_status_that_changes_meanwhile_makes_the_question_void() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    w.pass(DAY);
    let first = asked(&w).await;
    let r = &w.registration;
    let subject = RegistrationSubject::CivilStatus { rpps: rpps.clone() };
    let draft = r.create_request(&by, "990000010", &subject).await.unwrap();
    let civil = CivilDraft { nom_famille: "Essaie".into(), ..civil("Camille") };
    let at = r.validate_section(&by, &draft.number, draft.version, SectionDraft::Civil(civil), &WARNINGS).await.unwrap();
    assert!(at.valid, "{:?}", at.findings.list);
    let at = r.submit(&by, &draft.number, Default::default()).await.unwrap();
    r.validate_request(&by, &at.number, at.version, signed(), None).await.unwrap();
    w.process().await;
    assert_eq!(r.open_sheet(&by, &at.number).await.unwrap().state, RequestState::S40);
    assert_eq!(answer(&w, &first[0].reference, &CivilAnswer::Exact).await, AnswerOutcome::Void);
    assert_eq!(state(&w, &rpps).await, "DI", "the answer was about the former civil status");
    let trail = w.registry.audit_trail(0, 100_000).await.unwrap();
    let to = |state: &str| {
        let to = format!(r#""to":"{state}""#);
        trail.iter().any(|row| row.event.event == "inscription-certification" && row.event.detail.contains(&to))
    };
    assert!(to("AN") && to("DI"), "the void question is in the trail");
    w.pass(DAY);
    let second = asked(&w).await;
    assert!(second[0].to_line().contains("Essaie"));
    assert_eq!(answer(&w, &second[0].reference, &CivilAnswer::Exact).await, AnswerOutcome::Taken(S::Certified));
}

#[tokio::test]
async fn means_are_withheld_ninety_days_after_the_state_and_not_after_the_question() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let withheld = async || w.registration.means_withheld(&format!("8{rpps}")).await.unwrap();
    w.pass(DAY);
    let questions = asked(&w).await;
    // The register takes its time.
    w.pass(60 * DAY);
    answer(&w, &questions[0].reference, &CivilAnswer::Unknown).await;
    w.pass(90 * DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert_eq!(withheld().await, None, "the ninetieth day");
    w.mails().await;
    w.pass(DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert_eq!(withheld().await.as_deref(), Some("identité non certifiable"));
    // The managers of the owner are told (G06), and nobody is named.
    let reminders = async || {
        let mails = w.mails().await.into_iter().filter(|(_, subject, _)| subject.contains("toujours pas certifiée"));
        mails.collect::<Vec<(String, String, String)>>()
    };
    let mut told = reminders().await;
    told.sort();
    let to: Vec<&str> = told.iter().map(|(to, ..)| to.as_str()).collect();
    assert_eq!(to, ["collegue@gestion.example", "siege@gestion.example", "site@gestion.example"]);
    assert!(told[0].2.contains("Structure d'essai 990000010") && !told[0].2.contains("Camille") && !told[0].2.contains(&rpps));
    w.registration.run_due(&w.system).await.unwrap();
    assert!(reminders().await.is_empty(), "once");
    w.registration.ask_register_again(&by, &rpps).await.unwrap();
    assert_eq!(withheld().await, None, "the register is asked again");
}

#[tokio::test]
async fn the_state_of_certification_is_never_public() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    w.pass(DAY);
    assert_eq!(dialogue(&w, &CivilAnswer::Exact).await, AnswerOutcome::Taken(S::Certified));
    assert_eq!(state(&w, &rpps).await, "C");
    let public = w.merged(&rpps, Perimeter::Public).await.unwrap().professional.unwrap();
    assert_eq!(public.etat_civil, None);
}

#[tokio::test]
async fn rows_of_the_former_release_are_asked_for() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let mut row = w.registry.identity_row("certification", &format!("8{rpps}")).await.unwrap().unwrap();
    let mut content: serde_json::Value = serde_json::from_str(&row.content).unwrap();
    content
        .as_object_mut()
        .unwrap()
        .retain(|name, _| ["person", "state", "askedOn", "retries", "owner", "dueMs"].contains(&name.as_str()));
    row.content = content.to_string();
    let mut unit = w.registry.begin().await.unwrap();
    unit.write_identity(&annuaire_store::identity::IdentityWrite::Replace(row)).await.unwrap();
    let cause = annuaire_store::Cause::new(annuaire_store::Channel::Operator, "test", "test");
    unit.save(&cause, annuaire_store::CommitClock { now_ms: &|| 0, any_clock: true }).await.unwrap();
    w.pass(DAY);
    assert_eq!(dialogue(&w, &CivilAnswer::Unknown).await, AnswerOutcome::Taken(S::NotCertifiable));
    assert_eq!(w.registration.identities_to_verify(&by).await.unwrap().len(), 1);
}

#[tokio::test]
async fn acceptance_a22_a_death_that_the_register_tells_closes_everything_silently() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let more = RegistrationSubject::NewActivity { rpps: rpps.clone() };
    let open = w.registration.create_request(&neighbour, "990000028", &more).await.unwrap();
    w.pass(DAY);
    let questions = asked(&w).await;
    answer(&w, &questions[0].reference, &CivilAnswer::Unknown).await;
    w.mails().await;
    w.recorder.texts.lock().unwrap().clear();
    let death = CivilAnswer::Deceased(parse_iso("2026-11-20").unwrap());
    assert_eq!(answer(&w, &questions[0].reference, &death).await, AnswerOutcome::Death);
    let tx = w.registry.last_tx().await.unwrap();
    assert_eq!(answer(&w, &questions[0].reference, &death).await, AnswerOutcome::Repeated);
    assert_eq!(w.registry.last_tx().await.unwrap(), tx);
    w.registration.run_due(&w.system).await.unwrap();
    assert!(w.mails().await.iter().all(|(to, ..)| !to.contains("personne.example")));
    assert!(w.recorder.texts.lock().unwrap().is_empty());
    assert!(w.merged(&rpps, Perimeter::Public).await.is_none(), "nothing is public");
    assert_eq!(w.restricted(&rpps).await.etat_civil.unwrap().date_deces, "2026-11-20");
    assert_eq!(w.registration.means_withheld(&format!("8{rpps}")).await.unwrap().as_deref(), Some("décès"));
    assert_eq!(w.registration.open_sheet(&neighbour, &open.number).await.unwrap().state, RequestState::S51);
    assert!(w.registration.identities_to_verify(&by).await.unwrap().is_empty());
    w.pass(400 * DAY);
    assert!(w.registration.civil_questions(&w.system).await.unwrap().is_empty(), "nobody asks about the dead");
}
