//! What is due when nobody acts (registration §13): one function that walks rows that are due, in pages. What was not done on its day is
//! done at the next run, once.

use crate::acting::{CaseActor, CaseStep};
use crate::error::{Error, RegistrationStop};
use crate::followed::ContactProposalRow;
use crate::grants::PlaceManagers;
use crate::limits::PAGE;
use crate::notice::{DeliveryRow, InboxRow, NoticePeople, NoticeRecipient, NoticeValues, OPERATOR_JOB};
use crate::person::persons;
use crate::request_row::{DoneTimer, RequestRow, RequestStep};
use crate::row::{PendingWrites, RegistrationRow, VersionedRow};
use crate::service::{Registration, SystemActor, with_member};
use annuaire_store::case::CASE;
use annuaire_store::{Cause, Channel, NewJob, Queue};
use annuaire_workflow::day::{Day, french, plus_days};
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::limits::DEPARTURE_ANSWER_DAYS;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::request::RequestEvent;
use annuaire_workflow::state::RequestState;
use annuaire_workflow::timers::{TimerAction, TimerDeed, expires_on, schedule};
use serde_json::json;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DueRun {
    /// Requests that expired.
    pub expired: u64,
    /// Reminders that were written.
    pub reminded: u64,
    /// Departures that stand because nobody answered.
    pub accepted: u64,
    /// Requests whose personal data was erased.
    pub erased: u64,
    /// Registered persons of whom a situation began, ended, or is about to end.
    pub persons: u64,
    /// Habilitations that ended or were suspended.
    pub habilitations: u64,
    /// Authorities that were suspended because their structure closed.
    pub authorities: u64,
    /// Structures of which managers or representatives were told what is to be confirmed.
    pub reviews: u64,
}

impl Registration {
    /// Does what is due; several nodes may do it at once. Call it often: days begin for timers at 03:00 in Paris.
    ///
    /// # Errors
    /// Those of the registry. What was not done comes again.
    pub async fn run_due(&self, by: &SystemActor) -> Result<DueRun, Error> {
        let mut run = DueRun::default();
        let now_ms = self.now_ms();
        loop {
            let rows = self.registry().identity_rows_due(CASE, now_ms, PAGE).await?;
            let mut moved = false;
            for row in &rows {
                moved |= Box::pin(self.request_due(&VersionedRow::of(row)?, &mut run)).await?;
            }
            if !moved || rows.len() < PAGE as usize {
                break;
            }
        }
        // On the heap: together their futures take more than the stack of a thread in a build without optimisation.
        Box::pin(self.run_persons(by, &mut run)).await?;
        run.habilitations = Box::pin(self.run_habilitations()).await?;
        run.authorities = Box::pin(self.run_authorities()).await?;
        run.reviews = Box::pin(self.run_reviews()).await?;
        Box::pin(self.run_uncertified()).await?;
        run.reminded += Box::pin(self.run_contact_questions()).await?;
        run.reminded += Box::pin(self.run_confirmations()).await? + Box::pin(self.run_home_helps()).await?;
        let swept = [
            crate::person_search::FruitlessSearchesRow::KIND,
            InboxRow::KIND,
            DeliveryRow::KIND,
            ContactProposalRow::KIND,
            crate::contact_codes::ContactCodeRow::KIND,
            crate::session::PortalSessionRow::KIND,
            crate::once::BegunFormRow::KIND,
            crate::software::SoftwareTokenRow::KIND,
            crate::lot_rows::LotRow::KIND,
            crate::lot_rows::LotPageRow::KIND,
            crate::lot_rows::LotLineRow::KIND,
            crate::lot_rows::LotPlaceRow::KIND,
            crate::lot_rows::ReferenceRow::KIND,
            crate::anomalies::AnomalyRow::KIND,
            crate::anomalies::AnomalySourceRow::KIND,
            crate::certification::CivilQuestionRow::KIND,
            crate::second_look_row::SecondLookRow::KIND,
            crate::survey::SurveyRow::KIND,
            crate::survey::SurveyAnswerRow::KIND,
            crate::outside_warnings::OutsideWarningsRow::KIND,
            crate::feed_rows::FeedBatchRow::KIND,
            crate::feed_rows::FeedPageRow::KIND,
        ];
        while self.registry().sweep_identity(&swept, now_ms, PAGE).await? == u64::from(PAGE) {}
        Ok(run)
    }

    /// Does what is due for a request; false when it stays as it was.
    async fn request_due(&self, kept: &VersionedRow<RequestRow>, run: &mut DueRun) -> Result<bool, Error> {
        let today = self.today();
        let facts = kept.value.facts(kept.version)?;
        let declared = facts.kind == RequestKind::Fin && !facts.origin.by_authority() && facts.state == Some(RequestState::S20);
        if declared && today >= plus_days(facts.since, DEPARTURE_ANSWER_DAYS) && facts.blocked.is_none() {
            let accepted = self.as_system(&kept.value.number, RequestEvent::AcceptSilence).await?;
            run.accepted += u64::from(accepted);
            return Ok(accepted);
        }
        match kept.value.due_timers(today)?.first() {
            Some(action) if action.deed == TimerDeed::Expire => {
                let expired = self.as_system(&kept.value.number, RequestEvent::Expire).await?;
                run.expired += u64::from(expired);
                Ok(expired)
            }
            Some(action) if action.deed == TimerDeed::Purge => {
                let erased = self.erase(kept).await?;
                run.erased += u64::from(erased);
                Ok(erased)
            }
            action => {
                let told = self.remind(kept, action.copied(), today).await?;
                run.reminded += u64::from(told && action.is_some());
                Ok(told)
            }
        }
    }

    /// An event of the program on a request; false when the request went on meanwhile.
    pub(crate) async fn as_system(&self, number: &str, event: RequestEvent) -> Result<bool, Error> {
        match self.act(number, &CaseActor::system(), &CaseStep::new(event)).await {
            Ok(_) => Ok(true),
            Err(RegistrationStop::Refused(_)) => Ok(false),
            Err(RegistrationStop::Failed(error)) => Err(error),
        }
    }

    /// Erases what is personal of a finished request: number, dates, status and actor stay (`terminal.purge`).
    async fn erase(&self, kept: &VersionedRow<RequestRow>) -> Result<bool, Error> {
        let mut row = kept.value.clone();
        row.sealed = None;
        row.subject = None;
        row.candidate = None;
        row.distinct.clear();
        row.identity = None;
        let mut writes = PendingWrites::default();
        let mut listing = row.listing(None);
        listing.subject.clear();
        writes.list(listing);
        writes.put(&row, Some(kept.version))?;
        writes.audit(CaseActor::system().event("effacer", &row.number));
        self.write(writes, &timer_cause(&row.number)).await
    }

    /// Writes a reminder, and marks it and those that are late with it as done; false when somebody wrote first.
    async fn remind(&self, kept: &VersionedRow<RequestRow>, action: Option<TimerAction>, today: Day) -> Result<bool, Error> {
        let mut row = kept.value.clone();
        let mut writes = PendingWrites::default();
        let facts = row.facts(kept.version)?;
        // Reminders that a later one made needless, or that a frozen request keeps silent, are over too.
        for late in schedule(&facts).iter().filter(|late| late.on <= today) {
            let done = DoneTimer::of(late);
            if !row.done.contains(&done) {
                row.done.push(done);
            }
        }
        if row.done.len() == kept.value.done.len() {
            return Ok(false);
        }
        if let Some(action) = action {
            let now_ms = self.now_ms();
            match action.deed {
                TimerDeed::TellArbiters | TimerDeed::TellArbitrationLead => {
                    let payload = json!({"alert": action.key.key(), "request": row.number}).to_string();
                    let (kind, key) = (OPERATOR_JOB.to_owned(), format!("{:?}|{}", action.deed, row.number));
                    writes.job(NewJob { queue: Queue::Work, kind, key, due_ms: now_ms, payload });
                }
                deed => {
                    let people = self.reminded(&row, deed).await?;
                    let mut values = NoticeValues::of(&row.number);
                    values.set("statut", facts.state.map_or("", RequestState::statut));
                    values.set("depuis", &french(facts.since));
                    values.set("date", &expires_on(&facts).map(french).unwrap_or_default());
                    self.notify(&mut writes, NoticeId::N13, &people, &values, now_ms)?;
                }
            }
            row.trail.push(RequestStep {
                at_ms: now_ms,
                event: "rappeler".to_owned(),
                actor: CaseActor::system().id,
                to: row.state.clone(),
            });
            let mut event = CaseActor::system().event("rappeler", &row.number);
            event.detail = with_member(&event.detail, "timer", &json!(action.key.key()));
            writes.audit(event);
        }
        writes.put(&row, Some(kept.version))?;
        self.write(writes, &timer_cause(&row.number)).await
    }

    /// Who is reminded of a request.
    async fn reminded(&self, row: &RequestRow, deed: TimerDeed) -> Result<NoticePeople, Error> {
        let mut people = NoticePeople::default();
        let place = self.place(&row.structure).await?;
        let managers = match &place {
            Some(place) => PlaceManagers::of(self.registry(), place, self.today()).await?,
            None => PlaceManagers::default(),
        };
        let known = async |numbers: &[String]| -> Result<Vec<NoticeRecipient>, Error> {
            Ok(persons(self.registry(), numbers).await?.iter().map(Into::into).collect())
        };
        if deed == TimerDeed::RemindAuthor {
            let author = match row.author_ae.is_some() || row.author_kind == "PRO" {
                true => known(std::slice::from_ref(&row.author)).await?,
                false => {
                    let content = self.opened(row)?;
                    let contact = content.contact_values.unwrap_or_default();
                    let name = content.civil.prenom1;
                    vec![NoticeRecipient { mail: contact.email, mobile: contact.mobile, name, ..Default::default() }]
                }
            };
            people.set(NoticeAudience::Author, author);
            return Ok(people);
        }
        people.set(NoticeAudience::Managers, known(&managers.all()).await?);
        if deed == TimerDeed::RemindRepresentative {
            people.set(NoticeAudience::Representative, known(&managers.representatives()).await?);
        }
        Ok(people)
    }
}

fn timer_cause(number: &str) -> Cause {
    Cause { request: Some(number.to_owned()), ..Cause::new(Channel::System, "system", "timer") }
}
