//! The yearly confirmation of the own contact (registration §15, timer `contact.confirm` of §13): a professional who verified a contact more than twelve months
//! ago is asked at the pages of the own file, and says with one click that it is still exact.
//!
//! The day of the last verification is that of the transaction that wrote the contact, so that only a click needs a row.

use crate::acting::CaseActor;
use crate::contact_proposals::person_event;
use crate::error::{Error, RegistrationStop};
use crate::limits::CONTACT_CONFIRMED_MONTHS;
use crate::person::{CONTACT, RegisteredPerson};
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use crate::service::{Registration, refusal};
use crate::session::HolderSession;
use annuaire_base::Tx;
use annuaire_mos::owner::Owner;
use annuaire_workflow::day::{Day, paris_day, parse_iso, plus_months};
use annuaire_workflow::messages::MessageCode;
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

impl Registration {
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
