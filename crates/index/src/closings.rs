//! The rows that transactions closed, and their sums.
//!
//! Every state is found from another one by what was closed in between. With one entry for each transaction alone, a state ten
//! thousand transactions old would cost ten thousand reads, and opening a store all of them. So the entries of 64 transactions
//! are united in a *sum*, 64 sums in a sum of the next level, and so on: an interval of any length is covered by about a hundred
//! entries, and all the levels together take as many times the bytes of the entries as there are levels (three for a quarter of a
//! million transactions).
//!
//! Key: the level (one byte), then the first transaction that the entry covers (8 bytes big-endian). An entry of level 0 is of one
//! transaction; one of level `n` is of the 64ⁿ transactions from a multiple of 64ⁿ on. Value: for each type with closed rows, in
//! ascending order: the type (one byte), the length of the bitmap ([`crate::varint`]), the bitmap in Roaring's portable format.
//!
//! The sum of a block is written with the first transaction beyond it. It depends on the numbers of the transactions only, not on
//! how they were grouped into commits.

use std::collections::BTreeMap;
use std::ops::Bound;

use annuaire_base::Tx;
use annuaire_terms::TypeId;
use heed::{RoTxn, RwTxn};
use roaring::RoaringBitmap;

use crate::databases::Databases;
use crate::error::Error;
use crate::published::PublishedTx;
use crate::varint;

/// Closed rows by type. No bitmap is empty.
pub type ClosedRows = BTreeMap<TypeId, RoaringBitmap>;

/// Binary logarithm of the number of entries in a sum.
const SHIFT: u32 = 6;
/// The highest level: its sums cover 2⁶⁰ transactions.
const LEVEL_MAX: u8 = 10;

const BAD: Error = Error::Corrupt("closing");

/// Level and first transaction of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ClosingBlock {
    level: u8,
    first: u64,
}

impl ClosingBlock {
    /// The block of a level in which a transaction lies.
    const fn of(level: u8, tx: u64) -> Self {
        Self { level, first: tx & !(Self::length(level) - 1) }
    }

    /// Number of transactions in a block of a level.
    const fn length(level: u8) -> u64 {
        1 << (SHIFT * level as u32)
    }

    /// Last transaction of the block.
    const fn last(self) -> u64 {
        self.first + (Self::length(self.level) - 1)
    }

    const fn key(self) -> [u8; 9] {
        let [a, b, c, d, e, f, g, h] = self.first.to_be_bytes();
        [self.level, a, b, c, d, e, f, g, h]
    }

    fn of_key(key: &[u8]) -> Result<Self, Error> {
        let (&level, first) = key.split_first().ok_or(BAD)?;
        let first = u64::from_be_bytes(first.try_into().map_err(|_| BAD)?);
        let block = if level <= LEVEL_MAX { Self::of(level, first) } else { return Err(BAD) };
        if block.first == first { Ok(block) } else { Err(BAD) }
    }
}

fn encode(closed: &ClosedRows) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for (ty, rows) in closed {
        out.push(ty.get());
        varint::put(&mut out, rows.serialized_size() as u64);
        rows.serialize_into(&mut out)?;
    }
    Ok(out)
}

/// Adds the rows of an entry to `closed`.
fn decode_into(mut value: &[u8], closed: &mut ClosedRows) -> Result<(), Error> {
    while let Some((&ty, mut rest)) = value.split_first() {
        let length = varint::take_length(&mut rest).ok_or(BAD)?;
        let (rows, rest) = rest.split_at_checked(length).ok_or(BAD)?;
        *closed.entry(TypeId::new(ty)).or_default() |= RoaringBitmap::deserialize_from(rows).map_err(|_| BAD)?;
        value = rest;
    }
    Ok(())
}

/// Checks an entry, and returns its greatest row.
pub fn check_entry(key: &[u8], value: &[u8]) -> Result<Option<u32>, Error> {
    ClosingBlock::of_key(key)?;
    let mut closed = ClosedRows::new();
    decode_into(value, &mut closed)?;
    Ok(closed.values().filter_map(RoaringBitmap::max).max())
}

/// Writes the rows that the transaction `tx` closed, and the sums that it completes; `before` is the transaction before it.
/// Cost: one write, and one time in 64 reading 64 entries.
pub fn write(dbs: &Databases, txn: &mut RwTxn<'_>, before: Tx, tx: Tx, closed: &ClosedRows) -> Result<(), Error> {
    // From the lowest level on: a sum is made of sums.
    for level in 1..=LEVEL_MAX {
        let block = ClosingBlock::of(level, before.get());
        if block == ClosingBlock::of(level, tx.get()) {
            break;
        }
        let mut sum = ClosedRows::new();
        read_level(dbs, txn, level - 1, block.first, block.last(), &mut |value| decode_into(value, &mut sum))?;
        if !sum.is_empty() {
            dbs.closings.put(txn, &block.key(), &encode(&sum)?)?;
        }
    }
    if !closed.is_empty() {
        dbs.closings.put(txn, &ClosingBlock::of(0, tx.get()).key(), &encode(closed)?)?;
    }
    Ok(())
}

/// Rows closed by the transactions after `after`, up to `to`; for [`Tx::NONE`], all the rows closed up to `to` that are still in
/// the store. Cost: about a hundred entries, however many transactions there are.
pub fn closed_between(dbs: &Databases, txn: &RoTxn<'_>, after: Tx, to: Tx) -> Result<ClosedRows, Error> {
    let mut closed = ClosedRows::new();
    visit_between(dbs, txn, after, to, &mut |value| decode_into(value, &mut closed))?;
    Ok(closed)
}

/// Forgets the closings up to a horizon: their rows are gone. States before it cannot be found any more. Cost: deleting the entries
/// up to the horizon.
pub fn forget_until(dbs: &Databases, txn: &mut RwTxn<'_>, horizon: Tx) -> Result<(), Error> {
    for level in 0..=LEVEL_MAX {
        // The block of the horizon stays unless it ends there: it also has what was closed later.
        let end = ClosingBlock::of(level, horizon.get());
        let (from, to) = (ClosingBlock { level, first: 0 }.key(), end.key());
        let to = if end.last() == horizon.get() { Bound::Included(&to[..]) } else { Bound::Excluded(&to[..]) };
        dbs.closings.delete_range(txn, &(Bound::Included(&from[..]), to))?;
    }
    Ok(())
}

/// The transaction of the `count`-th entry of one transaction after `after`; `None` when there are fewer.
pub fn entry_after(dbs: &Databases, txn: &RoTxn<'_>, after: Tx, count: usize) -> Result<Option<Tx>, Error> {
    let (from, to) = (ClosingBlock { level: 0, first: after.get() }.key(), ClosingBlock { level: 1, first: 0 }.key());
    let mut entries = dbs.closings.range(txn, &(Bound::Excluded(&from[..]), Bound::Excluded(&to[..])))?;
    let Some(found) = entries.nth(count.saturating_sub(1)) else { return Ok(None) };
    Ok(Some(Tx::new(ClosingBlock::of_key(found?.0)?.first)))
}

/// Takes rows out of all the entries: they are live in no state, and must not come back into an earlier one. Cost: reading all the
/// entries.
pub fn remove_rows(dbs: &Databases, txn: &mut RwTxn<'_>, rows: &ClosedRows) -> Result<(), Error> {
    let mut changed = Vec::new();
    for item in dbs.closings.iter(txn)? {
        let (key, value) = item?;
        let mut closed = ClosedRows::new();
        decode_into(value, &mut closed)?;
        if subtract(&mut closed, rows) {
            changed.push((key.to_vec(), encode(&closed)?));
        }
    }
    for (key, value) in changed {
        if value.is_empty() {
            dbs.closings.delete(txn, &key)?;
        } else {
            dbs.closings.put(txn, &key, &value)?;
        }
    }
    Ok(())
}

/// Takes rows out of closed rows; false when they had none of them.
pub fn subtract(closed: &mut ClosedRows, rows: &ClosedRows) -> bool {
    let mut is_changed = false;
    for (ty, rows) in rows {
        if let Some(closed) = closed.get_mut(ty) {
            is_changed |= !closed.is_disjoint(rows);
            *closed -= rows;
        }
    }
    closed.retain(|_, closed| !closed.is_empty());
    is_changed
}

type ClosingVisitor<'v> = dyn FnMut(&[u8]) -> Result<(), Error> + 'v;

/// Visits entries that together cover the transactions after `after`, up to `to`, each transaction once.
fn visit_between(dbs: &Databases, txn: &RoTxn<'_>, after: Tx, to: Tx, visitor: &mut ClosingVisitor<'_>) -> Result<(), Error> {
    // Sums are complete below the block of the latest transaction.
    let latest = PublishedTx::latest(dbs, txn)?.tx.get();
    // There is no transaction 0: from it on, whole blocks fit.
    let mut next = if after == Tx::NONE { 0 } else { after.get() + 1 };
    let to = to.get();
    while next <= to {
        let fits = |block: &ClosingBlock| block.first == next && block.last() <= to && block.last() < latest;
        let widest = (1..=LEVEL_MAX).rev().map(|level| ClosingBlock::of(level, next)).find(fits);
        let block = widest.unwrap_or(ClosingBlock { level: 0, first: next });
        // All the blocks of this level in the block of the level above, as far as they fit, in one walk.
        let above = ClosingBlock::of((block.level + 1).min(LEVEL_MAX), next).last();
        let last = if block.level == 0 {
            above.min(to)
        } else {
            let length = ClosingBlock::length(block.level);
            next + (above.min(to).min(latest - 1) - next + 1) / length * length - 1
        };
        read_level(dbs, txn, block.level, next, last, visitor)?;
        let Some(after) = last.checked_add(1) else { break };
        next = after;
    }
    Ok(())
}

/// Visits the entries of a level whose first transactions lie between two numbers, both included.
fn read_level(
    dbs: &Databases,
    txn: &RoTxn<'_>,
    level: u8,
    first: u64,
    last: u64,
    visitor: &mut ClosingVisitor<'_>,
) -> Result<(), Error> {
    let (from, to) = (ClosingBlock { level, first }.key(), ClosingBlock { level, first: last }.key());
    for item in dbs.closings.range(txn, &(Bound::Included(&from[..]), Bound::Included(&to[..])))? {
        let (key, value) = item?;
        // A key that is none is damage.
        ClosingBlock::of_key(key)?;
        visitor(value)?;
    }
    Ok(())
}
