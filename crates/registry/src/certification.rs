//! The dialogue with the civil register (registration §9): who is asked, what follows from an answer. Each step is one unit with its facts, its
//! audit event and its messages.
//!
//! The rows hold states, days and references, and no trait. What is asked is read from the facts at the moment of the question; a reference
//! depends on it, so that the answer to a question about a former civil status changes nothing.

use crate::acting::CaseActor;
use crate::civil_register::{AskedIdentity, CivilAnswer, CivilQuestion};
use crate::contact_proposals::person_event;
use crate::error::{Error, RegistrationStop};
use crate::followed::{CertificationRow, WEAK_IDENTITY, WithheldMeansRow};
use crate::grants::PlaceManagers;
use crate::limits::{ATTEMPTS, CERTIFIED_MONTHS, CIVIL_QUESTION_KEPT_MS, CIVIL_QUESTIONS_MAX, PAGE, TIMER_HOUR_MS};
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::{RegisteredPerson, persons};
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use crate::service::{Registration, SystemActor, with_member};
use annuaire_base::fact::{Fact, Publication};
use annuaire_mos::owner::Facet;
use annuaire_mos::{EtatCivil, Objet};
use annuaire_store::{AuditEvent, Cause, Change, Channel, Expect};
use annuaire_workflow::certification::{
    CertificationEffect, CertificationEvent, CertificationState, certification_step, next_question, withholds_means,
};
use annuaire_workflow::day::{paris_midnight, parse_iso, plus_days, plus_months};
use annuaire_workflow::limits::UNCERTIFIED_DAYS;
use annuaire_workflow::norm::norm;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Why means are withheld from a person who is not certifiable for long.
pub(crate) const UNCERTIFIED: &str = "identité non certifiable";
/// Letters of a reference.
const REFERENCE_CHARS: usize = 32;

/// A question that was sent. Its answer, and a later notice, find the person by it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CivilQuestionRow {
    pub(crate) reference: String,
    pub(crate) person: String,
    pub(crate) sent_on: String,
    /// Marks of the answers that were taken: keyed hashes.
    pub(crate) answers: Vec<String>,
    pub(crate) ends_ms: i64,
}

impl RegistrationRow for CivilQuestionRow {
    const KIND: &'static str = "civil-question";

    fn key(&self) -> String {
        self.reference.clone()
    }

    fn subject(&self) -> String {
        self.person.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.ends_ms)
    }
}

/// A person who is not certifiable: looked at when the means is to be withheld.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UncertifiedRow {
    person: String,
    due_ms: i64,
}

impl RegistrationRow for UncertifiedRow {
    const KIND: &'static str = "uncertified";

    fn key(&self) -> String {
        self.person.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerOutcome {
    /// It was taken; the state that stands now.
    Taken(CertificationState),
    /// It was noted and changes nothing: the state knows no such event.
    Noted(CertificationState),
    /// The death was recorded.
    Death,
    /// An equal answer to this question was taken before.
    Repeated,
    /// The civil status changed since the question, or its person is gone: another question follows, or none.
    Void,
    /// Another answer to this question was taken before. Only a change and a death may follow one.
    AnsweredBefore,
    /// No question has this reference.
    NotAsked,
}

/// The event of a change of certification.
pub(crate) fn certification_event(
    event: &AuditEvent,
    person: &str,
    change: &(CertificationState, CertificationState),
) -> AuditEvent {
    let mut event = AuditEvent { request: None, object: person.to_owned(), ..event.clone() };
    event.detail = with_member(&event.detail, "from", &json!(change.0.code()));
    event.detail = with_member(&event.detail, "to", &json!(change.1.code()));
    event
}

/// The states that a certification goes through when the civil status changes meanwhile: an open question is void first (AN), then the new
/// civil status is asked for.
pub(crate) fn changed_meanwhile(before: &CertificationRow, asked: &str) -> Vec<(CertificationState, CertificationState)> {
    let (Some(from), Some(asked)) = (CertificationState::parse(&before.state), CertificationState::parse(asked)) else {
        return Vec::new();
    };
    match certification_step(from, CertificationEvent::Changed, before.retries) {
        Some((CertificationState::Void, _)) => vec![(from, CertificationState::Void), (CertificationState::Void, asked)],
        _ => vec![(from, asked)],
    }
}

fn unreadable(cause: serde_json::Error) -> Error {
    Error::Unreadable { kind: "fact", cause }
}

/// The civil status that an owner states, with its fact.
fn civil_of<'a>(person: &'a RegisteredPerson, owner: &str) -> Result<Option<(&'a Fact, String, EtatCivil)>, Error> {
    let facet = Facet::CivilStatus.to_string();
    let Some(fact) = person.facts.iter().find(|fact| fact.key.owner == owner && fact.key.facet == facet) else {
        return Ok(None);
    };
    match serde_json::from_str(&fact.payload).map_err(unreadable)? {
        Objet::EtatCivil { civilite, etat_civil } => Ok(Some((fact, civilite, etat_civil))),
        _ => Ok(None),
    }
}

/// Whether names differ by accents, order or further given names alone: what else the register tells contradicts what was asked.
fn differs_in_form(civil: &EtatCivil, family_name: &str, given_names: &[String]) -> bool {
    let known: Vec<String> = given_names.iter().map(|name| norm(name)).collect();
    norm(&civil.nom_famille) == norm(family_name)
        && !civil.prenoms.is_empty()
        && civil.prenoms.iter().all(|name| known.contains(&norm(name)))
}

/// What an answer means for a civil status: the event, and the form of the register when it gives one.
fn event_of(answer: &CivilAnswer, state: CertificationState, civil: &EtatCivil) -> (CertificationEvent, Option<EtatCivil>) {
    use CertificationEvent as E;
    let certified = state == CertificationState::Certified;
    match answer {
        CivilAnswer::Exact | CivilAnswer::Deceased(_) => (E::Exact, None),
        CivilAnswer::InProgress => (E::UnknownInProgress, None),
        CivilAnswer::Unknown => (E::Unknown, None),
        CivilAnswer::Differing { family_name, given_names } => {
            if !differs_in_form(civil, family_name, given_names) {
                return (E::Unknown, None);
            }
            let form = EtatCivil { nom_famille: family_name.clone(), prenoms: given_names.clone(), ..civil.clone() };
            (if certified { E::RegisterChanged } else { E::Differing }, Some(form))
        }
        CivilAnswer::Changed(new) => {
            let AskedIdentity { family_name, given_names, sex, birth, commune, country, town } = &**new;
            let form = EtatCivil {
                nom_famille: family_name.clone(),
                prenoms: given_names.clone(),
                sexe_administratif: sex.clone(),
                date_naissance: birth.to_string(),
                commune_naissance: commune.clone(),
                pays_naissance: country.clone(),
                lieu_naissance: town.clone(),
                ..civil.clone()
            };
            // Of a person whom the register never certified, new values are a contradiction: the authority looks.
            if certified { (E::RegisterChanged, Some(form)) } else { (E::Unknown, None) }
        }
    }
}

/// Names of the traits that differ, for a message: no value.
fn changed_traits(before: &EtatCivil, after: &EtatCivil) -> String {
    let place = |c: &EtatCivil| (c.commune_naissance.clone(), c.pays_naissance.clone(), c.lieu_naissance.clone());
    let all = [
        ("nom de famille", before.nom_famille != after.nom_famille),
        ("prénoms", before.prenoms != after.prenoms),
        ("sexe", before.sexe_administratif != after.sexe_administratif),
        ("date de naissance", before.date_naissance != after.date_naissance),
        ("lieu de naissance", place(before) != place(after)),
    ];
    all.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn cause() -> Cause {
    Cause::new(Channel::System, "system", "civil-register")
}

impl Registration {
    /// The questions that are due, [`CIVIL_QUESTIONS_MAX`] at most. Nothing is marked: the caller writes them durably and then calls
    /// [`civil_questions_sent`](Self::civil_questions_sent); until then another call gives equal questions with equal references. Cost: a read of
    /// the facts for each person.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn civil_questions(&self, _by: &SystemActor) -> Result<Vec<CivilQuestion>, Error> {
        let mut all = Vec::new();
        for row in self.registry().identity_rows_due(CertificationRow::KIND, self.now_ms(), CIVIL_QUESTIONS_MAX).await? {
            let kept: VersionedRow<CertificationRow> = VersionedRow::of(&row)?;
            match self.question_of(&kept.value).await? {
                Some(question) => all.push(question),
                None => {
                    // Whoever died, or of whom the owner states nothing any more, is not asked for.
                    let row = CertificationRow { due_ms: None, ..kept.value };
                    let mut writes = PendingWrites::default();
                    writes.put(&row, Some(kept.version))?;
                    writes.audit(person_event(&CaseActor::system(), "certification-sans-objet", &row.person));
                    self.write(writes, &cause()).await?;
                }
            }
        }
        Ok(all)
    }

    /// The question about a person as things stand; `None` when there is nothing to ask.
    async fn question_of(&self, row: &CertificationRow) -> Result<Option<CivilQuestion>, Error> {
        let Some(person) = self.person(&row.person).await?.filter(|person| !person.is_deceased()) else { return Ok(None) };
        let Some((_, _, civil)) = civil_of(&person, &row.owner)? else { return Ok(None) };
        let number = row.questions.to_string();
        let mut parts = vec![row.person.as_str(), number.as_str(), &civil.nom_famille, &civil.sexe_administratif];
        parts.extend(
            [&civil.date_naissance, &civil.commune_naissance, &civil.pays_naissance, &civil.lieu_naissance].map(String::as_str),
        );
        parts.extend(civil.prenoms.iter().map(String::as_str));
        let mut reference = self.keys.hashed("civil-question", &parts);
        reference.truncate(REFERENCE_CHARS);
        Ok(Some(CivilQuestion { reference, person: row.person.clone(), civil }))
    }

    /// Marks questions as sent today; returns how many. A question whose civil status changed since it was given is not marked, and its answer
    /// will find nothing. Cost: one unit for each.
    ///
    /// # Errors
    /// Those of the registry. What was marked before stands.
    pub async fn civil_questions_sent(&self, _by: &SystemActor, questions: &[CivilQuestion]) -> Result<u64, Error> {
        let mut marked = 0;
        for question in questions {
            for attempt in 0..=ATTEMPTS {
                let Some(kept) = read::<CertificationRow>(self.registry(), &question.person).await? else { break };
                let now = self.question_of(&kept.value).await?;
                if now.as_ref() != Some(question) || kept.value.due_ms.is_none() {
                    break;
                }
                let today = self.today();
                let row = CertificationRow {
                    due_ms: None,
                    reference: question.reference.clone(),
                    questions: kept.value.questions.saturating_add(1),
                    sent_on: today.to_string(),
                    answered_on: String::new(),
                    ..kept.value
                };
                let asked = CivilQuestionRow {
                    reference: question.reference.clone(),
                    person: question.person.clone(),
                    sent_on: today.to_string(),
                    answers: Vec::new(),
                    ends_ms: self.now_ms().saturating_add(CIVIL_QUESTION_KEPT_MS),
                };
                let mut writes = PendingWrites::default();
                writes.put(&row, Some(kept.version))?;
                writes.put(&asked, None)?;
                writes.audit(person_event(&CaseActor::system(), "repertoire-question", &row.person));
                if self.write(writes, &cause()).await? {
                    marked += 1;
                    break;
                }
                if attempt == ATTEMPTS {
                    return Err(Error::Contended { number: question.person.clone() });
                }
            }
        }
        Ok(marked)
    }

    /// Takes an answer of the register. Taking it again changes nothing. Cost: some point reads and one unit; a death is one unit more, and one for each open request.
    ///
    /// # Errors
    /// Those of the registry; nothing is written then, but for a death that stands while its answer is not noted: take the answer again.
    pub async fn take_civil_answer(
        &self,
        by: &SystemActor,
        reference: &str,
        answer: &CivilAnswer,
    ) -> Result<AnswerOutcome, Error> {
        for _ in 0..ATTEMPTS {
            let Some(mut asked) = read::<CivilQuestionRow>(self.registry(), reference).await? else {
                return Ok(AnswerOutcome::NotAsked);
            };
            let mark = self.keys.hashed("civil-answer", &[reference, &format!("{answer:?}")]);
            if asked.value.answers.contains(&mark) {
                return Ok(AnswerOutcome::Repeated);
            }
            let is_notice = matches!(answer, CivilAnswer::Deceased(_) | CivilAnswer::Changed(_));
            if !asked.value.answers.is_empty() && !is_notice {
                return Ok(AnswerOutcome::AnsweredBefore);
            }
            asked.value.answers.push(mark);
            let mut writes = PendingWrites::default();
            let outcome = match answer {
                CivilAnswer::Deceased(day) => self.answered_by_death(by, &asked.value.person, *day).await?,
                answer => self.answered(&mut writes, &asked.value, answer).await?,
            };
            let mut event = person_event(&CaseActor::system(), "repertoire-reponse", &asked.value.person);
            if let AnswerOutcome::Taken(state) | AnswerOutcome::Noted(state) = outcome {
                event.detail = with_member(&event.detail, "to", &json!(state.code()));
            }
            writes.put(&asked.value, Some(asked.version))?;
            writes.audit(event);
            if self.write(writes, &cause()).await? {
                return Ok(outcome);
            }
        }
        Err(Error::Contended { number: reference.to_owned() })
    }

    async fn answered_by_death(
        &self,
        by: &SystemActor,
        person: &str,
        day: annuaire_workflow::day::Day,
    ) -> Result<AnswerOutcome, Error> {
        let rpps = person.get(1..).unwrap_or_default();
        // A death that was asked for under a number that is an alias by now is that of the survivor.
        let rpps = self.surviving_number(rpps).await?.unwrap_or_else(|| rpps.to_owned());
        match self.death_known(by, &rpps, day).await {
            Ok(()) => Ok(AnswerOutcome::Death),
            Err(RegistrationStop::Refused(_)) => Ok(AnswerOutcome::Void),
            Err(RegistrationStop::Failed(error)) => Err(error),
        }
    }

    /// What follows from any answer but a death.
    async fn answered(
        &self,
        writes: &mut PendingWrites,
        asked: &CivilQuestionRow,
        answer: &CivilAnswer,
    ) -> Result<AnswerOutcome, Error> {
        let kept: Option<VersionedRow<CertificationRow>> = read(self.registry(), &asked.person).await?;
        let (Some(kept), Some(person)) = (kept, self.person(&asked.person).await?) else { return Ok(AnswerOutcome::Void) };
        let state = CertificationState::parse(&kept.value.state);
        let stated = civil_of(&person, &kept.value.owner)?;
        let (Some(state), Some((_, _, civil))) = (state, stated) else { return Ok(AnswerOutcome::Void) };
        if kept.value.reference != asked.reference || person.is_deceased() {
            return Ok(AnswerOutcome::Void);
        }
        let (event, form) = event_of(answer, state, &civil);
        let today = self.today();
        let mut row = CertificationRow { answered_on: today.to_string(), ..kept.value.clone() };
        let Some((new, effects)) = certification_step(state, event, row.retries) else {
            // A certified person is asked for once a year (registration §9.2); nothing is withdrawn by an answer that does not know them.
            row.due_ms = next_year(state, today);
            writes.put(&row, Some(kept.version))?;
            return Ok(AnswerOutcome::Noted(state));
        };
        row.verify = effects.contains(&CertificationEffect::VerifyIdentity);
        row.due_ms = next_year(new, today);
        if effects.contains(&CertificationEffect::AskLater) {
            row.retries = row.retries.saturating_add(1);
            row.due_ms = Some(paris_midnight(next_question(today)));
        }
        if new == CertificationState::Certified {
            row.retries = 0;
        }
        let form = form.filter(|_| effects.contains(&CertificationEffect::TakeRegisterForm));
        self.certify(writes, &person, (&kept, row), new, form.as_ref()).await?;
        let changes = form.as_ref().map(|form| changed_traits(&civil, form)).unwrap_or_default();
        if !changes.is_empty() && effects.contains(&CertificationEffect::Notify(NoticeId::N15)) {
            self.tell_corrected(writes, &person, &kept.value.owner, &changes).await?;
        }
        Ok(AnswerOutcome::Taken(new))
    }

    /// Writes a state of certification: row, fact, and what is withheld.
    pub(crate) async fn certify(
        &self,
        writes: &mut PendingWrites,
        person: &RegisteredPerson,
        (kept, mut row): (&VersionedRow<CertificationRow>, CertificationRow),
        state: CertificationState,
        form: Option<&EtatCivil>,
    ) -> Result<(), Error> {
        let today = self.today();
        if row.state != state.code() {
            row.since = today.to_string();
        } else if row.since.is_empty() {
            row.since.clone_from(&row.asked_on);
        }
        state.code().clone_into(&mut row.state);
        self.state_certified(writes, person, &row, form).await?;
        let withheld: Option<VersionedRow<WithheldMeansRow>> = read(self.registry(), &row.person).await?;
        if let Some(withheld) = withheld {
            let reason = withheld.value.reason.as_str();
            let ends = (reason == UNCERTIFIED && state != CertificationState::NotCertifiable)
                || (reason == WEAK_IDENTITY && state == CertificationState::Certified);
            if ends {
                writes.remove(&withheld);
            }
        }
        if state == CertificationState::NotCertifiable {
            let known: Option<VersionedRow<UncertifiedRow>> = read(self.registry(), &row.person).await?;
            let since = parse_iso(&row.since).unwrap_or(today);
            let due_ms = paris_midnight(plus_days(since, UNCERTIFIED_DAYS + 1)).saturating_add(TIMER_HOUR_MS);
            writes.put(&UncertifiedRow { person: row.person.clone(), due_ms }, known.map(|known| known.version))?;
        }
        writes.put(&row, Some(kept.version))
    }

    /// A new version of the civil status of its owner; former names stay keys of search.
    async fn state_certified(
        &self,
        writes: &mut PendingWrites,
        person: &RegisteredPerson,
        row: &CertificationRow,
        form: Option<&EtatCivil>,
    ) -> Result<(), Error> {
        let Some((fact, civilite, civil)) = civil_of(person, &row.owner)? else { return Ok(()) };
        let mut new = form.unwrap_or(&civil).clone();
        new.statut.clone_from(&row.state);
        new.date_effet.clone_from(&row.since);
        let payload = serde_json::to_string(&Objet::EtatCivil { civilite, etat_civil: new }).map_err(unreadable)?;
        let change =
            Change { key: fact.key.clone(), payload: Some(payload), publication: Publication::Restricted, fingerprint: 0 };
        writes.change(change, Expect::UnchangedSince(person.at));
        if let (Some(form), Some(mut traits)) = (form, person.traits()) {
            traits.other_names.push(std::mem::replace(&mut traits.family_name, form.nom_famille.clone()));
            traits.given_names.clone_from(&form.prenoms);
            traits.birth = parse_iso(&form.date_naissance);
            traits.sex.clone_from(&form.sexe_administratif);
            traits.place.commune.clone_from(&form.commune_naissance);
            traits.place.country.clone_from(&form.pays_naissance);
            traits.place.town = if form.commune_naissance.is_empty() { form.lieu_naissance.clone() } else { String::new() };
            let contact = person.contact();
            let former = self.person_keys(&person.national_id).await?;
            self.index_person(writes, &person.national_id, &former, &traits, (&contact.mail, &contact.mobile))?;
        }
        Ok(())
    }

    /// The structure that an owner is; `None` when the registry does not know it any more.
    pub(crate) async fn place_of_owner(&self, owner: &str) -> Result<Option<RegisteredPlace>, Error> {
        let number = owner.strip_prefix("ENREG:").and_then(|number| number.get(1..)).unwrap_or_default();
        Ok(self.place_numbered(number).await?.filter(|place| place.owner().code == owner))
    }

    async fn tell_corrected(
        &self,
        writes: &mut PendingWrites,
        person: &RegisteredPerson,
        owner: &str,
        changes: &str,
    ) -> Result<(), Error> {
        let managers = match self.place_of_owner(owner).await? {
            Some(place) => PlaceManagers::of(self.registry(), &place, self.today()).await?.all(),
            None => Vec::new(),
        };
        let mut people = NoticePeople::default();
        people.set(NoticeAudience::Managers, persons(self.registry(), &managers).await?.iter().map(Into::into).collect());
        people.set(NoticeAudience::Professional, vec![person.into()]);
        let mut values = NoticeValues::of("");
        values.set("liste", changes);
        self.notify(writes, NoticeId::N15, &people, &values, self.now_ms())
    }

    /// Withholds the means of persons who are not certifiable for more than 90 days (registration §9.3), and tells whoever states the civil status
    /// (G06). What is withheld for another reason stays as it is, and support lifts it.
    pub(crate) async fn run_uncertified(&self) -> Result<(), Error> {
        let today = self.today();
        loop {
            let rows = self.registry().identity_rows_due(UncertifiedRow::KIND, self.now_ms(), PAGE).await?;
            let mut moved = false;
            for row in &rows {
                let due: VersionedRow<UncertifiedRow> = VersionedRow::of(row)?;
                let kept: Option<VersionedRow<CertificationRow>> = read(self.registry(), &due.value.person).await?;
                let mut writes = PendingWrites::default();
                let waits = kept.as_ref().is_some_and(|kept| {
                    let since = parse_iso(kept.value.stands_since()).unwrap_or(today);
                    CertificationState::parse(&kept.value.state).is_some_and(|state| withholds_means(state, since, false, today))
                });
                if waits {
                    if let Some(kept) = &kept {
                        let since = parse_iso(kept.value.stands_since()).unwrap_or(today);
                        self.tell_uncertified(&mut writes, &kept.value.owner, since).await?;
                    }
                    let known: Option<VersionedRow<WithheldMeansRow>> = read(self.registry(), &due.value.person).await?;
                    if known.is_none() {
                        let row = WithheldMeansRow {
                            person: due.value.person.clone(),
                            reason: UNCERTIFIED.to_owned(),
                            since: today.to_string(),
                            request: String::new(),
                        };
                        writes.put(&row, None)?;
                        writes.audit(person_event(&CaseActor::system(), "suspendre-moyens", &due.value.person));
                    }
                }
                writes.remove(&due);
                moved |= self.write(writes, &cause()).await?;
            }
            if !moved || rows.len() < PAGE as usize {
                return Ok(());
            }
        }
    }
}

/// When a certified person is asked for again; `None` for any other state.
fn next_year(state: CertificationState, today: annuaire_workflow::day::Day) -> Option<i64> {
    (state == CertificationState::Certified).then(|| paris_midnight(plus_months(today, CERTIFIED_MONTHS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_in_form_is_told_from_a_contradiction() {
        let civil = EtatCivil { nom_famille: "ESSAI".into(), prenoms: vec!["ZOE".into()], ..EtatCivil::default() };
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(differs_in_form(&civil, "Éssai", &names(&["Anne", "Zoé"])));
        assert!(!differs_in_form(&civil, "Essaie", &names(&["Zoé"])));
        assert!(!differs_in_form(&civil, "Essai", &names(&["Anne"])));
        let contradiction = CivilAnswer::Differing { family_name: "Autre".into(), given_names: names(&["Zoé"]) };
        assert_eq!(event_of(&contradiction, CertificationState::Asked, &civil), (CertificationEvent::Unknown, None));
    }
}
