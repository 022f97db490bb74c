//! Preparing the versions of a transaction, on any number of threads.

use annuaire_base::Tx;
use annuaire_terms::Resource;

use crate::error::Error;
use crate::former;
use crate::index::Index;
use crate::record::{RecordWriter, VersionStamp, next_number};
use crate::resource_keys::ResourceKeys;
use crate::row::Row;
use crate::snapshot::SnapshotSource;

/// A version ready to be written: any thread prepares it, one thread writes it.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) resource: Resource,
    pub(crate) content: PreparedContent,
    /// Transaction of the state in which it was prepared.
    pub(crate) base: Tx,
    /// Instant of the transaction for which it was prepared.
    pub(crate) commit_ms: i64,
    /// Stamp of the version, when there is one.
    pub(crate) stamp: VersionStamp,
    /// Number that the version must have.
    pub(crate) given_number: Option<u32>,
    /// Row of the newest version of the resource in that state.
    pub(crate) newest: Option<Row>,
    /// That row, when it is live.
    pub(crate) previous: Option<Row>,
}

/// Whether a prepared version differs from the published one.
#[derive(Debug)]
pub(crate) enum PreparedContent {
    /// The live version has the same content: nothing to write, unless an earlier version of the same application has another one.
    Unchanged,
    /// A new version: its number before a foreign stamp is looked at, its keys and its record.
    Changed { number: u32, keys: ResourceKeys, record: Vec<u8> },
}

impl Prepared {
    /// Transaction for which it was prepared, and its instant.
    pub(crate) const fn transaction(&self) -> (Tx, i64) {
        (self.stamp.tx, self.commit_ms)
    }
}

/// Prepares resources for a transaction. Each thread has its own. It holds no read transaction of the store between two resources.
pub struct Preparer {
    source: SnapshotSource,
    writer: RecordWriter,
    tx: Tx,
    commit_ms: i64,
}

impl Index {
    /// A preparer for the transaction that follows the present state. `commit_ms`: milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn preparer(&self, tx: Tx, commit_ms: i64) -> Result<Preparer, Error> {
        Ok(Preparer { source: self.source.clone(), writer: RecordWriter::new(), tx, commit_ms })
    }
}

impl Preparer {
    /// Prepares what does not depend on the other versions of the transaction: keys and record. Cost: a compression and, for a
    /// resource already known, reading its newest version.
    ///
    /// # Errors
    /// [`Error::Refused`] for a resource that cannot be stored.
    pub fn prepare(&mut self, resource: Resource) -> Result<Prepared, Error> {
        self.prepare_for(resource, self.tx, self.commit_ms)
    }

    /// [`Preparer::prepare`] for another transaction: one preparer serves all the transactions of a group, and those of the
    /// groups that follow. What the transactions before it change in the meantime is looked at when it is written.
    ///
    /// # Errors
    /// As [`Preparer::prepare`].
    pub fn prepare_for(&mut self, resource: Resource, tx: Tx, commit_ms: i64) -> Result<Prepared, Error> {
        self.prepare_version(resource, tx, commit_ms, None)
    }

    /// [`Preparer::prepare_for`] a version of a store that is copied: it keeps its number, and is written even when it has the content of
    /// the version before it.
    ///
    /// # Errors
    /// As [`Preparer::prepare`].
    pub fn prepare_copy(&mut self, resource: Resource, tx: Tx, commit_ms: i64, number: u32) -> Result<Prepared, Error> {
        self.prepare_version(resource, tx, commit_ms, Some(number))
    }

    fn prepare_version(
        &mut self,
        resource: Resource,
        tx: Tx,
        commit_ms: i64,
        given_number: Option<u32>,
    ) -> Result<Prepared, Error> {
        resource.check()?;
        let snapshot = self.source.snapshot()?;
        let base = snapshot.tx();
        let commit_ms = if base == Tx::NONE { commit_ms } else { commit_ms.max(snapshot.commit_ms()) };
        // The first load finds nothing: it skips the look-up.
        let known = if snapshot.is_empty() { None } else { snapshot.newest_version(resource.ty, &resource.id)? };
        let newest = known.as_ref().map(|newest| newest.version.row);
        let previous = known.as_ref().filter(|newest| newest.is_live).map(|newest| newest.version.row);
        let number = match (&known, given_number) {
            (_, Some(given)) => given,
            (Some(newest), None) => next_number(newest.version.number)?,
            (None, None) if snapshot.is_empty() => 1,
            (None, None) => former::next_number_of(&snapshot.dbs, &snapshot.txn, resource.ty, &resource.id)?,
        };
        let stamp = stamp_of(&resource, number, tx, commit_ms);
        let content = match known {
            Some(newest) if given_number.is_none() && newest.is_live && newest.version.has_content_of(&resource) => {
                PreparedContent::Unchanged
            }
            _ => {
                let record = self.writer.write(&self.source.dictionaries, &resource, stamp)?;
                PreparedContent::Changed { number, keys: ResourceKeys::new(&resource), record }
            }
        };
        Ok(Prepared { resource, content, base, stamp, given_number, newest, previous, commit_ms })
    }
}

/// Stamp of a new version: that of its transaction, or its foreign one when it has one.
pub fn stamp_of(resource: &Resource, number: u32, tx: Tx, commit_ms: i64) -> VersionStamp {
    match &resource.foreign_stamp {
        None => VersionStamp { number, tx, last_updated_ms: commit_ms },
        Some(foreign) => VersionStamp {
            // A number that does not grow is not used.
            number: foreign.version.unwrap_or(0).max(number),
            tx,
            last_updated_ms: foreign.last_updated_ms,
        },
    }
}
