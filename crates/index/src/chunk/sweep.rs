//! Removing records, and uniting the chunks that became small.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use heed::{RoTxn, RwTxn};
use roaring::RoaringBitmap;

use super::{ChunkBuilder, ChunkRecords, first_row, key_of};
use crate::databases::Databases;
use crate::error::Error;
use crate::row::Row;

/// Most holes between two records of a chunk. Each takes two bytes, and a chunk of its own about twenty and its share of a page that
/// is not full; but a chunk of a few records, or of holes, serves no neighbour.
const HOLES_MAX: u32 = 32;

/// Removes the records of `gone` from `most` chunks, the first of them at or after the row `from`, and unites small neighbours.
pub fn sweep(dbs: &Databases, txn: &mut RwTxn<'_>, gone: &RoaringBitmap, from: Row, most: usize) -> Result<SweptRows, Error> {
    let mut old = BTreeSet::new();
    let mut swept = SweptChunks::default();
    let mut next = None;
    for item in dbs.rows.range(txn, &(Bound::Included(&key_of(from)[..]), Bound::Unbounded))? {
        let (key, chunk) = item?;
        let first = first_row(key)?;
        if old.len() == most {
            next = Some(first);
            break;
        }
        old.insert(first);
        swept.add(first, ChunkRecords::read(chunk)?, gone)?;
    }
    swept.close();
    for first in old.iter().filter(|first| !swept.chunks.contains_key(first)) {
        dbs.rows.delete(txn, &key_of(*first))?;
    }
    for (first, chunk) in swept.chunks {
        if let Some(chunk) = chunk {
            dbs.rows.put(txn, &key_of(first), &chunk)?;
        }
    }
    Ok(SweptRows { next, removed: swept.removed })
}

/// What a call of [`sweep`] did.
pub struct SweptRows {
    /// Row from which the next call goes on, `None` after the last chunk.
    pub next: Option<Row>,
    /// Number of records removed.
    pub removed: u64,
}

/// Chunks after the removal, in order.
#[derive(Default)]
struct SweptChunks {
    /// First row to the bytes of a chunk; `None` for one that stays as it is.
    chunks: BTreeMap<Row, Option<Vec<u8>>>,
    /// The last chunk: the next records may go into it.
    last: Option<OpenChunk>,
    removed: u64,
}

struct OpenChunk {
    first: Row,
    chunk: ChunkBuilder,
    /// It is a chunk of the database, as it is there.
    is_as_stored: bool,
}

impl SweptChunks {
    fn add(&mut self, first: Row, records: ChunkRecords<'_>, gone: &RoaringBitmap) -> Result<(), Error> {
        let mut kept = Vec::with_capacity(records.len());
        let mut is_changed = false;
        for (row, record) in (first.get()..).zip(records.iter()) {
            let record = record?;
            if gone.contains(row) && !record.is_empty() {
                is_changed = true;
                self.removed += 1;
            } else if !record.is_empty() {
                kept.push((row, record));
            }
        }
        if !is_changed && let (Some((begin, _)), Some((end, _))) = (kept.first(), kept.last()) {
            // Unchanged: united with the chunk before it as a whole, or left as it is.
            let bytes: usize = kept.iter().map(|(_, record)| record.len()).sum();
            if *begin != first.get() || !self.fits(*begin, (end - begin) as usize + 1, bytes) {
                self.close();
                let mut chunk = ChunkBuilder::default();
                records.iter().try_for_each(|record| record.map(|record| chunk.push_beyond(record)))?;
                self.last = Some(OpenChunk { first, chunk, is_as_stored: true });
                return Ok(());
            }
        }
        for (row, record) in kept {
            if !self.fits(row, 1, record.len()) {
                self.close();
            }
            let last = self.last.get_or_insert_with(|| OpenChunk {
                first: Row::new(row),
                chunk: ChunkBuilder::default(),
                is_as_stored: false,
            });
            while last.first.get() + (last.chunk.len as u32) < row {
                last.chunk.push_beyond(&[]);
            }
            last.chunk.push_beyond(record);
            last.is_as_stored = false;
        }
        Ok(())
    }

    /// Whether records, the first of them that of `row`, fit into the last chunk.
    fn fits(&self, row: u32, records: usize, bytes: usize) -> bool {
        let Some(OpenChunk { first, chunk, .. }) = &self.last else { return false };
        let holes = row.saturating_sub(first.get() + chunk.len as u32);
        holes <= HOLES_MAX
            && 2 + chunk.ends.len() + 2 * (holes as usize + records) + chunk.records.len() + bytes <= crate::databases::PAGE_VALUE
    }

    fn close(&mut self) {
        if let Some(OpenChunk { first, chunk, is_as_stored }) = self.last.take() {
            self.chunks.insert(first, (!is_as_stored).then(|| chunk.to_bytes()));
        }
    }
}

/// Whether a record of one of these rows is left. Cost: one look-up for each chunk that has none, and one.
pub fn has_record_in(dbs: &Databases, txn: &RoTxn<'_>, rows: Range<Row>) -> Result<bool, Error> {
    let mut end = rows.end;
    while rows.start < end {
        let Some((key, chunk)) = dbs.rows.get_lower_than(txn, &key_of(end))? else { return Ok(false) };
        let first = first_row(key)?;
        for (row, record) in (first.get()..end.get()).map(Row::new).zip(ChunkRecords::read(chunk)?.iter()) {
            if row >= rows.start && !record?.is_empty() {
                return Ok(true);
            }
        }
        end = first;
    }
    Ok(false)
}
