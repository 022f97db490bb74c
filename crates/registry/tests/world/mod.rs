//! An installation in a directory: the reserved structures, managers with habilitations, a clock, and a sender that records.
#![allow(clippy::unwrap_used, missing_docs, dead_code)]

use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey, Publication};
use annuaire_consolidate::{ConsolidatedEntity, Owners, Perimeter, consolidate, entity_key};
use annuaire_mos::owner::Owner;
use annuaire_mos::{Coordonnees, EtatCivil, ExerciceProfessionnel, Objet, Professionnel, SituationExercice, Structure};
use annuaire_registry::{
    HolderSession, ManagerSession, ManagerTerms, NoticeSender, Registration, RegistrationRefusal, RegistrationSettings,
    RegistrationStop, RegistrationSubject, RepresentativeSession, SectionDraft, SessionTrace, SteppedRequest, StructureSearch,
    SystemActor,
};
use annuaire_store::{Cause, Change, Channel, CommitClock, Entropy, Expect, OwnerRow, Registry};
use annuaire_store_postgres::{PostgresOptions, PostgresRegistry};
use annuaire_store_sqlite::{SqliteOptions, SqliteRegistry};
use annuaire_workflow::fields::{CivilDraft, ContactDraft, FieldSettings, SituationDraft, StructureQuery};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::request::LegalStatement;
use async_trait::async_trait;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor};
use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub const DAY: i64 = 86_400_000;
/// Legal representative of all three structures.
pub const REP: &str = "899900000011";
/// Manager of the site 990000010.
pub const SITE: &str = "899900000029";
/// Another manager of the site 990000010.
pub const COLLEAGUE: &str = "899900000037";
/// Manager of the legal entity 990000002.
pub const HEAD: &str = "899900000045";
/// National arbiter and support.
pub const NATIONAL: &str = "899900000052";
/// Another national arbiter.
pub const SECOND_ARBITER: &str = COLLEAGUE;
/// Manager of the site 990000028.
pub const NEIGHBOUR: &str = "810999000010";

/// Answers from a scan of the registry, as the index of the program does from its postings.
struct Scan(Arc<dyn Registry>);

impl Scan {
    async fn all(&self) -> Vec<Structure> {
        let (mut all, mut after) = (Vec::new(), String::new());
        let tx = self.0.last_tx().await.unwrap();
        loop {
            let (facts, next) = self.0.standing(tx, &after, 1_000).await.unwrap();
            for fact in facts.iter().filter(|fact| fact.key.entity.starts_with("ST:")) {
                if let Objet::Structure(s) = serde_json::from_str(&fact.payload).unwrap() {
                    all.push(s);
                }
            }
            match next {
                Some(next) => after = next,
                None => return all,
            }
        }
    }
}

#[async_trait]
impl StructureSearch for Scan {
    async fn sites_of(&self, legal_entity: &str) -> Result<Vec<String>, String> {
        Ok(self.all().await.into_iter().filter(|s| s.num_finess_ej == legal_entity).map(|s| s.id_technique).collect())
    }

    async fn by_siret(&self, number: &str) -> Result<Vec<String>, String> {
        // As the index of the program: a number is found where a source states it.
        let found = self.all().await.into_iter().filter(|s| s.num_siret == number || s.num_siren == number);
        Ok(found.map(|s| s.id_technique).collect())
    }

    async fn named(&self, query: &StructureQuery, limit: usize) -> Result<Vec<String>, String> {
        let found = self.all().await.into_iter().filter(|s| s.raison_sociale.contains(&query.nom));
        Ok(found.map(|s| s.id_technique).take(limit).collect())
    }

    async fn persons_of(&self, structure: &str, offset: u32, limit: u32) -> Result<(Vec<String>, u64), String> {
        let (mut found, mut after) = (BTreeSet::new(), String::new());
        let tx = self.0.last_tx().await.unwrap();
        loop {
            let (facts, next) = self.0.standing(tx, &after, 1_000).await.unwrap();
            for fact in &facts {
                // Open on the day on which the world begins.
                let is_open = |end: &str| end.is_empty() || end >= "2026-11-26";
                let open = |s: &SituationExercice| s.structure == structure && is_open(&s.date_fin);
                let works = match serde_json::from_str(&fact.payload).unwrap() {
                    Objet::Professionnel(p) => p.exercices.iter().any(|e| e.situations.iter().any(open)),
                    Objet::Situation(s) => open(&s.situation),
                    _ => false,
                };
                found.extend(entity_key::number_of_person(&fact.key.entity).filter(|_| works).map(str::to_owned));
            }
            let Some(next) = next else { break };
            after = next;
        }
        let total = found.len() as u64;
        Ok((found.into_iter().skip(offset as usize).take(limit as usize).collect(), total))
    }
}

/// Keeps what is sent; refuses while it is told to.
#[derive(Default)]
pub struct Recorder {
    pub mails: Mutex<Vec<(String, String, String)>>,
    pub texts: Mutex<Vec<(String, String)>>,
    pub broken: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl NoticeSender for Recorder {
    async fn mail(&self, to: &str, subject: &str, text: &str) -> Result<(), String> {
        if self.broken.load(Ordering::SeqCst) {
            return Err("no answer".into());
        }
        self.mails.lock().unwrap().push((to.into(), subject.into(), text.into()));
        Ok(())
    }

    async fn sms(&self, to: &str, text: &str) -> Result<(), String> {
        self.texts.lock().unwrap().push((to.into(), text.into()));
        Ok(())
    }
}

pub struct World {
    pub registration: Arc<Registration>,
    pub system: SystemActor,
    pub registry: Arc<dyn Registry>,
    pub entropy: Entropy,
    pub clock: Arc<AtomicI64>,
    pub recorder: Recorder,
    _dir: tempfile::TempDir,
}

async fn registry(dir: &Path, entropy: &Entropy, now: &Arc<dyn Fn() -> i64 + Send + Sync>) -> Arc<dyn Registry> {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    let Some(server) = postgres() else {
        let options = SqliteOptions { entropy: Arc::clone(entropy), now_ms: Arc::clone(now), open: |_| false };
        return Arc::new(SqliteRegistry::open(&dir.join("registry.sqlite"), options).await.unwrap());
    };
    let number = SCHEMAS.fetch_add(1, Ordering::SeqCst);
    let name = format!("registration_{}_{number}", std::process::id());
    let mut connection = PgConnectOptions::from_str(&server).unwrap().connect().await.unwrap();
    connection.execute(format!("CREATE SCHEMA {name}").as_str()).await.unwrap();
    // Commits are told by the identity of the log, to all worlds of the database: each log needs one of its own.
    let shared = Arc::clone(entropy);
    let entropy: Entropy = Arc::new(move |bytes: &mut [u8]| {
        shared(bytes);
        bytes.iter_mut().zip(number.to_le_bytes().into_iter().cycle()).for_each(|(byte, own)| *byte ^= own);
    });
    let options = PostgresOptions { entropy, open: |_| false };
    Arc::new(PostgresRegistry::open(&format!("{server}?options=-c%20search_path%3D{name}"), options).await.unwrap())
}

#[expect(clippy::disallowed_methods, reason = "the environment names the server of the tests")]
fn postgres() -> Option<String> {
    std::env::var("ANNUAIRE_TEST_POSTGRES").ok()
}

fn clock_of(clock: &Arc<AtomicI64>) -> Arc<dyn Fn() -> i64 + Send + Sync> {
    let clock = Arc::clone(clock);
    Arc::new(move || clock.load(Ordering::SeqCst))
}

fn service(registry: &Arc<dyn Registry>, entropy: &Entropy, clock: &Arc<AtomicI64>) -> (Registration, SystemActor) {
    Registration::new(RegistrationSettings {
        registry: Arc::clone(registry),
        structures: Arc::new(Scan(Arc::clone(registry))),
        entropy: Arc::clone(entropy),
        now_ms: clock_of(clock),
        commit_ms: clock_of(clock),
        secret: [7; 32],
        rpps_prefix: "99912".into(),
        public_base: "https://annuaire.example/portail".into(),
        terms_version: "2026-01".into(),
        arbiters: [NATIONAL.to_owned(), SECOND_ARBITER.to_owned()].into(),
        support: [NATIONAL.to_owned()].into(),
        auditors: [NATIONAL.to_owned()].into(),
        authority_agents: [(NATIONAL.to_owned(), "CNOM".to_owned()), (HEAD.to_owned(), "ARS-53".to_owned())].into(),
        terminologists: [NATIONAL.to_owned()].into(),
        fields: FieldSettings::default(),
    })
    .unwrap()
}

pub fn trace() -> SessionTrace {
    SessionTrace { session: "s-1".into(), means: "e-CPS".into(), level: "eidas1".into(), address: "192.0.2.1".into() }
}

pub fn structure(finess: &str, entity: &str, siret: &str) -> Structure {
    Structure {
        id_technique: format!("F{finess}"),
        id_nat_struct: format!("1{finess}"),
        entite_juridique: entity.is_empty(),
        num_finess: finess.into(),
        num_finess_ej: entity.into(),
        num_siret: siret.into(),
        num_siren: "999000003".into(),
        raison_sociale: format!("Structure d'essai {finess}"),
        categorie_etablissement: "500".into(),
        courriel: format!("contact{finess}@structure.example"),
        ..Default::default()
    }
}

/// A registered person, as an order states them.
pub fn person(national_id: &str, given: &str) -> Professionnel {
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
            commune_naissance: "35238".into(),
            pays_naissance: "99100".into(),
            statut: "C".into(),
            ..Default::default()
        }),
        correspondance: Some(Coordonnees {
            courriel: format!("{}@gestion.example", given.to_lowercase()),
            telephones: vec!["+33639980011".into()],
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub fn site(finess: &str) -> PerimeterTarget {
    PerimeterTarget::Site(finess.into())
}

pub fn entity() -> PerimeterTarget {
    PerimeterTarget::LegalEntity("990000002".into())
}

pub fn refused<T: std::fmt::Debug>(result: Result<T, RegistrationStop>) -> RegistrationRefusal {
    result.unwrap_err().refusal().cloned().expect("a refusal, not a failure")
}

pub fn civil(given: &str) -> CivilDraft {
    CivilDraft {
        civilite: "MME".into(),
        sexe: "F".into(),
        nom_famille: "Essai".into(),
        nom_usage: "Fictif".into(),
        prenom1: given.into(),
        date_naissance: "07/05/1991".into(),
        pays_naissance: "France".into(),
        commune_naissance: "97128".into(),
        ..Default::default()
    }
}

pub fn contact(name: &str) -> ContactDraft {
    ContactDraft { email: format!("{name}@personne.example"), mobile: "0692000012".into(), sans_mobile: false }
}

pub fn situation(structure: &str, given: &str) -> SituationDraft {
    SituationDraft {
        nom_exercice: "Fictif".into(),
        prenom_exercice: given.into(),
        structure: structure.into(),
        profession: "313".into(),
        role: "GENR11".into(),
        mode_exercice: "S".into(),
        date_debut: "02/11/2026".into(),
        ..Default::default()
    }
}

pub fn signed() -> LegalStatement {
    LegalStatement { confirmed: true, face_to_face: true, method: None }
}

/// Everything that a form may ask to be confirmed.
pub const WARNINGS: [MessageCode; 4] = [MessageCode::WCiv02, MessageCode::WCon02, MessageCode::WSit06, MessageCode::WSit02];

impl World {
    /// The structures, and nobody habilitated yet.
    pub async fn bare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let counter = AtomicU64::new(1);
        let entropy: Entropy = Arc::new(move |bytes: &mut [u8]| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&counter.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            hasher.finalize_xof().fill(bytes);
        });
        // 26 November 2026, 10:06 in Paris.
        let clock = Arc::new(AtomicI64::new(1_795_684_000_000));
        let registry = registry(dir.path(), &entropy, &clock_of(&clock)).await;
        let (registration, system) = service(&registry, &entropy, &clock);
        let world = Self {
            registration: Arc::new(registration),
            system,
            registry,
            entropy,
            clock,
            recorder: Recorder::default(),
            _dir: dir,
        };
        for (finess, entity, siret) in
            [("990000002", "", ""), ("990000010", "990000002", "99900000300015"), ("990000028", "990000002", "99900000300023")]
        {
            world.state_structure(structure(finess, entity, siret)).await;
        }
        for (id, given) in [
            (REP, "REPRESENTANTE"),
            (SITE, "SITE"),
            (COLLEAGUE, "COLLEGUE"),
            (HEAD, "SIEGE"),
            (NATIONAL, "NATIONALE"),
            (NEIGHBOUR, "VOISINE"),
        ] {
            world.state_person(person(id, given)).await;
        }
        world
    }

    /// Both sites and the legal entity have managers.
    pub async fn new() -> Self {
        let world = Self::bare().await;
        let rep = world.representative().await;
        for number in ["990000002", "990000010", "990000028"] {
            world.registration.attach_structure(&rep, number, true).await.unwrap();
        }
        for (target, manager) in
            [(site("990000010"), SITE), (site("990000010"), COLLEAGUE), (entity(), HEAD), (site("990000028"), NEIGHBOUR)]
        {
            world.registration.designate_manager(&rep, &target, manager, ManagerTerms::default()).await.unwrap();
        }
        world
    }

    /// Another node: it has nothing but the registry and the secret.
    pub fn another_node(&self) -> (Registration, SystemActor) {
        service(&self.registry, &self.entropy, &self.clock)
    }

    pub fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    pub async fn representative(&self) -> RepresentativeSession {
        self.registration.representative_session(REP, trace()).await.unwrap()
    }

    pub async fn manager(&self, id: &str) -> ManagerSession {
        self.registration.manager_session(id, trace()).await.unwrap()
    }

    pub async fn holder(&self, rpps: &str) -> HolderSession {
        self.registration.holder_session(&format!("8{rpps}"), trace()).await.unwrap()
    }

    async fn state(&self, owner: Owner, entity: String, object: Option<Objet>) {
        self.state_all(owner, vec![(entity, object)]).await;
    }

    async fn state_all(&self, owner: Owner, objects: Vec<(String, Option<Objet>)>) {
        let mut unit = self.registry.begin().await.unwrap();
        let description = serde_json::to_string(&owner).unwrap();
        unit.set_owner(&OwnerRow { code: owner.code.clone(), description }).await.unwrap();
        for (entity, object) in objects {
            let key = FactKey { owner: owner.code.clone(), entity, facet: String::new() };
            let payload = object.map(|object| serde_json::to_string(&object).unwrap());
            unit.put(Change { key, payload, publication: Publication::Open, fingerprint: 0 }, Expect::Any).await.unwrap();
        }
        let now = self.clock.load(Ordering::SeqCst);
        let cause = Cause::new(Channel::Operator, "test", "test");
        unit.save(&cause, CommitClock { now_ms: &move || now, any_clock: false }).await.unwrap();
    }

    pub async fn state_structure(&self, s: Structure) {
        let owner = annuaire_mos::owner::file_source("finess-eg").unwrap().owner();
        self.state(owner, entity_key::structure(&s.id_technique), Some(Objet::Structure(s))).await;
    }

    pub async fn state_person(&self, p: Professionnel) {
        let entity = entity_key::person(&p.id_nat_ps);
        self.state(Owner::authority("CNOM").unwrap(), entity, Some(Objet::Professionnel(p))).await;
    }

    /// A fact of a person that this release cannot read.
    pub async fn state_nonsense_of(&self, national_id: &str) {
        let mut unit = self.registry.begin().await.unwrap();
        let key = FactKey { owner: "CNOM".into(), entity: entity_key::person(national_id), facet: String::new() };
        let payload = Some(r#"{"Professionnel":{"exercices":"aucun"}}"#.to_owned());
        unit.put(Change { key, payload, publication: Publication::Open, fingerprint: 0 }, Expect::Any).await.unwrap();
        let now = self.clock.load(Ordering::SeqCst);
        let cause = Cause::new(Channel::Operator, "test", "test");
        unit.save(&cause, CommitClock { now_ms: &move || now, any_clock: false }).await.unwrap();
    }

    /// Many persons in one transaction, as a delivery states them.
    pub async fn state_persons(&self, all: Vec<Professionnel>) {
        let stated = all.into_iter().map(|p| (entity_key::person(&p.id_nat_ps), Some(Objet::Professionnel(p)))).collect();
        self.state_all(Owner::authority("CNOM").unwrap(), stated).await;
    }

    /// A draft with three valid sections.
    pub async fn draft(&self, by: &ManagerSession, structure: &str, given: &str, name: &str) -> SteppedRequest {
        let r = &self.registration;
        let mut at = r.create_request(by, structure, &RegistrationSubject::Unknown).await.unwrap();
        for section in [
            SectionDraft::Civil(civil(given)),
            SectionDraft::Contact(contact(name)),
            SectionDraft::Situation(situation(structure, given)),
        ] {
            let outcome = r.validate_section(by, &at.number, at.version, section, &WARNINGS).await.unwrap();
            assert!(outcome.valid, "{:?}", outcome.findings.list);
            at = outcome.request;
        }
        at
    }

    /// A request at T01.
    pub async fn submitted(&self, by: &ManagerSession, structure: &str, given: &str, name: &str) -> SteppedRequest {
        let draft = self.draft(by, structure, given, name).await;
        self.registration.submit(by, &draft.number, LegalStatement::default()).await.unwrap()
    }

    /// A request at T02.
    pub async fn validated(&self, by: &ManagerSession, structure: &str, given: &str, name: &str) -> SteppedRequest {
        let at = self.submitted(by, structure, given, name).await;
        self.registration.validate_request(by, &at.number, at.version, signed(), None).await.unwrap()
    }

    /// A registered person: number of the request, RPPS number.
    pub async fn registered(&self, by: &ManagerSession, structure: &str, given: &str, name: &str) -> (String, String) {
        let at = self.validated(by, structure, given, name).await;
        self.process().await;
        let sheet = self.registration.open_sheet(by, &at.number).await.unwrap();
        (at.number, sheet.rpps.expect("a number"))
    }

    pub async fn process(&self) {
        let run = self.registration.run_processing(&self.system).await.unwrap();
        assert_eq!(run.failed, 0);
    }

    /// Sends what waits; the mails of this run.
    pub async fn mails(&self) -> Vec<(String, String, String)> {
        self.registration.run_notices(&self.system, &self.recorder).await.unwrap();
        std::mem::take(&mut *self.recorder.mails.lock().unwrap())
    }

    pub async fn facts(&self, rpps: &str) -> Vec<Fact> {
        let tx: Tx = self.registry.last_tx().await.unwrap();
        self.registry.facts_at(tx, &[entity_key::person(&format!("8{rpps}"))]).await.unwrap()
    }

    /// A person as a perimeter shows them.
    pub async fn merged(&self, rpps: &str, perimeter: Perimeter) -> Option<ConsolidatedEntity> {
        let rows = self.registry.owners().await.unwrap();
        let owners = Owners::new(rows.iter().map(|row| (&row.code, &row.description))).unwrap();
        let mut merged = consolidate(self.facts(rpps).await, &owners, perimeter);
        merged.remove(&entity_key::person(&format!("8{rpps}")))
    }

    pub async fn public(&self, rpps: &str) -> Professionnel {
        self.merged(rpps, Perimeter::Public).await.and_then(|entity| entity.professional).unwrap_or_default()
    }

    pub async fn restricted(&self, rpps: &str) -> Professionnel {
        self.merged(rpps, Perimeter::Restricted).await.and_then(|entity| entity.professional).unwrap_or_default()
    }

    /// Events of the trail about a request.
    pub async fn trail(&self, number: &str) -> Vec<(String, String)> {
        let rows = self.registry.audit_trail(0, 100_000).await.unwrap();
        let about = rows.into_iter().filter(|row| row.event.request.as_deref() == Some(number));
        about.map(|row| (row.event.event, row.event.detail)).collect()
    }
}
