//! « Mes effectifs » (SC40, registration §4.10): who works, or will work, in a structure of the perimeter.

use crate::acting::CaseActor;
use crate::error::{Error, RegistrationStop};
use crate::followed::{ContactProposalRow, HomeHelpRow};
use crate::limits::LIST_PAGE_MAX;
use crate::person::{RegisteredPerson, persons};
use crate::place::RegisteredPlace;
use crate::row::{VersionedRow, read};
use crate::service::{Registration, with_member};
use crate::session::ManagerSession;
use crate::statement::state_of;
use annuaire_mos::SituationExercice;
use annuaire_mos::owner::Facet;
use annuaire_workflow::day::{Day, plus_days};
use annuaire_workflow::norm::norm;
use annuaire_workflow::reviews::ReviewStep;
use annuaire_workflow::situation::SituationState;
use annuaire_workflow::value_sets::needs_attestation;
use serde_json::json;

/// A situation in a structure, with what a manager of the structure may know of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffLine {
    /// RPPS number.
    pub rpps: String,
    /// Family name in capitals and given name of exercise.
    pub name: String,
    /// Profession: code of TRE_R85; empty for a profession that an order registers.
    pub profession: String,
    /// « Rôle dans l'établissement »: code.
    pub role: String,
    /// « Mode d'exercice »: code.
    pub mode: String,
    /// Identifier of the situation.
    pub situation: String,
    /// First day, ISO.
    pub from: String,
    /// Planned last day, ISO; empty when there is none.
    pub until: String,
    /// Whether it begins later.
    pub planned: bool,
    /// Whether somebody vouches for the civil status.
    pub certified: bool,
    /// `verified` by the professional, `stated` by somebody else, `proposed` and not confirmed, `none`.
    pub contact: &'static str,
    /// Last day of the attestation of a qualified home helper, ISO; empty for any other profession.
    pub home_help_until: String,
    /// Whether this structure stated the situation, so that its managers may change it.
    pub own: bool,
    /// Whether the structure was asked to confirm the situation and did not: « non confirmé » (registration §15).
    pub unconfirmed: bool,
}

/// A page of the staff of a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffPage {
    /// The structure.
    pub place: RegisteredPlace,
    /// One line for each situation of the persons of the page, by name.
    pub lines: Vec<StaffLine>,
    /// Persons of the page that were read.
    pub persons: u32,
    /// How many persons there are in all.
    pub total: u64,
}

impl Registration {
    /// The staff of a structure, by its number: the situations that stand or are planned, of the `limit` persons (100 at most) after
    /// the first `offset`. A page counts persons, in the order of the search for structures; its lines are sorted by name. The read is
    /// audited. Cost: the facts of the persons of the page, a row for each situation, and one for each person without a verified contact.
    ///
    /// # Errors
    /// E-PER-01 and E-PER-02 beyond the perimeter; the errors of the registry and of the search for structures.
    pub async fn staff(
        &self,
        by: &ManagerSession,
        structure: &str,
        offset: u32,
        limit: u32,
    ) -> Result<StaffPage, RegistrationStop> {
        self.staff_as(&CaseActor::manager(by), structure, offset, limit).await
    }

    /// The staff of a structure, for whoever acts by habilitations.
    pub(crate) async fn staff_as(
        &self,
        actor: &CaseActor,
        structure: &str,
        offset: u32,
        limit: u32,
    ) -> Result<StaffPage, RegistrationStop> {
        let mut event = actor.event("effectifs", structure);
        let place = self.place_within(actor, structure, &event).await?;
        let limit = limit.clamp(1, LIST_PAGE_MAX);
        let found = self.settings.structures.persons_of(&place.id, offset, limit).await;
        let (numbers, total) = found.map_err(Error::Structures)?;
        let found = persons(self.registry(), &numbers).await?;
        let mut lines = Vec::new();
        for person in &found {
            lines.extend(self.staff_lines(person, &place, self.today()).await?);
        }
        let situations: Vec<String> = lines.iter().filter(|line| line.own).map(|line| line.situation.clone()).collect();
        let steps = self.review_steps(u32::try_from(total).unwrap_or(u32::MAX), &situations).await?;
        for line in &mut lines {
            line.unconfirmed = steps.get(&line.situation) == Some(&ReviewStep::NotConfirmed);
        }
        lines.sort_by_cached_key(|line| (norm(&line.name), line.rpps.clone(), line.from.clone()));
        event.object.clone_from(&place.number);
        event.detail = with_member(&event.detail, "persons", &json!(found.len()));
        self.audit(event).await?;
        let persons = u32::try_from(found.len()).unwrap_or(u32::MAX);
        Ok(StaffPage { place, lines, persons, total })
    }

    async fn staff_lines(&self, person: &RegisteredPerson, place: &RegisteredPlace, today: Day) -> Result<Vec<StaffLine>, Error> {
        let mut lines = Vec::new();
        let owner = place.owner().code;
        for practice in &person.merged.exercices {
            for s in practice.situations.iter().filter(|s| s.structure == place.id) {
                let state = state_of(s, today);
                if !matches!(state, SituationState::Active | SituationState::Planned) {
                    continue;
                }
                let facet = Facet::Situation { id: s.id_situation_exercice.clone() }.to_string();
                let name = format!("{} {}", practice.nom_exercice.to_uppercase(), practice.prenom_exercice);
                lines.push(StaffLine {
                    rpps: person.national_id.get(1..).unwrap_or_default().to_owned(),
                    name: name.trim().to_owned(),
                    profession: s.role.clone(),
                    role: s.genre_activite.clone(),
                    mode: s.mode_exercice.clone(),
                    situation: s.id_situation_exercice.clone(),
                    from: s.date_debut.clone(),
                    until: s.date_fin.clone(),
                    planned: state == SituationState::Planned,
                    certified: person.is_certified(),
                    contact: "",
                    home_help_until: self.home_help_until(s).await?,
                    own: person.facts.iter().any(|fact| fact.key.facet == facet && fact.key.owner == owner),
                    unconfirmed: false,
                });
            }
        }
        if !lines.is_empty() {
            let contact = self.contact_state(person).await?;
            lines.iter_mut().for_each(|line| line.contact = contact);
        }
        Ok(lines)
    }

    async fn home_help_until(&self, s: &SituationExercice) -> Result<String, Error> {
        if !needs_attestation(&s.role) {
            return Ok(String::new());
        }
        let row: Option<VersionedRow<HomeHelpRow>> = read(self.registry(), &s.id_situation_exercice).await?;
        let ends = row.and_then(|row| row.value.attestation()).map(|attested| plus_days(attested.ends(), -1));
        Ok(ends.map(|day| day.to_string()).unwrap_or_default())
    }

    async fn contact_state(&self, person: &RegisteredPerson) -> Result<&'static str, Error> {
        if person.verified_contact().is_some() {
            return Ok("verified");
        }
        let proposed: Option<VersionedRow<ContactProposalRow>> = read(self.registry(), &person.national_id).await?;
        if proposed.is_some() {
            return Ok("proposed");
        }
        let contact = person.contact();
        Ok(if contact.mail.is_empty() && contact.mobile.is_empty() { "none" } else { "stated" })
    }
}
