//! Jobs: work that a transaction causes and that is done later, at least once.

use annuaire_base::Tx;

/// What kind of work a job is, which decides who takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Work inside the installation: reminders, expiry, cleaning up.
    Work,
    /// Messages that leave it: mail, SMS, notifications of other systems (outbox).
    Outbox,
}

/// A job to be written with a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Queue.
    pub queue: Queue,
    /// What is to be done; the worker that takes it knows the kinds.
    pub kind: String,
    /// A second job of one kind and key replaces the first while it waits: a reminder is moved, not doubled. Empty: never replaced.
    pub key: String,
    /// Not before this instant, milliseconds since 1970 UTC.
    pub due_ms: i64,
    /// What the worker needs, as JSON. No secret, and no more personal data than the work needs.
    pub payload: String,
}

/// A job that waits or is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Number, unique in the registry.
    pub id: i64,
    /// As it was written; `due_ms` moves with each attempt.
    pub job: NewJob,
    /// Attempts that failed or ended without a word.
    pub attempts: u32,
    /// Transaction that caused it, absent when its unit changed no fact.
    pub tx: Option<Tx>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// How long to wait after `attempts` failed ones, in milliseconds: doubles from `first_ms` up to `longest_ms`.
#[must_use]
pub fn back_off_ms(attempts: u32, first_ms: i64, longest_ms: i64) -> i64 {
    let doubled = 1_i64.checked_shl(attempts.saturating_sub(1).min(40)).unwrap_or(i64::MAX);
    first_ms.saturating_mul(doubled).min(longest_ms)
}

#[cfg(test)]
mod tests {
    use super::back_off_ms;

    #[test]
    fn waiting_doubles_up_to_a_bound() {
        let waits: Vec<i64> = [1, 2, 3, 4, 99].into_iter().map(|n| back_off_ms(n, 1_000, 7_500)).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 7_500, 7_500]);
    }
}
