//! Habilitations of structures and of their managers (registration §2.4).
//!
//! Choices where the reference is silent: a mandataire who is a manager too may not designate themselves, only the legal
//! representative may; a suspended habilitation can be revoked or expire without being restored first.

use crate::actor::ActorKind;
use crate::day::{Day, plus_days, plus_months};
use crate::limits::{HABILITATION_IDLE_MONTHS, HABILITATION_REMINDER_MONTHS, MANAGERS_CONFIRM_MONTHS};
use crate::messages::MessageCode;

/// The state of a structure as registration authority (H1, H2, H7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthorityState {
    /// `A_VERIFIER`: declared by its legal representative.
    ToVerify,
    /// `HABILITEE`.
    Habilitated,
    /// `SUSPENDUE`: closed, merged or renumbered.
    Suspended,
}

impl AuthorityState {
    /// The key of the reference.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::ToVerify => "A_VERIFIER",
            Self::Habilitated => "HABILITEE",
            Self::Suspended => "SUSPENDUE",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ToVerify => "à vérifier",
            Self::Habilitated => "habilitée",
            Self::Suspended => "suspendue",
        }
    }
}

/// The state of a structure right after its legal representative attached it: a card that names the structure is proof enough
/// (H2).
#[must_use]
pub const fn attached(card_names_structure: bool) -> AuthorityState {
    if card_names_structure { AuthorityState::Habilitated } else { AuthorityState::ToVerify }
}

/// The state of the habilitation of a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HabilitationState {
    /// `DEMANDEE`.
    Requested,
    /// `ACTIVE`.
    Active,
    /// `SUSPENDUE`.
    Suspended,
    /// `REVOQUEE`.
    Revoked,
    /// `EXPIREE`.
    Expired,
}

impl HabilitationState {
    /// Every state.
    pub const ALL: &'static [Self] = &[Self::Requested, Self::Active, Self::Suspended, Self::Revoked, Self::Expired];

    /// The key of the reference.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Requested => "DEMANDEE",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDUE",
            Self::Revoked => "REVOQUEE",
            Self::Expired => "EXPIREE",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Requested => "demandée",
            Self::Active => "active",
            Self::Suspended => "suspendue",
            Self::Revoked => "révoquée",
            Self::Expired => "expirée",
        }
    }
}

/// What happens to the habilitation of a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HabilitationEvent {
    /// « Envoyer la demande d'habilitation »: it stands at once (H4).
    Grant,
    /// Unused for too long, or the structure is suspended (H7).
    Suspend,
    /// Used again, confirmed, or the structure taken over.
    Restore,
    /// Withdrawn by the legal representative, a mandataire or support.
    Revoke,
    /// The situation of the manager in the structure ended.
    Depart,
    /// Its end date is over.
    End,
}

impl HabilitationEvent {
    /// Every event.
    pub const ALL: &'static [Self] = &[Self::Grant, Self::Suspend, Self::Restore, Self::Revoke, Self::Depart, Self::End];

    /// Who may cause it.
    #[must_use]
    pub const fn actors(self) -> &'static [ActorKind] {
        match self {
            Self::Grant => &[ActorKind::Rep, ActorKind::Man],
            Self::Revoke => &[ActorKind::Rep, ActorKind::Man, ActorKind::Sup],
            Self::Restore => &[ActorKind::Rep, ActorKind::Man, ActorKind::Sys],
            Self::Suspend | Self::Depart | Self::End => &[ActorKind::Sys],
        }
    }
}

/// The state after an event.
///
/// # Errors
/// E-HAB-01 for an actor who may not cause it, E-HAB-06 for an event that the state does not know.
pub fn after(
    state: HabilitationState,
    event: HabilitationEvent,
    actor: ActorKind,
) -> Result<HabilitationState, (MessageCode, String)> {
    use HabilitationEvent as E;
    use HabilitationState as S;
    if !event.actors().contains(&actor) {
        return Err((MessageCode::EHab01, MessageCode::EHab01.text()));
    }
    match (state, event) {
        (S::Requested, E::Grant) | (S::Suspended, E::Restore) => Ok(S::Active),
        (S::Active, E::Suspend) => Ok(S::Suspended),
        (S::Requested | S::Active | S::Suspended, E::Revoke | E::Depart) => Ok(S::Revoked),
        (S::Requested | S::Active | S::Suspended, E::End) => Ok(S::Expired),
        _ => Err((MessageCode::EHab06, MessageCode::EHab06.fill(&[("statut", state.label())]))),
    }
}

/// What is known when somebody designates a manager or a mandataire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Designation {
    /// Who designates.
    pub by: ActorKind,
    /// Their identifier.
    pub by_id: String,
    /// Whom they designate.
    pub candidate_id: String,
    /// Whether the candidate is registered and holds a means to log in.
    pub candidate_can_log_in: bool,
    /// State of the structure.
    pub authority: AuthorityState,
    /// Whether the legal representative ticked « autoriser la sous-délégation ».
    pub sub_delegation: bool,
}

/// Whether somebody may be designated manager (H4).
///
/// # Errors
/// The code of the first rule that fails: rights, then self-designation, then the structure, then the candidate.
pub fn may_designate_manager(facts: &Designation) -> Result<(), MessageCode> {
    match facts.by {
        ActorKind::Rep => {}
        ActorKind::Man if facts.by_id != facts.candidate_id => {}
        ActorKind::Man | ActorKind::Gae if facts.by_id == facts.candidate_id => return Err(MessageCode::EHab02),
        _ => return Err(MessageCode::EHab01),
    }
    structure_and_candidate(facts)
}

/// Whether somebody may be designated mandataire (H3): by the legal representative, or by a mandataire under sub-delegation.
///
/// # Errors
/// The code of the first rule that fails.
pub fn may_designate_mandataire(facts: &Designation) -> Result<(), MessageCode> {
    match facts.by {
        ActorKind::Rep => {}
        ActorKind::Man if facts.sub_delegation => {}
        _ => return Err(MessageCode::EHab04),
    }
    structure_and_candidate(facts)
}

fn structure_and_candidate(facts: &Designation) -> Result<(), MessageCode> {
    if facts.authority != AuthorityState::Habilitated {
        return Err(MessageCode::EHab05);
    }
    if facts.candidate_can_log_in { Ok(()) } else { Err(MessageCode::EHab03) }
}

/// What an unused habilitation undergoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdleDeed {
    /// The manager is reminded.
    Remind,
    /// It is suspended.
    Suspend,
}

/// What is due for a habilitation that was last used on a day, and since when; `None` while nothing is. Of two reminders only the
/// last is due.
#[must_use]
pub fn idle_due(last_used: Day, today: Day) -> Option<(Day, IdleDeed)> {
    let suspended = plus_months(last_used, HABILITATION_IDLE_MONTHS);
    if today >= suspended {
        return Some((suspended, IdleDeed::Suspend));
    }
    let reminders = HABILITATION_REMINDER_MONTHS.map(|months| plus_months(last_used, months));
    reminders.into_iter().rfind(|day| today >= *day).map(|day| (day, IdleDeed::Remind))
}

/// Whether the loss of a habilitation leaves the structure without a manager: the legal representative receives N18.
#[must_use]
pub fn leaves_none(other_states: &[HabilitationState]) -> bool {
    !other_states.contains(&HabilitationState::Active)
}

/// The day on which the legal representative confirms the list of managers next.
#[must_use]
pub fn managers_confirmed_by(last: Day) -> Day {
    plus_months(last, MANAGERS_CONFIRM_MONTHS)
}

/// The last day of a habilitation whose manager leaves the structure on a day: that day. Access ends when it does.
#[must_use]
pub fn ends_with_departure(habilitation_end: Option<Day>, departure: Day) -> Day {
    habilitation_end.map_or(departure, |end| end.min(departure))
}

/// Whether a habilitation with this planned end is over on a day; the last day still counts.
#[must_use]
pub fn is_over(until: Option<Day>, today: Day) -> bool {
    until.is_some_and(|until| plus_days(until, 1) <= today)
}

/// What somebody who logged in through the sector's identity provider sees first (registration §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Landing {
    /// The home of managers.
    Home,
    /// The page M01.
    NotHabilitated,
}

/// What a person with these habilitations sees after the login.
#[must_use]
pub fn landing(states: &[HabilitationState]) -> Landing {
    if states.contains(&HabilitationState::Active) { Landing::Home } else { Landing::NotHabilitated }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;

    fn d(text: &str) -> Day {
        parse_iso(text).unwrap()
    }

    fn designation(by: ActorKind, by_id: &str) -> Designation {
        Designation {
            by,
            by_id: by_id.into(),
            candidate_id: "c".into(),
            candidate_can_log_in: true,
            authority: AuthorityState::Habilitated,
            sub_delegation: false,
        }
    }

    #[test]
    fn states_follow_the_chain_of_the_reference() {
        use HabilitationEvent as E;
        use HabilitationState as S;
        let go = |state, event, actor| after(state, event, actor).map_err(|(code, _)| code);
        assert_eq!(go(S::Requested, E::Grant, ActorKind::Rep), Ok(S::Active));
        assert_eq!(go(S::Active, E::Suspend, ActorKind::Sys), Ok(S::Suspended));
        assert_eq!(go(S::Suspended, E::Restore, ActorKind::Man), Ok(S::Active));
        assert_eq!(go(S::Active, E::Depart, ActorKind::Sys), Ok(S::Revoked));
        assert_eq!(go(S::Suspended, E::End, ActorKind::Sys), Ok(S::Expired));
        assert_eq!(go(S::Active, E::Revoke, ActorKind::Gae), Err(MessageCode::EHab01));
        for last in [S::Revoked, S::Expired] {
            for event in E::ALL {
                for actor in event.actors() {
                    assert_eq!(go(last, *event, *actor), Err(MessageCode::EHab06), "{last:?} {event:?}");
                }
            }
        }
    }

    #[test]
    fn nobody_but_the_legal_representative_designates_themselves() {
        assert_eq!(may_designate_manager(&designation(ActorKind::Rep, "c")), Ok(()));
        assert_eq!(may_designate_manager(&designation(ActorKind::Man, "m")), Ok(()));
        assert_eq!(may_designate_manager(&designation(ActorKind::Man, "c")), Err(MessageCode::EHab02));
        assert_eq!(may_designate_manager(&designation(ActorKind::Gae, "c")), Err(MessageCode::EHab02));
        assert_eq!(may_designate_manager(&designation(ActorKind::Gae, "g")), Err(MessageCode::EHab01));
        let unknown = Designation { candidate_can_log_in: false, ..designation(ActorKind::Rep, "r") };
        assert_eq!(may_designate_manager(&unknown), Err(MessageCode::EHab03));
        let new = Designation { authority: attached(false), ..designation(ActorKind::Rep, "r") };
        assert_eq!(may_designate_manager(&new), Err(MessageCode::EHab05));
        assert_eq!(may_designate_mandataire(&designation(ActorKind::Man, "m")), Err(MessageCode::EHab04));
        let allowed = Designation { sub_delegation: true, ..designation(ActorKind::Man, "m") };
        assert_eq!(may_designate_mandataire(&allowed), Ok(()));
    }

    #[test]
    fn an_unused_habilitation_is_recalled_twice_and_suspended() {
        let used = d("2025-01-31");
        assert_eq!(idle_due(used, d("2025-12-30")), None);
        assert_eq!(idle_due(used, d("2025-12-31")), Some((d("2025-12-31"), IdleDeed::Remind)));
        assert_eq!(idle_due(used, d("2026-02-01")), Some((d("2026-01-31"), IdleDeed::Remind)));
        assert_eq!(idle_due(used, d("2026-02-28")), Some((d("2026-02-28"), IdleDeed::Suspend)));
    }

    #[test]
    fn a_departure_ends_a_habilitation_that_day() {
        assert_eq!(ends_with_departure(None, d("2026-03-01")), d("2026-03-01"));
        assert_eq!(ends_with_departure(Some(d("2026-02-01")), d("2026-03-01")), d("2026-02-01"));
        assert!(!is_over(Some(d("2026-02-01")), d("2026-02-01")) && is_over(Some(d("2026-02-01")), d("2026-02-02")));
        assert!(leaves_none(&[HabilitationState::Suspended]) && !leaves_none(&[HabilitationState::Active]));
        assert_eq!(landing(&[HabilitationState::Suspended]), Landing::NotHabilitated);
        assert_eq!(managers_confirmed_by(d("2026-02-01")), d("2027-02-01"));
    }
}
