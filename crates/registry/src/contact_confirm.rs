//! The yearly confirmation of the own contact (registration §15, timer `contact.confirm` of §13): a professional who verified a contact more than twelve months
//! ago is asked by message and at the pages of the own file, and says with one click that it is still exact.
//!
//! The day of the last verification is that of the transaction that wrote the contact. Whoever is followed has a row with the day on which they are
//! asked by message (G04), so that a run of timers reads those who are due and no other; the walk of the night, which reads everybody's facts anyhow,
//! writes the rows that are missing.

use crate::acting::CaseActor;
use crate::contact_proposals::person_event;
use crate::error::{Error, RegistrationStop};
use crate::limits::{CONTACT_CONFIRMED_MONTHS, PAGE, TIMER_HOUR_MS};
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::{CONTACT, RegisteredPerson};
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use crate::service::{Registration, refusal};
use crate::session::HolderSession;
use annuaire_base::Tx;
use annuaire_mos::owner::Owner;
use annuaire_store::{Cause, Channel};
use annuaire_workflow::day::{Day, paris_day, paris_midnight, parse_iso, plus_months};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use serde::{Deserialize, Serialize};

/// When a professional said last that the contact is still exact.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfirmedContactRow {
    person: String,
    confirmed_on: String,
}

impl RegistrationRow for ConfirmedContactRow {
    const KIND: &'static str = "confirmed-contact";

    fn key(&self) -> String {
        self.person.clone()
    }
}

/// When a professional with a verified contact is asked by message.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactQuestionRow {
    person: String,
    due_ms: i64,
}

impl RegistrationRow for ContactQuestionRow {
    const KIND: &'static str = "contact-question";

    fn key(&self) -> String {
        self.person.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

fn asked_after(day: Day) -> i64 {
    paris_midnight(plus_months(day, CONTACT_CONFIRMED_MONTHS)).saturating_add(TIMER_HOUR_MS)
}

impl Registration {
    /// Writes the rows of those among some persons who verified a contact and have none. Cost: one read of the rows, and a transaction of the log
    /// for each new one.
    pub(crate) async fn plan_contact_questions(&self, known: &[RegisteredPerson]) -> Result<(), Error> {
        let verified: Vec<&RegisteredPerson> = known.iter().filter(|person| person.verified_contact().is_some()).collect();
        if verified.is_empty() {
            return Ok(());
        }
        let keys: Vec<(&str, &str)> =
            verified.iter().map(|person| (ContactQuestionRow::KIND, person.national_id.as_str())).collect();
        let rows = self.registry().identity_rows_at(&keys).await?;
        let mut writes = PendingWrites::default();
        for (person, _) in verified.iter().zip(&rows).filter(|(_, row)| row.is_none()) {
            if let Some(day) = self.contact_confirmed_on(person).await? {
                let row = ContactQuestionRow { person: person.national_id.clone(), due_ms: asked_after(day) };
                writes.put(&row, None)?;
            }
        }
        if writes.is_empty() {
            return Ok(());
        }
        // Another node that walks at once wrote them.
        self.write(writes, &question_cause()).await.map(|_| ())
    }

    /// Asks by message (G04) whoever confirmed nothing for twelve months; returns how many.
    pub(crate) async fn run_contact_questions(&self) -> Result<u64, Error> {
        let mut asked = 0;
        loop {
            let rows = self.registry().identity_rows_due(ContactQuestionRow::KIND, self.now_ms(), PAGE).await?;
            let mut moved = false;
            for row in &rows {
                let kept: VersionedRow<ContactQuestionRow> = VersionedRow::of(row)?;
                let person = self.person(&kept.value.person).await?.filter(|person| !person.is_deceased());
                let mut writes = PendingWrites::default();
                let mut is_asked = false;
                match person.filter(|person| person.verified_contact().is_some()) {
                    None => writes.remove(&kept),
                    Some(person) => {
                        let day = self.contact_confirmed_on(&person).await?.unwrap_or_else(|| self.today());
                        is_asked = self.is_contact_old(day);
                        if is_asked {
                            let mut people = NoticePeople::default();
                            people.set(NoticeAudience::Professional, vec![(&person).into()]);
                            self.notify(&mut writes, NoticeId::G04, &people, &NoticeValues::of(""), self.now_ms())?;
                            writes.audit(person_event(&CaseActor::system(), "contact-demander", &person.national_id));
                        }
                        let from = if is_asked { self.today() } else { day };
                        let row = ContactQuestionRow { due_ms: asked_after(from), ..kept.value.clone() };
                        writes.put(&row, Some(kept.version))?;
                    }
                }
                if self.write(writes, &question_cause()).await? {
                    moved = true;
                    asked += u64::from(is_asked);
                }
            }
            if !moved || rows.len() < PAGE as usize {
                return Ok(asked);
            }
        }
    }

    /// The day on which a verified contact was verified or confirmed last; `None` for a contact that nobody verified. Cost: one point read, and one
    /// transaction of the log.
    pub(crate) async fn contact_confirmed_on(&self, person: &RegisteredPerson) -> Result<Option<Day>, Error> {
        let own = Owner::person(&person.national_id).code;
        let Some(fact) = person.facts.iter().find(|fact| fact.key.owner == own && fact.key.facet == CONTACT) else {
            return Ok(None);
        };
        let before = Tx::new(fact.tx.get().saturating_sub(1));
        let written = self.registry().transactions(before, 1).await?.pop();
        let verified = written.map_or(Day::MIN, |transaction| paris_day(transaction.commit_ms));
        let row: Option<VersionedRow<ConfirmedContactRow>> = read(self.registry(), &person.national_id).await?;
        let confirmed = row.and_then(|row| parse_iso(&row.value.confirmed_on));
        Ok(Some(confirmed.map_or(verified, |confirmed| confirmed.max(verified))))
    }

    /// Whether a contact of that day is to be confirmed.
    pub(crate) fn is_contact_old(&self, confirmed: Day) -> bool {
        plus_months(confirmed, CONTACT_CONFIRMED_MONTHS) <= self.today()
    }

    /// « Mes coordonnées sont toujours exactes ». Said again, it counts from the later day.
    ///
    /// # Errors
    /// E-GEN-02 for a contact that was never verified: a code proves it first. The errors of the registry.
    pub async fn confirm_own_contact(&self, by: &HolderSession) -> Result<(), RegistrationStop> {
        let actor = CaseActor::holder(by);
        let event = person_event(&actor, "contact-exact", &by.person);
        let person = self.person(&by.person).await?;
        if person.is_none_or(|person| person.verified_contact().is_none()) {
            return self.refused(event, refusal(MessageCode::EGen02)).await;
        }
        let kept: Option<VersionedRow<ConfirmedContactRow>> = read(self.registry(), &by.person).await?;
        let row = ConfirmedContactRow { person: by.person.clone(), confirmed_on: self.today().to_string() };
        let mut writes = PendingWrites::default();
        writes.put(&row, kept.map(|kept| kept.version))?;
        writes.audit(event);
        self.written_once(writes, &actor, &by.person).await
    }
}

fn question_cause() -> Cause {
    Cause::new(Channel::System, "system", "contact-question")
}
