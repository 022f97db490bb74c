//! Blocks of the database `terms`: sorted keys with their rows, read.
//!
//! A tree node for each term would be larger than most terms, which have one row. A block shares key prefixes (front coding),
//! writes rows as differences, and fills one page: a term of one row takes about fifteen bytes, and a look-up reads one page.
//!
//! Key of a block: the shortest string that separates its first term from the last term of the previous block; `0` for the first
//! block. Value: a byte, 1 when a Bloom filter follows ([`super::bloom`], in blocks with a text) and 0 otherwise; the filter;
//! the entries. An entry: length of the prefix shared with the previous key, length of the rest of the key, rest of the key,
//! number of rows, rows. All numbers are variable-length ([`crate::varint`]). The first row is written in full, the others as
//! differences. Number of rows 0: the rows are in the database `sets` ([`super::row_set`]).

use super::bloom::{self, BLOOM};
use crate::error::Error;
use crate::row::Row;
use crate::varint;

/// Most rows that a block holds beside their key.
pub const INLINE_MAX: usize = 64;

/// First byte of a block with a Bloom filter.
pub const WITH_BLOOM: u8 = 1;

/// Errors are built lazily: formatting one costs more than reading a valid field.
pub fn bad() -> Error {
    Error::Corrupt("block of terms")
}

/// Whether a text of the block can contain a part with these bits. Cost: one cache miss for each bit at most.
pub fn may_contain(block: &[u8], bits: &[usize]) -> bool {
    match block.split_first() {
        Some((&WITH_BLOOM, rest)) => rest.get(..BLOOM).is_none_or(|filter| bloom::contains_all(filter, bits)),
        // A block without a filter has no text.
        _ => false,
    }
}

/// Rows of a term.
#[derive(Debug, Clone, Copy)]
pub enum TermRows<'a> {
    /// In the block: their number, and the differences between them.
    Inline {
        /// Number of rows.
        count: usize,
        /// The first row and the differences, as variable-length numbers.
        bytes: &'a [u8],
    },
    /// In the database `sets`.
    InSet,
}

impl TermRows<'_> {
    /// Appends inline rows to a list; appends nothing when the rows are in a set.
    pub fn append_inline_to(self, list: &mut Vec<Row>) -> Result<(), Error> {
        let TermRows::Inline { count, mut bytes } = self else { return Ok(()) };
        let mut row = 0_u64;
        for _ in 0..count {
            let difference = varint::take(&mut bytes).ok_or_else(bad)?;
            row = row.checked_add(difference).ok_or_else(bad)?;
            list.push(Row::new(u32::try_from(row).map_err(|_| bad())?));
        }
        Ok(())
    }
}

/// Reads the entries of a block in order.
pub struct BlockReader<'a> {
    rest: &'a [u8],
    /// Key of the entry read last.
    pub key: Vec<u8>,
}

impl<'a> BlockReader<'a> {
    /// A block that is too short for its filter reads as empty.
    pub fn new(block: &'a [u8]) -> Self {
        let rest = match block.split_first() {
            Some((&WITH_BLOOM, rest)) => rest.get(BLOOM..).unwrap_or_default(),
            Some((_, rest)) => rest,
            None => &[],
        };
        Self { rest, key: Vec::with_capacity(64) }
    }

    /// The entries that were not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Rows of the next entry, whose key is then in `key`; `None` after the last.
    pub fn next(&mut self) -> Result<Option<TermRows<'a>>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut rest = self.rest;
        let (shared, suffix) = take_key(&mut rest).ok_or_else(bad)?;
        if shared > self.key.len() {
            return Err(bad());
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(suffix);
        let rows = take_rows(&mut rest).ok_or_else(bad)?;
        self.rest = rest;
        Ok(Some(rows))
    }

    /// Rows of the first entry whose key is at or after `wanted`; its key is then in `key`. Must be called before
    /// [`BlockReader::next`]. Keys on the way are not rebuilt: the length of the prefix that they share with `wanted` is enough
    /// to compare them.
    pub fn seek(&mut self, wanted: &[u8]) -> Result<Option<TermRows<'a>>, Error> {
        let mut rest = std::mem::take(&mut self.rest);
        // Length of the previous key, which is below `wanted`, and of the prefix that they share.
        let (mut previous, mut matched) = (0, 0);
        while !rest.is_empty() {
            let (shared, suffix) = take_key(&mut rest).ok_or_else(bad)?;
            if shared > previous {
                return Err(bad());
            }
            previous = shared + suffix.len();
            // An entry that shares a longer prefix with the previous key than `wanted` does is still below `wanted`. Any other
            // entry leaves the previous key at a byte where that key still agreed with `wanted`.
            if shared <= matched {
                if suffix >= &wanted[shared..] {
                    self.key.clear();
                    self.key.extend_from_slice(&wanted[..shared]);
                    self.key.extend_from_slice(suffix);
                    let rows = take_rows(&mut rest).ok_or_else(bad)?;
                    self.rest = rest;
                    return Ok(Some(rows));
                }
                matched = shared + shared_prefix(suffix, &wanted[shared..]);
            }
            take_rows(&mut rest).ok_or_else(bad)?;
        }
        Ok(None)
    }
}

/// Length of the shared prefix and rest of the key, at the front of `rest`; `None` when they are cut short.
#[inline]
pub fn take_key<'a>(rest: &mut &'a [u8]) -> Option<(usize, &'a [u8])> {
    let shared = varint::take_length(rest)?;
    let length = varint::take_length(rest)?;
    let (suffix, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some((shared, suffix))
}

/// Rows at the front of `rest`; `None` when they are cut short. They are not decoded, only delimited.
#[inline]
pub fn take_rows<'a>(rest: &mut &'a [u8]) -> Option<TermRows<'a>> {
    let count = varint::take_length(rest)?;
    if count == 0 {
        return Some(TermRows::InSet);
    }
    let start = *rest;
    // A byte without the high bit ends a number: look for the end of the last number.
    let mut ends = 0;
    let is_last_end = |byte: &u8| {
        ends += usize::from(*byte < 0x80);
        ends == count
    };
    let length = start.iter().position(is_last_end)? + 1;
    *rest = &start[length..];
    Some(TermRows::Inline { count, bytes: &start[..length] })
}

/// Length of the longest common prefix of two keys.
pub fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
