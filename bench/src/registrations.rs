//! `annuaire-bench registrations [N]`: registrations from the first « Enregistrer » to the public store, in process, on a file or on the
//! database of the environment: create, three sections, submit, validate, T02, follower. Eight managers work side by side.

use crate::load::Figures;
use crate::table::row;
use crate::writer::{database, now_ms, registry};
use annuaire_base::fact::{FactKey, Publication};
use annuaire_consolidate::entity_key;
use annuaire_fhir::schema::{PRACTITIONER, param_id};
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::{Filter, Index};
use annuaire_mos::owner::Owner;
use annuaire_mos::{EtatCivil, ExerciceProfessionnel, Objet, Professionnel, SituationExercice, Structure};
use annuaire_registry::{
    ManagerSession, ManagerTerms, Registration, RegistrationSettings, RegistrationSubject, SectionDraft, SessionTrace,
    StructureSearch, SystemActor,
};
use annuaire_store::{BlockingRegistry, Cause, Change, Channel, CommitClock, Entropy, Expect, OwnerRow, Registry};
use annuaire_terms::ParamId;
use annuaire_workflow::day::{french, paris_day};
use annuaire_workflow::fields::{CivilDraft, ContactDraft, FieldSettings, SituationDraft, StructureQuery};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::request::LegalStatement;
use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Managers at work.
const TASKS: usize = 8;
/// Pause of the processing when nothing waits.
const IDLE: Duration = Duration::from_millis(5);
/// Pause of somebody who looks whether a person is published.
const LOOK: Duration = Duration::from_millis(2);
/// Longest time from the validation to the public store.
const LONGEST: Duration = Duration::from_secs(60);
const REPRESENTATIVE: &str = "899900000011";
const MANAGER: &str = "899900000029";
const SITE: &str = "990000010";
const FAMILY: ParamId = param_id("Practitioner", "family");

/// The one structure is known by its number.
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

/// Prints the table.
pub fn run(count: usize) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let blocking = registry(dir.path())?;
    let view = View { guide: Guide::V120, perimeter: Perimeter::Public };
    let index = Arc::new(annuaire_publish::open(&dir.path().join("public"), 8 << 30, view)?);
    let stop = Arc::new(AtomicBool::new(false));
    let follower = {
        let (blocking, index, stop) = (blocking.clone(), Arc::clone(&index), Arc::clone(&stop));
        std::thread::spawn(move || follow(&blocking, &index, view, &stop))
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let measured = runtime.block_on(measure(Arc::clone(blocking.registry()), &index, count, &stop));
    stop.store(true, Ordering::Relaxed);
    follower.join().ok().context("the follower panicked")??;
    let (time, written, visible) = measured?;
    let database = if database().is_some() { "PostgreSQL" } else { "SQLite" };
    println!("| {count} registrations, {TASKS} managers, {database} | Figure |\n|---|---|");
    row("create to visible", &format!("{:.0}/s", count as f64 / time.as_secs_f64()));
    for (what, figures) in [("create to validated", written), ("validated to visible in the public store", visible)] {
        let (p50, p99) = (figures.p50() as f64 / 1_000.0, figures.p99() as f64 / 1_000.0);
        row(what, &format!("p50 {p50:.1} ms, p99 {p99:.1} ms"));
    }
    Ok(())
}

/// Publishes what is committed, until the end.
fn follow(registry: &BlockingRegistry, index: &Index, view: View, stop: &AtomicBool) -> Result<()> {
    let commits = registry.registry().commits();
    let mut known = None;
    while !stop.load(Ordering::Relaxed) {
        let last = *commits.borrow();
        if known == Some(last) {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        annuaire_publish::follow(registry, index, view, &|_, _, _| {})?;
        known = Some(last);
    }
    Ok(())
}

async fn measure(
    registry: Arc<dyn Registry>,
    index: &Arc<Index>,
    count: usize,
    stop: &Arc<AtomicBool>,
) -> Result<(Duration, Figures, Figures)> {
    state_people(&registry).await?;
    let entropy: Entropy = Arc::new(|bytes: &mut [u8]| {
        let random = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(bytes));
        random.unwrap_or_else(|e| unreachable!("the system has random numbers: {e}"));
    });
    let (registration, system) = Registration::new(RegistrationSettings {
        registry,
        structures: Arc::new(ByNumberAlone),
        entropy,
        now_ms: Arc::new(now_ms),
        commit_ms: Arc::new(now_ms),
        secret: [7; 32],
        rpps_prefix: "999".into(),
        public_base: "https://annuaire.example/portail".into(),
        terms_version: "1".into(),
        arbiters: Default::default(),
        support: Default::default(),
        auditors: Default::default(),
        authority_agents: Default::default(),
        terminologists: Default::default(),
        fields: FieldSettings::default(),
    })?;
    let representative = registration.representative_session(REPRESENTATIVE, SessionTrace::default()).await?;
    registration.attach_structure(&representative, SITE, true).await?;
    let site = PerimeterTarget::Site(SITE.into());
    registration.designate_manager(&representative, &site, MANAGER, ManagerTerms::default()).await?;
    let by = registration.manager_session(MANAGER, SessionTrace::default()).await?;
    let registration = Arc::new(registration);
    let processing = tokio::spawn(process(Arc::clone(&registration), system, Arc::clone(stop)));
    // The first one reads the terminologies.
    validate(&registration, &by, count).await?;
    wait_for(index, count).await?;
    let (next, begun) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        let (registration, by, index, next) = (Arc::clone(&registration), by.clone(), Arc::clone(index), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            let (mut written, mut visible) = (Vec::new(), Vec::new());
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return Ok::<_, anyhow::Error>((written, visible));
                }
                let begun = Instant::now();
                validate(&registration, &by, n).await?;
                written.push(micros(begun.elapsed()));
                let begun = Instant::now();
                wait_for(&index, n).await?;
                visible.push(micros(begun.elapsed()));
            }
        }));
    }
    let (mut written, mut visible) = (Vec::new(), Vec::new());
    for task in tasks {
        let (some, more) = task.await??;
        written.extend(some);
        visible.extend(more);
    }
    let time = begun.elapsed();
    stop.store(true, Ordering::Relaxed);
    processing.await??;
    Ok((time, Figures::of(written), Figures::of(visible)))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// T02, again and again.
async fn process(registration: Arc<Registration>, system: SystemActor, stop: Arc<AtomicBool>) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let run = registration.run_processing(&system).await?;
        ensure!(run.failed == 0, "{} requests failed", run.failed);
        if run.processed == 0 {
            tokio::time::sleep(IDLE).await;
        }
    }
    Ok(())
}

/// A name for a number, unlike those of its neighbours: names that are alike go to the arbiter.
fn name(n: usize) -> String {
    let mixed = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let letters = (0..10).map(|at| char::from(b'A' + u8::try_from((mixed >> (at * 6)) % 26).unwrap_or(0)));
    letters.collect()
}

/// Create, three sections, submit, validate.
async fn validate(registration: &Registration, by: &ManagerSession, n: usize) -> Result<()> {
    let mut at = registration.create_request(by, SITE, &RegistrationSubject::Unknown).await?;
    let (family, given) = (name(n), name(n + 0x1000_0000));
    let civil = CivilDraft {
        civilite: if n.is_multiple_of(2) { "MME" } else { "M" }.into(),
        sexe: if n.is_multiple_of(2) { "F" } else { "M" }.into(),
        nom_famille: family.clone(),
        prenom1: given.clone(),
        date_naissance: format!("{:02}/{:02}/{}", 1 + n % 28, 1 + n / 28 % 12, 1950 + n / 336 % 50),
        pays_naissance: "France".into(),
        commune_naissance: "35238".into(),
        ..CivilDraft::default()
    };
    let email = format!("{}@personne.example", family.to_lowercase());
    let contact = ContactDraft { email, mobile: format!("06{:08}", 10_000_000 + n % 80_000_000), sans_mobile: false };
    let situation = SituationDraft {
        nom_exercice: family,
        prenom_exercice: given,
        structure: SITE.into(),
        profession: "313".into(),
        role: "GENR11".into(),
        mode_exercice: "S".into(),
        date_debut: french(paris_day(now_ms())),
        ..SituationDraft::default()
    };
    for draft in [SectionDraft::Civil(civil), SectionDraft::Contact(contact), SectionDraft::Situation(situation)] {
        let confirmed = [MessageCode::WSit06, MessageCode::WSit02];
        let outcome = registration.validate_section(by, &at.number, at.version, draft, &confirmed).await?;
        ensure!(outcome.valid, "{:?}", outcome.findings.codes());
        at = outcome.request;
    }
    let at = registration.submit(by, &at.number, LegalStatement::default()).await?;
    let signed = LegalStatement { confirmed: true, face_to_face: true, method: None };
    registration.validate_request(by, &at.number, at.version, signed, None).await?;
    Ok(())
}

/// Until the public store has the person.
async fn wait_for(index: &Index, n: usize) -> Result<()> {
    let begun = Instant::now();
    let wanted = Filter::Prefix { param: FAMILY, value: name(n) };
    while begun.elapsed() < LONGEST {
        // The snapshot ends before the pause: it holds a reader of the store.
        let found = index.snapshot()?.search(PRACTITIONER, &wanted)?.len();
        if found > 0 {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("{} is not published after {LONGEST:?}", name(n))
}

/// The structure, its representative and its manager, as an order states them.
async fn state_people(registry: &Arc<dyn Registry>) -> Result<()> {
    let person = |id: &str, given: &str| Professionnel {
        type_id_nat_pp: "8".into(),
        id_pp: id[1..].into(),
        id_nat_ps: id.into(),
        civilite: "MME".into(),
        exercices: vec![ExerciceProfessionnel {
            profession: "10".into(),
            categorie_professionnelle: "C".into(),
            nom_exercice: "GESTION".into(),
            prenom_exercice: given.into(),
            situations: vec![SituationExercice {
                id_situation_exercice: id.into(),
                mode_exercice: "S".into(),
                structure: format!("F{SITE}"),
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
    };
    let structure = Structure {
        id_technique: format!("F{SITE}"),
        id_nat_struct: format!("1{SITE}"),
        num_finess: SITE.into(),
        raison_sociale: "HOPITAL D'ESSAI".into(),
        ..Default::default()
    };
    let owner = Owner::authority("CNOM").context("the order")?;
    let mut unit = registry.begin().await?;
    unit.set_owner(&OwnerRow { code: owner.code.clone(), description: serde_json::to_string(&owner)? }).await?;
    let people = [(REPRESENTATIVE, "ODILE"), (MANAGER, "ALIX")]
        .map(|(id, given)| (entity_key::person(id), Objet::Professionnel(person(id, given))));
    let place = (entity_key::structure(&structure.id_technique), Objet::Structure(structure));
    for (entity, object) in people.into_iter().chain([place]) {
        let key = FactKey { owner: owner.code.clone(), entity, facet: String::new() };
        let payload = Some(serde_json::to_string(&object)?);
        unit.put(Change { key, payload, publication: Publication::Open, fingerprint: 0 }, Expect::Any).await?;
    }
    unit.save(&Cause::new(Channel::Operator, "bench", "people"), CommitClock { now_ms: &now_ms, any_clock: true }).await?;
    Ok(())
}
