//! The steps of a compaction. Each looks at a bounded number of pages.

use std::ops::Bound;

use annuaire_base::Tx;
use heed::{RoTxn, RwTxn};
use roaring::RoaringBitmap;

use super::progress::{CompactionProgress, CompactionStage};
use crate::chunk::{self, sweep::has_record_in};
use crate::closings::{self, ClosedRows, closed_between, entry_after};
use crate::databases::{Databases, from_key};
use crate::error::Error;
use crate::former;
use crate::links;
use crate::meta;
use crate::posting;
use crate::published::PublishedTx;
use crate::removal::Removal;
use crate::retention;
use crate::row::Row;
use crate::withdrawn_rows;

/// Pages that a step looks at: some milliseconds.
pub const PAGES: usize = 256;
/// Small entries that a step looks at, for each page.
const ENTRIES_PER_PAGE: usize = 8;

/// Rows that the horizon removes: closed or withdrawn at it or before.
pub fn gone_rows(dbs: &Databases, txn: &RoTxn<'_>) -> Result<RoaringBitmap, Error> {
    let horizon = meta::retained_from(dbs.meta, txn)?;
    let closed = if horizon == Tx::NONE { ClosedRows::new() } else { closed_between(dbs, txn, Tx::NONE, horizon)? };
    Ok(closed.into_values().fold(withdrawn_rows::rows_until(dbs, txn, horizon)?, |all, rows| all | rows))
}

/// End of the rows of the horizon.
fn first_kept_end(dbs: &Databases, txn: &RoTxn<'_>) -> Result<Row, Error> {
    let key = PublishedTx::key(meta::retained_from(dbs.meta, txn)?);
    let value = dbs.tx.get(txn, &key)?.ok_or(Error::Corrupt("horizon"))?;
    Ok(PublishedTx::decode(&key, value)?.end)
}

/// Does the next step of a compaction, and returns the number of records removed.
pub fn step(
    dbs: &Databases,
    txn: &mut RwTxn<'_>,
    gone: &RoaringBitmap,
    progress: &mut CompactionProgress,
    pages: usize,
) -> Result<u64, Error> {
    let entries = pages.saturating_mul(ENTRIES_PER_PAGE);
    let mut removed = 0;
    let from = progress.from.as_slice();
    let removal = Removal { rows: gone, first_kept_end: Some(first_kept_end(dbs, txn)?) };
    let next = match progress.stage {
        CompactionStage::Leaving => remove_leaving(dbs, txn, gone, from, entries)?,
        CompactionStage::Terms => {
            let swept = posting::sweep::sweep(dbs, txn, removal, from, pages)?;
            for (id, last) in swept.ids {
                former::remember(dbs, txn, &id, last)?;
            }
            swept.next
        }
        CompactionStage::Links => links::sweep::sweep(dbs, txn, removal, from, pages)?,
        CompactionStage::Rows => {
            let first = if from.is_empty() { Row::FIRST } else { chunk::first_row(from)? };
            let swept = chunk::sweep::sweep(dbs, txn, gone, first, pages)?;
            removed = swept.removed;
            swept.next.map(|row| row.get().to_be_bytes().to_vec())
        }
        CompactionStage::Transactions => forget_transactions(dbs, txn, from, entries)?,
        CompactionStage::Closings => forget_closings(dbs, txn, from, entries)?,
        CompactionStage::Complete => None,
    };
    progress.go_on(next);
    Ok(removed)
}

/// Does all that is left of a compaction, in one commit; only before a withdrawal, which is rare.
pub fn finish(dbs: &Databases, txn: &mut RwTxn<'_>) -> Result<(), Error> {
    let Some(mut progress) = CompactionProgress::read(dbs, txn)? else { return Ok(()) };
    let gone = gone_rows(dbs, txn)?;
    while !progress.is_complete() {
        step(dbs, txn, &gone, &mut progress, PAGES)?;
    }
    progress.save(dbs, txn)
}

/// Takes out of `leaving` the rows that go: what is due is looked up in the records.
fn remove_leaving(
    dbs: &Databases,
    txn: &mut RwTxn<'_>,
    gone: &RoaringBitmap,
    from: &[u8],
    most: usize,
) -> Result<Option<Vec<u8>>, Error> {
    let (mut keys, mut count, mut next) = (Vec::new(), 0, None);
    for item in dbs.leaving.range(txn, &(from_key(from), Bound::Unbounded))? {
        let key = item?.0;
        if count == most {
            next = Some(key.to_vec());
            break;
        }
        count += 1;
        if gone.contains(retention::row_of_key(key)?.get()) {
            keys.push(key.to_vec());
        }
    }
    for key in keys {
        dbs.leaving.delete(txn, &key)?;
    }
    Ok(next)
}

/// Removes the transactions before the horizon of which no row is left. The numbers of their rows then count as those of the next
/// transaction that stays, in which they are not found either.
fn forget_transactions(dbs: &Databases, txn: &mut RwTxn<'_>, from: &[u8], most: usize) -> Result<Option<Vec<u8>>, Error> {
    let horizon = PublishedTx::key(meta::retained_from(dbs.meta, txn)?);
    let before = if from.is_empty() { None } else { dbs.tx.get_lower_than(txn, from)? };
    let mut start = before.map_or(Ok(Row::FIRST), |(key, value)| PublishedTx::decode(key, value).map(|before| before.end))?;
    let (mut empty, mut count, mut next) = (Vec::new(), 0, None);
    for item in dbs.tx.range(txn, &(from_key(from), Bound::Excluded(&horizon[..])))? {
        let (key, value) = item?;
        if count == most {
            next = Some(key.to_vec());
            break;
        }
        count += 1;
        let end = PublishedTx::decode(key, value)?.end;
        if has_record_in(dbs, txn, start..end)? {
            start = end;
        } else {
            empty.push(key.to_vec());
        }
    }
    for key in empty {
        dbs.tx.delete(txn, &key)?;
    }
    Ok(next)
}

/// Forgets the closings of the transactions up to the horizon, some of them at a time: their rows are gone.
fn forget_closings(dbs: &Databases, txn: &mut RwTxn<'_>, from: &[u8], most: usize) -> Result<Option<Vec<u8>>, Error> {
    let horizon = meta::retained_from(dbs.meta, txn)?;
    let after = Tx::new(from.try_into().map_or(0, u64::from_be_bytes));
    let until = entry_after(dbs, txn, after, most)?.unwrap_or(horizon).min(horizon);
    closings::forget_until(dbs, txn, until)?;
    withdrawn_rows::forget_until(dbs, txn, until)?;
    Ok((until < horizon).then(|| until.get().to_be_bytes().to_vec()))
}
