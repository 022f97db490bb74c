//! Scans of link columns.

use std::ops::Bound;

use annuaire_terms::TypeId;
use heed::{RoTxn, WithoutTls};
use roaring::RoaringBitmap;

use super::column::{BAD, ENTRY, LinkColumn, decode_entry, entries};
use super::id_set::IdHashSet;
use crate::budget::{self, Meter};
use crate::databases::Databases;
use crate::error::Error;
use crate::row::Row;

/// Number of resources from which a scan of columns costs less than one look-up for each, in a store of so many rows, live and
/// closed. A look-up takes some microseconds, a scan about a nanosecond for each row. Tests take both ways.
pub fn scan_min(end: Row) -> u64 {
    if cfg!(test) { 3 } else { u64::from(end.get() / 25_000).max(64) }
}

/// The columns as a snapshot sees them: rows from `end` on are ignored.
pub struct LinkColumns<'t> {
    pub dbs: &'t Databases,
    pub txn: &'t RoTxn<'t, WithoutTls>,
    pub end: Row,
    pub meter: &'t Meter,
}

impl<'t> LinkColumns<'t> {
    /// Chunks of a column, each with its first row.
    fn chunks(&self, column: LinkColumn) -> Result<impl Iterator<Item = Result<(Row, &'t [u8]), Error>>, Error> {
        let (first, last) = (column.key(Row::FIRST), column.key(self.end));
        let range = self.dbs.links.range(self.txn, &(Bound::Included(&first[..]), Bound::Excluded(&last[..])))?;
        Ok(range.map(|item| {
            let (key, chunk) = item?;
            self.meter.spend(budget::CHUNK)?;
            Ok((LinkColumn::of_key(key)?.1, chunk))
        }))
    }

    /// Hashes of the ids of a few rows of a type. Cost: one look-up for each row.
    pub fn look_up_ids(&self, ty: TypeId, rows: &RoaringBitmap) -> Result<Vec<u64>, Error> {
        let mut out = Vec::new();
        for row in rows.iter().map(Row::new) {
            let found = self.dbs.links.get_lower_than_or_equal_to(self.txn, &LinkColumn::ids(ty).key(row))?;
            let (key, chunk) = found.ok_or(BAD)?;
            let (column, first) = LinkColumn::of_key(key)?;
            let chunk = chunk.as_chunks::<ENTRY>().0;
            let at = chunk.binary_search_by_key(&row, |entry| decode_entry(first, entry).0).map_err(|_| BAD)?;
            if column.ty != ty {
                return Err(BAD);
            }
            out.push(decode_entry(first, &chunk[at]).1);
        }
        Ok(out)
    }

    /// Hashes of a column for `rows`. Cost: reading the column, and a binary search in a chunk for each row.
    pub fn hashes_of(&self, column: LinkColumn, rows: &RoaringBitmap) -> Result<Vec<u64>, Error> {
        let mut out = Vec::with_capacity(usize::try_from(rows.len()).unwrap_or(0));
        let mut wanted = rows.iter().map(Row::new);
        let Some(mut next) = wanted.next() else { return Ok(out) };
        for chunk in self.chunks(column)? {
            let (first, chunk) = chunk?;
            let mut rest = chunk.as_chunks::<ENTRY>().0;
            loop {
                rest = &rest[gallop(rest, |entry| decode_entry(first, entry).0 < next)..];
                // A row can have several entries, some of them in the next chunk: `next` moves on only at a later row.
                let Some((entry, after)) = rest.split_first() else { break };
                let (row, hash) = decode_entry(first, entry);
                if row == next {
                    out.push(hash);
                    rest = after;
                }
                while next < row {
                    let Some(after) = wanted.next() else { return Ok(out) };
                    next = after;
                }
            }
        }
        Ok(out)
    }

    /// Rows of a column whose hash, combined with `mask` by exclusive or, is in a set. Cost: reading the column, and a look-up
    /// in the set for each entry.
    pub fn rows_with_hash_in(&self, column: LinkColumn, set: &IdHashSet, mask: u64) -> Result<RoaringBitmap, Error> {
        let mut bits = vec![0_u8; self.end.get() as usize / 8 + 1];
        // Entries of a chunk that pass the Bloom filter.
        let mut candidates = Vec::new();
        for chunk in self.chunks(column)? {
            let (first, chunk) = chunk?;
            candidates.resize(chunk.len() / ENTRY + 1, (Row::FIRST, 0));
            let mut found = 0;
            // The candidate is written always and counted conditionally: a branch would be mispredicted.
            for (row, hash) in entries(first, chunk) {
                candidates[found] = (row, hash ^ mask);
                found += usize::from(set.may_contain(hash ^ mask));
            }
            for (row, hash) in &candidates[..found] {
                if set.contains(*hash)
                    && let Some(byte) = bits.get_mut(row.get() as usize / 8)
                {
                    *byte |= 1 << (row.get() % 8);
                }
            }
        }
        Ok(RoaringBitmap::from_lsb0_bytes(0, &bits))
    }
}

/// Length of the longest prefix of sorted entries that are `below` a bound. Galloping search: its cost is the logarithm of the
/// result, not of the number of entries, since most calls skip few entries.
fn gallop(entries: &[[u8; ENTRY]], below: impl Fn(&[u8; ENTRY]) -> bool) -> usize {
    let mut end = 1;
    while entries.get(end - 1).is_some_and(&below) {
        end *= 2;
    }
    let start = end / 2;
    start + entries[start..entries.len().min(end)].partition_point(below)
}
