//! Messages leave: each is a job, made readable when it is sent, and tried again when it could not be.

use crate::activation::{Activation, ActivationStep};
use crate::error::PhoneError;
use crate::limits;
use crate::message::{Filled, KnownContacts, MessageOrder, Notice, OutgoingMessage, Recipient, Way};
use crate::rows::{self, StoredRow};
use crate::service::{MESSAGE_JOB, PhoneService};
use annuaire_store::{Queue, back_off_ms};

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessagesRun {
    /// Messages that were accepted.
    pub sent: u64,
    /// Messages that nobody gets: the person is unknown, has no such contact, or the code is over.
    pub dropped: u64,
    /// Attempts that failed and will be made again.
    pub failed: u64,
    /// Messages that failed too often, or that nobody can read.
    pub given_up: u64,
}

impl PhoneService {
    /// Sends what is due, one message after the other; several nodes may do it at once.
    ///
    /// # Errors
    /// Those of the registry. What was taken and not sent comes back after [`limits::SEND_LEASE_MS`].
    pub async fn run_messages(&self, now_ms: i64) -> Result<MessagesRun, PhoneError> {
        let mut run = MessagesRun::default();
        while let Some(job) = self.registry().take_job(Queue::Outbox, &[MESSAGE_JOB], now_ms, limits::SEND_LEASE_MS).await? {
            let Ok(order) = serde_json::from_str::<MessageOrder>(&job.job.payload) else {
                self.registry().finish_job(job.id).await?;
                run.given_up += 1;
                continue;
            };
            let outcome = match self.message(&order, now_ms).await {
                Ok(Some(message)) => self.settings.messages.send(&message).await.map(|()| true),
                Ok(None) => Ok(false),
                Err(PhoneError::Contacts(reason) | PhoneError::Rights(reason)) => Err(reason),
                Err(other) => return Err(other),
            };
            match outcome {
                Ok(sent) => {
                    self.registry().finish_job(job.id).await?;
                    *if sent { &mut run.sent } else { &mut run.dropped } += 1;
                }
                Err(_) if job.attempts + 1 >= limits::SEND_ATTEMPTS => {
                    self.registry().finish_job(job.id).await?;
                    run.given_up += 1;
                }
                Err(reason) => {
                    let wait = back_off_ms(job.attempts + 1, limits::SEND_FIRST_MS, limits::SEND_LONGEST_MS);
                    self.registry().retry_job(job.id, now_ms.saturating_add(wait), &reason).await?;
                    run.failed += 1;
                }
            }
        }
        Ok(run)
    }

    /// The message of an order; `None` when nobody gets it.
    async fn message(&self, order: &MessageOrder, now_ms: i64) -> Result<Option<OutgoingMessage>, PhoneError> {
        let contacts = self.settings.contacts.contacts(&order.national_id).await.map_err(PhoneError::Contacts)?;
        let Some(KnownContacts { mail, mobile, name, .. }) = contacts else { return Ok(None) };
        // An activation without card needs both contacts (identity §2.1): no link leads to a code that cannot be sent.
        if matches!(order.notice, Notice::ActivationLink { .. }) && (mail.is_none() || mobile.is_none()) {
            return Ok(None);
        }
        // A link that cannot end in a means is not sent: who may activate later asks again.
        if matches!(order.notice, Notice::ActivationLink { .. }) && self.is_withheld(&order.national_id).await? {
            return Ok(None);
        }
        let to = match order.way {
            Way::Mail => mail.map(Recipient::Mail),
            Way::Sms => mobile.map(Recipient::Sms),
        };
        let Some(to) = to else { return Ok(None) };
        let mut secret = String::new();
        if let Some(id) = order.notice.activation() {
            let found: Option<StoredRow<Activation>> = rows::load(self.registry(), rows::ACTIVATION, id).await?;
            let Some(StoredRow { value, .. }) = found else { return Ok(None) };
            secret = match (&order.notice, value.step(now_ms)) {
                (Notice::ActivationLink { .. }, ActivationStep::Asked) => {
                    format!("{}/e-cps/activation/{}", self.settings.public_base, self.link_of(id, &value.seed))
                }
                (Notice::ActivationCode { .. }, ActivationStep::PhoneBound) => self.digits_of(&value.seed, value.mode),
                _ => return Ok(None),
            };
        }
        let filled = Filled { name: &name, base: &self.settings.public_base, secret: &secret };
        Ok(Some(order.notice.written(to, &filled)))
    }
}
