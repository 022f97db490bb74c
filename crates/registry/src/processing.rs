//! The processing of validated requests (T02, registration §6.5): a job whose key is the number of the request, done at least once
//! and effective once.
//!
//! Everything that a processing writes is one unit with the new state of the request, so that a crash leaves either nothing or all:
//! the second attempt finds the request validated and has nothing to do. Two requests for one identity at once meet at the lock of
//! that identity, and the later one finds the person of the earlier one.

use crate::acting::{CaseActor, CaseStep, ProcessingFindings};
use crate::content::RequestContent;
use crate::effects::PROCESS_JOB;
use crate::error::{Error, RegistrationStop};
use crate::identity_key::SoughtIdentity;
use crate::limits::LEASE_MS;
use crate::request_row::RequestRow;
use crate::row::read;
use crate::service::{Registration, SystemActor};
use annuaire_store::Queue;
use annuaire_workflow::day::{Day, parse_iso};
use annuaire_workflow::decide::retry_minutes;
use annuaire_workflow::fields::{END_BY_DEATH, KnownSituation};
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::request::{BrokenRule, RequestEvent};
use annuaire_workflow::state::RequestState;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessingRun {
    /// Requests that went on: validated, to the arbiter, or rejected.
    pub processed: u64,
    /// Jobs about requests that had gone on before: repeated ones.
    pub repeated: u64,
    /// Requests that failed for a technical reason and are tried again.
    pub failed: u64,
}

impl Registration {
    /// Processes what is due, one request after the other; several nodes may do it at once.
    ///
    /// # Errors
    /// Those of the registry while jobs are taken. A failure of one request is noted with it and tried again.
    pub async fn run_processing(&self, by: &SystemActor) -> Result<ProcessingRun, Error> {
        let mut run = ProcessingRun::default();
        while let Some(job) = self.registry().take_job(Queue::Work, &[PROCESS_JOB], self.now_ms(), LEASE_MS).await? {
            let number = job.job.key.clone();
            match self.process(by, &number).await {
                Ok(went_on) => {
                    self.registry().finish_job(job.id).await?;
                    *if went_on { &mut run.processed } else { &mut run.repeated } += 1;
                }
                Err(reason) => {
                    let failures = self.note_failure(&number).await.unwrap_or(job.attempts + 1);
                    let wait = i64::from(retry_minutes(failures)) * 60_000;
                    self.registry().retry_job(job.id, self.now_ms().saturating_add(wait), &reason.to_string()).await?;
                    run.failed += 1;
                }
            }
        }
        Ok(run)
    }

    /// Processes a request; false when it had gone on before.
    async fn process(&self, by: &SystemActor, number: &str) -> Result<bool, RegistrationStop> {
        for _ in 0..crate::limits::ATTEMPTS {
            let Some(kept) = self.request(number).await? else { return Ok(false) };
            let content = self.opened(&kept.value)?;
            if kept.value.state != RequestState::S30.code() {
                // Also for a repeated job: an earlier attempt may have ended between the request and what follows from it.
                self.follow_death(by, &kept.value, &content).await?;
                return Ok(false);
            }
            let mut step = CaseStep::new(RequestEvent::Process);
            step.findings = self.findings(&kept.value, &content).await?;
            // One attempt: whoever loses searches again, since the winner may have written the person that is looked for.
            if let Some(done) = self.attempt(kept.value.clone(), Some(kept.version), &CaseActor::system(), &step).await? {
                let ended = RequestRow { state: done.state.code().to_owned(), ..kept.value };
                self.follow_death(by, &ended, &content).await?;
                return Ok(true);
            }
        }
        Err(Error::Contended { number: number.to_owned() }.into())
    }

    /// A situation that a manager ended because of a death ends as a notice of the civil register does: everything of the person ends
    /// (registration §10.3, motive DCD).
    async fn follow_death(&self, by: &SystemActor, row: &RequestRow, content: &RequestContent) -> Result<(), RegistrationStop> {
        let is_end = RequestKind::parse(&row.kind) == Some(RequestKind::Fin) && row.state == RequestState::S40.code();
        let Some(closing) = content.closing_values.as_ref().filter(|closing| is_end && closing.reason == END_BY_DEATH) else {
            return Ok(());
        };
        let (Some(subject), Some(day)) = (&row.subject, parse_iso(&closing.end)) else { return Ok(()) };
        let rpps = subject.get(1..).unwrap_or_default();
        // On the heap: a death carries the future of every step, and few requests tell one.
        Box::pin(self.death_known(by, rpps, day)).await
    }

    /// Notes a technical failure with the request (22), and returns how many there were.
    async fn note_failure(&self, number: &str) -> Result<u32, RegistrationStop> {
        let mut step = CaseStep::new(RequestEvent::Process);
        step.findings.failed = true;
        self.act(number, &CaseActor::system(), &step).await?;
        Ok(self.request(number).await?.map_or(1, |kept| kept.value.failures))
    }

    /// What stands for or against writing, as it is now.
    async fn findings(&self, row: &RequestRow, content: &RequestContent) -> Result<ProcessingFindings, Error> {
        let today = self.today();
        let kind = RequestKind::parse(&row.kind);
        let mut findings = ProcessingFindings::default();
        let subject = match &row.subject {
            Some(subject) => self.person(subject).await?,
            None => None,
        };
        if let Some(person) = &subject {
            if person.is_deceased() {
                findings.broken = Some(BrokenRule::PersonDeceased);
            }
            findings.sanctioned = kind == Some(RequestKind::Ajout) && person.is_sanctioned(today);
        }
        if kind == Some(RequestKind::Primo)
            && let Some(civil) = &content.civil_values
        {
            // Wider than the rule asks: near identities share day and sex of birth, and names are what is typed wrong. Read before the
            // search: who wrote after this read makes this processing lose.
            let hash = self.keys.hashed("lock", &[&civil.birth, &civil.sex]);
            findings.lock = Some((hash.clone(), read(self.registry(), &hash).await?));
            let contact = content.contact_values.clone().unwrap_or_default();
            let sought = SoughtIdentity {
                traits: civil.traits(),
                email: contact.email,
                mobile: contact.mobile,
                certified: !row.certified.is_empty(),
                distinct: row.distinct.clone(),
            };
            findings.identity = self.find_identity(&sought, today).await?;
            let dead = findings.identity.as_ref().is_some_and(|best| best.found.strict && best.person.is_deceased());
            if dead {
                findings.broken = Some(BrokenRule::PersonDeceased);
            }
        }
        if findings.broken.is_some() || matches!(kind, Some(RequestKind::Coord | RequestKind::Civil | RequestKind::Fin)) {
            return Ok(findings);
        }
        let Some(values) = &content.situation_values else { return Ok(findings) };
        let place = self.place(&values.structure).await?;
        let first = values.first_day().max(today);
        if place.as_ref().is_none_or(|place| !place.is_open_on(first)) {
            findings.broken = Some(BrokenRule::StructureClosed);
            return Ok(findings);
        }
        let certain = findings.identity.as_ref().filter(|best| annuaire_workflow::decide::is_certain(&best.found));
        let known = subject.as_ref().or(certain.map(|best| &best.person));
        let number = place.map(|place| place.number).unwrap_or_default();
        let others = known.map(|person| person.known_situations_but(row.situation.as_deref())).unwrap_or_default();
        let until = parse_iso(&values.until);
        let equal = |other: &&KnownSituation| {
            other.structure == number && other.profession == values.profession && other.role == values.role
        };
        let meets = |other: &&KnownSituation| {
            let begins: Day = values.first_day();
            other.until.is_none_or(|end| begins <= end) && until.is_none_or(|end| other.from <= end)
        };
        if others.iter().filter(equal).any(|other| meets(&other)) {
            findings.broken = Some(BrokenRule::Overlap);
        }
        Ok(findings)
    }
}
