//! Records of rows, some thirty to a value. With a key for each, the tree would be thirty times larger, and most of a read would
//! be finding the way in it.
//!
//! Key of a chunk: its first row. Value: for each row from that one on, the length of its record, then the record. A chunk fills
//! a page of the store; a record that is longer has one of its own. Only the last chunk grows.

use std::ops::Bound;

use heed::{RoTxn, RwTxn};

use crate::block::{put_number, take_number};
use crate::{Dbs, Error, Row};

/// Bytes of a full chunk: with the header of the engine it fills a page of 4 KiB.
const CHUNK: usize = 4_080;

const BAD: Error = Error::Corrupt("chunk of rows");

/// First row of a chunk.
pub fn first_of(key: &[u8]) -> Result<Row, Error> {
    key.try_into().map(Row::from_be_bytes).map_err(|_| BAD)
}

/// Records of a chunk, in the order of rows. Ends after one that cannot be read.
#[derive(Clone, Default)]
pub struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    pub fn new(chunk: &'a [u8]) -> Self {
        Self { rest: chunk }
    }

    fn take(&mut self) -> Result<&'a [u8], Error> {
        let len = usize::try_from(take_number(&mut self.rest)?).map_err(|_| BAD)?;
        let (record, rest) = self.rest.split_at_checked(len).ok_or(BAD)?;
        self.rest = rest;
        Ok(record)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<&'a [u8], Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.take();
        if record.is_err() {
            self.rest = &[];
        }
        Some(record)
    }
}

/// The chunk that a row is in, if it is anywhere, and its first row.
pub fn around<'t>(dbs: &Dbs, txn: &'t RoTxn<'_>, row: Row) -> Result<Option<(Row, Records<'t>)>, Error> {
    let found = dbs.rows.get_lower_than_or_equal_to(txn, &row.to_be_bytes())?;
    found.map(|(key, chunk)| Ok((first_of(key)?, Records::new(chunk)))).transpose()
}

/// The record of a row.
pub fn read<'t>(dbs: &Dbs, txn: &'t RoTxn<'_>, row: Row) -> Result<Option<&'t [u8]>, Error> {
    match around(dbs, txn, row)? {
        Some((first, mut records)) => records.nth((row - first) as usize).transpose(),
        None => Ok(None),
    }
}

/// The last row.
pub fn last(dbs: &Dbs, txn: &RoTxn<'_>) -> Result<Option<Row>, Error> {
    let Some((key, chunk)) = dbs.rows.last(txn)? else { return Ok(None) };
    Ok(first_of(key)?.checked_add(Records::new(chunk).count() as Row).and_then(|end| end.checked_sub(1)))
}

/// Removes every row from `end` on.
pub fn discard_from(dbs: &Dbs, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
    let from = end.to_be_bytes();
    dbs.rows.delete_range(txn, &(Bound::Included(&from[..]), Bound::Unbounded))?;
    let Some((key, chunk)) = dbs.rows.last(txn)? else { return Ok(()) };
    let first = first_of(key)?;
    let mut records = Records::new(chunk);
    for _ in first..end {
        if records.next().transpose()?.is_none() {
            return Ok(());
        }
    }
    let kept = chunk[..chunk.len() - records.rest.len()].to_vec();
    if kept.len() < chunk.len() {
        dbs.rows.put(txn, &first.to_be_bytes(), &kept)?;
    }
    Ok(())
}

/// What one transaction appends.
pub struct Writer {
    first: Row,
    chunk: Vec<u8>,
    /// The chunk has records that are not in the store.
    ahead: bool,
}

impl Writer {
    /// Goes on after the last row, which is the one before `end`.
    pub fn open(dbs: &Dbs, txn: &RoTxn<'_>, end: Row) -> Result<Self, Error> {
        let mut writer = Self { first: end, chunk: Vec::with_capacity(CHUNK), ahead: false };
        if let Some((key, chunk)) = dbs.rows.last(txn)? {
            writer.first = first_of(key)?;
            writer.chunk.extend_from_slice(chunk);
        }
        Ok(writer)
    }

    /// Appends the record of `row`, the one after the last.
    pub fn push(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>, row: Row, record: &[u8]) -> Result<(), Error> {
        let before = self.chunk.len();
        put_number(&mut self.chunk, record.len() as u64);
        self.chunk.extend_from_slice(record);
        if before > 0 && self.chunk.len() > CHUNK {
            let one = self.chunk.split_off(before);
            self.flush(dbs, txn)?;
            (self.first, self.chunk) = (row, one);
        }
        self.ahead = true;
        Ok(())
    }

    /// Writes what is not in the store: before each commit, so that no link or term is there without its row.
    pub fn flush(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>) -> Result<(), Error> {
        if std::mem::take(&mut self.ahead) {
            dbs.rows.put(txn, &self.first.to_be_bytes(), &self.chunk)?;
        }
        Ok(())
    }

    /// The record of a row, written or not.
    pub fn read<'s>(&'s self, dbs: &Dbs, txn: &'s RoTxn<'_>, row: Row) -> Result<Option<&'s [u8]>, Error> {
        match row.checked_sub(self.first) {
            Some(n) => Records::new(&self.chunk).nth(n as usize).transpose(),
            None => read(dbs, txn, row),
        }
    }
}
