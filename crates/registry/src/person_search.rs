//! « Modifier un enregistrement »: a registered person by number or by identity, as far as a manager may see them (registration §4.8,
//! §8.2, §8.5).
//!
//! A person of the perimeter is shown with their situations there; of anybody else name, profession and number. Each search is audited
//! with its criteria hashed, and whoever finds nobody too often is locked out for an hour.

use crate::acting::CaseActor;
use crate::content::CivilValues;
use crate::error::{Error, RegistrationStop};
use crate::grants::ManagerRights;
use crate::identity_key::SoughtIdentity;
use crate::notice::OPERATOR_JOB;
use crate::person::RegisteredPerson;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use crate::service::{Registration, with_member};
use crate::session::ManagerSession;
use annuaire_mos::{EtatCivil, SituationExercice};
use annuaire_store::{AuditEvent, NewJob, Queue};
use annuaire_workflow::duplicates::{SearchVerdict, search_verdict};
use annuaire_workflow::fields::{CivilDraft, Findings, check_civil_status};
use annuaire_workflow::limits::FRUITLESS_SEARCHES_MS;
use annuaire_workflow::rights::{masked_mail, masked_mobile};
use annuaire_workflow::rpps_number::idnps;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// By what a person is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonQuery {
    /// « Numéro RPPS ».
    Number(String),
    /// « Identité civile »: all five traits.
    Identity(Box<CivilDraft>),
}

/// What a search gives.
#[derive(Debug, Clone)]
pub enum PersonSearch {
    /// One person.
    Found(Box<FoundPerson>),
    /// Nobody, or more than the form tells: « Aucun professionnel ne correspond ».
    Nobody,
    /// The form is not complete.
    Incomplete(Findings),
    /// Too many searches found nobody: the manager may search again at this instant, in milliseconds.
    LockedUntil(i64),
}

/// A registered person, as far as a manager may see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPerson {
    /// RPPS number.
    pub rpps: String,
    /// Given and family name of exercise.
    pub name: String,
    /// Codes of professions.
    pub professions: Vec<String>,
    /// What is shown of a person who works in the perimeter.
    pub inside: Option<PersonInside>,
}

/// What a manager sees of a person who works in the perimeter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonInside {
    /// Civil status.
    pub civil: EtatCivil,
    /// E-mail address, masked once the professional verified it.
    pub mail: String,
    /// Mobile, masked likewise.
    pub mobile: String,
    /// Situations in structures of the perimeter.
    pub situations: Vec<SituationExercice>,
}

/// Instants at which a manager found nobody.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FruitlessSearchesRow {
    pub(crate) manager: String,
    pub(crate) at_ms: Vec<i64>,
}

impl RegistrationRow for FruitlessSearchesRow {
    const KIND: &'static str = "fruitless-searches";

    fn key(&self) -> String {
        self.manager.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        self.at_ms.last().map(|last| last.saturating_add(2 * FRUITLESS_SEARCHES_MS))
    }
}

impl Registration {
    /// Searches a registered person.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn find_person(&self, by: &ManagerSession, query: &PersonQuery) -> Result<PersonSearch, RegistrationStop> {
        let (now_ms, actor) = (self.now_ms(), CaseActor::manager(by));
        let known: Option<VersionedRow<FruitlessSearchesRow>> = read(self.registry(), &by.person).await?;
        let fruitless = known.as_ref().map(|row| row.value.at_ms.clone()).unwrap_or_default();
        let mut event = actor.event("rechercher-personne", "");
        if let SearchVerdict::LockedUntil(until) = search_verdict(&fruitless, now_ms) {
            event.detail = with_member(&event.detail, "locked", &json!(until));
            self.audit(event).await?;
            return Ok(PersonSearch::LockedUntil(until));
        }
        let (criteria, found) = match query {
            PersonQuery::Number(number) => {
                let number = number.split_whitespace().collect::<String>();
                let criteria = self.keys.hashed("search", &[&number]);
                // A former ADELI number leads to its person (registration §16.7).
                let number = self.rpps_of_adeli(&number).await?.unwrap_or(number);
                // An alias answers with its survivor (registration §8.6).
                let number = self.surviving_number(&number).await?.unwrap_or(number);
                (criteria, self.person(&idnps(&number)).await?)
            }
            PersonQuery::Identity(draft) => {
                let (status, findings) = check_civil_status(draft, &self.fields());
                let Some(status) = status else { return Ok(PersonSearch::Incomplete(findings)) };
                let values = CivilValues::from(status);
                let sought = SoughtIdentity { traits: values.traits(), ..Default::default() };
                let best = self.find_identity(&sought, self.today()).await?;
                (self.identity_hash(&values), best.filter(|best| best.found.strict).map(|best| best.person))
            }
        };
        event.detail = with_member(&event.detail, "criteria", &json!(criteria));
        let Some(person) = found else {
            let by_identity = matches!(query, PersonQuery::Identity(_));
            self.found_nobody(&actor, event, (fruitless, known.map(|row| row.version)), by_identity).await?;
            return Ok(PersonSearch::Nobody);
        };
        event.object.clone_from(&person.national_id);
        // Whoever reads about themselves is told for which structures the manager acted.
        let targets: Vec<String> = by.habilitations().iter().map(crate::target::text_of).collect();
        event.detail = with_member(&event.detail, "habilitations", &json!(targets));
        self.audit(event).await?;
        let rights = self.rights(&by.person).await?;
        Ok(PersonSearch::Found(Box::new(self.shown(&person, &rights).await?)))
    }

    /// Notes a search that found nobody, with its event; only one by identity counts against the limit.
    pub(crate) async fn found_nobody(
        &self,
        actor: &CaseActor,
        event: AuditEvent,
        (mut at_ms, version): (Vec<i64>, Option<u64>),
        by_identity: bool,
    ) -> Result<(), RegistrationStop> {
        if !by_identity {
            return Ok(self.audit(event).await?);
        }
        let now_ms = self.now_ms();
        at_ms.retain(|at| now_ms.saturating_sub(*at) < 2 * FRUITLESS_SEARCHES_MS);
        at_ms.push(now_ms);
        let mut writes = PendingWrites::default();
        if matches!(search_verdict(&at_ms, now_ms), SearchVerdict::LockedUntil(_)) {
            let payload = json!({"alert": "searches", "manager": actor.id}).to_string();
            let (kind, key) = (OPERATOR_JOB.to_owned(), format!("searches|{}", actor.id));
            writes.job(NewJob { queue: Queue::Work, kind, key, due_ms: now_ms, payload });
        }
        writes.put(&FruitlessSearchesRow { manager: actor.id.clone(), at_ms }, version)?;
        writes.audit(event);
        // Of two searches at once one is counted by the other's next attempt, and never given away: it fails.
        if self.write(writes, &crate::acting::plain_cause(actor, "")).await? {
            return Ok(());
        }
        Err(Error::Contended { number: "searches".to_owned() }.into())
    }

    pub(crate) async fn shown(&self, person: &RegisteredPerson, rights: &ManagerRights) -> Result<FoundPerson, Error> {
        let mut structures: Vec<String> = person.situations().map(|(_, _, s)| s.structure.clone()).collect();
        structures.sort_unstable();
        structures.dedup();
        let places = self.places(&structures).await?.into_iter().filter(|place| rights.contains(place));
        let reached: Vec<String> = places.map(|place| place.id).collect();
        let own = person.situations().filter(|(_, _, s)| reached.contains(&s.structure));
        let situations: Vec<SituationExercice> = own.map(|(_, _, s)| s.clone()).collect();
        let inside = person.works_in(&reached, self.today()).then(|| {
            let (contact, is_theirs) = (person.contact(), person.verified_contact().is_some());
            let masked = |text: String, mask: fn(&str) -> String| if is_theirs { mask(&text) } else { text };
            PersonInside {
                civil: person.merged.etat_civil.clone().unwrap_or_default(),
                mail: masked(contact.mail, masked_mail),
                mobile: masked(contact.mobile, masked_mobile),
                situations,
            }
        });
        Ok(FoundPerson {
            rpps: person.national_id.get(1..).unwrap_or_default().to_owned(),
            name: person.full_name(),
            professions: person.merged.exercices.iter().map(|e| e.profession.clone()).collect(),
            inside,
        })
    }
}
