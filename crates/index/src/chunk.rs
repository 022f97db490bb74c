//! Chunks of the database `rows`: about thirty records to a value.
//!
//! With a key for each record, the tree would be thirty times larger, and most of a read would be the descent of the tree.
//!
//! Key: the first row of the chunk, 4 bytes big-endian. Value: the number of records (2 bytes), the end of each record (2 bytes
//! each, counted from the first record), then the records; numbers are little-endian. The table of ends finds a record without
//! a walk over the records before it, which would be a cache miss for each of them. A chunk fills a page of 4 KiB. A record
//! that is longer than a page has a chunk of its own, whose number of records is 0. Only the last chunk grows.
//!
//! A row that was removed between two others of its chunk leaves a *hole*: a record of no bytes ([`sweep`]).

pub mod sweep;

use std::ops::Bound;

use heed::{RoTxn, RwTxn};

use crate::databases::{Databases, PAGE_VALUE};
use crate::error::Error;
use crate::row::Row;

const BAD: Error = Error::Corrupt("chunk of rows");

/// First row of a chunk, out of its key.
pub fn first_row(key: &[u8]) -> Result<Row, Error> {
    key.try_into().map(|row| Row::new(u32::from_be_bytes(row))).map_err(|_| BAD)
}

const fn key_of(first: Row) -> [u8; 4] {
    first.get().to_be_bytes()
}

/// Records of a chunk.
#[derive(Clone, Copy, Default)]
pub struct ChunkRecords<'a> {
    /// End of each record; empty for a chunk of one long record.
    ends: &'a [[u8; 2]],
    bytes: &'a [u8],
}

impl<'a> ChunkRecords<'a> {
    pub fn read(chunk: &'a [u8]) -> Result<Self, Error> {
        let (number, rest) = chunk.split_first_chunk().ok_or(BAD)?;
        let (ends, bytes) = rest.split_at_checked(2 * usize::from(u16::from_le_bytes(*number))).ok_or(BAD)?;
        Ok(Self { ends: ends.as_chunks().0, bytes })
    }

    /// Number of records.
    pub fn len(self) -> usize {
        self.ends.len().max(usize::from(!self.bytes.is_empty()))
    }

    /// The n-th record, from 0; `None` after the last, and for a row that was removed.
    pub fn get(self, n: usize) -> Option<Result<&'a [u8], Error>> {
        self.record_or_hole(n).filter(|record| !matches!(record, Ok([])))
    }

    /// The n-th record, from 0, of no bytes when the row was removed; `None` after the last.
    fn record_or_hole(self, n: usize) -> Option<Result<&'a [u8], Error>> {
        if self.ends.is_empty() {
            return (n == 0 && !self.bytes.is_empty()).then_some(Ok(self.bytes));
        }
        let end = |n: usize| self.ends.get(n).map(|end| usize::from(u16::from_le_bytes(*end)));
        let (start, end) = (n.checked_sub(1).map_or(Some(0), end)?, end(n)?);
        Some(self.bytes.get(start..end).ok_or(BAD))
    }

    /// The chunk with another record in the n-th place.
    fn with(self, n: usize, record: &[u8]) -> Result<ChunkBuilder, Error> {
        let mut chunk = ChunkBuilder::default();
        for (position, old) in self.iter().enumerate() {
            chunk.push_beyond(if position == n { record } else { old? });
        }
        if n < chunk.len { Ok(chunk) } else { Err(BAD) }
    }

    /// All the records; those of removed rows have no bytes.
    pub fn iter(self) -> impl Iterator<Item = Result<&'a [u8], Error>> {
        (0..self.len()).filter_map(move |n| self.record_or_hole(n))
    }
}

/// The chunk whose rows include `row`, if any chunk does, with its first row. Cost: one look-up.
pub fn chunk_of<'t>(dbs: &Databases, txn: &'t RoTxn<'_>, row: Row) -> Result<Option<(Row, ChunkRecords<'t>)>, Error> {
    let found = dbs.rows.get_lower_than_or_equal_to(txn, &key_of(row))?;
    found.map(|(key, chunk)| Ok((first_row(key)?, ChunkRecords::read(chunk)?))).transpose()
}

/// The record of a row; `None` when it was removed or never written. Cost: one look-up.
pub fn record_of<'t>(dbs: &Databases, txn: &'t RoTxn<'_>, row: Row) -> Result<Option<&'t [u8]>, Error> {
    match chunk_of(dbs, txn, row)? {
        Some((first, records)) => records.get((row.get() - first.get()) as usize).transpose(),
        None => Ok(None),
    }
}

/// The last row written, published or not.
pub fn last_row(dbs: &Databases, txn: &RoTxn<'_>) -> Result<Option<Row>, Error> {
    let Some((key, chunk)) = dbs.rows.last(txn)? else { return Ok(None) };
    let end = first_row(key)?.get().checked_add(ChunkRecords::read(chunk)?.len() as u32);
    Ok(end.and_then(|end| end.checked_sub(1)).map(Row::new))
}

/// Removes every row from `end` on.
pub fn discard_from(dbs: &Databases, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
    let from = key_of(end);
    dbs.rows.delete_range(txn, &(Bound::Included(&from[..]), Bound::Unbounded))?;
    let Some((key, chunk)) = dbs.rows.last(txn)? else { return Ok(()) };
    let (first, records) = (first_row(key)?, ChunkRecords::read(chunk)?);
    let mut kept = ChunkBuilder::default();
    for record in records.iter().take((end.get() - first.get()) as usize) {
        kept.push(record?);
    }
    if kept.len < records.len() {
        dbs.rows.put(txn, &key_of(first), &kept.to_bytes())?;
    }
    Ok(())
}

/// A chunk that grows in memory.
#[derive(Default)]
struct ChunkBuilder {
    len: usize,
    ends: Vec<u8>,
    records: Vec<u8>,
}

impl ChunkBuilder {
    /// Adds a record; false when it does not fit. An empty chunk accepts any record.
    fn push(&mut self, record: &[u8]) -> bool {
        if self.len > 0 && 2 + self.ends.len() + 2 + self.records.len() + record.len() > PAGE_VALUE {
            return false;
        }
        self.push_beyond(record);
        true
    }

    /// Adds a record, even beyond a page.
    fn push_beyond(&mut self, record: &[u8]) {
        self.len += 1;
        self.records.extend_from_slice(record);
        // The end of a record longer than a page may not fit 2 bytes: `as_records` does not use it.
        self.ends.extend((self.records.len() as u16).to_le_bytes());
    }

    /// The chunk as a reader sees it.
    fn as_records(&self) -> ChunkRecords<'_> {
        let is_long = self.len == 1 && self.records.len() > PAGE_VALUE;
        ChunkRecords { ends: if is_long { &[] } else { self.ends.as_chunks().0 }, bytes: &self.records }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let ChunkRecords { ends, bytes } = self.as_records();
        [&(ends.len() as u16).to_le_bytes(), ends.as_flattened(), bytes].concat()
    }
}

/// Appends the records of one transaction.
pub struct ChunkWriter {
    first: Row,
    chunk: ChunkBuilder,
    /// The chunk has records that are not in the database.
    is_ahead: bool,
}

impl ChunkWriter {
    /// Continues after the last row of the store, which is the one before `end`, or begins a chunk when that row was removed.
    pub fn open(dbs: &Databases, txn: &RoTxn<'_>, end: Row) -> Result<Self, Error> {
        let mut writer = Self { first: end, chunk: ChunkBuilder::default(), is_ahead: false };
        if let Some((key, chunk)) = dbs.rows.last(txn)? {
            let (first, records) = (first_row(key)?, ChunkRecords::read(chunk)?);
            if first.get() + records.len() as u32 == end.get() {
                writer.first = first;
                for record in records.iter() {
                    writer.chunk.push_beyond(record?);
                }
            }
        }
        Ok(writer)
    }

    /// Appends the record of `row`, which follows the last row.
    pub fn push(&mut self, dbs: &Databases, txn: &mut RwTxn<'_>, row: Row, record: &[u8]) -> Result<(), Error> {
        if !self.chunk.push(record) {
            self.flush(dbs, txn)?;
            (self.first, self.chunk) = (row, ChunkBuilder::default());
            self.chunk.push(record);
        }
        self.is_ahead = true;
        Ok(())
    }

    /// Puts another record in the place of that of a row. Cost: rewriting its chunk.
    pub fn replace(&mut self, dbs: &Databases, txn: &mut RwTxn<'_>, row: Row, record: &[u8]) -> Result<(), Error> {
        if row >= self.first {
            self.chunk = self.chunk.as_records().with((row.get() - self.first.get()) as usize, record)?;
            self.is_ahead = true;
            return Ok(());
        }
        let (first, records) = chunk_of(dbs, txn, row)?.ok_or(BAD)?;
        let chunk = records.with((row.get() - first.get()) as usize, record)?.to_bytes();
        Ok(dbs.rows.put(txn, &key_of(first), &chunk)?)
    }

    /// Writes the records that are only in memory. Must precede each commit, so that no committed link or term has a row that
    /// is not committed.
    pub fn flush(&mut self, dbs: &Databases, txn: &mut RwTxn<'_>) -> Result<(), Error> {
        if std::mem::take(&mut self.is_ahead) {
            dbs.rows.put(txn, &key_of(self.first), &self.chunk.to_bytes())?;
        }
        Ok(())
    }

    /// The record of a row, from memory or from the database.
    pub fn record<'s>(&'s self, dbs: &Databases, txn: &'s RoTxn<'_>, row: Row) -> Result<Option<&'s [u8]>, Error> {
        match row.get().checked_sub(self.first.get()) {
            Some(n) => self.chunk.as_records().get(n as usize).transpose(),
            None => record_of(dbs, txn, row),
        }
    }
}
