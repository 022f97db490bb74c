//! Life of a situation (registration §10.1).
//!
//! A last day counts whole: a situation ends at 23:59 in Paris, so it is over on the day after (A19).

use crate::actor::ActorKind;
use crate::day::{Day, plus_days};
use crate::limits::{END_NOTICE_DAYS, SUSPENDED_SITUATION_DAYS, WRONG_PERSON_HOURS};

/// The state of a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SituationState {
    /// `PLANIFIEE`: begins later; not published.
    Planned,
    /// `ACTIVE`: published.
    Active,
    /// `TERMINEE`: over; in the history.
    Ended,
    /// `ANNULEE`: an error; marked so in the history.
    Cancelled,
    /// `SUSPENDUE`: its structure closed without a successor.
    Suspended,
}

impl SituationState {
    /// Every state.
    pub const ALL: &'static [Self] = &[Self::Planned, Self::Active, Self::Ended, Self::Cancelled, Self::Suspended];

    /// The key of the reference.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Planned => "PLANIFIEE",
            Self::Active => "ACTIVE",
            Self::Ended => "TERMINEE",
            Self::Cancelled => "ANNULEE",
            Self::Suspended => "SUSPENDUE",
        }
    }

    /// Whether the public directory shows it.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Active)
    }
}

/// What the state of a situation depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SituationLife {
    /// First day.
    pub from: Day,
    /// Last day, planned or declared.
    pub until: Option<Day>,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// First day of the closure of its structure, when no successor took it over.
    pub structure_closed: Option<Day>,
}

impl SituationLife {
    /// The last day, whatever gives it: the closure of the structure ends a situation once the 60 days to move it are over.
    #[must_use]
    pub fn last_day(&self, today: Day) -> Option<Day> {
        let closed = self.structure_closed.filter(|closed| today >= plus_days(*closed, SUSPENDED_SITUATION_DAYS));
        let closing = closed.map(|closed| plus_days(closed, -1).max(self.from));
        match (self.until, closing) {
            (Some(until), Some(closing)) => Some(until.min(closing)),
            (until, closing) => until.or(closing),
        }
    }

    /// The state on a day.
    #[must_use]
    pub fn state(&self, today: Day) -> SituationState {
        if self.cancelled {
            SituationState::Cancelled
        } else if self.last_day(today).is_some_and(|last| last < today) {
            SituationState::Ended
        } else if today < self.from {
            SituationState::Planned
        } else if self.structure_closed.is_some_and(|closed| closed <= today) {
            SituationState::Suspended
        } else {
            SituationState::Active
        }
    }

    /// The notice of the planned end that is due on a day: 30 or 7 days before. Of both only the last is due.
    #[must_use]
    pub fn end_notice(&self, today: Day) -> Option<i32> {
        let until = self.until.filter(|_| matches!(self.state(today), SituationState::Active))?;
        END_NOTICE_DAYS.into_iter().rfind(|days| today >= plus_days(until, -days))
    }
}

/// Whether an actor may cancel a situation as an error: a manager within 24 hours, an arbiter at any time.
#[must_use]
pub fn may_cancel(actor: ActorKind, recorded_at: i64, now: i64) -> bool {
    let age = now.saturating_sub(recorded_at);
    match actor {
        ActorKind::Gae | ActorKind::Ars => (0..WRONG_PERSON_HOURS * 3_600_000).contains(&age),
        ActorKind::Arb => true,
        _ => false,
    }
}

/// How a change of a situation is written (registration §4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SituationRewrite {
    /// The situation goes on with another value: service, planned end, exercise name.
    Amend,
    /// It ends and another one begins, so that the history stays true.
    CloseAndReopen,
    /// The old value was never true: « Corriger une erreur de saisie ».
    MarkErroneous,
}

/// How a change is written. Another structure always ends the situation; another role, profession or mode does unless the old one
/// was an error.
#[must_use]
pub const fn rewrite(other_structure: bool, other_role_or_mode: bool, was_typing_error: bool) -> SituationRewrite {
    match (other_structure, other_role_or_mode, was_typing_error) {
        (true, _, _) | (_, true, false) => SituationRewrite::CloseAndReopen,
        (_, true, true) => SituationRewrite::MarkErroneous,
        _ => SituationRewrite::Amend,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;
    use SituationState as S;

    fn d(text: &str) -> Day {
        parse_iso(text).unwrap()
    }

    fn life(from: &str, until: &str) -> SituationLife {
        SituationLife { from: d(from), until: parse_iso(until), cancelled: false, structure_closed: None }
    }

    #[test]
    fn states_follow_days() {
        let planned = life("2026-06-01", "2026-06-30");
        for (day, state) in
            [("2026-05-31", S::Planned), ("2026-06-01", S::Active), ("2026-06-30", S::Active), ("2026-07-01", S::Ended)]
        {
            assert_eq!(planned.state(d(day)), state, "{day}");
        }
        assert_eq!(SituationLife { cancelled: true, ..planned }.state(d("2026-06-02")), S::Cancelled);
        assert!(S::ALL.iter().filter(|state| state.is_public()).eq([&S::Active]));
    }

    #[test]
    fn a_closed_structure_leaves_sixty_days() {
        let closed = SituationLife { structure_closed: Some(d("2026-06-01")), ..life("2020-01-01", "") };
        assert_eq!(closed.state(d("2026-05-31")), S::Active);
        assert_eq!(closed.state(d("2026-06-01")), S::Suspended);
        assert_eq!(closed.state(d("2026-07-30")), S::Suspended);
        assert_eq!((closed.state(d("2026-07-31")), closed.last_day(d("2026-07-31"))), (S::Ended, Some(d("2026-05-31"))));
        let ended = SituationLife { until: Some(d("2026-06-15")), ..closed };
        assert_eq!(ended.state(d("2026-06-16")), S::Ended);
    }

    #[test]
    fn a_planned_end_is_told_twice() {
        let life = life("2026-01-01", "2026-06-30");
        assert_eq!(
            ["2026-05-30", "2026-05-31", "2026-06-22", "2026-06-23", "2026-07-01"].map(|day| life.end_notice(d(day))),
            [None, Some(30), Some(30), Some(7), None]
        );
    }

    #[test]
    fn errors_and_changes() {
        let day = 24 * 3_600_000;
        assert!(
            may_cancel(ActorKind::Gae, 0, day - 1) && !may_cancel(ActorKind::Gae, 0, day) && !may_cancel(ActorKind::Gae, 1, 0)
        );
        assert!(may_cancel(ActorKind::Arb, 0, day) && !may_cancel(ActorKind::Pro, 0, 0));
        assert_eq!(rewrite(true, false, true), SituationRewrite::CloseAndReopen);
        assert_eq!(rewrite(false, true, true), SituationRewrite::MarkErroneous);
        assert_eq!(
            [rewrite(false, true, false), rewrite(false, false, false)],
            [SituationRewrite::CloseAndReopen, SituationRewrite::Amend]
        );
    }
}
