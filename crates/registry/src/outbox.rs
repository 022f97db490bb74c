//! Messages leave: each is a job, made readable when it is sent, and tried again when it could not be (registration §12).

use crate::contact_codes::{CODE_NOTICE, code_text};
use crate::error::Error;
use crate::limits;
use crate::notice::{DeliveryRow, InboxRow, NOTICE_JOB, NoticeOrder, SealedNotice};
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, read};
use crate::service::{Registration, SystemActor};
use crate::session::{HolderSession, ManagerSession};
use annuaire_store::{Cause, Channel, Queue};
use annuaire_workflow::notifications::{NoticeId, template_of};
use async_trait::async_trait;

/// Sends what leaves the installation. May be called by several tasks at once.
#[async_trait]
pub trait NoticeSender: Send + Sync {
    /// Sends a mail.
    ///
    /// # Errors
    /// Why it was not accepted, in words without recipient and text. It is tried again later.
    async fn mail(&self, to: &str, subject: &str, text: &str) -> Result<(), String>;

    /// Sends a text message.
    ///
    /// # Errors
    /// As [`mail`](Self::mail).
    async fn sms(&self, to: &str, text: &str) -> Result<(), String>;
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoticesRun {
    /// Messages that were accepted.
    pub sent: u64,
    /// Attempts that failed and will be made again.
    pub failed: u64,
    /// Messages that failed too often, or that nobody can read.
    pub lost: u64,
}

/// A message of the inbox, as its holder reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxMessage {
    /// Its key.
    pub key: String,
    /// Number of the notification.
    pub notice: String,
    /// Number of the request; empty when there is none.
    pub request: String,
    /// When it was written, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Whether its holder marked it as read.
    pub read: bool,
    /// Title.
    pub subject: String,
    /// Text.
    pub body: String,
}

/// Where a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeDelivery {
    /// Number of the notification.
    pub notice: String,
    /// Version of its text.
    pub version: u16,
    /// `mail` or `sms`.
    pub channel: String,
    /// `queued`, `sent`, `lost`.
    pub state: String,
    /// When the state began.
    pub at_ms: i64,
}

impl Registration {
    /// Sends what is due, one message after the other; several nodes may do it at once.
    ///
    /// # Errors
    /// Those of the registry. What was taken and not sent comes back after [`limits::LEASE_MS`].
    pub async fn run_notices(&self, _by: &SystemActor, sender: &dyn NoticeSender) -> Result<NoticesRun, Error> {
        let mut run = NoticesRun::default();
        while let Some(job) = self.registry().take_job(Queue::Outbox, &[NOTICE_JOB], self.now_ms(), limits::LEASE_MS).await? {
            let opened = serde_json::from_str::<NoticeOrder>(&job.job.payload).ok().and_then(|order| {
                let text = self.keys.messages.open(&order.delivery, &order.sealed)?;
                Some((order.delivery, serde_json::from_str::<SealedNotice>(&text).ok()?))
            });
            let Some((delivery, notice)) = opened else {
                self.registry().finish_job(job.id).await?;
                run.lost += 1;
                continue;
            };
            match self.send(sender, &notice).await {
                Ok(()) => {
                    self.delivered(&delivery, "sent").await?;
                    self.registry().finish_job(job.id).await?;
                    run.sent += 1;
                }
                Err(_) if job.attempts + 1 >= limits::SEND_ATTEMPTS => {
                    self.delivered(&delivery, "lost").await?;
                    self.registry().finish_job(job.id).await?;
                    run.lost += 1;
                }
                Err(reason) => {
                    self.retry_later(&job, &reason).await?;
                    run.failed += 1;
                }
            }
        }
        Ok(run)
    }

    async fn send(&self, sender: &dyn NoticeSender, notice: &SealedNotice) -> Result<(), String> {
        if notice.notice == CODE_NOTICE {
            let text = code_text(notice.values.get("code").map(String::as_str).unwrap_or_default());
            return match notice.by_sms {
                true => sender.sms(&notice.to, &text).await,
                false => sender.mail(&notice.to, "Code de vérification", &text).await,
            };
        }
        let id = NoticeId::ALL.iter().copied().find(|id| id.code() == notice.notice);
        let template = template_of(id.ok_or_else(|| format!("notification {} is not known", notice.notice))?);
        let values: Vec<(&str, &str)> = notice.values.iter().map(|(place, value)| (place.as_str(), value.as_str())).collect();
        let filled = template.fill(&self.settings.public_base, &values).map_err(|missing| missing.to_string())?;
        if notice.by_sms {
            return sender.sms(&notice.to, &filled.sms).await;
        }
        sender.mail(&notice.to, &filled.subject, &filled.body).await
    }

    async fn delivered(&self, key: &str, state: &str) -> Result<(), Error> {
        let Some(kept) = read::<DeliveryRow>(self.registry(), key).await? else { return Ok(()) };
        let row = DeliveryRow { state: state.to_owned(), at_ms: self.now_ms(), ..kept.value };
        let mut writes = PendingWrites::default();
        writes.put(&row, Some(kept.version))?;
        // Who lost the race wrote the end of the delivery too.
        self.write(writes, &Cause::new(Channel::System, "registration", "delivery")).await.map(|_| ())
    }

    /// The deliveries of messages about a request, the first one first, for support.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn deliveries(&self, _by: &crate::SupportSession, number: &str) -> Result<Vec<NoticeDelivery>, Error> {
        let rows: Vec<VersionedRow<DeliveryRow>> = about(self.registry(), number).await?;
        let told = |row: DeliveryRow| {
            let DeliveryRow { notice, version, channel, state, at_ms, .. } = row;
            NoticeDelivery { notice, version, channel, state, at_ms }
        };
        Ok(rows.into_iter().map(|row| told(row.value)).collect())
    }

    /// The inbox of a manager, the newest message first.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn manager_inbox(&self, by: &ManagerSession) -> Result<Vec<InboxMessage>, Error> {
        self.inbox(&by.person).await
    }

    /// How many messages the inbox of a manager holds. Opens none of them.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn manager_inbox_size(&self, by: &ManagerSession) -> Result<u64, Error> {
        Ok(about::<InboxRow>(self.registry(), &by.person).await?.len() as u64)
    }

    /// The inbox of a professional, the newest message first.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn holder_inbox(&self, by: &HolderSession) -> Result<Vec<InboxMessage>, Error> {
        self.inbox(&by.person).await
    }

    /// Marks a message of the inbox of a manager as read; nothing happens for a key that is not in it.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn mark_read(&self, by: &ManagerSession, key: &str) -> Result<(), Error> {
        self.marked_read(&by.person, key).await
    }

    /// Marks a message of the inbox of a professional as read; nothing happens for a key that is not in it.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn mark_read_holder(&self, by: &HolderSession, key: &str) -> Result<(), Error> {
        self.marked_read(&by.person, key).await
    }

    async fn marked_read(&self, holder: &str, key: &str) -> Result<(), Error> {
        let kept: Option<VersionedRow<InboxRow>> = read(self.registry(), key).await?;
        let Some(kept) = kept.filter(|kept| kept.value.holder == holder && !kept.value.read) else { return Ok(()) };
        let mut writes = PendingWrites::default();
        writes.put(&InboxRow { read: true, ..kept.value }, Some(kept.version))?;
        // Who lost the race marked it too.
        self.write(writes, &Cause::new(Channel::Portal, holder, "inbox")).await.map(|_| ())
    }

    pub(crate) async fn inbox(&self, holder: &str) -> Result<Vec<InboxMessage>, Error> {
        let mut all = Vec::new();
        for row in about::<InboxRow>(self.registry(), holder).await? {
            let InboxRow { key, notice, request, at_ms, read, sealed, .. } = row.value;
            let text = self.keys.messages.open(&key, &sealed).ok_or(Error::Sealed { kind: InboxRow::KIND })?;
            let (subject, body) = text.split_once('\n').unwrap_or((text.as_str(), ""));
            let (subject, body) = (subject.to_owned(), body.to_owned());
            all.push(InboxMessage { key, notice, request, at_ms, read, subject, body });
        }
        all.reverse();
        Ok(all)
    }
}
