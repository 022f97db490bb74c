//! The survey of new registrations (registration §15): one in a hundred, drawn by a secret seed, is asked two questions a week later. Answers are kept
//! without the person: a territory, a day, twice yes or no.

use crate::acting::CaseActor;
use crate::contact_proposals::person_event;
use crate::error::{Error, RegistrationStop};
use crate::limits::{SURVEY_AFTER_DAYS, SURVEY_ANSWER_KEPT_MS, SURVEY_DAYS};
use crate::person::structures;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use crate::service::{Registration, refusal};
use crate::session::HolderSession;
use annuaire_workflow::day::{Day, paris_day, paris_midnight, parse_iso, plus_days};
use annuaire_workflow::indicators::territory_of;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::reviews::is_surveyed;
use serde::{Deserialize, Serialize};

/// Somebody who is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SurveyRow {
    /// National identification.
    person: String,
    /// Technical identifier of the structure that registered them.
    structure: String,
    /// First and last day of the answer, ISO.
    from: String,
    until: String,
    ends_ms: i64,
}

/// An answer, of nobody.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SurveyAnswerRow {
    /// Random.
    key: String,
    /// Code of the department; empty when there is none.
    pub(crate) territory: String,
    pub(crate) informed: bool,
    pub(crate) exact: bool,
    ends_ms: i64,
}

impl RegistrationRow for SurveyRow {
    const KIND: &'static str = "survey";

    fn key(&self) -> String {
        self.person.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.ends_ms)
    }
}

impl RegistrationRow for SurveyAnswerRow {
    const KIND: &'static str = "survey-answer";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.ends_ms)
    }
}

impl SurveyRow {
    fn new(person: &str, structure: &str, registered: Day) -> Self {
        let from = plus_days(registered, SURVEY_AFTER_DAYS);
        let until = plus_days(from, SURVEY_DAYS);
        Self {
            person: person.to_owned(),
            structure: structure.to_owned(),
            from: from.to_string(),
            until: until.to_string(),
            ends_ms: paris_midnight(plus_days(until, 1)),
        }
    }

    /// The instant at which the message leaves, and the last day of the answer.
    pub(crate) fn asked(&self) -> Option<(i64, Day)> {
        Some((paris_midnight(parse_iso(&self.from)?).saturating_add(crate::limits::DIGEST_HOUR_MS), parse_iso(&self.until)?))
    }
}

impl Registration {
    /// The row of a registration that is drawn; `None` for the others.
    pub(crate) fn drawn_survey(&self, request: &str, person: &str, structure: &str, now_ms: i64) -> Option<SurveyRow> {
        let seed = self.keys.hashed("survey", &[]);
        is_surveyed(seed.as_bytes(), request).then(|| SurveyRow::new(person, structure, paris_day(now_ms)))
    }

    /// The last day on which a professional answers the survey; `None` for whoever is not asked. Cost: one point read.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn open_survey(&self, by: &HolderSession) -> Result<Option<Day>, Error> {
        let row: Option<VersionedRow<SurveyRow>> = read(self.registry(), &by.person).await?;
        let today = paris_day(self.now_ms());
        let open = row.and_then(|row| Some((parse_iso(&row.value.from)?, parse_iso(&row.value.until)?)));
        Ok(open.filter(|(from, until)| (*from..=*until).contains(&today)).map(|(_, until)| until))
    }

    /// Takes the answers: whether the professional was informed of the registration, and whether the role is exact. The row of the person ends with it.
    ///
    /// # Errors
    /// E-GEN-02 for whoever is not asked, or not now; the errors of the registry.
    pub async fn answer_survey(&self, by: &HolderSession, informed: bool, exact: bool) -> Result<(), RegistrationStop> {
        let actor = CaseActor::holder(by);
        let event = person_event(&actor, "repondre-enquete", &by.person);
        let is_open = self.open_survey(by).await?.is_some();
        let row: Option<VersionedRow<SurveyRow>> = read(self.registry(), &by.person).await?;
        let Some(row) = row.filter(|_| is_open) else { return self.refused(event, refusal(MessageCode::EGen02)).await };
        let place = structures(self.registry(), std::slice::from_ref(&row.value.structure)).await?.pop();
        let mut random = [0; 16];
        (self.settings.entropy)(&mut random);
        let answer = SurveyAnswerRow {
            key: random.iter().map(|byte| format!("{byte:02x}")).collect(),
            territory: place.map(|s| territory_of(&s.adresse.cog_commune, &s.adresse.code_postal)).unwrap_or_default(),
            informed,
            exact,
            // By whole days, so that it is not found beside the event of the trail.
            ends_ms: paris_midnight(paris_day(self.now_ms())).saturating_add(SURVEY_ANSWER_KEPT_MS),
        };
        let mut writes = PendingWrites::default();
        writes.remove(&row);
        writes.put(&answer, None)?;
        writes.audit(event);
        self.written_once(writes, &actor, &by.person).await
    }
}
