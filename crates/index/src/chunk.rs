//! Records of rows, some thirty to a value. With a key for each, the tree would be thirty times larger, and most of a read would
//! be finding the way in it.
//!
//! Key of a chunk: its first row. Value: the number of its records, where each of them ends, then the records, so that a row is
//! read without passing over those before it, each of them in another line of a memory that is far away. Numbers have two bytes.
//! A chunk fills a page of the store; a record that is longer has one of its own, whose number of records is 0. Only the last
//! chunk grows.

use std::ops::Bound;

use heed::{RoTxn, RwTxn};

use crate::{Dbs, Error, Row};

/// Bytes of a full chunk: with the header of the engine it fills a page of 4 KiB.
const CHUNK: usize = 4_080;

const BAD: Error = Error::Corrupt("chunk of rows");

/// First row of a chunk.
pub fn first_of(key: &[u8]) -> Result<Row, Error> {
    key.try_into().map(|row| Row::new(u32::from_be_bytes(row))).map_err(|_| BAD)
}

/// Records of a chunk.
#[derive(Clone, Copy, Default)]
pub struct Records<'a> {
    /// Where each record ends; empty when there is one.
    ends: &'a [[u8; 2]],
    bytes: &'a [u8],
}

impl<'a> Records<'a> {
    pub fn read(chunk: &'a [u8]) -> Result<Self, Error> {
        let (number, rest) = chunk.split_first_chunk().ok_or(BAD)?;
        let (ends, bytes) = rest.split_at_checked(2 * usize::from(u16::from_le_bytes(*number))).ok_or(BAD)?;
        Ok(Self { ends: ends.as_chunks().0, bytes })
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.ends.len().max(usize::from(!self.bytes.is_empty()))
    }

    /// The n-th record, from 0; `None` after the last.
    pub fn get(self, n: usize) -> Option<Result<&'a [u8], Error>> {
        if self.ends.is_empty() {
            return (n == 0 && !self.bytes.is_empty()).then_some(Ok(self.bytes));
        }
        let end = |n: usize| self.ends.get(n).map(|end| usize::from(u16::from_le_bytes(*end)));
        let (start, end) = (n.checked_sub(1).map_or(Some(0), end)?, end(n)?);
        Some(self.bytes.get(start..end).ok_or(BAD))
    }

    pub fn iter(self) -> impl Iterator<Item = Result<&'a [u8], Error>> {
        (0..self.len()).filter_map(move |n| self.get(n))
    }
}

/// The chunk that a row is in, if it is anywhere, and its first row.
pub fn around<'t>(dbs: &Dbs, txn: &'t RoTxn<'_>, row: Row) -> Result<Option<(Row, Records<'t>)>, Error> {
    let found = dbs.rows.get_lower_than_or_equal_to(txn, &row.get().to_be_bytes())?;
    found.map(|(key, chunk)| Ok((first_of(key)?, Records::read(chunk)?))).transpose()
}

/// The record of a row.
fn read<'t>(dbs: &Dbs, txn: &'t RoTxn<'_>, row: Row) -> Result<Option<&'t [u8]>, Error> {
    match around(dbs, txn, row)? {
        Some((first, records)) => records.get((row.get() - first.get()) as usize).transpose(),
        None => Ok(None),
    }
}

/// The last row.
pub fn last(dbs: &Dbs, txn: &RoTxn<'_>) -> Result<Option<Row>, Error> {
    let Some((key, chunk)) = dbs.rows.last(txn)? else { return Ok(None) };
    Ok(first_of(key)?.get().checked_add(Records::read(chunk)?.len() as u32).and_then(|end| end.checked_sub(1)).map(Row::new))
}

/// Removes every row from `end` on.
pub fn discard_from(dbs: &Dbs, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
    let from = end.get().to_be_bytes();
    dbs.rows.delete_range(txn, &(Bound::Included(&from[..]), Bound::Unbounded))?;
    let Some((key, chunk)) = dbs.rows.last(txn)? else { return Ok(()) };
    let (first, records) = (first_of(key)?, Records::read(chunk)?);
    let mut kept = Open::default();
    for record in records.iter().take((end.get() - first.get()) as usize) {
        kept.push(record?);
    }
    if kept.len < records.len() {
        dbs.rows.put(txn, &first.get().to_be_bytes(), &kept.bytes())?;
    }
    Ok(())
}

/// A chunk in the making.
#[derive(Default)]
struct Open {
    len: usize,
    ends: Vec<u8>,
    records: Vec<u8>,
}

impl Open {
    /// Adds a record when it fits: any one fits when there is no other.
    fn push(&mut self, record: &[u8]) -> bool {
        if self.len > 0 && 2 + self.ends.len() + 2 + self.records.len() + record.len() > CHUNK {
            return false;
        }
        self.len += 1;
        self.records.extend_from_slice(record);
        // A record that does not fit stays alone, and its end is that of the chunk.
        self.ends.extend((self.records.len() as u16).to_le_bytes());
        true
    }

    /// The chunk as it will be read.
    fn records(&self) -> Records<'_> {
        let alone = self.len == 1 && self.records.len() > CHUNK;
        Records { ends: if alone { &[] } else { self.ends.as_chunks().0 }, bytes: &self.records }
    }

    fn bytes(&self) -> Vec<u8> {
        let Records { ends, bytes } = self.records();
        [&(ends.len() as u16).to_le_bytes(), ends.as_flattened(), bytes].concat()
    }
}

/// What one transaction appends.
pub struct Writer {
    first: Row,
    open: Open,
    /// The chunk has records that are not in the store.
    ahead: bool,
}

impl Writer {
    /// Goes on after the last row, which is the one before `end`.
    pub fn open(dbs: &Dbs, txn: &RoTxn<'_>, end: Row) -> Result<Self, Error> {
        let mut writer = Self { first: end, open: Open::default(), ahead: false };
        if let Some((key, chunk)) = dbs.rows.last(txn)? {
            writer.first = first_of(key)?;
            for record in Records::read(chunk)?.iter() {
                writer.open.push(record?);
            }
        }
        Ok(writer)
    }

    /// Appends the record of `row`, the one after the last.
    pub fn push(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>, row: Row, record: &[u8]) -> Result<(), Error> {
        if !self.open.push(record) {
            self.flush(dbs, txn)?;
            (self.first, self.open) = (row, Open::default());
            self.open.push(record);
        }
        self.ahead = true;
        Ok(())
    }

    /// Writes what is not in the store: before each commit, so that no link or term is there without its row.
    pub fn flush(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>) -> Result<(), Error> {
        if std::mem::take(&mut self.ahead) {
            dbs.rows.put(txn, &self.first.get().to_be_bytes(), &self.open.bytes())?;
        }
        Ok(())
    }

    /// The record of a row, written or not.
    pub fn read<'s>(&'s self, dbs: &Dbs, txn: &'s RoTxn<'_>, row: Row) -> Result<Option<&'s [u8]>, Error> {
        match row.get().checked_sub(self.first.get()) {
            Some(n) => self.open.records().get(n as usize).transpose(),
            None => read(dbs, txn, row),
        }
    }
}
