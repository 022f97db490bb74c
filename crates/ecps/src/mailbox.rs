//! Senders beside the network: one for each way, and the mailbox of a demonstration.

use crate::limits;
use crate::message::{MessageSender, OutgoingMessage, Recipient};
use crate::rows::{self, Event, StoredRow};
use annuaire_base::text::hex;
use annuaire_store::{Entropy, Registry};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Mails by one sender, SMS by another one.
pub struct MessageRoutes {
    /// Sends mails.
    pub mail: Arc<dyn MessageSender>,
    /// Sends SMS.
    pub sms: Arc<dyn MessageSender>,
}

#[async_trait]
impl MessageSender for MessageRoutes {
    async fn send(&self, message: &OutgoingMessage) -> Result<(), String> {
        match message.to {
            Recipient::Mail(_) => self.mail.send(message).await,
            Recipient::Sms(_) => self.sms.send(message).await,
        }
    }
}

/// A message of the mailbox.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalMessage {
    /// When it was sent, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Whether it is an SMS.
    pub sms: bool,
    /// Address or number.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
    /// Name of its template.
    pub kind: String,
}

/// Keeps every message in the registry, for a day, where everybody can read it: for demonstrations and tests alone.
pub struct LocalMailbox {
    registry: Arc<dyn Registry>,
    entropy: Entropy,
    now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl LocalMailbox {
    /// The mailbox of a registry.
    #[must_use]
    pub fn new(registry: Arc<dyn Registry>, entropy: Entropy, now_ms: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        Self { registry, entropy, now_ms }
    }

    /// The last messages, the latest first.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn messages(&self) -> Result<Vec<LocalMessage>, crate::error::PhoneError> {
        let mut all = Vec::new();
        for row in self.registry.identity_rows(rows::LOCAL_MESSAGE, None, "", limits::PAGE).await? {
            all.push(StoredRow::<LocalMessage>::read(row)?.value);
        }
        Ok(all)
    }
}

#[async_trait]
impl MessageSender for LocalMailbox {
    async fn send(&self, message: &OutgoingMessage) -> Result<(), String> {
        let now_ms = (self.now_ms)();
        let (sms, to) = match &message.to {
            Recipient::Mail(to) => (false, to),
            Recipient::Sms(to) => (true, to),
        };
        let kept = LocalMessage {
            at_ms: now_ms,
            sms,
            to: to.clone(),
            subject: message.subject.clone(),
            text: message.text.clone(),
            kind: message.kind.to_owned(),
        };
        let mut chance = [0; 8];
        (self.entropy)(&mut chance);
        // The latest first, in the order of keys.
        let key = format!("{:016}-{}", i64::MAX / 1_000 - now_ms, hex(&chance));
        let mut event = Event::default();
        let due_ms = now_ms.saturating_add(limits::LOCAL_MESSAGE_MS);
        event.create((rows::LOCAL_MESSAGE, &key), "", due_ms, &kept).map_err(|error| error.to_string())?;
        match event.save(&*self.registry, &*self.now_ms).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("two messages have one key".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}
