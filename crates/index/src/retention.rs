//! Retention: what left the directory vanishes after a while.
//!
//! A transaction files each new row that no source describes (a reduced form, or a resource that is only referred to) under the
//! instant at which it is due, in the database `leaving`. A later transaction closes the rows that are due, and adds a tombstone
//! after each, so that whoever follows the versions learns that the resource is gone (HIST-4). Rows to which a live row still refers
//! are filed again (LOG-6). Old versions stay readable; searches and reads of the newest version find nothing.

use std::collections::BTreeMap;
use std::ops::Bound;

use annuaire_terms::{LinkRule, TypeId};
use heed::{RoTxn, RwTxn};
use roaring::RoaringBitmap;

use crate::chunk::ChunkWriter;
use crate::closings::ClosedRows;
use crate::databases::Databases;
use crate::dictionaries::Dictionaries;
use crate::error::Error;
use crate::hash::{id_hash, type_name_hash};
use crate::key::{self, sortable_ms};
use crate::posting::read::rows_of;
use crate::row::Row;
use crate::state::LiveRows;
use crate::version::Version;

const BAD: Error = Error::Corrupt("row that leaves");

/// When what left vanishes.
#[derive(Debug, Clone, Copy)]
pub struct Retention<'a> {
    /// Time that a row stays after the transaction that wrote it, in milliseconds.
    pub after_ms: i64,
    /// Time after which a row that was due but is still referred to is looked at again, in milliseconds.
    pub again_ms: i64,
    /// References that hold their targets.
    pub links: &'a [LinkRule],
}

impl Retention<'_> {
    /// Whether a row is due at an instant (milliseconds since 1970 UTC). Cost: one look-up.
    pub(crate) fn has_due(&self, dbs: &Databases, txn: &RoTxn<'_>, now_ms: i64) -> Result<bool, Error> {
        let now = key_of(now_ms, Row::FIRST);
        Ok(dbs.leaving.first(txn)?.is_some_and(|(first, _)| *first < now[..]))
    }
}

/// What a transaction has done when retention is applied, and the rows that it closes.
pub struct RetentionRun<'a> {
    pub dbs: &'a Databases,
    pub dictionaries: &'a Dictionaries,
    pub retention: &'a Retention<'a>,
    /// Records of the transaction and of those before.
    pub rows: &'a ChunkWriter,
    /// State before the transaction.
    pub before: &'a LiveRows,
    /// Rows that the transaction adds.
    pub added: &'a BTreeMap<TypeId, RoaringBitmap>,
    /// Rows added that no source describes.
    pub undescribed: &'a [Row],
    /// Rows that the transaction closes.
    pub closed: &'a ClosedRows,
    /// Instant of the transaction, milliseconds since 1970 UTC.
    pub now_ms: i64,
}

/// The last version of a resource that is due.
pub struct DueVersion {
    pub ty: TypeId,
    pub id: String,
    pub number: u32,
}

impl RetentionRun<'_> {
    /// Files the new rows, and returns those that vanish now. Cost: reading each row that is due, and one posting list for each link
    /// rule of its type.
    pub fn apply(self, txn: &mut RwTxn<'_>) -> Result<BTreeMap<Row, DueVersion>, Error> {
        let mut due = self.take_due(txn)?;
        // A row that stays holds its targets, which then hold theirs: repeat until no row is held.
        loop {
            let mut held = Vec::new();
            for (row, resource) in &due {
                if self.is_referred_to(txn, resource, &due)? {
                    held.push(*row);
                }
            }
            if held.is_empty() {
                break;
            }
            for row in held {
                due.remove(&row);
                self.file(txn, row, self.retention.again_ms)?;
            }
        }
        for row in self.undescribed {
            self.file(txn, *row, self.retention.after_ms)?;
        }
        Ok(due)
    }

    /// Removes from the database the rows that are due, and returns those that are still live.
    fn take_due(&self, txn: &mut RwTxn<'_>) -> Result<BTreeMap<Row, DueVersion>, Error> {
        let now = key_of(self.now_ms, Row::FIRST);
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for item in self.dbs.leaving.range(txn, &(Bound::Unbounded, Bound::Excluded(&now[..])))? {
            keys.push(item?.0.to_vec());
        }
        let mut due = BTreeMap::new();
        for key in &keys {
            self.dbs.leaving.delete(txn, key)?;
            let row = row_of_key(key)?;
            if self.closed.values().any(|closed| closed.contains(row.get())) {
                continue;
            }
            let record = self.rows.record(self.dbs, txn, row)?.ok_or(BAD)?;
            let version = Version::read(self.dictionaries, row, record, 0)?;
            if self.was_live(version.ty, row.get()) {
                due.insert(row, DueVersion { ty: version.ty, id: version.id().to_owned(), number: version.number });
            }
        }
        Ok(due)
    }

    /// Whether a live row that is not due refers to a resource.
    fn is_referred_to(&self, txn: &RwTxn<'_>, resource: &DueVersion, due: &BTreeMap<Row, DueVersion>) -> Result<bool, Error> {
        for rule in self.retention.links.iter().filter(|rule| rule.target == resource.ty) {
            let (added, closed) = (self.added.get(&rule.source), self.closed.get(&rule.source));
            let target = type_name_hash(rule.target_name) ^ id_hash(&resource.id);
            let rows = rows_of(self.dbs, txn, &key::reference(rule.source, rule.param, target))?;
            let stays = |row: u32| {
                (self.was_live(rule.source, row) || added.is_some_and(|added| added.contains(row)))
                    && closed.is_none_or(|closed| !closed.contains(row))
                    && !due.contains_key(&Row::new(row))
            };
            if rows.iter().any(stays) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn was_live(&self, ty: TypeId, row: u32) -> bool {
        self.before.get(&ty).is_some_and(|live| live.contains(row))
    }

    fn file(&self, txn: &mut RwTxn<'_>, row: Row, delay_ms: i64) -> Result<(), Error> {
        Ok(self.dbs.leaving.put(txn, &key_of(self.now_ms.saturating_add(delay_ms), row), &[])?)
    }
}

/// Key in the database `leaving`: the instant ([`sortable_ms`]), then the row (4 bytes big-endian). The value is empty.
fn key_of(due_ms: i64, row: Row) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = sortable_ms(due_ms);
    let [i, j, k, l] = row.get().to_be_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

/// Row in a key of the database `leaving`.
pub fn row_of_key(key: &[u8]) -> Result<Row, Error> {
    let row = key.last_chunk().ok_or(BAD)?;
    Ok(Row::new(u32::from_be_bytes(*row)))
}
