//! Terms in the store: blocks of keys, and sets cut in slices of 65 536 rows for the values that many rows have.

use std::ops::Bound;

use annuaire_base::text::fold;
use heed::{PutFlags, RoTxn, RwTxn};
use memchr::memmem;
use roaring::RoaringBitmap;

use crate::block::{self, BLOCK, Builder, Entries, INLINE, Rows};
use crate::budget::{self, Meter};
use crate::key::{self, class};
use crate::spill::Sorted;
use crate::{Dbs, Error, Row, chunk};
use annuaire_terms::{ParamId, TypeId};

/// Bytes of a slice as a bitmap; a list is always shorter.
const BITMAP: usize = 8192;
/// Blocks written between two commits of a long write.
const COMMIT: usize = 20_000;
/// Key of the first block: before all others.
const START: [u8; 1] = [0];

/// Adds sorted terms to the store; all their rows follow those already there. Returns the last transaction, not yet committed.
pub fn write<'e>(
    dbs: &Dbs,
    begin: &dyn Fn() -> Result<RwTxn<'e>, Error>,
    mut txn: RwTxn<'e>,
    mut terms: Sorted,
) -> Result<RwTxn<'e>, Error> {
    let (mut term, mut rows) = (Vec::new(), Vec::new());
    let mut more = terms.next(&mut term, &mut rows)?;
    let mut written = 0;
    if dbs.terms.is_empty(&txn)? {
        // Nothing there: blocks follow each other at the end of the tree.
        let mut builder = Builder::new(START.to_vec());
        while more {
            let inline = if rows.len() <= INLINE {
                rows.as_slice()
            } else {
                append_set(dbs, &mut txn, &term, &rows, PutFlags::APPEND)?;
                &[]
            };
            if let Some((start, block)) = builder.push(&term, inline) {
                dbs.terms.put_with_flags(&mut txn, PutFlags::APPEND, &start, &block)?;
                written += 1;
                if written % COMMIT == 0 {
                    // A tree that is not empty any more is only appended to by this loop: nobody else writes.
                    txn.commit()?;
                    txn = begin()?;
                }
            }
            more = terms.next(&mut term, &mut rows)?;
        }
        if let Some((start, block)) = builder.finish() {
            dbs.terms.put_with_flags(&mut txn, PutFlags::APPEND, &start, &block)?;
        }
        return Ok(txn);
    }
    while more {
        let (start, block) = dbs.terms.get_lower_than_or_equal_to(&txn, &term)?.ok_or(Error::Corrupt("first block of terms"))?;
        let (start, block) = (start.to_vec(), block.to_vec());
        let end = dbs.terms.get_greater_than(&txn, &start)?.map(|next| next.0.to_vec());
        let mut builder = Builder::new(start.clone());
        let mut out = Vec::new();
        let mut old = Entries::new(&block);
        let mut entry = old.next()?;
        let mut list = Vec::new();
        loop {
            let inside = more && end.as_ref().is_none_or(|end| term < *end);
            let (keep, add) = match (&entry, inside) {
                (None, false) => break,
                (Some(_), false) => (true, false),
                (None, true) => (false, true),
                (Some(_), true) => (old.key <= term, term <= old.key),
            };
            list.clear();
            let mut set = false;
            if keep && let Some(rows) = entry {
                rows.extend(&mut list)?;
                set = matches!(rows, Rows::Set);
            }
            let key = if keep { old.key.clone() } else { term.clone() };
            if add {
                if set {
                    append_set(dbs, &mut txn, &key, &rows, PutFlags::empty())?;
                } else {
                    list.extend_from_slice(&rows);
                    if list.len() > INLINE {
                        append_set(dbs, &mut txn, &key, &list, PutFlags::empty())?;
                        list.clear();
                    }
                }
            }
            out.extend(builder.push(&key, &list));
            if keep {
                entry = old.next()?;
            }
            if add {
                more = terms.next(&mut term, &mut rows)?;
            }
        }
        out.extend(builder.finish());
        for (start, block) in out {
            dbs.terms.put(&mut txn, &start, &block)?;
            written += 1;
        }
        if written >= COMMIT {
            written = 0;
            txn.commit()?;
            txn = begin()?;
        }
    }
    Ok(txn)
}

/// Appends ascending rows to a set.
fn append_set(dbs: &Dbs, txn: &mut RwTxn<'_>, term: &[u8], rows: &[Row], flags: PutFlags) -> Result<(), Error> {
    let mut rest = rows;
    let mut key = term.to_vec();
    while let Some(first) = rest.first() {
        let slice = first.get() >> 16;
        let (these, after) = rest.split_at(rest.partition_point(|row| row.get() >> 16 == slice));
        rest = after;
        key.truncate(term.len());
        key.extend((slice as u16).to_be_bytes());
        let mut chunk =
            if flags == PutFlags::APPEND { Vec::new() } else { dbs.sets.get(txn, &key)?.unwrap_or_default().to_vec() };
        append(&mut chunk, these);
        dbs.sets.put_with_flags(txn, flags, &key, &chunk)?;
    }
    Ok(())
}

fn append(chunk: &mut Vec<u8>, rows: &[Row]) {
    if chunk.len() + 2 * rows.len() < BITMAP {
        chunk.extend(rows.iter().flat_map(|row| (row.get() as u16).to_le_bytes()));
        return;
    }
    if chunk.len() < BITMAP {
        let mut bits = vec![0; BITMAP];
        list(chunk).for_each(|low| set(&mut bits, low));
        *chunk = bits;
    }
    rows.iter().for_each(|&row| set(chunk, row.get() as u16));
}

fn set(bits: &mut [u8], low: u16) {
    bits[usize::from(low >> 3)] |= 1 << (low & 7);
}

fn list(chunk: &[u8]) -> impl Iterator<Item = u16> {
    chunk.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
}

/// First row that a slice can hold.
fn first_of(key: &[u8]) -> Result<Row, Error> {
    let &[a, b] = key.last_chunk().ok_or(Error::Corrupt("key of a set"))?;
    Ok(Row::new(u32::from_be_bytes([a, b, 0, 0])))
}

/// Adds to a set the rows of a slice.
fn collect(key: &[u8], chunk: &[u8], rows: &mut RoaringBitmap) -> Result<(), Error> {
    let base = first_of(key)?.get();
    if chunk.len() == BITMAP {
        *rows |= RoaringBitmap::from_lsb0_bytes(base, chunk);
    } else if rows.max().is_none_or(|max| max < base) {
        let ascending = RoaringBitmap::from_sorted_iter(list(chunk).map(|low| base | u32::from(low)));
        *rows |= ascending.map_err(|_| Error::Corrupt("slice of a set"))?;
    } else {
        rows.extend(list(chunk).map(|low| base | u32::from(low)));
    }
    Ok(())
}

/// Whether a slice is whole and its rows are in order.
pub fn check_slice(key: &[u8], chunk: &[u8]) -> Result<(), Error> {
    let listed = chunk.len() != BITMAP;
    if listed && (chunk.is_empty() || !chunk.len().is_multiple_of(2) || !list(chunk).is_sorted_by(|a, b| a < b)) {
        return Err(Error::Corrupt("slice of a set"));
    }
    collect(key, chunk, &mut RoaringBitmap::new())
}

/// Whether a term is there and its rows are in the sets.
pub fn is_set(dbs: &Dbs, txn: &RoTxn<'_>, term: &[u8]) -> Result<bool, Error> {
    Ok(matches!(find(dbs, txn, term)?, Some(Rows::Set)))
}

/// What the block of a term says of it.
fn find<'t>(dbs: &Dbs, txn: &'t RoTxn<'_>, term: &[u8]) -> Result<Option<Rows<'t>>, Error> {
    let Some((_, block)) = dbs.terms.get_lower_than_or_equal_to(txn, term)? else { return Ok(None) };
    let mut entries = Entries::new(block);
    let rows = entries.seek(term)?;
    Ok(rows.filter(|_| entries.key == term))
}

fn read_set(dbs: &Dbs, txn: &RoTxn<'_>, term: &[u8]) -> Result<RoaringBitmap, Error> {
    let mut rows = RoaringBitmap::new();
    for item in dbs.sets.prefix_iter(txn, term)? {
        let (key, chunk) = item?;
        collect(key, chunk, &mut rows)?;
    }
    Ok(rows)
}

/// Most rows sorted one by one; of more, a bit each is set in a bitmap of the whole store, a megabyte for a country.
const SORTED: usize = if cfg!(test) { 16 } else { 8_192 };
/// Most sets united one by one; the rows of more are bits of the same bitmap. Both ways are taken in tests.
const FEW: usize = if cfg!(test) { 1 } else { 8 };

/// Rows gathered from many terms: few of each are sorted together, few sets are united, and the rest is bits.
#[derive(Default)]
struct Union {
    few: Vec<Row>,
    sets: usize,
    many: RoaringBitmap,
    /// A bit for each row of the store, once it pays.
    bits: Vec<u8>,
}

impl Union {
    fn add(&mut self, dbs: &Dbs, txn: &RoTxn<'_>, key: &[u8], rows: Rows<'_>) -> Result<(), Error> {
        if let Rows::Inline(..) = rows {
            rows.extend(&mut self.few)?;
            return if self.few.len() > SORTED { self.settle(dbs, txn) } else { Ok(()) };
        }
        self.sets += 1;
        if self.sets <= FEW {
            self.many |= read_set(dbs, txn, key)?;
            return Ok(());
        }
        let all = self.bits(dbs, txn)?;
        for item in dbs.sets.prefix_iter(txn, key)? {
            let (key, chunk) = item?;
            let first = first_of(key)?.get() as usize / 8;
            let bits = all.get_mut(first..first + BITMAP).ok_or(Error::Corrupt("row of a term"))?;
            if chunk.len() == BITMAP {
                bits.iter_mut().zip(chunk).for_each(|(all, these)| *all |= these);
            } else {
                list(chunk).for_each(|low| set(bits, low));
            }
        }
        Ok(())
    }

    /// The bitmap, made when it is first asked for: at once, since growing it costs more than filling it.
    fn bits(&mut self, dbs: &Dbs, txn: &RoTxn<'_>) -> Result<&mut Vec<u8>, Error> {
        if self.bits.is_empty() {
            let last = chunk::last(dbs, txn)?.unwrap_or(Row::FIRST).get();
            self.bits = vec![0; ((last >> 16) as usize + 1) * BITMAP];
        }
        Ok(&mut self.bits)
    }

    /// Makes bits of the few rows.
    fn settle(&mut self, dbs: &Dbs, txn: &RoTxn<'_>) -> Result<(), Error> {
        let mut few = std::mem::take(&mut self.few);
        let bits = self.bits(dbs, txn)?;
        for row in few.drain(..) {
            *bits.get_mut((row.get() >> 3) as usize).ok_or(Error::Corrupt("row of a term"))? |= 1 << (row.get() & 7);
        }
        self.few = few;
        Ok(())
    }

    fn rows(mut self) -> RoaringBitmap {
        if !self.bits.is_empty() {
            self.many |= RoaringBitmap::from_lsb0_bytes(0, &self.bits);
        }
        if !self.few.is_sorted_by(|a, b| a < b) {
            self.few.sort_unstable();
            self.few.dedup();
        }
        // Ascending without doubles by now.
        self.many | RoaringBitmap::from_sorted_iter(self.few.into_iter().map(Row::get)).unwrap_or_default()
    }
}

/// Takes a term and its rows; false when that is enough.
type Visitor<'v, 't> = dyn FnMut(&[u8], Rows<'t>) -> Result<bool, Error> + 'v;

/// Visits the terms from the key `from` on, in order, until `each` says enough; only blocks that start before `until` and that
/// `wanted` asks for.
fn visit<'t>(
    dbs: &Dbs,
    txn: &'t RoTxn<'_>,
    (from, until): (&[u8], Bound<&[u8]>),
    meter: &Meter,
    wanted: &dyn Fn(&[u8]) -> bool,
    each: &mut Visitor<'_, 't>,
) -> Result<(), Error> {
    let start = match dbs.terms.get_lower_than_or_equal_to(txn, from)? {
        Some((start, _)) => start,
        None => return Ok(()),
    };
    for item in dbs.terms.range(txn, &(Bound::Included(start), until))? {
        let (_, block) = item?;
        if !wanted(block) {
            meter.spend(budget::PASSED)?;
            continue;
        }
        meter.spend(budget::BLOCK)?;
        let mut entries = Entries::new(block);
        // Only the first block has keys before those asked.
        let mut next = entries.seek(from)?;
        while let Some(rows) = next {
            if !each(&entries.key, rows)? {
                return Ok(());
            }
            next = entries.next()?;
        }
    }
    Ok(())
}

/// All blocks.
fn all(_: &[u8]) -> bool {
    true
}

/// Rows of one term.
pub fn read(dbs: &Dbs, txn: &RoTxn<'_>, term: &[u8]) -> Result<RoaringBitmap, Error> {
    let mut union = Union::default();
    if let Some(rows) = find(dbs, txn, term)? {
        union.add(dbs, txn, term, rows)?;
    }
    Ok(union.rows())
}

/// The last row of a term below `end`. Of few rows it costs less than reading them all.
pub fn last(dbs: &Dbs, txn: &RoTxn<'_>, term: &[u8], end: Row) -> Result<Option<Row>, Error> {
    match find(dbs, txn, term)? {
        None => Ok(None),
        Some(Rows::Set) => {
            let mut rows = read_set(dbs, txn, term)?;
            rows.remove_range(end.get()..);
            Ok(rows.max().map(Row::new))
        }
        Some(rows) => {
            let mut list = Vec::new();
            rows.extend(&mut list)?;
            Ok(list.into_iter().rev().find(|row| *row < end))
        }
    }
}

/// Rows of all the terms that start with a key.
pub fn read_prefix(dbs: &Dbs, txn: &RoTxn<'_>, meter: &Meter, start: &[u8]) -> Result<RoaringBitmap, Error> {
    let mut union = Union::default();
    visit(dbs, txn, (start, Bound::Unbounded), meter, &all, &mut |key, rows| {
        let inside = key.starts_with(start);
        if inside {
            union.add(dbs, txn, key, rows)?;
        }
        Ok(inside)
    })?;
    Ok(union.rows())
}

/// Rows of the terms from `first` on, before `last`.
fn read_range(dbs: &Dbs, txn: &RoTxn<'_>, meter: &Meter, first: &[u8], last: &[u8]) -> Result<RoaringBitmap, Error> {
    let mut union = Union::default();
    visit(dbs, txn, (first, Bound::Excluded(last)), meter, &all, &mut |key, rows| {
        let inside = key < last;
        if inside {
            union.add(dbs, txn, key, rows)?;
        }
        Ok(inside)
    })?;
    Ok(union.rows())
}

/// Rows with a text within bounds, the second excluded; folded forms are compared. Reads the terms of the range.
pub fn read_between(
    dbs: &Dbs,
    txn: &RoTxn<'_>,
    meter: &Meter,
    (ty, param): (TypeId, ParamId),
    from: Option<&str>,
    before: Option<&str>,
) -> Result<RoaringBitmap, Error> {
    let first = key::text_start(ty, param, &fold(from.unwrap_or_default()));
    let last =
        before.map_or_else(|| vec![ty.get(), param.get(), class::TEXT + 1], |text| key::text_start(ty, param, &fold(text)));
    read_range(dbs, txn, meter, &first, &last)
}

/// Rows with an instant of their own within bounds, the second excluded. Reads the terms of the range.
pub fn read_dated(
    dbs: &Dbs,
    txn: &RoTxn<'_>,
    meter: &Meter,
    ty: TypeId,
    from: Option<i64>,
    before: Option<i64>,
) -> Result<RoaringBitmap, Error> {
    let first = key::instant(ty, from.unwrap_or(i64::MIN));
    let last = before.map_or_else(|| vec![ty.get(), 0, class::INSTANT + 1], |ms| key::instant(ty, ms));
    read_range(dbs, txn, meter, &first, &last)
}

/// Rows with a folded text that starts with, or contains, a folded value.
///
/// Starting: reads the terms of the range, so that a longer value never costs more. Containing: passes over the blocks whose
/// filter excludes the value, and looks at every text of the others; a value of one or two letters excludes nothing.
pub fn read_texts(
    dbs: &Dbs,
    txn: &RoTxn<'_>,
    meter: &Meter,
    (ty, param): (TypeId, ParamId),
    wanted: &str,
    anywhere: bool,
) -> Result<RoaringBitmap, Error> {
    let wanted = fold(wanted);
    let start = key::text_start(ty, param, &wanted);
    if !anywhere && start.len() < 3 + key::KEPT {
        // The key says it all.
        return read_prefix(dbs, txn, meter, &start);
    }
    let mut escaped = Vec::new();
    key::escape(wanted.as_bytes(), &mut escaped);
    let first = [ty.get(), param.get(), class::TEXT];
    let last = [ty.get(), param.get(), class::TEXT + 1];
    let start = if anywhere { first.to_vec() } else { start };
    let finder = memmem::Finder::new(&wanted);
    // A text with control characters is compared as it was; such a value excludes no block.
    let plain = wanted.bytes().all(|b| b > 2);
    let bits: Vec<usize> = if anywhere && plain { block::bits(&escaped).collect() } else { Vec::new() };
    let mut union = Union::default();
    let blocks = |block: &[u8]| bits.is_empty() || block::may_contain(block, &bits);
    visit(dbs, txn, (&start, Bound::Excluded(&last)), meter, &blocks, &mut |term, rows| {
        if !term.starts_with(&start) {
            return Ok(false);
        }
        let end = memchr::memchr(0, &term[3..]).ok_or(Error::Corrupt("key of a text"))?;
        let value = &term[3..3 + end];
        let found = |text: &[u8]| {
            let unescaped;
            let text = if plain || memchr::memchr(1, text).is_none() {
                text
            } else {
                unescaped = key::unescape(text);
                &unescaped
            };
            if anywhere { finder.find(text).is_some() } else { text.starts_with(wanted.as_bytes()) }
        };
        let kept = match value.get(key::KEPT..key::KEPT + key::MARK.len()) {
            Some(mark) if mark == key::MARK => {
                let hash = &value[key::KEPT + key::MARK.len()..];
                found(dbs.longs.get(txn, hash)?.ok_or(Error::Corrupt("long value"))?)
            }
            _ => found(value),
        };
        if kept {
            union.add(dbs, txn, term, rows)?;
        }
        Ok(true)
    })?;
    Ok(union.rows())
}

/// The rows of the identifiers of a type from a key on (or before it, backwards), in order, until `each` says enough.
pub fn ids(
    dbs: &Dbs,
    txn: &RoTxn<'_>,
    meter: &Meter,
    ty: TypeId,
    after: Option<&[u8]>,
    down: bool,
    each: &mut dyn FnMut(&RoaringBitmap) -> bool,
) -> Result<(), Error> {
    let (first, last) = (vec![ty.get(), 0, class::ID], vec![ty.get(), 0, class::ID + 1]);
    let inside = |key: &[u8]| key.starts_with(&first) && after.is_none_or(|a| if down { key < a } else { key > a });
    if !down {
        return visit(dbs, txn, (after.unwrap_or(&first), Bound::Excluded(&last)), meter, &all, &mut |key, rows| {
            if !key.starts_with(&first) {
                return Ok(false);
            }
            if !inside(key) {
                return Ok(true);
            }
            let mut union = Union::default();
            union.add(dbs, txn, key, rows)?;
            Ok(each(&union.rows()))
        });
    }
    let high = after.unwrap_or(&last);
    for item in dbs.terms.rev_range(txn, &(Bound::Unbounded, Bound::Included(high)))? {
        meter.spend(budget::BLOCK)?;
        let mut entries = Entries::new(item?.1);
        let mut block = Vec::new();
        let mut before = false;
        while let Some(rows) = entries.next()? {
            before |= entries.key < first;
            if inside(&entries.key) {
                let mut union = Union::default();
                union.add(dbs, txn, &entries.key, rows)?;
                block.push(union.rows());
            }
        }
        if block.iter().rev().any(|rows| !each(rows)) || before {
            break;
        }
    }
    Ok(())
}

/// Removes every row from `end` on. Reads all the terms: only after an interruption.
pub fn discard_from(dbs: &Dbs, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
    let mut changed = Vec::new();
    for item in dbs.sets.iter(txn)? {
        let (key, chunk) = item?;
        if first_of(key)?.get() | 0xffff < end.get() {
            continue;
        }
        let mut rows = RoaringBitmap::new();
        collect(key, chunk, &mut rows)?;
        if rows.remove_range(end.get()..) > 0 {
            let mut chunk = Vec::new();
            append(&mut chunk, &rows.iter().map(Row::new).collect::<Vec<_>>());
            changed.push((key.to_vec(), chunk));
        }
    }
    for (key, chunk) in changed {
        if chunk.is_empty() {
            dbs.sets.delete(txn, &key)?;
        } else {
            dbs.sets.put(txn, &key, &chunk)?;
        }
    }
    let mut blocks = Vec::new();
    for item in dbs.terms.iter(txn)? {
        let (start, block) = item?;
        let (mut entries, mut list, mut late) = (Entries::new(block), Vec::new(), false);
        let mut builder = Builder::new(start.to_vec());
        while let Some(rows) = entries.next()? {
            list.clear();
            rows.extend(&mut list)?;
            let kept = list.partition_point(|row| *row < end);
            late |= kept < list.len();
            list.truncate(kept);
            if kept > 0 || matches!(rows, Rows::Set) {
                // What was in a block still fits it.
                let _ = builder.push(&entries.key, &list);
            }
        }
        if late {
            // An empty block stays: it is where its keys will come back.
            blocks.push((start.to_vec(), builder.finish().map(|b| b.1).unwrap_or_default()));
        }
    }
    for (start, block) in blocks {
        debug_assert!(block.len() <= BLOCK);
        dbs.terms.put(txn, &start, &block)?;
    }
    Ok(())
}
