//! Preparing the versions of a transaction, on any number of threads.

use std::sync::Arc;

use annuaire_base::Tx;
use annuaire_terms::Resource;

use crate::dictionaries::Dictionaries;
use crate::error::Error;
use crate::index::Index;
use crate::record::{RecordWriter, VersionStamp};
use crate::resource_keys::ResourceKeys;
use crate::row::Row;
use crate::snapshot::Snapshot;

/// A version ready to be written: any thread prepares it, one thread writes it.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) resource: Resource,
    pub(crate) content: PreparedContent,
    /// Live row of the resource before the transaction.
    pub(crate) previous: Option<Row>,
}

/// Whether a prepared version differs from the published one.
#[derive(Debug)]
pub(crate) enum PreparedContent {
    /// The live version has the same content: nothing to write, unless the same transaction gave another content before.
    Unchanged,
    /// A new version.
    Changed { keys: ResourceKeys, record: Vec<u8> },
}

/// Prepares resources for one transaction. Each thread has its own.
pub struct Preparer {
    base: Snapshot,
    writer: RecordWriter,
    dictionaries: Arc<Dictionaries>,
    tx: Tx,
    commit_ms: i64,
}

impl Index {
    /// A preparer for the transaction that follows the present state. `commit_ms`: milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn preparer(&self, tx: Tx, commit_ms: i64) -> Result<Preparer, Error> {
        let base = self.snapshot()?;
        let dictionaries = self.dictionaries.clone();
        Ok(Preparer { base, writer: RecordWriter::new(), dictionaries, tx, commit_ms: self.instant_not_before_last(commit_ms) })
    }
}

impl Preparer {
    /// Prepares what does not depend on the other versions of the transaction: keys and record. Cost: a compression and, for a
    /// resource already known, reading its newest version.
    ///
    /// # Errors
    /// [`Error::Refused`] for a resource that cannot be stored.
    pub fn prepare(&mut self, resource: Resource) -> Result<Prepared, Error> {
        resource.check()?;
        // The first load finds nothing: it skips the look-up.
        let known = if self.base.is_empty() { None } else { self.base.newest_version(resource.ty, &resource.id)? };
        let previous = known.as_ref().filter(|newest| newest.is_live).map(|newest| newest.version.row);
        let mut number = 1;
        if let Some(newest) = &known {
            if newest.is_live && newest.version.has_content_of(&resource) {
                return Ok(Prepared { content: PreparedContent::Unchanged, previous, resource });
            }
            number = next_number(newest.version.number)?;
        }
        let stamp = stamp_of(&resource, number, self.tx, self.commit_ms);
        let record = self.writer.write(&self.dictionaries, &resource, stamp)?;
        let keys = ResourceKeys::new(&resource);
        Ok(Prepared { content: PreparedContent::Changed { keys, record }, previous, resource })
    }
}

/// Number of the version that follows.
pub fn next_number(number: u32) -> Result<u32, Error> {
    number.checked_add(1).ok_or(Error::Refused("no version number left"))
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
