//! Rows of this room in the registry's database: each kind is a type, read and written with its version.

use std::sync::Arc;

use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::{AuditEvent, Cause, Channel, CommitClock, Entropy, Registry};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::RelyingError;

/// A kind of rows.
pub(crate) trait KeptRow: Serialize + DeserializeOwned + Send + Sync {
    /// Name of the kind.
    const KIND: &'static str;

    /// Key of the row, unique in its kind.
    fn key(&self) -> &str;

    /// When the row is over, milliseconds since 1970 UTC.
    fn due_ms(&self) -> Option<i64>;
}

/// A row as it was read.
#[derive(Debug, Clone)]
pub(crate) struct ReadRow<T> {
    pub(crate) value: T,
    version: u64,
}

impl<T: KeptRow> ReadRow<T> {
    fn of(row: &IdentityRow) -> Result<Self, RelyingError> {
        let unreadable = |cause| RelyingError::Unreadable { kind: T::KIND, cause };
        Ok(Self { value: serde_json::from_str(&row.content).map_err(unreadable)?, version: row.version })
    }
}

/// What one step writes: all of it or nothing.
#[derive(Default)]
pub(crate) struct RowWrites {
    rows: Vec<IdentityWrite>,
    events: Vec<AuditEvent>,
}

impl RowWrites {
    /// A new row.
    pub(crate) fn create<T: KeptRow>(mut self, value: &T) -> Result<Self, RelyingError> {
        self.rows.push(IdentityWrite::Create(row(value, 1)?));
        Ok(self)
    }

    /// Another content of a row that was read.
    pub(crate) fn replace<T: KeptRow>(mut self, read: &ReadRow<T>) -> Result<Self, RelyingError> {
        self.rows.push(IdentityWrite::Replace(row(&read.value, read.version)?));
        Ok(self)
    }

    /// The end of a row that was read.
    pub(crate) fn remove<T: KeptRow>(mut self, read: &ReadRow<T>) -> Self {
        let (kind, key) = (T::KIND.to_owned(), read.value.key().to_owned());
        self.rows.push(IdentityWrite::Remove { kind, key, version: read.version });
        self
    }

    /// An event of the audit trail: who, what, about what, and a JSON object without any trait of a person.
    pub(crate) fn audit(mut self, actor: &str, event: &str, object: &str, detail: &serde_json::Value) -> Self {
        let [actor, event, object] = [actor, event, object].map(str::to_owned);
        self.events.push(AuditEvent { actor, event, object, request: None, detail: detail.to_string() });
        self
    }
}

fn row<T: KeptRow>(value: &T, version: u64) -> Result<IdentityRow, RelyingError> {
    let content = serde_json::to_string(value).map_err(|cause| RelyingError::Unreadable { kind: T::KIND, cause })?;
    Ok(IdentityRow {
        kind: T::KIND.to_owned(),
        key: value.key().to_owned(),
        subject: String::new(),
        due_ms: value.due_ms(),
        version,
        content,
    })
}

/// The rows of this room, and the random numbers of the installation.
#[derive(Clone)]
pub(crate) struct RelyingRows {
    registry: Arc<dyn Registry>,
    entropy: Entropy,
}

impl RelyingRows {
    pub(crate) fn new(registry: Arc<dyn Registry>, entropy: Entropy) -> Self {
        Self { registry, entropy }
    }

    /// A handle of 256 random bits, as 43 characters.
    pub(crate) fn handle(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.random::<32>())
    }

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.entropy)(&mut bytes);
        bytes
    }

    /// A row that is not over.
    pub(crate) async fn live<T: KeptRow>(&self, key: &str, now_ms: i64) -> Result<Option<ReadRow<T>>, RelyingError> {
        let Some(row) = self.registry.identity_row(T::KIND, key).await? else { return Ok(None) };
        let read = ReadRow::<T>::of(&row)?;
        Ok(Some(read).filter(|read| read.value.due_ms().is_none_or(|due| due > now_ms)))
    }

    /// Rows of a kind by key, those that follow `after`; over or not.
    pub(crate) async fn page<T: KeptRow>(&self, after: &str, limit: u32) -> Result<Vec<ReadRow<T>>, RelyingError> {
        self.registry.identity_rows(T::KIND, None, after, limit).await?.iter().map(ReadRow::of).collect()
    }

    /// Writes; false, and nothing is written, when a row is not what was read.
    pub(crate) async fn write(&self, writes: RowWrites, now_ms: i64) -> Result<bool, RelyingError> {
        let reason = writes.events.first().map_or("relying", |event| event.event.as_str()).to_owned();
        let written = async {
            let mut unit = self.registry.begin().await?;
            for write in &writes.rows {
                unit.write_identity(write).await?;
            }
            for event in &writes.events {
                unit.audit(event).await?;
            }
            let cause = Cause::new(Channel::System, "relying", &reason);
            unit.save(&cause, CommitClock { now_ms: &|| now_ms, any_clock: false }).await
        };
        match written.await {
            Ok(_) => Ok(true),
            Err(annuaire_store::Error::IdentityChanged { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes rows that are over; returns how many.
    pub(crate) async fn sweep(&self, kinds: &[&str], now_ms: i64, limit: u32) -> Result<u64, RelyingError> {
        Ok(self.registry.sweep_identity(kinds, now_ms, limit).await?)
    }
}

/// The key of a row whose handle was given to others.
pub(crate) fn sha256_key(handle: &str) -> String {
    annuaire_base::text::hex(&Sha256::digest(handle.as_bytes()))
}

/// Whether a text has the form of a handle of ours.
pub(crate) fn is_handle(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
