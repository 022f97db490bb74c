//! Carrying out a decision: each effect of the transition table becomes rows, facts, jobs and messages of one unit. The match over
//! effects is complete, so that a new effect of the rules cannot be forgotten here.

use crate::acting::{CaseActor, CaseStep, TypedSection, cause_of, remark, section_of};
use crate::content::RequestContent;
use crate::error::Error;
use crate::followed::{CertificationRow, ContactProposalRow, FollowedPersonRow, HomeHelpRow, WithheldMeansRow};
use crate::grants::PlaceManagers;
use crate::identity_key::{IdentityLockRow, OpenIdentityRow, PersonKeyRow};
use crate::notice::{NoticePeople, NoticeValues, OPERATOR_JOB};
use crate::person::RegisteredPerson;
use crate::place::RegisteredPlace;
use crate::request_row::{IdentityCandidate, LegalProof, RequestRow, RequestStep, section_code};
use crate::row::{PendingWrites, VersionedRow, read};
use crate::service::{Registration, with_member};
use annuaire_store::{AuditEvent, Cause, NewJob, Queue};
use annuaire_workflow::attestation::means_from;
use annuaire_workflow::day::{Day, french, timer_day};
use annuaire_workflow::decide::RequestDecision;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::norm::norm;
use annuaire_workflow::notifications::NoticeId;
use annuaire_workflow::request::{
    BrokenRule, IdentityAssurance, LegalStatement, RequestEvent, RequestEventKind, RequestFacts, VerificationMethod,
};
use annuaire_workflow::state::{Blocked, RequestState};
use annuaire_workflow::transition::Effect;
use serde_json::json;

/// Kind of the jobs that process validated requests; their key is the number of the request.
pub(crate) const PROCESS_JOB: &str = "registration-process";

/// A decision while it is carried out.
pub(crate) struct Settling<'a> {
    pub(crate) service: &'a Registration,
    pub(crate) row: RequestRow,
    pub(crate) content: RequestContent,
    pub(crate) actor: &'a CaseActor,
    pub(crate) step: &'a CaseStep,
    pub(crate) place: Option<RegisteredPlace>,
    pub(crate) managers: PlaceManagers,
    /// The registered person whom the request is about, or is attached to.
    pub(crate) person: Option<RegisteredPerson>,
    pub(crate) person_keys: Vec<VersionedRow<PersonKeyRow>>,
    pub(crate) followed: Option<VersionedRow<FollowedPersonRow>>,
    pub(crate) withheld: Option<VersionedRow<WithheldMeansRow>>,
    /// A contact that somebody proposed before; it may be over.
    pub(crate) proposal: Option<VersionedRow<ContactProposalRow>>,
    pub(crate) certification: Option<VersionedRow<CertificationRow>>,
    /// The attestation of the situation that is changed.
    pub(crate) home_help: Option<VersionedRow<HomeHelpRow>>,
    open_identity: Option<VersionedRow<OpenIdentityRow>>,
    pub(crate) people: NoticePeople,
    pub(crate) values: NoticeValues,
    pub(crate) facts: RequestFacts,
    pub(crate) now_ms: i64,
    pub(crate) today: Day,
    pub(crate) writes: PendingWrites,
    /// Fields of the audit event, without traits.
    told: Vec<(&'static str, serde_json::Value)>,
}

impl<'a> Settling<'a> {
    /// Reads everything that the effects need, before a unit is open.
    pub(crate) async fn prepare(
        service: &'a Registration,
        row: RequestRow,
        content: RequestContent,
        (actor, step): (&'a CaseActor, &'a CaseStep),
        (place, managers): (Option<RegisteredPlace>, PlaceManagers),
        decision: &RequestDecision,
        facts: RequestFacts,
    ) -> Result<Self, Error> {
        let now_ms = service.now_ms();
        let attached = decision.effects.contains(&Effect::AttachSituation);
        let person = match (&step.findings.identity, &row.candidate, &row.subject) {
            (Some(identity), _, _) if attached => Some(identity.person.clone()),
            (_, Some(candidate), _) if attached && row.subject.is_none() => service.person(&candidate.national_id).await?,
            (_, _, Some(subject)) => service.person(subject).await?,
            _ => None,
        };
        let number = person.as_ref().map(|person| person.national_id.clone());
        let of_person = number.as_deref().unwrap_or_default();
        let registry = service.registry();
        let open_identity = match &row.identity {
            Some(hash) => service.open_identity(hash).await?,
            None => None,
        };
        let is_writing = decision.effects.iter().any(|effect| {
            matches!(effect, Effect::WriteVersions | Effect::AttachSituation | Effect::CancelSituation | Effect::ProposeContact)
        });
        let home_help = match &row.situation {
            Some(situation) if is_writing => read(registry, situation).await?,
            _ => None,
        };
        let mut settling = Self {
            home_help,
            person_keys: if is_writing && number.is_some() { service.person_keys(of_person).await? } else { Vec::new() },
            followed: if is_writing && number.is_some() { read(registry, of_person).await? } else { None },
            withheld: if is_writing && number.is_some() { read(registry, of_person).await? } else { None },
            proposal: if is_writing && number.is_some() { read(registry, of_person).await? } else { None },
            certification: if is_writing && number.is_some() { read(registry, of_person).await? } else { None },
            service,
            row,
            content,
            actor,
            step,
            place,
            managers,
            person,
            open_identity,
            people: NoticePeople::default(),
            values: NoticeValues::of(""),
            facts,
            now_ms,
            today: timer_day(now_ms),
            writes: PendingWrites::default(),
            told: Vec::new(),
        };
        if decision.effects.iter().any(|effect| matches!(effect, Effect::Notify(_))) {
            settling.people = settling.known_people().await?;
            settling.values = settling.known_values(decision).await?;
        }
        Ok(settling)
    }

    /// Carries out everything but the saving.
    pub(crate) fn carry_out(&mut self, decision: &RequestDecision) -> Result<(), Error> {
        if let Some(remark) = remark(&self.step.event, self.now_ms) {
            self.content.remarks.push(remark);
        }
        self.outcome();
        for effect in &decision.effects {
            self.effect(*effect)?;
        }
        let was = self.row.state.clone();
        self.row.enter(decision.to, self.now_ms);
        if decision.to == RequestState::S40 && was != self.row.state {
            self.row.completed_ms = Some(self.now_ms);
        }
        let again = decision.effects.contains(&Effect::ResumeProcessing);
        if decision.to == RequestState::S30 && (was != self.row.state || again) {
            let payload = json!({"request": self.row.number}).to_string();
            let (kind, key) = (PROCESS_JOB.to_owned(), self.row.number.clone());
            self.writes.job(NewJob { queue: Queue::Work, kind, key, due_ms: self.now_ms, payload });
        }
        if let Some(second) = &self.step.second_look {
            self.writes.put(second, None)?;
        }
        self.keep_identity(decision)?;
        self.lock_identity(decision)
    }

    fn effect(&mut self, effect: Effect) -> Result<(), Error> {
        match effect {
            // Numbers were allotted with the unit; the civil status of FranceConnect came with the new row; the log is followed
            // by publication; what is discarded is not written; timers follow from the state of the row.
            Effect::AllotRequestNumber
            | Effect::AllotRpps
            | Effect::FillCivilStatus
            | Effect::Publish
            | Effect::DiscardContact
            | Effect::CloseSilently
            | Effect::PlanErasure
            | Effect::ReopenSections
            | Effect::ResumeProcessing
            | Effect::ResumeTimers => {}
            Effect::SetOwner => self.set_owner(),
            Effect::StoreDraft => self.store_draft(),
            Effect::RestartDraftTimer => self.row.restart_draft(self.now_ms),
            Effect::MarkSectionValid => {
                if let Some(section) = section_of(&self.step.event) {
                    self.row.set_valid(section, true);
                }
                self.acknowledge(&self.step.acknowledged);
            }
            Effect::EarlyIdentityCheck => {
                if self.step.findings.identity.is_some() {
                    self.acknowledge(&[MessageCode::WCiv02]);
                }
            }
            Effect::RouteToAuthority => self.row.waiting = false,
            Effect::WaitForManager => self.row.waiting = true,
            Effect::MoveToTarget => {
                if let Some(place) = &self.step.place {
                    self.row.structure.clone_from(&place.id);
                    self.row.waiting = false;
                    self.content.situation.structure.clone_from(&place.number);
                    if let Some(values) = &mut self.content.situation_values {
                        values.structure.clone_from(&place.id);
                    }
                }
            }
            Effect::Unblock => self.row.blocked = None,
            Effect::Block => {
                if let RequestEvent::Block(why) = &self.step.event {
                    self.row.blocked = Some(Blocked::key(*why).to_owned());
                }
            }
            Effect::SealSnapshot => {
                let text = serde_json::to_string(&self.content).map_err(|cause| Error::Unreadable { kind: "case", cause })?;
                self.row.snapshot = Some(self.service.keys.hashed("snapshot", &[&text]));
            }
            Effect::StoreLegalProof => self.store_legal_proof(),
            // Kept with the proof; the means is withheld when the person is written.
            Effect::WithholdMeans => {
                if let Some(legal) = &mut self.row.legal {
                    legal.weak = true;
                }
            }
            Effect::ListChanges => {
                if let RequestEvent::Validate { changed, .. } = &self.step.event {
                    self.content.changed_fields.clone_from(changed);
                }
                if let Some(TypedSection::Situation(draft, values)) = self.step.section.clone() {
                    (self.content.situation, self.content.situation_values) = (draft, values);
                }
            }
            Effect::CreatePerson => self.create_person()?,
            Effect::WriteVersions => self.write_versions()?,
            Effect::AttachSituation => self.attach_situation()?,
            Effect::BecomeAjout => "AJOUT".clone_into(&mut self.row.kind),
            Effect::ProposeContact => self.propose_contact()?,
            Effect::RequestCertification => self.request_certification()?,
            Effect::QueueArbitration => {
                self.row.candidate = self.step.findings.identity.as_ref().map(|identity| IdentityCandidate {
                    national_id: identity.person.national_id.clone(),
                    score: identity.found.score,
                });
            }
            Effect::StoreDistinctPair => {
                if let Some(candidate) = self.row.candidate.take() {
                    self.row.distinct.push(candidate.national_id);
                }
            }
            Effect::RetryLater => self.row.failures += 1,
            Effect::AlertOperators => {
                let payload = json!({"alert": "processing", "request": self.row.number}).to_string();
                let (kind, key) = (OPERATOR_JOB.to_owned(), format!("processing|{}", self.row.number));
                self.writes.job(NewJob { queue: Queue::Work, kind, key, due_ms: self.now_ms, payload });
            }
            Effect::FlagDeclaredEnd => self.row.declared_end = true,
            Effect::CancelSituation => self.cancel_situation(false)?,
            Effect::DeactivateRpps => self.cancel_situation(true)?,
            Effect::Notify(id) => {
                self.late_values();
                self.service.notify(&mut self.writes, id, &self.people, &self.values, self.now_ms)?;
                let weak = self.row.legal.as_ref().is_some_and(|legal| legal.weak);
                if id == NoticeId::N10 && !weak {
                    let (later, values) = (means_from(self.now_ms), &self.values);
                    self.service.notify(&mut self.writes, NoticeId::N26, &self.people, values, later)?;
                }
                if id == NoticeId::N10 {
                    self.survey()?;
                }
            }
        }
        Ok(())
    }

    /// Asks one new registration in a hundred for an opinion (G08).
    fn survey(&mut self) -> Result<(), Error> {
        let subject = self.row.subject.clone().unwrap_or_default();
        let drawn = self.service.drawn_survey(&self.row.number, &subject, &self.row.structure, self.now_ms);
        let Some((row, (later, until))) = drawn.and_then(|row| row.asked().map(|asked| (row, asked))) else { return Ok(()) };
        self.writes.put(&row, None)?;
        let mut values = self.values.clone();
        values.set("date", &french(until));
        self.service.notify(&mut self.writes, NoticeId::G08, &self.people, &values, later)
    }

    fn set_owner(&mut self) {
        self.row.author.clone_from(&self.actor.id);
        self.actor.kind.code().clone_into(&mut self.row.author_kind);
        if self.actor.kind.acts_in_perimeter() {
            self.row.author_ae = Some(self.row.structure.clone());
        }
    }

    fn acknowledge(&mut self, codes: &[MessageCode]) {
        for code in codes {
            let code = code.as_str().to_owned();
            if !self.row.acknowledged.contains(&code) {
                self.row.acknowledged.push(code);
            }
        }
    }

    /// Stores what was typed; a valid section that changes is to be validated again.
    fn store_draft(&mut self) {
        let Some(section) = section_of(&self.step.event) else { return };
        self.told.push(("section", json!(section_code(section))));
        if let Some(was_wrong) = self.step.typing_error {
            self.content.typing_error = was_wrong;
            self.told.push(("typingError", json!(was_wrong)));
        }
        let before = self.content.clone();
        match self.step.section.clone() {
            Some(TypedSection::Civil(draft, values)) => {
                (self.content.civil, self.content.civil_values) = (draft, values);
            }
            Some(TypedSection::Contact(draft, values)) => {
                if draft != self.content.contact {
                    self.row.contact_verified = false;
                }
                (self.content.contact, self.content.contact_values) = (draft, values);
            }
            Some(TypedSection::Situation(draft, values)) => {
                (self.content.situation, self.content.situation_values) = (draft, values);
            }
            Some(TypedSection::Closing(draft, values)) => {
                (self.content.closing, self.content.closing_values) = (draft, values);
            }
            None => {}
        }
        if let Some(place) = &self.step.place {
            self.row.structure.clone_from(&place.id);
            if self.row.author_ae.is_some() {
                self.row.author_ae = Some(place.id.clone());
            }
        }
        let changed = (&before.civil, &before.contact, &before.situation, &before.closing)
            != (&self.content.civil, &self.content.contact, &self.content.situation, &self.content.closing);
        if changed {
            self.row.set_valid(section, false);
        }
        self.count_changed_traits();
    }

    /// How much of the pivot a rectification changes: more than one trait, or the date, is for an arbiter (registration §9.4).
    fn count_changed_traits(&mut self) {
        if self.row.kind != "CIVIL" {
            return;
        }
        let (Some(civil), Some(before)) = (&self.content.civil_values, self.person.as_ref().and_then(RegisteredPerson::traits))
        else {
            return;
        };
        let after = civil.traits();
        let given = |names: &[String]| names.first().map(|name| norm(name));
        let differs = [
            norm(&before.family_name) != norm(&after.family_name),
            given(&before.given_names) != given(&after.given_names),
            before.sex != after.sex,
            before.birth != after.birth,
            before.place.commune != after.place.commune
                || before.place.country != after.place.country
                || norm(&before.place.town) != norm(&after.place.town),
        ];
        self.row.changed_traits = u8::try_from(differs.iter().filter(|differs| **differs).count()).unwrap_or(u8::MAX);
        self.row.changed_birth = differs[3];
    }

    fn store_legal_proof(&mut self) {
        let legal: &LegalStatement = match &self.step.event {
            RequestEvent::Validate { legal, .. } | RequestEvent::Submit { legal } => legal,
            _ => return,
        };
        let method = match legal.method {
            None => "",
            Some(VerificationMethod::FranceConnect) => "FRANCECONNECT",
            Some(VerificationMethod::CheckedAtHiring) => "EMBAUCHE",
            Some(VerificationMethod::Other) => "AUTRE",
        };
        self.row.legal = Some(LegalProof {
            face_to_face: legal.face_to_face,
            method: method.to_owned(),
            by: self.actor.id.clone(),
            at_ms: self.now_ms,
            terms: self.service.settings.terms_version.clone(),
            weak: legal.assurance() == IdentityAssurance::Weak,
        });
    }

    /// Why a request ends, as a code or as words of this program.
    fn outcome(&mut self) {
        match &self.step.event {
            RequestEvent::Refuse { reason: Some(reason), .. } => reason.code().clone_into(&mut self.row.outcome),
            RequestEvent::Process => {
                if let Some(broken) = self.step.findings.broken {
                    BrokenRule::label(broken).clone_into(&mut self.row.outcome);
                }
            }
            _ => {}
        }
        let first = self.row.taken_by.is_none() && !self.facts.origin.by_authority();
        if first && self.facts.state == Some(RequestState::S20) && self.actor.kind.acts_in_perimeter() {
            self.row.taken_by = Some(self.actor.id.clone());
        }
    }

    /// Keeps a second request for an unregistered identity out while this one is open, and lets it in afterwards.
    fn keep_identity(&mut self, decision: &RequestDecision) -> Result<(), Error> {
        let submits = matches!(self.step.event.kind(), RequestEventKind::Submit | RequestEventKind::Resubmit);
        let wanted = match &self.content.civil_values {
            _ if decision.to.terminal() => None,
            Some(civil) if submits && self.row.kind == "PRIMO" => Some(self.service.identity_hash(civil)),
            _ => self.row.identity.clone(),
        };
        if wanted == self.row.identity {
            return Ok(());
        }
        if let Some(open) = self.open_identity.take().filter(|open| open.value.number == self.row.number) {
            self.writes.remove(&open);
        }
        if let Some(hash) = &wanted {
            self.writes.put(&OpenIdentityRow { hash: hash.clone(), number: self.row.number.clone() }, None)?;
        }
        self.row.identity = wanted;
        Ok(())
    }

    /// Of two requests that are processed at once for one identity, one loses and begins again.
    fn lock_identity(&mut self, decision: &RequestDecision) -> Result<(), Error> {
        let Some((hash, kept)) = &self.step.findings.lock else { return Ok(()) };
        if decision.to != RequestState::S40 {
            return Ok(());
        }
        let row = IdentityLockRow { hash: hash.clone(), number: self.row.number.clone() };
        self.writes.put(&row, kept.as_ref().map(|kept| kept.version))
    }

    /// The cause of the transaction.
    pub(crate) fn cause(&self) -> Cause {
        let authority = self.place.as_ref().map(|place| place.owner().code);
        cause_of(self.actor, &self.row, authority, &self.step.event)
    }

    /// Everything that is to be written: the request with its listing, the trail, and what the effects gathered.
    pub(crate) fn written(
        mut self,
        version: Option<u64>,
        decision: &RequestDecision,
        event: AuditEvent,
    ) -> Result<PendingWrites, Error> {
        self.noted(decision, event);
        self.row.sealed = Some(self.service.sealed(&self.row.number, &self.content)?);
        self.writes.put(&self.row, version)?;
        self.writes.list(self.row.listing(Some(&self.content)));
        Ok(self.writes)
    }

    /// Notes the step in the trail of the request and in that of the installation.
    pub(crate) fn noted(&mut self, decision: &RequestDecision, mut event: AuditEvent) {
        self.row.changed_ms = self.now_ms;
        self.row.trail.push(RequestStep {
            at_ms: self.now_ms,
            event: self.step.event.kind().key().to_owned(),
            actor: self.actor.id.clone(),
            to: decision.to.code().to_owned(),
        });
        self.told.extend([
            ("transition", json!(decision.transition)),
            ("from", json!(self.facts.state.map(RequestState::code))),
            ("to", json!(decision.to.code())),
            ("structure", json!(self.row.structure)),
        ]);
        if !self.step.acknowledged.is_empty() {
            let codes: Vec<&str> = self.step.acknowledged.iter().map(|code| code.as_str()).collect();
            self.told.push(("acknowledged", json!(codes)));
        }
        for (name, value) in std::mem::take(&mut self.told) {
            event.detail = with_member(&event.detail, name, &value);
        }
        self.writes.audit(event);
    }
}
