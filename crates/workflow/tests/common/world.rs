//! Requests, people and contexts in which nothing stands in the way, for tests that take one thing away.

use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::{Day, paris_midnight, parse_iso, plus_days};
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{
    ActingPerson, DecisionContext, LegalStatement, RefusalReason, RequestEvent, RequestEventKind, RequestFacts, RequestSection,
};
use annuaire_workflow::state::{Blocked, RequestState};

/// The reserved site of tests.
pub const SITE: &str = "990000010";
/// A manager of the site who wrote the requests of its authority.
pub const AUTHOR: &str = "99900000011";
/// A colleague.
pub const COLLEAGUE: &str = "99900000029";
/// The professional who wrote the others.
pub const PROFESSIONAL: &str = "99900000037";
/// A reason that is long enough.
pub const REASON: &str = "motif assez long";

pub fn d(text: &str) -> Day {
    parse_iso(text).unwrap()
}

pub fn today() -> Day {
    d("2026-06-01")
}

/// Noon of [`today`].
pub fn now() -> i64 {
    paris_midnight(today()) + 12 * 3_600_000
}

/// A request whose times are over, whose sections are valid and which was validated an hour ago where that matters.
pub fn facts(state: Option<RequestState>, kind: RequestKind, origin: RequestOrigin) -> RequestFacts {
    let mut facts = RequestFacts::new(kind, origin, plus_days(today(), -100));
    facts.number = "P20260221000042".into();
    facts.state = state;
    facts.version = 7;
    facts.changed_at = now() - 3_600_000;
    let by_authority = origin.by_authority();
    facts.author = if by_authority { AUTHOR } else { PROFESSIONAL }.into();
    facts.author_ae = by_authority.then(|| SITE.into());
    facts.open_sections.clear();
    facts.completed_at = Some(now() - 3_600_000);
    facts
}

/// A colleague of the author, or the author where that is the professional.
pub fn actor(kind: ActorKind) -> ActingPerson {
    let ae = matches!(kind, ActorKind::Gae | ActorKind::Hra | ActorKind::Ars).then(|| SITE.to_owned());
    let id = if kind.is_professional() { PROFESSIONAL } else { COLLEAGUE };
    ActingPerson { kind, id: id.into(), ae }
}

pub fn context() -> DecisionContext {
    DecisionContext {
        contact_verified: true,
        code_verified: true,
        machine_may_validate: true,
        seconded: true,
        structure: "Structure d'essai".into(),
        ..DecisionContext::new(now())
    }
}

pub fn signed() -> LegalStatement {
    LegalStatement { confirmed: true, face_to_face: true, method: None }
}

/// An event with everything that its guards ask for.
pub fn event(kind: RequestEventKind) -> RequestEvent {
    use RequestEventKind as K;
    let reason = REASON.to_owned();
    match kind {
        K::Create => RequestEvent::Create,
        K::SaveSection => RequestEvent::SaveSection { section: RequestSection::Civil, version: 7 },
        K::ValidateSection => {
            RequestEvent::ValidateSection { section: RequestSection::Civil, version: 7, open_points: Vec::<MessageCode>::new() }
        }
        K::Submit => RequestEvent::Submit { legal: signed() },
        K::Abandon => RequestEvent::Abandon { confirmed: true },
        K::Modify => RequestEvent::Modify { version: 7 },
        K::AskForMore => RequestEvent::AskForMore { reason },
        K::Resubmit => RequestEvent::Resubmit,
        K::Reassign => RequestEvent::Reassign { target: "990000028".into() },
        K::Refuse => RequestEvent::Refuse { reason: Some(RefusalReason::R01), text: String::new() },
        K::Validate => RequestEvent::Validate { version: 7, legal: signed(), changed: vec![] },
        K::Process => RequestEvent::Process,
        K::SamePerson => RequestEvent::SamePerson { reason },
        K::DistinctPersons => RequestEvent::DistinctPersons { reason },
        K::Reject => RequestEvent::Reject { reason },
        K::Expire => RequestEvent::Expire,
        K::Withdraw => RequestEvent::Withdraw,
        K::AcceptSilence => RequestEvent::AcceptSilence,
        K::DeathKnown => RequestEvent::DeathKnown,
        K::Block => RequestEvent::Block(Blocked::HabilitationLost),
        K::Unblock => RequestEvent::Unblock,
        K::WrongPerson => RequestEvent::WrongPerson,
    }
}
