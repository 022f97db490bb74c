//! Numbers of requests: `P`, creation day, counter (registration §6.1).

use crate::day::{Day, parse_iso};
use crate::limits::REQUEST_COUNTER_MAX;
use std::fmt;

/// The number of a request, such as `P20260112000042`. Numbers of one day differ as long as fewer than a million are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNumber {
    day: Day,
    counter: u64,
}

impl RequestNumber {
    /// The number for a day of Paris and the value of the one sequence, which begins at 1 and never repeats. The counter skips
    /// zero.
    #[must_use]
    pub const fn new(day: Day, sequence: u64) -> Self {
        Self { day, counter: sequence.saturating_sub(1) % REQUEST_COUNTER_MAX + 1 }
    }

    /// Reads a number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('P').filter(|digits| digits.len() == 14 && digits.bytes().all(|b| b.is_ascii_digit()))?;
        let (date, counter) = digits.split_at(8);
        let day = parse_iso(&format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]))?;
        let counter = counter.parse().ok().filter(|counter| *counter > 0)?;
        Some(Self { day, counter })
    }

    /// The day of creation.
    #[must_use]
    pub const fn day(self) -> Day {
        self.day
    }
}

impl fmt::Display for RequestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{:04}{:02}{:02}{:06}", self.day.year(), self.day.month(), self.day.day(), self.counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day() -> Day {
        parse_iso("2026-01-12").unwrap()
    }

    #[test]
    fn the_counter_grows_and_skips_zero() {
        let text = |sequence| RequestNumber::new(day(), sequence).to_string();
        assert_eq!(text(42), "P20260112000042");
        assert_eq!([text(999_999), text(1_000_000), text(0)], ["P20260112999999", "P20260112000001", "P20260112000001"]);
        for wrong in
            ["P20260112000000", "P20261312000042", "p20260112000042", "P2026011200004", "P202601120000420", "", "P2026é112000042"]
        {
            assert_eq!(RequestNumber::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_written_and_do_not_repeat(first in 1..u64::MAX - 1_000_000, step in 1..999_999_u64) {
            let number = RequestNumber::new(day(), first);
            prop_assert_eq!(RequestNumber::parse(&number.to_string()), Some(number));
            prop_assert_ne!(number, RequestNumber::new(day(), first + step));
        }
    }
}
