//! Names and links by row, so that a search that goes through links to many resources reads two columns in order instead of
//! the resources and their postings.
//!
//! A column is of a type and a parameter. That of [`ParamId::STORE`] says, for each row of the type, what stands for its id
//! ([`crate::key::name`]); the others, for each link of the parameter, what stands for its target ([`crate::key::target`]).
//! A target is its name and its type mixed by exclusive or: names of one side and targets of the other meet once the type
//! wanted is mixed into them, and a link to another type meets nothing.
//!
//! Columns are only appended to, in the order of rows, in chunks that fill a page of the store. Key of a chunk: type,
//! parameter, its first row. Value: entries of [`ENTRY`] bytes, the distance from the first row on two, then the hash on
//! eight. A chunk ends when it is full or when the distance does not fit: a store has at most one short chunk for each column
//! and 65 536 rows, however small its transactions are.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::iter::Peekable;
use std::ops::Bound;

use heed::{RoTxn, RwTxn};
use roaring::RoaringBitmap;

use crate::budget::{self, Meter};
use crate::{Dbs, Error, Row};
use annuaire_terms::{ParamId, TypeId};

/// Resources from which reading columns is cheaper than looking for each. Both ways are taken in tests.
pub const MANY: u64 = if cfg!(test) { 3 } else { 400 };

/// Bytes of an entry.
const ENTRY: usize = 10;
/// Bytes of a full chunk: with the header of the engine it fills a page of 4 KiB.
const CHUNK: usize = 4_080;

const BAD: Error = Error::Corrupt("column of links");

/// A type and a parameter.
pub type Column = (TypeId, ParamId);

fn start((ty, param): Column, first: Row) -> [u8; 6] {
    let [a, b, c, d] = first.get().to_be_bytes();
    [ty.get(), param.get(), a, b, c, d]
}

/// Column and first row of a chunk.
fn place(key: &[u8]) -> Result<(Column, Row), Error> {
    let &[ty, param, a, b, c, d] = key.try_into().map_err(|_| BAD)?;
    Ok(((TypeId::new(ty), ParamId::new(param)), Row::new(u32::from_be_bytes([a, b, c, d]))))
}

/// Rows and hashes of a chunk.
fn entries(first: Row, chunk: &[u8]) -> impl DoubleEndedIterator<Item = (Row, u64)> {
    chunk.as_chunks::<ENTRY>().0.iter().map(move |entry| read(first, entry))
}

fn read(first: Row, &[a, b, hash @ ..]: &[u8; ENTRY]) -> (Row, u64) {
    (Row::new(first.get().saturating_add(u16::from_le_bytes([a, b]).into())), u64::from_le_bytes(hash))
}

/// What one transaction appends.
#[derive(Default)]
pub struct Writer {
    /// Last chunk of each column met.
    last: BTreeMap<Column, Chunk>,
}

struct Chunk {
    first: Row,
    entries: Vec<u8>,
}

impl Writer {
    /// Appends to a column a row not below its last one. What fills a chunk is written.
    pub fn push(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>, column: Column, (row, hash): (Row, u64)) -> Result<(), Error> {
        let last = match self.last.entry(column) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let kept = dbs.links.get_lower_than_or_equal_to(txn, &start(column, Row::MAX))?;
                let kept = kept.map(|(key, chunk)| Ok::<_, Error>((place(key)?, chunk.to_vec()))).transpose()?;
                new.insert(match kept {
                    Some(((of, first), entries)) if of == column => Chunk { first, entries },
                    _ => Chunk { first: row, entries: Vec::with_capacity(CHUNK) },
                })
            }
        };
        // The links of one row are never too many for its chunk: the next one would have the same key.
        let full = last.entries.len() + ENTRY > CHUNK && row != last.first;
        let distance = row.get().checked_sub(last.first.get()).and_then(|d| u16::try_from(d).ok()).filter(|_| !full);
        if distance.is_none() {
            dbs.links.put(txn, &start(column, last.first), &last.entries)?;
            last.first = row;
            last.entries.clear();
        }
        last.entries.extend(distance.unwrap_or(0).to_le_bytes());
        last.entries.extend(hash.to_le_bytes());
        Ok(())
    }

    /// Writes the chunks that are not full.
    pub fn finish(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>) -> Result<(), Error> {
        for (column, last) in std::mem::take(&mut self.last) {
            dbs.links.put(txn, &start(column, last.first), &last.entries)?;
        }
        Ok(())
    }
}

/// Removes every row from `end` on. Reads the end of each column.
pub fn discard_from(dbs: &Dbs, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
    let mut after = vec![u8::MAX; 7];
    while let Some((found, chunk)) = dbs.links.get_lower_than(txn, &after)? {
        let (column, first) = place(found)?;
        after = start(column, first).to_vec();
        if first >= end {
            dbs.links.delete(txn, &after)?;
            continue;
        }
        let kept = entries(first, chunk).take_while(|(row, _)| *row < end).count() * ENTRY;
        if kept < chunk.len() {
            let chunk = chunk[..kept].to_vec();
            dbs.links.put(txn, &after, &chunk)?;
        }
        // The chunks before it are of rows before the end.
        after = start(column, Row::FIRST).to_vec();
    }
    Ok(())
}

/// The columns as a snapshot sees them: rows from its end on are nowhere.
pub struct Columns<'t> {
    pub dbs: &'t Dbs,
    pub txn: &'t RoTxn<'t, heed::WithoutTls>,
    pub end: Row,
    pub meter: &'t Meter,
}

impl<'t> Columns<'t> {
    fn chunks(&self, column: Column) -> Result<impl Iterator<Item = Result<(Row, &'t [u8]), Error>>, Error> {
        let (first, last) = (start(column, Row::FIRST), start(column, self.end));
        let range = self.dbs.links.range(self.txn, &(Bound::Included(&first[..]), Bound::Excluded(&last[..])))?;
        Ok(range.map(|item| {
            let (key, chunk) = item?;
            self.meter.spend(budget::CHUNK)?;
            Ok((place(key)?.1, chunk))
        }))
    }

    /// What stands for the ids of a few rows of a type: one look-up for each.
    pub fn names(&self, ty: TypeId, rows: &RoaringBitmap) -> Result<Vec<u64>, Error> {
        let mut out = Vec::new();
        for row in rows.iter().map(Row::new) {
            let found = self.dbs.links.get_lower_than_or_equal_to(self.txn, &start((ty, ParamId::STORE), row))?;
            let (found, chunk) = found.ok_or(BAD)?;
            let ((of, _), first) = place(found)?;
            let chunk = chunk.as_chunks::<ENTRY>().0;
            let at = chunk.binary_search_by_key(&row, |entry| read(first, entry).0).map_err(|_| BAD)?;
            if of != ty {
                return Err(BAD);
            }
            out.push(read(first, &chunk[at]).1);
        }
        Ok(out)
    }

    /// The hashes of a column at `rows`. Cost: reading the column, and a search in a chunk for each row.
    pub fn gather(&self, column: Column, rows: &RoaringBitmap) -> Result<Vec<u64>, Error> {
        let mut out = Vec::with_capacity(usize::try_from(rows.len()).unwrap_or(0));
        let mut wanted = rows.iter().map(Row::new);
        let Some(mut next) = wanted.next() else { return Ok(out) };
        for chunk in self.chunks(column)? {
            let (first, chunk) = chunk?;
            let mut rest = chunk.as_chunks::<ENTRY>().0;
            loop {
                rest = &rest[before(rest, |entry| read(first, entry).0 < next)..];
                // A row may have several entries, some of them in the next chunk.
                let Some((entry, after)) = rest.split_first() else { break };
                let (row, hash) = read(first, entry);
                if row == next {
                    out.push(hash);
                    rest = after;
                }
                while next < row {
                    let Some(after) = wanted.next() else { return Ok(out) };
                    next = after;
                }
            }
        }
        Ok(out)
    }

    /// Rows of a column whose hash, mixed with `mix`, is in a set. Cost: reading the column, and a look in memory for each entry.
    pub fn select(&self, column: Column, set: &Set, mix: u64) -> Result<RoaringBitmap, Error> {
        let mut bits = vec![0_u8; self.end.get() as usize / 8 + 1];
        // Those of a chunk that the set may contain.
        let mut maybe = Vec::new();
        for chunk in self.chunks(column)? {
            let (first, chunk) = chunk?;
            maybe.resize(chunk.len() / ENTRY + 1, (Row::FIRST, 0));
            let mut found = 0;
            // Written always and kept sometimes: no guess of a processor goes wrong.
            for (row, hash) in entries(first, chunk) {
                maybe[found] = (row, hash ^ mix);
                found += usize::from(set.may_contain(hash ^ mix));
            }
            for (row, name) in &maybe[..found] {
                if set.contains(*name)
                    && let Some(byte) = bits.get_mut(row.get() as usize / 8)
                {
                    *byte |= 1 << (row.get() % 8);
                }
            }
        }
        Ok(RoaringBitmap::from_lsb0_bytes(0, &bits))
    }
}

/// How many of the first entries are `low`, which only first entries are: fast when they are few, as when all are wanted.
fn before(entries: &[[u8; ENTRY]], low: impl Fn(&[u8; ENTRY]) -> bool) -> usize {
    let mut end = 1;
    while entries.get(end - 1).is_some_and(&low) {
        end *= 2;
    }
    let start = end / 2;
    start + entries[start..entries.len().min(end)].partition_point(low)
}

/// Names, which are hashes already: not hashed again.
pub struct Set {
    /// A bit for each name, by its low bits: most of what is not in the set is told from this alone, which a processor keeps
    /// at hand.
    bits: Vec<u64>,
    /// Names by their high bits, or in the free places that follow; 0 is a free place.
    slots: Vec<u64>,
    shift: u32,
}

impl Set {
    /// A set of names, each mixed with `mix`.
    pub fn new(names: &[u64], mix: u64) -> Self {
        // At most half of the places are taken, so that there is always a free one.
        let slots = (2 * names.len() + 2).next_power_of_two();
        let bits = (8 * slots).clamp(64, 1 << 23);
        let mut set = Self { bits: vec![0; bits / 64], slots: vec![0; slots], shift: 64 - slots.trailing_zeros() };
        for name in names {
            set.insert(name ^ mix);
        }
        set
    }

    fn bit(&self, name: u64) -> (usize, u64) {
        ((name >> 6) as usize & (self.bits.len() - 1), 1 << (name & 63))
    }

    /// The place of a name, or the free one where it would go.
    fn place(&self, name: u64) -> usize {
        let mut at = (name >> self.shift) as usize;
        while self.slots[at] != 0 && self.slots[at] != name {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    fn insert(&mut self, name: u64) {
        let (word, bit) = self.bit(name);
        self.bits[word] |= bit;
        let at = self.place(name);
        self.slots[at] = name;
    }

    /// False for most of what is not in the set.
    fn may_contain(&self, name: u64) -> bool {
        let (word, bit) = self.bit(name);
        self.bits[word] & bit != 0
    }

    fn contains(&self, name: u64) -> bool {
        self.slots[self.place(name)] != 0
    }
}

/// Whether a chunk is whole and its rows follow those of the chunk before it, whose column and last row are in `before`.
pub fn check_chunk(before: &mut Option<(Column, Row)>, key: &[u8], chunk: &[u8]) -> Result<(), Error> {
    let (column, first) = place(key)?;
    let rows = || entries(first, chunk).map(|(row, _)| row);
    // Only names come once a row.
    let follows = |a: Row, b: Row| if column.1 == ParamId::STORE { a < b } else { a <= b };
    let whole = chunk.len().is_multiple_of(ENTRY) && (chunk.len() <= CHUNK || rows().all(|row| row == first));
    let last = before.filter(|before| before.0 == column).is_none_or(|(_, last)| follows(last, first));
    if !whole || !last || rows().next() != Some(first) || !rows().is_sorted_by(|a, b| follows(*a, *b)) {
        return Err(BAD);
    }
    *before = rows().next_back().map(|row| (column, row));
    Ok(())
}

/// The entries of a column.
type All<'t> = Peekable<Box<dyn Iterator<Item = (Row, u64)> + 't>>;

/// All the columns, read beside the rows that they speak of.
#[derive(Default)]
pub struct Reader<'t> {
    columns: BTreeMap<Column, All<'t>>,
    /// Entries were passed over that no row asked for.
    others: bool,
}

impl<'t> Reader<'t> {
    pub fn new(dbs: &'t Dbs, txn: &'t RoTxn<'t>) -> Result<Self, Error> {
        let mut reader = Self::default();
        let mut after = vec![0];
        while let Some((found, _)) = dbs.links.get_greater_than(txn, &after)? {
            let (column, _) = place(found)?;
            // Keys that do not ascend would lead in circles.
            let (mut last, end) = (None, start(column, Row::MAX));
            if after.as_slice() > &end[..] {
                return Err(BAD);
            }
            after = [&end[..], &[0]].concat();
            let chunks = dbs.links.prefix_iter(txn, &[column.0.get(), column.1.get()])?.filter_map(Result::ok);
            let chunks = chunks.map_while(move |(key, chunk)| {
                let first = place(key).ok()?.1;
                last.replace(first).is_none_or(|last| last < first).then_some((first, chunk))
            });
            let all: Box<dyn Iterator<Item = _>> = Box::new(chunks.flat_map(|(first, chunk)| entries(first, chunk)));
            reader.columns.insert(column, all.peekable());
        }
        Ok(reader)
    }

    /// What the columns of a type say of a row, which follows those asked before: parameters in order.
    pub fn of(&mut self, ty: TypeId, row: Row) -> Vec<(ParamId, u64)> {
        let mut out = Vec::new();
        for (column, entries) in self.columns.range_mut((ty, ParamId::STORE)..=(ty, ParamId::MAX)) {
            while let Some((of, hash)) = entries.next_if(|(of, _)| *of <= row) {
                self.others |= of != row;
                out.extend((of == row).then_some((column.1, hash)));
            }
        }
        out
    }

    /// Whether the columns have entries before `end` that no row asked for.
    pub fn others(&mut self, end: Row) -> bool {
        self.others || self.columns.values_mut().any(|entries| entries.peek().is_some_and(|(row, _)| *row < end))
    }
}
