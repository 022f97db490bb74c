//! The rows whose content was withdrawn by law, until compaction removes them.

use std::ops::Bound;

use annuaire_base::Tx;
use heed::{RoTxn, RwTxn};
use roaring::RoaringBitmap;

use crate::databases::Databases;
use crate::error::Error;

/// Before the number of a transaction (8 bytes big-endian) in the database `meta`: the rows whose content it withdrew, a bitmap in
/// Roaring's portable format. Compaction removes them with the tombstone of that transaction, since no closing names them.
const KEY_PREFIX: &[u8] = b"withdrawn ";

fn key_of(tx: Tx) -> Vec<u8> {
    [KEY_PREFIX, &tx.get().to_be_bytes()].concat()
}

/// Remembers rows.
pub fn remember(dbs: &Databases, txn: &mut RwTxn<'_>, tx: Tx, rows: &RoaringBitmap) -> Result<(), Error> {
    let mut bytes = Vec::with_capacity(rows.serialized_size());
    rows.serialize_into(&mut bytes)?;
    Ok(dbs.meta.put(txn, &key_of(tx), &bytes)?)
}

/// Rows whose content was withdrawn by a transaction or one before it, as long as compaction has not removed them.
pub fn rows_until(dbs: &Databases, txn: &RoTxn<'_>, tx: Tx) -> Result<RoaringBitmap, Error> {
    let mut rows = RoaringBitmap::new();
    let (first, last) = (key_of(Tx::NONE), key_of(tx));
    for item in dbs.meta.range(txn, &(Bound::Included(&first[..]), Bound::Included(&last[..])))? {
        rows |= RoaringBitmap::deserialize_from(item?.1).map_err(|_| Error::Corrupt("withdrawn rows"))?;
    }
    Ok(rows)
}

/// Whether a transaction after `tx`, up to `last`, withdrew something, as long as compaction has not forgotten it.
pub fn is_any_between(dbs: &Databases, txn: &RoTxn<'_>, tx: Tx, last: Tx) -> Result<bool, Error> {
    let (after, last) = (key_of(tx), key_of(last));
    if after >= last {
        return Ok(false);
    }
    Ok(dbs.meta.range(txn, &(Bound::Excluded(&after[..]), Bound::Included(&last[..])))?.next().transpose()?.is_some())
}

/// Forgets what [`rows_until`] says: the rows were removed.
pub fn forget_until(dbs: &Databases, txn: &mut RwTxn<'_>, tx: Tx) -> Result<(), Error> {
    let (first, last) = (key_of(Tx::NONE), key_of(tx));
    dbs.meta.delete_range(txn, &(Bound::Included(&first[..]), Bound::Included(&last[..])))?;
    Ok(())
}
