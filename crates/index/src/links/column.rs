//! Layout of link columns, and their writer.
//!
//! A column belongs to a type and a parameter. The column of [`ParamId::STORE`] has, for each row of the type, the hash of its
//! id ([`crate::hash::id_hash`]). The column of a reference parameter has, for each reference, the hash of its target
//! ([`crate::hash::target_hash`]): the hash of the target's id xor that of its type's name. A join takes the hash of the wanted
//! type out by xor; a reference to another type then equals no id.
//!
//! Rows ascend in a column, and a transaction only appends. Key of a chunk: type, parameter, first row (4 bytes big-endian).
//! Value: entries of 10 bytes, the distance from the first row (2 bytes little-endian), then the hash (8 bytes little-endian).
//! A chunk ends when it fills a page or when a distance exceeds 65 535: a store has at most one short chunk for each column and
//! 65 536 rows, however small its transactions are.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use annuaire_terms::{ParamId, TypeId};
use heed::RwTxn;

use crate::databases::{Databases, PAGE_VALUE};
use crate::error::Error;
use crate::row::Row;

/// Bytes of an entry.
pub const ENTRY: usize = 10;

pub const BAD: Error = Error::Corrupt("column of links");

/// A column: of the ids of a type, or of the targets of one of its reference parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkColumn {
    pub ty: TypeId,
    pub param: ParamId,
}

impl LinkColumn {
    /// The column of the ids of a type.
    pub const fn ids(ty: TypeId) -> Self {
        Self { ty, param: ParamId::STORE }
    }

    /// Key of the chunk that starts with a row.
    pub const fn key(self, first: Row) -> [u8; 6] {
        let [a, b, c, d] = first.get().to_be_bytes();
        [self.ty.get(), self.param.get(), a, b, c, d]
    }

    /// Column and first row of a chunk.
    pub fn of_key(key: &[u8]) -> Result<(Self, Row), Error> {
        let &[ty, param, a, b, c, d] = key.try_into().map_err(|_| BAD)?;
        Ok((Self { ty: TypeId::new(ty), param: ParamId::new(param) }, Row::new(u32::from_be_bytes([a, b, c, d]))))
    }
}

/// Row and hash of an entry, in a chunk that starts with the row `first`.
pub fn decode_entry(first: Row, &[a, b, hash @ ..]: &[u8; ENTRY]) -> (Row, u64) {
    (Row::new(first.get().saturating_add(u16::from_le_bytes([a, b]).into())), u64::from_le_bytes(hash))
}

/// Rows and hashes of a chunk.
pub fn entries(first: Row, chunk: &[u8]) -> impl DoubleEndedIterator<Item = (Row, u64)> {
    chunk.as_chunks::<ENTRY>().0.iter().map(move |entry| decode_entry(first, entry))
}

/// Appends the entries of one transaction.
#[derive(Default)]
pub struct LinkColumnWriter {
    /// Last chunk of each column written to, kept in memory until it is full.
    last: BTreeMap<LinkColumn, LastChunk>,
}

struct LastChunk {
    first: Row,
    entries: Vec<u8>,
}

impl LinkColumnWriter {
    /// Appends an entry to a column; `row` is not below its last row. Writes the chunk that this fills.
    pub fn push(&mut self, dbs: &Databases, txn: &mut RwTxn<'_>, column: LinkColumn, row: Row, hash: u64) -> Result<(), Error> {
        let last = match self.last.entry(column) {
            Entry::Occupied(last) => last.into_mut(),
            Entry::Vacant(vacant) => {
                let stored = dbs.links.get_lower_than_or_equal_to(txn, &column.key(Row::MAX))?;
                let stored = stored.map(|(key, chunk)| Ok::<_, Error>((LinkColumn::of_key(key)?, chunk.to_vec()))).transpose()?;
                vacant.insert(match stored {
                    Some(((found, first), entries)) if found == column => LastChunk { first, entries },
                    _ => LastChunk { first: row, entries: Vec::with_capacity(PAGE_VALUE) },
                })
            }
        };
        // All the entries of the first row stay in its chunk, however many they are: a second chunk would have the same key.
        let is_full = last.entries.len() + ENTRY > PAGE_VALUE && row != last.first;
        let distance = row.get().checked_sub(last.first.get()).and_then(|d| u16::try_from(d).ok()).filter(|_| !is_full);
        if distance.is_none() {
            dbs.links.put(txn, &column.key(last.first), &last.entries)?;
            last.first = row;
            last.entries.clear();
        }
        last.entries.extend(distance.unwrap_or(0).to_le_bytes());
        last.entries.extend(hash.to_le_bytes());
        Ok(())
    }

    /// Writes the chunks that are not full.
    pub fn finish(&mut self, dbs: &Databases, txn: &mut RwTxn<'_>) -> Result<(), Error> {
        for (column, last) in std::mem::take(&mut self.last) {
            dbs.links.put(txn, &column.key(last.first), &last.entries)?;
        }
        Ok(())
    }
}

/// Removes every entry of a row from `end` on. Cost: reading the last chunk of each column.
pub fn discard_from(dbs: &Databases, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
    let mut above = vec![u8::MAX; 7];
    while let Some((found, chunk)) = dbs.links.get_lower_than(txn, &above)? {
        let (column, first) = LinkColumn::of_key(found)?;
        above = column.key(first).to_vec();
        if first >= end {
            dbs.links.delete(txn, &above)?;
            continue;
        }
        let kept = entries(first, chunk).take_while(|(row, _)| *row < end).count() * ENTRY;
        if kept < chunk.len() {
            let chunk = chunk[..kept].to_vec();
            dbs.links.put(txn, &above, &chunk)?;
        }
        // Earlier chunks of the column have smaller rows: go on with the column before it.
        above = column.key(Row::FIRST).to_vec();
    }
    Ok(())
}
