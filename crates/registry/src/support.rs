//! The national support (registration §2.6): reads of requests without a trait, of persons behind masks, structures that wait to be verified,
//! what operators see to, and means that were withheld.

use crate::acting::CaseActor;
use crate::contact_proposals::person_event;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::followed::WithheldMeansRow;
use crate::grants::{AuthorityRow, UnverifiedRow};
use crate::limits::{OPERATOR_JOBS_MAX, PAGE};
use crate::lives::DECEASED;
use crate::notice::{NoticePeople, NoticeValues, OPERATOR_JOB};
use crate::outbox::NoticeDelivery;
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, VersionedRow, beginning, read};
use crate::service::{Registration, refusal, typed_reason, with_member};
use crate::session::SupportSession;
use crate::stated::{OwnExercise, OwnSituation};
use annuaire_store::Queue;
use annuaire_workflow::day::{french, paris_day};
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::rights::{masked_mail, masked_mobile};
use annuaire_workflow::rpps_number::idnps;
use annuaire_workflow::state::{Blocked, RequestState};
use serde_json::{Value, json};

/// A request as support sees it: no trait, no contact, no name of an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportRequest {
    /// « Numéro de demande ».
    pub number: String,
    /// « Type ».
    pub kind: RequestKind,
    /// « Statut ».
    pub state: RequestState,
    /// Why it is frozen.
    pub blocked: Option<Blocked>,
    /// When it was begun, milliseconds since 1970 UTC.
    pub begun_ms: i64,
    /// When it changed last.
    pub changed_ms: i64,
    /// The structure.
    pub structure: Option<RegisteredPlace>,
    /// RPPS number of the registered person whom it is about, or that it led to.
    pub rpps: Option<String>,
    /// Steps with their instants, the oldest first.
    pub trail: Vec<SupportStep>,
    /// Messages about it.
    pub deliveries: Vec<NoticeDelivery>,
}

/// A step of a request as support sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportStep {
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// What happened, in French.
    pub what: String,
    /// The state that it led to.
    pub state: Option<RequestState>,
}

/// A registered person as support sees them: what is public, and the rest behind masks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportPerson {
    /// RPPS number.
    pub rpps: String,
    /// Family name of the civil status: its first letter.
    pub family_masked: String,
    /// First given name of the civil status: its first letter.
    pub given_masked: String,
    /// Year of birth: « ••/••/1991 ».
    pub birth_masked: String,
    /// State of the certification (J111).
    pub certification: String,
    /// E-mail address, masked.
    pub mail_masked: String,
    /// Mobile, masked.
    pub mobile_masked: String,
    /// Whether the professional verified the contact.
    pub contact_verified: bool,
    /// Practices, with the public names of exercise.
    pub exercises: Vec<OwnExercise>,
    /// Situations.
    pub situations: Vec<OwnSituation>,
    /// Why the activation of a means waits.
    pub withheld: Option<String>,
    /// Whether a contact waits for the professional.
    pub has_proposal: bool,
}

/// A structure that asked to be an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedStructure {
    /// What the habilitation is for.
    pub target: PerimeterTarget,
    /// Name of the structure.
    pub name: String,
    /// National identification of the legal representative.
    pub representative: String,
}

/// Something that an operator sees to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorJob {
    /// Its number.
    pub id: i64,
    /// Since when it waits, milliseconds since 1970 UTC.
    pub since_ms: i64,
    /// What it is: `letter`, or the alert: `fraud`, `searches`, `outside`, `processing`, the key of a timer.
    pub what: String,
    /// Number of the request; empty when there is none.
    pub request: String,
    /// Notification of a letter; empty for an alert.
    pub notice: String,
    /// National identification of the manager whom an alert is about; empty when it is about none.
    pub manager: String,
}

/// The first letter of a name.
fn initial(name: &str) -> String {
    name.chars().next().map(|first| format!("{first}…")).unwrap_or_default()
}

impl Registration {
    /// A request by number, without a trait; `None` when there is none. The read is audited with its purpose.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn support_find(&self, by: &SupportSession, number: &str) -> Result<Option<SupportRequest>, Error> {
        let number = number.trim();
        self.audit(CaseActor::support(by).event("lire", number)).await?;
        let Some(kept) = self.request(number).await? else { return Ok(None) };
        let facts = kept.value.facts(kept.version)?;
        let row = kept.value;
        let step = |step: &crate::request_row::RequestStep| SupportStep {
            at_ms: step.at_ms,
            what: crate::accesses::deed(&format!("inscription-{}", step.event)).to_owned(),
            state: RequestState::parse(&step.to),
        };
        Ok(Some(SupportRequest {
            kind: facts.kind,
            state: facts.state.unwrap_or(RequestState::S10),
            blocked: facts.blocked,
            begun_ms: row.begun_ms,
            changed_ms: row.changed_ms,
            structure: self.place(&row.structure).await?,
            rpps: row.rpps.clone().or_else(|| row.subject.as_ref()?.get(1..).map(str::to_owned)),
            trail: row.trail.iter().map(step).collect(),
            deliveries: self.deliveries(by, number).await?,
            number: row.number,
        }))
    }

    /// A registered person, behind masks; `None` for an unknown number. The read is audited with its purpose, and the person is told of it
    /// (N23), once a day for one reader and purpose.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn support_person(&self, by: &SupportSession, rpps: &str) -> Result<Option<SupportPerson>, RegistrationStop> {
        let actor = CaseActor::support(by);
        // A former ADELI number leads to its person (registration §16.7).
        let number = idnps(self.rpps_of_adeli(rpps).await?.as_deref().unwrap_or(rpps.trim()));
        let event = person_event(&actor, "lire-fiche", &number);
        let Some(person) = self.person(&number).await? else {
            self.audit(with_result(event, "inconnu")).await?;
            return Ok(None);
        };
        let told = self.is_told_today(&event).await?;
        let mut writes = PendingWrites::default();
        if !told && !person.is_deceased() {
            let mut people = NoticePeople::default();
            people.set(NoticeAudience::Professional, vec![(&person).into()]);
            let mut values = NoticeValues::of("");
            values.set("date", &french(paris_day(self.now_ms())));
            values.set("motif", &by.purpose);
            self.notify(&mut writes, NoticeId::N23, &people, &values, self.now_ms())?;
        }
        writes.audit(event);
        self.written_once(writes, &actor, &number).await?;
        let parts = self.stated_parts(&person).await?;
        let contact = person.contact();
        let civil = person.merged.etat_civil.clone().unwrap_or_default();
        let mask = |text: &str, mask: fn(&str) -> String| if text.is_empty() { String::new() } else { mask(text) };
        Ok(Some(SupportPerson {
            rpps: person.national_id.get(1..).unwrap_or_default().to_owned(),
            family_masked: initial(&civil.nom_famille),
            given_masked: initial(civil.prenoms.first().map(String::as_str).unwrap_or_default()),
            birth_masked: civil.date_naissance.get(..4).map(|year| format!("••/••/{year}")).unwrap_or_default(),
            certification: civil.statut,
            mail_masked: mask(&contact.mail, masked_mail),
            mobile_masked: mask(&contact.mobile, masked_mobile),
            contact_verified: person.verified_contact().is_some(),
            exercises: parts.exercises,
            situations: parts.situations,
            withheld: self.means_withheld(&number).await?,
            has_proposal: self.standing_proposal(&number).await?.is_some(),
        }))
    }

    /// Whether the trail of today holds this read with this purpose, so that the person was told of it.
    async fn is_told_today(&self, event: &annuaire_store::AuditEvent) -> Result<bool, Error> {
        let filter = annuaire_store::AuditFilter {
            actor: Some(event.actor.clone()),
            event: Some(event.event.clone()),
            from_ms: Some(annuaire_workflow::day::paris_midnight(paris_day(self.now_ms()))),
            ..annuaire_store::AuditFilter::of_object(&event.object)
        };
        let purpose = |detail: &str| serde_json::from_str::<Value>(detail).ok().and_then(|detail| detail.get("purpose").cloned());
        let rows = self.registry().audit_of(&filter, None, PAGE).await?;
        Ok(rows.iter().any(|row| purpose(&row.event.detail) == purpose(&event.detail)))
    }

    /// Structures that wait to be verified (H2), by target: the first page of them.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn structures_to_verify(&self, by: &SupportSession) -> Result<Vec<AttachedStructure>, Error> {
        self.audit(CaseActor::support(by).event("liste-structures", "")).await?;
        let mut all = Vec::new();
        for row in beginning::<UnverifiedRow>(self.registry(), "", OPERATOR_JOBS_MAX as usize).await? {
            let Some(row) = read::<AuthorityRow>(self.registry(), &row.value.target).await? else { continue };
            let target = crate::target::parse(&row.value.target)?;
            all.push(AttachedStructure { target, name: row.value.name, representative: row.value.representative });
        }
        Ok(all)
    }

    /// What operators see to, that which waits for longest first: letters to be posted, and alerts.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn operator_jobs(&self, _by: &SupportSession) -> Result<Vec<OperatorJob>, Error> {
        let jobs = self.registry().jobs(Queue::Work, OPERATOR_JOBS_MAX).await?;
        let own = jobs.into_iter().filter(|job| job.job.kind == OPERATOR_JOB);
        Ok(own
            .map(|job| {
                let payload: Value = serde_json::from_str(&job.job.payload).unwrap_or_default();
                let text = |name: &str| payload.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let notice = text("letter");
                OperatorJob {
                    id: job.id,
                    since_ms: job.job.due_ms,
                    what: if notice.is_empty() { text("alert") } else { "letter".to_owned() },
                    request: text("request"),
                    manager: text("manager"),
                    notice,
                }
            })
            .collect())
    }

    /// Alerts of « Ce n'est pas moi » that nobody closed.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn fraud_alerts(&self, by: &SupportSession) -> Result<Vec<OperatorJob>, Error> {
        Ok(self.operator_jobs(by).await?.into_iter().filter(|job| job.what == "fraud").collect())
    }

    /// Closes something that an operator saw to.
    ///
    /// # Errors
    /// E-GEN-02 for what does not wait, and what no operator sees to; the errors of the registry.
    pub async fn close_operator_job(&self, by: &SupportSession, id: i64) -> Result<(), RegistrationStop> {
        let found = self.operator_jobs(by).await?.into_iter().find(|job| job.id == id);
        let request = found.as_ref().map(|job| job.request.clone()).unwrap_or_default();
        let mut event = CaseActor::support(by).event("clore-alerte", &request);
        let Some(job) = found else { return self.refused(event, refusal(MessageCode::EGen02)).await };
        event.detail = with_member(&event.detail, "what", &json!(job.what));
        self.audit(event).await?;
        Ok(self.registry().finish_job(id).await?)
    }

    /// Lets means be activated again that were withheld, with the reason. A death and an alias are not lifted
    /// here.
    ///
    /// # Errors
    /// E-GEN-03 for the reason, E-GEN-02 when nothing is withheld, E-REQ-06 after a death and for an alias; the errors of the registry.
    pub async fn lift_withheld(&self, by: &SupportSession, rpps: &str, reason: &str) -> Result<(), RegistrationStop> {
        let actor = CaseActor::support(by);
        let number = idnps(rpps.trim());
        let mut event = person_event(&actor, "lever-suspension", &number);
        let reason = match typed_reason(reason) {
            Ok(reason) => reason,
            Err(refused) => return self.refused(event, refused).await,
        };
        let kept: Option<VersionedRow<WithheldMeansRow>> = read(self.registry(), &number).await?;
        let Some(kept) = kept else { return self.refused(event, refusal(MessageCode::EGen02)).await };
        if kept.value.reason == DECEASED || self.surviving_number(rpps).await?.is_some() {
            let refused = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
            return self.refused(event, refused).await;
        }
        event.detail = with_member(&event.detail, "withheld", &json!(kept.value.reason));
        event.detail = with_member(&event.detail, "reason", &json!(reason));
        let mut writes = PendingWrites::default();
        writes.remove(&kept);
        writes.audit(event);
        self.written_once(writes, &actor, &number).await
    }
}

fn with_result(mut event: annuaire_store::AuditEvent, result: &str) -> annuaire_store::AuditEvent {
    event.detail = with_member(&event.detail, "result", &json!(result));
    event
}
