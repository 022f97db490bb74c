//! What support, auditors, representatives, orders and agencies read, and what they may do.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{AuthorityPerson, SupportSession};
use annuaire_store::AuditFilter;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::state::RequestState;
use world::{DAY, HEAD, NATIONAL, NEIGHBOUR, SITE, World, person, refused, site, trace};

async fn support(w: &World) -> SupportSession {
    w.registration.support_session(NATIONAL, "Appel du professionnel", trace()).await.unwrap()
}

#[tokio::test]
async fn support_sees_a_request_without_a_trait() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (number, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let support = support(&w).await;
    let found = w.registration.support_find(&support, &format!(" {number} ")).await.unwrap().unwrap();
    assert_eq!((found.number.as_str(), found.state), (number.as_str(), RequestState::S40));
    assert_eq!(found.structure.as_ref().unwrap().number, "990000010");
    let first = &found.trail[0];
    assert_eq!((first.what.as_str(), first.state), ("Création de la demande", Some(RequestState::S10)));
    assert!(found.deliveries.iter().any(|delivery| delivery.notice == "N10" && delivery.state == "queued"));
    assert_eq!(found.rpps.as_deref(), Some(rpps.as_str()));
    let told = format!("{found:?}");
    for secret in ["Camille", "Essai", "ESSAI", "personne.example", "692000012", "1991", SITE] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    assert_eq!(w.registration.support_find(&support, "P20260101000000").await.unwrap(), None);
    let trail = w.trail(&number).await;
    let read = trail.last().unwrap();
    assert!(read.0 == "inscription-lire" && read.1.contains("Appel du professionnel"), "{read:?}");
}

#[tokio::test]
async fn support_sees_a_person_behind_masks_and_the_person_is_told() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    w.mails().await;
    let (r, first) = (&w.registration, support(&w).await);
    let seen = r.support_person(&first, &rpps).await.unwrap().unwrap();
    assert_eq!((seen.family_masked.as_str(), seen.given_masked.as_str()), ("E…", "C…"));
    assert_eq!((seen.birth_masked.as_str(), seen.mail_masked.as_str()), ("••/••/1991", "c…@p….example"));
    assert_eq!((seen.mobile_masked.as_str(), seen.certification.as_str()), ("06••••••12", "DI"));
    assert_eq!((seen.situations.len(), seen.contact_verified, seen.has_proposal), (1, false, false));
    let told = format!("{seen:?}");
    assert!(!told.contains("Essai") && !told.contains("camille@") && !told.contains("97128"), "{told}");
    let n23 = async || {
        let mails = w.mails().await;
        mails.into_iter().filter(|mail| mail.1 == "Votre dossier a été consulté par le support").collect::<Vec<_>>()
    };
    let mails = n23().await;
    assert!(mails.len() == 1 && mails[0].0 == "camille@personne.example" && mails[0].2.contains("Appel du professionnel"));
    r.support_person(&first, &rpps).await.unwrap();
    assert_eq!(n23().await.len(), 0, "once a day");
    let other = r.support_session(NATIONAL, "Alerte de fraude", trace()).await.unwrap();
    r.support_person(&other, &rpps).await.unwrap();
    assert_eq!(n23().await.len(), 1, "another purpose");
    w.pass(DAY);
    r.support_person(&first, &rpps).await.unwrap();
    assert_eq!(n23().await.len(), 1, "another day");
    assert_eq!(r.support_person(&first, "99900000000").await.unwrap(), None);
    assert_eq!(n23().await.len(), 0);
    let inbox = r.holder_inbox(&w.holder(&rpps).await).await.unwrap();
    assert_eq!(inbox.iter().filter(|message| message.notice == "N23").count(), 3);
}

#[tokio::test]
async fn structures_wait_for_support_until_they_are_accepted() {
    let w = World::bare().await;
    let (r, support, rep) = (&w.registration, support(&w).await, w.representative().await);
    assert_eq!(r.structures_to_verify(&support).await.unwrap(), []);
    r.attach_structure(&rep, "990000010", false).await.unwrap();
    r.attach_structure(&rep, "990000028", true).await.unwrap();
    let waiting = r.structures_to_verify(&support).await.unwrap();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!((&waiting[0].target, waiting[0].representative.as_str()), (&site("990000010"), world::REP));
    assert_eq!(waiting[0].name, "Structure d'essai 990000010");
    r.accept_structure(&support, &site("990000010"), "Contrat 1").await.unwrap();
    assert_eq!(r.structures_to_verify(&support).await.unwrap(), []);
}

#[tokio::test]
async fn a_fraud_alert_is_closed_and_means_are_given_back_with_a_reason() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (number, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let (r, support) = (&w.registration, support(&w).await);
    assert_eq!(refused(r.lift_withheld(&support, &rpps, "Vérifié par téléphone").await).code, MessageCode::EGen02);
    r.not_me(&w.holder(&rpps).await, &number).await.unwrap();
    let alerts = r.fraud_alerts(&support).await.unwrap();
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].what.as_str(), alerts[0].request.as_str()), ("fraud", number.as_str()));
    assert_eq!(refused(r.lift_withheld(&support, &rpps, "court").await).code, MessageCode::EGen03);
    assert!(r.means_withheld(&format!("8{rpps}")).await.unwrap().is_some());
    r.lift_withheld(&support, &rpps, "Vérifié par téléphone").await.unwrap();
    assert_eq!(r.means_withheld(&format!("8{rpps}")).await.unwrap(), None);
    // A job of the program is closed by nobody.
    w.validated(&by, "990000010", "Odile", "odile").await;
    let jobs = w.registry.jobs(annuaire_store::Queue::Work, 99).await.unwrap();
    let process = jobs.iter().find(|job| job.job.kind == "registration-process").unwrap();
    assert_eq!(refused(r.close_operator_job(&support, process.id).await).code, MessageCode::EGen02);
    r.close_operator_job(&support, alerts[0].id).await.unwrap();
    assert_eq!(r.fraud_alerts(&support).await.unwrap(), []);
    assert_eq!(refused(r.close_operator_job(&support, alerts[0].id).await).code, MessageCode::EGen02);
    // What a death withholds, support does not give back.
    r.death_known(&w.system, &rpps, annuaire_workflow::day::parse_iso("2026-11-20").unwrap()).await.unwrap();
    let after = r.lift_withheld(&support, &rpps, "Vérifié par téléphone").await;
    assert_eq!(refused(after).code, MessageCode::EReq06);
    assert_eq!(r.means_withheld(&format!("8{rpps}")).await.unwrap().as_deref(), Some("décès"));
}

#[tokio::test]
async fn auditors_read_the_trail_and_their_reads_are_in_it() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let draft = w.draft(&by, "990000010", "Camille", "camille").await;
    let r = &w.registration;
    assert_eq!(refused(r.auditor_session(SITE, trace()).await).code, MessageCode::M01);
    let auditor = r.auditor_session(NATIONAL, trace()).await.unwrap();
    let filter = AuditFilter::of_request(&draft.number);
    let page = r.audit_page(&auditor, &filter, None, 2).await.unwrap();
    assert_eq!(page.len(), 2);
    assert!(page.iter().all(|row| row.event.actor == SITE && row.event.event == "inscription-valider-section"));
    let rest = r.audit_page(&auditor, &filter, Some(page[1].number), 99).await.unwrap();
    assert_eq!(rest.last().unwrap().event.event, "inscription-creer");
    let reads = r.audit_page(&auditor, &AuditFilter::of_actor(NATIONAL), None, 9).await.unwrap();
    assert_eq!(reads[1].event.event, "inscription-lire-trace");
    assert!(reads[1].event.detail.contains(&draft.number), "{:?}", reads[1]);
}

#[tokio::test]
async fn managers_read_what_they_did_and_representatives_what_was_done_for_a_structure() {
    let w = World::new().await;
    let (by, neighbour) = (w.manager(SITE).await, w.manager(NEIGHBOUR).await);
    let draft = w.draft(&by, "990000010", "Camille", "camille").await;
    let elsewhere = w.draft(&neighbour, "990000028", "Odile", "odile").await;
    let r = &w.registration;
    let own = r.own_actions(&by, None, 99).await.unwrap();
    assert!(own.iter().all(|action| action.actor == SITE) && own.iter().any(|action| action.request == draft.number));
    assert_eq!(own.last().unwrap().what, "Connexion au portail");
    assert!(own.iter().all(|action| action.what != "Autre opération"), "{own:?}");
    let page = r.own_actions(&by, Some(own[0].number), 1).await.unwrap();
    assert_eq!(page, own[1..2]);
    let rep = w.representative().await;
    let done = r.actions_on(&rep, &site("990000010"), None, 99).await.unwrap();
    assert!(done.iter().any(|action| action.request == draft.number && action.actor == SITE));
    assert!(done.iter().all(|action| action.request != elsewhere.number && action.actor != NEIGHBOUR), "{done:?}");
    assert!(done.windows(2).all(|two| two[0].number > two[1].number));
    assert!(done.iter().any(|action| action.what == "Rattachement de la structure"), "{done:?}");
    assert!(done.iter().all(|action| action.what != "Autre opération"), "{done:?}");
    let stranger = r.representative_session(SITE, trace()).await.unwrap();
    assert_eq!(refused(r.actions_on(&stranger, &site("990000010"), None, 9).await).code, MessageCode::EHab01);
    let unknown = PerimeterTarget::Site("990000093".into());
    assert_eq!(refused(r.actions_on(&rep, &unknown, None, 9).await).code, MessageCode::EHab05);
}

#[tokio::test]
async fn an_order_sees_what_others_added_to_its_members() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let r = &w.registration;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    assert_eq!(refused(r.authority_session(SITE, trace()).await).code, MessageCode::M01);
    let order = r.authority_session(NATIONAL, trace()).await.unwrap();
    assert_eq!(order.code(), "CNOM");
    // Whom structures alone registered is not of the population, nor is nobody.
    assert_eq!(refused(r.authority_person(&order, &rpps).await).code, MessageCode::ERpps01);
    assert_eq!(refused(r.authority_person(&order, "99900000000").await).code, MessageCode::ERpps01);
    // The order registers the person too.
    let mut member = person(&format!("8{rpps}"), "Camille");
    member.exercices[0].situations[0].structure = "F990000028".into();
    w.state_person(member).await;
    let AuthorityPerson { exercises, situations, .. } = r.authority_person(&order, &rpps).await.unwrap();
    let by_profession: Vec<(&str, &str)> = exercises.iter().map(|e| (e.profession.as_str(), e.authority.as_str())).collect();
    assert!(by_profession.contains(&("10", "Ordre des médecins")), "{by_profession:?}");
    assert!(by_profession.contains(&("99", "Structure d'essai 990000010")), "{by_profession:?}");
    let added = situations.iter().find(|s| s.by_role).unwrap();
    assert_eq!((added.role.as_str(), added.authority.as_str()), ("GENR11", "Structure d'essai 990000010"));
    let agency = r.authority_session(HEAD, trace()).await.unwrap();
    assert_eq!(refused(r.authority_person(&agency, &rpps).await).code, MessageCode::ERpps01, "another population");
    let rows = w.registry.audit_of(&AuditFilter::of_object(&format!("8{rpps}")), None, 9).await.unwrap();
    let reads: Vec<(bool, bool)> = rows
        .iter()
        .filter(|row| row.event.event == "inscription-lire-fiche")
        .map(|row| (row.event.detail.contains("refused"), row.event.detail.contains("CNOM")))
        .collect();
    assert_eq!(reads, [(true, false), (false, true), (true, true)]);
}
