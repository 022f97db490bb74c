//! A registered person comes out of the merged view and of the published forms as one whom the files describe.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_base::fact::{Fact, FactKey, Publication};
use annuaire_consolidate::{Owners, Perimeter, consolidate};
use annuaire_fhir::professional::full_forms;
use annuaire_fhir::{Guide, View};
use annuaire_mos::owner::file_source;
use annuaire_mos::{Coordonnees, EtatCivil, ExerciceProfessionnel, Objet, Professionnel, SituationExercice};
use annuaire_store::Queue;
use annuaire_workflow::request::LegalStatement;
use std::sync::Arc;
use world::{COLLEAGUE, NEIGHBOUR, SITE, World, refused, signed};

const PERIMETERS: [Perimeter; 2] = [Perimeter::Public, Perimeter::Restricted];

/// The person as files of the national repository would describe them: open data, and the restricted files beside it.
fn as_filed(rpps: &str, situation: &str) -> Vec<Fact> {
    let fact = |owner: &str, publication, p: Professionnel| Fact {
        key: FactKey { owner: owner.into(), entity: format!("PP:8{rpps}"), facet: String::new() },
        tx: annuaire_base::Tx::new(1),
        payload: serde_json::to_string(&Objet::Professionnel(p)).unwrap(),
        publication,
    };
    let person =
        Professionnel { type_id_nat_pp: "8".into(), id_pp: rpps.into(), id_nat_ps: format!("8{rpps}"), ..Default::default() };
    let practice = ExerciceProfessionnel {
        profession: "99".into(),
        categorie_professionnelle: "C".into(),
        nom_exercice: "Fictif".into(),
        prenom_exercice: "Camille".into(),
        ..Default::default()
    };
    let place = SituationExercice {
        id_situation_exercice: situation.into(),
        mode_exercice: "S".into(),
        structure: "F990000010".into(),
        role: "313".into(),
        genre_activite: "GENR11".into(),
        ..Default::default()
    };
    let open = Professionnel {
        civilite: "MME".into(),
        autorite_enregistrement: "Enregistrement par les AE locales (Structures)".into(),
        date_maj: "2026-11-26".into(),
        exercices: vec![ExerciceProfessionnel { situations: vec![place.clone()], ..practice.clone() }],
        ..person.clone()
    };
    let restricted = Professionnel {
        etat_civil: Some(EtatCivil {
            nom_famille: "Essai".into(),
            prenoms: vec!["Camille".into()],
            sexe_administratif: "F".into(),
            date_naissance: "1991-05-07".into(),
            commune_naissance: "97128".into(),
            pays_naissance: "99100".into(),
            lieu_naissance: "Sainte-Anne".into(),
            statut: "DI".into(),
            date_effet: "2026-11-26".into(),
            ..Default::default()
        }),
        correspondance: Some(Coordonnees {
            courriel: "camille@personne.example".into(),
            telephones: vec!["+262692000012".into()],
            ..Default::default()
        }),
        exercices: vec![ExerciceProfessionnel {
            date_effet_exercice: "2026-11-02".into(),
            situations: vec![SituationExercice { date_debut: "2026-11-02".into(), ..place }],
            ..practice
        }],
        ..person
    };
    vec![fact("r-personne", Publication::Restricted, restricted), fact("psla", Publication::Open, open)]
}

#[tokio::test]
async fn a_registered_person_is_published_as_one_of_the_files() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let situation = w.public(&rpps).await.exercices[0].situations[0].id_situation_exercice.clone();
    assert!(situation.len() == 20 && situation.bytes().all(|b| b.is_ascii_digit()), "{situation}");
    // The structure is an owner whom its code tells: nobody reads its row.
    let is_local = |row: &annuaire_store::OwnerRow| row.code == "ENREG:1990000010";
    assert!(w.registry.owners().await.unwrap().iter().any(is_local));
    assert!(!w.registry.described_owners().await.unwrap().iter().any(is_local));
    assert!(file_source("psla").is_some());
    for perimeter in PERIMETERS {
        let ours = w.merged(&rpps, perimeter).await.unwrap();
        assert_eq!(ours.fault, None);
        let filed = consolidate(as_filed(&rpps, &situation), &Owners::default(), perimeter);
        let filed = filed.into_values().next().unwrap();
        assert_eq!(ours.professional, filed.professional, "{perimeter:?}");
        for guide in [Guide::V110, Guide::V120] {
            let perimeter = match perimeter {
                Perimeter::Public => annuaire_fhir::Perimeter::Public,
                Perimeter::Restricted => annuaire_fhir::Perimeter::Restricted,
            };
            let bytes = |p: &Professionnel| {
                let forms = full_forms(View { guide, perimeter }, p, &[], &[]);
                forms.into_iter().map(|form| (form.id, form.before, form.after)).collect::<Vec<_>>()
            };
            let (ours, filed) = (bytes(ours.professional.as_ref().unwrap()), bytes(filed.professional.as_ref().unwrap()));
            assert_eq!(ours, filed);
            assert_eq!(ours.len(), if perimeter == annuaire_fhir::Perimeter::Public { 2 } else { 3 });
        }
    }
}

#[tokio::test]
async fn nothing_personal_is_public() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let public = format!("{:?}", w.public(&rpps).await);
    for secret in ["Essai", "1991", "97128", "Sainte-Anne", "personne.example", "692000012", "2026-11-02", "\"DI\""] {
        assert!(!public.contains(secret), "{secret} is public: {public}");
    }
    assert!(public.contains("Fictif") && public.contains("GENR11"));
}

/// A number of the test range is published like any other; the shape of the number decides nothing on the way.
#[tokio::test]
async fn a_number_of_the_reserved_range_is_known_as_rpps_number() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    assert!(rpps.starts_with("999"));
    let view = View { guide: Guide::V120, perimeter: annuaire_fhir::Perimeter::Public };
    let forms = full_forms(view, &w.public(&rpps).await, &[], &[]);
    let practitioner = [forms[0].before.clone(), forms[0].after.clone()].concat();
    let text = String::from_utf8(practitioner).unwrap();
    assert!(text.contains("as-dp-practitioner") && text.contains(&format!("\"value\":\"{rpps}\"")), "{text}");
}

#[tokio::test]
async fn a_planned_situation_is_not_public_before_its_day() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let draft = w.draft(&by, "990000010", "Camille", "camille").await;
    let later =
        annuaire_workflow::fields::SituationDraft { date_debut: "01/12/2026".into(), ..world::situation("990000010", "Camille") };
    let section = annuaire_registry::SectionDraft::Situation(later);
    let at = w.registration.validate_section(&by, &draft.number, draft.version, section, &[]).await.unwrap().request;
    let at = w.registration.submit(&by, &at.number, LegalStatement::default()).await.unwrap();
    w.registration.validate_request(&by, &at.number, at.version, signed(), None).await.unwrap();
    w.process().await;
    let rpps = w.registration.open_sheet(&by, &at.number).await.unwrap().rpps.unwrap();
    assert_eq!(w.public(&rpps).await, Professionnel::default());
    assert_eq!(w.restricted(&rpps).await.exercices[0].situations.len(), 1);
}

/// Two authorities register one person at the same moment, on two nodes.
#[tokio::test]
async fn two_nodes_give_one_person_one_number() {
    let w = Arc::new(World::new().await);
    let (one, other) = (w.manager(SITE).await, w.manager(NEIGHBOUR).await);
    let first = w.validated(&one, "990000010", "Camille", "camille").await;
    // While the first one is open, a second one about the identity is kept out; its number is not told to a stranger.
    let draft = w.draft(&other, "990000028", "Camille", "camille").await;
    let kept_out = refused(w.registration.submit(&other, &draft.number, LegalStatement::default()).await);
    assert_eq!(kept_out.text, "Une demande est déjà en cours pour cette personne.");
    let colleague = w.manager(COLLEAGUE).await;
    let own = w.draft(&colleague, "990000010", "Camille", "camille").await;
    let named = refused(w.registration.submit(&colleague, &own.number, LegalStatement::default()).await);
    assert!(named.text.contains(&first.number), "{}", named.text);
    // Near identities are not kept out, and meet in the processing: both nodes process at once.
    let (node, system) = w.another_node();
    let (a, b) = tokio::join!(w.registration.run_processing(&w.system), node.run_processing(&system));
    assert_eq!(a.unwrap().processed + b.unwrap().processed, 1);
    let at = w.registration.submit(&other, &draft.number, LegalStatement::default()).await.unwrap();
    w.registration.validate_request(&other, &at.number, at.version, signed(), None).await.unwrap();
    w.process().await;
    let numbers = [(&one, &first.number), (&other, &at.number)];
    let mut rpps = Vec::new();
    for (by, number) in numbers {
        rpps.push(w.registration.open_sheet(by, number).await.unwrap().rpps.unwrap());
    }
    assert_eq!(rpps[0], rpps[1]);
}

#[tokio::test]
async fn a_double_click_validates_once() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let at = w.submitted(&by, "990000010", "Camille", "camille").await;
    let click = || w.registration.validate_request(&by, &at.number, at.version, signed(), None);
    let (a, b) = tokio::join!(click(), click());
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1);
    w.process().await;
    assert_eq!(w.registry.jobs(Queue::Work, 10).await.unwrap().len(), 0);
    let mails = w.mails().await;
    assert_eq!(mails.iter().filter(|(_, subject, _)| subject == "Votre numéro RPPS").count(), 1);
}

#[tokio::test]
async fn many_requests_at_once_have_numbers_of_their_own() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let names = ["Alix", "Basile", "Clara", "Denis", "Elsa", "Fanny"];
    let create = |_| w.registration.create_request(&by, "990000010", &annuaire_registry::RegistrationSubject::Unknown);
    let (a, b, c) = tokio::join!(create(0), create(1), create(2));
    let mut numbers = vec![a.unwrap().number, b.unwrap().number, c.unwrap().number];
    numbers.dedup();
    assert_eq!(numbers.len(), 3);
    let mut rpps = std::collections::BTreeSet::new();
    for name in names {
        rpps.insert(w.registered(&by, "990000010", name, &name.to_lowercase()).await.1);
    }
    assert_eq!(rpps.len(), names.len());
}

#[tokio::test]
async fn a_person_of_the_files_is_attached_and_the_order_keeps_its_word() {
    let w = World::new().await;
    let by = w.manager(NEIGHBOUR).await;
    let mut filed = world::person("810999000028", "Camille");
    let civil = filed.etat_civil.as_mut().unwrap();
    "Essai".clone_into(&mut civil.nom_famille);
    "1991-05-07".clone_into(&mut civil.date_naissance);
    "97128".clone_into(&mut civil.commune_naissance);
    w.state_person(filed).await;
    w.registration.index_identities(&w.system, &["810999000028".into()]).await.unwrap();
    let (_, rpps) = w.registered(&by, "990000028", "Camille", "camille").await;
    assert_eq!(rpps, "10999000028");
    let p = w.public(&rpps).await;
    let professions: Vec<&str> = p.exercices.iter().map(|e| e.profession.as_str()).collect();
    assert_eq!(professions, ["10", "99"]);
    assert_eq!(p.exercices[0].nom_exercice, "GESTION");
    // Another run over the identities writes nothing.
    let rows = async || w.registry.identity_rows("person-key", Some("810999000028"), "", 100).await.unwrap();
    let before = rows().await;
    w.registration.index_identities(&w.system, &["810999000028".into()]).await.unwrap();
    assert_eq!(rows().await, before);
    assert!(before.iter().all(|row| !row.key.contains("1991") && !row.content.contains("ESSAI")));
}

#[tokio::test]
async fn a_mail_that_is_not_accepted_is_sent_again() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    w.registered(&by, "990000010", "Camille", "camille").await;
    w.recorder.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(w.mails().await.is_empty());
    w.recorder.broken.store(false, std::sync::atomic::Ordering::SeqCst);
    assert!(w.mails().await.is_empty(), "not before its time");
    w.pass(60_000);
    let mails = w.mails().await;
    assert_eq!(mails.iter().filter(|(_, subject, _)| subject == "Votre numéro RPPS").count(), 1);
    for job in w.registry.jobs(Queue::Outbox, 100).await.unwrap() {
        assert!(!job.job.payload.contains('@'), "an address stands in clear");
    }
    assert!(w.registry.verify().await.unwrap().is_empty());
}

/// Two near identities are processed at once on two nodes: whoever comes second finds the first, and an arbiter is asked.
#[tokio::test]
async fn near_twins_at_the_same_moment_do_not_pass_each_other() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let one = w.validated(&by, "990000010", "Marie-Alice", "alice").await;
    let other = w.validated(&by, "990000010", "Marie-Aline", "aline").await;
    let (node, system) = w.another_node();
    let (a, b) = tokio::join!(w.registration.run_processing(&w.system), node.run_processing(&system));
    assert_eq!(a.unwrap().processed + b.unwrap().processed, 2);
    let mut states = Vec::new();
    for number in [&one.number, &other.number] {
        states.push(w.registration.open_sheet(&by, number).await.unwrap().state.code());
    }
    states.sort_unstable();
    assert_eq!(states, ["S35", "S40"]);
}

/// A candidate whose facts cannot be read stops the processing; nothing is lost, operators are told after the third time.
#[tokio::test]
async fn a_technical_failure_is_tried_again_and_told() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let broken = format!("PP:8{rpps}");
    let put = async |payload: Option<&str>| {
        let mut unit = w.registry.begin().await.unwrap();
        let key = FactKey { owner: "ENREG:1990000010".into(), entity: broken.clone(), facet: "exercice:10:C".into() };
        let payload = payload.map(str::to_owned);
        let change = annuaire_store::Change { key, payload, publication: Publication::Open, fingerprint: 0 };
        unit.put(change, annuaire_store::Expect::Any).await.unwrap();
        let cause = annuaire_store::Cause::new(annuaire_store::Channel::Operator, "test", "test");
        let now = w.clock.load(std::sync::atomic::Ordering::SeqCst);
        unit.save(&cause, annuaire_store::CommitClock { now_ms: &move || now, any_clock: false }).await.unwrap();
    };
    let at = w.validated(&by, "990000010", "Odile", "odile").await;
    put(Some("{}")).await;
    let alerts = async || {
        let jobs = w.registry.jobs(Queue::Work, 10).await.unwrap();
        jobs.iter().filter(|job| job.job.kind == "registration-operator").count()
    };
    for (minutes, told) in [(0, 0), (1, 0), (5, 1)] {
        w.pass(minutes * 60_000);
        let run = w.registration.run_processing(&w.system).await.unwrap();
        assert_eq!((run.processed, run.failed), (0, 1));
        assert_eq!(alerts().await, told, "after {minutes}");
        assert_eq!(w.registration.run_processing(&w.system).await.unwrap().failed, 0, "not before its time");
    }
    put(None).await;
    w.pass(30 * 60_000);
    w.process().await;
    assert!(w.registration.open_sheet(&by, &at.number).await.unwrap().rpps.is_some());
}

/// Without a meeting and without FranceConnect the number is given, and the means waits for the certification.
#[tokio::test]
async fn a_weak_identity_withholds_the_means() {
    let w = World::new().await;
    let by = w.manager(SITE).await;
    let at = w.submitted(&by, "990000010", "Camille", "camille").await;
    let no_method = LegalStatement { confirmed: true, ..LegalStatement::default() };
    let refused_method = refused(w.registration.validate_request(&by, &at.number, at.version, no_method, None).await);
    assert_eq!(refused_method.code, annuaire_workflow::messages::MessageCode::ELeg02);
    let method = Some(annuaire_workflow::request::VerificationMethod::CheckedAtHiring);
    let weak = LegalStatement { confirmed: true, face_to_face: false, method };
    w.registration.validate_request(&by, &at.number, at.version, weak, None).await.unwrap();
    w.process().await;
    let rpps = w.registration.open_sheet(&by, &at.number).await.unwrap().rpps.unwrap();
    let withheld = async |rpps: &str| w.registration.means_withheld(&format!("8{rpps}")).await.unwrap();
    assert_eq!(withheld(&rpps).await.as_deref(), Some("identité faible"));
    let (_, met) = w.registered(&by, "990000010", "Odile", "odile").await;
    assert_eq!(withheld(&met).await, None);
    w.mails().await;
    w.pass(48 * 3_600_000);
    let mails = w.mails().await;
    let may: Vec<&str> = mails.iter().filter(|mail| mail.1.contains("activer votre e-CPS")).map(|mail| mail.0.as_str()).collect();
    assert_eq!(may, ["odile@personne.example"]);
}
