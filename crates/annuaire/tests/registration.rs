//! Registration in a server: what a use case of another process validates, the server processes and publishes; and the settings that it
//! refuses to start with.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_base::fact::{FactKey, Publication};
use annuaire_consolidate::entity_key;
use annuaire_mos::owner::Owner;
use annuaire_mos::{EtatCivil, ExerciceProfessionnel, Objet, Professionnel, SituationExercice, Structure};
use annuaire_registry::{
    ManagerTerms, Registration, RegistrationSettings, RegistrationSubject, SectionDraft, SessionTrace, StructureSearch,
};
use annuaire_store::{Cause, Change, Channel, CommitClock, Entropy, Expect, OwnerRow, Registry};
use annuaire_store_sqlite::{SqliteOptions, SqliteRegistry};
use annuaire_workflow::fields::{CivilDraft, ContactDraft, FieldSettings, SituationDraft, StructureQuery};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::request::LegalStatement;
use annuaire_workflow::state::RequestState;
use async_trait::async_trait;
use common::{Server, program, run};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

/// Nothing is sent: the servers of mail and SMS do not exist.
const CONFIGURATION: &str = r#"
[identity]
issuer = "https://id.exemple.test"
mail_server = "smtp://mail.exemple.test:587"
mail_from = "annuaire@exemple.test"
sms_gateway = "https://sms.exemple.test/send"
"#;

const REPRESENTATIVE: &str = "899900000011";
const MANAGER: &str = "899900000029";

#[expect(clippy::disallowed_methods, reason = "the clock of the machine, as the server reads it")]
fn now_ms() -> i64 {
    i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// The registry has every structure of this test under its FINESS number.
struct ByNumberAlone;

#[async_trait]
impl StructureSearch for ByNumberAlone {
    async fn sites_of(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    async fn by_siret(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    async fn named(&self, _: &StructureQuery, _: usize) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    async fn persons_of(&self, _: &str, _: u32, _: u32) -> Result<(Vec<String>, u64), String> {
        Ok((Vec::new(), 0))
    }
}

fn person(national_id: &str, given: &str) -> Professionnel {
    Professionnel {
        type_id_nat_pp: "8".into(),
        id_pp: national_id[1..].into(),
        id_nat_ps: national_id.into(),
        civilite: "MME".into(),
        exercices: vec![ExerciceProfessionnel {
            profession: "10".into(),
            categorie_professionnelle: "C".into(),
            nom_exercice: "GESTION".into(),
            prenom_exercice: given.into(),
            situations: vec![SituationExercice {
                id_situation_exercice: national_id.into(),
                mode_exercice: "S".into(),
                structure: "F990000010".into(),
                ..Default::default()
            }],
            ..Default::default()
        }],
        etat_civil: Some(EtatCivil {
            nom_famille: "GESTION".into(),
            prenoms: vec![given.into()],
            sexe_administratif: "F".into(),
            date_naissance: "1980-02-03".into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Opens the registry of a server beside it, as another node of a cluster does.
async fn registry(data: &Path) -> (Arc<dyn Registry>, Entropy) {
    let entropy: Entropy = Arc::new(|bytes: &mut [u8]| fs::File::open("/dev/urandom").unwrap().read_exact(bytes).unwrap());
    let options = SqliteOptions { entropy: Arc::clone(&entropy), now_ms: Arc::new(now_ms), open: |_| false };
    (Arc::new(SqliteRegistry::open(&data.join("registry.sqlite"), options).await.unwrap()), entropy)
}

/// States a structure and two persons, as an order does.
async fn state_people(registry: &Arc<dyn Registry>) {
    let structure = Structure {
        id_technique: "F990000010".into(),
        id_nat_struct: "1990000010".into(),
        num_finess: "990000010".into(),
        raison_sociale: "HOPITAL D'ESSAI".into(),
        ..Default::default()
    };
    let owner = Owner::authority("CNOM").unwrap();
    let mut unit = registry.begin().await.unwrap();
    let description = serde_json::to_string(&owner).unwrap();
    unit.set_owner(&OwnerRow { code: owner.code.clone(), description }).await.unwrap();
    let people = [(REPRESENTATIVE, "ODILE"), (MANAGER, "ALIX")].map(|(id, given)| person(id, given));
    let people = people.map(|p| (entity_key::person(&p.id_nat_ps), Objet::Professionnel(p)));
    for (entity, object) in
        people.into_iter().chain([(entity_key::structure(&structure.id_technique), Objet::Structure(structure))])
    {
        let key = FactKey { owner: owner.code.clone(), entity, facet: String::new() };
        let payload = Some(serde_json::to_string(&object).unwrap());
        unit.put(Change { key, payload, publication: Publication::Open, fingerprint: 0 }, Expect::Any).await.unwrap();
    }
    let cause = Cause::new(Channel::Operator, "test", "test");
    unit.save(&cause, CommitClock { now_ms: &now_ms, any_clock: false }).await.unwrap();
}

/// Registers somebody up to the validation; the server does the rest.
async fn validate(registration: &Registration, given: &str) -> String {
    let trace = SessionTrace::default;
    let by = registration.manager_session(MANAGER, trace()).await.unwrap();
    let mut at = registration.create_request(&by, "990000010", &RegistrationSubject::Unknown).await.unwrap();
    let civil = CivilDraft {
        civilite: "MME".into(),
        sexe: "F".into(),
        nom_famille: "Essai".into(),
        prenom1: given.into(),
        date_naissance: "07/05/1991".into(),
        pays_naissance: "France".into(),
        commune_naissance: "97128".into(),
        ..Default::default()
    };
    let contact = ContactDraft { email: "essai@personne.example".into(), mobile: "0692000012".into(), sans_mobile: false };
    let today = annuaire_workflow::day::paris_day(now_ms());
    let situation = SituationDraft {
        nom_exercice: "Essai".into(),
        prenom_exercice: given.into(),
        structure: "990000010".into(),
        profession: "313".into(),
        role: "GENR11".into(),
        mode_exercice: "S".into(),
        date_debut: annuaire_workflow::day::french(today),
        ..Default::default()
    };
    for draft in [SectionDraft::Civil(civil), SectionDraft::Contact(contact), SectionDraft::Situation(situation)] {
        let confirmed = [MessageCode::WSit06, MessageCode::WSit02];
        let outcome = registration.validate_section(&by, &at.number, at.version, draft, &confirmed).await.unwrap();
        assert!(outcome.valid, "{:?}", outcome.findings.list);
        at = outcome.request;
    }
    let at = registration.submit(&by, &at.number, LegalStatement::default()).await.unwrap();
    let signed = LegalStatement { confirmed: true, face_to_face: true, method: None };
    registration.validate_request(&by, &at.number, at.version, signed, None).await.unwrap();
    at.number
}

/// Asks again and again, for half a minute.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..300 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what}: not within half a minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_is_validated_is_found_in_the_public_directory_within_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("annuaire.toml"), format!("{CONFIGURATION}[registration]\nrpps_prefix = \"99912\"\n")).unwrap();
    let server = Server::start(&data, &[]);
    let (registry, entropy) = registry(&data).await;
    state_people(&registry).await;
    let (registration, _) = Registration::new(RegistrationSettings {
        registry: Arc::clone(&registry),
        structures: Arc::new(ByNumberAlone),
        entropy,
        now_ms: Arc::new(now_ms),
        commit_ms: Arc::new(now_ms),
        secret: fs::read(data.join("cursor.key")).unwrap().try_into().unwrap(),
        rpps_prefix: "99912".into(),
        public_base: "https://id.exemple.test/portail".into(),
        terms_version: "1".into(),
        arbiters: Default::default(),
        support: Default::default(),
        auditors: Default::default(),
        authority_agents: Default::default(),
        terminologists: Default::default(),
        fields: FieldSettings::default(),
    })
    .unwrap();
    let representative = registration.representative_session(REPRESENTATIVE, SessionTrace::default()).await.unwrap();
    registration.attach_structure(&representative, "990000010", true).await.unwrap();
    let site = PerimeterTarget::Site("990000010".into());
    registration.designate_manager(&representative, &site, MANAGER, ManagerTerms::default()).await.unwrap();
    let number = validate(&registration, "Camille").await;
    let by = registration.manager_session(MANAGER, SessionTrace::default()).await.unwrap();
    let rpps = until("the processing", async || {
        let sheet = registration.open_sheet(&by, &number).await.unwrap();
        (sheet.state == RequestState::S40).then(|| sheet.rpps.unwrap())
    })
    .await;
    assert!(rpps.starts_with("99912"), "{rpps}");
    let found = until("the publication", async || {
        let bundle = server.json(&format!("Practitioner?identifier={rpps}"));
        (bundle["total"] == 1).then(|| bundle["entry"][0]["resource"].clone())
    })
    .await;
    assert_eq!(found["name"][0]["family"], "Essai", "{found}");
    // Nobody needs to say that persons of the order are there: the server followed the log.
    until("keys of identities", async || {
        let rows = registry.identity_rows("person-key", Some(MANAGER), "", 10).await.unwrap();
        (!rows.is_empty()).then_some(())
    })
    .await;
    let (_, status) = run(&["status", "--data", data.to_str().unwrap()]);
    assert!(!status.contains("registration:"), "nothing waits for an operator: {status}");
}

/// What a demonstration prints up to its last line, and its server.
fn demonstration() -> (Vec<String>, Server) {
    let mut child = program()
        .args(["demo", "--professionals", "20", "--quiet", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let is_last = line.starts_with("  try ");
        lines.push(line);
        if is_last {
            break;
        }
    }
    let ready = lines.iter().find_map(|line| line.strip_prefix("ready: http://")).expect("a server");
    let base = ready.split_whitespace().next().unwrap().to_owned();
    (lines, Server { child, base })
}

#[test]
fn a_demonstration_has_requests_in_each_state_that_lasts() {
    let (lines, server) = demonstration();
    let requests: Vec<&str> =
        lines.iter().map(|line| line.trim()).filter(|line| line.starts_with("P20")).map(|line| &line[16..]).collect();
    for wanted in [
        "validée",
        "expirée",
        "abandonnée",
        "refusée",
        "annulée",
        "rejetée",
        "en cours de saisie par le professionnel",
        "attend un gestionnaire",
        "complément demandé",
        "à instruire : demandée par une professionnelle",
        "en cours de saisie par l’établissement",
        "en arbitrage",
    ] {
        assert!(requests.iter().any(|request| request.starts_with(wanted)), "{wanted}: {requests:?}");
    }
    // What was validated is published, within seconds of the start.
    let is_published = || server.json("Practitioner?family=Specimene")["total"] == 1;
    let published = (0..300).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        is_published()
    });
    assert!(published, "not within half a minute");
    assert_eq!(server.json("PractitionerRole?practitioner.family=Modele-Test&practitioner.active=true")["total"], 2);
    // Messages of registration are read where those of the phones are.
    let host = server.base.split_once('/').unwrap().0;
    let (status, page) = server.get(&format!("http://{host}/e-cps/messagerie"), "");
    assert!(status == 200 && page.contains("@exemple.test") && page.contains("P202"), "{page}");
}

#[test]
fn a_server_says_what_registration_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |text: &str| {
        let data = dir.path().join("data");
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("annuaire.toml"), text).unwrap();
        let (code, said) = run(&["serve", "--quiet", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
        assert_ne!(code, 0, "{said}");
        said
    };
    let said = refused("[registration]\nenabled = true\nrpps_prefix = \"999\"\n");
    assert!(said.contains("name its issuer in [identity]"), "{said}");
    let said = refused(&format!("{CONFIGURATION}[registration]\nenabled = true\n"));
    assert!(said.contains("registration.rpps_prefix is not set: name the first digits"), "{said}");
    let said = refused(&format!("{CONFIGURATION}[registration]\nrpps_prefix = \"12345678901\"\n"));
    assert!(said.contains("registration.rpps_prefix") && said.contains("1 to 8 digits"), "{said}");
    let said = refused(&format!("{CONFIGURATION}[registration]\nrpps_prefix = \"999\"\narbiters = [\"Camille\"]\n"));
    assert!(said.contains("registration.arbiters names \"Camille\""), "{said}");
}
