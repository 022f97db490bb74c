//! May this actor do this now, and what follows? One pure function over the transition table (registration §6.4).
//!
//! Questions are asked in one order, so that an actor without rights learns nothing about a request:
//!
//! 1. Does the actor reach the request? Managers and software by their perimeter (E-PER-01, E-PER-02), professionals as its
//!    author. A stranger is told « non accessible » whatever the state. An author may always abandon or withdraw, also after
//!    losing the habilitation: a frozen request would have no way out otherwise.
//! 2. Is there a row for state, event, actor, type, and do its conditions hold? Is the request frozen? Otherwise E-REQ-06 with
//!    the status.
//! 3. Its guards, in the order of [`Guard`]: rights, version, conflict of interest, completeness, other requests, legal
//!    confirmation, reasons.

use crate::actor::ActorKind;
use crate::day::{french, paris_time, plus_days};
use crate::kind::RequestKind;
use crate::limits::{DEPARTURE_ANSWER_DAYS, REASON_MAX, REASON_MIN, RETRY_ALERT_AFTER, RETRY_MINUTES, WRONG_PERSON_HOURS};
use crate::limits::{SCORE_CERTAIN, SCORE_PROBABLE};
use crate::messages::{HIDDEN_STATUS, MessageCode, OPEN_REQUEST_ELSEWHERE};
use crate::request::{
    ActingPerson, BrokenRule, DecisionContext, FIELDS_OF_INSTRUCTION, IdentityAssurance, IdentityMatch, LegalStatement, Reach,
    RefusalReason, RequestEvent, RequestEventKind, RequestFacts, RequestSection,
};
use crate::state::RequestState;
use crate::timers::expires_on;
use crate::transition::{EVENTS_WHEN_BLOCKED, Effect, Guard, TRANSITIONS, Transition, TransitionCondition, TransitionTarget};

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestDecision {
    /// Number of the row of the table.
    pub transition: &'static str,
    /// The state afterwards.
    pub to: RequestState,
    /// Whether the request is frozen afterwards.
    pub blocked: bool,
    /// What follows, in order.
    pub effects: Vec<Effect>,
}

/// Why nothing happens. The caller audits it as refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRefusal {
    /// The stable code.
    pub code: MessageCode,
    /// The French text, complete.
    pub text: String,
}

impl RequestRefusal {
    fn new(code: MessageCode, values: &[(&str, &str)]) -> Self {
        Self { code, text: code.fill(values) }
    }

    fn plain(code: MessageCode) -> Self {
        Self::new(code, &[])
    }
}

/// Minutes before the next attempt after so many failures (transition 22). The longest one repeats: a request is never lost.
#[must_use]
pub fn retry_minutes(failures: u32) -> u32 {
    let position = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(RETRY_MINUTES.len() - 1);
    RETRY_MINUTES[position]
}

/// Whether a candidate is surely the person of the request (transition 19): equal traits; or a certain score with one certified
/// side; or its number given in the request and a probable score; or an ADELI number that leads to it.
#[must_use]
pub fn is_certain(found: &IdentityMatch) -> bool {
    found.strict
        || (found.score >= SCORE_CERTAIN && found.one_side_certified)
        || (found.score >= SCORE_PROBABLE && found.rpps_given)
        || found.adeli_agrees
}

/// Whether an arbiter looks at a candidate who is not surely the person: a probable score; an ADELI number without an RPPS
/// number; or a number that the request gives although the traits do not agree, of which the reference says nothing: a second
/// number would be given to somebody who says to have one.
fn needs_arbiter(found: &IdentityMatch) -> bool {
    is_certain(found) || found.score >= SCORE_PROBABLE || found.adeli_without_rpps || found.rpps_given
}

/// Decides what an event of an actor does to a request.
///
/// # Errors
/// The refusal, with the code of the first question that was answered with no; the module tells their order. Costs a walk over
/// the table.
pub fn decide(
    facts: &RequestFacts,
    event: &RequestEvent,
    actor: &ActingPerson,
    context: &DecisionContext,
) -> Result<RequestDecision, RequestRefusal> {
    let case = Case { facts, event, actor, context };
    case.reached()?;
    let row = case.row()?;
    for guard in row.guards {
        case.ask(*guard)?;
    }
    Ok(case.decision(row))
}

/// Everything that one decision is about.
struct Case<'a> {
    facts: &'a RequestFacts,
    event: &'a RequestEvent,
    actor: &'a ActingPerson,
    context: &'a DecisionContext,
}

impl Case<'_> {
    /// First question: does the actor reach the request?
    fn reached(&self) -> Result<(), RequestRefusal> {
        let hidden = || RequestRefusal::new(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
        let is_author = self.is_author();
        match self.actor.kind {
            ActorKind::Arb | ActorKind::Sup | ActorKind::Sys => Ok(()),
            ActorKind::Prol | ActorKind::Pro if self.facts.state.is_none() || is_author => Ok(()),
            ActorKind::Gae | ActorKind::Ars | ActorKind::Hra | ActorKind::Rep | ActorKind::Man => {
                let way_out = matches!(self.event.kind(), RequestEventKind::Abandon | RequestEventKind::Withdraw);
                if !(is_author && way_out) {
                    self.perimeter()?;
                }
                // The draft of a professional is theirs alone until it is submitted.
                if self.facts.state == Some(RequestState::S11) { Err(hidden()) } else { Ok(()) }
            }
            _ => Err(hidden()),
        }
    }

    /// Second question: the row of the table.
    fn row(&self) -> Result<&'static Transition, RequestRefusal> {
        let kind = self.event.kind();
        let frozen = self.facts.blocked.is_some() && !EVENTS_WHEN_BLOCKED.contains(&kind);
        TRANSITIONS
            .iter()
            .filter(|row| row.event == kind && !frozen)
            .filter(|row| self.facts.state.map_or(row.from.is_empty(), |state| row.from.contains(&state)))
            .filter(|row| row.actors.contains(&self.actor.kind) && row.kinds.contains(&self.facts.kind))
            .find(|row| row.when.iter().all(|condition| self.holds(*condition)))
            .ok_or_else(|| self.not_possible())
    }

    /// E-REQ-06 with the status.
    fn not_possible(&self) -> RequestRefusal {
        let statut = self.facts.state.map_or("à créer", RequestState::statut);
        let statut = self.facts.blocked.map_or_else(|| statut.to_owned(), |why| format!("{statut}, {}", why.plain()));
        RequestRefusal::new(MessageCode::EReq06, &[("statut", &statut)])
    }

    fn is_author(&self) -> bool {
        !self.actor.id.is_empty() && self.actor.id == self.facts.author
    }

    /// What was found while processing; the first that holds counts.
    fn found(&self) -> ProcessingFound {
        let context = self.context;
        if context.processing_failed {
            return ProcessingFound::Failure;
        }
        match context.broken_rule {
            Some(BrokenRule::PersonDeceased) => return ProcessingFound::Dead,
            Some(_) => return ProcessingFound::Broken,
            None => {}
        }
        match self.facts.kind {
            RequestKind::Civil if self.facts.civil_change.needs_arbiter() => return ProcessingFound::Pivot,
            RequestKind::Ajout if context.subject_sanctioned => return ProcessingFound::Arbiter,
            RequestKind::Primo => {}
            _ => return ProcessingFound::Nothing,
        }
        match &context.identity_match {
            // A sanction and an identity without a number are for an arbiter however sure the match is.
            Some(found) if is_certain(found) && !found.sanctioned && !found.adeli_without_rpps => ProcessingFound::Certain,
            Some(found) if needs_arbiter(found) => ProcessingFound::Arbiter,
            _ => ProcessingFound::Nothing,
        }
    }

    fn holds(&self, condition: TransitionCondition) -> bool {
        let (facts, context) = (self.facts, self.context);
        match condition {
            TransitionCondition::ByAuthority => facts.origin.by_authority(),
            TransitionCondition::ByProfessional => !facts.origin.by_authority(),
            TransitionCondition::ManagerExists => context.manager_exists,
            TransitionCondition::NoManager => !context.manager_exists,
            TransitionCondition::NotAuthor => !self.is_author(),
            TransitionCondition::IsBlocked => facts.blocked.is_some(),
            TransitionCondition::IsFree => facts.blocked.is_none(),
            TransitionCondition::NobodyElse => {
                let lost = matches!(self.event, RequestEvent::Block(crate::state::Blocked::HabilitationLost));
                !(lost && context.other_manager)
            }
            TransitionCondition::TimeIsOver => expires_on(facts).is_some_and(|day| context.today >= day),
            TransitionCondition::SilenceIsOver => context.today >= plus_days(facts.since, DEPARTURE_ANSWER_DAYS),
            TransitionCondition::TechnicalFailure => self.found() == ProcessingFound::Failure,
            TransitionCondition::FailedOften => facts.failures + 1 >= RETRY_ALERT_AFTER,
            TransitionCondition::RuleBroken => self.found() == ProcessingFound::Broken,
            TransitionCondition::FoundDead => self.found() == ProcessingFound::Dead,
            TransitionCondition::NeedsArbiter => self.found() == ProcessingFound::Arbiter,
            TransitionCondition::PivotChanges => self.found() == ProcessingFound::Pivot,
            TransitionCondition::CertainMatch => self.found() == ProcessingFound::Certain,
            TransitionCondition::NothingFound => self.found() == ProcessingFound::Nothing,
            TransitionCondition::ContactVerified => context.identity_match.is_some_and(|found| found.contact_verified),
            TransitionCondition::ContactNotVerified => context.identity_match.is_some_and(|found| !found.contact_verified),
            TransitionCondition::WithinADay => facts.completed_at.is_some_and(|at| {
                let age = context.now.saturating_sub(at);
                (0..WRONG_PERSON_HOURS * 3_600_000).contains(&age)
            }),
            TransitionCondition::NothingActivated => !context.activated,
            TransitionCondition::FourEyesOn => context.four_eyes,
            TransitionCondition::WeakIdentity => self.legal().assurance() == IdentityAssurance::Weak,
            TransitionCondition::FieldsChanged => !self.changed().is_empty(),
            TransitionCondition::NewPerson => facts.kind == RequestKind::Primo,
            TransitionCondition::CivilStatus => facts.kind == RequestKind::Civil,
            TransitionCondition::ContactData => facts.kind == RequestKind::Coord,
            TransitionCondition::ExistingSituation => matches!(facts.kind, RequestKind::Modif | RequestKind::Fin),
            TransitionCondition::AddedSituation => facts.kind == RequestKind::Ajout,
        }
    }

    fn legal(&self) -> LegalStatement {
        match self.event {
            RequestEvent::Validate { legal, .. } | RequestEvent::Submit { legal } => *legal,
            _ => LegalStatement::default(),
        }
    }

    fn changed(&self) -> &[String] {
        match self.event {
            RequestEvent::Validate { changed, .. } => changed,
            _ => &[],
        }
    }

    /// Third question: one guard.
    fn ask(&self, guard: Guard) -> Result<(), RequestRefusal> {
        let (facts, context) = (self.facts, self.context);
        match guard {
            // Support and arbiter have no perimeter; they reached the request by what they are.
            Guard::Perimeter if self.actor.kind.acts_in_perimeter() => self.perimeter(),
            Guard::Perimeter => Ok(()),
            Guard::Habilitated => match context.ae_ended_on {
                None => Ok(()),
                Some(on) => {
                    let values = [("structure", context.structure.as_str()), ("date", &french(on))];
                    Err(RequestRefusal::new(MessageCode::EPer02, &values))
                }
            },
            Guard::Owner => {
                let colleague = self.actor.ae.is_some() && self.actor.ae == facts.author_ae;
                if self.is_author() || colleague { Ok(()) } else { Err(self.not_possible()) }
            }
            Guard::NotRegistered => or(!context.identity_registered, MessageCode::M02),
            Guard::Version => self.version(),
            Guard::NotSubject => {
                let about_themselves = facts.subject.as_ref().is_some_and(|subject| *subject == self.actor.id);
                or(!about_themselves, MessageCode::EReq04)
            }
            Guard::FourEyes => or(!(context.four_eyes && self.is_author()), MessageCode::EReq05),
            Guard::Machine => {
                let trusted = context.machine_may_validate && !context.has_warnings;
                or(self.actor.kind != ActorKind::Hra || trusted, MessageCode::EReq07)
            }
            Guard::AllowedChanges => {
                let allowed = |field: &String| !facts.origin.by_authority() && FIELDS_OF_INSTRUCTION.contains(&field.as_str());
                if self.changed().iter().all(allowed) { Ok(()) } else { Err(self.not_possible()) }
            }
            Guard::SectionChecked => self.section_checked(),
            Guard::Sections => {
                let open: Vec<&str> = facts.open_sections.iter().map(|section| section.label()).collect();
                list(&open, MessageCode::EReq03)
            }
            Guard::VerifiedContact => {
                let missing = if context.contact_verified { &[][..] } else { &[RequestSection::Contact.label()] };
                list(missing, MessageCode::EReq03)
            }
            Guard::Code => or(context.code_verified, MessageCode::EReq11),
            Guard::Unique => self.unique(),
            Guard::Legal => {
                let legal = self.legal();
                or(legal.confirmed, MessageCode::ELeg01)?;
                or(legal.face_to_face || legal.method.is_some(), MessageCode::ELeg02)
            }
            Guard::Reason => match self.event {
                RequestEvent::AskForMore { reason }
                | RequestEvent::SamePerson { reason }
                | RequestEvent::DistinctPersons { reason }
                | RequestEvent::Reject { reason } => reason_text(reason),
                _ => Ok(()),
            },
            Guard::RefusalReason => match self.event {
                RequestEvent::Refuse { reason: None, .. } => Err(RequestRefusal::plain(MessageCode::EGen01)),
                RequestEvent::Refuse { reason: Some(RefusalReason::R99), text } => reason_text(text),
                _ => Ok(()),
            },
            Guard::OtherTarget => match self.event {
                RequestEvent::Reassign { target } => {
                    let own = self.actor.ae.as_ref() == Some(target) && self.actor.kind != ActorKind::Sup;
                    or(!target.is_empty() && !own, MessageCode::EGen02)
                }
                _ => Ok(()),
            },
            Guard::Confirmed => or(matches!(self.event, RequestEvent::Abandon { confirmed: true }), MessageCode::EReq10),
            Guard::Seconded => or(context.seconded, MessageCode::EReq08),
        }
    }

    fn perimeter(&self) -> Result<(), RequestRefusal> {
        match &self.context.reach {
            Reach::Within => Ok(()),
            Reach::Outside => Err(RequestRefusal::plain(MessageCode::EPer01)),
            Reach::Ended { structure, on } => {
                Err(RequestRefusal::new(MessageCode::EPer02, &[("structure", structure), ("date", &french(*on))]))
            }
        }
    }

    fn version(&self) -> Result<(), RequestRefusal> {
        let sent = match self.event {
            RequestEvent::SaveSection { version, .. }
            | RequestEvent::ValidateSection { version, .. }
            | RequestEvent::Modify { version }
            | RequestEvent::Validate { version, .. } => *version,
            _ => return Ok(()),
        };
        if sent == self.facts.version {
            return Ok(());
        }
        Err(RequestRefusal::new(MessageCode::EGen09, &[("heure", &paris_time(self.facts.changed_at))]))
    }

    fn section_checked(&self) -> Result<(), RequestRefusal> {
        let RequestEvent::ValidateSection { open_points, .. } = self.event else { return Ok(()) };
        if open_points.is_empty() {
            return Ok(());
        }
        Err(RequestRefusal::new(MessageCode::EReq09, &[("n", &open_points.len().to_string())]))
    }

    fn unique(&self) -> Result<(), RequestRefusal> {
        let Some(other) = &self.context.open_request else { return Ok(()) };
        let code = match self.facts.kind {
            RequestKind::Modif | RequestKind::Fin => MessageCode::EReq02,
            _ => MessageCode::EReq01,
        };
        if other.may_be_named {
            return Err(RequestRefusal::new(code, &[("num", &other.number)]));
        }
        Err(RequestRefusal { code: MessageCode::EReq01, text: OPEN_REQUEST_ELSEWHERE.to_owned() })
    }

    fn decision(&self, row: &Transition) -> RequestDecision {
        // A row that stays has states to leave from; without one, nothing was stored yet.
        let here = self.facts.state.unwrap_or(RequestState::S10);
        let (to, blocked) = match row.to {
            TransitionTarget::Stay => (here, self.facts.blocked.is_some()),
            TransitionTarget::StayBlocked => (here, true),
            TransitionTarget::StayFree => (here, false),
            TransitionTarget::To(to) => (to, false),
        };
        let effects = row.effects.iter().filter(|rule| rule.only_when.is_none_or(|condition| self.holds(condition)));
        RequestDecision { transition: row.number, to, blocked, effects: effects.map(|rule| rule.effect).collect() }
    }
}

/// What the processing found; the order in which [`Case::found`] looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ProcessingFound {
    Failure,
    Dead,
    Broken,
    Pivot,
    Arbiter,
    Certain,
    Nothing,
}

fn or(holds: bool, code: MessageCode) -> Result<(), RequestRefusal> {
    if holds { Ok(()) } else { Err(RequestRefusal::plain(code)) }
}

fn list(open: &[&str], code: MessageCode) -> Result<(), RequestRefusal> {
    if open.is_empty() { Ok(()) } else { Err(RequestRefusal::new(code, &[("liste", &open.join(", "))])) }
}

fn reason_text(text: &str) -> Result<(), RequestRefusal> {
    let length = text.trim().chars().count();
    if length == 0 {
        return Err(RequestRefusal::plain(MessageCode::EGen01));
    }
    if (REASON_MIN..=REASON_MAX).contains(&length) {
        return Ok(());
    }
    let (min, max) = (REASON_MIN.to_string(), REASON_MAX.to_string());
    Err(RequestRefusal::new(MessageCode::EGen03, &[("min", &min), ("max", &max)]))
}
