//! The civil register beside registration: what a command needs of the use cases, and the stand-in of a demonstration.

use crate::clock::now_ms;
use crate::config::Configuration;
use crate::data_place::DataPlace;
use crate::demo_clock::DemoClock;
use crate::failing::Failing;
use crate::page_key::page_key;
use crate::registration::PORTAL;
use crate::registry::random_bytes;
use annuaire_base::text::fold;
use annuaire_registry::{CivilAnswer, CivilQuestion, Error, Registration, RegistrationSettings, StructureSearch, SystemActor};
use annuaire_workflow::day::{paris_day, plus_days};
use annuaire_workflow::fields::{FieldSettings, StructureQuery};
use anyhow::{Context, Result};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Milliseconds of the demonstration's clock after which the stand-in answers.
const ANSWER_MS: i64 = 60_000;
/// The stand-in looks for questions this often.
const LOOK: Duration = Duration::from_secs(5);

/// Stands for the index of structures in a command, which has no served store: what a command does looks none up.
struct NoStructures;

const NO_STRUCTURES: &str = "structures are found in a server alone";

#[async_trait]
impl StructureSearch for NoStructures {
    async fn sites_of(&self, _: &str) -> Result<Vec<String>, String> {
        Err(NO_STRUCTURES.to_owned())
    }

    async fn by_siret(&self, _: &str) -> Result<Vec<String>, String> {
        // A structure with a SIRET alone is found by its key in the registry.
        Ok(Vec::new())
    }

    async fn named(&self, _: &StructureQuery, _: usize) -> Result<Vec<String>, String> {
        Err(NO_STRUCTURES.to_owned())
    }

    async fn persons_of(&self, _: &str, _: u32, _: u32) -> Result<(Vec<String>, u64), String> {
        Err(NO_STRUCTURES.to_owned())
    }
}

/// The use cases of registration for an operator's command: nobody has a session there.
///
/// # Errors
/// Where no registration is configured, and those of the directory.
pub(crate) fn registration_of(place: &DataPlace, configuration: &Configuration) -> Result<(Registration, SystemActor)> {
    let section = &configuration.registration;
    let prefix = section.rpps_prefix.clone().filter(|_| section.enabled != Some(false)).context(
        "there is no registration here: rpps_prefix of [registration] is not set in annuaire.toml, or enabled is false",
    )?;
    let identity = &configuration.identity;
    let host = identity.login.as_ref().or(identity.issuer.as_ref());
    let host = host.context("there is no identity provider here: name its issuer (issuer of [identity] in annuaire.toml)")?;
    let made = Registration::new(RegistrationSettings {
        registry: Arc::clone(place.registry()?.registry()),
        structures: Arc::new(NoStructures),
        entropy: Arc::new(random_bytes),
        now_ms: Arc::new(now_ms),
        commit_ms: Arc::new(now_ms),
        secret: page_key(place)?,
        rpps_prefix: prefix,
        public_base: format!("{}{PORTAL}", host.text().trim_end_matches('/')),
        terms_version: section.terms_version.clone(),
        arbiters: BTreeSet::new(),
        support: BTreeSet::new(),
        auditors: BTreeSet::new(),
        authority_agents: BTreeMap::new(),
        terminologists: BTreeSet::new(),
        fields: FieldSettings::default(),
    });
    made.context("registration.rpps_prefix")
}

/// What the stand-in answers, by the family name alone; `docs/civil-register.md` tells it to visitors.
fn stand_in_answer(question: &CivilQuestion, now_ms: i64) -> CivilAnswer {
    let name = fold(question.family_name());
    let has = |word: &str| name.contains(word);
    if has("inconnu") {
        CivilAnswer::Unknown
    } else if has("attente") {
        CivilAnswer::InProgress
    } else if has("disparu") {
        CivilAnswer::Deceased(plus_days(paris_day(now_ms), -1))
    } else if has("forme") {
        let mut given_names = question.given_names().to_vec();
        given_names.push("Marie".to_owned());
        CivilAnswer::Differing { family_name: question.family_name().to_owned(), given_names }
    } else {
        CivilAnswer::Exact
    }
}

/// Stands for the civil register in a demonstration: takes the questions that are due and answers each after a minute of its clock. What
/// waits is in memory, as the demonstration is.
pub(crate) async fn stand_in(registration: Arc<Registration>, system: Arc<SystemActor>, clock: Arc<DemoClock>) {
    let mut failing = Failing::default();
    let mut waiting: Vec<(i64, CivilQuestion)> = Vec::new();
    loop {
        let outcome = look(&registration, &system, &clock, &mut waiting).await;
        failing.note("the stand-in of the civil register", outcome.err().map(|error| error.to_string()));
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(
    registration: &Registration,
    system: &SystemActor,
    clock: &DemoClock,
    waiting: &mut Vec<(i64, CivilQuestion)>,
) -> Result<(), Error> {
    let now = clock.now_ms();
    while let Some(at) = waiting.iter().position(|(sent, _)| now.saturating_sub(*sent) >= ANSWER_MS) {
        let (_, question) = waiting.swap_remove(at);
        registration.take_civil_answer(system, &question.reference, &stand_in_answer(&question, now)).await?;
    }
    let questions = registration.civil_questions(system).await?;
    registration.civil_questions_sent(system, &questions).await?;
    waiting.extend(questions.into_iter().map(|question| (now, question)));
    Ok(())
}
