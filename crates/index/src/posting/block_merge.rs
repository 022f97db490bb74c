//! Terms merged into a block. The entries between them are copied as they are: they are neither decoded nor compared byte by byte.

use super::block::{BlockReader, TermRows, WITH_BLOOM, bad, shared_prefix, take_key, take_rows};
use super::block_writer::write_key;
use super::bloom::{self, BLOOM};
use crate::error::Error;
use crate::key::KeyText;
use crate::row::Row;
use crate::varint;

/// Merges terms, in ascending order, into the entries of a block.
pub struct BlockMerger<'a> {
    /// Entries that are not in `entries` yet, behind `held`.
    rest: &'a [u8],
    /// Length of the key before `rest`.
    previous: usize,
    /// The entry before `rest`, when a term was inserted before it: its prefix is that of another key then.
    held: Option<HeldEntry<'a>>,
    filter: Option<Box<[u8; BLOOM]>>,
    entries: Vec<u8>,
    /// Key of the last entry in `entries`, when a term was merged; entries copied since then are below the next term.
    last: Vec<u8>,
}

/// An entry with its complete key.
struct HeldEntry<'a> {
    key: Vec<u8>,
    rows: TermRows<'a>,
}

impl<'a> BlockMerger<'a> {
    pub fn new(block: &'a [u8]) -> Self {
        let filter = match block.split_first() {
            Some((&WITH_BLOOM, rest)) => rest.first_chunk::<BLOOM>().map(|filter| Box::new(*filter)),
            _ => None,
        };
        Self {
            rest: BlockReader::new(block).rest(),
            previous: 0,
            held: None,
            filter,
            entries: Vec::with_capacity(block.len() + 512),
            last: Vec::new(),
        }
    }

    /// Goes on to a term above the one before it, and returns its rows, `None` when the block does not have it. The caller then calls
    /// [`BlockMerger::put`]. Cost: a step for each entry on the way.
    pub fn seek(&mut self, wanted: &[u8]) -> Result<Option<TermRows<'a>>, Error> {
        let mut matched = shared_prefix(&self.last, wanted);
        if let Some(held) = self.held.take() {
            if held.key.as_slice() >= wanted {
                let rows = (held.key == wanted).then_some(held.rows);
                if rows.is_none() {
                    self.held = Some(held);
                }
                return Ok(rows);
            }
            self.put(&held.key, Some(held.rows), &[])?;
            matched = shared_prefix(&held.key, wanted);
        }
        let run = self.rest;
        loop {
            let at = self.rest;
            let passed = &run[..run.len() - at.len()];
            if at.is_empty() {
                self.entries.extend_from_slice(passed);
                self.set_last(wanted, matched);
                return Ok(None);
            }
            let (shared, suffix) = take_key(&mut self.rest).ok_or_else(bad)?;
            if shared > self.previous {
                return Err(bad());
            }
            self.previous = shared + suffix.len();
            let rows = take_rows(&mut self.rest).ok_or_else(bad)?;
            // As in `BlockReader::seek`: an entry that shares more with the one before it than the term does is below the term.
            if shared > matched {
                continue;
            }
            let Some(tail) = wanted.get(shared..) else { return Err(bad()) };
            if suffix < tail {
                matched = shared + shared_prefix(suffix, tail);
                continue;
            }
            self.entries.extend_from_slice(passed);
            self.set_last(wanted, matched);
            if suffix == tail {
                return Ok(Some(rows));
            }
            self.held = Some(HeldEntry { key: [&wanted[..shared], suffix].concat(), rows });
            return Ok(None);
        }
    }

    /// Writes the term of the last [`BlockMerger::seek`], or an entry of the block as it is, without `new` rows: the rows that the block has of it (`old`), then `new` ones above them. Both
    /// without rows mean that the rows are in a set.
    pub fn put(&mut self, key: &[u8], old: Option<TermRows<'_>>, new: &[Row]) -> Result<(), Error> {
        if old.is_none() {
            self.add_to_filter(key);
        }
        write_key(&mut self.entries, shared_prefix(&self.last, key), key);
        let (count, bytes) = match old {
            Some(TermRows::Inline { count, bytes }) => (count, bytes),
            Some(TermRows::InSet) | None => (0, &[][..]),
        };
        varint::put(&mut self.entries, (count + new.len()) as u64);
        self.entries.extend_from_slice(bytes);
        let mut last = if new.is_empty() { 0 } else { last_row(bytes)? };
        for row in new {
            let row = u64::from(row.get());
            varint::put(&mut self.entries, row.checked_sub(last).ok_or_else(bad)?);
            last = row;
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        Ok(())
    }

    /// The block with the terms, as long as it has become.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        if let Some(held) = self.held.take() {
            self.put(&held.key, Some(held.rows), &[])?;
        }
        let mut block = Vec::with_capacity(1 + BLOOM + self.entries.len() + self.rest.len());
        block.push(if self.filter.is_some() { WITH_BLOOM } else { 0 });
        block.extend(self.filter.iter().flat_map(|filter| filter.iter()));
        block.append(&mut self.entries);
        block.extend_from_slice(self.rest);
        Ok(block)
    }

    /// The key before a term shares this many bytes with it; more of it need not be known.
    fn set_last(&mut self, wanted: &[u8], matched: usize) {
        self.last.clear();
        self.last.extend_from_slice(&wanted[..matched]);
    }

    fn add_to_filter(&mut self, key: &[u8]) {
        let Some(text) = KeyText::of_key(key) else { return };
        let filter = self.filter.get_or_insert_with(|| Box::new([0; BLOOM]));
        bloom::insert_key_text(filter, text);
    }
}

/// The last of the rows, 0 for none.
fn last_row(mut bytes: &[u8]) -> Result<u64, Error> {
    let mut row = 0_u64;
    while !bytes.is_empty() {
        let difference = varint::take(&mut bytes).ok_or_else(bad)?;
        row = row.checked_add(difference).ok_or_else(bad)?;
    }
    Ok(row)
}
