//! Codes that prove a contact (registration §10.5, §11): six digits to the address and six to the mobile, for ten minutes and five
//! attempts. They are kept as keyed hashes, and hold for the contact that they were sent to alone.

use crate::acting::CaseActor;
use crate::content::ContactValues;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::limits::{CODE_ATTEMPTS, CODE_MS};
use crate::notice::{NOTICE_JOB, NoticeOrder, SealedNotice};
use crate::request_row::RequestRow;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use crate::service::{Registration, refusal};
use annuaire_store::{NewJob, Queue};
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::request::RequestSection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the message of a code; it is no notification of the reference.
pub(crate) const CODE_NOTICE: &str = "CODE";

/// Codes that wait.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactCodeRow {
    pub(crate) request: String,
    /// Hash of the contact that they prove.
    pub(crate) contact: String,
    pub(crate) mail: String,
    /// Empty when there is no mobile.
    pub(crate) mobile: String,
    pub(crate) attempts: u32,
    pub(crate) ends_ms: i64,
}

impl RegistrationRow for ContactCodeRow {
    const KIND: &'static str = "contact-code";

    fn key(&self) -> String {
        self.request.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.ends_ms)
    }
}

/// The text of a code.
pub(crate) fn code_text(code: &str) -> String {
    format!("Votre code de vérification est {code}. Il est valable 10 minutes. Ne le donnez à personne.")
}

impl Registration {
    /// A request of its author; a stranger is told nothing.
    pub(crate) async fn own_row(
        &self,
        actor: &CaseActor,
        number: &str,
        event: &str,
    ) -> Result<VersionedRow<RequestRow>, RegistrationStop> {
        match self.request(number).await?.filter(|kept| kept.value.author == actor.id) {
            Some(kept) => Ok(kept),
            None => {
                let hidden = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
                self.refused(actor.event(event, number), hidden).await
            }
        }
    }

    fn digits(&self) -> String {
        let mut bytes = [0; 8];
        (self.settings.entropy)(&mut bytes);
        format!("{:06}", u64::from_be_bytes(bytes) % 1_000_000)
    }

    fn contact_hash(&self, contact: &ContactValues) -> String {
        self.keys.hashed("contact", &[&contact.email, &contact.mobile])
    }

    /// Sends the codes for the contact of a request.
    pub(crate) async fn send_codes_as(&self, actor: &CaseActor, number: &str) -> Result<(), RegistrationStop> {
        let kept = self.own_row(actor, number, "envoyer-codes").await?;
        let event = actor.event("envoyer-codes", number);
        let contact = self.opened(&kept.value)?.contact_values;
        let Some(contact) = contact.filter(|_| kept.value.is_valid(RequestSection::Contact)) else {
            let list = RequestSection::Contact.label();
            return self.refused(event, RegistrationRefusal::filled(MessageCode::EReq03, &[("liste", list)])).await;
        };
        let now_ms = self.now_ms();
        let known: Option<VersionedRow<ContactCodeRow>> = read(self.registry(), number).await?;
        let (mail, mobile) = (self.digits(), self.digits());
        let mut row = ContactCodeRow {
            request: number.to_owned(),
            contact: self.contact_hash(&contact),
            mail: self.keys.hashed("code", &[number, &mail]),
            mobile: String::new(),
            attempts: 0,
            ends_ms: now_ms.saturating_add(CODE_MS),
        };
        let mut writes = PendingWrites::default();
        self.send_code(&mut writes, number, &contact.email, false, &mail)?;
        if !contact.mobile.is_empty() {
            row.mobile = self.keys.hashed("code", &[number, &mobile]);
            self.send_code(&mut writes, number, &contact.mobile, true, &mobile)?;
        }
        writes.put(&row, known.map(|known| known.version))?;
        writes.audit(event);
        let cause = crate::acting::plain_cause(actor, number);
        if self.write(writes, &cause).await? { Ok(()) } else { Err(Error::Contended { number: number.to_owned() }.into()) }
    }

    fn send_code(&self, writes: &mut PendingWrites, number: &str, to: &str, by_sms: bool, code: &str) -> Result<(), Error> {
        let way = if by_sms { "sms" } else { "mail" };
        let key = format!("code|{number}|{way}");
        let values = BTreeMap::from([("code".to_owned(), code.to_owned())]);
        let notice = SealedNotice { notice: CODE_NOTICE.to_owned(), by_sms, to: to.to_owned(), values };
        let unreadable = |cause| Error::Unreadable { kind: NOTICE_JOB, cause };
        let text = serde_json::to_string(&notice).map_err(unreadable)?;
        let sealed = self.keys.messages.seal(&key, &text, self.nonce()).ok_or(Error::Sealed { kind: NOTICE_JOB })?;
        let payload = serde_json::to_string(&NoticeOrder { delivery: key.clone(), sealed }).map_err(unreadable)?;
        let (kind, due_ms) = (NOTICE_JOB.to_owned(), self.now_ms());
        writes.job(NewJob { queue: Queue::Outbox, kind, key, due_ms, payload });
        Ok(())
    }

    /// Checks the codes; the contact is verified when both are right.
    pub(crate) async fn confirm_codes_as(
        &self,
        actor: &CaseActor,
        number: &str,
        mail_code: &str,
        mobile_code: &str,
    ) -> Result<(), RegistrationStop> {
        for _ in 0..crate::limits::ATTEMPTS {
            let kept = self.own_row(actor, number, "confirmer-codes").await?;
            let event = actor.event("confirmer-codes", number);
            let contact = self.opened(&kept.value)?.contact_values.unwrap_or_default();
            let hash = self.contact_hash(&contact);
            let code: Option<VersionedRow<ContactCodeRow>> = read(self.registry(), number).await?;
            let usable = |code: &VersionedRow<ContactCodeRow>| {
                code.value.ends_ms > self.now_ms() && code.value.attempts < CODE_ATTEMPTS && code.value.contact == hash
            };
            let Some(mut code) = code.filter(usable) else { return self.refused(event, refusal(MessageCode::EReq11)).await };
            let right = |typed: &str, known: &str| known.is_empty() || self.keys.hashed("code", &[number, typed.trim()]) == known;
            let holds = right(mail_code, &code.value.mail) && right(mobile_code, &code.value.mobile);
            let mut writes = PendingWrites::default();
            if holds {
                let mut row = kept.value;
                row.contact_verified = true;
                writes.remove(&code);
                writes.put(&row, Some(kept.version))?;
            } else {
                code.value.attempts += 1;
                writes.put(&code.value, Some(code.version))?;
            }
            let cause = crate::acting::plain_cause(actor, number);
            if holds {
                writes.audit(event.clone());
            }
            // Of two attempts at once each counts: whoever loses reads again.
            if !self.write(writes, &cause).await? {
                continue;
            }
            return if holds { Ok(()) } else { self.refused(event, refusal(MessageCode::EReq11)).await };
        }
        Err(Error::Contended { number: number.to_owned() }.into())
    }
}
