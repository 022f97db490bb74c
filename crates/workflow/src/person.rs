//! Lives of persons and exercises, and who owns what of them (registration §2.3, §9.4, §10.2, §10.3).

use crate::day::{Day, plus_months};
use crate::limits::EXERCISE_CLOSED_MONTHS;

/// The state of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonState {
    /// `ACTIF`: at least one exercise is active.
    Active,
    /// `INACTIF`: none is.
    Inactive,
    /// `DECEDE`: the day of death is known.
    Deceased,
    /// `FUSIONNE`: an alias of another number.
    Merged,
}

impl PersonState {
    /// The key of the reference.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Active => "ACTIF",
            Self::Inactive => "INACTIF",
            Self::Deceased => "DECEDE",
            Self::Merged => "FUSIONNE",
        }
    }

    /// Whether messages may be sent to the contact of the person.
    #[must_use]
    pub const fn may_be_written_to(self) -> bool {
        matches!(self, Self::Active | Self::Inactive)
    }
}

/// The state of a person. An alias stays an alias, and a death counts more than an exercise that nobody ended.
#[must_use]
pub const fn person_state(is_alias: bool, deceased: bool, active_exercises: usize) -> PersonState {
    match (is_alias, deceased, active_exercises) {
        (true, _, _) => PersonState::Merged,
        (_, true, _) => PersonState::Deceased,
        (_, _, 0) => PersonState::Inactive,
        _ => PersonState::Active,
    }
}

/// The last day of a situation that is current when its person dies: the day of death, or an earlier planned end.
#[must_use]
pub fn ends_with_death(until: Option<Day>, death: Day) -> Day {
    until.map_or(death, |until| until.min(death))
}

/// Whether an exercise without a current situation is closed: twelve months after the last one, counted from the day after it.
#[must_use]
pub fn exercise_is_closed(last_days: &[Option<Day>], today: Day) -> bool {
    let ended: Option<Vec<Day>> = last_days.iter().copied().collect();
    let last = ended.and_then(|days| days.into_iter().max());
    last.is_some_and(|last| today > plus_months(last, EXERCISE_CLOSED_MONTHS))
}

/// How strong an authority is on civil status, the strongest first (registration §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CivilStatusOwner {
    /// An order, or the armed forces' health service.
    OrderOrArmy,
    /// A regional agency.
    Agency,
    /// A local structure.
    LocalStructure,
    /// The professional.
    Professional,
}

/// The owner of a civil status after an authority wrote on the person: a stronger one takes over, which is audited and notified.
#[must_use]
pub fn civil_status_owner(present: CivilStatusOwner, writer: CivilStatusOwner) -> CivilStatusOwner {
    present.min(writer)
}

/// A trait whose former value is kept as a version (registration §9.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangedTrait {
    /// Family name.
    FamilyName,
    /// Given names.
    GivenName,
    /// Sex.
    Sex,
    /// Day of birth.
    BirthDate,
    /// Place of birth.
    BirthPlace,
}

/// What a service may do with the former value of a trait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FormerValueUse {
    /// It finds the person, and is not published.
    SearchOnly,
    /// Arbiters alone see it.
    ArbitersOnly,
    /// The history of restricted services may show it.
    RestrictedHistory,
}

/// What becomes of the former value of a trait. A former sex or given name would tell what concerns nobody.
#[must_use]
pub const fn former_value(changed: ChangedTrait) -> FormerValueUse {
    match changed {
        ChangedTrait::FamilyName => FormerValueUse::SearchOnly,
        ChangedTrait::GivenName | ChangedTrait::Sex => FormerValueUse::ArbitersOnly,
        ChangedTrait::BirthDate | ChangedTrait::BirthPlace => FormerValueUse::RestrictedHistory,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;

    fn d(text: &str) -> Day {
        parse_iso(text).unwrap()
    }

    #[test]
    fn states_of_persons() {
        assert_eq!(person_state(false, false, 1), PersonState::Active);
        assert_eq!(person_state(false, false, 0), PersonState::Inactive);
        assert_eq!(person_state(false, true, 1), PersonState::Deceased);
        assert_eq!(person_state(true, true, 1), PersonState::Merged);
        assert!(!PersonState::Deceased.may_be_written_to() && PersonState::Inactive.may_be_written_to());
        assert_eq!(ends_with_death(Some(d("2026-01-01")), d("2026-02-01")), d("2026-01-01"));
        assert_eq!(ends_with_death(None, d("2026-02-01")), d("2026-02-01"));
    }

    #[test]
    fn an_exercise_outlives_its_last_situation_by_a_year() {
        let ended = [Some(d("2024-01-01")), Some(d("2025-06-30"))];
        assert!(!exercise_is_closed(&ended, d("2026-06-30")) && exercise_is_closed(&ended, d("2026-07-01")));
        assert!(!exercise_is_closed(&[Some(d("2020-01-01")), None], d("2026-07-01")));
        assert!(!exercise_is_closed(&[], d("2026-07-01")));
    }

    #[test]
    fn stronger_authorities_take_over() {
        use CivilStatusOwner as O;
        assert_eq!(civil_status_owner(O::LocalStructure, O::OrderOrArmy), O::OrderOrArmy);
        assert_eq!(civil_status_owner(O::OrderOrArmy, O::LocalStructure), O::OrderOrArmy);
        assert_eq!(civil_status_owner(O::Professional, O::Agency), O::Agency);
        assert_eq!(former_value(ChangedTrait::GivenName), FormerValueUse::ArbitersOnly);
        assert_eq!(former_value(ChangedTrait::FamilyName), FormerValueUse::SearchOnly);
    }
}
