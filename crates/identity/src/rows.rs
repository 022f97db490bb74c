//! Rows of the provider in the registry's database: each kind is a type, read and written with its version.
//!
//! A write names the version that was read. Who loses a race reads again and decides again, so that a code, a refresh token or an approval
//! is used once, whichever node is asked.

use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::{AuditEvent, Cause, Channel, CommitClock, NewJob, Registry};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

use crate::error::Error;

/// A kind of rows.
pub(crate) trait ProviderRow: Serialize + DeserializeOwned + Send + Sync {
    /// Name of the kind.
    const KIND: &'static str;

    /// Key of the row, unique in its kind.
    fn key(&self) -> &str;

    /// Whom the row is about; empty when nobody is.
    fn subject(&self) -> &str {
        ""
    }

    /// When the row is over, milliseconds since 1970 UTC; `None` when it stays.
    fn due_ms(&self) -> Option<i64> {
        None
    }
}

/// A row as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Held<T> {
    pub(crate) value: T,
    version: u64,
}

impl<T: ProviderRow> Held<T> {
    fn of(row: &IdentityRow) -> Result<Self, Error> {
        let unreadable = |cause| Error::Unreadable { kind: T::KIND, cause };
        Ok(Self { value: serde_json::from_str(&row.content).map_err(unreadable)?, version: row.version })
    }
}

fn held<T: ProviderRow>(row: Option<Option<IdentityRow>>) -> Result<Option<Held<T>>, Error> {
    row.flatten().as_ref().map(Held::of).transpose()
}

/// What one step of the provider writes: all of it or nothing.
#[derive(Default)]
pub(crate) struct Writes {
    rows: Vec<IdentityWrite>,
    events: Vec<AuditEvent>,
    jobs: Vec<NewJob>,
}

impl Writes {
    /// A new row.
    pub(crate) fn create<T: ProviderRow>(mut self, value: &T) -> Result<Self, Error> {
        self.rows.push(IdentityWrite::Create(row(value, 1)?));
        Ok(self)
    }

    /// Another content of a row that was read.
    pub(crate) fn replace<T: ProviderRow>(mut self, held: &Held<T>) -> Result<Self, Error> {
        self.rows.push(IdentityWrite::Replace(row(&held.value, held.version)?));
        Ok(self)
    }

    /// The end of a row that was read.
    pub(crate) fn remove<T: ProviderRow>(mut self, held: &Held<T>) -> Self {
        self.rows.push(IdentityWrite::Remove {
            kind: T::KIND.to_owned(),
            key: held.value.key().to_owned(),
            version: held.version,
        });
        self
    }

    /// An event of the audit trail.
    pub(crate) fn audit(mut self, event: AuditEvent) -> Self {
        self.events.push(event);
        self
    }

    /// Jobs.
    pub(crate) fn jobs(mut self, jobs: impl IntoIterator<Item = NewJob>) -> Self {
        self.jobs.extend(jobs);
        self
    }
}

fn row<T: ProviderRow>(value: &T, version: u64) -> Result<IdentityRow, Error> {
    let content = serde_json::to_string(value).map_err(|cause| Error::Unreadable { kind: T::KIND, cause })?;
    Ok(IdentityRow {
        kind: T::KIND.to_owned(),
        key: value.key().to_owned(),
        subject: value.subject().to_owned(),
        due_ms: value.due_ms(),
        version,
        content,
    })
}

/// The rows of the provider, with the clock of the installation.
#[derive(Clone)]
pub(crate) struct Rows {
    registry: Arc<dyn Registry>,
    now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Rows {
    pub(crate) fn new(registry: Arc<dyn Registry>, now_ms: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        Self { registry, now_ms }
    }

    pub(crate) fn registry(&self) -> &Arc<dyn Registry> {
        &self.registry
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.now_ms)()
    }

    /// A row that is not over.
    pub(crate) async fn live<T: ProviderRow>(&self, key: &str) -> Result<Option<Held<T>>, Error> {
        let now = self.now_ms();
        Ok(self.any(key).await?.filter(|held: &Held<T>| held.value.due_ms().is_none_or(|due| due > now)))
    }

    /// Three rows that are not over, as they stand together: one question to the database.
    pub(crate) async fn live_three<A: ProviderRow, B: ProviderRow, C: ProviderRow>(
        &self,
        (a, b, c): (&str, &str, &str),
    ) -> Result<(Option<Held<A>>, Option<Held<B>>, Option<Held<C>>), Error> {
        let now = self.now_ms();
        let rows = self.registry.identity_rows_at(&[(A::KIND, a), (B::KIND, b), (C::KIND, c)]).await?;
        let mut rows = rows.into_iter().map(|row| row.filter(|row| row.due_ms.is_none_or(|due| due > now)));
        Ok((held(rows.next())?, held(rows.next())?, held(rows.next())?))
    }

    /// A row, over or not.
    pub(crate) async fn any<T: ProviderRow>(&self, key: &str) -> Result<Option<Held<T>>, Error> {
        let row = self.registry.identity_row(T::KIND, key).await?;
        row.as_ref().map(Held::of).transpose()
    }

    /// The rows of a kind that are not over, of one subject or all, by key.
    pub(crate) async fn list<T: ProviderRow>(
        &self,
        subject: Option<&str>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Held<T>>, Error> {
        let now = self.now_ms();
        let rows = self.registry.identity_rows(T::KIND, subject, after, limit).await?;
        let read: Result<Vec<Held<T>>, Error> = rows.iter().map(Held::of).collect();
        Ok(read?.into_iter().filter(|held| held.value.due_ms().is_none_or(|due| due > now)).collect())
    }

    /// Writes; false, and nothing is written, when a row is not what was read.
    pub(crate) async fn write(&self, writes: Writes) -> Result<bool, Error> {
        let mut unit = self.registry.begin().await?;
        for write in &writes.rows {
            match unit.write_identity(write).await {
                Err(annuaire_store::Error::IdentityChanged { .. }) => return Ok(false),
                other => other?,
            }
        }
        for event in &writes.events {
            unit.audit(event).await?;
        }
        for job in &writes.jobs {
            unit.job(job).await?;
        }
        let cause = Cause::new(Channel::System, "identity", "identity");
        let now_ms = &self.now_ms;
        match unit.save(&cause, CommitClock { now_ms: &|| now_ms(), any_clock: false }).await {
            Err(annuaire_store::Error::IdentityChanged { .. }) => Ok(false),
            other => other.map(|_| true).map_err(Error::from),
        }
    }
}
