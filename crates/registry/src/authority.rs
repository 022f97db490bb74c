//! The console of orders and regional agencies (registration §2.1, §8.3): agents read about persons of their population, and see what others
//! added to them. They write through their own feeds (`feed.rs`).

use crate::acting::CaseActor;
use crate::contact_proposals::person_event;
use crate::error::RegistrationStop;
use crate::person::RegisteredPerson;
use crate::service::{Registration, refusal};
use crate::session::{SessionTrace, audit_event};
use crate::stated::{OwnExercise, OwnSituation};
use annuaire_mos::EtatCivil;
use annuaire_nos::Nos;
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::rpps_number::idnps;

/// An agent of an order or a regional agency (ORD, ARS).
#[derive(Debug, Clone)]
pub struct AuthoritySession {
    person: String,
    trace: SessionTrace,
    /// Code of TRE_R60.
    code: String,
}

/// A person of the population of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityPerson {
    /// RPPS number.
    pub rpps: String,
    /// Civil title (TRE_R81).
    pub civility: String,
    /// Civil status.
    pub civil: EtatCivil,
    /// E-mail address.
    pub mail: String,
    /// Mobile.
    pub mobile: String,
    /// Practices, whoever registered them.
    pub exercises: Vec<OwnExercise>,
    /// Situations, whoever states them.
    pub situations: Vec<OwnSituation>,
}

impl AuthoritySession {
    /// The authority: a code of TRE_R60, such as `ARS-53`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The agent, as the trail has it.
    pub(crate) fn actor(&self) -> CaseActor {
        CaseActor {
            kind: self.kind(),
            id: self.person.clone(),
            trace: self.trace.clone(),
            purpose: self.code.clone(),
            machine: None,
        }
    }

    fn kind(&self) -> ActorKind {
        kind_of(&self.code)
    }

    pub(crate) fn person(&self) -> &str {
        &self.person
    }

    pub(crate) const fn trace(&self) -> &SessionTrace {
        &self.trace
    }
}

/// The kind of actor that speaks for an authority.
pub(crate) fn kind_of(code: &str) -> ActorKind {
    if code.starts_with("ARS") || code.starts_with("AT-") { ActorKind::Ars } else { ActorKind::Ord }
}

/// Whether a person is of the population of an authority: it states something of them, or registered them.
fn is_of_population(person: &RegisteredPerson, code: &str) -> bool {
    let named = |label: &str| {
        let first = label.split('/').next().unwrap_or_default();
        !first.is_empty() && Nos::embedded().autorite(first) == Some(code)
    };
    person.facts.iter().any(|fact| fact.key.owner == code)
        || person.merged.inscriptions.iter().any(|registered| registered.ordre == code)
        || named(&person.merged.autorite_enregistrement)
}

impl Registration {
    /// A session of an agent of an order or a regional agency.
    ///
    /// # Errors
    /// M01 for anybody else; the errors of the registry.
    pub async fn authority_session(&self, national_id: &str, trace: SessionTrace) -> Result<AuthoritySession, RegistrationStop> {
        let code = self.settings.authority_agents.get(national_id).cloned();
        let session = AuthoritySession { person: national_id.to_owned(), trace, code: code.clone().unwrap_or_default() };
        let event = audit_event(session.kind(), national_id, &session.trace, "session", national_id);
        if code.is_none() {
            return self.refused(event, refusal(MessageCode::M01)).await;
        }
        self.audit(event).await?;
        Ok(session)
    }

    /// A person of the population, with their own practices and what others added. The read is audited.
    ///
    /// # Errors
    /// E-RPPS-01 for an unknown number and for a person of another population, who are not told apart; the errors of the registry.
    pub async fn authority_person(&self, by: &AuthoritySession, rpps: &str) -> Result<AuthorityPerson, RegistrationStop> {
        let number = idnps(rpps.trim());
        let actor = by.actor();
        let event = person_event(&actor, "lire-fiche", &number);
        let Some(person) = self.person(&number).await?.filter(|person| is_of_population(person, &by.code)) else {
            return self.refused(event, refusal(MessageCode::ERpps01)).await;
        };
        self.audit(event).await?;
        let parts = self.stated_parts(&person).await?;
        let contact = person.contact();
        Ok(AuthorityPerson {
            rpps: person.national_id.get(1..).unwrap_or_default().to_owned(),
            civility: person.merged.civilite.clone(),
            civil: person.merged.etat_civil.clone().unwrap_or_default(),
            mail: contact.mail,
            mobile: contact.mobile,
            exercises: parts.exercises,
            situations: parts.situations,
        })
    }
}
