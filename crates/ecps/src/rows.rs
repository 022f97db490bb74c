//! Rows of identity that belong to this room, and how they are written together with what else an event writes.

use crate::error::PhoneError;
use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::{AuditEvent, Cause, Channel, CommitClock, Error, NewJob, Registry};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A means; its subject is the national identifier.
pub(crate) const MEANS: &str = "means";
/// A request to approve; its subject is the identifier under which it was asked.
pub(crate) const PROMPT: &str = "prompt";
/// A request, found by another identifier of the person, which is the subject; its content is the key of the request.
pub(crate) const PROMPT_LINK: &str = "prompt_link";
/// A pair of person and asker.
pub(crate) const PAIR: &str = "prompt_pair";
/// An activation.
pub(crate) const ACTIVATION: &str = "activation";
/// A QR code that may be read, by its hash; its content is the key of the activation and the number of the code.
pub(crate) const PHONE_LINK: &str = "phone_link";
/// What was decided on a phone, for the history of its holder.
pub(crate) const PHONE_USE: &str = "phone_use";
/// An application that a person approved before.
pub(crate) const KNOWN_CLIENT: &str = "known_client";
/// The making of a passkey that a browser began, by the number of its means.
pub(crate) const PASSKEY_START: &str = "passkey_start";
/// The key that signs notifications, sealed.
pub(crate) const PUSH_KEY: &str = "push_key";
/// A message in the mailbox of a demonstration.
pub(crate) const LOCAL_MESSAGE: &str = "local_message";
/// A simulated phone of a demonstration.
pub(crate) const SIMULATED_PHONE: &str = "simulated_phone";
/// Rows that say nothing any more once they are due. Those of means are looked at first: see `housekeeping`.
pub(crate) const SWEPT: [&str; 9] =
    [PROMPT, PROMPT_LINK, PAIR, ACTIVATION, PHONE_LINK, PHONE_USE, KNOWN_CLIENT, PASSKEY_START, LOCAL_MESSAGE];

/// A row, and what it says.
pub(crate) struct StoredRow<T> {
    pub row: IdentityRow,
    pub value: T,
}

impl<T: DeserializeOwned> StoredRow<T> {
    pub(crate) fn read(row: IdentityRow) -> Result<Self, PhoneError> {
        match serde_json::from_str(&row.content) {
            Ok(value) => Ok(Self { row, value }),
            Err(error) => Err(PhoneError::Unreadable { kind: row.kind, key: row.key, reason: error.to_string() }),
        }
    }
}

fn text<T: Serialize>(kind: &str, key: &str, value: &T) -> Result<String, PhoneError> {
    serde_json::to_string(value).map_err(|error| PhoneError::Unreadable {
        kind: kind.to_owned(),
        key: key.to_owned(),
        reason: error.to_string(),
    })
}

/// The row of this key, if there is one.
pub(crate) async fn load<T: DeserializeOwned>(
    registry: &dyn Registry,
    kind: &str,
    key: &str,
) -> Result<Option<StoredRow<T>>, PhoneError> {
    registry.identity_row(kind, key).await?.map(StoredRow::read).transpose()
}

/// What one event writes: all of it, or nothing.
#[derive(Default)]
pub(crate) struct Event {
    writes: Vec<IdentityWrite>,
    audits: Vec<AuditEvent>,
    jobs: Vec<NewJob>,
}

impl Event {
    pub(crate) fn create<T: Serialize>(
        &mut self,
        (kind, key): (&str, &str),
        subject: &str,
        due_ms: i64,
        value: &T,
    ) -> Result<(), PhoneError> {
        self.create_row((kind, key), subject, Some(due_ms), value)
    }

    /// A row of the installation, which stays.
    pub(crate) fn create_lasting<T: Serialize>(&mut self, name: (&str, &str), value: &T) -> Result<(), PhoneError> {
        self.create_row(name, "", None, value)
    }

    fn create_row<T: Serialize>(
        &mut self,
        (kind, key): (&str, &str),
        subject: &str,
        due_ms: Option<i64>,
        value: &T,
    ) -> Result<(), PhoneError> {
        let content = text(kind, key, value)?;
        let (kind, key, subject) = (kind.to_owned(), key.to_owned(), subject.to_owned());
        self.writes.push(IdentityWrite::Create(IdentityRow { kind, key, subject, due_ms, version: 0, content }));
        Ok(())
    }

    pub(crate) fn replace<T: Serialize>(&mut self, stored: &StoredRow<T>, due_ms: i64) -> Result<(), PhoneError> {
        let content = text(&stored.row.kind, &stored.row.key, &stored.value)?;
        self.writes.push(IdentityWrite::Replace(IdentityRow { content, due_ms: Some(due_ms), ..stored.row.clone() }));
        Ok(())
    }

    pub(crate) fn remove(&mut self, row: &IdentityRow) {
        self.writes.push(IdentityWrite::Remove { kind: row.kind.clone(), key: row.key.clone(), version: row.version });
    }

    pub(crate) fn audit(&mut self, actor: &str, event: &str, object: &str, detail: &serde_json::Value) {
        self.audits.push(AuditEvent {
            actor: actor.to_owned(),
            event: event.to_owned(),
            object: object.to_owned(),
            request: None,
            detail: detail.to_string(),
        });
    }

    pub(crate) fn job(&mut self, job: NewJob) {
        self.jobs.push(job);
    }

    /// Writes all of it. `false` when somebody wrote one of the rows since it was read: nothing is written then, and the caller reads again.
    pub(crate) async fn save(
        self,
        registry: &dyn Registry,
        now_ms: &(dyn Fn() -> i64 + Send + Sync),
    ) -> Result<bool, PhoneError> {
        let reason = self.audits.first().map_or("ecps", |audit| audit.event.as_str()).to_owned();
        let written = async {
            let mut unit = registry.begin().await?;
            for write in &self.writes {
                unit.write_identity(write).await?;
            }
            for audit in &self.audits {
                unit.audit(audit).await?;
            }
            for job in &self.jobs {
                unit.job(job).await?;
            }
            let cause = Cause::new(Channel::System, "ecps", &reason);
            unit.save(&cause, CommitClock { now_ms: &|| now_ms(), any_clock: false }).await
        };
        match written.await {
            Ok(_) => Ok(true),
            Err(Error::IdentityChanged { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
