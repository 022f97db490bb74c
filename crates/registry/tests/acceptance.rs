//! The acceptance scenarios of registration §21 on a registry, by their numbers: requests of managers.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_base::id::luhn;
use annuaire_registry::{RegistrationSubject, RequestQuery, RequestTable, SectionDraft};
use annuaire_store::{Cause, Channel, CommitClock, NewJob, Queue};
use annuaire_workflow::fields::shown;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{LegalStatement, RefusalReason};
use annuaire_workflow::state::RequestState;
use std::sync::atomic::Ordering;
use world::{COLLEAGUE, HEAD, NEIGHBOUR, SITE, WARNINGS, World, civil, contact, refused, signed, situation, structure};

fn all() -> RequestQuery {
    RequestQuery { limit: 100, ..Default::default() }
}

#[tokio::test]
async fn acceptance_a01_a_draft_has_a_number_and_three_valid_sections() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let draft = w.draft(&by, "990000010", "Camille", "camille").await;
    assert!(draft.number.starts_with("P20261126") && draft.number.len() == 15, "{}", draft.number);
    let sheet = w.registration.open_sheet(&by, &draft.number).await.unwrap();
    assert_eq!((sheet.state.statut(), sheet.open_sections.len()), ("En cours de saisie GAE", 0));
    let second = w.registration.create_request(&by, "990000010", &RegistrationSubject::Unknown).await.unwrap();
    let counter = |number: &str| number[9..].parse::<u64>().unwrap();
    assert_eq!(counter(&second.number), counter(&draft.number) + 1);
    let row = w.registry.identity_row("case", &draft.number).await.unwrap().unwrap();
    for trait_in_clear in ["Essai", "ESSAI", "Camille", "1991", "97128", "personne.example", "692000012"] {
        assert!(!row.content.contains(trait_in_clear), "{trait_in_clear} stands in clear");
    }
}

#[tokio::test]
async fn acceptance_a02_a_submitted_request_moves_to_the_second_table() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let draft = w.draft(&by, "990000010", "Camille", "camille").await;
    let count = async |table| w.registration.requests(&by, table, &all()).await.unwrap();
    assert_eq!(count(RequestTable::Drafts).await.total, 1);
    assert_eq!(w.registration.manager_tasks(&by).await.unwrap().to_treat, 1);
    let at = w.registration.submit(&by, &draft.number, LegalStatement::default()).await.unwrap();
    assert_eq!(at.state.statut(), "Traitement en cours (T01)");
    assert_eq!(count(RequestTable::Drafts).await.total, 0);
    let page = count(RequestTable::Instruction).await;
    let line = &page.lines[0];
    assert_eq!((page.total, line.name.as_str(), line.role.as_str()), (1, "ESSAI Camille", "GENR11"));
    assert_eq!(line.place, "990000010 - Structure d'essai 990000010");
    // Names are found by their beginning, however they are written; another structure's manager sees nothing.
    let found = |family: &str| RequestQuery { family: family.into(), ..all() };
    for (family, total) in [("éss", 1), ("Essai", 1), ("Autre", 0)] {
        let page = w.registration.requests(&by, RequestTable::Instruction, &found(family)).await.unwrap();
        assert_eq!(page.total, total, "{family}");
    }
    let neighbour = w.manager(NEIGHBOUR).await;
    assert_eq!(w.registration.requests(&neighbour, RequestTable::Instruction, &all()).await.unwrap().total, 0);
    let head = w.manager(HEAD).await;
    assert_eq!(w.registration.requests(&head, RequestTable::Instruction, &all()).await.unwrap().total, 1);
}

#[tokio::test]
async fn acceptance_a03_without_the_legal_box_nothing_changes() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let at = w.submitted(&by, "990000010", "Camille", "camille").await;
    let unsigned = w.registration.validate_request(&by, &at.number, at.version, LegalStatement::default(), None).await;
    assert_eq!(refused(unsigned).code, MessageCode::ELeg01);
    assert_eq!(w.registration.open_sheet(&by, &at.number).await.unwrap().state, RequestState::S20);
    let last = w.trail(&at.number).await;
    assert!(last.iter().any(|(event, detail)| event == "inscription-valider" && detail.contains("E-LEG-01")), "{last:?}");
}

#[tokio::test]
async fn acceptance_a04_a_validated_request_gives_a_number_and_one_letter() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let before = w.registry.last_tx().await.unwrap();
    let (number, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    assert!(luhn(&rpps) && rpps.len() == 11 && rpps.starts_with("99912"), "{rpps}");
    let sheet = w.registration.open_sheet(&by, &number).await.unwrap();
    assert_eq!(sheet.state.statut(), "Validée");
    let tx = w.registry.last_tx().await.unwrap();
    assert_eq!(tx.get(), before.get() + 1, "one business event is one transaction");
    let cause = w.registry.transactions(before, 1).await.unwrap().remove(0).cause;
    assert_eq!((cause.request.as_deref(), cause.authority.as_deref()), (Some(number.as_str()), Some("ENREG:1990000010")));
    w.process().await;
    let mails = w.mails().await;
    let n10: Vec<_> = mails.iter().filter(|(to, _, body)| to == "camille@personne.example" && body.contains(&rpps)).collect();
    assert_eq!(n10.len(), 1, "{mails:?}");
    assert!(n10[0].2.contains("Aide-soignant") && n10[0].2.contains("Structure d'essai 990000010"), "{}", n10[0].2);
    assert!(!n10[0].2.contains("Essai\n") && !n10[0].2.contains("1991"));
    // A manager finds the copy in the inbox.
    let inbox = w.registration.manager_inbox(&by).await.unwrap();
    assert!(inbox.iter().any(|message| message.notice == "N10c" && message.body.contains(&rpps)), "{inbox:?}");
}

#[tokio::test]
async fn acceptance_a05_a_second_authority_attaches() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    w.mails().await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let (number, again) = w.registered(&neighbour, "990000028", "CAMILLE", "autre").await;
    assert_eq!(again, rpps, "no second number");
    let p = w.public(&rpps).await;
    let structures: Vec<&str> = p.exercices[0].situations.iter().map(|s| s.structure.as_str()).collect();
    assert_eq!((p.exercices.len(), structures.len()), (1, 2), "{p:?}");
    assert!(structures.contains(&"F990000010") && structures.contains(&"F990000028"));
    // Attaching replaces no contact: the letter goes to the one that is known, and the other one is a proposal.
    assert_eq!(w.restricted(&rpps).await.correspondance.unwrap().courriel, "camille@personne.example");
    let mails = w.mails().await;
    let told: Vec<&str> = mails.iter().filter(|m| m.1.starts_with("Une activité")).map(|m| m.0.as_str()).collect();
    assert_eq!(told, ["camille@personne.example"]);
    assert!(mails.iter().all(|(to, ..)| to != "autre@personne.example"), "{mails:?}");
    assert_eq!(w.registration.open_sheet(&neighbour, &number).await.unwrap().kind.code(), "AJOUT");
}

#[tokio::test]
async fn acceptance_a06_twins_get_two_numbers() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, one) = w.registered(&by, "990000010", "Alix", "alix").await;
    let (_, other) = w.registered(&by, "990000010", "Odile", "odile").await;
    assert_ne!(one, other);
}

#[tokio::test]
async fn acceptance_a08_a_site_does_not_reach_its_neighbour() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let created = w.registration.create_request(&by, "990000028", &RegistrationSubject::Unknown).await;
    assert_eq!(refused(created).code, MessageCode::EPer01);
    let draft = w.registration.create_request(&by, "990000010", &RegistrationSubject::Unknown).await.unwrap();
    let section = SectionDraft::Situation(situation("990000028", "Camille"));
    let outcome = w.registration.validate_section(&by, &draft.number, draft.version, section.clone(), &[]).await.unwrap();
    assert!(!outcome.valid && outcome.findings.codes().contains(&MessageCode::EPer01));
    let saved = w.registration.save_section(&by, &draft.number, outcome.request.version, section).await;
    assert_eq!(refused(saved).code, MessageCode::EPer01);
    let neighbour = w.manager(NEIGHBOUR).await;
    assert_eq!(refused(w.registration.open_sheet(&neighbour, &draft.number).await).code, MessageCode::EPer01);
}

#[tokio::test]
async fn acceptance_a09_a_legal_entity_reaches_its_sites() {
    let w = World::new().await;
    let by = w.manager(HEAD).await;
    let draft = w.draft(&by, "990000028", "Camille", "camille").await;
    assert_eq!(draft.state, RequestState::S10);
}

#[tokio::test]
async fn acceptance_a12_the_second_of_two_saves_is_refused() {
    let w = World::new().await;
    let (one, other) = (w.manager(SITE).await, w.manager(COLLEAGUE).await);
    let draft = w.registration.create_request(&one, "990000010", &RegistrationSubject::Unknown).await.unwrap();
    let save = |by, given| w.registration.save_section(by, &draft.number, draft.version, SectionDraft::Civil(civil(given)));
    let (a, b) = tokio::join!(save(&one, "Camille"), save(&other, "Odile"));
    let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
    assert_eq!(won.unwrap().version, draft.version + 1);
    let lost = refused(lost);
    assert_eq!(lost.code, MessageCode::EGen09);
    assert!(lost.text.contains(" h "), "{}", lost.text);
}

#[tokio::test]
async fn acceptance_a17_a_free_reason_has_ten_characters() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let at = w.submitted(&by, "990000010", "Camille", "camille").await;
    let refuse = async |text: &str| w.registration.refuse(&by, &at.number, Some(RefusalReason::R99), text).await;
    assert_eq!(refused(refuse("x").await).code, MessageCode::EGen03);
    assert_eq!(refuse("Personne inconnue ici").await.unwrap().state, RequestState::S50);
    let mails = w.mails().await;
    let told = mails.iter().find(|(to, ..)| to == "camille@personne.example").unwrap();
    assert!(told.2.contains("Personne inconnue ici"), "{}", told.2);
    // The reason may name somebody: it is sealed.
    let row = w.registry.identity_row("case", &at.number).await.unwrap().unwrap();
    assert!(!row.content.contains("inconnue"));
}

#[tokio::test]
async fn acceptance_a18_four_eyes_keep_the_author_from_validating() {
    let w = World::new().await;
    let rep = w.representative().await;
    w.registration.set_four_eyes(&rep, &world::site("990000010"), true).await.unwrap();
    let (author, colleague) = (w.manager(SITE).await, w.manager(COLLEAGUE).await);
    let at = w.submitted(&author, "990000010", "Camille", "camille").await;
    let inbox = w.registration.manager_inbox(&colleague).await.unwrap();
    assert!(inbox.iter().any(|message| message.notice == "N02"), "{inbox:?}");
    let own = w.registration.validate_request(&author, &at.number, at.version, signed(), None).await;
    assert_eq!(refused(own).code, MessageCode::EReq05);
    let at = w.registration.validate_request(&colleague, &at.number, at.version, signed(), None).await.unwrap();
    assert_eq!(at.state, RequestState::S30);
}

#[tokio::test]
async fn acceptance_a23_a_lost_habilitation_freezes_its_requests() {
    let w = World::new().await;
    let rep = w.representative().await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let at = w.submitted(&neighbour, "990000028", "Camille", "camille").await;
    w.mails().await;
    // Another manager of the legal entity keeps it alive.
    w.registration.revoke_manager(&rep, &world::site("990000028"), NEIGHBOUR).await.unwrap();
    let late = w.registration.validate_request(&neighbour, &at.number, at.version, signed(), None).await;
    let late = refused(late);
    assert_eq!(late.code, MessageCode::EPer02);
    assert_eq!(late.text, "Votre habilitation pour Structure d'essai 990000028 a pris fin le 26/11/2026.");
    let head = w.manager(HEAD).await;
    assert_eq!(w.registration.open_sheet(&head, &at.number).await.unwrap().blocked, None);
    w.registration.revoke_manager(&rep, &world::entity(), HEAD).await.unwrap();
    assert!(refused(w.registration.manager_session(HEAD, world::trace()).await).code == MessageCode::M01);
    let mails = w.mails().await;
    assert!(mails.iter().any(|(to, subject, _)| to.starts_with("representante@") && subject.contains("fin d'une")), "{mails:?}");
    // Somebody is designated: the request goes on.
    w.registration.designate_manager(&rep, &world::site("990000028"), NEIGHBOUR, Default::default()).await.unwrap();
    let sheet = w.registration.open_sheet(&neighbour, &at.number).await.unwrap();
    assert_eq!(sheet.blocked, None);
    let trail = w.trail(&at.number).await;
    for event in ["inscription-bloquer", "inscription-debloquer"] {
        assert_eq!(trail.iter().filter(|(name, _)| name == event).count(), 1, "{event}");
    }
    assert!(w.registration.validate_request(&neighbour, &at.number, sheet.version, signed(), None).await.is_ok());
}

#[tokio::test]
async fn acceptance_a24_a_crash_after_the_allotment_gives_one_number_and_one_letter() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let at = w.validated(&by, "990000010", "Camille", "camille").await;
    let now = || w.clock.load(Ordering::SeqCst);
    // A node takes the job and dies before it writes anything: nothing is lost.
    let job = w.registry.take_job(Queue::Work, &["registration-process"], now(), 1_000).await.unwrap().unwrap();
    w.process().await;
    assert_eq!(w.registration.open_sheet(&by, &at.number).await.unwrap().state, RequestState::S30);
    w.pass(2_000);
    w.process().await;
    let rpps = w.registration.open_sheet(&by, &at.number).await.unwrap().rpps.unwrap();
    // Another one dies after it wrote the person and before it gave the job back: the job comes back as it was.
    let mut unit = w.registry.begin().await.unwrap();
    unit.job(&NewJob { due_ms: now(), ..job.job }).await.unwrap();
    let cause = Cause::new(Channel::System, "test", "test");
    let at_ms = now();
    unit.save(&cause, CommitClock { now_ms: &move || at_ms, any_clock: false }).await.unwrap();
    let before = w.registry.last_tx().await.unwrap();
    let (node, system) = w.another_node();
    let run = node.run_processing(&system).await.unwrap();
    assert_eq!((run.processed, run.repeated, run.failed), (0, 1, 0));
    assert_eq!(w.registry.last_tx().await.unwrap(), before);
    assert_eq!(node.open_sheet(&by, &at.number).await.unwrap().rpps.as_deref(), Some(rpps.as_str()));
    let mails = w.mails().await;
    assert_eq!(mails.iter().filter(|(_, subject, _)| subject == "Votre numéro RPPS").count(), 1);
    // The next number is another one, and follows in the sequence.
    let (_, next) = w.registered(&by, "990000010", "Odile", "odile").await;
    assert_ne!(next, rpps);
}

#[tokio::test]
async fn acceptance_a25_a_site_takes_its_requests_to_another_legal_entity() {
    let w = World::new().await;
    let head = w.manager(HEAD).await;
    let at = w.submitted(&head, "990000028", "Camille", "camille").await;
    let other = structure("990000036", "", "");
    w.state_structure(other).await;
    let rep = w.representative().await;
    w.registration.attach_structure(&rep, "990000036", true).await.unwrap();
    let target = annuaire_workflow::perimeter::PerimeterTarget::LegalEntity("990000036".into());
    w.registration.designate_manager(&rep, &target, COLLEAGUE, Default::default()).await.unwrap();
    let new_head = w.manager(COLLEAGUE).await;
    assert_eq!(refused(w.registration.open_sheet(&new_head, &at.number).await).code, MessageCode::EPer01);
    w.state_structure(structure("990000028", "990000036", "99900000300023")).await;
    assert_eq!(refused(w.registration.open_sheet(&head, &at.number).await).code, MessageCode::EPer01);
    assert_eq!(w.registration.open_sheet(&new_head, &at.number).await.unwrap().number, at.number);
    let seen = async |by| w.registration.requests(by, RequestTable::Instruction, &all()).await.unwrap().total;
    assert_eq!((seen(&head).await, seen(&new_head).await), (0, 1));
}

#[tokio::test]
async fn acceptance_a32_an_empty_usage_name_is_said_in_words() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let draft = w.registration.create_request(&by, "990000010", &RegistrationSubject::Unknown).await.unwrap();
    let typed = annuaire_workflow::fields::CivilDraft { nom_usage: String::new(), ..civil("Camille") };
    w.registration.validate_section(&by, &draft.number, draft.version, SectionDraft::Civil(typed), &[]).await.unwrap();
    let sheet = w.registration.open_sheet(&by, &draft.number).await.unwrap();
    assert_eq!(shown(&sheet.civil.nom_usage), "Non renseigné");
}

#[tokio::test]
async fn acceptance_a33_nobody_instructs_a_request_about_themselves() {
    let w = World::new().await;
    let (own, colleague) = (w.manager(SITE).await, w.manager(COLLEAGUE).await);
    let mut at = w.registration.create_request(&colleague, "990000010", &RegistrationSubject::Unknown).await.unwrap();
    let about_manager = annuaire_workflow::fields::CivilDraft {
        nom_famille: "Gestion".into(),
        nom_usage: String::new(),
        prenom1: "Site".into(),
        date_naissance: "03/02/1980".into(),
        commune_naissance: "35238".into(),
        ..civil("Site")
    };
    let place = annuaire_workflow::fields::SituationDraft { nom_exercice: "Gestion".into(), ..situation("990000010", "Site") };
    for section in [SectionDraft::Civil(about_manager), SectionDraft::Contact(contact("site")), SectionDraft::Situation(place)] {
        at = w.registration.validate_section(&colleague, &at.number, at.version, section, &WARNINGS).await.unwrap().request;
    }
    let at = w.registration.submit(&colleague, &at.number, LegalStatement::default()).await.unwrap();
    let validated = w.registration.validate_request(&own, &at.number, at.version, signed(), None).await;
    assert_eq!(refused(validated).code, MessageCode::EReq04);
    assert!(w.registration.validate_request(&colleague, &at.number, at.version, signed(), None).await.is_ok());
}

#[tokio::test]
async fn acceptance_a34_a_mobile_overseas_has_its_calling_code() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    assert_eq!(w.restricted(&rpps).await.correspondance.unwrap().telephones, ["+262692000012"]);
    w.mails().await;
    let texts = w.recorder.texts.lock().unwrap().clone();
    assert!(texts.iter().any(|(to, _)| to == "+262692000012"), "{texts:?}");
}
