//! Arbitration of identities (T03, registration §4.11, §6.4 rows 23 to 26): the queue is the requests in S35.

use crate::acting::{CaseActor, CaseStep, ProcessingFindings};
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::identity_key::FoundIdentity;
use crate::limits::LIST_PAGE_MAX;
use crate::lists::RequestSheet;
use crate::service::Registration;
use crate::session::ArbiterSession;
use crate::stated::{OwnExercise, OwnSituation, StatedParts};
use crate::step::SteppedRequest;
use annuaire_mos::EtatCivil;
use annuaire_store::{CaseFilter, CaseOrder};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::duplicates::{Score, is_strict_match, score};
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::request::{IdentityMatch, RequestEvent};
use annuaire_workflow::state::RequestState;

/// A line of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArbitrationLine {
    /// Number of the request.
    pub number: String,
    /// Since when it waits, milliseconds since 1970 UTC.
    pub since_ms: i64,
}

/// A request beside the registered person whom it may be about.
#[derive(Debug, Clone)]
pub struct ArbitrationSheet {
    /// The request.
    pub request: RequestSheet,
    /// RPPS number of the candidate, else of the person whom the request names; `None` when there is neither.
    pub candidate: Option<String>,
    /// Civil status of the candidate.
    pub civil: Option<EtatCivil>,
    /// How alike they are, trait by trait.
    pub score: Option<Score>,
    /// Practices of the candidate, each with the authority that states it.
    pub exercises: Vec<OwnExercise>,
    /// Situations of the candidate, likewise.
    pub situations: Vec<OwnSituation>,
}

impl Registration {
    /// The queue, the longest waiting first.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn arbitration_queue(&self, _by: &ArbiterSession, offset: u32) -> Result<Vec<ArbitrationLine>, Error> {
        let filter = CaseFilter { states: Some(vec![RequestState::S35.code().to_owned()]), ..CaseFilter::default() };
        let cases = self.registry().cases(&filter, CaseOrder::OldestFirst, offset, LIST_PAGE_MAX).await?;
        let line =
            |listing: annuaire_store::CaseListing| ArbitrationLine { number: listing.number, since_ms: listing.changed_ms };
        Ok(cases.into_iter().map(|case| line(case.listing)).collect())
    }

    /// A request of the queue beside its candidate. The read is audited with its purpose.
    ///
    /// # Errors
    /// E-REQ-06 for a request that is not in the queue; the errors of the registry.
    pub async fn arbitration_sheet(&self, by: &ArbiterSession, number: &str) -> Result<ArbitrationSheet, RegistrationStop> {
        let event = CaseActor::arbiter(by).event("lire", number);
        let kept = self.request(number).await?.filter(|kept| kept.value.state == RequestState::S35.code());
        let Some(kept) = kept else {
            let hidden = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
            return self.refused(event, hidden).await;
        };
        self.audit(event).await?;
        let content = self.opened(&kept.value)?;
        // A change of civil status has no candidate: it names its person.
        let compared_with = kept.value.candidate.as_ref().map(|candidate| &candidate.national_id).or(kept.value.subject.as_ref());
        let person = match compared_with {
            Some(national_id) => self.person(national_id).await?,
            None => None,
        };
        let theirs = person.as_ref().and_then(crate::person::RegisteredPerson::traits);
        let compared = content.civil_values.as_ref().zip(theirs);
        let place = self.place(&kept.value.structure).await?;
        let stated = match &person {
            Some(person) => self.stated_parts(person).await?,
            None => StatedParts::default(),
        };
        Ok(ArbitrationSheet {
            exercises: stated.exercises,
            situations: stated.situations,
            score: compared.map(|(ours, theirs)| score(&ours.traits(), &theirs, CommuneIndex::embedded())),
            candidate: person.as_ref().map(|person| person.national_id.get(1..).unwrap_or_default().to_owned()),
            civil: person.and_then(|person| person.merged.etat_civil),
            request: self.sheet(kept, place, ActorKind::Arb).await?,
        })
    }

    /// « Même personne — rattacher » (23).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn same_person(&self, by: &ArbiterSession, number: &str, reason: &str) -> Result<SteppedRequest, RegistrationStop> {
        let mut step = CaseStep::new(RequestEvent::SamePerson { reason: reason.to_owned() });
        // Attaching asks whether the candidate has a verified contact (registration §8.1).
        if let Some(kept) = self.request(number).await?
            && let Some(candidate) = &kept.value.candidate
            && let Some(person) = self.person(&candidate.national_id).await?
        {
            let ours = self.opened(&kept.value)?.civil_values;
            let strict = ours.zip(person.traits()).is_some_and(|(ours, theirs)| is_strict_match(&ours.traits(), &theirs));
            let contact_verified = person.verified_contact().is_some();
            let found = IdentityMatch { score: candidate.score, strict, contact_verified, ..IdentityMatch::default() };
            step.findings = ProcessingFindings { identity: Some(FoundIdentity { person, found }), ..Default::default() };
        }
        self.arbitrate(by, number, step).await
    }

    /// A decision, which another arbiter may look at again.
    async fn arbitrate(&self, by: &ArbiterSession, number: &str, mut step: CaseStep) -> Result<SteppedRequest, RegistrationStop> {
        self.draw_request(by, number, &mut step).await?;
        self.act(number, &CaseActor::arbiter(by), &step).await
    }

    /// « Personnes distinctes » (24): the pair is kept for ever, and the processing goes on.
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn distinct_persons(
        &self,
        by: &ArbiterSession,
        number: &str,
        reason: &str,
    ) -> Result<SteppedRequest, RegistrationStop> {
        let event = RequestEvent::DistinctPersons { reason: reason.to_owned() };
        self.arbitrate(by, number, CaseStep::new(event)).await
    }

    /// « Demander une pièce à l'AE » (25).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn ask_authority(
        &self,
        by: &ArbiterSession,
        number: &str,
        reason: &str,
    ) -> Result<SteppedRequest, RegistrationStop> {
        let event = RequestEvent::AskForMore { reason: reason.to_owned() };
        self.act(number, &CaseActor::arbiter(by), &CaseStep::new(event)).await
    }

    /// « Rejeter » (26).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn reject(&self, by: &ArbiterSession, number: &str, reason: &str) -> Result<SteppedRequest, RegistrationStop> {
        let event = RequestEvent::Reject { reason: reason.to_owned() };
        self.arbitrate(by, number, CaseStep::new(event)).await
    }
}
