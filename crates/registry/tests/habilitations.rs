//! Habilitations on a registry (registration §2.4, §2.5): who may designate whom, and when a right begins and ends.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{ManagerTerms, RegistrationSubject, RequestQuery, RequestTable};
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::habilitation::{AuthorityState, HabilitationState};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
use world::{COLLEAGUE, DAY, HEAD, NATIONAL, NEIGHBOUR, REP, SITE, World, entity, refused, signed, site, trace};

#[tokio::test]
async fn a_structure_becomes_an_authority_when_support_accepts_it() {
    let w = World::bare().await;
    let rep = w.representative().await;
    let r = &w.registration;
    assert_eq!(r.attach_structure(&rep, "990000010", false).await.unwrap(), AuthorityState::ToVerify);
    let early = r.designate_manager(&rep, &site("990000010"), SITE, ManagerTerms::default()).await;
    assert_eq!(refused(early).code, MessageCode::EHab05);
    let stranger = r.representative_session(COLLEAGUE, trace()).await.unwrap();
    assert_eq!(refused(r.attach_structure(&stranger, "990000010", true).await).code, MessageCode::EHab06);
    assert_eq!(refused(r.attach_structure(&rep, "990000044", true).await).code, MessageCode::EStr02);
    assert_eq!(refused(r.support_session(SITE, "x", trace()).await).code, MessageCode::M01);
    let support = r.support_session(NATIONAL, "contrat reçu", trace()).await.unwrap();
    r.accept_structure(&support, &site("990000010"), "C-2026-01").await.unwrap();
    assert_eq!(refused(r.manager_session(SITE, trace()).await).code, MessageCode::M01);
    r.designate_manager(&rep, &site("990000010"), SITE, ManagerTerms::default()).await.unwrap();
    let manager = r.manager_session(SITE, trace()).await.unwrap();
    assert_eq!(manager.habilitations(), [site("990000010")]);
    assert_eq!(r.charter(&manager).await.unwrap(), None);
    r.accept_charter(&manager, "2026-01").await.unwrap();
    assert_eq!(r.charter(&manager).await.unwrap().as_deref(), Some("2026-01"));
}

#[tokio::test]
async fn who_may_designate_whom() {
    let w = World::new().await;
    let r = &w.registration;
    let rep = w.representative().await;
    let target = site("990000010");
    let designate = async |by: &annuaire_registry::RepresentativeSession, whom: &str| {
        r.designate_manager(by, &target, whom, ManagerTerms::default()).await
    };
    // A manager is no representative, nor is anybody of another structure.
    for stranger in [SITE, NEIGHBOUR, HEAD] {
        let by = r.representative_session(stranger, trace()).await.unwrap();
        assert_eq!(refused(designate(&by, COLLEAGUE).await).code, MessageCode::EHab01);
        assert_eq!(refused(r.managers(&by, &target).await).code, MessageCode::EHab01);
        assert_eq!(refused(r.revoke_manager(&by, &target, SITE).await).code, MessageCode::EHab01);
        assert_eq!(refused(r.set_four_eyes(&by, &target, true).await).code, MessageCode::EHab01);
        assert_eq!(refused(r.delegate(&by, &target, "990000028", true).await).code, MessageCode::EHab01);
    }
    assert_eq!(refused(r.representative_session("899900000999", trace()).await).code, MessageCode::M01);
    assert_eq!(refused(designate(&rep, "899900000999").await).code, MessageCode::EHab03);
    r.designate_mandataire(&rep, &target, NEIGHBOUR, false).await.unwrap();
    let man = r.representative_session(NEIGHBOUR, trace()).await.unwrap();
    assert_eq!(refused(designate(&man, NEIGHBOUR).await).code, MessageCode::EHab02);
    assert_eq!(refused(r.designate_mandataire(&man, &target, HEAD, false).await).code, MessageCode::EHab04);
    designate(&man, HEAD).await.unwrap();
    designate(&rep, REP).await.unwrap();
    let all = r.managers(&rep, &target).await.unwrap();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|manager| manager.state == HabilitationState::Active));
    r.revoke_manager(&man, &target, HEAD).await.unwrap();
    assert_eq!(refused(r.revoke_manager(&man, &target, HEAD).await).code, MessageCode::EHab06);
}

#[tokio::test]
async fn what_is_handed_over_ends_at_once() {
    let w = World::new().await;
    let r = &w.registration;
    let rep = w.representative().await;
    let third = w.manager(NEIGHBOUR).await;
    let create = async || r.create_request(&third, "990000010", &RegistrationSubject::Unknown).await;
    assert_eq!(refused(create().await).code, MessageCode::EPer01);
    r.delegate(&rep, &site("990000010"), "990000028", true).await.unwrap();
    let at = create().await.unwrap();
    let query = RequestQuery { limit: 10, ..Default::default() };
    assert_eq!(r.requests(&third, RequestTable::Drafts, &query).await.unwrap().total, 1);
    r.delegate(&rep, &site("990000010"), "990000028", false).await.unwrap();
    assert_eq!(refused(create().await).code, MessageCode::EPer01);
    assert_eq!(refused(r.open_sheet(&third, &at.number).await).code, MessageCode::EPer01);
    assert_eq!(r.requests(&third, RequestTable::Drafts, &query).await.unwrap().total, 0);
}

#[tokio::test]
async fn exclusions_and_planned_ends_count() {
    let w = World::new().await;
    let r = &w.registration;
    let rep = w.representative().await;
    let terms = ManagerTerms { until: parse_iso("2026-11-27"), exclusions: ["990000028".to_owned()].into() };
    r.designate_manager(&rep, &entity(), HEAD, terms).await.unwrap();
    let head = w.manager(HEAD).await;
    let create = async |structure: &str| r.create_request(&head, structure, &RegistrationSubject::Unknown).await;
    assert_eq!(refused(create("990000028").await).code, MessageCode::EPer01);
    assert!(create("990000010").await.is_ok() && create("990000002").await.is_ok());
    w.pass(DAY);
    assert!(create("990000010").await.is_ok(), "the last day counts");
    w.pass(DAY);
    let late = refused(create("990000010").await);
    assert!(late.code == MessageCode::EPer02 && late.text.ends_with("27/11/2026."), "{}", late.text);
    w.registration.run_due(&w.system).await.unwrap();
    let all = r.managers(&rep, &entity()).await.unwrap();
    assert_eq!(all[0].state, HabilitationState::Expired);
}

#[tokio::test]
async fn an_unused_habilitation_is_recalled_twice_and_suspended() {
    let w = World::new().await;
    let rep = w.representative().await;
    let neighbour = w.manager(NEIGHBOUR).await;
    w.mails().await;
    let recalled = async || {
        let run = w.registration.run_due(&w.system).await.unwrap();
        let mails = w.mails().await;
        (run.habilitations, mails.iter().filter(|mail| mail.0.starts_with("voisine@") && mail.2.contains("inutilisée")).count())
    };
    // Others use theirs, so that requests of the site stay alive.
    w.pass(333 * DAY);
    assert_eq!(recalled().await, (0, 0));
    w.pass(2 * DAY);
    assert_eq!(recalled().await, (0, 1));
    assert_eq!(recalled().await, (0, 0), "once");
    w.pass(31 * DAY);
    assert_eq!(recalled().await, (0, 1));
    // A login is a use.
    w.manager(COLLEAGUE).await;
    w.pass(31 * DAY);
    let (ended, _) = recalled().await;
    assert_eq!(ended, 3, "all but the colleague");
    let states = async |target: PerimeterTarget| w.registration.managers(&rep, &target).await.unwrap();
    assert_eq!(states(site("990000028")).await[0].state, HabilitationState::Suspended);
    assert!(states(site("990000010")).await.iter().any(|m| m.manager == COLLEAGUE && m.state == HabilitationState::Active));
    let create = w.registration.create_request(&neighbour, "990000028", &RegistrationSubject::Unknown).await;
    assert_eq!(refused(create).code, MessageCode::EPer02);
}

#[tokio::test]
async fn a_manager_who_leaves_manages_no_longer() {
    let w = World::new().await;
    let by = w.manager(COLLEAGUE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let rep = w.representative().await;
    let own = format!("8{rpps}");
    w.registration.designate_manager(&rep, &site("990000010"), &own, ManagerTerms::default()).await.unwrap();
    let manager = w.manager(&own).await;
    let situation = w.public(&rpps).await.exercices[0].situations[0].id_situation_exercice.clone();
    let ends = RegistrationSubject::Situation { rpps: rpps.clone(), situation, ends: true };
    let at = w.registration.create_request(&by, "990000010", &ends).await.unwrap();
    let closing = annuaire_workflow::fields::ClosingDraft { date_fin: "26/11/2026".into(), motif: "CHL".into() };
    let section = annuaire_registry::SectionDraft::Closing(closing);
    let at = w.registration.validate_section(&by, &at.number, at.version, section, &[]).await.unwrap().request;
    w.registration.submit(&by, &at.number, signed()).await.unwrap();
    w.process().await;
    w.pass(DAY);
    w.registration.run_due(&w.system).await.unwrap();
    let late = w.registration.create_request(&manager, "990000010", &RegistrationSubject::Unknown).await;
    assert_eq!(refused(late).code, MessageCode::EPer02);
}

#[tokio::test]
async fn a_manager_of_an_employer_sees_structures_that_are_known_by_their_siret_alone() {
    let w = World::new().await;
    let r = &w.registration;
    let known = |siret: &str, siren: &str| annuaire_mos::Structure {
        id_technique: format!("C{siret}"),
        num_siret: siret.into(),
        num_siren: siren.into(),
        raison_sociale: format!("Cabinet d'essai {siret}"),
        ..Default::default()
    };
    for (siret, siren) in
        [("99900000400013", ""), ("99900000400021", "999000004"), ("99900000500010", ""), ("99900000400039", "")]
    {
        w.state_structure(known(siret, siren)).await;
    }
    // An employer as authority: no page attaches one yet, so that its row is that of another authority under its number.
    let row = w.registry.identity_row("authority", "EG:990000010").await.unwrap().unwrap();
    let mut unit = w.registry.begin().await.unwrap();
    let row = annuaire_store::IdentityRow {
        key: "SIREN:999000004".into(),
        subject: row.subject.replace("EG:990000010", "SIREN:999000004"),
        content: row.content.replace("EG:990000010", "SIREN:999000004"),
        version: 1,
        ..row
    };
    unit.write_identity(&annuaire_store::IdentityWrite::Create(row)).await.unwrap();
    let now_ms = w.clock.load(std::sync::atomic::Ordering::SeqCst);
    let cause = annuaire_store::Cause::new(annuaire_store::Channel::Operator, "test", "test");
    unit.save(&cause, annuaire_store::CommitClock { now_ms: &move || now_ms, any_clock: false }).await.unwrap();
    let employer = PerimeterTarget::Employer("999000004".into());
    r.designate_manager(&w.representative().await, &employer, NATIONAL, ManagerTerms::default()).await.unwrap();
    let places = r.perimeter_places(&w.manager(NATIONAL).await).await.unwrap();
    let numbers: Vec<_> = places.iter().map(|place| place.number.as_str()).collect();
    assert_eq!(numbers, ["99900000400013", "99900000400021", "99900000400039"]);
}
