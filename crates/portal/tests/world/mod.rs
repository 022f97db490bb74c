//! An installation in a directory with its portal: the reserved structures, their managers, a clock, and browsers that are logged in or not.
#![allow(clippy::unwrap_used, missing_docs, dead_code)]

use annuaire_base::fact::{FactKey, Publication};
use annuaire_ecps::SignedIn;
use annuaire_mos::owner::{Owner, file_source};
use annuaire_mos::{Coordonnees, EtatCivil, ExerciceProfessionnel, Objet, Professionnel, SituationExercice, Structure};
use annuaire_portal::{CONTACT_LAW, PortalSettings, router};
use annuaire_registry::{
    ManagerSession, ManagerTerms, Registration, RegistrationSettings, RegistrationSubject, RepresentativeSession, SectionDraft,
    SessionTrace, SteppedRequest, StructureSearch, SystemActor,
};
use annuaire_store::{Cause, Change, Channel, CommitClock, Entropy, Expect, OwnerRow, Registry};
use annuaire_store_sqlite::{SqliteOptions, SqliteRegistry};
use annuaire_web::{Gate, GateSettings};
use annuaire_workflow::fields::{CivilDraft, ContactDraft, FieldSettings, SituationDraft, StructureQuery};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::request::LegalStatement;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tower::ServiceExt;

pub const DAY: i64 = 86_400_000;
/// Legal representative of all three structures.
pub const REP: &str = "899900000011";
/// Manager of the site 990000010.
pub const SITE: &str = "899900000029";
/// Nobody's manager.
pub const COLLEAGUE: &str = "899900000037";
/// Manager of the legal entity 990000002.
pub const HEAD: &str = "899900000045";
/// Arbiter, support, auditor, keeper of terminologies and agent of an order.
pub const NATIONAL: &str = "899900000052";
/// Manager of the site 990000028.
pub const NEIGHBOUR: &str = "810999000010";

/// Structures by a scan, as the index of the program finds them.
struct Scan(Arc<dyn Registry>);

impl Scan {
    async fn ids(&self, wanted: impl Fn(&Structure) -> bool) -> Vec<String> {
        let (facts, _) = self.0.standing(self.0.last_tx().await.unwrap(), "", 10_000).await.unwrap();
        let structures = facts.iter().filter(|fact| fact.key.entity.starts_with("ST:"));
        let read = structures.filter_map(|fact| match serde_json::from_str(&fact.payload).unwrap() {
            Objet::Structure(s) => Some(s),
            _ => None,
        });
        read.filter(wanted).map(|s| s.id_technique).collect()
    }
}

#[async_trait]
impl StructureSearch for Scan {
    async fn sites_of(&self, legal_entity: &str) -> Result<Vec<String>, String> {
        Ok(self.ids(|s| s.num_finess_ej == legal_entity).await)
    }

    async fn by_siret(&self, number: &str) -> Result<Vec<String>, String> {
        Ok(self.ids(|s| s.num_siret.starts_with(number)).await)
    }

    async fn named(&self, query: &StructureQuery, limit: usize) -> Result<Vec<String>, String> {
        let mut found = self.ids(|s| s.raison_sociale.contains(&query.nom)).await;
        found.truncate(limit);
        Ok(found)
    }

    async fn persons_of(&self, _: &str, _: u32, _: u32) -> Result<(Vec<String>, u64), String> {
        Ok((Vec::new(), 0))
    }
}

/// What a browser was answered.
#[derive(Debug)]
pub struct Answered {
    pub status: StatusCode,
    pub location: String,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// The bytes as text; empty when they are a PDF.
    pub text: String,
}

impl Answered {
    /// Fails unless the page is one: a heading, a language, a title, no script or style inline, labels for all fields.
    #[track_caller]
    pub fn page(self, status: StatusCode, heading: &str) -> Self {
        assert_eq!(self.status, status, "{}{}", self.location, self.text);
        assert_eq!(self.text.matches("<h1").count(), 1, "{}", self.text);
        assert!(self.text.contains(&format!("<h1>{heading}</h1>")), "{heading}: {}", self.text);
        assert!(self.text.contains("<html lang=\"fr\">") && !self.text.contains(" style=") && !self.text.contains("<script>"));
        for id in self.ids() {
            assert_eq!(self.text.matches(&format!(" id=\"{id}\"")).count(), 1, "id {id} twice: {}", self.text);
        }
        for control in ["<input type=\"text\" id=\"", "<input type=\"checkbox\" id=\"", "<textarea id=\"", "<select id=\""] {
            for part in self.text.split(control).skip(1) {
                let id = part.split('"').next().unwrap();
                assert!(self.text.contains(&format!("<label for=\"{id}\"")), "no label for {id}");
            }
        }
        self
    }

    fn ids(&self) -> Vec<&str> {
        self.text.split(" id=\"").skip(1).map(|part| part.split('"').next().unwrap()).collect()
    }

    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.text.contains(text), "{text}: {}", self.text);
        }
        self
    }

    #[track_caller]
    pub fn hides(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(!self.text.contains(text), "{text}: {}", self.text);
        }
        self
    }

    #[track_caller]
    pub fn leads_to(self, location: &str) -> Self {
        assert_eq!((self.status, self.location.as_str()), (StatusCode::SEE_OTHER, location), "{}", self.text);
        self
    }
}

pub struct World {
    pub registration: Arc<Registration>,
    pub system: SystemActor,
    pub registry: Arc<dyn Registry>,
    pub clock: Arc<AtomicI64>,
    app: Router,
    _dir: tempfile::TempDir,
}

pub fn trace() -> SessionTrace {
    SessionTrace { session: "s-world".into(), means: "e-CPS".into(), level: "eidas1".into(), address: "192.0.2.1".into() }
}

pub fn site(finess: &str) -> PerimeterTarget {
    PerimeterTarget::Site(finess.into())
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
        ..Default::default()
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

/// Everything that a form may ask to be confirmed.
const WARNINGS: [MessageCode; 4] = [MessageCode::WCiv02, MessageCode::WCon02, MessageCode::WSit06, MessageCode::WSit02];

impl World {
    /// The structures and the people, and nobody habilitated yet.
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
        let shared = Arc::clone(&clock);
        let now: Arc<dyn Fn() -> i64 + Send + Sync> = Arc::new(move || shared.load(Ordering::SeqCst));
        let options = SqliteOptions { entropy: Arc::clone(&entropy), now_ms: Arc::clone(&now), open: |_| false };
        let registry: Arc<dyn Registry> =
            Arc::new(SqliteRegistry::open(&dir.path().join("registry.sqlite"), options).await.unwrap());
        let (registration, system) = Registration::new(RegistrationSettings {
            registry: Arc::clone(&registry),
            structures: Arc::new(Scan(Arc::clone(&registry))),
            entropy: Arc::clone(&entropy),
            now_ms: Arc::clone(&now),
            commit_ms: Arc::clone(&now),
            secret: [7; 32],
            rpps_prefix: "99912".into(),
            public_base: "https://annuaire.example/portail".into(),
            terms_version: "2026-01".into(),
            arbiters: [NATIONAL.to_owned(), COLLEAGUE.to_owned()].into(),
            support: [NATIONAL.to_owned()].into(),
            auditors: [NATIONAL.to_owned()].into(),
            terminologists: [NATIONAL.to_owned()].into(),
            authority_agents: [(NATIONAL.to_owned(), "CNOM".to_owned()), (HEAD.to_owned(), "ARS-53".to_owned())].into(),
            fields: FieldSettings::default(),
        })
        .unwrap();
        let registration = Arc::new(registration);
        let micros = Arc::clone(&now);
        let app = router(PortalSettings {
            registration: Arc::clone(&registration),
            gate: Arc::new(Gate::new(GateSettings::new([1; 32], Arc::new(move || micros() * 1_000)))),
            secret: [7; 32],
            entropy,
            now_ms: now,
            style: "/style.css".into(),
            public_base: "https://annuaire.example".into(),
            sign_in: "/connexion".into(),
            sign_out: "/deconnexion".into(),
            has_civil_logins: true,
            contact_law: CONTACT_LAW.into(),
            is_fictional: false,
            demo: None,
        });
        let world = Self { registration, system, registry, clock, app, _dir: dir };
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
            world.state_person(id, given).await;
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
        let entity = PerimeterTarget::LegalEntity("990000002".into());
        for (target, manager) in [(site("990000010"), SITE), (entity, HEAD), (site("990000028"), NEIGHBOUR)] {
            world.registration.designate_manager(&rep, &target, manager, ManagerTerms::default()).await.unwrap();
        }
        world
    }

    pub async fn state_structure(&self, s: Structure) {
        let entity = format!("ST:{}", s.id_technique);
        self.state(file_source("finess-eg").unwrap().owner(), entity, Objet::Structure(s)).await;
    }

    /// States a person as an order does.
    pub async fn state_person(&self, national_id: &str, given: &str) {
        let object = Objet::Professionnel(person(national_id, given));
        self.state(Owner::authority("CNOM").unwrap(), format!("PP:{national_id}"), object).await;
    }

    /// Nothing of a person that an order stated is public any more.
    pub async fn withhold(&self, national_id: &str) {
        let object = Objet::Professionnel(person(national_id, "COLLEGUE"));
        self.put(Owner::authority("CNOM").unwrap(), format!("PP:{national_id}"), object, Publication::Restricted).await;
    }

    pub async fn state(&self, owner: Owner, entity: String, object: Objet) {
        self.put(owner, entity, object, Publication::Open).await;
    }

    async fn put(&self, owner: Owner, entity: String, object: Objet, publication: Publication) {
        let mut unit = self.registry.begin().await.unwrap();
        let description = serde_json::to_string(&owner).unwrap();
        unit.set_owner(&OwnerRow { code: owner.code.clone(), description }).await.unwrap();
        let key = FactKey { owner: owner.code.clone(), entity, facet: String::new() };
        let payload = Some(serde_json::to_string(&object).unwrap());
        unit.put(Change { key, payload, publication, fingerprint: 0 }, Expect::Any).await.unwrap();
        let now = self.clock.load(Ordering::SeqCst);
        let cause = Cause::new(Channel::Operator, "test", "test");
        unit.save(&cause, CommitClock { now_ms: &move || now, any_clock: false }).await.unwrap();
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

    /// A request at T01 of a person of that given name.
    pub async fn submitted(&self, by: &ManagerSession, structure: &str, given: &str, name: &str) -> SteppedRequest {
        self.submitted_with(by, structure, (given, name), |_| {}).await
    }

    /// A request at T01 with another situation.
    pub async fn submitted_with(
        &self,
        by: &ManagerSession,
        structure: &str,
        (given, name): (&str, &str),
        change: impl FnOnce(&mut SituationDraft),
    ) -> SteppedRequest {
        let r = &self.registration;
        let civil = CivilDraft {
            civilite: "MME".into(),
            sexe: "F".into(),
            nom_famille: "Essai".into(),
            nom_usage: "Fictif".into(),
            prenom1: given.into(),
            date_naissance: "07/05/1991".into(),
            pays_naissance: "France".into(),
            commune_naissance: "97128".into(),
            ..Default::default()
        };
        let contact = ContactDraft { email: format!("{name}@personne.example"), mobile: "0692000012".into(), sans_mobile: false };
        let mut situation = SituationDraft {
            nom_exercice: "Fictif".into(),
            prenom_exercice: given.into(),
            structure: structure.into(),
            profession: "313".into(),
            role: "GENR11".into(),
            mode_exercice: "S".into(),
            date_debut: "02/11/2026".into(),
            ..Default::default()
        };
        change(&mut situation);
        let mut at = r.create_request(by, structure, &RegistrationSubject::Unknown).await.unwrap();
        for section in [SectionDraft::Civil(civil), SectionDraft::Contact(contact), SectionDraft::Situation(situation)] {
            let outcome = r.validate_section(by, &at.number, at.version, section, &WARNINGS).await.unwrap();
            assert!(outcome.valid, "{:?}", outcome.findings.list);
            at = outcome.request;
        }
        r.submit(by, &at.number, LegalStatement::default()).await.unwrap()
    }

    /// A request at T02.
    pub async fn validated(&self, by: &ManagerSession, structure: &str, given: &str, name: &str) -> SteppedRequest {
        let at = self.submitted(by, structure, given, name).await;
        self.signed(by, at).await
    }

    /// A request at T01, validated.
    pub async fn signed(&self, by: &ManagerSession, at: SteppedRequest) -> SteppedRequest {
        let statement = LegalStatement { confirmed: true, face_to_face: true, method: None };
        self.registration.validate_request(by, &at.number, at.version, statement, None).await.unwrap()
    }

    /// A registered person: number of the request, RPPS number.
    pub async fn registered(&self, by: &ManagerSession, structure: &str, given: &str, name: &str) -> (String, String) {
        let at = self.validated(by, structure, given, name).await;
        self.process().await;
        let sheet = self.registration.open_sheet(by, &at.number).await.unwrap();
        (at.number, sheet.rpps.expect("a number"))
    }

    pub async fn process(&self) {
        assert_eq!(self.registration.run_processing(&self.system).await.unwrap().failed, 0);
    }

    async fn asked(&self, who: Option<&str>, request: axum::http::request::Builder, body: String) -> Answered {
        let mut request: Request<Body> = request.body(Body::from(body)).unwrap();
        if let Some(who) = who {
            let signed_in = SignedIn {
                national_id: who.to_owned(),
                other_ids: Vec::new(),
                sid: format!("sid-{who}"),
                by_card: false,
                login_ms: self.clock.load(Ordering::SeqCst),
            };
            request.extensions_mut().insert(signed_in);
        }
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 4 << 20).await.unwrap();
        let location = parts.headers.get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let bytes = bytes.to_vec();
        let is_pdf = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/pdf");
        let text = if is_pdf { String::new() } else { String::from_utf8(bytes.clone()).unwrap() };
        Answered { status: parts.status, location, headers: parts.headers, bytes, text }
    }

    /// A page, asked for by somebody who is logged in, or by a stranger.
    pub async fn get(&self, who: Option<&str>, path: &str) -> Answered {
        self.asked(who, Request::builder().uri(path), String::new()).await
    }

    /// A form as it is posted, with nothing added.
    pub async fn post_plain(&self, who: Option<&str>, path: &str, fields: &[(&str, &str)]) -> Answered {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let body = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&");
        let request = Request::builder().method(Method::POST).uri(path);
        self.asked(who, request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"), body).await
    }

    /// A form of somebody, with their token.
    pub async fn post(&self, who: &str, path: &str, fields: &[(&str, &str)]) -> Answered {
        let token = self.token(who).await;
        let mut all = vec![("jeton", token.as_str())];
        all.extend_from_slice(fields);
        self.post_plain(Some(who), path, &all).await
    }

    /// The token of the forms of a registered person.
    pub async fn token(&self, who: &str) -> String {
        let page = self.get(Some(who), "/portail/habilitations").await;
        let (_, rest) = page.text.split_once("name=\"jeton\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }
}
