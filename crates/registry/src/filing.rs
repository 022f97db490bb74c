//! Several steps of one request in one unit: what a list or a software says of a request at once is decided step by step, by the table of
//! transitions, and written together or not at all.

use crate::acting::{CaseActor, CaseStep};
use crate::error::{Error, RegistrationStop};
use crate::request_row::RequestRow;
use crate::row::PendingWrites;
use crate::service::Registration;
use crate::step::{REQUEST_COUNTER, SteppedRequest};
use annuaire_store::Cause;
use annuaire_workflow::day::paris_day;
use annuaire_workflow::request_number::RequestNumber;

impl Registration {
    /// Carries out the steps of a request one after the other; `also` adds what is written with them. A new request (`version` absent) has a
    /// reserved number already. `None`, and nothing is written, when somebody else wrote first.
    pub(crate) async fn file(
        &self,
        (mut row, version): (RequestRow, Option<u64>),
        actor: &CaseActor,
        steps: &[CaseStep],
        also: impl FnOnce(&RequestRow, &mut PendingWrites) -> Result<(), Error>,
    ) -> Result<Option<SteppedRequest>, RegistrationStop> {
        let mut content = self.opened(&row)?;
        let mut gathered = PendingWrites::default();
        let Some((last, before)) = steps.split_last() else {
            return Err(Error::Incomplete { number: row.number, what: "step" }.into());
        };
        for step in before {
            let (mut settling, decision, event) = self.decided(row, content, version, actor, step).await?;
            settling.writes = gathered;
            settling.carry_out(&decision)?;
            settling.noted(&decision, event);
            (row, content, gathered) = (settling.row, settling.content, settling.writes);
        }
        let (mut settling, decision, event) = self.decided(row, content, version, actor, last).await?;
        settling.writes = gathered;
        settling.carry_out(&decision)?;
        also(&settling.row, &mut settling.writes)?;
        let done = SteppedRequest {
            number: settling.row.number.clone(),
            state: decision.to,
            version: version.map_or(1, |version| version + 1),
            transition: decision.transition,
        };
        let cause = settling.cause();
        let writes = settling.written(version, &decision, event)?;
        Ok(self.write(writes, &cause).await?.then_some(done))
    }

    /// Takes numbers of requests out of the sequence. Those that are not used leave a gap, and are never given again.
    pub(crate) async fn reserve_numbers(&self, count: u64, cause: &Cause) -> Result<Vec<String>, Error> {
        let (kind, key) = REQUEST_COUNTER;
        for _ in 0..crate::limits::ATTEMPTS {
            let mut unit = self.registry().begin().await?;
            unit.next_tx().await?;
            let last = unit.note(kind, key).await?.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
            let mut writes = PendingWrites::default();
            writes.note(kind, key, last.saturating_add(count).to_string());
            let commit_ms = &self.settings.commit_ms;
            if writes.save(unit, cause, &|| commit_ms()).await? {
                let day = paris_day(self.now_ms());
                return Ok((1..=count).map(|n| RequestNumber::new(day, last.saturating_add(n)).to_string()).collect());
            }
        }
        Err(Error::Contended { number: "to be reserved".to_owned() })
    }
}
