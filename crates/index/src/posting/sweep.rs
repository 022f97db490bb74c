//! Removing rows from the posting lists, and uniting the blocks that became small.

use std::ops::Bound;

use heed::RwTxn;

use super::block::{BlockReader, TermRows};
use super::block_writer::{Block, BlockWriter, recut};
use super::longs;
use super::row_set::{self, SetRemainder};
use crate::databases::{Databases, PAGE_VALUE, from_key};
use crate::error::Error;
use crate::key::{KeyText, class};
use crate::removal::Removal;
use crate::row::Row;

/// Neighbours are cut anew up to this length, which leaves room for the terms of some transactions.
const FILL: usize = PAGE_VALUE * 17 / 20;
/// Neighbours that are looked at together: of the space of that many blocks, at most that of one is lost.
const WINDOW: usize = 12;
/// Most rows of a set that is dissolved into its block: less than a block holds, so that it does not become a set again soon.
const DISSOLVED_MAX: usize = 32;
/// Key of the first block, which stays even when it is empty.
const FIRST_BLOCK: &[u8] = &[0];

/// What a call of [`sweep`] did.
#[derive(Default)]
pub struct SweptTerms {
    /// Key from which the next call goes on, `None` after the last block.
    pub next: Option<Vec<u8>>,
    /// Terms of ids that have no row in the first state kept, each with the last row removed.
    pub ids: Vec<(Vec<u8>, Row)>,
}

/// Removes rows from the terms of `most` blocks, the first of them at or after the key `from`, with their sets and long texts,
/// and unites small neighbours. Memory: those blocks.
pub fn sweep(dbs: &Databases, txn: &mut RwTxn<'_>, removal: Removal<'_>, from: &[u8], most: usize) -> Result<SweptTerms, Error> {
    let mut swept = SweptTerms::default();
    let mut blocks = Vec::with_capacity(most);
    for item in dbs.terms.range(txn, &(from_key(from), Bound::Unbounded))? {
        let (start, block) = item?;
        if blocks.len() == most {
            swept.next = Some(start.to_vec());
            break;
        }
        blocks.push(Block { start: start.to_vec(), bytes: block.to_vec() });
    }
    let mut removed = RemovedTerms::default();
    let mut window = Window::new();
    for block in blocks {
        match without(dbs, txn, removal, &block, &mut removed)? {
            None => window.push((block, false)),
            Some(blocks) if blocks.is_empty() => window.push((Block { start: block.start, bytes: Vec::new() }, true)),
            Some(blocks) => window.extend(blocks.into_iter().map(|block| (block, true))),
        }
        if window.len() >= WINDOW {
            write_window(dbs, txn, std::mem::take(&mut window))?;
        }
    }
    write_window(dbs, txn, window)?;
    longs::remove_unused(dbs, txn, &removed.longs)?;
    swept.ids = removed.ids;
    Ok(swept)
}

/// Terms that lost rows.
#[derive(Default)]
struct RemovedTerms {
    /// As in [`SweptTerms`].
    ids: Vec<(Vec<u8>, Row)>,
    /// Keys of truncated texts without rows.
    longs: Vec<Vec<u8>>,
}

/// A block without the rows of a removal; `None` when it has none of them.
fn without(
    dbs: &Databases,
    txn: &mut RwTxn<'_>,
    removal: Removal<'_>,
    block: &Block,
    removed: &mut RemovedTerms,
) -> Result<Option<Vec<Block>>, Error> {
    if !has_removed_rows(removal, &block.bytes)? {
        return Ok(None);
    }
    let (mut entries, mut list) = (BlockReader::new(&block.bytes), Vec::new());
    let mut writer = BlockWriter::new(block.start.clone());
    let (mut blocks, mut is_changed) = (Vec::new(), false);
    while let Some(rows) = entries.next()? {
        let term = entries.key.as_slice();
        list.clear();
        rows.append_inline_to(&mut list)?;
        let mut is_in_set = matches!(rows, TermRows::InSet);
        if removal.first_kept_end.is_some() || class_of(term) != class::ID {
            let mut first_left = None;
            let mut last_removed = list.iter().rev().copied().find(|row| removal.rows.contains(row.get()));
            list.retain(|row| !removal.rows.contains(row.get()));
            if is_in_set {
                match row_set::remove(dbs, txn, term, removal.rows, DISSOLVED_MAX)? {
                    SetRemainder::Unchanged => {}
                    SetRemainder::Set { first, last_removed: last } => (first_left, last_removed) = (Some(first), Some(last)),
                    SetRemainder::Inline { rows, last_removed: last } => {
                        (list, last_removed, is_in_set) = (rows, Some(last), false);
                    }
                }
            }
            is_changed |= last_removed.is_some();
            if let (Some(row), Some(end), class::ID) = (last_removed, removal.first_kept_end, class_of(term))
                && first_left.or(list.first().copied()).is_none_or(|first| first >= end)
            {
                removed.ids.push((term.to_vec(), row));
            }
            if last_removed.is_some() && list.is_empty() && !is_in_set {
                if let Some(KeyText::Truncated { .. }) = KeyText::of_key(term) {
                    removed.longs.push(term.to_vec());
                }
                continue;
            }
        }
        blocks.extend(writer.push(term, &list));
    }
    blocks.extend(writer.finish());
    Ok(is_changed.then_some(blocks))
}

fn class_of(term: &[u8]) -> u8 {
    term.get(2).copied().unwrap_or_default()
}

/// Whether a block may have rows of a removal: a set always may. Keys are not rebuilt, rows are only decoded.
fn has_removed_rows(removal: Removal<'_>, block: &[u8]) -> Result<bool, Error> {
    let (mut entries, mut list) = (BlockReader::new(block), Vec::new());
    while let Some(rows) = entries.next()? {
        list.clear();
        rows.append_inline_to(&mut list)?;
        if matches!(rows, TermRows::InSet) || list.iter().any(|row| removal.rows.contains(row.get())) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Blocks of a window, with whether each differs from the one in the database.
type Window = Vec<(Block, bool)>;

/// Writes the blocks of a window that changed; cuts them all anew when fewer blocks hold them.
fn write_window(dbs: &Databases, txn: &mut RwTxn<'_>, window: Window) -> Result<(), Error> {
    let is_first = |block: &Block| block.start == FIRST_BLOCK;
    let full = window.iter().filter(|(block, _)| block.bytes.len() > 1).count();
    let bytes: usize = window.iter().map(|(block, _)| block.bytes.len()).sum();
    let wanted = bytes.div_ceil(FILL).max(1);
    let (blocks, changes): (Vec<Block>, Vec<bool>) = window.into_iter().unzip();
    if wanted < full {
        let united = recut(&blocks, wanted)?;
        if united.len() < full {
            for block in &blocks {
                dbs.terms.delete(txn, &block.start)?;
            }
            for block in &united {
                dbs.terms.put(txn, &block.start, &block.bytes)?;
            }
            return Ok(());
        }
    }
    for (block, is_changed) in blocks.iter().zip(changes) {
        if block.bytes.len() <= 1 && !is_first(block) {
            // The block before it takes the terms that would belong here.
            dbs.terms.delete(txn, &block.start)?;
        } else if is_changed {
            dbs.terms.put(txn, &block.start, &block.bytes)?;
        }
    }
    Ok(())
}
