//! What people raise beside the steps of a request: « Erreur de personne » within 24 hours (row 34), « Relancer l'établissement »,
//! « Ce n'est pas moi » (registration §12).

use crate::acting::{CaseActor, CaseStep, plain_cause};
use crate::applicant::ApplicantSession;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::followed::{FRAUD_ALERT, WithheldMeansRow};
use crate::grants::PlaceManagers;
use crate::limits::LIST_PAGE_MAX;
use crate::notice::{NoticePeople, NoticeValues, OPERATOR_JOB};
use crate::person::persons;
use crate::row::{PendingWrites, VersionedRow, read};
use crate::service::{Registration, refusal};
use crate::session::{ArbiterSession, HolderSession, ManagerSession};
use crate::step::SteppedRequest;
use annuaire_store::{NewJob, Queue};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::request::RequestEvent;
use annuaire_workflow::routing::may_recall;
use annuaire_workflow::state::RequestState;
use serde_json::json;

/// A request about a registered person, as they may raise « Ce n'est pas moi » on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestAboutHolder {
    /// Its number.
    pub number: String,
    /// Its type.
    pub kind: RequestKind,
    /// Name of the structure; empty when the registry does not know it.
    pub place: String,
    /// Its state.
    pub state: RequestState,
    /// When it began, milliseconds since 1970 UTC.
    pub begun_ms: i64,
}

impl Registration {
    /// The requests about the holder, whoever began them, the newest first. Cost: all of them, in pages, and the facts of their structures.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn requests_about_holder(&self, by: &HolderSession) -> Result<Vec<RequestAboutHolder>, Error> {
        let mut all = Vec::new();
        for row in self.requests_about(&by.person).await? {
            let (Some(kind), Some(state)) = (RequestKind::parse(&row.kind), RequestState::parse(&row.state)) else { continue };
            if row.subject.as_deref() != Some(&by.person) || all.len() >= LIST_PAGE_MAX as usize {
                continue;
            }
            let place = self.place(&row.structure).await?.map(|place| place.name).unwrap_or_default();
            all.push(RequestAboutHolder { number: row.number, kind, place, state, begun_ms: row.begun_ms });
        }
        Ok(all)
    }

    /// « Erreur de personne »: the authority asks to cancel a validated request within 24 hours (34). It is cancelled once an arbiter
    /// agreed, before or after. `activated`: something was activated since the number was given, as the program knows.
    ///
    /// # Errors
    /// E-REQ-08 until the arbiter agrees; refusals of the transition table; the errors of the registry.
    pub async fn cancel_wrong_person(
        &self,
        by: &ManagerSession,
        number: &str,
        activated: bool,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.cancel(&CaseActor::manager(by), number, activated).await
    }

    /// The arbiter agrees to « Erreur de personne », before or after the authority asked.
    ///
    /// # Errors
    /// As [`cancel_wrong_person`](Self::cancel_wrong_person).
    pub async fn agree_wrong_person(
        &self,
        by: &ArbiterSession,
        number: &str,
        activated: bool,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.cancel(&CaseActor::arbiter(by), number, activated).await
    }

    async fn cancel(&self, actor: &CaseActor, number: &str, activated: bool) -> Result<SteppedRequest, RegistrationStop> {
        let mut step = CaseStep::new(RequestEvent::WrongPerson);
        step.activated = activated;
        if let Some(kept) = self.request(number).await? {
            step.seconded = kept.value.cancelled_by.as_deref().is_some_and(|kind| kind != actor.kind.code());
            // What the program told once counts, whatever this caller knows.
            if let Some(subject) = &kept.value.subject {
                step.activated |= self.is_activated(subject).await?;
            }
        }
        match self.act(number, actor, &step).await {
            // Everything holds but the agreement of the other one: what this one wants is kept for them.
            Err(RegistrationStop::Refused(refused)) if refused.code == MessageCode::EReq08 => {
                if let Some(kept) = self.request(number).await? {
                    let mut row = kept.value;
                    row.cancelled_by = Some(actor.kind.code().to_owned());
                    let mut writes = PendingWrites::default();
                    writes.put(&row, Some(kept.version))?;
                    writes.audit(actor.event("demander-annulation", number));
                    if !self.write(writes, &plain_cause(actor, number)).await? {
                        return Err(Error::Contended { number: number.to_owned() }.into());
                    }
                }
                Err(refused.into())
            }
            other => other,
        }
    }

    /// « Relancer l'établissement »: once in seven days while the request is with its authority.
    ///
    /// # Errors
    /// E-REQ-06 for a request of somebody else, one that does not wait for an authority, or one recalled too lately; the errors of the
    /// registry.
    pub async fn recall(&self, by: &ApplicantSession, number: &str) -> Result<(), RegistrationStop> {
        self.recall_as(&by.actor(), number).await
    }

    /// « Relancer l'établissement » by a registered professional, on a request of theirs.
    ///
    /// # Errors
    /// As [`recall`](Self::recall).
    pub async fn recall_holder(&self, by: &HolderSession, number: &str) -> Result<(), RegistrationStop> {
        self.recall_as(&CaseActor::holder(by), number).await
    }

    async fn recall_as(&self, actor: &CaseActor, number: &str) -> Result<(), RegistrationStop> {
        let kept = self.own_row(actor, number, "relancer").await?;
        let event = actor.event("relancer", number);
        let last = kept.value.recalled_on.as_deref().and_then(parse_iso);
        let state = RequestState::parse(&kept.value.state);
        if state != Some(RequestState::S20) || !may_recall(last, self.today()) {
            let statut = state.map_or("", RequestState::statut);
            let refused = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", statut)]);
            return self.refused(event, refused).await;
        }
        let mut writes = PendingWrites::default();
        if let Some(place) = self.place(&kept.value.structure).await? {
            let managers = PlaceManagers::of(self.registry(), &place, self.today()).await?;
            let found = persons(self.registry(), &managers.all()).await?;
            let mut people = NoticePeople::default();
            people.set(NoticeAudience::Managers, found.iter().map(Into::into).collect());
            self.notify(&mut writes, NoticeId::N03, &people, &NoticeValues::of(number), self.now_ms())?;
        }
        let mut row = kept.value;
        row.recalled_on = Some(self.today().to_string());
        writes.put(&row, Some(kept.version))?;
        writes.audit(event);
        match self.write(writes, &plain_cause(actor, number)).await? {
            true => Ok(()),
            false => Err(Error::Contended { number: number.to_owned() }.into()),
        }
    }

    /// « Ce n'est pas moi »: nothing is activated any more and what is active is frozen at once, until support lifts the suspension; support is
    /// told within its queue.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn not_me(&self, by: &HolderSession, number: &str) -> Result<(), RegistrationStop> {
        let actor = CaseActor::holder(by);
        let event = actor.event("ce-nest-pas-moi", number);
        let Some(kept) = self.request(number).await?.filter(|kept| kept.value.subject.as_deref() == Some(&by.person)) else {
            return self.refused(event, refusal(MessageCode::EPer01)).await;
        };
        let known: Option<VersionedRow<WithheldMeansRow>> = read(self.registry(), &by.person).await?;
        let row = WithheldMeansRow {
            person: by.person.clone(),
            reason: FRAUD_ALERT.to_owned(),
            since: self.today().to_string(),
            request: kept.value.number,
        };
        let mut writes = PendingWrites::default();
        writes.put(&row, known.map(|row| row.version))?;
        let payload = json!({"alert": "fraud", "request": number, "kind": ActorKind::Pro.code()}).to_string();
        let (kind, key) = (OPERATOR_JOB.to_owned(), format!("fraud|{number}"));
        writes.job(NewJob { queue: Queue::Work, kind, key, due_ms: self.now_ms(), payload });
        writes.audit(event);
        match self.write(writes, &plain_cause(&actor, number)).await? {
            true => Ok(()),
            false => Err(Error::Contended { number: number.to_owned() }.into()),
        }
    }
}
