//! Who may change e-mail and mobile, and how the change is verified (registration §10.5, §8.1).

use crate::actor::ActorKind;
use crate::day::{Day, plus_days, plus_months};
use crate::limits::{BOUNCE_DAYS, BOUNCES_MAX, CONTACT_CONFIRM_MONTHS, CONTACT_PROPOSAL_DAYS};

/// How a change of contact is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContactChangeWay {
    /// A code on the new value, a notice to the old one; effect after the code.
    CodeThenEffect,
    /// Written at once; N10 is sent again, since no means is active yet.
    WrittenAndNumberSentAgain,
    /// A proposal that the professional confirms within 15 days.
    Proposed,
    /// Written from the flow of an authority.
    WrittenFromFlow,
    /// Kept beside the value that the professional verified, who is shown both.
    ConflictShown,
    /// Refused.
    Refused,
}

/// How an actor changes a contact. `activated`: the professional activated a means once; `newer_verified`: the professional
/// verified a value that is newer than the one of the flow.
#[must_use]
pub const fn contact_change(actor: ActorKind, activated: bool, newer_verified: bool) -> ContactChangeWay {
    match actor {
        ActorKind::Pro | ActorKind::Prol => ContactChangeWay::CodeThenEffect,
        ActorKind::Gae | ActorKind::Hra if activated => ContactChangeWay::Proposed,
        ActorKind::Gae => ContactChangeWay::WrittenAndNumberSentAgain,
        // A software only proposes: the matrix gives it nothing else.
        ActorKind::Hra => ContactChangeWay::Proposed,
        ActorKind::Ord | ActorKind::Ars if newer_verified => ContactChangeWay::ConflictShown,
        ActorKind::Ord | ActorKind::Ars => ContactChangeWay::WrittenFromFlow,
        _ => ContactChangeWay::Refused,
    }
}

/// The state of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContactState {
    /// Typed and not confirmed.
    Unverified,
    /// Confirmed by a code.
    Verified,
    /// `BOUNCED`: it does not receive.
    Bounced,
}

/// What becomes of the contact of a request that is attached to a registered person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttachedContact {
    /// Discarded; N10b goes to the contact that is there.
    Discarded,
    /// Kept as a proposal; credentials stay frozen until the person proves identity.
    ProposedAndFrozen,
}

/// Attaching never replaces a contact: otherwise a registration would take over the electronic identity of another person.
#[must_use]
pub const fn attached_contact(present: ContactState) -> AttachedContact {
    match present {
        ContactState::Verified => AttachedContact::Discarded,
        ContactState::Unverified | ContactState::Bounced => AttachedContact::ProposedAndFrozen,
    }
}

/// The last day on which a proposal may be confirmed.
#[must_use]
pub fn proposal_ends(proposed: Day) -> Day {
    plus_days(proposed, CONTACT_PROPOSAL_DAYS)
}

/// The day on which the professional is asked to confirm a contact.
#[must_use]
pub fn confirmed_by(last: Day) -> Day {
    plus_months(last, CONTACT_CONFIRM_MONTHS)
}

/// Whether hard bounces on these days, in any order, mark an address: two within seven days.
#[must_use]
pub fn is_bounced(bounces: &[Day]) -> bool {
    let mut days = bounces.to_vec();
    days.sort_unstable();
    days.windows(BOUNCES_MAX).any(|window| window[BOUNCES_MAX - 1] < plus_days(window[0], BOUNCE_DAYS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;
    use ContactChangeWay as W;

    #[test]
    fn contact_belongs_to_the_professional_once_active() {
        for (actor, activated, newer, way) in [
            (ActorKind::Pro, true, true, W::CodeThenEffect),
            (ActorKind::Gae, false, false, W::WrittenAndNumberSentAgain),
            (ActorKind::Gae, true, false, W::Proposed),
            (ActorKind::Hra, false, false, W::Proposed),
            (ActorKind::Ord, true, false, W::WrittenFromFlow),
            (ActorKind::Ars, true, true, W::ConflictShown),
            (ActorKind::Sup, false, false, W::Refused),
            (ActorKind::Arb, false, false, W::Refused),
        ] {
            assert_eq!(contact_change(actor, activated, newer), way, "{actor}");
        }
        assert_eq!(attached_contact(ContactState::Verified), AttachedContact::Discarded);
        assert_eq!(attached_contact(ContactState::Bounced), AttachedContact::ProposedAndFrozen);
    }

    #[test]
    fn two_bounces_in_a_week_mark_an_address() {
        let days = |texts: &[&str]| texts.iter().map(|t| parse_iso(t).unwrap()).collect::<Vec<_>>();
        assert!(!is_bounced(&days(&["2026-01-01"])) && !is_bounced(&[]));
        assert!(is_bounced(&days(&["2026-01-07", "2026-01-01"])) && is_bounced(&days(&["2026-01-01", "2026-01-01"])));
        assert!(!is_bounced(&days(&["2026-01-01", "2026-01-08", "2026-01-15"])));
        let day = parse_iso("2026-01-01").unwrap();
        assert_eq!((proposal_ends(day).to_string(), confirmed_by(day).to_string()), ("2026-01-16".into(), "2027-01-01".into()));
    }
}
