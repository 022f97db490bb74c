//! An installation in a directory with its interface: the reserved structures, their managers, a clock, and software with and without a token.
//! Each answer is compared with the OpenAPI document: its address, method and status stand there.
#![allow(clippy::unwrap_used, missing_docs, dead_code)]

use annuaire_base::fact::{FactKey, Publication};
use annuaire_consolidate::entity_key;
use annuaire_hr::{BASE, HrSettings, router};
use annuaire_mos::owner::{Owner, file_source};
use annuaire_mos::{Coordonnees, EtatCivil, ExerciceProfessionnel, Objet, Professionnel, SituationExercice, Structure};
use annuaire_registry::{
    ManagerTerms, Registration, RegistrationSettings, RegistrationSubject, RepresentativeSession, SessionTrace, StructureSearch,
    SystemActor,
};
use annuaire_store::{Cause, Change, Channel, CommitClock, Entropy, Expect, OwnerRow, Registry};
use annuaire_store_sqlite::{SqliteOptions, SqliteRegistry};
use annuaire_web::{Gate, GateSettings};
use annuaire_workflow::fields::{FieldSettings, StructureQuery};
use annuaire_workflow::perimeter::PerimeterTarget;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tower::ServiceExt;

/// Legal representative of all three structures.
pub const REP: &str = "899900000011";
/// Manager of the site 990000010.
pub const SITE: &str = "899900000029";
/// Manager of the site 990000028.
pub const NEIGHBOUR: &str = "810999000010";
/// Scheme and host of the interface.
pub const HOST: &str = "https://annuaire.example";

/// Answers from a scan of the registry, as the index of the program does from its postings.
struct Scan(Arc<dyn Registry>);

impl Scan {
    async fn objects(&self) -> Vec<(String, Objet)> {
        let (facts, _) = self.0.standing(self.0.last_tx().await.unwrap(), "", 10_000).await.unwrap();
        facts.iter().map(|fact| (fact.key.entity.clone(), serde_json::from_str(&fact.payload).unwrap())).collect()
    }

    async fn ids(&self, wanted: impl Fn(&Structure) -> bool) -> Vec<String> {
        let structures = self.objects().await.into_iter().filter_map(|(_, object)| match object {
            Objet::Structure(s) => Some(s),
            _ => None,
        });
        structures.filter(wanted).map(|s| s.id_technique).collect()
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
        let wanted = query.nom.to_uppercase();
        let mut found = self.ids(|s| s.raison_sociale.to_uppercase().contains(&wanted)).await;
        found.truncate(limit);
        Ok(found)
    }

    async fn persons_of(&self, structure: &str, offset: u32, limit: u32) -> Result<(Vec<String>, u64), String> {
        let works = |object: &Objet| match object {
            Objet::Professionnel(p) => p.exercices.iter().any(|e| e.situations.iter().any(|s| s.structure == structure)),
            _ => false,
        };
        let found = self.objects().await.into_iter().filter(|(_, object)| works(object));
        let mut found: Vec<String> =
            found.filter_map(|(entity, _)| entity_key::number_of_person(&entity).map(str::to_owned)).collect();
        found.sort_unstable();
        let total = found.len() as u64;
        Ok((found.into_iter().skip(offset as usize).take(limit as usize).collect(), total))
    }
}

/// What a software was answered.
#[derive(Debug)]
pub struct Told {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Told {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }

    /// Fails unless it is a success of this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// Fails unless it is a refusal of this status and code, in the form of RFC 9457.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let value = self.json();
        assert_eq!((value["status"].as_u64(), value["code"].as_str()), (Some(u64::from(status)), Some(code)), "{value}");
        assert_eq!(value["type"].as_str(), Some(format!("{HOST}{BASE}/openapi.json#{code}").as_str()));
        assert!(!value["title"].as_str().unwrap().is_empty() && !value["detail"].as_str().unwrap().is_empty());
        self
    }

    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
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

fn structure(finess: &str, entity: &str, siret: &str) -> Structure {
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

fn person(national_id: &str, given: &str, structure: &str) -> Professionnel {
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
                structure: format!("F{structure}"),
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

pub fn civil(given: &str) -> Value {
    json!({
        "civilite": "MME", "sexe": "F", "nomFamille": "Essai", "nomUsage": "Fictif", "prenom1": given,
        "dateNaissance": "07/05/1991", "paysNaissance": "France", "communeNaissance": "97128",
    })
}

pub fn contact(name: &str) -> Value {
    json!({"email": format!("{name}@personne.example"), "mobile": "0692000012"})
}

pub fn situation(structure: &str, given: &str) -> Value {
    json!({
        "nomExercice": "Fictif", "prenomExercice": given, "structure": structure, "profession": "313", "role": "GENR11",
        "modeExercice": "S", "dateDebut": "02/11/2026",
    })
}

impl World {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let counter = AtomicU64::new(1);
        let entropy: Entropy = Arc::new(move |bytes: &mut [u8]| {
            let number = counter.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            bytes.iter_mut().zip(number.to_le_bytes().into_iter().cycle()).for_each(|(byte, own)| *byte = own);
        });
        // 26 November 2026, 10:06 in Paris.
        let clock = Arc::new(AtomicI64::new(1_795_684_000_000));
        let now = {
            let clock = Arc::clone(&clock);
            Arc::new(move || clock.load(Ordering::SeqCst))
        };
        let options = SqliteOptions { entropy: Arc::clone(&entropy), now_ms: now.clone(), open: |_| false };
        let registry: Arc<dyn Registry> =
            Arc::new(SqliteRegistry::open(&dir.path().join("registry.sqlite"), options).await.unwrap());
        let (registration, system) = Registration::new(RegistrationSettings {
            registry: Arc::clone(&registry),
            structures: Arc::new(Scan(Arc::clone(&registry))),
            entropy,
            now_ms: now.clone(),
            commit_ms: now.clone(),
            secret: [7; 32],
            rpps_prefix: "99912".into(),
            public_base: format!("{HOST}/portail"),
            terms_version: "2026-01".into(),
            arbiters: [].into(),
            support: [].into(),
            auditors: [].into(),
            authority_agents: [].into(),
            terminologists: [].into(),
            fields: FieldSettings::default(),
        })
        .unwrap();
        let registration = Arc::new(registration);
        let micros = {
            let clock = Arc::clone(&clock);
            Arc::new(move || clock.load(Ordering::SeqCst) * 1_000)
        };
        let app = router(HrSettings {
            registration: Arc::clone(&registration),
            gate: Arc::new(Gate::new(GateSettings::new([1; 32], micros))),
            public_base: HOST.into(),
            today: Arc::new(|| "2026-11-26".to_owned()),
        });
        let world = Self { registration, system, registry, clock, app, _dir: dir };
        for (finess, entity, siret) in
            [("990000002", "", ""), ("990000010", "990000002", "99900000300015"), ("990000028", "990000002", "99900000300023")]
        {
            let s = structure(finess, entity, siret);
            world
                .state(file_source("finess-eg").unwrap().owner(), entity_key::structure(&s.id_technique), Objet::Structure(s))
                .await;
        }
        for (id, given, at) in
            [(REP, "REPRESENTANTE", "990000010"), (SITE, "SITE", "990000010"), (NEIGHBOUR, "VOISINE", "990000028")]
        {
            let p = person(id, given, at);
            world.state(Owner::authority("CNOM").unwrap(), entity_key::person(id), Objet::Professionnel(p)).await;
        }
        let rep = world.representative().await;
        for number in ["990000002", "990000010", "990000028"] {
            world.registration.attach_structure(&rep, number, true).await.unwrap();
        }
        for (finess, manager) in [("990000010", SITE), ("990000028", NEIGHBOUR)] {
            world.registration.designate_manager(&rep, &site(finess), manager, ManagerTerms::default()).await.unwrap();
        }
        world
    }

    async fn state(&self, owner: Owner, entity: String, object: Objet) {
        let mut unit = self.registry.begin().await.unwrap();
        let description = serde_json::to_string(&owner).unwrap();
        unit.set_owner(&OwnerRow { code: owner.code.clone(), description }).await.unwrap();
        let key = FactKey { owner: owner.code, entity, facet: String::new() };
        let payload = Some(serde_json::to_string(&object).unwrap());
        unit.put(Change { key, payload, publication: Publication::Open, fingerprint: 0 }, Expect::Any).await.unwrap();
        let now = self.clock.load(Ordering::SeqCst);
        let cause = Cause::new(Channel::Operator, "test", "test");
        unit.save(&cause, CommitClock { now_ms: &move || now, any_clock: false }).await.unwrap();
    }

    pub async fn representative(&self) -> RepresentativeSession {
        self.registration.representative_session(REP, trace()).await.unwrap()
    }

    pub fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    /// A software of a site: its identifier and its secret.
    pub async fn software(&self, finess: &str, manager: &str, may_validate: bool) -> (String, String) {
        let rep = self.representative().await;
        // Each has a name of its own, as the use case asks.
        let name = format!("SIRH d'essai {}", self.registration.software_of(&rep, &site(finess)).await.unwrap().len());
        let made = self.registration.add_software(&rep, &site(finess), &name, manager, may_validate).await.unwrap();
        (made.0, made.1.expose().to_owned())
    }

    /// A token of a software, by the interface.
    pub async fn token(&self, (client, secret): &(String, String)) -> String {
        let form = format!("grant_type=client_credentials&client_id={client}&client_secret={secret}");
        let told = self.form(&[], &form).await.ok(200);
        told.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Asks for a token.
    pub async fn form(&self, headers: &[(&str, &str)], form: &str) -> Told {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend(headers);
        self.send(Method::POST, "/jeton", &all, form.as_bytes().to_vec()).await
    }

    /// A call with a token; an empty one is none.
    pub async fn call(&self, token: &str, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Told {
        let bearer = format!("Bearer {token}");
        let mut all = headers.to_vec();
        if !token.is_empty() {
            all.push(("authorization", &bearer));
        }
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.send(method, path, &all, body).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Told {
        self.call(token, Method::GET, path, &[], &Value::Null).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Told {
        self.call(token, Method::POST, path, &[], body).await
    }

    /// Sends a request, and compares what is answered with the document.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Told {
        let told = self.raw(method.clone(), path, headers, body).await;
        let document = self.document().await;
        let asked = path.split('?').next().unwrap();
        let fits = |template: &str| {
            let (one, other): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), asked.split('/').collect());
            one.len() == other.len() && one.iter().zip(&other).all(|(place, part)| place.starts_with('{') || place == part)
        };
        let name = method.as_str().to_ascii_lowercase();
        let operations = document["paths"].as_object().unwrap().iter().filter(|(template, _)| fits(template));
        // A fixed part of a path wins over a place.
        let found = operations
            .filter(|(_, methods)| methods.get(&name).is_some())
            .min_by_key(|(template, _)| template.matches('{').count());
        let (template, methods) = found.unwrap_or_else(|| panic!("{method} {path} stands in no document"));
        let answers = methods[&name]["responses"].as_object().unwrap();
        assert!(answers.contains_key(told.status.as_str()), "{method} {template} answers {}: {}", told.status, told.text);
        assert_eq!((told.header("cache-control"), told.header("x-content-type-options")), ("no-store".into(), "nosniff".into()));
        told
    }

    pub async fn raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Told {
        let mut request = Request::builder().method(method).uri(format!("{BASE}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.app.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Told { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub async fn document(&self) -> Value {
        self.raw(Method::GET, "/openapi.json", &[(header::HOST.as_str(), "annuaire.example")], Vec::new()).await.ok(200).json()
    }

    /// Begins a request by the interface; its number and version.
    pub async fn begun(&self, token: &str, key: &str) -> (String, String) {
        let body = json!({"structure": "990000010"});
        let told = self.call(token, Method::POST, "/demandes", &[("idempotency-key", key)], &body).await.ok(201);
        (told.json()["numero"].as_str().unwrap().to_owned(), told.header("etag"))
    }

    /// A request of the neighbour's authority.
    pub async fn elsewhere(&self) -> String {
        let by = self.registration.manager_session(NEIGHBOUR, trace()).await.unwrap();
        self.registration.create_request(&by, "990000028", &RegistrationSubject::Unknown).await.unwrap().number
    }

    /// Fills a section; a second is let pass, so that no rate is met.
    pub async fn fill(&self, token: &str, number: &str, section: &str, version: &str, body: &Value) -> Told {
        self.pass(1_000);
        self.call(token, Method::PUT, &format!("/demandes/{number}/{section}"), &[("if-match", version)], body).await
    }

    /// A request with three valid sections: its number.
    pub async fn filled(&self, token: &str, key: &str, given: &str, family: &str, birth: &str) -> (String, String) {
        let (number, mut version) = self.begun(token, key).await;
        let mut status = civil(given);
        (status["nomFamille"], status["dateNaissance"]) = (json!(family), json!(birth));
        let mail = contact(&given.to_lowercase());
        for (section, body) in [("civil", status), ("contact", mail), ("situation", situation("990000010", given))] {
            let told = self.fill(token, &number, section, &version, &body).await.ok(200);
            version = told.header("etag");
        }
        (number, version)
    }
}
