//! What time does: means expire, ends are told again, rows that say nothing any more go.

use crate::error::PhoneError;
use crate::limits;
use crate::means::{Means, MeansState};
use crate::rows::{self, Event, SWEPT, StoredRow};
use crate::service::{ENDED_JOB, PhoneService};
use annuaire_store::Queue;
use serde_json::Value;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HousekeepingRun {
    /// Means whose validity is over.
    pub expired: u64,
    /// Rows that went.
    pub swept: u64,
}

impl PhoneService {
    /// Does what is due. Several nodes may do it at once. To be called every minute or so.
    ///
    /// # Errors
    /// Those of the registry; what was not done is done by the next run.
    pub async fn run_due(&self, now_ms: i64) -> Result<HousekeepingRun, PhoneError> {
        let mut run = HousekeepingRun::default();
        for row in self.registry().identity_rows_due(rows::MEANS, now_ms, limits::PAGE).await? {
            let mut means = StoredRow::<Means>::read(row)?;
            let mut event = Event::default();
            if self.change_state(&mut event, &mut means, MeansState::Expired, "ecps", now_ms)? {
                if self.save(event).await? {
                    self.tell_ended(&means.value).await;
                    run.expired += 1;
                }
            } else {
                // It ended long ago.
                let mut event = Event::default();
                event.remove(&means.row);
                run.swept += u64::from(self.save(event).await?);
            }
        }
        while let Some(job) = self.registry().take_job(Queue::Work, &[ENDED_JOB], now_ms, limits::SEND_LEASE_MS).await? {
            let payload: Value = serde_json::from_str(&job.job.payload).unwrap_or_default();
            if let (Some(national_id), Some(means_id)) = (payload["national_id"].as_str(), payload["means_id"].as_str()) {
                self.settings.ended.means_ended(national_id, means_id).await;
            }
            self.registry().finish_job(job.id).await?;
        }
        run.swept += self.registry().sweep_identity(&SWEPT, now_ms, limits::PAGE * 20).await?;
        Ok(run)
    }
}
