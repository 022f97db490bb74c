//! The space of a registered professional: file, accesses, contact, errors, copy.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{ProposedContact, RegistrationSubject, SectionDraft};
use annuaire_workflow::fields::{ContactDraft, SituationDraft};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::RequestSection;
use annuaire_workflow::situation::SituationState;
use annuaire_workflow::state::RequestState;
use world::{DAY, HEAD, NATIONAL, NEIGHBOUR, SITE, WARNINGS, World, refused, signed, situation, trace};

/// The codes that were sent last: by mail, by SMS.
async fn codes(w: &World) -> (String, String) {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).take(6).collect::<String>();
    let mails = w.mails().await;
    let mail = mails.iter().rfind(|(_, subject, _)| subject == "Code de vérification").map(|(_, _, text)| digits(text));
    let texts = std::mem::take(&mut *w.recorder.texts.lock().unwrap());
    let sms = texts.iter().rfind(|(_, text)| text.contains("vérification")).map(|(_, text)| digits(text));
    (mail.unwrap(), sms.unwrap())
}

/// The professional verifies their contact, and changes names of exercise with it.
async fn verified(w: &World, rpps: &str, names: Option<(&str, &str)>) -> annuaire_registry::HolderSession {
    let (r, holder) = (&w.registration, w.holder(rpps).await);
    let mut at = r.create_contact_request(&holder).await.unwrap();
    let contact = ContactDraft { email: "propre@personne.example".into(), mobile: "0639980012".into(), sans_mobile: false };
    let outcome =
        r.validate_holder_section(&holder, &at.number, at.version, SectionDraft::Contact(contact), &WARNINGS).await.unwrap();
    assert!(outcome.valid, "{:?}", outcome.findings.list);
    at = outcome.request;
    if let Some((name, given)) = names {
        let draft = SituationDraft { nom_exercice: name.into(), prenom_exercice: given.into(), ..SituationDraft::default() };
        let section = SectionDraft::Situation(draft);
        let outcome = r.validate_holder_section(&holder, &at.number, at.version, section, &[]).await.unwrap();
        assert!(outcome.valid, "{:?}", outcome.findings.list);
        at = outcome.request;
    }
    r.send_holder_codes(&holder, &at.number).await.unwrap();
    let (mail, sms) = codes(w).await;
    r.confirm_holder_codes(&holder, &at.number, &mail, &sms).await.unwrap();
    r.submit_holder(&holder, &at.number).await.unwrap();
    w.process().await;
    holder
}

#[tokio::test]
async fn a_professional_reads_the_whole_file_once_audited_a_day() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let holder = w.holder(&rpps).await;
    let file = w.registration.own_file(&holder).await.unwrap();
    assert_eq!((file.rpps.as_str(), file.civility.as_str(), file.certification.as_str()), (rpps.as_str(), "MME", "DI"));
    assert_eq!((file.civil.nom_famille.as_str(), file.mail.as_str()), ("Essai", "camille@personne.example"));
    assert_eq!((file.mobile.as_str(), file.contact_verified), ("+262692000012", false));
    let exercise = &file.exercises[0];
    assert_eq!((exercise.profession.as_str(), exercise.name.as_str()), ("99", "Fictif"));
    assert_eq!(exercise.authority, "Structure d'essai 990000010");
    let s = &file.situations[0];
    assert_eq!((s.profession.as_str(), s.role.as_str(), s.by_role, s.state), ("313", "GENR11", true, SituationState::Active));
    assert_eq!(s.structure.as_ref().unwrap().number, "990000010");
    assert_eq!(s.authority, "Structure d'essai 990000010");
    assert_eq!((file.proposal, file.withheld), (None, None));
    let reads = async || {
        let rows = w.registry.audit_trail(0, 100_000).await.unwrap();
        rows.iter().filter(|row| row.event.event == "inscription-lire-fiche").count()
    };
    w.registration.own_file(&holder).await.unwrap();
    assert_eq!(reads().await, 1);
    w.pass(DAY);
    w.registration.own_file(&holder).await.unwrap();
    assert_eq!(reads().await, 2);
    // A person whom an order registered has its name as authority.
    let other = w.registration.holder_session(SITE, trace()).await.unwrap();
    let file = w.registration.own_file(&other).await.unwrap();
    assert_eq!((file.exercises[0].profession.as_str(), file.situations[0].by_role), ("10", false));
    assert_eq!(file.exercises[0].authority, "Ordre des médecins");
    // What the order states is changed there: nothing begins here that could never be carried out.
    let there = &file.situations[0];
    assert!(!there.is_local);
    let place = there.structure.as_ref().unwrap().number.clone();
    for ends in [true, false] {
        let of = RegistrationSubject::Situation { rpps: file.rpps.clone(), situation: there.id.clone(), ends };
        let stop = w.registration.create_holder_request(&other, &place, &of).await;
        assert_eq!(refused(stop).code, MessageCode::EGen02);
    }
}

#[tokio::test]
async fn a_professional_reads_who_accessed_and_no_name() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (number, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let (_, other) = w.registered(&by, "990000010", "Odile", "odile").await;
    let query = annuaire_registry::PersonQuery::Number(rpps.clone());
    w.registration.find_person(&w.manager(HEAD).await, &query).await.unwrap();
    refused(w.registration.open_sheet(&w.manager(NEIGHBOUR).await, &number).await);
    let support = w.registration.support_session(NATIONAL, "Appel du professionnel", trace()).await.unwrap();
    w.registration.support_person(&support, &rpps).await.unwrap().unwrap();
    let holder = w.holder(&rpps).await;
    let accesses = w.registration.own_accesses(&holder, 100).await.unwrap();
    let of = |what: &str| accesses.iter().filter(|a| a.what == what).collect::<Vec<_>>();
    assert_eq!(of("Création de la demande").len(), 1);
    assert_eq!(of("Création de la demande")[0].structure, "Structure d'essai 990000010");
    assert_eq!(of("Création de la demande")[0].actor_kind, "gestionnaire RPPS+");
    assert_eq!(of("Création de la demande")[0].purpose, "Primo enregistrement");
    assert_eq!(of("Recherche et consultation de la fiche")[0].structure, "Structure d'essai 990000002");
    // The sheet was opened by the own manager; the stranger was refused and reached nothing.
    assert_eq!(of("Consultation de la demande").len(), 1);
    let support = of("Consultation de la fiche");
    assert_eq!((support[0].actor_kind.as_str(), support[0].purpose.as_str()), ("support national", "Appel du professionnel"));
    assert!(of("Autre opération").is_empty(), "{accesses:?}");
    let ends = (accesses[0].what.as_str(), accesses[accesses.len() - 1].what.as_str());
    assert_eq!(ends, ("Connexion au portail", "Création de la demande"), "the newest first");
    let told = format!("{accesses:?}");
    assert!(!told.contains(SITE) && !told.contains(HEAD) && !told.contains("GESTION"), "{told}");
    assert_eq!(w.registration.own_accesses(&holder, 3).await.unwrap(), accesses[..3]);
    // Another person sees their own alone.
    let others = w.registration.own_accesses(&w.holder(&other).await, 100).await.unwrap();
    assert!(others.iter().all(|access| access.actor_kind != "support national"));
    // The copy holds all pages.
    let copy = w.registration.own_export(&holder).await.unwrap();
    let lines = copy["acces"].as_array().unwrap().len();
    assert!(lines >= accesses.len(), "{lines}");
    assert_eq!(copy["fiche"]["etatCivil"]["nomFamille"], "Essai");
    assert_eq!(copy["fiche"]["situations"][0]["etat"], "ACTIVE");
    assert_eq!(copy["demandes"][0]["numero"], number.as_str());
    assert_eq!(copy["demandes"][0]["contenu"]["civil"]["prenom1"], "Camille");
    assert_eq!(copy["messages"][0]["notification"], "N23");
    assert!(!copy.to_string().contains("Odile"));
}

#[tokio::test]
async fn names_of_exercise_pass_to_the_professional_with_the_contact() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let holder = verified(&w, &rpps, Some(("Autre", "Léa"))).await;
    let public = w.public(&rpps).await;
    let e = &public.exercices[0];
    assert_eq!((e.nom_exercice.as_str(), e.prenom_exercice.as_str(), e.situations.len()), ("Autre", "Léa", 1));
    let file = w.registration.own_file(&holder).await.unwrap();
    assert_eq!((file.exercises[0].name.as_str(), file.contact_verified), ("Autre", true));
    assert_eq!(file.exercises[0].authority, "Structure d'essai 990000010", "who registered, not who named");
    // Without that section the names stay; a name that is none is refused.
    let at = w.registration.create_contact_request(&holder).await.unwrap();
    let wrong = SituationDraft { nom_exercice: "12".into(), prenom_exercice: "Léa".into(), ..SituationDraft::default() };
    let section = SectionDraft::Situation(wrong);
    let outcome = w.registration.validate_holder_section(&holder, &at.number, at.version, section, &[]).await.unwrap();
    assert!(!outcome.valid && outcome.findings.list.iter().all(|finding| finding.field == "nomExercice"));
    let saved = ContactDraft { email: "brouillon@personne.example".into(), ..ContactDraft::default() };
    let at = w
        .registration
        .save_holder_section(&holder, &at.number, outcome.request.version, SectionDraft::Contact(saved))
        .await
        .unwrap();
    assert_eq!(refused(w.registration.abandon_holder(&holder, &at.number, false).await).code, MessageCode::EReq10);
    assert_eq!(w.registration.abandon_holder(&holder, &at.number, true).await.unwrap().state, RequestState::S60);
    assert_eq!(w.public(&rpps).await.exercices[0].nom_exercice, "Autre");
}

#[tokio::test]
async fn an_error_is_reported_in_words_and_the_authority_recalled() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let holder = verified(&w, &rpps, None).await;
    let id = w.public(&rpps).await.exercices[0].situations[0].id_situation_exercice.clone();
    let of = RegistrationSubject::Situation { rpps: rpps.clone(), situation: id, ends: false };
    let r = &w.registration;
    let at = r.create_holder_request(&holder, "990000010", &of).await.unwrap();
    assert_eq!(refused(r.report_error(&holder, &at.number, "court").await).code, MessageCode::EGen03);
    let stranger = r.holder_session(SITE, trace()).await.unwrap();
    assert_eq!(refused(r.report_error(&stranger, &at.number, "Mon rôle est faux").await).code, MessageCode::EReq06);
    r.report_error(&holder, &at.number, "Un rôle que je n'ai pas").await.unwrap();
    r.report_error(&holder, &at.number, "Mon rôle est faux").await.unwrap();
    let sheet = r.holder_requests(&holder).await.unwrap().into_iter().find(|sheet| sheet.number == at.number).unwrap();
    assert_eq!((sheet.reasons, sheet.open_sections), (vec!["Mon rôle est faux".to_owned()], vec![RequestSection::Situation]));
    let typed = SectionDraft::Situation(sheet.situation);
    let outcome = r.validate_holder_section(&holder, &at.number, sheet.version, typed, &WARNINGS).await.unwrap();
    assert!(outcome.valid, "{:?}", outcome.findings.list);
    assert_eq!(r.submit_holder(&holder, &at.number).await.unwrap().state, RequestState::S20);
    assert_eq!(refused(r.report_error(&holder, &at.number, "Trop tard pour cela").await).code, MessageCode::EReq06);
    w.mails().await;
    assert_eq!(refused(r.recall_holder(&stranger, &at.number).await).code, MessageCode::EReq06);
    r.recall_holder(&holder, &at.number).await.unwrap();
    assert!(w.mails().await.iter().any(|(to, ..)| to == "site@gestion.example"));
    assert_eq!(refused(r.recall_holder(&holder, &at.number).await).code, MessageCode::EReq06);
    // The manager reads the words and corrects the role.
    let sheet = r.open_sheet(&by, &at.number).await.unwrap();
    assert_eq!(sheet.reasons, ["Mon rôle est faux"]);
    let corrected = SituationDraft { role: "GENR12".into(), ..situation("990000010", "Camille") };
    r.validate_request(&by, &at.number, sheet.version, signed(), Some(corrected)).await.unwrap();
    w.process().await;
    let roles: Vec<String> = w.public(&rpps).await.exercices[0].situations.iter().map(|s| s.genre_activite.clone()).collect();
    assert_eq!(roles, ["GENR12"]);
}

fn draft(mail: &str) -> ContactDraft {
    ContactDraft { email: mail.into(), mobile: "0639980019".into(), sans_mobile: false }
}

#[tokio::test]
async fn a_manager_corrects_a_contact_until_the_first_activation() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let r = &w.registration;
    w.mails().await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let new = draft("corrige@personne.example");
    assert_eq!(refused(r.propose_contact(&neighbour, &rpps, &new).await).code, MessageCode::EPer01);
    assert_eq!(refused(r.propose_contact(&by, "99900000000", &new).await).code, MessageCode::ERpps01);
    let wrong = r.propose_contact(&by, &rpps, &draft("sans arobase")).await.unwrap();
    assert!(matches!(wrong, ProposedContact::Incorrect(findings) if findings.has_errors()));
    assert!(matches!(r.propose_contact(&by, &rpps, &new).await.unwrap(), ProposedContact::Replaced));
    assert_eq!(w.restricted(&rpps).await.correspondance.unwrap().courriel, "corrige@personne.example");
    let mails = w.mails().await;
    let n10 = mails.iter().find(|(_, subject, _)| subject == "Votre numéro RPPS").unwrap();
    assert!(n10.0 == "corrige@personne.example" && n10.2.contains(&rpps) && n10.2.contains("990000010"), "{n10:?}");
    // Once a means was activated it is a proposal, and the professional decides.
    r.means_activated(&w.system, &format!("8{rpps}")).await.unwrap();
    r.means_activated(&w.system, &format!("8{rpps}")).await.unwrap();
    let later = draft("propose@personne.example");
    let ProposedContact::Proposed { until } = r.propose_contact(&by, &rpps, &later).await.unwrap() else { panic!("replaced") };
    assert_eq!(until, "2026-12-11");
    // They are told where they are reached today, and not what is proposed.
    let mails = w.mails().await;
    let (to, _, text) = mails.iter().find(|(_, subject, _)| subject == "Des coordonnées à confirmer").unwrap();
    assert!(to == "corrige@personne.example" && text.contains("jusqu'au 11/12/2026") && text.contains("990000010"), "{text}");
    assert!(mails.iter().all(|(to, _, text)| to != "propose@personne.example" && !text.contains("propose@")), "{mails:?}");
    assert_eq!(refused(r.propose_contact(&by, &rpps, &later).await).code, MessageCode::EReq01, "the first one waits");
    let holder = w.holder(&rpps).await;
    let inbox = r.holder_inbox(&holder).await.unwrap();
    assert_eq!(inbox.iter().filter(|message| message.notice == "G03").count(), 1, "the refused one tells nothing");
    let file = r.own_file(&holder).await.unwrap();
    assert_eq!((file.mail.as_str(), file.contact_verified), ("corrige@personne.example", false));
    let proposal = file.proposal.unwrap();
    assert_eq!((proposal.mail.as_str(), proposal.mobile.as_str()), ("propose@personne.example", "+262639980019"));
    r.confirm_contact(&holder, false).await.unwrap();
    assert_eq!(refused(r.confirm_contact(&holder, true).await).code, MessageCode::EGen02, "it was set aside");
    w.mails().await;
    r.propose_contact(&by, &rpps, &later).await.unwrap();
    assert!(w.mails().await.iter().all(|(_, subject, _)| subject == "Des coordonnées à confirmer"));
    r.confirm_contact(&holder, true).await.unwrap();
    let file = r.own_file(&holder).await.unwrap();
    assert_eq!((file.mail.as_str(), file.contact_verified), ("propose@personne.example", true));
    assert_eq!(file.proposal, None);
    let mails = w.mails().await;
    for to in ["corrige@personne.example", "propose@personne.example"] {
        assert!(mails.iter().any(|mail| mail.0 == to && mail.1 == "Vos coordonnées ont été modifiées"), "{to}: {mails:?}");
    }
    // A verified contact is proposed too, and what nobody answers is dropped.
    assert!(matches!(r.propose_contact(&by, &rpps, &new).await.unwrap(), ProposedContact::Proposed { .. }));
    w.pass(15 * DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert!(r.own_file(&holder).await.unwrap().proposal.is_some(), "the last day counts");
    w.pass(DAY);
    assert_eq!(refused(r.confirm_contact(&holder, true).await).code, MessageCode::EGen02);
    w.registration.run_due(&w.system).await.unwrap();
    assert!(w.registry.identity_rows("contact-proposal", None, "", 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn accepting_a_proposed_contact_ends_what_waited_for_it() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Marie-Alice", "alice").await;
    let neighbour = w.manager(NEIGHBOUR).await;
    let at = w.validated(&neighbour, "990000028", "Marie-Aline", "aline").await;
    w.process().await;
    let arbiter = w.registration.arbiter_session(NATIONAL, "file d'arbitrage", trace()).await.unwrap();
    w.registration.same_person(&arbiter, &at.number, "Erreur de saisie du prénom").await.unwrap();
    let holder = w.holder(&rpps).await;
    let file = w.registration.own_file(&holder).await.unwrap();
    assert_eq!(file.withheld.as_deref(), Some("coordonnées à confirmer"));
    assert_eq!(file.proposal.unwrap().request, at.number);
    let told = |to: &str, mails: &[(String, String, String)]| {
        mails.iter().filter(|mail| mail.0 == to && mail.1 == "Des coordonnées à confirmer").count()
    };
    let mails = w.mails().await;
    assert!(told("alice@personne.example", &mails) > 0 && told("aline@personne.example", &mails) == 0, "{mails:?}");
    w.registration.confirm_contact(&holder, true).await.unwrap();
    assert_eq!(w.registration.own_file(&holder).await.unwrap().withheld, None);
}

/// Somebody proposed a contact before: a request that is attached keeps it, and is processed all the same.
#[tokio::test]
async fn a_proposal_that_waits_is_not_replaced_by_a_request() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Marie-Alice", "alice").await;
    w.registration.means_activated(&w.system, &format!("8{rpps}")).await.unwrap();
    w.registration.propose_contact(&by, &rpps, &draft("propose@personne.example")).await.unwrap();
    let neighbour = w.manager(NEIGHBOUR).await;
    let at = w.validated(&neighbour, "990000028", "Marie-Aline", "aline").await;
    w.process().await;
    let arbiter = w.registration.arbiter_session(NATIONAL, "file d'arbitrage", trace()).await.unwrap();
    w.registration.same_person(&arbiter, &at.number, "Erreur de saisie du prénom").await.unwrap();
    let file = w.registration.own_file(&w.holder(&rpps).await).await.unwrap();
    assert_eq!((file.proposal.unwrap().mail.as_str(), file.situations.len()), ("propose@personne.example", 2));
    assert_eq!(file.withheld.as_deref(), Some("coordonnées à confirmer"));
}

#[tokio::test]
async fn messages_are_marked_as_read_by_their_holder_alone() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let r = &w.registration;
    let inbox = r.manager_inbox(&by).await.unwrap();
    assert!(!inbox.is_empty() && inbox.iter().all(|message| !message.read));
    let key = &inbox[0].key;
    r.mark_read(&w.manager(NEIGHBOUR).await, key).await.unwrap();
    r.mark_read_holder(&w.holder(&rpps).await, key).await.unwrap();
    r.mark_read(&by, "nothing").await.unwrap();
    assert!(r.manager_inbox(&by).await.unwrap().iter().all(|message| !message.read));
    r.mark_read(&by, key).await.unwrap();
    r.mark_read(&by, key).await.unwrap();
    let read: Vec<bool> = r.manager_inbox(&by).await.unwrap().iter().map(|message| message.read).collect();
    assert!(read[0] && read[1..].iter().all(|read| !read), "{read:?}");
}
