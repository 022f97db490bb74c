//! Warnings of an identical identity elsewhere (registration §8.5): who collects three in a day without submitting what they typed is told to support,
//! because such warnings would tell who is registered.

use crate::acting::{CaseActor, plain_cause};
use crate::content::CivilValues;
use crate::error::Error;
use crate::limits::{ATTEMPTS, OUTSIDE_WARNINGS_MAX};
use crate::notice::OPERATOR_JOB;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use crate::service::{Registration, with_member};
use annuaire_store::{NewJob, Queue};
use annuaire_workflow::day::{paris_day, paris_midnight, plus_days};
use annuaire_workflow::duplicates::alerts_support;
use annuaire_workflow::state::RequestState;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The warnings that somebody got in a day.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutsideWarningsRow {
    /// National identification of the manager, also of the one who answers for a software.
    manager: String,
    /// Day of Paris, ISO.
    day: String,
    /// Number of the request, and keyed hash of the identity.
    warned: Vec<(String, String)>,
    ends_ms: i64,
}

impl RegistrationRow for OutsideWarningsRow {
    const KIND: &'static str = "outside-warnings";

    fn key(&self) -> String {
        self.manager.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.ends_ms)
    }
}

impl Registration {
    /// Notes a warning; at the third one of the day that no submission followed, and at each further one, support is told once a day. Cost: a row,
    /// and the requests of the warnings of the day.
    pub(crate) async fn note_outside_warning(&self, actor: &CaseActor, number: &str, values: &CivilValues) -> Result<(), Error> {
        let manager = actor.answerable().to_owned();
        let warned = (number.to_owned(), self.identity_hash(values));
        for _ in 0..ATTEMPTS {
            let today = paris_day(self.now_ms());
            let known: Option<VersionedRow<OutsideWarningsRow>> = read(self.registry(), &manager).await?;
            let version = known.as_ref().map(|row| row.version);
            let mut all: Vec<(String, String)> =
                known.filter(|row| row.value.day == today.to_string()).map(|row| row.value.warned).unwrap_or_default();
            if !all.contains(&warned) {
                all.push(warned.clone());
            }
            let mut unfollowed = Vec::new();
            for (number, identity) in all {
                if !self.is_followed(&number, &identity).await? {
                    unfollowed.push((number, identity));
                }
            }
            // Support knows of this manager by then: what is kept does not grow without end.
            let surplus = unfollowed.len().saturating_sub(OUTSIDE_WARNINGS_MAX);
            unfollowed.drain(..surplus);
            let mut writes = PendingWrites::default();
            if alerts_support(unfollowed.len()) {
                let payload = json!({"alert": "outside", "manager": manager}).to_string();
                let (kind, key) = (OPERATOR_JOB.to_owned(), format!("outside|{manager}|{today}"));
                writes.job(NewJob { queue: Queue::Work, kind, key, due_ms: self.now_ms(), payload });
                let mut event = actor.event("identites-ailleurs", number);
                event.detail = with_member(&event.detail, "warnings", &json!(unfollowed.len()));
                writes.audit(event);
            }
            let ends_ms = paris_midnight(plus_days(today, 1));
            let row = OutsideWarningsRow { manager: manager.clone(), day: today.to_string(), warned: unfollowed, ends_ms };
            writes.put(&row, version)?;
            if self.write(writes, &plain_cause(actor, number)).await? {
                return Ok(());
            }
        }
        Err(Error::Contended { number: number.to_owned() })
    }

    /// Whether a request left the hands of its author with this identity.
    async fn is_followed(&self, number: &str, identity: &str) -> Result<bool, Error> {
        let Some(kept) = self.request(number).await? else { return Ok(false) };
        let state = RequestState::parse(&kept.value.state);
        if state
            .is_none_or(|state| matches!(state, RequestState::S10 | RequestState::S11 | RequestState::S60 | RequestState::S61))
        {
            return Ok(false);
        }
        let submitted = self.opened(&kept.value)?.civil_values;
        Ok(submitted.is_some_and(|values| self.identity_hash(&values) == identity))
    }
}
