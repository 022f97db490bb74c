//! Writing posting lists: the sorted terms of a transaction are merged into the blocks.

use std::io;

use heed::{PutFlags, RwTxn};

use super::block::{BlockReader, INLINE_MAX, TermRows};
use super::block_writer::{BlockWriter, cut_evenly};
use super::row_set::{self, SetWrite};
use super::sorter::SortedTerms;
use crate::databases::{Databases, PAGE_VALUE};
use crate::error::Error;
use crate::row::Row;

/// Blocks written between two LMDB commits of a long write.
const BLOCKS_PER_COMMIT: usize = 20_000;
/// Key of the first block: below all terms, whose third byte at least follows it.
const FIRST_BLOCK: [u8; 1] = [0];

/// Opens the next write transaction of the environment.
pub type BeginWrite<'b, 'e> = &'b dyn Fn() -> Result<RwTxn<'e>, Error>;

/// Adds sorted terms; all their rows are above the rows in the store. Commits `txn` now and then, and returns the last write
/// transaction, not yet committed. Cost: rewriting each block that gets a term, once.
pub fn write<'e>(dbs: &Databases, begin: BeginWrite<'_, 'e>, txn: RwTxn<'e>, mut terms: SortedTerms) -> Result<RwTxn<'e>, Error> {
    let mut next = PendingTerm::default();
    next.read(&mut terms)?;
    if dbs.terms.is_empty(&txn)? {
        append_all(dbs, begin, txn, &mut terms, next)
    } else {
        merge_all(dbs, begin, txn, &mut terms, next)
    }
}

/// Adds one row to a few terms, in the order of their keys; it is above the rows in the store. Cost: rewriting their blocks.
pub fn add_row(dbs: &Databases, txn: &mut RwTxn<'_>, keys: &[Vec<u8>], row: Row) -> Result<(), Error> {
    if dbs.terms.is_empty(txn)? {
        dbs.terms.put(txn, &FIRST_BLOCK, &[])?;
    }
    let mut terms = keys.iter();
    let mut next = PendingTerm::default();
    let mut read = |key: &mut Vec<u8>, rows: &mut Vec<Row>| {
        key.clear();
        *rows = vec![row];
        let term = terms.next();
        key.extend(term.into_iter().flatten());
        Ok(term.is_some())
    };
    next.read(&mut read)?;
    while !next.is_end {
        merge_block(dbs, txn, &mut read, &mut next)?;
    }
    Ok(())
}

/// Hands out terms in the order of their keys: fills in a key and its rows, false after the last.
trait TermSource {
    fn next_term(&mut self, key: &mut Vec<u8>, rows: &mut Vec<Row>) -> io::Result<bool>;
}

impl TermSource for SortedTerms {
    fn next_term(&mut self, key: &mut Vec<u8>, rows: &mut Vec<Row>) -> io::Result<bool> {
        self.next(key, rows)
    }
}

impl<F: FnMut(&mut Vec<u8>, &mut Vec<Row>) -> io::Result<bool>> TermSource for F {
    fn next_term(&mut self, key: &mut Vec<u8>, rows: &mut Vec<Row>) -> io::Result<bool> {
        self(key, rows)
    }
}

/// The term to write next.
#[derive(Default)]
struct PendingTerm {
    key: Vec<u8>,
    rows: Vec<Row>,
    /// No term is left.
    is_end: bool,
}

impl PendingTerm {
    fn read(&mut self, terms: &mut impl TermSource) -> Result<(), Error> {
        self.is_end = !terms.next_term(&mut self.key, &mut self.rows)?;
        Ok(())
    }
}

/// Writes the blocks of an empty database in key order: LMDB appends each page to the end of the tree without a look-up.
fn append_all<'e>(
    dbs: &Databases,
    begin: BeginWrite<'_, 'e>,
    mut txn: RwTxn<'e>,
    terms: &mut SortedTerms,
    mut next: PendingTerm,
) -> Result<RwTxn<'e>, Error> {
    let mut writer = BlockWriter::new(FIRST_BLOCK.to_vec());
    let mut written = 0;
    while !next.is_end {
        let inline = if next.rows.len() <= INLINE_MAX {
            next.rows.as_slice()
        } else {
            row_set::add(dbs, &mut txn, &next.key, &next.rows, SetWrite::Append)?;
            &[]
        };
        if let Some(block) = writer.push(&next.key, inline) {
            dbs.terms.put_with_flags(&mut txn, PutFlags::APPEND, &block.start, &block.bytes)?;
            written += 1;
            if written % BLOCKS_PER_COMMIT == 0 {
                // Appending goes on safely in another transaction: the writer lock of the store excludes other writers.
                txn.commit()?;
                txn = begin()?;
            }
        }
        next.read(terms)?;
    }
    if let Some(block) = writer.finish() {
        dbs.terms.put_with_flags(&mut txn, PutFlags::APPEND, &block.start, &block.bytes)?;
    }
    Ok(txn)
}

/// Rewrites the blocks that get terms, one after the other.
fn merge_all<'e>(
    dbs: &Databases,
    begin: BeginWrite<'_, 'e>,
    mut txn: RwTxn<'e>,
    terms: &mut SortedTerms,
    mut next: PendingTerm,
) -> Result<RwTxn<'e>, Error> {
    let mut written = 0;
    while !next.is_end {
        written += merge_block(dbs, &mut txn, terms, &mut next)?;
        if written >= BLOCKS_PER_COMMIT {
            written = 0;
            txn.commit()?;
            txn = begin()?;
        }
    }
    Ok(txn)
}

/// Merges into the block of the next term all the terms that belong to it, and returns the number of blocks written.
fn merge_block(
    dbs: &Databases,
    txn: &mut RwTxn<'_>,
    terms: &mut impl TermSource,
    next: &mut PendingTerm,
) -> Result<usize, Error> {
    let found = dbs.terms.get_lower_than_or_equal_to(txn, &next.key)?;
    let (start, block) = found.ok_or(Error::Corrupt("first block of terms"))?;
    let (start, block) = (start.to_vec(), block.to_vec());
    let end = dbs.terms.get_greater_than(txn, &start)?.map(|(end, _)| end.to_vec());
    let mut writer = BlockWriter::new(start);
    let mut out = Vec::new();
    let mut old = BlockReader::new(&block);
    let mut entry = old.next()?;
    let mut list = Vec::new();
    loop {
        let is_new_inside = !next.is_end && end.as_ref().is_none_or(|end| next.key < *end);
        // Whether the smaller key of both sides is old, new, or both.
        let (is_old, is_new) = match (&entry, is_new_inside) {
            (None, false) => break,
            (Some(_), false) => (true, false),
            (None, true) => (false, true),
            (Some(_), true) => (old.key <= next.key, next.key <= old.key),
        };
        list.clear();
        let mut is_in_set = false;
        if is_old && let Some(rows) = entry {
            rows.append_inline_to(&mut list)?;
            is_in_set = matches!(rows, TermRows::InSet);
        }
        let key = if is_old { old.key.clone() } else { next.key.clone() };
        if is_new {
            if is_in_set {
                row_set::add(dbs, txn, &key, &next.rows, SetWrite::Extend)?;
            } else {
                list.extend_from_slice(&next.rows);
                if list.len() > INLINE_MAX {
                    row_set::add(dbs, txn, &key, &list, SetWrite::Extend)?;
                    list.clear();
                }
            }
        }
        out.extend(writer.push(&key, &list));
        if is_old {
            entry = old.next()?;
        }
        if is_new {
            next.read(terms)?;
        }
    }
    out.extend(writer.finish());
    if let [.., first, second] = out.as_slice()
        && second.bytes.len() < PAGE_VALUE / 2
    {
        let evenly = cut_evenly(first, second)?;
        out.truncate(out.len() - 2);
        out.extend(evenly);
    }
    for block in &out {
        dbs.terms.put(txn, &block.start, &block.bytes)?;
    }
    Ok(out.len())
}
