//! Software of employers (HRA): who registers them, what they may do, and when it ends.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{RegistrationSubject, SectionDraft, SoftwareSession, SteppedRequest};
use annuaire_workflow::fields::CivilDraft;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::LegalStatement;
use annuaire_workflow::state::RequestState;
use world::{HEAD, NEIGHBOUR, SITE, WARNINGS, World, civil, contact, entity, refused, signed, site, situation, trace};

/// A software of the site 990000010, under its manager.
async fn software(world: &World, may_validate: bool) -> (String, String) {
    let rep = world.representative().await;
    let r = &world.registration;
    let name = if may_validate { "SIRH de confiance" } else { "SIRH d'essai" };
    let (client, secret) = r.add_software(&rep, &site("990000010"), name, SITE, may_validate).await.unwrap();
    (client, secret.expose().to_owned())
}

async fn session(world: &World, (client, secret): &(String, String)) -> SoftwareSession {
    let token = world.registration.software_token(client, secret, &trace()).await.unwrap();
    world.registration.software_session(token.expose(), trace()).await.unwrap()
}

async fn submitted(
    world: &World,
    by: &SoftwareSession,
    given: &str,
    draft: CivilDraft,
    acknowledged: &[MessageCode],
) -> SteppedRequest {
    let r = &world.registration;
    let mut at = r.software_create(by, "", "990000010", &RegistrationSubject::Unknown).await.unwrap();
    for section in [
        SectionDraft::Civil(draft),
        SectionDraft::Contact(contact(&given.to_lowercase())),
        SectionDraft::Situation(situation("990000010", given)),
    ] {
        let outcome = r.software_section(by, &at.number, at.version, section, acknowledged).await.unwrap();
        assert!(outcome.valid, "{:?}", outcome.findings.list);
        at = outcome.request;
    }
    r.software_submit(by, &at.number, LegalStatement::default()).await.unwrap()
}

#[tokio::test]
async fn a_software_prepares_and_a_person_validates_unless_the_option_is_signed() {
    let world = World::new().await;
    let r = &world.registration;
    let by = session(&world, &software(&world, false).await).await;
    let at = submitted(&world, &by, "Camille", civil("Camille"), &[]).await;
    assert_eq!(at.state, RequestState::S20);
    assert_eq!(refused(r.software_validate(&by, &at.number, at.version, signed()).await).code, MessageCode::EReq07);
    let manager = world.manager(SITE).await;
    assert_eq!(r.open_sheet(&manager, &at.number).await.unwrap().origin.label(), "API");
    r.validate_request(&manager, &at.number, at.version, signed(), None).await.unwrap();

    let trusted = session(&world, &software(&world, true).await).await;
    let mut other = civil("Dominique");
    (other.nom_famille, other.date_naissance) = ("Autre".into(), "08/06/1985".into());
    let fine = submitted(&world, &trusted, "Dominique", other.clone(), &[]).await;
    assert_eq!(r.software_validate(&trusted, &fine.number, fine.version, signed()).await.unwrap().state, RequestState::S30);
    let mut odd = civil("Claude");
    (odd.nom_famille, odd.date_naissance, odd.civilite) = ("Tiers".into(), "09/07/1986".into(), "M".into());
    let odd = submitted(&world, &trusted, "Claude", odd, &[MessageCode::WCiv01, MessageCode::WCon02]).await;
    let never = refused(r.software_validate(&trusted, &odd.number, odd.version, signed()).await);
    assert_eq!(never.code, MessageCode::EReq07, "never for warnings");
}

#[tokio::test]
async fn a_software_reaches_its_authority_alone() {
    let world = World::new().await;
    let r = &world.registration;
    let by = session(&world, &software(&world, false).await).await;
    let beyond = r.software_create(&by, "", "990000028", &RegistrationSubject::Unknown).await;
    assert_eq!(refused(beyond).code, MessageCode::EPer01);
    let neighbour = world.manager(NEIGHBOUR).await;
    let theirs = world.submitted(&neighbour, "990000028", "Zoé", "zoe").await;
    assert_eq!(refused(r.software_sheet(&by, &theirs.number).await).code, MessageCode::EPer01);
    assert_eq!(refused(r.software_withdraw(&by, &theirs.number).await).code, MessageCode::EPer01);
    assert_eq!(refused(r.software_sheet(&by, "P20260101000001").await).code, MessageCode::EPer01);
    let own = submitted(&world, &by, "Camille", civil("Camille"), &WARNINGS).await;
    assert_eq!(r.software_sheet(&by, &own.number).await.unwrap().number, own.number);
    assert_eq!(r.software_withdraw(&by, &own.number).await.unwrap().state, RequestState::S70);
    let draft = r.software_create(&by, "clef-1", "990000010", &RegistrationSubject::Unknown).await.unwrap();
    let again = r.software_create(&by, "clef-1", "990000010", &RegistrationSubject::Unknown).await.unwrap();
    assert_eq!(again.number, draft.number, "an idempotency key");
    assert_eq!(r.software_abandon(&by, &draft.number).await.unwrap().state, RequestState::S60);
}

#[tokio::test]
async fn tokens_and_rights_end_at_once() {
    let world = World::new().await;
    let r = &world.registration;
    let known = software(&world, false).await;
    for (client, secret) in [(known.0.as_str(), "wrong"), ("unknown", known.1.as_str()), ("", "")] {
        assert_eq!(refused(r.software_token(client, secret, &trace()).await).code, MessageCode::M01);
    }
    assert_eq!(refused(r.software_session("unknown", trace()).await).code, MessageCode::M01);
    let token = r.software_token(&known.0, &known.1, &trace()).await.unwrap();
    world.pass(9 * 60_000);
    let by = r.software_session(token.expose(), trace()).await.unwrap();
    world.pass(61_000);
    assert_eq!(refused(r.software_session(token.expose(), trace()).await).code, MessageCode::M01, "ten minutes");
    // The manager who answers for it loses the habilitation: a session that is open reaches nothing.
    let rep = world.representative().await;
    let token = r.software_token(&known.0, &known.1, &trace()).await.unwrap();
    r.revoke_manager(&rep, &site("990000010"), SITE).await.unwrap();
    let lost = refused(r.software_create(&by, "", "990000010", &RegistrationSubject::Unknown).await).code;
    assert!(matches!(lost, MessageCode::EPer01 | MessageCode::EPer02), "{lost}");
    assert_eq!(refused(r.software_session(token.expose(), trace()).await).code, MessageCode::M01);
    assert_eq!(refused(r.software_token(&known.0, &known.1, &trace()).await).code, MessageCode::M01);
    // Neither secret nor token stands anywhere in clear.
    for kind in ["software", "software-token"] {
        for row in world.registry.identity_rows(kind, None, "", 100).await.unwrap() {
            let clear = [known.1.as_str(), token.expose()];
            assert!(clear.iter().all(|secret| !row.content.contains(secret) && !row.key.contains(secret)), "{kind}");
        }
    }
    assert_eq!(format!("{token:?}"), "SoftwareSecret(…)");
}

#[tokio::test]
async fn representatives_register_list_and_revoke() {
    let world = World::new().await;
    let r = &world.registration;
    let (rep, stranger) = (world.representative().await, r.representative_session(HEAD, trace()).await.unwrap());
    let target = site("990000010");
    let known = software(&world, true).await;
    assert_eq!(refused(r.add_software(&stranger, &target, "x", SITE, false).await).code, MessageCode::EHab01);
    assert_eq!(refused(r.software_of(&stranger, &target).await).code, MessageCode::EHab01);
    assert_eq!(refused(r.revoke_software(&stranger, &target, &known.0).await).code, MessageCode::EHab01);
    assert_eq!(
        refused(r.add_software(&rep, &target, "x", NEIGHBOUR, false).await).code,
        MessageCode::EGen02,
        "no habilitation there"
    );
    assert_eq!(refused(r.add_software(&rep, &target, " ", SITE, false).await).code, MessageCode::EGen03);
    let listed = r.software_of(&rep, &target).await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str(), listed[0].may_validate), (1, "SIRH de confiance", true));
    assert_eq!(refused(r.revoke_software(&rep, &entity(), &known.0).await).code, MessageCode::EGen02, "of another authority");
    let token = r.software_token(&known.0, &known.1, &trace()).await.unwrap();
    r.revoke_software(&rep, &target, &known.0).await.unwrap();
    assert_eq!(refused(r.software_session(token.expose(), trace()).await).code, MessageCode::M01);
    assert!(r.software_of(&rep, &target).await.unwrap()[0].ended_on.is_some());
    assert_eq!(refused(r.revoke_software(&rep, &target, &known.0).await).code, MessageCode::EGen02, "once");
    assert_eq!(refused(r.renew_software(&rep, &target, &known.0).await).code, MessageCode::EGen02, "a revoked one");
}

#[tokio::test]
async fn a_renewed_secret_ends_the_former_one_and_its_tokens() {
    let world = World::new().await;
    let r = &world.registration;
    let (rep, stranger) = (world.representative().await, r.representative_session(HEAD, trace()).await.unwrap());
    let (target, known) = (site("990000010"), software(&world, false).await);
    let token = r.software_token(&known.0, &known.1, &trace()).await.unwrap();
    assert_eq!(refused(r.renew_software(&stranger, &target, &known.0).await).code, MessageCode::EHab01);
    assert_eq!(refused(r.renew_software(&rep, &entity(), &known.0).await).code, MessageCode::EGen02, "of another authority");
    r.software_session(token.expose(), trace()).await.unwrap();
    let secret = r.renew_software(&rep, &target, &known.0).await.unwrap();
    assert_eq!(refused(r.software_session(token.expose(), trace()).await).code, MessageCode::M01, "a token of the former secret");
    assert_eq!(refused(r.software_token(&known.0, &known.1, &trace()).await).code, MessageCode::M01, "the former secret");
    let token = r.software_token(&known.0, secret.expose(), &trace()).await.unwrap();
    r.software_session(token.expose(), trace()).await.unwrap();
    let listed = r.software_of(&rep, &target).await.unwrap();
    assert_eq!((listed[0].renewed_on.as_deref(), listed[0].is_active), (Some("2026-11-26"), true));
    r.revoke_manager(&rep, &target, SITE).await.unwrap();
    assert!(!r.software_of(&rep, &target).await.unwrap()[0].is_active, "nobody answers for it");
    for row in world.registry.identity_rows("software", None, "", 100).await.unwrap() {
        assert!(!row.content.contains(secret.expose()));
    }
}

#[tokio::test]
async fn a_form_sent_twice_registers_one_software() {
    let world = World::new().await;
    let r = &world.registration;
    let (rep, target) = (world.representative().await, site("990000010"));
    let known = software(&world, false).await;
    assert_eq!(refused(r.add_software(&rep, &target, "SIRH D'ESSAI", SITE, false).await).code, MessageCode::EHab10);
    r.add_software(&rep, &entity(), "SIRH d'essai", HEAD, false).await.unwrap();
    r.revoke_software(&rep, &target, &known.0).await.unwrap();
    let again = software(&world, false).await;
    assert_ne!(again.0, known.0, "the name is free again");
    let (one, other) = tokio::join!(
        r.add_software(&rep, &target, "Planning", SITE, false),
        r.add_software(&rep, &target, "Planning", SITE, false)
    );
    assert!(one.is_ok() != other.is_ok(), "two clicks at once: {one:?} {other:?}");
    for n in 0..48 {
        r.add_software(&rep, &target, &format!("Logiciel {n}"), SITE, false).await.unwrap();
    }
    assert_eq!(refused(r.add_software(&rep, &target, "De trop", SITE, false).await).code, MessageCode::EHab09);
}

#[tokio::test]
async fn whoever_answers_for_a_software_instructs_nothing_about_themselves_through_it() {
    let world = World::new().await;
    let r = &world.registration;
    let by = session(&world, &software(&world, true).await).await;
    let mut own = civil("SITE");
    (own.nom_famille, own.nom_usage, own.date_naissance) = ("GESTION".into(), String::new(), "03/02/1980".into());
    own.commune_naissance = "35238".into();
    let mut at = r.software_create(&by, "", "990000010", &RegistrationSubject::Unknown).await.unwrap();
    let acknowledged = [MessageCode::WCiv02, MessageCode::WNomex, MessageCode::WPrenex, MessageCode::WSit06, MessageCode::WCon02];
    let mut where_ = situation("990000010", "SITE");
    where_.nom_exercice = "GESTION".into();
    for section in [SectionDraft::Civil(own), SectionDraft::Contact(contact("site")), SectionDraft::Situation(where_)] {
        let outcome = r.software_section(&by, &at.number, at.version, section, &acknowledged).await.unwrap();
        assert!(outcome.valid, "{:?}", outcome.findings.list);
        at = outcome.request;
    }
    let at = r.software_submit(&by, &at.number, LegalStatement::default()).await.unwrap();
    let code = refused(r.software_validate(&by, &at.number, at.version, signed()).await).code;
    assert_eq!(code, MessageCode::EReq04);
}
