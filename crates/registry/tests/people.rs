//! The acceptance scenarios of registration §21 that professionals, arbiters and the calendar take part in, by their numbers.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_consolidate::Perimeter;
use annuaire_registry::{
    ApplicantSession, CivilTraits, PersonQuery, PersonSearch, RegistrationSubject, RequestQuery, RequestTable, SectionDraft,
    means_frozen,
};
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::fields::{CivilDraft, ClosingDraft, ContactDraft};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::LegalStatement;
use annuaire_workflow::state::{RequestHolder, RequestState};
use world::{DAY, NATIONAL, NEIGHBOUR, SITE, WARNINGS, World, civil, contact, refused, signed, situation, trace};

fn traits(subject: &str, given: &str) -> CivilTraits {
    CivilTraits {
        subject: subject.into(),
        family_name: "Essai".into(),
        given_names: vec![given.into()],
        sex: "F".into(),
        birth: "1991-05-07".into(),
        commune: "97128".into(),
        country: "99100".into(),
        email: "camille@personne.example".into(),
        ..Default::default()
    }
}

/// The codes that were sent last: by mail, by SMS.
async fn codes(w: &World) -> (String, String) {
    let mails = w.mails().await;
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).take(6).collect::<String>();
    let mail = mails.iter().rfind(|(_, subject, _)| subject == "Code de vérification").map(|(_, _, text)| digits(text));
    let texts = std::mem::take(&mut *w.recorder.texts.lock().unwrap());
    let sms = texts.iter().rfind(|(_, text)| text.contains("vérification")).map(|(_, text)| digits(text));
    (mail.unwrap_or_default(), sms.unwrap_or_default())
}

/// A request of a professional up to the submission.
async fn prepared(w: &World, by: &ApplicantSession, structure: &str) -> String {
    let r = &w.registration;
    let at = r.pre_register(by).await.unwrap();
    let number = at.number.clone();
    let mut version = at.version;
    let wrong_name = CivilDraft { nom_famille: "Autre".into(), ..civil("Odile") };
    for section in [
        SectionDraft::Civil(wrong_name),
        SectionDraft::Contact(contact("camille")),
        SectionDraft::Situation(situation(structure, "Camille")),
    ] {
        let accepted = [MessageCode::WNomex, MessageCode::WPrenex];
        let outcome = r.validate_own_section(by, &number, version, section, &accepted).await.unwrap();
        assert!(outcome.valid, "{:?}", outcome.findings.list);
        version = outcome.request.version;
    }
    assert_eq!(refused(r.submit_own(by, &number).await).code, MessageCode::EReq03, "the codes are missing");
    r.send_own_codes(by, &number).await.unwrap();
    let (mail, sms) = codes(w).await;
    assert_eq!((mail.len(), sms.len()), (6, 6));
    assert_eq!(refused(r.confirm_own_codes(by, &number, &mail, "000000x").await).code, MessageCode::EReq11);
    r.confirm_own_codes(by, &number, &mail, &sms).await.unwrap();
    number
}

#[tokio::test]
async fn acceptance_a07_near_twins_go_to_an_arbiter_once() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, one) = w.registered(&by, "990000010", "Marie-Alice", "alice").await;
    let at = w.validated(&by, "990000010", "Marie-Aline", "aline").await;
    w.process().await;
    assert_eq!(w.registration.open_sheet(&by, &at.number).await.unwrap().state.statut(), "Traitement en cours (T03)");
    assert_eq!(refused(w.registration.arbiter_session(SITE, "essai", trace()).await).code, MessageCode::M01);
    assert_eq!(refused(w.registration.arbiter_session(NATIONAL, " ", trace()).await).code, MessageCode::EGen01);
    let arbiter = w.registration.arbiter_session(NATIONAL, "file d'arbitrage", trace()).await.unwrap();
    let queue = w.registration.arbitration_queue(&arbiter, 0).await.unwrap();
    assert_eq!(queue.iter().map(|line| line.number.as_str()).collect::<Vec<_>>(), [at.number.as_str()]);
    let sheet = w.registration.arbitration_sheet(&arbiter, &at.number).await.unwrap();
    assert_eq!((sheet.candidate.as_deref(), sheet.score.unwrap().total), (Some(one.as_str()), 89));
    assert_eq!(refused(w.registration.distinct_persons(&arbiter, &at.number, "court").await).code, MessageCode::EGen03);
    w.registration.distinct_persons(&arbiter, &at.number, "Deux pièces d'identité vues").await.unwrap();
    w.process().await;
    let sheet = w.registration.open_sheet(&by, &at.number).await.unwrap();
    let other = sheet.rpps.unwrap();
    assert!(sheet.state == RequestState::S40 && other != one);
    let pairs = w.registry.identity_rows("distinct-pair", None, "", 10).await.unwrap();
    assert!(pairs.len() == 1 && pairs[0].key.contains(&one) && pairs[0].key.contains(&other));
    // The author is told without a word about the other person.
    let mails = w.mails().await;
    let told = mails.iter().find(|(_, subject, _)| subject.contains("vérification en cours")).unwrap();
    assert!(!told.2.contains("Alice") && !told.2.contains(&one), "{}", told.2);
}

#[tokio::test]
async fn an_arbiter_attaches_and_the_contact_stays() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, one) = w.registered(&by, "990000010", "Marie-Alice", "alice").await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let at = w.validated(&neighbour, "990000028", "Marie-Aline", "aline").await;
    w.process().await;
    let arbiter = w.registration.arbiter_session(NATIONAL, "file d'arbitrage", trace()).await.unwrap();
    w.registration.same_person(&arbiter, &at.number, "Erreur de saisie du prénom").await.unwrap();
    let sheet = w.registration.open_sheet(&neighbour, &at.number).await.unwrap();
    assert_eq!((sheet.rpps.as_deref(), sheet.kind.code()), (Some(one.as_str()), "AJOUT"));
    assert_eq!(w.public(&one).await.exercices[0].situations.len(), 2);
    let restricted = w.restricted(&one).await;
    assert_eq!(restricted.correspondance.unwrap().courriel, "alice@personne.example");
    assert_eq!(restricted.etat_civil.unwrap().prenoms, ["Marie-Alice"]);
    assert_eq!(w.registration.means_withheld(&format!("8{one}")).await.unwrap().as_deref(), Some("coordonnées à confirmer"));
}

#[tokio::test]
async fn acceptance_a13_an_idle_draft_expires_and_is_erased() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let draft = w.draft(&by, "990000010", "Camille", "camille").await;
    w.mails().await;
    let run = async || w.registration.run_due(&w.system).await.unwrap();
    w.pass(59 * DAY);
    assert_eq!(run().await.reminded, 0);
    w.pass(DAY);
    assert_eq!((run().await.reminded, run().await.reminded), (1, 0), "once");
    assert!(w.mails().await.iter().any(|(to, ..)| to == "site@gestion.example"));
    // The program stood still over the second reminder: only the end is told.
    w.pass(30 * DAY);
    let due = run().await;
    assert_eq!((due.expired, due.reminded), (1, 0));
    let finished = RequestQuery { family: "Essai".into(), limit: 10, ..Default::default() };
    let find = async || w.registration.requests(&by, RequestTable::Finished, &finished).await.unwrap();
    assert_eq!(find().await.lines[0].state.statut(), "Expirée");
    w.pass(29 * DAY);
    assert_eq!(run().await.erased, 0);
    w.pass(DAY);
    assert_eq!((run().await.erased, run().await.erased), (1, 0));
    assert_eq!(find().await.total, 0, "no name is found any more");
    let sheet = w.registration.open_sheet(&by, &draft.number).await.unwrap();
    assert_eq!((sheet.number.as_str(), sheet.state), (draft.number.as_str(), RequestState::S61));
    assert_eq!((sheet.civil, sheet.contact), (CivilDraft::default(), ContactDraft::default()));
}

#[tokio::test]
async fn acceptance_a14_a_professional_submits_to_a_structure_with_a_manager() {
    let w = World::new().await;
    let by = w.registration.applicant_session(traits("sub-1", "Camille"), trace()).await.unwrap();
    let number = prepared(&w, &by, "990000010").await;
    let manager = w.manager(SITE).await;
    assert_eq!(refused(w.registration.open_sheet(&manager, &number).await).code, MessageCode::EReq06, "a draft is theirs alone");
    let at = w.registration.submit_own(&by, &number).await.unwrap();
    assert_eq!((at.state, at.transition), (RequestState::S20, "07"));
    let mails = w.mails().await;
    assert!(mails.iter().any(|(to, subject, _)| to == "camille@personne.example" && subject.contains("est transmise")));
    assert!(mails.iter().any(|(to, subject, _)| to == "site@gestion.example" && subject == "Une demande vous attend"));
    let sheet = w.registration.open_sheet(&manager, &number).await.unwrap();
    assert_eq!((sheet.civil.nom_famille.as_str(), sheet.civil.prenom1.as_str()), ("Essai", "Camille"), "read-only");
    assert!(sheet.contact.email.contains('…'), "{}", sheet.contact.email);
    let row = w.registry.identity_row("case", &number).await.unwrap().unwrap();
    assert!(!row.content.contains("sub-1"), "the identifier of FranceConnect is not kept");
    // The manager sets the role, which N10 lists.
    let changed = annuaire_workflow::fields::SituationDraft { role: "GENR10".into(), ..situation("990000010", "Camille") };
    let at = w.registration.validate_request(&manager, &number, sheet.version, signed(), Some(changed)).await.unwrap();
    assert_eq!(at.state, RequestState::S30);
    w.process().await;
    let rpps = w.registration.open_sheet(&manager, &number).await.unwrap().rpps.unwrap();
    let restricted = w.restricted(&rpps).await;
    assert_eq!(restricted.etat_civil.unwrap().statut, "FC");
    assert_eq!(w.public(&rpps).await.exercices[0].situations[0].genre_activite, "GENR10");
    let mails = w.mails().await;
    let n10 = mails.iter().find(|(_, subject, _)| subject == "Votre numéro RPPS").unwrap();
    assert!(n10.2.contains("Modifié par l'établissement : role"), "{}", n10.2);
    // The contact is the professional's from the beginning.
    let facts = w.facts(&rpps).await;
    let contact = facts.iter().find(|fact| fact.key.facet == "contact").unwrap();
    assert_eq!(contact.key.owner, format!("PP:8{rpps}"));
}

#[tokio::test]
async fn acceptance_a15_a_structure_without_manager_is_waited_for() {
    let w = World::bare().await;
    let rep = w.representative().await;
    w.registration.attach_structure(&rep, "990000028", true).await.unwrap();
    let by = w.registration.applicant_session(traits("sub-1", "Camille"), trace()).await.unwrap();
    let number = prepared(&w, &by, "990000028").await;
    let at = w.registration.submit_own(&by, &number).await.unwrap();
    assert_eq!((at.state, at.transition), (RequestState::S20, "08"));
    let own = w.registration.own_requests(&by).await.unwrap();
    assert_eq!(own[0].holder, RequestHolder::AbsentAe);
    let mails = w.mails().await;
    assert!(mails.iter().any(|(to, subject, _)| to == "representante@gestion.example" && subject.contains("attend son")));
    w.pass(59 * DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert_eq!(w.registration.own_requests(&by).await.unwrap()[0].state, RequestState::S20);
    w.pass(DAY);
    assert_eq!(w.registration.run_due(&w.system).await.unwrap().expired, 1);
    assert_eq!(w.registration.own_requests(&by).await.unwrap()[0].state, RequestState::S61);
}

#[tokio::test]
async fn acceptance_a16_whoever_is_registered_makes_no_draft() {
    let w = World::new().await;
    let manager = w.manager(SITE).await;
    let early = w.registration.applicant_session(traits("sub-1", "Camille"), trace()).await.unwrap();
    let first = w.registration.pre_register(&early).await.unwrap();
    let second = refused(w.registration.pre_register(&early).await);
    assert!(second.code == MessageCode::EReq01 && second.text.contains(&first.number), "{}", second.text);
    let (_, rpps) = w.registered(&manager, "990000010", "Camille", "camille").await;
    let late = refused(w.registration.applicant_session(traits("sub-1", "Camille"), trace()).await);
    assert!(late.code == MessageCode::M02 && !late.text.contains(&rpps), "{}", late.text);
    // Another person is not taken for them, and sees nothing of theirs.
    let other = w.registration.applicant_session(traits("sub-2", "Odile"), trace()).await.unwrap();
    assert!(w.registration.own_requests(&other).await.unwrap().is_empty());
    assert_eq!(refused(w.registration.withdraw_own(&other, &first.number).await).code, MessageCode::EReq06);
    assert_eq!(refused(w.registration.send_own_codes(&other, &first.number).await).code, MessageCode::EReq06);
}

#[tokio::test]
async fn acceptance_a19_a_planned_end_comes_and_is_told() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let draft = w.draft(&by, "990000010", "Camille", "camille").await;
    let until = annuaire_workflow::fields::SituationDraft { date_fin: "06/01/2027".into(), ..situation("990000010", "Camille") };
    let section = SectionDraft::Situation(until);
    let at = w.registration.validate_section(&by, &draft.number, draft.version, section, &[]).await.unwrap().request;
    let at = w.registration.submit(&by, &at.number, LegalStatement::default()).await.unwrap();
    w.registration.validate_request(&by, &at.number, at.version, signed(), None).await.unwrap();
    w.process().await;
    let rpps = w.registration.open_sheet(&by, &at.number).await.unwrap().rpps.unwrap();
    let run = async || w.registration.run_due(&w.system).await.unwrap().persons;
    assert_eq!(run().await, 0);
    w.mails().await;
    let told = async |subject: &str| w.mails().await.iter().filter(|mail| mail.1.contains(subject)).count();
    // 7 December: thirty days before.
    w.pass(11 * DAY);
    assert_eq!((run().await, run().await), (1, 0));
    assert!(told("prévue le 06/01/2027").await >= 2);
    // 6 January: the last day counts.
    w.pass(30 * DAY);
    run().await;
    assert_eq!(w.public(&rpps).await.exercices[0].situations.len(), 1);
    w.pass(DAY);
    assert_eq!(run().await, 1);
    assert!(w.public(&rpps).await.exercices[0].situations.is_empty());
    let kept = w.restricted(&rpps).await;
    assert_eq!(kept.exercices[0].situations[0].date_fin, "2027-01-06");
    assert!(told("a changé").await >= 1);
    // Twelve months later the exercise is over.
    w.pass(366 * DAY);
    run().await;
    assert!(w.public(&rpps).await.exercices.is_empty());
}

#[tokio::test]
async fn a_planned_situation_becomes_public_on_its_day() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let draft = w.draft(&by, "990000010", "Camille", "camille").await;
    let later =
        annuaire_workflow::fields::SituationDraft { date_debut: "01/12/2026".into(), ..situation("990000010", "Camille") };
    let section = SectionDraft::Situation(later);
    let at = w.registration.validate_section(&by, &draft.number, draft.version, section, &[]).await.unwrap().request;
    let at = w.registration.submit(&by, &at.number, LegalStatement::default()).await.unwrap();
    w.registration.validate_request(&by, &at.number, at.version, signed(), None).await.unwrap();
    w.process().await;
    let rpps = w.registration.open_sheet(&by, &at.number).await.unwrap().rpps.unwrap();
    w.registration.run_due(&w.system).await.unwrap();
    assert!(w.merged(&rpps, Perimeter::Public).await.is_none());
    w.pass(5 * DAY);
    w.registration.run_due(&w.system).await.unwrap();
    let p = w.public(&rpps).await;
    assert_eq!((p.civilite.as_str(), p.exercices[0].situations.len()), ("MME", 1));
}

#[tokio::test]
async fn acceptance_a20_a_contact_changes_after_the_code() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    w.mails().await;
    let holder = w.holder(&rpps).await;
    let at = w.registration.create_contact_request(&holder).await.unwrap();
    let new = ContactDraft { email: "nouvelle@personne.example".into(), mobile: "0639980012".into(), sans_mobile: false };
    let section = SectionDraft::Contact(new);
    let outcome = w.registration.validate_holder_section(&holder, &at.number, at.version, section, &WARNINGS).await.unwrap();
    assert!(outcome.valid, "{:?}", outcome.findings.list);
    assert_eq!(refused(w.registration.submit_holder(&holder, &at.number).await).code, MessageCode::EReq11);
    w.registration.send_holder_codes(&holder, &at.number).await.unwrap();
    let (mail, sms) = codes(&w).await;
    // Five wrong attempts end the codes.
    for _ in 0..5 {
        let wrong = w.registration.confirm_holder_codes(&holder, &at.number, "wrong", "wrong").await;
        assert_eq!(refused(wrong).code, MessageCode::EReq11);
    }
    assert!(w.registration.confirm_holder_codes(&holder, &at.number, &mail, &sms).await.is_err());
    assert_eq!(w.restricted(&rpps).await.correspondance.unwrap().courriel, "camille@personne.example");
    assert!(w.mails().await.is_empty(), "N12 comes after the change alone");
    w.registration.send_holder_codes(&holder, &at.number).await.unwrap();
    let (mail, sms) = codes(&w).await;
    w.registration.confirm_holder_codes(&holder, &at.number, &mail, &sms).await.unwrap();
    let at = w.registration.submit_holder(&holder, &at.number).await.unwrap();
    assert_eq!((at.state, at.transition), (RequestState::S30, "10"));
    w.process().await;
    assert_eq!(w.restricted(&rpps).await.correspondance.unwrap().courriel, "nouvelle@personne.example");
    let mails = w.mails().await;
    for to in ["camille@personne.example", "nouvelle@personne.example"] {
        assert!(mails.iter().any(|mail| mail.0 == to && mail.1 == "Vos coordonnées ont été modifiées"), "{to}: {mails:?}");
    }
}

#[tokio::test]
async fn acceptance_a21_silence_accepts_a_declared_departure() {
    let w = World::new().await;
    // Registered with a contact of their own.
    let by = w.registration.applicant_session(traits("sub-1", "Camille"), trace()).await.unwrap();
    let number = prepared(&w, &by, "990000010").await;
    w.registration.submit_own(&by, &number).await.unwrap();
    let manager = w.manager(SITE).await;
    let sheet = w.registration.open_sheet(&manager, &number).await.unwrap();
    w.registration.validate_request(&manager, &number, sheet.version, signed(), None).await.unwrap();
    w.process().await;
    let rpps = w.registration.open_sheet(&manager, &number).await.unwrap().rpps.unwrap();
    let holder = w.holder(&rpps).await;
    let id = w.public(&rpps).await.exercices[0].situations[0].id_situation_exercice.clone();
    let leaves = RegistrationSubject::Situation { rpps: rpps.clone(), situation: id, ends: true };
    let at = w.registration.create_holder_request(&holder, "990000010", &leaves).await.unwrap();
    let section = SectionDraft::Closing(ClosingDraft { date_fin: "27/11/2026".into(), motif: "CHL".into() });
    let at = w.registration.validate_holder_section(&holder, &at.number, at.version, section, &[]).await.unwrap().request;
    let at = w.registration.submit_holder(&holder, &at.number).await.unwrap();
    assert_eq!(at.state, RequestState::S20);
    w.pass(14 * DAY);
    assert_eq!(w.registration.run_due(&w.system).await.unwrap().accepted, 0);
    w.pass(DAY);
    assert_eq!(w.registration.run_due(&w.system).await.unwrap().accepted, 1);
    w.process().await;
    assert!(w.public(&rpps).await.exercices[0].situations.is_empty());
    let restricted = w.restricted(&rpps).await;
    let ended = &restricted.exercices[0].situations[0];
    assert_eq!((ended.date_fin.as_str(), ended.motif_fin.as_str()), ("2026-11-27", "CHL"));
    let row = w.registry.identity_row("case", &at.number).await.unwrap().unwrap();
    assert!(row.content.contains(r#""declaredEnd":true"#));
}

#[tokio::test]
async fn acceptance_a22_a_death_closes_everything_silently() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let more = RegistrationSubject::NewActivity { rpps: rpps.clone() };
    let open = w.registration.create_request(&neighbour, "990000028", &more).await.unwrap();
    w.mails().await;
    w.recorder.texts.lock().unwrap().clear();
    w.registration.death_known(&w.system, &rpps, parse_iso("2026-11-20").unwrap()).await.unwrap();
    w.process().await;
    w.registration.run_due(&w.system).await.unwrap();
    assert!(w.mails().await.iter().all(|(to, ..)| !to.contains("personne.example")));
    assert!(w.recorder.texts.lock().unwrap().is_empty());
    assert!(w.merged(&rpps, Perimeter::Public).await.is_none(), "nothing is public");
    let restricted = w.restricted(&rpps).await;
    assert_eq!(restricted.etat_civil.unwrap().date_deces, "2026-11-20");
    let ended = &restricted.exercices[0].situations[0];
    assert_eq!((ended.date_fin.as_str(), ended.motif_fin.as_str()), ("2026-11-20", "DCD"));
    assert_eq!(w.registration.open_sheet(&neighbour, &open.number).await.unwrap().state.statut(), "Rejetée");
    assert_eq!(refused(w.registration.holder_session(&format!("8{rpps}"), trace()).await).code, MessageCode::M01);
    assert_eq!(refused(w.registration.create_request(&neighbour, "990000028", &more).await).code, MessageCode::ERpps01);
}

#[tokio::test]
async fn acceptance_a22_the_motive_of_a_manager_is_a_notice_of_death() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let more = RegistrationSubject::NewActivity { rpps: rpps.clone() };
    let open = w.registration.create_request(&neighbour, "990000028", &more).await.unwrap();
    let situation = w.public(&rpps).await.exercices[0].situations[0].id_situation_exercice.clone();
    let ends = RegistrationSubject::Situation { rpps: rpps.clone(), situation, ends: true };
    let at = w.registration.create_request(&by, "990000010", &ends).await.unwrap();
    let closing = |day: &str| SectionDraft::Closing(ClosingDraft { date_fin: day.into(), motif: "DCD".into() });
    let planned = w.registration.validate_section(&by, &at.number, at.version, closing("28/11/2026"), &[]).await.unwrap();
    assert_eq!(planned.findings.codes(), [MessageCode::ESit09]);
    let at = planned.request;
    let at = w.registration.validate_section(&by, &at.number, at.version, closing("26/11/2026"), &[]).await.unwrap().request;
    w.mails().await;
    w.recorder.texts.lock().unwrap().clear();
    w.registration.submit(&by, &at.number, signed()).await.unwrap();
    w.process().await;
    // At once, without a timer.
    assert_eq!(w.registration.open_sheet(&by, &at.number).await.unwrap().state, RequestState::S40);
    assert_eq!(w.registration.open_sheet(&neighbour, &open.number).await.unwrap().state.statut(), "Rejetée");
    assert!(w.merged(&rpps, Perimeter::Public).await.is_none(), "nothing is public");
    let restricted = w.restricted(&rpps).await;
    assert_eq!(restricted.etat_civil.unwrap().date_deces, "2026-11-26");
    let ended = &restricted.exercices[0].situations[0];
    assert_eq!((ended.date_fin.as_str(), ended.motif_fin.as_str()), ("2026-11-26", "DCD"));
    w.registration.run_due(&w.system).await.unwrap();
    assert!(w.mails().await.iter().all(|(to, ..)| !to.contains("personne.example")));
    assert!(w.recorder.texts.lock().unwrap().is_empty());
    assert_eq!(refused(w.registration.create_request(&neighbour, "990000028", &more).await).code, MessageCode::ERpps01);
}

#[tokio::test]
async fn acceptance_a31_a_changed_given_name_leaves_the_restricted_view() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let subject = RegistrationSubject::CivilStatus { rpps: rpps.clone() };
    let neighbour = w.manager(NEIGHBOUR).await;
    let stranger = w.registration.create_request(&neighbour, "990000028", &subject).await;
    assert_eq!(refused(stranger).code, MessageCode::EPer01, "another authority's civil status");
    let at = w.registration.create_request(&by, "990000010", &subject).await.unwrap();
    let section = SectionDraft::Civil(civil("Odile"));
    let at = w.registration.validate_section(&by, &at.number, at.version, section, &WARNINGS).await.unwrap();
    assert!(at.valid, "{:?}", at.findings.list);
    let at = w.registration.submit(&by, &at.request.number, LegalStatement::default()).await.unwrap();
    w.registration.validate_request(&by, &at.number, at.version, signed(), None).await.unwrap();
    w.process().await;
    assert_eq!(w.registration.open_sheet(&by, &at.number).await.unwrap().state, RequestState::S40);
    let restricted = w.restricted(&rpps).await;
    assert_eq!(restricted.etat_civil.as_ref().unwrap().prenoms, ["Odile"]);
    assert!(!format!("{restricted:?}").contains("Camille"), "{restricted:?}");
    let public = w.public(&rpps).await;
    assert_eq!(public.exercices[0].prenom_exercice, "Odile");
    assert_eq!(public.exercices[0].nom_exercice, "Fictif", "the family name stays");
    // Two traits at once are for the arbiter.
    let at = w.registration.create_request(&by, "990000010", &subject).await.unwrap();
    let two = CivilDraft { nom_famille: "Autre".into(), ..civil("Camille") };
    let at = w.registration.validate_section(&by, &at.number, at.version, SectionDraft::Civil(two), &WARNINGS).await.unwrap();
    let at = w.registration.submit(&by, &at.request.number, LegalStatement::default()).await.unwrap();
    w.registration.validate_request(&by, &at.number, at.version, signed(), None).await.unwrap();
    w.process().await;
    assert_eq!(w.registration.open_sheet(&by, &at.number).await.unwrap().state, RequestState::S35);
    // The arbiter sees both, and decides.
    let arbiter = w.registration.arbiter_session(NATIONAL, "essai", trace()).await.unwrap();
    let seen = w.registration.arbitration_sheet(&arbiter, &at.number).await.unwrap();
    assert_eq!((seen.candidate.as_deref(), seen.civil.unwrap().prenoms), (Some(rpps.as_str()), vec!["Odile".to_owned()]));
    w.registration.same_person(&arbiter, &at.number, "Acte de naissance vu par l’établissement").await.unwrap();
    let restricted = w.restricted(&rpps).await;
    assert_eq!(restricted.etat_civil.as_ref().unwrap().prenoms, ["Camille"]);
    assert!(!format!("{restricted:?}").contains("Odile"), "{restricted:?}");
}

#[tokio::test]
async fn a_manager_changes_and_ends_a_situation() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let id = w.public(&rpps).await.exercices[0].situations[0].id_situation_exercice.clone();
    let of = |ends| RegistrationSubject::Situation { rpps: rpps.clone(), situation: id.clone(), ends };
    let neighbour = w.manager(NEIGHBOUR).await;
    assert_eq!(refused(w.registration.create_request(&neighbour, "990000028", &of(true)).await).code, MessageCode::EPer01);
    let at = w.registration.create_request(&by, "990000010", &of(false)).await.unwrap();
    let other_role = annuaire_workflow::fields::SituationDraft { role: "GENR12".into(), ..situation("990000010", "Camille") };
    let section = SectionDraft::Situation(other_role);
    let outcome = w.registration.validate_section(&by, &at.number, at.version, section, &WARNINGS).await.unwrap();
    assert!(outcome.valid, "{:?}", outcome.findings.list);
    let unsigned = w.registration.submit(&by, &at.number, LegalStatement::default()).await;
    assert_eq!(refused(unsigned).code, MessageCode::ELeg01);
    assert_eq!(w.registration.submit(&by, &at.number, signed()).await.unwrap().transition, "09");
    // While it is being processed no second change of the situation is sent.
    let second = w.registration.create_request(&by, "990000010", &of(true)).await.unwrap();
    let closing = SectionDraft::Closing(ClosingDraft { date_fin: "26/11/2026".into(), motif: String::new() });
    let second =
        w.registration.validate_section(&by, &second.number, second.version, closing.clone(), &[]).await.unwrap().request;
    assert_eq!(refused(w.registration.submit(&by, &second.number, signed()).await).code, MessageCode::EReq02);
    w.process().await;
    let public = w.public(&rpps).await;
    let roles: Vec<&str> = public.exercices[0].situations.iter().map(|s| s.genre_activite.as_str()).collect();
    assert_eq!(roles, ["GENR12"], "the former role is over");
    let restricted = w.restricted(&rpps).await;
    let former = restricted.exercices[0].situations.iter().find(|s| s.genre_activite == "GENR11").unwrap();
    assert_eq!(former.date_fin, "2026-11-25");
    // The new situation ends.
    let id = public.exercices[0].situations[0].id_situation_exercice.clone();
    let ends = RegistrationSubject::Situation { rpps: rpps.clone(), situation: id, ends: true };
    let at = w.registration.create_request(&by, "990000010", &ends).await.unwrap();
    let yesterday = SectionDraft::Closing(ClosingDraft { date_fin: "26/11/2026".into(), motif: "AUT".into() });
    let at = w.registration.validate_section(&by, &at.number, at.version, yesterday, &[]).await.unwrap().request;
    w.registration.submit(&by, &at.number, signed()).await.unwrap();
    w.process().await;
    assert_eq!(w.public(&rpps).await.exercices[0].situations.len(), 1, "the last day counts");
    w.pass(DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert!(w.public(&rpps).await.exercices[0].situations.is_empty());
}

#[tokio::test]
async fn a_manager_sees_a_person_of_the_perimeter_and_little_of_others() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let find = async |by, query: PersonQuery| w.registration.find_person(by, &query).await.unwrap();
    let PersonSearch::Found(inside) = find(&by, PersonQuery::Number(rpps.clone())).await else { panic!("nobody") };
    let shown = inside.inside.unwrap();
    assert_eq!((shown.civil.nom_famille.as_str(), shown.situations.len()), ("Essai", 1));
    let typed = PersonQuery::Identity(Box::new(CivilDraft { nom_usage: String::new(), ..civil("CAMILLE") }));
    let PersonSearch::Found(outside) = find(&neighbour, typed).await else { panic!("nobody") };
    assert_eq!((outside.rpps.as_str(), outside.name.as_str()), (rpps.as_str(), "Camille Fictif"));
    assert_eq!(outside.inside, None, "{outside:?}");
    assert!(matches!(find(&by, PersonQuery::Identity(Box::default())).await, PersonSearch::Incomplete(_)));
    // Ten guesses lock for an hour, also for an identity that there is.
    for _ in 0..10 {
        assert!(matches!(find(&neighbour, PersonQuery::Identity(Box::new(civil("Odile")))).await, PersonSearch::Nobody));
    }
    let locked = find(&neighbour, PersonQuery::Identity(Box::new(civil("Camille")))).await;
    assert!(matches!(locked, PersonSearch::LockedUntil(_)), "{locked:?}");
    let jobs = w.registry.jobs(annuaire_store::Queue::Work, 10).await.unwrap();
    assert!(jobs.iter().any(|job| job.job.kind == "registration-operator" && job.job.payload.contains(NEIGHBOUR)));
    w.pass(3_600_000);
    assert!(matches!(find(&neighbour, PersonQuery::Identity(Box::new(civil("Camille")))).await, PersonSearch::Found(_)));
    let rows = w.registry.audit_trail(0, 100_000).await.unwrap();
    let searches: Vec<_> = rows.iter().filter(|row| row.event.event == "inscription-rechercher-personne").collect();
    assert_eq!(searches.len(), 14);
    assert!(searches.iter().all(|row| !row.event.detail.contains("ESSAI") && !row.event.detail.contains("Odile")));
}

/// Nothing that the trail keeps tells a trait.
#[tokio::test]
async fn the_trail_holds_no_trait() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (number, _) = w.registered(&by, "990000010", "Camille", "camille").await;
    let trail = w.trail(&number).await;
    let names: Vec<&str> = trail.iter().map(|(event, _)| event.as_str()).collect();
    for step in ["creer", "valider-section", "envoyer", "valider", "traiter", "lire"] {
        assert!(names.contains(&format!("inscription-{step}").as_str()), "{step}: {names:?}");
    }
    for (_, detail) in &trail {
        for secret in ["Essai", "ESSAI", "Camille", "1991", "97128", "personne.example", "692000012"] {
            assert!(!detail.contains(secret), "{detail}");
        }
    }
    assert!(w.registry.verify().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_person_is_cancelled_by_authority_and_arbiter_within_a_day() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (number, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let r = &w.registration;
    assert_eq!(refused(r.cancel_wrong_person(&neighbour, &number, false).await).code, MessageCode::EPer01);
    assert_eq!(refused(r.cancel_wrong_person(&by, &number, true).await).code, MessageCode::EReq06, "something was activated");
    assert_eq!(refused(r.cancel_wrong_person(&by, &number, false).await).code, MessageCode::EReq08);
    assert_eq!(refused(r.cancel_wrong_person(&by, &number, false).await).code, MessageCode::EReq08, "one person is not two");
    assert_eq!(w.public(&rpps).await.exercices.len(), 1);
    let arbiter = r.arbiter_session(NATIONAL, "erreur de personne", trace()).await.unwrap();
    assert_eq!(r.agree_wrong_person(&arbiter, &number, false).await.unwrap().state, RequestState::S70);
    for perimeter in [Perimeter::Public, Perimeter::Restricted] {
        let left = w.merged(&rpps, perimeter).await.and_then(|entity| entity.professional).unwrap_or_default();
        assert!(left.exercices.is_empty() && left.etat_civil.is_none(), "{left:?}");
    }
    let (late, other) = w.registered(&by, "990000010", "Camille", "camille").await;
    assert_ne!(other, rpps, "a number is never used again");
    let (active, holder) = w.registered(&by, "990000010", "Odile", "odile").await;
    r.means_activated(&w.system, &format!("8{holder}")).await.unwrap();
    let known = refused(r.cancel_wrong_person(&by, &active, false).await);
    assert_eq!(known.code, MessageCode::EReq06, "the program told that something was activated");
    w.pass(DAY);
    assert_eq!(refused(r.cancel_wrong_person(&by, &late, false).await).code, MessageCode::EReq06);
}

#[tokio::test]
async fn a_professional_recalls_the_authority_once_a_week_and_raises_an_alert() {
    let w = World::new().await;
    let by = w.registration.applicant_session(traits("sub-1", "Camille"), trace()).await.unwrap();
    let number = prepared(&w, &by, "990000010").await;
    assert_eq!(refused(w.registration.recall(&by, &number).await).code, MessageCode::EReq06, "it is not with the authority");
    w.registration.submit_own(&by, &number).await.unwrap();
    w.registration.recall(&by, &number).await.unwrap();
    assert_eq!(refused(w.registration.recall(&by, &number).await).code, MessageCode::EReq06);
    w.pass(7 * DAY);
    w.registration.recall(&by, &number).await.unwrap();
    let manager = w.manager(SITE).await;
    let (other, _) = w.registered(&manager, "990000010", "Odile", "odile").await;
    let sheet = w.registration.open_sheet(&manager, &number).await.unwrap();
    w.registration.validate_request(&manager, &number, sheet.version, signed(), None).await.unwrap();
    w.process().await;
    let rpps = w.registration.open_sheet(&manager, &number).await.unwrap().rpps.unwrap();
    let holder = w.holder(&rpps).await;
    assert_eq!(refused(w.registration.not_me(&holder, &other).await).code, MessageCode::EPer01);
    let person = format!("8{rpps}");
    let frozen = async || means_frozen(&*w.registry, &person).await.unwrap();
    assert!(!frozen().await);
    w.registration.not_me(&holder, &number).await.unwrap();
    assert_eq!(w.registration.means_withheld(&person).await.unwrap().as_deref(), Some("alerte de fraude"));
    assert!(frozen().await, "what is active, too");
    let support = w.registration.support_session(NATIONAL, "identité vérifiée", trace()).await.unwrap();
    w.registration.lift_withheld(&support, &rpps, "Identité vérifiée par téléphone.").await.unwrap();
    assert!(!frozen().await && w.registration.means_withheld(&person).await.unwrap().is_none());
}

#[tokio::test]
async fn a_professional_does_not_vouch_for_their_own_certificates() {
    let w = World::new().await;
    let r = &w.registration;
    let own = r.applicant_session(traits("sub-1", "Camille"), trace()).await.unwrap();
    let number = prepared(&w, &own, "990000010").await;
    let version = w.registry.identity_row("case", &number).await.unwrap().unwrap().version;
    let helper = annuaire_workflow::fields::SituationDraft { profession: "371".into(), ..situation("990000010", "Camille") };
    let accepted = [MessageCode::WNomex, MessageCode::WPrenex];
    let section = SectionDraft::Situation(helper.clone());
    let outcome = r.validate_own_section(&own, &number, version, section, &accepted).await.unwrap();
    assert!(outcome.valid, "the employer attests: {:?}", outcome.findings.list);
    let at = r.submit_own(&own, &number).await.unwrap();
    let by = w.manager(SITE).await;
    assert_eq!(refused(r.validate_request(&by, &number, at.version, signed(), None).await).code, MessageCode::EHlp01);
    let silent = r.validate_request(&by, &number, at.version, signed(), Some(helper.clone())).await;
    assert_eq!(refused(silent).code, MessageCode::EReq09);
    let attested = annuaire_workflow::fields::SituationDraft {
        critere: "certification".into(),
        verifie: true,
        date_verification: "26/11/2026".into(),
        ..helper
    };
    r.validate_request(&by, &number, at.version, signed(), Some(attested)).await.unwrap();
    w.process().await;
    let kept = w.registry.identity_rows("home-help", None, "", 10).await.unwrap();
    assert!(kept.len() == 1 && kept[0].content.contains("2026-11-26"));
}
