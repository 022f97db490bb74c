//! Rows of this room: each kind is a type, read and written with its version. What one step writes is gathered and written by
//! one unit: all of it or nothing.

use crate::error::Error;
use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::{AuditEvent, CaseListing, Cause, Change, CommitClock, Expect, NewJob, OwnerRow, Registry, Unit};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of rows.
pub(crate) trait RegistrationRow: Serialize + DeserializeOwned + Send + Sync {
    /// Name of the kind.
    const KIND: &'static str;

    /// Key of the row, unique in its kind.
    fn key(&self) -> String;

    /// Whom the row is about, or by what it is found; empty for nobody.
    fn subject(&self) -> String {
        String::new()
    }

    /// When the row is to be looked at again, milliseconds since 1970 UTC.
    fn due_ms(&self) -> Option<i64> {
        None
    }
}

/// A row as it was read.
#[derive(Debug, Clone)]
pub(crate) struct VersionedRow<T> {
    pub(crate) value: T,
    pub(crate) version: u64,
}

impl<T: RegistrationRow> VersionedRow<T> {
    pub(crate) fn of(row: &IdentityRow) -> Result<Self, Error> {
        let unreadable = |cause| Error::Unreadable { kind: T::KIND, cause };
        Ok(Self { value: serde_json::from_str(&row.content).map_err(unreadable)?, version: row.version })
    }
}

/// A row, if there is one.
pub(crate) async fn read<T: RegistrationRow>(registry: &dyn Registry, key: &str) -> Result<Option<VersionedRow<T>>, Error> {
    registry.identity_row(T::KIND, key).await?.as_ref().map(VersionedRow::of).transpose()
}

/// The first `limit` rows of a kind whose keys begin so, by key.
pub(crate) async fn beginning<T: RegistrationRow>(
    registry: &dyn Registry,
    prefix: &str,
    limit: usize,
) -> Result<Vec<VersionedRow<T>>, Error> {
    let mut all = Vec::new();
    let mut after = prefix.to_owned();
    loop {
        let page = registry.identity_rows(T::KIND, None, &after, crate::limits::PAGE).await?;
        let whole = page.len() < crate::limits::PAGE as usize;
        for row in page {
            if !row.key.starts_with(prefix) || all.len() >= limit {
                return Ok(all);
            }
            all.push(VersionedRow::of(&row)?);
            after = row.key;
        }
        if whole {
            return Ok(all);
        }
    }
}

/// All rows of a kind about a subject, by key.
pub(crate) async fn about<T: RegistrationRow>(registry: &dyn Registry, subject: &str) -> Result<Vec<VersionedRow<T>>, Error> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = registry.identity_rows(T::KIND, Some(subject), &after, crate::limits::PAGE).await?;
        let whole = page.len() < crate::limits::PAGE as usize;
        for row in page {
            all.push(VersionedRow::of(&row)?);
            after = row.key;
        }
        if whole {
            return Ok(all);
        }
    }
}

/// What one step writes: all of it or nothing.
#[derive(Debug, Default)]
pub(crate) struct PendingWrites {
    rows: Vec<IdentityWrite>,
    listings: Vec<CaseListing>,
    owners: Vec<OwnerRow>,
    changes: Vec<(Change, Expect)>,
    jobs: Vec<NewJob>,
    events: Vec<AuditEvent>,
    notes: Vec<(&'static str, &'static str, String)>,
}

fn row<T: RegistrationRow>(value: &T, version: u64) -> Result<IdentityRow, Error> {
    let content = serde_json::to_string(value).map_err(|cause| Error::Unreadable { kind: T::KIND, cause })?;
    Ok(IdentityRow {
        kind: T::KIND.to_owned(),
        key: value.key(),
        subject: value.subject(),
        due_ms: value.due_ms(),
        version,
        content,
    })
}

impl PendingWrites {
    /// A row that is new (`version` absent), or takes the place of the one that was read.
    pub(crate) fn put<T: RegistrationRow>(&mut self, value: &T, version: Option<u64>) -> Result<(), Error> {
        self.rows.push(match version {
            None => IdentityWrite::Create(row(value, 1)?),
            Some(version) => IdentityWrite::Replace(row(value, version)?),
        });
        Ok(())
    }

    /// The end of a row that was read.
    pub(crate) fn remove<T: RegistrationRow>(&mut self, kept: &VersionedRow<T>) {
        self.rows.push(IdentityWrite::Remove { kind: T::KIND.to_owned(), key: kept.value.key(), version: kept.version });
    }

    pub(crate) fn list(&mut self, listing: CaseListing) {
        self.listings.push(listing);
    }

    pub(crate) fn owner(&mut self, owner: OwnerRow) {
        self.owners.push(owner);
    }

    pub(crate) fn change(&mut self, change: Change, expect: Expect) {
        self.changes.push((change, expect));
    }

    pub(crate) fn job(&mut self, job: NewJob) {
        self.jobs.push(job);
    }

    pub(crate) fn audit(&mut self, event: AuditEvent) {
        self.events.push(event);
    }

    pub(crate) fn note(&mut self, kind: &'static str, key: &'static str, text: String) {
        self.notes.push((kind, key, text));
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { rows, listings, owners, changes, jobs, events, notes } = self;
        rows.is_empty()
            && listings.is_empty()
            && owners.is_empty()
            && changes.is_empty()
            && jobs.is_empty()
            && events.is_empty()
            && notes.is_empty()
    }

    /// Writes; false, and nothing is written, when a row or a fact is not what was read.
    pub(crate) async fn save(
        self,
        mut unit: Box<dyn Unit>,
        cause: &Cause,
        now_ms: &(dyn Fn() -> i64 + Sync),
    ) -> Result<bool, Error> {
        match self.write(&mut *unit).await {
            Err(error) if is_lost(&error) => return Ok(false),
            other => other?,
        }
        match unit.save(cause, CommitClock { now_ms, any_clock: false }).await {
            Err(error) if is_lost(&error) => Ok(false),
            other => other.map(|_| true).map_err(Error::from),
        }
    }

    async fn write(&self, unit: &mut dyn Unit) -> Result<(), annuaire_store::Error> {
        for write in &self.rows {
            unit.write_identity(write).await?;
        }
        for listing in &self.listings {
            unit.list_case(listing).await?;
        }
        for owner in &self.owners {
            unit.set_owner(owner).await?;
        }
        for (change, expect) in &self.changes {
            unit.put(change.clone(), *expect).await?;
        }
        for (kind, key, text) in &self.notes {
            unit.set_note(kind, key, Some(text)).await?;
        }
        for job in &self.jobs {
            unit.job(job).await?;
        }
        for event in &self.events {
            unit.audit(event).await?;
        }
        Ok(())
    }
}

/// Whether somebody else wrote first, so that everything is read and decided again.
fn is_lost(error: &annuaire_store::Error) -> bool {
    matches!(error, annuaire_store::Error::IdentityChanged { .. } | annuaire_store::Error::Conflict { .. })
}
