//! What the pages of legal representatives ask (registration §2.4): their structures, candidates, mandataires, the yearly confirmation,
//! and structures that close.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{ManagerTerms, RegistrationSubject, RequestQuery, RequestTable};
use annuaire_workflow::habilitation::{AuthorityState, HabilitationState};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::state::Blocked;
use world::{COLLEAGUE, DAY, HEAD, NATIONAL, NEIGHBOUR, SITE, World, entity, refused, site, structure};

#[tokio::test]
async fn a_representative_sees_their_structures_with_everybody_who_acts_for_them() {
    let w = World::new().await;
    let r = &w.registration;
    let rep = w.representative().await;
    r.designate_mandataire(&rep, &site("990000010"), NATIONAL, true).await.unwrap();
    r.delegate(&rep, &site("990000010"), "990000028", true).await.unwrap();
    r.set_four_eyes(&rep, &site("990000010"), true).await.unwrap();
    let all = r.authorities(&rep).await.unwrap();
    assert_eq!(all.iter().map(|sheet| sheet.number.as_str()).collect::<Vec<_>>(), ["990000002", "990000010", "990000028"]);
    let sheet = &all[1];
    assert_eq!((sheet.state, sheet.is_representative, sheet.sub_delegation), (AuthorityState::Habilitated, true, true));
    assert!(sheet.four_eyes && !all[0].four_eyes && sheet.needs_training, "a home for the elderly is medico-social");
    assert_eq!(sheet.delegations, [("990000028".to_owned(), "Structure d'essai 990000028".to_owned(), true)]);
    let names: Vec<&str> = sheet.managers.iter().map(|manager| manager.name.as_str()).collect();
    assert_eq!(names, ["SITE GESTION", "COLLEGUE GESTION"]);
    assert_eq!(sheet.mandataires.len(), 1);
    assert!(sheet.mandataires[0].active && sheet.mandataires[0].sub_delegation);
    assert_eq!((sheet.mandataires[0].name.as_str(), sheet.confirm_by.as_str()), ("NATIONALE GESTION", "2027-11-26"));
    // A mandataire sees the one structure, and a manager none.
    let man = r.representative_session(NATIONAL, world::trace()).await.unwrap();
    let theirs = r.authorities(&man).await.unwrap();
    assert_eq!((theirs.len(), theirs[0].is_representative, theirs[0].sub_delegation), (1, false, true));
    let manager = r.representative_session(SITE, world::trace()).await.unwrap();
    assert!(r.authorities(&manager).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_mandate_that_is_withdrawn_ends_at_once() {
    let w = World::new().await;
    let r = &w.registration;
    let rep = w.representative().await;
    let target = site("990000010");
    r.designate_mandataire(&rep, &target, NATIONAL, false).await.unwrap();
    r.designate_mandataire(&rep, &target, NEIGHBOUR, true).await.unwrap();
    let plain = r.representative_session(NATIONAL, world::trace()).await.unwrap();
    let sub = r.representative_session(NEIGHBOUR, world::trace()).await.unwrap();
    let stranger = r.representative_session(HEAD, world::trace()).await.unwrap();
    assert_eq!(refused(r.withdraw_mandataire(&stranger, &target, NATIONAL).await).code, MessageCode::EHab01);
    assert_eq!(refused(r.withdraw_mandataire(&plain, &target, NEIGHBOUR).await).code, MessageCode::EHab04);
    r.withdraw_mandataire(&sub, &target, NATIONAL).await.unwrap();
    assert_eq!(refused(r.withdraw_mandataire(&sub, &target, NATIONAL).await).code, MessageCode::EHab06);
    assert_eq!(refused(r.managers(&plain, &target).await).code, MessageCode::EHab01);
    assert!(r.authorities(&plain).await.unwrap().is_empty());
    let sheet = &r.authorities(&rep).await.unwrap()[1];
    let states: Vec<bool> = sheet.mandataires.iter().map(|man| man.active).collect();
    assert_eq!((states.len(), states.iter().filter(|active| **active).count()), (2, 1));
}

#[tokio::test]
async fn candidates_are_found_by_number_and_guessing_is_locked() {
    let w = World::new().await;
    let r = &w.registration;
    let rep = w.representative().await;
    let stranger = r.representative_session(SITE, world::trace()).await.unwrap();
    assert_eq!(refused(r.candidate(&stranger, &HEAD[1..]).await).code, MessageCode::EHab01);
    let found = r.candidate(&rep, "99 9000 000 37").await.unwrap().unwrap();
    assert_eq!((found.national_id.as_str(), found.name.as_str()), (COLLEAGUE, "COLLEGUE GESTION"));
    assert!(found.may_log_in && found.professions == ["10"]);
    for n in 0..10 {
        assert!(r.candidate(&rep, &format!("9990000090{n}")).await.unwrap().is_none());
    }
    let locked = refused(r.candidate(&rep, &COLLEAGUE[1..]).await);
    assert!(locked.code == MessageCode::EHab08 && locked.text.ends_with("11 h 06."), "{}", locked.text);
    w.pass(3_600_001);
    assert!(r.candidate(&rep, &COLLEAGUE[1..]).await.unwrap().is_some());
}

#[tokio::test]
async fn managers_are_to_be_confirmed_each_year() {
    let w = World::new().await;
    let r = &w.registration;
    let rep = w.representative().await;
    w.mails().await;
    let recalled = async || {
        r.run_due(&w.system).await.unwrap();
        let mails = w.mails().await;
        let of = |mail: &&(String, String, String)| mail.0.starts_with("representante@") && mail.1.contains("à confirmer");
        mails.iter().filter(of).map(|mail| mail.1.clone()).collect::<Vec<_>>()
    };
    w.pass(364 * DAY);
    // They use their habilitations, which would end otherwise.
    for manager in [SITE, COLLEAGUE, HEAD, NEIGHBOUR] {
        w.manager(manager).await;
    }
    assert!(recalled().await.is_empty());
    let stranger = r.representative_session(SITE, world::trace()).await.unwrap();
    assert_eq!(refused(r.confirm_managers(&stranger, &entity()).await).code, MessageCode::EHab01);
    let next = r.confirm_managers(&rep, &entity()).await.unwrap();
    assert_eq!(next.to_string(), "2028-11-25");
    w.pass(DAY);
    let first = recalled().await;
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(first.iter().all(|subject| !subject.contains("990000002")), "that one is confirmed");
    assert!(recalled().await.is_empty(), "once");
    r.confirm_managers(&rep, &site("990000010")).await.unwrap();
    w.pass(31 * DAY);
    assert_eq!(recalled().await, ["Structure d'essai 990000028 : gestionnaires RPPS+ à confirmer"]);
    r.revoke_manager(&rep, &site("990000028"), NEIGHBOUR).await.unwrap();
    w.pass(31 * DAY);
    assert!(recalled().await.is_empty(), "nobody is left to be confirmed");
}

#[tokio::test]
async fn a_structure_that_closes_is_suspended_and_taken_over() {
    let w = World::new().await;
    let r = &w.registration;
    let rep = w.representative().await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let old = site("990000028");
    let draft = w.draft(&neighbour, "990000028", "Camille", "camille").await;
    r.designate_mandataire(&rep, &old, NATIONAL, false).await.unwrap();
    assert_eq!(refused(r.take_over(&rep, &old, "990000036").await).code, MessageCode::EHab06, "it is open");
    // The legal entity keeps its managers, so that nothing is frozen; without them it is.
    r.revoke_manager(&rep, &entity(), HEAD).await.unwrap();
    let began = r.follow_next(&w.system).await.unwrap();
    assert_eq!((began.structures, began.is_behind), (0, false), "the first step begins at the end of the log");
    let mut closing = structure("990000028", "990000002", "99900000300023");
    closing.date_fermeture = "2026-11-30".into();
    w.state_structure(closing).await;
    let closes = async || w.registry.identity_row("authority", "EG:990000028").await.unwrap();
    let before = closes().await;
    let run = r.follow_next(&w.system).await.unwrap();
    assert_eq!((run.structures, run.suspended, run.is_behind), (1, 0, false));
    assert_ne!(closes().await, before, "the closure to come is noted");
    // Another process goes on where this one ended.
    let (restarted, system) = w.another_node();
    assert_eq!(restarted.follow_next(&system).await.unwrap().structures, 0);
    assert_eq!(r.follow_structures(&w.system, &["F990000028".to_owned(), "F990000010".to_owned()]).await.unwrap(), 0);
    w.pass(3 * DAY);
    assert_eq!(r.run_due(&w.system).await.unwrap().authorities, 0, "on the 29th it is open");
    w.pass(2 * DAY);
    assert_eq!(r.run_due(&w.system).await.unwrap().authorities, 1);
    assert_eq!(r.run_due(&w.system).await.unwrap().authorities, 0, "once");
    let sheet = async |number: &str| r.authorities(&rep).await.unwrap().into_iter().find(|sheet| sheet.number == number);
    let suspended = sheet("990000028").await.unwrap();
    assert_eq!((suspended.state, suspended.managers[0].state), (AuthorityState::Suspended, HabilitationState::Suspended));
    assert_eq!(refused(r.manager_session(NEIGHBOUR, world::trace()).await).code, MessageCode::M01);
    let row = w.registry.identity_row("case", &draft.number).await.unwrap().unwrap();
    assert!(row.content.contains(&format!("\"blocked\":\"{}\"", Blocked::HabilitationLost.key())), "nobody is left");
    assert_eq!(refused(r.designate_manager(&rep, &old, HEAD, ManagerTerms::default()).await).code, MessageCode::EHab05);
    // The successor is of the legal entity; one of others must be accepted first.
    w.state_structure(structure("990000036", "990000002", "99900000300031")).await;
    let mut foreign = structure("990000051", "990000005", "99900000500017");
    foreign.num_siren = "999000005".into();
    w.state_structure(foreign).await;
    let stranger = r.representative_session(SITE, world::trace()).await.unwrap();
    assert_eq!(refused(r.take_over(&stranger, &old, "990000036").await).code, MessageCode::EHab01);
    assert_eq!(refused(r.take_over(&rep, &old, "990000051").await).code, MessageCode::EHab05);
    assert_eq!(refused(r.take_over(&rep, &old, "990000028").await).code, MessageCode::EStr02);
    let others = r.representative_session(COLLEAGUE, world::trace()).await.unwrap();
    r.attach_structure(&others, "990000051", true).await.unwrap();
    assert_eq!(refused(r.take_over(&rep, &old, "990000051").await).code, MessageCode::EHab06, "of another representative");
    assert_eq!(r.take_over(&rep, &old, "990000036").await.unwrap(), site("990000036"));
    assert_eq!(refused(r.take_over(&rep, &old, "990000036").await).code, MessageCode::EHab06, "once");
    assert_eq!(sheet("990000028").await.unwrap().successor, Some(site("990000036")));
    let new = sheet("990000036").await.unwrap();
    let managers: Vec<&str> = new.managers.iter().map(|manager| manager.manager.as_str()).collect();
    assert_eq!((new.state, managers), (AuthorityState::Habilitated, vec![NEIGHBOUR]));
    assert_eq!(new.mandataires[0].mandataire, NATIONAL);
    let manager = w.manager(NEIGHBOUR).await;
    assert!(r.create_request(&manager, "990000036", &RegistrationSubject::Unknown).await.is_ok());
    let query = RequestQuery { limit: 10, ..Default::default() };
    assert_eq!(r.requests(&manager, RequestTable::Drafts, &query).await.unwrap().total, 1);
    assert_eq!(r.authorities(&rep).await.unwrap().iter().filter(|sheet| sheet.state == AuthorityState::Suspended).count(), 1);
    assert!(new.is_representative);
}
