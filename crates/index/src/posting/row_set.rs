//! The database `sets`: rows of terms with many rows, in slices of 65 536 rows.
//!
//! Key: the term, then the number of the slice (2 bytes big-endian), which is the high half of its rows. Value: either the low
//! halves of the rows in ascending order (2 bytes little-endian each), or a bitmap of 8 192 bytes, where row `n` is bit `n % 8`
//! of byte `n / 8`. A list that would reach the length of a bitmap becomes one, so the length tells which it is.

use heed::{PutFlags, RoTxn, RwTxn};
use roaring::RoaringBitmap;

use crate::databases::Databases;
use crate::error::Error;
use crate::row::Row;

/// Bytes of a slice as a bitmap; a list is always shorter.
pub const BITMAP: usize = 8_192;

const BAD: Error = Error::Corrupt("slice of a set");

/// How slices are added to the database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SetWrite {
    /// The set may exist: rows are added to its last slice.
    Extend,
    /// No set exists at or after this key: slices are put at the end of the tree without a look-up.
    Append,
}

/// Adds ascending rows to the set of a term; all are above the rows in it.
pub fn add(dbs: &Databases, txn: &mut RwTxn<'_>, term: &[u8], rows: &[Row], how: SetWrite) -> Result<(), Error> {
    let mut rest = rows;
    let mut key = term.to_vec();
    while let Some(first) = rest.first() {
        let number = first.get() >> 16;
        let (of_slice, after) = rest.split_at(rest.partition_point(|row| row.get() >> 16 == number));
        rest = after;
        key.truncate(term.len());
        key.extend((number as u16).to_be_bytes());
        let (mut slice, flags) = match how {
            SetWrite::Append => (Vec::new(), PutFlags::APPEND),
            SetWrite::Extend => (dbs.sets.get(txn, &key)?.unwrap_or_default().to_vec(), PutFlags::empty()),
        };
        extend_slice(&mut slice, of_slice);
        dbs.sets.put_with_flags(txn, flags, &key, &slice)?;
    }
    Ok(())
}

/// All the rows of a set.
pub fn read(dbs: &Databases, txn: &RoTxn<'_>, term: &[u8]) -> Result<RoaringBitmap, Error> {
    let mut rows = RoaringBitmap::new();
    for item in dbs.sets.prefix_iter(txn, term)? {
        let (key, slice) = item?;
        read_slice(key, slice, &mut rows)?;
    }
    Ok(rows)
}

/// Sets the rows of a set in a bitmap of all the rows of the store.
pub fn read_into_bits(dbs: &Databases, txn: &RoTxn<'_>, term: &[u8], bits: &mut [u8]) -> Result<(), Error> {
    for item in dbs.sets.prefix_iter(txn, term)? {
        let (key, slice) = item?;
        let first = first_row(key)?.get() as usize / 8;
        let bits = bits.get_mut(first..first + BITMAP).ok_or(Error::Corrupt("row of a term"))?;
        if slice.len() == BITMAP {
            bits.iter_mut().zip(slice).for_each(|(all, these)| *all |= these);
        } else {
            listed(slice).for_each(|low| set_bit(bits, low));
        }
    }
    Ok(())
}

/// Number of rows of a set. Cost: reading the lengths of its slices, and counting the bits of those that are bitmaps.
pub fn count(dbs: &Databases, txn: &RoTxn<'_>, term: &[u8]) -> Result<u64, Error> {
    let mut count = 0;
    for item in dbs.sets.prefix_iter(txn, term)? {
        let (_, slice) = item?;
        count += if slice.len() == BITMAP {
            slice.iter().map(|byte| u64::from(byte.count_ones())).sum()
        } else {
            slice.len() as u64 / 2
        };
    }
    Ok(count)
}

/// Whether a set has a slice.
pub fn exists(dbs: &Databases, txn: &RoTxn<'_>, term: &[u8]) -> Result<bool, Error> {
    Ok(dbs.sets.prefix_iter(txn, term)?.next().is_some())
}

/// Checks that a slice is well formed and that its rows ascend.
pub fn check_slice(key: &[u8], slice: &[u8]) -> Result<(), Error> {
    let is_list = slice.len() != BITMAP;
    if is_list && (slice.is_empty() || !slice.len().is_multiple_of(2) || !listed(slice).is_sorted_by(|a, b| a < b)) {
        return Err(BAD);
    }
    read_slice(key, slice, &mut RoaringBitmap::new())
}

/// Removes every row from `end` on from all the sets. Cost: reading the slices that can hold such rows, and all the keys.
pub fn discard_from(dbs: &Databases, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
    let mut changed = Vec::new();
    for item in dbs.sets.iter(txn)? {
        let (key, slice) = item?;
        if first_row(key)?.get() | 0xffff < end.get() {
            continue;
        }
        let mut rows = RoaringBitmap::new();
        read_slice(key, slice, &mut rows)?;
        if rows.remove_range(end.get()..) > 0 {
            let mut slice = Vec::new();
            extend_slice(&mut slice, &rows.iter().map(Row::new).collect::<Vec<_>>());
            changed.push((key.to_vec(), slice));
        }
    }
    for (key, slice) in changed {
        if slice.is_empty() {
            dbs.sets.delete(txn, &key)?;
        } else {
            dbs.sets.put(txn, &key, &slice)?;
        }
    }
    Ok(())
}

/// What [`remove`] leaves of a set.
pub enum SetRemainder {
    /// No row of the set was to be removed.
    Unchanged,
    /// The set stays, with fewer rows.
    Set {
        /// First row that is left.
        first: Row,
        /// Last row removed.
        last_removed: Row,
    },
    /// Rows so few that they belong in the block; the set is gone. None is left when the list is empty.
    Inline {
        /// The rows that are left.
        rows: Vec<Row>,
        /// Last row removed.
        last_removed: Row,
    },
}

/// Removes rows from the set of a term; a set that keeps at most `inline` rows is dissolved. Cost: the slices that have such
/// rows.
pub fn remove(
    dbs: &Databases,
    txn: &mut RwTxn<'_>,
    term: &[u8],
    gone: &RoaringBitmap,
    inline: usize,
) -> Result<SetRemainder, Error> {
    let mut slices: Vec<(Vec<u8>, Option<Vec<u8>>)> = Vec::new();
    // Rows that are left, as long as they are few.
    let (mut few, mut last_removed): (Option<Vec<Row>>, _) = (Some(Vec::new()), None);
    for item in dbs.sets.prefix_iter(txn, term)? {
        let (key, slice) = item?;
        let base = first_row(key)?.get();
        let has_gone = gone.range_cardinality(base..=base | 0xffff) > 0;
        if !has_gone && few.is_none() {
            continue;
        }
        let mut rows = RoaringBitmap::new();
        read_slice(key, slice, &mut rows)?;
        let before = rows.len();
        let removed = (&rows & gone).max();
        last_removed = removed.or(last_removed);
        rows -= gone;
        few = few.filter(|few| few.len() as u64 + rows.len() <= inline as u64).map(|mut few| {
            few.extend(rows.iter().map(Row::new));
            few
        });
        let changed = (rows.len() < before).then(|| {
            let mut slice = Vec::new();
            extend_slice(&mut slice, &rows.iter().map(Row::new).collect::<Vec<_>>());
            slice
        });
        slices.push((key.to_vec(), changed));
    }
    let Some(last_removed) = last_removed.map(Row::new) else { return Ok(SetRemainder::Unchanged) };
    if let Some(rows) = few {
        for (key, _) in &slices {
            dbs.sets.delete(txn, key)?;
        }
        return Ok(SetRemainder::Inline { rows, last_removed });
    }
    for (key, slice) in slices {
        match slice {
            Some(slice) if slice.is_empty() => _ = dbs.sets.delete(txn, &key)?,
            Some(slice) => dbs.sets.put(txn, &key, &slice)?,
            None => {}
        }
    }
    let first = read(dbs, txn, term)?.min().map(Row::new).ok_or(BAD)?;
    Ok(SetRemainder::Set { first, last_removed })
}

fn extend_slice(slice: &mut Vec<u8>, rows: &[Row]) {
    if slice.len() + 2 * rows.len() < BITMAP {
        slice.extend(rows.iter().flat_map(|row| (row.get() as u16).to_le_bytes()));
        return;
    }
    if slice.len() < BITMAP {
        let mut bits = vec![0; BITMAP];
        listed(slice).for_each(|low| set_bit(&mut bits, low));
        *slice = bits;
    }
    rows.iter().for_each(|row| set_bit(slice, row.get() as u16));
}

fn set_bit(bits: &mut [u8], low: u16) {
    bits[usize::from(low >> 3)] |= 1 << (low & 7);
}

/// Low halves of the rows of a slice that is a list.
fn listed(slice: &[u8]) -> impl Iterator<Item = u16> {
    slice.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
}

/// First row that a slice can hold, out of its key.
fn first_row(key: &[u8]) -> Result<Row, Error> {
    let &[a, b] = key.last_chunk().ok_or(Error::Corrupt("key of a set"))?;
    Ok(Row::new(u32::from_be_bytes([a, b, 0, 0])))
}

/// Adds the rows of a slice to `rows`. Faster when they follow all the rows that are there.
fn read_slice(key: &[u8], slice: &[u8], rows: &mut RoaringBitmap) -> Result<(), Error> {
    let base = first_row(key)?.get();
    if slice.len() == BITMAP {
        *rows |= RoaringBitmap::from_lsb0_bytes(base, slice);
    } else if rows.max().is_none_or(|max| max < base) {
        let ascending = RoaringBitmap::from_sorted_iter(listed(slice).map(|low| base | u32::from(low)));
        *rows |= ascending.map_err(|_| BAD)?;
    } else {
        rows.extend(listed(slice).map(|low| base | u32::from(low)));
    }
    Ok(())
}
