//! What a manager sees beside a request: the checks of its identity and sections, run again without writing (registration §4.5, §4.6,
//! §8.2).

use crate::acting::{CaseActor, CaseStep};
use crate::error::{RegistrationRefusal, RegistrationStop};
use crate::lists::beyond;
use crate::own_sheets::stored_draft;
use crate::place::RegisteredPlace;
use crate::service::{Registration, refusal};
use crate::session::ManagerSession;
use crate::step::SteppedRequest;
use annuaire_store::AuditEvent;
use annuaire_workflow::certification::CertificationState;
use annuaire_workflow::duplicates::EntryDisclosure;
use annuaire_workflow::fields::Findings;
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{RequestEvent, RequestSection};
use annuaire_workflow::state::RequestState;
use annuaire_workflow::timers::{TimerDeed, schedule};

/// What the side panel of an instruction tells of the identity (registration §4.6): nothing of a person elsewhere but what §8.2 allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityChecks {
    /// What may be told of a registered person who is alike; nothing for a request that is over, or about a registered person.
    pub alike: Option<EntryDisclosure>,
    /// Whether another registered person has the e-mail address (W-CON-02).
    pub mail_used: bool,
    /// Whether another registered person has the mobile (W-CON-02).
    pub mobile_used: bool,
    /// State of certification (J111, TRE_R31) that the civil status has, or will have once the request is accepted.
    pub certification: String,
    /// Whether the request waits longer than until the first reminder of its state (registration §13).
    pub late: bool,
}

impl Registration {
    /// The checks of the identity of a request of the perimeter. The read is audited. Cost: a search for the identity.
    ///
    /// # Errors
    /// As [`open_sheet`](Self::open_sheet).
    pub async fn identity_checks(&self, by: &ManagerSession, number: &str) -> Result<IdentityChecks, RegistrationStop> {
        let (kept, _) = self.request_within(by, number, "controler-identite").await?;
        let (actor, content) = (CaseActor::manager(by), self.opened(&kept.value)?);
        let facts = kept.value.facts(kept.version)?;
        let is_over = facts.state.is_some_and(RequestState::terminal);
        let alike = match &content.civil_values {
            Some(civil) if !is_over => self.alike(&actor, &kept.value, &content, civil).await?,
            _ => None,
        };
        let subject = kept.value.subject.as_deref();
        let contact = content.contact_values.unwrap_or_default();
        let (mail_used, mobile_used) = self.contact_used(&contact.email, &contact.mobile, subject).await?;
        let certification = match subject {
            Some(subject) => {
                let person = self.person(subject).await?;
                person.and_then(|person| person.merged.etat_civil).map(|civil| civil.statut).unwrap_or_default()
            }
            None => CertificationState::parse(&kept.value.certified).unwrap_or(CertificationState::Asked).code().to_owned(),
        };
        let today = self.today();
        let is_reminder = |deed: TimerDeed| !matches!(deed, TimerDeed::Expire | TimerDeed::Purge);
        let late = schedule(&facts).iter().any(|action| is_reminder(action.deed) && action.on <= today);
        Ok(IdentityChecks { alike, mail_used, mobile_used, certification, late })
    }

    /// The checks of a section as it is stored, again and without writing: what « Valider » would find. The read is audited.
    ///
    /// # Errors
    /// As [`open_sheet`](Self::open_sheet).
    pub async fn section_findings(
        &self,
        by: &ManagerSession,
        number: &str,
        section: RequestSection,
    ) -> Result<(Findings, Option<EntryDisclosure>), RegistrationStop> {
        let (kept, _) = self.request_within(by, number, "controler-section").await?;
        let content = self.opened(&kept.value)?;
        let draft = stored_draft(&kept.value, &content, section);
        let checked = self.check(&CaseActor::manager(by), &kept.value, &content, draft).await?;
        Ok((checked.findings, checked.alike))
    }

    /// « Corriger une erreur de saisie », for a change of a situation: what it replaces was never true (registration §4.8). Sections
    /// stay as valid as they were.
    ///
    /// # Errors
    /// As [`open_sheet`](Self::open_sheet); E-GEN-02 for a request of another type; E-GEN-09 for another version than the stored one,
    /// and the other refusals of « Enregistrer ».
    pub async fn set_typing_error(
        &self,
        by: &ManagerSession,
        number: &str,
        version: u64,
        typing_error: bool,
    ) -> Result<SteppedRequest, RegistrationStop> {
        let (kept, _) = self.request_within(by, number, "erreur-de-saisie").await?;
        let actor = CaseActor::manager(by);
        if kept.value.kind != RequestKind::Modif.code() {
            return self.refused(actor.event("erreur-de-saisie", number), refusal(MessageCode::EGen02)).await;
        }
        let mut step = CaseStep::new(RequestEvent::SaveSection { section: RequestSection::Situation, version });
        step.typing_error = Some(typing_error);
        self.act(number, &actor, &step).await
    }

    /// A structure of the perimeter, by its number; the refusal is audited.
    pub(crate) async fn place_within(
        &self,
        by: &CaseActor,
        structure: &str,
        event: &AuditEvent,
    ) -> Result<RegisteredPlace, RegistrationStop> {
        let place = self.place_numbered(structure).await?;
        let refused = match self.rights_of(by).await? {
            Some(rights) => beyond(&rights.reach(place.as_ref())?),
            None => Some(RegistrationRefusal::plain(MessageCode::EPer01)),
        };
        match (refused, place) {
            (None, Some(place)) => Ok(place),
            (refused, _) => {
                let refused = refused.unwrap_or_else(|| RegistrationRefusal::plain(MessageCode::EPer01));
                self.refused(event.clone(), refused).await
            }
        }
    }
}
