//! Blocks of terms: sorted keys, each with its rows, written one after the other.
//!
//! A tree node for each term would cost more than the term itself: most terms belong to one row. Keys of a block share
//! their beginnings, rows are differences, and a block fills one page of the store, so that a term of one row takes about
//! fifteen bytes and a look-up reads one page.
//!
//! A block starts with a byte that tells whether a filter follows: [`FILTER`] bits, one set for each three bytes in a row of the
//! texts in it, so that a search for a part of a text passes over most blocks without reading their keys.
//!
//! Layout of an entry: shared length, length of the rest, rest of the key, number of rows, rows. All numbers are
//! variable-length (7 bits a byte, low first); the first row is itself, the others differences. Number 0: the rows are too
//! many and live in the sets, in slices of 65 536 rows.

use crate::{Error, Row, key};

/// Most bytes of a block: with the header of the engine it fills a page of 4 KiB.
pub const BLOCK: usize = 4_080;
/// Most rows kept beside their key.
pub const INLINE: usize = 64;

/// Bits of the filter of a block. A block of texts has about a thousand different groups of three bytes: a quarter of the bits
/// is set, and one block in a hundred is read in vain for a part of five letters.
const FILTER: usize = 4_096;

/// Made only when it is needed: an error that might be is not free.
fn short() -> Error {
    Error::Corrupt("block of terms")
}

/// The bits of a text, or of a part of one. A part shorter than three bytes has none, and is looked for everywhere.
pub fn bits(text: &[u8]) -> impl Iterator<Item = usize> {
    text.windows(3).map(|w| {
        let group = u32::from_le_bytes([w[0], w[1], w[2], 0]);
        // A multiplication spreads neighbouring letters; its high bits depend on all of them.
        (group.wrapping_mul(0x9e37_79b1) >> 20) as usize % FILTER
    })
}

/// Whether a text of the block can contain a part with these bits.
pub fn may_contain(block: &[u8], bits: &[usize]) -> bool {
    match block.split_first() {
        Some((1, rest)) => rest.get(..FILTER / 8).is_none_or(|f| bits.iter().all(|bit| f[bit / 8] & (1 << (bit % 8)) != 0)),
        // Without a filter there is no text in it.
        _ => false,
    }
}

pub fn put_number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

pub fn take_number(bytes: &mut &[u8]) -> Result<u64, Error> {
    let mut n = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or_else(short)?;
        *bytes = rest;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(n);
        }
    }
    Err(short())
}

fn small(bytes: &mut &[u8]) -> Result<usize, Error> {
    usize::try_from(take_number(bytes)?).map_err(|_| short())
}

/// Rows of an entry.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// As written beside the key: their number and their bytes.
    Inline(usize, &'a [u8]),
    /// In the sets.
    Set,
}

impl Rows<'_> {
    /// Appends inline rows to a list.
    pub fn extend(self, list: &mut Vec<Row>) -> Result<(), Error> {
        let Rows::Inline(n, mut bytes) = self else { return Ok(()) };
        let mut row = 0_u64;
        for _ in 0..n {
            row = row.checked_add(take_number(&mut bytes)?).ok_or_else(short)?;
            list.push(Row::new(u32::try_from(row).map_err(|_| short())?));
        }
        Ok(())
    }
}

/// Reads a block from its start.
pub struct Entries<'a> {
    rest: &'a [u8],
    /// Key of the entry read last.
    pub key: Vec<u8>,
}

impl<'a> Entries<'a> {
    /// A block too short for its filter has no entry.
    pub fn new(block: &'a [u8]) -> Self {
        let rest = match block.split_first() {
            Some((1, rest)) => rest.get(FILTER / 8..).unwrap_or_default(),
            Some((_, rest)) => rest,
            None => &[],
        };
        Self { rest, key: Vec::with_capacity(64) }
    }

    /// The rows of the next entry; its key is then in `key`.
    pub fn next(&mut self) -> Result<Option<Rows<'a>>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let rest = &mut self.rest;
        let (shared, len) = (small(rest)?, small(rest)?);
        let (suffix, tail) = rest.split_at_checked(len).ok_or_else(short)?;
        *rest = tail;
        if shared > self.key.len() {
            return Err(short());
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(suffix);
        take_rows(rest).map(Some)
    }

    /// From the start of the block: the rows of the first entry at or after a key; its key is then in `key`. Keys on the way
    /// are told apart by where they leave the one wanted, and are not made.
    pub fn seek(&mut self, wanted: &[u8]) -> Result<Option<Rows<'a>>, Error> {
        let rest = &mut self.rest;
        // Length of the last key, which is below the one wanted, and of what they share.
        let (mut last, mut met) = (0, 0);
        while !rest.is_empty() {
            let (shared, len) = (small(rest)?, small(rest)?);
            let (suffix, tail) = rest.split_at_checked(len).ok_or_else(short)?;
            *rest = tail;
            if shared > last {
                return Err(short());
            }
            last = shared + len;
            // An entry that shares more with the last key than the wanted one does is below it too. One that shares less leaves
            // the last key upwards, where that was still as wanted.
            if shared <= met && suffix >= &wanted[shared..] {
                self.key.clear();
                self.key.extend_from_slice(&wanted[..shared]);
                self.key.extend_from_slice(suffix);
                return take_rows(rest).map(Some);
            }
            if shared <= met {
                met = shared + common(suffix, &wanted[shared..]);
            }
            take_rows(rest)?;
        }
        Ok(None)
    }
}

/// The rows at the start of `rest`, which is then what follows them.
fn take_rows<'a>(rest: &mut &'a [u8]) -> Result<Rows<'a>, Error> {
    let n = small(rest)?;
    if n == 0 {
        return Ok(Rows::Set);
    }
    let start = *rest;
    // The end of the n-th number: bytes without the high bit end numbers.
    let mut ends = 0;
    let len = start
        .iter()
        .position(|byte| {
            ends += usize::from(*byte < 0x80);
            ends == n
        })
        .ok_or_else(short)?
        + 1;
    *rest = &start[len..];
    Ok(Rows::Inline(n, &start[..len]))
}

/// Writes blocks of sorted entries; full ones are handed over with the key that tells them from the one before.
pub struct Builder {
    filter: Option<Box<[u8; FILTER / 8]>>,
    bytes: Vec<u8>,
    last: Vec<u8>,
    start: Vec<u8>,
}

impl Builder {
    /// `start` is the key of the first block: at or before all that follows, and the tree's own when blocks are replaced.
    pub fn new(start: Vec<u8>) -> Self {
        Self { filter: None, bytes: Vec::with_capacity(BLOCK), last: Vec::new(), start }
    }

    /// Adds an entry, in key order. `rows` empty: they are in the sets. Gives back the block that it did not fit in.
    pub fn push(&mut self, key: &[u8], rows: &[Row]) -> Option<(Vec<u8>, Vec<u8>)> {
        let text = key::text_of(key);
        let mut entry = Vec::with_capacity(key.len() + 8);
        let shared = common(&self.last, key);
        write(&mut entry, shared, key, rows);
        let filter = if self.filter.is_some() || text.is_some() { FILTER / 8 } else { 0 };
        let mut full = None;
        if 1 + filter + self.bytes.len() + entry.len() > BLOCK && !self.bytes.is_empty() {
            entry.clear();
            write(&mut entry, 0, key, rows);
            // The shortest key that separates the blocks.
            let start = std::mem::replace(&mut self.start, key[..(shared + 1).min(key.len())].to_vec());
            full = Some((start, self.block()));
        }
        if let Some(text) = text {
            let filter = self.filter.get_or_insert_with(|| Box::new([0; FILTER / 8]));
            match text {
                key::Text::Whole(text) => bits(text).for_each(|bit| filter[bit / 8] |= 1 << (bit % 8)),
                // What is not here cannot be told from here.
                key::Text::Cut => filter.fill(0xff),
            }
        }
        self.bytes.extend_from_slice(&entry);
        self.last.clear();
        self.last.extend_from_slice(key);
        full
    }

    /// The bytes of the block so far, which is then empty.
    fn block(&mut self) -> Vec<u8> {
        let filter = self.filter.take();
        let mut block = Vec::with_capacity(BLOCK);
        block.push(u8::from(filter.is_some()));
        block.extend(filter.iter().flat_map(|f| f.iter()));
        block.append(&mut self.bytes);
        block
    }

    /// The last block, unless nothing was added.
    pub fn finish(mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        (!self.bytes.is_empty()).then(|| (std::mem::take(&mut self.start), self.block()))
    }
}

fn write(out: &mut Vec<u8>, shared: usize, key: &[u8], rows: &[Row]) {
    put_number(out, shared as u64);
    put_number(out, (key.len() - shared) as u64);
    out.extend_from_slice(&key[shared..]);
    put_number(out, rows.len() as u64);
    let mut last = 0;
    for &row in rows {
        put_number(out, u64::from(row.get() - last));
        last = row.get();
    }
}

/// Length of the beginning that two keys share.
pub fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_terms::{ParamId, TypeId};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::ops::Bound;

    proptest! {
        /// What is read is what was written, and each block's key tells it from the one before.
        #[test]
        fn blocks_hold_what_was_pushed(
            all in prop::collection::btree_map(
                prop::collection::vec(0_u8..4, 1..40), prop::collection::btree_set(any::<u32>().prop_map(Row::new), 0..INLINE), 1..400)
        ) {
            let all: BTreeMap<Vec<u8>, BTreeSet<Row>> = all;
            let mut builder = Builder::new(vec![0]);
            let mut blocks = Vec::new();
            for (key, rows) in &all {
                blocks.extend(builder.push(key, &rows.iter().copied().collect::<Vec<_>>()));
            }
            blocks.extend(builder.finish());
            let mut read = BTreeMap::new();
            let mut before: Vec<u8> = Vec::new();
            for (n, (start, bytes)) in blocks.iter().enumerate() {
                prop_assert!(bytes.len() <= BLOCK);
                prop_assert!(n == 0 || *start > before);
                let mut entries = Entries::new(bytes);
                while let Some(rows) = entries.next().unwrap() {
                    prop_assert!(entries.key >= *start || n == 0);
                    let mut list = Vec::new();
                    rows.extend(&mut list).unwrap();
                    prop_assert_eq!(matches!(rows, Rows::Set), list.is_empty());
                    before = entries.key.clone();
                    read.insert(entries.key.clone(), list.into_iter().collect::<BTreeSet<_>>());
                }
            }
            prop_assert_eq!(&read, &all);
            // Each key is found in its block, and of any other the one that follows it there.
            for key in all.keys().flat_map(|key| [key.clone(), [&key[..], &[0]].concat(), key[..key.len() - 1].to_vec()]) {
                let at = blocks.partition_point(|(start, _)| *start <= key).saturating_sub(1);
                let mut list = Vec::new();
                let mut entries = Entries::new(&blocks[at].1);
                let found = entries.seek(&key).unwrap();
                let next = all.range(key..).next().filter(|next| blocks.get(at + 1).is_none_or(|(start, _)| next.0 < start));
                found.map(|rows| rows.extend(&mut list)).transpose().unwrap();
                let found: Option<BTreeSet<Row>> = found.map(|_| list.into_iter().collect());
                prop_assert_eq!(found.as_ref().map(|rows| (&entries.key, rows)), next);
                // What follows is read from there.
                let after = entries.next().unwrap().map(|_| &entries.key);
                let next = next.and_then(|(key, _)| all.range::<Vec<u8>, _>((Bound::Excluded(key), Bound::Unbounded)).next());
                prop_assert_eq!(after, next.map(|n| n.0).filter(|next| blocks.get(at + 1).is_none_or(|(start, _)| *next < start)));
            }
        }

        /// A block passed over holds no text with the part.
        #[test]
        fn filters_pass_over_nothing_that_matches(
            texts in prop::collection::btree_set("[a-d ]{1,12}", 1..300), part in "[a-d ]{1,6}"
        ) {
            let mut builder = Builder::new(vec![0]);
            let mut blocks = Vec::new();
            for text in &texts {
                blocks.extend(builder.push(&key::text(TypeId::new(1), ParamId::new(1), text).0, &[Row::new(7)]));
            }
            blocks.extend(builder.finish());
            let bits: Vec<usize> = bits(part.as_bytes()).collect();
            for (_, block) in &blocks {
                let mut entries = Entries::new(block);
                while entries.next().unwrap().is_some() {
                    let Some(key::Text::Whole(text)) = key::text_of(&entries.key) else { panic!("no text") };
                    let matches = text.windows(part.len()).any(|w| w == part.as_bytes());
                    prop_assert!(!matches || may_contain(block, &bits));
                }
            }
        }

        /// Damaged bytes give an error or other entries, never a panic.
        #[test]
        fn damaged_blocks_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut entries = Entries::new(&bytes);
            let mut list = Vec::new();
            while let Ok(Some(rows)) = entries.next() {
                let _ = rows.extend(&mut list);
            }
            let _ = Entries::new(&bytes).seek(&bytes);
        }
    }
}
