//! What waits for an operator: letters to print, alerts to look at. They are jobs that no loop takes.

use crate::notice::OPERATOR_JOB;
use annuaire_store::Job;
use serde_json::Value;

/// What waits for an operator, for `status` and `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorBacklog {
    /// How many letters and alerts wait.
    pub waiting: u64,
    /// What the one that waits longest is: `letter N24`, `alert fraud`; no personal data.
    pub oldest: String,
    /// Number of its request; empty when it is about none.
    pub request: String,
    /// Since when it waits, milliseconds since 1970 UTC.
    pub since_ms: i64,
}

impl OperatorBacklog {
    /// The backlog among the jobs of the work queue; `None` when nothing waits.
    #[must_use]
    pub fn of(jobs: &[Job]) -> Option<Self> {
        let ours = || jobs.iter().filter(|job| job.job.kind == OPERATOR_JOB);
        let oldest = ours().min_by_key(|job| job.job.due_ms)?;
        let payload: Value = serde_json::from_str(&oldest.job.payload).unwrap_or_default();
        let named = |kind: &str| payload[kind].as_str().map(|name| format!("{kind} {name}"));
        Some(Self {
            waiting: ours().count() as u64,
            oldest: named("letter").or_else(|| named("alert")).unwrap_or_default(),
            request: payload["request"].as_str().unwrap_or_default().to_owned(),
            since_ms: oldest.job.due_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_store::{NewJob, Queue};

    fn job(kind: &str, due_ms: i64, payload: &str) -> Job {
        let new = NewJob { queue: Queue::Work, kind: kind.into(), key: String::new(), due_ms, payload: payload.into() };
        Job { id: due_ms, job: new, attempts: 0, tx: None, last_error: None }
    }

    #[test]
    fn letters_and_alerts_are_counted_and_the_oldest_is_named() {
        let jobs = [
            job("registration-process", 1, "{}"),
            job(OPERATOR_JOB, 9, r#"{"letter":"N03","request":"P20260112000042"}"#),
            job(OPERATOR_JOB, 5, r#"{"alert":"fraud","request":"P20260112000041"}"#),
        ];
        let found = OperatorBacklog::of(&jobs).unwrap();
        assert_eq!((found.waiting, found.oldest.as_str(), found.request.as_str()), (2, "alert fraud", "P20260112000041"));
        assert_eq!(found.since_ms, 5);
        assert_eq!(OperatorBacklog::of(&jobs[..1]), None);
        assert_eq!(OperatorBacklog::of(&jobs[..2]).unwrap().oldest, "letter N03");
    }
}
