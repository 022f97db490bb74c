//! Writing posting lists: the sorted terms of a transaction are merged into the blocks.

use heed::{PutFlags, RwTxn};

use super::block::{INLINE_MAX, TermRows};
use super::block_merge::BlockMerger;
use super::block_writer::{BlockWriter, recut};
use super::row_set::{self, SetWrite};
use super::sorter::SortedTerms;
use crate::databases::{Databases, PAGE_VALUE};
use crate::error::Error;
use crate::row::Row;

/// Fewest and most blocks written between two LMDB commits of a long write. LMDB reuses the pages that a commit frees two commits
/// later: the file grows by about three times as many.
const BLOCKS_MIN: u64 = 500;
const BLOCKS_MAX: u64 = 20_000;
/// Part of all the blocks that is written between two commits.
const BLOCKS_SHARE: u64 = 64;
/// Key of the first block: below all terms, whose third byte at least follows it.
const FIRST_BLOCK: [u8; 1] = [0];

/// Bytes of a block of an empty database: the small transactions that follow find room, and do not cut each block in two.
const FIRST_FILL: usize = PAGE_VALUE * 9 / 10;

/// Opens the next write transaction of the environment.
pub type BeginWrite<'b, 'e> = &'b dyn Fn() -> Result<RwTxn<'e>, Error>;

/// Whether a write may commit.
#[derive(Clone, Copy)]
pub enum CommitSteps<'b, 'e> {
    /// Everything is in the commit of the caller.
    None,
    /// Now and then.
    Several(BeginWrite<'b, 'e>),
}

/// The write transaction, and the blocks written in it.
struct Steps<'b, 'e> {
    steps: CommitSteps<'b, 'e>,
    txn: RwTxn<'e>,
    written: u64,
    blocks_per_commit: u64,
}

impl Steps<'_, '_> {
    /// Commits when enough was written.
    fn wrote(mut self, blocks: u64) -> Result<Self, Error> {
        self.written += blocks;
        if self.written >= self.blocks_per_commit
            && let CommitSteps::Several(begin) = self.steps
        {
            // The writer lock of the store excludes other writers between both transactions.
            self.txn.commit()?;
            (self.txn, self.written) = (begin()?, 0);
        }
        Ok(self)
    }
}

/// Adds sorted terms; all their rows are above the rows in the store. Returns the last write transaction, not yet committed. Cost:
/// rewriting each block that gets a term, once.
pub fn write<'e>(
    dbs: &Databases,
    txn: RwTxn<'e>,
    mut terms: SortedTerms,
    steps: CommitSteps<'_, 'e>,
) -> Result<RwTxn<'e>, Error> {
    let blocks = dbs.terms.len(&txn)?;
    let mut steps = Steps { steps, txn, written: 0, blocks_per_commit: (blocks / BLOCKS_SHARE).clamp(BLOCKS_MIN, BLOCKS_MAX) };
    let mut next = PendingTerm::default();
    next.read(&mut terms)?;
    if blocks == 0 {
        steps.blocks_per_commit = BLOCKS_MAX;
        append_all(dbs, steps, &mut terms, next)
    } else {
        merge_all(dbs, steps, &mut terms, next)
    }
}

/// Adds one row to a few terms; it is above the rows in the store. Cost: rewriting their blocks.
pub fn add_row(dbs: &Databases, txn: &mut RwTxn<'_>, keys: &[Vec<u8>], row: Row) -> Result<(), Error> {
    if dbs.terms.is_empty(txn)? {
        dbs.terms.put(txn, &FIRST_BLOCK, &[])?;
    }
    let mut terms = SortedTerms::few(keys.iter().map(|key| (key.as_slice().into(), row)).collect());
    let mut next = PendingTerm::default();
    next.read(&mut terms)?;
    while !next.is_end {
        merge_block(dbs, txn, &mut terms, &mut next)?;
    }
    Ok(())
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
    fn read(&mut self, terms: &mut SortedTerms) -> Result<(), Error> {
        self.is_end = !terms.next(&mut self.key, &mut self.rows)?;
        Ok(())
    }
}

/// Writes the blocks of an empty database in key order: LMDB appends each page to the end of the tree without a look-up.
fn append_all<'e>(
    dbs: &Databases,
    mut steps: Steps<'_, 'e>,
    terms: &mut SortedTerms,
    mut next: PendingTerm,
) -> Result<RwTxn<'e>, Error> {
    let mut writer = BlockWriter::with_limit(FIRST_BLOCK.to_vec(), FIRST_FILL);
    while !next.is_end {
        let inline = if next.rows.len() <= INLINE_MAX {
            next.rows.as_slice()
        } else {
            row_set::add(dbs, &mut steps.txn, &next.key, &next.rows, SetWrite::Append)?;
            &[]
        };
        if let Some(block) = writer.push(&next.key, inline) {
            dbs.terms.put_with_flags(&mut steps.txn, PutFlags::APPEND, &block.start, &block.bytes)?;
            steps = steps.wrote(1)?;
        }
        next.read(terms)?;
    }
    if let Some(block) = writer.finish() {
        dbs.terms.put_with_flags(&mut steps.txn, PutFlags::APPEND, &block.start, &block.bytes)?;
    }
    Ok(steps.txn)
}

/// Rewrites the blocks that get terms, one after the other.
fn merge_all<'e>(
    dbs: &Databases,
    mut steps: Steps<'_, 'e>,
    terms: &mut SortedTerms,
    mut next: PendingTerm,
) -> Result<RwTxn<'e>, Error> {
    while !next.is_end {
        let written = merge_block(dbs, &mut steps.txn, terms, &mut next)?;
        steps = steps.wrote(written as u64)?;
    }
    Ok(steps.txn)
}

/// Merges into the block of the next term all the terms that belong to it, and returns the number of blocks written.
fn merge_block(dbs: &Databases, txn: &mut RwTxn<'_>, terms: &mut SortedTerms, next: &mut PendingTerm) -> Result<usize, Error> {
    let found = dbs.terms.get_lower_than_or_equal_to(txn, &next.key)?;
    let (start, block) = found.ok_or(Error::Corrupt("first block of terms"))?;
    let (start, block) = (start.to_vec(), block.to_vec());
    let end = dbs.terms.get_greater_than(txn, &start)?.map(|(end, _)| end.to_vec());
    let mut merger = BlockMerger::new(&block);
    while !next.is_end && end.as_ref().is_none_or(|end| next.key < *end) {
        let PendingTerm { key, rows, .. } = &*next;
        let old = merger.seek(key)?;
        let inline = match old {
            Some(TermRows::InSet) => None,
            Some(TermRows::Inline { count, .. }) => Some(count + rows.len()),
            None => Some(rows.len()),
        };
        if inline.is_some_and(|count| count <= INLINE_MAX) {
            merger.put(key, old, rows)?;
        } else {
            let mut all = Vec::new();
            old.map(|old| old.append_inline_to(&mut all)).transpose()?;
            all.extend_from_slice(rows);
            row_set::add(dbs, txn, key, &all, SetWrite::Extend)?;
            merger.put(key, old.map(|_| TermRows::InSet), &[])?;
        }
        next.read(terms)?;
    }
    let merged = merger.finish()?;
    if merged.len() <= PAGE_VALUE {
        dbs.terms.put(txn, &start, &merged)?;
        return Ok(1);
    }
    let (mut writer, mut out) = (BlockWriter::new(start), Vec::new());
    writer.push_block(&merged, &mut out)?;
    out.extend(writer.finish());
    if out.len() > 1 && out.last().is_some_and(|last| last.bytes.len() < PAGE_VALUE / 2) {
        // The last block of one that overflowed would hold a few entries, and its neighbour overflow again at the next one.
        let last = recut(&out[out.len() - 2..], 2)?;
        out.truncate(out.len() - 2);
        out.extend(last);
    }
    for block in &out {
        dbs.terms.put(txn, &block.start, &block.bytes)?;
    }
    Ok(out.len())
}
