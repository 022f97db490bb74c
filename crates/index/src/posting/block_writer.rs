//! Blocks of the database `terms`, written.

use super::block::{BlockReader, WITH_BLOOM, shared_prefix};
use super::bloom::{self, BLOOM};
use crate::databases::PAGE_VALUE;
use crate::error::Error;
use crate::key::KeyText;
use crate::row::Row;
use crate::varint;

/// A finished block, with its key.
pub struct Block {
    pub start: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// Packs sorted entries into blocks of at most [`PAGE_VALUE`] bytes.
pub struct BlockWriter {
    filter: Option<Box<[u8; BLOOM]>>,
    entries: Vec<u8>,
    last_key: Vec<u8>,
    start: Vec<u8>,
    /// Bytes that a block may fill.
    limit: usize,
}

impl BlockWriter {
    /// `start` is the key of the first block: at or below all the keys that follow. A block that replaces another keeps its key.
    pub fn new(start: Vec<u8>) -> Self {
        Self { filter: None, entries: Vec::with_capacity(PAGE_VALUE), last_key: Vec::new(), start, limit: PAGE_VALUE }
    }

    /// A writer that leaves room in each block: none has more than `limit` bytes, but one with a single entry.
    pub fn with_limit(start: Vec<u8>, limit: usize) -> Self {
        Self { limit, ..Self::new(start) }
    }

    /// Adds an entry above the last one; no `rows` means that they are in a set. Returns the finished block when the entry does
    /// not fit in it.
    pub fn push(&mut self, key: &[u8], rows: &[Row]) -> Option<Block> {
        let text = KeyText::of_key(key);
        let mut entry = Vec::with_capacity(key.len() + 8);
        let shared = shared_prefix(&self.last_key, key);
        write_entry(&mut entry, shared, key, rows);
        let filter = if self.filter.is_some() || text.is_some() { BLOOM } else { 0 };
        let mut full = None;
        if 1 + filter + self.entries.len() + entry.len() > self.limit && !self.entries.is_empty() {
            // The first key of a block shares nothing.
            entry.clear();
            write_entry(&mut entry, 0, key, rows);
            let start = key[..(shared + 1).min(key.len())].to_vec();
            full = Some(Block { start: std::mem::replace(&mut self.start, start), bytes: self.take_bytes() });
        }
        if let Some(text) = text {
            let filter = self.filter.get_or_insert_with(|| Box::new([0; BLOOM]));
            bloom::insert_key_text(filter, text);
        }
        self.entries.extend_from_slice(&entry);
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        full
    }

    /// The last block; `None` when no entry was added.
    pub fn finish(mut self) -> Option<Block> {
        (!self.entries.is_empty()).then(|| Block { start: std::mem::take(&mut self.start), bytes: self.take_bytes() })
    }

    /// Adds the entries of a block, all of them above the last one.
    pub fn push_block(&mut self, block: &[u8], full: &mut Vec<Block>) -> Result<(), Error> {
        let (mut entries, mut list) = (BlockReader::new(block), Vec::new());
        while let Some(rows) = entries.next()? {
            list.clear();
            rows.append_inline_to(&mut list)?;
            full.extend(self.push(&entries.key, &list));
        }
        Ok(())
    }

    fn take_bytes(&mut self) -> Vec<u8> {
        let filter = self.filter.take();
        let mut block = Vec::with_capacity(PAGE_VALUE);
        block.push(if filter.is_some() { WITH_BLOOM } else { 0 });
        block.extend(filter.iter().flat_map(|f| f.iter()));
        block.append(&mut self.entries);
        block
    }
}

/// Cuts consecutive blocks anew into `count` blocks that are about equally full, or a few more when entries do not fit so.
pub fn recut(blocks: &[Block], count: usize) -> Result<Vec<Block>, Error> {
    let Some(first) = blocks.first() else { return Ok(Vec::new()) };
    let bytes: usize = blocks.iter().map(|block| block.bytes.len()).sum();
    let mut limit = bytes.div_ceil(count.max(1)).min(PAGE_VALUE);
    loop {
        let mut writer = BlockWriter::with_limit(first.start.clone(), limit);
        let mut out = Vec::new();
        for block in blocks {
            writer.push_block(&block.bytes, &mut out)?;
        }
        out.extend(writer.finish());
        if out.len() <= count || limit == PAGE_VALUE {
            return Ok(out);
        }
        // Entries are not divided: the last of them made one block more.
        limit = (limit + PAGE_VALUE / 32).min(PAGE_VALUE);
    }
}

fn write_entry(out: &mut Vec<u8>, shared: usize, key: &[u8], rows: &[Row]) {
    write_key(out, shared, key);
    varint::put(out, rows.len() as u64);
    let mut last = 0;
    for row in rows {
        varint::put(out, u64::from(row.get() - last));
        last = row.get();
    }
}

/// Writes the key of an entry that shares a prefix with the key before it.
pub fn write_key(out: &mut Vec<u8>, shared: usize, key: &[u8]) {
    varint::put(out, shared as u64);
    varint::put(out, (key.len() - shared) as u64);
    out.extend_from_slice(&key[shared..]);
}
