//! « Identités à vérifier » (registration §9.2): what the civil register does not know, and what the managers of the owner do about it.

use crate::acting::CaseActor;
use crate::certification::certification_event;
use crate::contact_proposals::person_event;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::followed::CertificationRow;
use crate::limits::LIST_PAGE_MAX;
use crate::person::{RegisteredPerson, persons};
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, VersionedRow, about, read};
use crate::service::{Registration, refusal, with_member};
use crate::session::ManagerSession;
use annuaire_store::AuditEvent;
use annuaire_workflow::certification::{CertificationEvent, CertificationState, certification_step};
use annuaire_workflow::day::{paris_day, paris_midnight, parse_french, plus_days};
use annuaire_workflow::fields::IDENTITY_PROOFS;
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::rpps_number::idnps;
use serde_json::json;

/// A person whose identity waits to be verified by the authority that states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityToVerify {
    /// RPPS number.
    pub rpps: String,
    /// Family name in capitals and given name of exercise.
    pub name: String,
    /// The structure that states the civil status.
    pub place: RegisteredPlace,
    /// State of the certification: a code of J111.
    pub state: String,
    /// Since when it stands, ISO.
    pub since: String,
    /// Whether the manager may confirm it on a document: not while FranceConnect vouches for it.
    pub may_confirm: bool,
}

/// Documents on which a manager confirms an identity: a person sees them.
fn is_document(kind: &str) -> bool {
    kind != "FRANCECONNECT" && kind != "AUTRE" && IDENTITY_PROOFS.iter().any(|(known, _)| *known == kind)
}

impl Registration {
    /// Rows of the tasks of some structures.
    async fn tasks_of(
        &self,
        places: &[RegisteredPlace],
    ) -> Result<Vec<(VersionedRow<CertificationRow>, RegisteredPlace)>, Error> {
        let mut all = Vec::new();
        for place in places {
            for kept in about::<CertificationRow>(self.registry(), &place.owner().code).await? {
                all.push((kept, place.clone()));
            }
        }
        Ok(all)
    }

    /// How many identities wait to be verified in these structures. Cost: a look-up for each structure.
    pub(crate) async fn identities_of(&self, places: &[RegisteredPlace]) -> Result<u64, Error> {
        Ok(u64::try_from(self.tasks_of(places).await?.len()).unwrap_or(u64::MAX))
    }

    /// « Identités à vérifier » of the perimeter, by name: the first [`LIST_PAGE_MAX`] of them. The read is audited.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn identities_to_verify(&self, by: &ManagerSession) -> Result<Vec<IdentityToVerify>, Error> {
        let mut tasks = self.tasks_of(&self.places_shown(by).await?).await?;
        tasks.sort_by(|one, other| one.0.value.stands_since().cmp(other.0.value.stands_since()));
        tasks.truncate(LIST_PAGE_MAX as usize);
        let numbers: Vec<String> = tasks.iter().map(|(kept, _)| kept.value.person.clone()).collect();
        let mut found = Vec::new();
        for some in numbers.chunks(50) {
            found.extend(persons(self.registry(), some).await?);
        }
        let mut all = Vec::new();
        for (kept, place) in tasks {
            let Some(person) = found.iter().find(|person| person.national_id == kept.value.person) else { continue };
            let state = CertificationState::parse(&kept.value.state);
            all.push(IdentityToVerify {
                rpps: person.national_id.get(1..).unwrap_or_default().to_owned(),
                name: person.full_name(),
                place,
                since: kept.value.stands_since().to_owned(),
                may_confirm: state.is_some_and(may_confirm),
                state: kept.value.state,
            });
        }
        all.sort_by(|one, other| (&one.name, &one.rpps).cmp(&(&other.name, &other.rpps)));
        self.audit(CaseActor::manager(by).event("identites-a-verifier", "")).await?;
        Ok(all)
    }

    /// The task about a person, when the manager may do it.
    async fn own_task(
        &self,
        by: &ManagerSession,
        rpps: &str,
        event: &AuditEvent,
    ) -> Result<(VersionedRow<CertificationRow>, RegisteredPerson), RegistrationStop> {
        let number = idnps(rpps.trim());
        let kept: Option<VersionedRow<CertificationRow>> = read(self.registry(), &number).await?;
        let Some(kept) = kept.filter(|kept| kept.value.verify) else {
            return self.refused(event.clone(), refusal(MessageCode::EPer01)).await;
        };
        let place = self.place_of_owner(&kept.value.owner).await?;
        let rights = self.rights(&by.person).await?;
        let person = self.person(&number).await?.filter(|person| !person.is_deceased());
        match person {
            Some(person) if place.is_some_and(|place| rights.contains(&place)) => Ok((kept, person)),
            _ => self.refused(event.clone(), refusal(MessageCode::EPer01)).await,
        }
    }

    /// « Demander à nouveau »: the register is asked in the coming night, and the task is done. A civil status that FranceConnect vouches for
    /// keeps its state.
    ///
    /// # Errors
    /// E-PER-01 for a person without such a task in the perimeter; the errors of the registry.
    pub async fn ask_register_again(&self, by: &ManagerSession, rpps: &str) -> Result<(), RegistrationStop> {
        let actor = CaseActor::manager(by);
        let event = person_event(&actor, "certification-nouvelle", &idnps(rpps.trim()));
        let (kept, person) = self.own_task(by, rpps, &event).await?;
        let from = CertificationState::parse(&kept.value.state).unwrap_or(CertificationState::NotCertifiable);
        let to = certification_step(from, CertificationEvent::AskAgain, 0).map_or(from, |step| step.0);
        self.done(&actor, event, (kept, person), (from, to), None).await
    }

    /// « Je confirme sur pièce d'identité »: the kind of the document (a code of [`IDENTITY_PROOFS`]) and the day on which it was seen, as it is
    /// typed (`JJ/MM/AAAA`). No number and no copy is kept. The register is asked once more, and the authority keeps the responsibility.
    ///
    /// # Errors
    /// E-GEN-02 for another document, and for a day that is none or in the future; E-REQ-04 for the manager's own identity; E-PER-01 for a person
    /// without such a task in the perimeter; E-REQ-06 while FranceConnect vouches for the person; the errors of the registry.
    pub async fn confirm_on_document(
        &self,
        by: &ManagerSession,
        rpps: &str,
        document: &str,
        seen_on: &str,
    ) -> Result<(), RegistrationStop> {
        let actor = CaseActor::manager(by);
        let number = idnps(rpps.trim());
        let mut event = person_event(&actor, "certification-piece", &number);
        let day = parse_french(seen_on.trim()).filter(|day| *day <= paris_day(self.now_ms()));
        let (true, Some(day)) = (is_document(document), day) else {
            return self.refused(event, refusal(MessageCode::EGen02)).await;
        };
        if by.person == number {
            return self.refused(event, refusal(MessageCode::EReq04)).await;
        }
        let (kept, person) = self.own_task(by, rpps, &event).await?;
        let from = CertificationState::parse(&kept.value.state).unwrap_or(CertificationState::NotCertifiable);
        let Some((to, _)) = certification_step(from, CertificationEvent::ForceOnDocument, 0) else {
            let refused = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
            return self.refused(event, refused).await;
        };
        event.detail = with_member(&event.detail, "document", &json!(document));
        self.done(&actor, event, (kept, person), (from, to), Some((document.to_owned(), day.to_string()))).await
    }

    async fn done(
        &self,
        actor: &CaseActor,
        event: AuditEvent,
        (kept, person): (VersionedRow<CertificationRow>, RegisteredPerson),
        states: (CertificationState, CertificationState),
        document: Option<(String, String)>,
    ) -> Result<(), RegistrationStop> {
        let today = self.today();
        let row = CertificationRow {
            verify: false,
            retries: 0,
            asked_on: today.to_string(),
            due_ms: Some(paris_midnight(plus_days(today, 1))),
            document: document.or_else(|| kept.value.document.clone()),
            ..kept.value.clone()
        };
        let mut writes = PendingWrites::default();
        self.certify(&mut writes, &person, (&kept, row), states.1, None).await?;
        writes.audit(certification_event(&event, &person.national_id, &states));
        self.written_once(writes, actor, &person.national_id).await
    }
}

fn may_confirm(state: CertificationState) -> bool {
    certification_step(state, CertificationEvent::ForceOnDocument, 0).is_some()
}
