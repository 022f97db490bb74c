//! What left the directory vanishes after a while.
//!
//! Each row that no source says (a reduced form, a resource that is only named) is filed under the instant at which it is
//! due. A transaction looks at those that are due, and closes them without a successor, unless something that stays points to
//! them (LOG-6): those are filed again. Versions stay readable; searches and reads of the newest one find nothing.

use std::collections::BTreeMap;
use std::ops::Bound;

use heed::RwTxn;
use roaring::RoaringBitmap;

use crate::{Dbs, Error, Row, State, Work, key, posting};
use annuaire_terms::{LinkRule, TypeId};

/// When what left vanishes.
#[derive(Debug, Clone, Copy)]
pub struct Retention<'a> {
    /// Time that a reduced form stays, in milliseconds.
    pub after_ms: i64,
    /// Time after which one that was due and is still pointed to is looked at again, in milliseconds.
    pub again_ms: i64,
    /// Every link that holds its target.
    pub links: &'a [LinkRule],
}

/// Unsigned and big-endian, so that keys sort as instants do.
fn filed(due_ms: i64, row: Row) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = (due_ms.cast_unsigned() ^ (1 << 63)).to_be_bytes();
    let [i, j, k, l] = row.get().to_be_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

/// The row of a key.
pub fn row_of(key: &[u8]) -> Result<Row, Error> {
    let row = key.last_chunk().ok_or(Error::Corrupt("row that leaves"))?;
    Ok(Row::new(u32::from_be_bytes(*row)))
}

/// Files the new rows that no source says, and closes those that are due. Cost: reading what is due and looking for what
/// points to it.
pub fn settle(work: &mut Work<'_>, dbs: &Dbs, txn: &mut RwTxn<'_>, old: &State, retention: &Retention<'_>) -> Result<(), Error> {
    let now = work.commit_ms;
    let mut due: Vec<Vec<u8>> = Vec::new();
    for item in dbs.leaving.range(txn, &(Bound::Unbounded, Bound::Excluded(&filed(now, Row::FIRST)[..])))? {
        due.push(item?.0.to_vec());
    }
    // Row to its type and what stands for its id.
    let mut ending: BTreeMap<Row, (TypeId, u64)> = BTreeMap::new();
    for key in &due {
        dbs.leaving.delete(txn, key)?;
        let row = row_of(key)?;
        if work.closed.contains(row.get()) {
            continue;
        }
        let record = work.rows.read(dbs, txn, row)?.ok_or(Error::Corrupt("row that leaves"))?;
        let entry = crate::record::Head::read(record)?.entry(&work.index.codec, row, 0)?;
        if old.live.get(&entry.ty).is_some_and(|live| live.contains(row.get())) {
            ending.insert(row, (entry.ty, key::name(entry.id())));
        }
    }
    // What stays holds what it points to, which then stays too.
    loop {
        let mut held = Vec::new();
        for (row, (ty, name)) in &ending {
            if pointed_to(work, dbs, txn, old, retention, &ending, (*ty, *name))? {
                held.push(*row);
            }
        }
        if held.is_empty() {
            break;
        }
        for row in held {
            ending.remove(&row);
            dbs.leaving.put(txn, &filed(now.saturating_add(retention.again_ms), row), &[])?;
        }
    }
    work.closed.extend(ending.keys().map(|row| row.get()));
    for row in std::mem::take(&mut work.leaving) {
        dbs.leaving.put(txn, &filed(now.saturating_add(retention.after_ms), row), &[])?;
    }
    Ok(())
}

/// Whether a row that stays points to a resource.
fn pointed_to(
    work: &Work<'_>,
    dbs: &Dbs,
    txn: &RwTxn<'_>,
    old: &State,
    retention: &Retention<'_>,
    ending: &BTreeMap<Row, (TypeId, u64)>,
    (ty, name): (TypeId, u64),
) -> Result<bool, Error> {
    for link in retention.links.iter().filter(|link| link.target == ty) {
        let has = |rows: Option<&RoaringBitmap>, row: Row| rows.is_some_and(|rows| rows.contains(row.get()));
        let (live, added) = (old.live.get(&link.source).map(AsRef::as_ref), work.added.get(&link.source));
        let rows = posting::read(dbs, txn, &key::reference(link.source, link.param, key::kind(link.target_name) ^ name))?;
        let stays =
            |row: Row| (has(live, row) || has(added, row)) && !work.closed.contains(row.get()) && !ending.contains_key(&row);
        if rows.iter().map(Row::new).any(stays) {
            return Ok(true);
        }
    }
    Ok(false)
}
