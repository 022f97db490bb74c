//! The clock of registration in a demonstration: that of the machine, which visitors set forward to see what days bring.

use crate::clock::now_ms;
use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Days that the clock is set forward at most: ten years.
const DAYS_MAX: i64 = 3_660;

/// A clock that only goes forward once it is served. Transactions are dated by the real one.
#[derive(Debug, Default)]
pub(crate) struct DemoClock(AtomicI64);

impl DemoClock {
    /// Sets the clock forward by whole days, up to a bound of [`DAYS_MAX`] in all.
    pub(crate) fn advance(&self, days: u32) {
        let forward = |ahead: i64| Some(ahead.saturating_add(i64::from(days).saturating_mul(DAY_MS)).min(DAYS_MAX * DAY_MS));
        // The closure gives a value each time, so that there is no error.
        _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, forward);
    }

    /// Sets the clock that many days before that of the machine, while a demonstration is made; nobody is served then.
    pub(crate) fn set_back(&self, days: u32) {
        self.0.store(-i64::from(days) * DAY_MS, Ordering::Release);
    }

    /// Milliseconds since 1970 UTC, as registration counts them.
    pub(crate) fn now_ms(&self) -> i64 {
        now_ms().saturating_add(self.0.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_add_up_to_a_bound() {
        let clock = DemoClock::default();
        let ahead = |clock: &DemoClock| (clock.now_ms() - now_ms()) / DAY_MS;
        assert_eq!(ahead(&clock), 0);
        clock.advance(3);
        clock.advance(4);
        assert!((6..=7).contains(&ahead(&clock)));
        clock.advance(u32::MAX);
        assert!((DAYS_MAX - 1..=DAYS_MAX).contains(&ahead(&clock)));
    }
}
