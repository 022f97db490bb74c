//! Who acts on a request, with what: everything that comes into one step.

use crate::content::{CivilValues, ClosingValues, ContactValues, Remark, SituationValues};
use crate::error::Error;
use crate::grants::ManagerRights;
use crate::identity_key::{FoundIdentity, IdentityLockRow};
use crate::place::RegisteredPlace;
use crate::request_row::RequestRow;
use crate::row::VersionedRow;
use crate::second_look_row::SecondLookRow;
use crate::service::Registration;
use crate::session::{ArbiterSession, HolderSession, ManagerSession, SessionTrace, SupportSession, audit_event};
use annuaire_store::{AuditEvent, Cause, Channel};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::fields::{CivilDraft, ClosingDraft, ContactDraft, SituationDraft};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{BrokenRule, RequestEvent, RequestSection};

/// Who acts on a request.
#[derive(Debug, Clone)]
pub(crate) struct CaseActor {
    pub(crate) kind: ActorKind,
    pub(crate) id: String,
    pub(crate) trace: SessionTrace,
    /// Why, for those who say it.
    pub(crate) purpose: String,
    /// For a software: for whom it acts, and how far.
    pub(crate) machine: Option<MachineMandate>,
}

/// For whom a software of an employer acts.
#[derive(Debug, Clone)]
pub(crate) struct MachineMandate {
    /// The manager who answers for it.
    pub(crate) manager: String,
    /// The authority: text of the target.
    pub(crate) target: String,
    /// The authority signed the option.
    pub(crate) may_validate: bool,
}

impl CaseActor {
    pub(crate) fn manager(session: &ManagerSession) -> Self {
        Self {
            kind: ActorKind::Gae,
            id: session.person.clone(),
            trace: session.trace.clone(),
            purpose: String::new(),
            machine: None,
        }
    }

    pub(crate) fn holder(session: &HolderSession) -> Self {
        Self {
            kind: ActorKind::Pro,
            id: session.person.clone(),
            trace: session.trace.clone(),
            purpose: String::new(),
            machine: None,
        }
    }

    pub(crate) fn arbiter(session: &ArbiterSession) -> Self {
        let (id, trace) = (session.person.clone(), session.trace.clone());
        Self { kind: ActorKind::Arb, id, trace, purpose: session.purpose.clone(), machine: None }
    }

    pub(crate) fn support(session: &SupportSession) -> Self {
        let (id, trace) = (session.person.clone(), session.trace.clone());
        Self { kind: ActorKind::Sup, id, trace, purpose: session.purpose.clone(), machine: None }
    }

    pub(crate) fn system() -> Self {
        Self { kind: ActorKind::Sys, id: "system".into(), trace: SessionTrace::default(), purpose: String::new(), machine: None }
    }

    /// The person whose habilitations count, and who must not act on themselves.
    pub(crate) fn answerable(&self) -> &str {
        self.machine.as_ref().map_or(&self.id, |machine| &machine.manager)
    }

    /// The event that the trail keeps of what the actor does with a request.
    pub(crate) fn event(&self, name: &str, number: &str) -> AuditEvent {
        let mut event = audit_event(self.kind, &self.id, &self.trace, name, number);
        event.request = Some(number.to_owned()).filter(|number| !number.is_empty());
        if !self.purpose.is_empty() {
            event.detail = crate::service::with_member(&event.detail, "purpose", &serde_json::json!(self.purpose));
        }
        event
    }
}

impl Registration {
    /// The rights of whoever acts by habilitations now: a manager, or a software by those of the manager who answers for it, on the
    /// authority that registered it.
    pub(crate) async fn rights_of(&self, actor: &CaseActor) -> Result<Option<ManagerRights>, Error> {
        match (&actor.machine, actor.kind) {
            (Some(machine), _) => {
                let rights = ManagerRights::on_target(self.registry(), &machine.manager, &machine.target, self.today()).await?;
                Ok(Some(rights))
            }
            (None, ActorKind::Gae) => Ok(Some(self.rights(&actor.id).await?)),
            (None, _) => Ok(None),
        }
    }
}

/// What was typed into a section, with what the checks made of it.
#[derive(Debug, Clone)]
pub(crate) enum TypedSection {
    Civil(CivilDraft, Option<CivilValues>),
    Contact(ContactDraft, Option<ContactValues>),
    Situation(SituationDraft, Option<SituationValues>),
    Closing(ClosingDraft, Option<ClosingValues>),
}

/// What the search and the rules found when a validated request is processed.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProcessingFindings {
    pub(crate) identity: Option<FoundIdentity>,
    pub(crate) lock: Option<(String, Option<VersionedRow<IdentityLockRow>>)>,
    pub(crate) broken: Option<BrokenRule>,
    pub(crate) failed: bool,
    pub(crate) sanctioned: bool,
}

/// An event with all that comes with it.
#[derive(Debug, Clone)]
pub(crate) struct CaseStep {
    pub(crate) event: RequestEvent,
    pub(crate) section: Option<TypedSection>,
    /// The section is of another structure from now on.
    pub(crate) place: Option<RegisteredPlace>,
    pub(crate) acknowledged: Vec<MessageCode>,
    /// « Corriger une erreur de saisie », ticked or no longer.
    pub(crate) typing_error: Option<bool>,
    /// Key of the form that begins a request.
    pub(crate) form_key: Option<String>,
    pub(crate) findings: ProcessingFindings,
    /// The code on the new contact was entered.
    pub(crate) code_verified: bool,
    /// Whom a registered person the request is about, for a new one.
    pub(crate) identity_registered: bool,
    /// The other one of authority and arbiter agreed to a cancellation.
    pub(crate) seconded: bool,
    /// Something was activated since the number was given.
    pub(crate) activated: bool,
    /// What another arbiter looks at again.
    pub(crate) second_look: Option<SecondLookRow>,
}

impl CaseStep {
    pub(crate) fn new(event: RequestEvent) -> Self {
        Self {
            event,
            section: None,
            place: None,
            acknowledged: Vec::new(),
            typing_error: None,
            form_key: None,
            findings: ProcessingFindings::default(),
            code_verified: false,
            identity_registered: false,
            seconded: false,
            activated: false,
            second_look: None,
        }
    }
}

/// The cause of what an actor writes.
pub(crate) fn cause_of(actor: &CaseActor, row: &RequestRow, authority: Option<String>, event: &RequestEvent) -> Cause {
    Cause {
        actor: actor.id.clone(),
        authority,
        request: Some(row.number.clone()).filter(|number| !number.is_empty()),
        channel: if actor.kind == ActorKind::Sys { Channel::System } else { Channel::Portal },
        basis: None,
        reason: event.kind().key().to_owned(),
    }
}

/// The cause of what an actor writes beside a request.
pub(crate) fn plain_cause(actor: &CaseActor, number: &str) -> Cause {
    let request = Some(number.to_owned()).filter(|number| !number.is_empty());
    Cause { request, ..Cause::new(Channel::Portal, &actor.id, "registration") }
}

/// The reason that comes with an event, to be kept sealed.
pub(crate) fn remark(event: &RequestEvent, now_ms: i64) -> Option<Remark> {
    let text = match event {
        RequestEvent::AskForMore { reason }
        | RequestEvent::SamePerson { reason }
        | RequestEvent::DistinctPersons { reason }
        | RequestEvent::Reject { reason } => reason,
        RequestEvent::Refuse { text, .. } if !text.is_empty() => text,
        _ => return None,
    };
    Some(Remark { event: event.kind().key().to_owned(), text: text.clone(), at_ms: now_ms })
}

/// The section that an event is about.
pub(crate) const fn section_of(event: &RequestEvent) -> Option<RequestSection> {
    match event {
        RequestEvent::SaveSection { section, .. } | RequestEvent::ValidateSection { section, .. } => Some(*section),
        _ => None,
    }
}
