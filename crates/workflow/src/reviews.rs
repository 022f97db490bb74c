//! Reviews that keep the directory true (registration §15, §4.11).

use crate::day::{Day, plus_days, plus_months};
use crate::limits::{
    ANOMALY_DAYS, ARBITRATION_CHECK_ONE_IN, LARGE_STRUCTURE_PERSONS, REVIEW_MONTHS, REVIEW_MONTHS_LARGE, REVIEW_UNANSWERED_DAYS,
    SURVEY_ONE_IN,
};
use sha2::{Digest, Sha256};

/// What an authority answers about a situation in the campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewAnswer {
    /// « Toujours présent ».
    Present,
    /// « Parti le ».
    Left(Day),
    /// « Rôle changé ».
    RoleChanged,
}

/// Where the review of a situation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewStep {
    /// Confirmed not long ago.
    Fresh,
    /// The authority is asked (N20).
    Asked,
    /// The legal representative is reminded.
    Reminded,
    /// Restricted data shows « non confirmé ». Nothing is removed.
    NotConfirmed,
}

/// The days on which a situation is asked for, its legal representative is reminded, and « non confirmé » is shown, when it was confirmed last on a
/// day, in a structure of so many persons.
#[must_use]
pub fn review_days(confirmed: Day, persons: u32) -> [Day; 3] {
    let months = if persons > LARGE_STRUCTURE_PERSONS { REVIEW_MONTHS_LARGE } else { REVIEW_MONTHS };
    let asked = plus_months(confirmed, months);
    let [reminded, not_confirmed] = REVIEW_UNANSWERED_DAYS.map(|days| plus_days(asked, days));
    [asked, reminded, not_confirmed]
}

/// Where a situation stands that was confirmed last on a day, in a structure of so many persons.
#[must_use]
pub fn review_step(confirmed: Day, persons: u32, today: Day) -> ReviewStep {
    let [asked, reminded, not_confirmed] = review_days(confirmed, persons);
    if today < asked {
        ReviewStep::Fresh
    } else if today < reminded {
        ReviewStep::Asked
    } else if today < not_confirmed {
        ReviewStep::Reminded
    } else {
        ReviewStep::NotConfirmed
    }
}

/// The day until which an anomaly that somebody reported is answered by the owner of the datum.
#[must_use]
pub fn anomaly_answered_by(reported: Day) -> Day {
    plus_days(reported, ANOMALY_DAYS)
}

/// Whether a registration is asked for an opinion: one of a hundred, chosen by a secret seed, so that nobody foresees which.
#[must_use]
pub fn is_surveyed(seed: &[u8], request: &str) -> bool {
    draw(seed, "survey", request).is_multiple_of(SURVEY_ONE_IN)
}

/// Whether another arbiter looks at a decision again: one of twenty, chosen by a secret seed.
#[must_use]
pub fn is_checked_again(seed: &[u8], request: &str) -> bool {
    draw(seed, "arbitration", request).is_multiple_of(ARBITRATION_CHECK_ONE_IN)
}

fn draw(seed: &[u8], purpose: &str, request: &str) -> u64 {
    let mut hash = Sha256::new();
    for part in [seed, purpose.as_bytes(), request.as_bytes()] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(8).fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;

    #[test]
    fn an_unanswered_review_goes_on_and_removes_nothing() {
        let d = |text| parse_iso(text).unwrap();
        let confirmed = d("2025-01-01");
        for (day, step) in [
            ("2025-12-31", ReviewStep::Fresh),
            ("2026-01-01", ReviewStep::Asked),
            ("2026-03-02", ReviewStep::Reminded),
            ("2026-05-01", ReviewStep::NotConfirmed),
        ] {
            assert_eq!(review_step(confirmed, 500, d(day)), step, "{day}");
        }
        assert_eq!(review_step(confirmed, 501, d("2025-07-01")), ReviewStep::Asked);
        assert_eq!(anomaly_answered_by(confirmed), d("2025-01-31"));
    }

    #[test]
    fn samples_have_their_size_and_depend_on_the_seed() {
        let chosen = |test: fn(&[u8], &str) -> bool, seed: &[u8]| (0..10_000).filter(|n| test(seed, &n.to_string())).count();
        assert!((60..150).contains(&chosen(is_surveyed, b"a")));
        assert!((420..590).contains(&chosen(is_checked_again, b"a")));
        let of = |seed: &[u8]| (0..1_000).filter(|n| is_checked_again(seed, &n.to_string())).collect::<Vec<_>>();
        assert!(of(b"a") == of(b"a") && of(b"a") != of(b"b"));
    }
}
