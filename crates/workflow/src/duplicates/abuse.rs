//! Limits against guessing (registration §8.5).

use crate::day::paris_time;
use crate::limits::{FRUITLESS_SEARCHES_MAX, FRUITLESS_SEARCHES_MS, UNFOLLOWED_WARNINGS_MAX, WISHES_OPEN_MAX};
use crate::messages::MessageCode;

/// Whether a manager may search for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SearchVerdict {
    /// Yes; so many more may find nothing within the hour.
    Allowed(usize),
    /// No, until this instant in milliseconds; support is told.
    LockedUntil(i64),
}

impl SearchVerdict {
    /// The refusal of a search that is locked, with its text; `None` for one that is allowed.
    #[must_use]
    pub fn refusal(self) -> Option<(MessageCode, String)> {
        match self {
            Self::Allowed(_) => None,
            Self::LockedUntil(at) => Some((MessageCode::EHab08, MessageCode::EHab08.fill(&[("heure", &paris_time(at))]))),
        }
    }
}

/// Judges a search from the instants of the manager's earlier searches that found nothing, in any order. The lock lasts an hour
/// from the tenth.
#[must_use]
pub fn search_verdict(fruitless: &[i64], now: i64) -> SearchVerdict {
    let mut times: Vec<i64> = fruitless.iter().copied().filter(|at| *at <= now).collect();
    times.sort_unstable();
    // Ten searches within an hour lock from the tenth on, also when the first ones are older than an hour by now.
    let lock = times
        .windows(FRUITLESS_SEARCHES_MAX)
        .filter(|ten| ten[ten.len() - 1].saturating_sub(ten[0]) < FRUITLESS_SEARCHES_MS)
        .map(|ten| ten[ten.len() - 1].saturating_add(FRUITLESS_SEARCHES_MS))
        .max();
    if let Some(until) = lock.filter(|until| now < *until) {
        return SearchVerdict::LockedUntil(until);
    }
    let recent = times.iter().filter(|at| now.saturating_sub(**at) < FRUITLESS_SEARCHES_MS).count();
    SearchVerdict::Allowed(FRUITLESS_SEARCHES_MAX.saturating_sub(recent))
}

/// The refusal of one more wish for a profession, of somebody of whom so many wait for an answer; `None` when it is allowed.
#[must_use]
pub fn wish_refusal(waiting: usize) -> Option<(MessageCode, String)> {
    let refused = || (MessageCode::ENom01, MessageCode::ENom01.fill(&[("n", &waiting.to_string())]));
    (waiting >= WISHES_OPEN_MAX).then(refused)
}

/// Whether support is told: three warnings of an identical identity elsewhere that no submission followed, in one day.
#[must_use]
pub fn alerts_support(unfollowed_warnings_today: usize) -> bool {
    unfollowed_warnings_today >= UNFOLLOWED_WARNINGS_MAX
}
