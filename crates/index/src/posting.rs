//! Keys of postings and their chunks: the low 16 bits of the rows of one slice of 65 536 rows.

use std::collections::BTreeMap;
use std::ops::Bound;

use annuaire_base::text::fold;
use heed::{RoTxn, RwTxn};
use roaring::RoaringBitmap;
use xxhash_rust::xxh3::xxh3_128;

use crate::{Dbs, Error, ParamId, Resource, Row, Term, TypeId};

/// What a posting is about.
pub mod class {
    pub const TYPE: u8 = 0;
    pub const PRESENT: u8 = 1;
    pub const SYSTEM_CODE: u8 = 2;
    pub const CODE: u8 = 3;
    pub const SYSTEM: u8 = 4;
    pub const FOLDED: u8 = 5;
    pub const RAW: u8 = 6;
    pub const REFERENCE: u8 = 7;
    pub const URI: u8 = 8;
    /// Rows whose instant is not that of their transaction, all of them (no value) or by instant.
    pub const DATED: u8 = 9;
}

/// Longest value kept whole in a key (LMDB bounds keys to 511 bytes).
const WHOLE: usize = 480;
/// What is kept of a longer one, before a mark and its hash.
const KEPT: usize = 400;
/// Mark never produced by [`escape`].
const MARK: [u8; 2] = [1, 3];
/// Bytes of a chunk as a bitmap; a list is always shorter.
const BITMAP: usize = 8192;

/// Frees byte 0, which ends values: `0` becomes `1 1` and `1` becomes `1 2`.
fn escape(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            0 | 1 => out.extend([1, byte + 1]),
            _ => out.push(byte),
        }
    }
}

fn unescape(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        out.push(if byte == 1 { bytes.next().map_or(1, |b| b.wrapping_sub(1)) } else { byte });
    }
    out
}

/// Shortens a value too long for a key, and returns its hash if it was.
fn bound(value: &mut Vec<u8>) -> Option<String> {
    if value.len() <= WHOLE {
        return None;
    }
    let hash = format!("{:032x}", xxh3_128(value));
    value.truncate(KEPT);
    value.extend(MARK);
    value.extend(hash.as_bytes());
    Some(hash)
}

fn join(parts: &[&str]) -> Vec<u8> {
    let mut value = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            value.push(0);
        }
        escape(part.as_bytes(), &mut value);
    }
    value
}

/// Key of a posting, up to the number of the chunk.
pub fn key(ty: TypeId, param: ParamId, class: u8, parts: &[&str]) -> Vec<u8> {
    let mut value = join(parts);
    bound(&mut value);
    finish(ty, param, class, &value)
}

fn finish(ty: TypeId, param: ParamId, class: u8, value: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(value.len() + 6);
    key.extend([ty, param, class]);
    key.extend(value);
    key.push(0);
    key
}

/// Key of a resource in the ids.
pub fn id_key(ty: TypeId, id: &str) -> Vec<u8> {
    let mut value = id.as_bytes().to_vec();
    bound(&mut value);
    value.insert(0, ty);
    value
}

/// Postings of a batch, written in key order.
#[derive(Default)]
pub struct Postings {
    chunks: BTreeMap<Vec<u8>, Vec<u16>>,
    longs: BTreeMap<String, Vec<u8>>,
}

impl Postings {
    fn push(&mut self, mut key: Vec<u8>, row: Row) {
        let [a, b, c, d] = row.to_be_bytes();
        key.extend([a, b]);
        let (low, list) = (u16::from_be_bytes([c, d]), self.chunks.entry(key).or_default());
        if list.last() != Some(&low) {
            list.push(low);
        }
    }

    pub fn add(&mut self, row: Row, resource: &Resource) {
        let ty = resource.ty;
        self.push(key(ty, 0, class::TYPE, &[]), row);
        for term in &resource.terms {
            let param = match term {
                Term::Token { param, system, code } => {
                    self.push(key(ty, *param, class::SYSTEM_CODE, &[system, code]), row);
                    self.push(key(ty, *param, class::CODE, &[code]), row);
                    self.push(key(ty, *param, class::SYSTEM, &[system]), row);
                    param
                }
                Term::Text { param, value } => {
                    self.push(key(ty, *param, class::RAW, &[value]), row);
                    let whole = join(&[&fold(value)]);
                    let mut short = whole.clone();
                    if let Some(hash) = bound(&mut short) {
                        self.longs.insert(hash, whole);
                    }
                    self.push(finish(ty, *param, class::FOLDED, &short), row);
                    param
                }
                Term::Reference { param, target } => {
                    self.push(key(ty, *param, class::REFERENCE, &[target]), row);
                    param
                }
                Term::Uri { param, value } => {
                    self.push(key(ty, *param, class::URI, &[value]), row);
                    param
                }
            };
            self.push(key(ty, *param, class::PRESENT, &[]), row);
        }
    }

    /// A row with an instant of its own.
    pub fn dated(&mut self, row: Row, ty: TypeId, ms: i64) {
        self.push(key(ty, 0, class::DATED, &[]), row);
        self.push(dated_key(ty, ms), row);
    }

    /// Merges the batch into the file. Its rows follow all those already there.
    pub fn flush(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>) -> Result<(), Error> {
        for (hash, whole) in std::mem::take(&mut self.longs) {
            dbs.longs.put(txn, hash.as_bytes(), &whole)?;
        }
        for (key, lows) in std::mem::take(&mut self.chunks) {
            let mut chunk = dbs.posts.get(txn, &key)?.unwrap_or_default().to_vec();
            append(&mut chunk, &lows);
            dbs.posts.put(txn, &key, &chunk)?;
        }
        Ok(())
    }
}

fn append(chunk: &mut Vec<u8>, lows: &[u16]) {
    if chunk.len() + 2 * lows.len() < BITMAP {
        chunk.extend(lows.iter().flat_map(|low| low.to_le_bytes()));
        return;
    }
    if chunk.len() < BITMAP {
        let mut bits = vec![0; BITMAP];
        list(chunk).for_each(|low| set(&mut bits, low));
        *chunk = bits;
    }
    lows.iter().for_each(|&low| set(chunk, low));
}

fn set(bits: &mut [u8], low: u16) {
    bits[usize::from(low >> 3)] |= 1 << (low & 7);
}

fn list(chunk: &[u8]) -> impl Iterator<Item = u16> {
    chunk.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
}

/// Adds to a set the rows of a chunk.
fn collect(key: &[u8], chunk: &[u8], rows: &mut RoaringBitmap) -> Result<(), Error> {
    let &[a, b] = key.last_chunk().ok_or(Error::Corrupt("key of a posting"))?;
    let base = Row::from_be_bytes([a, b, 0, 0]);
    if chunk.len() == BITMAP {
        *rows |= RoaringBitmap::from_lsb0_bytes(base, chunk);
    } else {
        rows.extend(list(chunk).map(|low| base | Row::from(low)));
    }
    Ok(())
}

/// Rows of one posting.
pub fn read(dbs: &Dbs, txn: &RoTxn<'_>, key: &[u8]) -> Result<RoaringBitmap, Error> {
    let mut rows = RoaringBitmap::new();
    for item in dbs.posts.prefix_iter(txn, key)? {
        let (key, chunk) = item?;
        collect(key, chunk, &mut rows)?;
    }
    Ok(rows)
}

/// Rows with a raw text within bounds, the second excluded. Reads the postings of the range.
pub fn read_between(
    dbs: &Dbs,
    txn: &RoTxn<'_>,
    (ty, param): (TypeId, ParamId),
    from: Option<&str>,
    before: Option<&str>,
) -> Result<RoaringBitmap, Error> {
    let start = |text: &str| {
        let mut key = vec![ty, param, class::RAW];
        escape(text.as_bytes(), &mut key);
        key
    };
    let first = start(from.unwrap_or_default());
    let last = before.map_or_else(|| vec![ty, param, class::RAW + 1], start);
    let mut rows = RoaringBitmap::new();
    if first >= last {
        return Ok(rows);
    }
    for item in dbs.posts.range(txn, &(Bound::Included(&first[..]), Bound::Excluded(&last[..])))? {
        let (key, chunk) = item?;
        collect(key, chunk, &mut rows)?;
    }
    Ok(rows)
}

/// Key of the rows of one instant. Sixteen hexadecimal digits, so that keys sort as instants do.
fn dated_key(ty: TypeId, ms: i64) -> Vec<u8> {
    let sortable = ms.cast_unsigned() ^ (1 << 63);
    finish(ty, 0, class::DATED, format!("{sortable:016x}").as_bytes())
}

/// Rows with an instant of their own within bounds, the second excluded. Reads the postings of the range.
pub fn read_dated(
    dbs: &Dbs,
    txn: &RoTxn<'_>,
    ty: TypeId,
    from: Option<i64>,
    before: Option<i64>,
) -> Result<RoaringBitmap, Error> {
    let first = dated_key(ty, from.unwrap_or(i64::MIN));
    let last = before.map_or_else(|| vec![ty, 0, class::DATED + 1], |ms| dated_key(ty, ms));
    let mut rows = RoaringBitmap::new();
    for item in dbs.posts.range(txn, &(Bound::Included(&first[..]), Bound::Excluded(&last[..])))? {
        let (key, chunk) = item?;
        collect(key, chunk, &mut rows)?;
    }
    Ok(rows)
}

/// Rows with a folded text that starts with, or contains, a folded value.
pub fn read_texts(
    dbs: &Dbs,
    txn: &RoTxn<'_>,
    (ty, param): (TypeId, ParamId),
    wanted: &str,
    anywhere: bool,
) -> Result<RoaringBitmap, Error> {
    let wanted = fold(wanted);
    let mut start = vec![ty, param, class::FOLDED];
    if !anywhere {
        escape(wanted.as_bytes(), &mut start);
        start.truncate(3 + KEPT);
    }
    let mut rows = RoaringBitmap::new();
    let mut known: (&[u8], bool) = (&[], false);
    for item in dbs.posts.prefix_iter(txn, &start)? {
        let (key, chunk) = item?;
        let value = key.get(3..key.len().saturating_sub(3)).ok_or(Error::Corrupt("key of a text"))?;
        // A value over several chunks is decided once. Keys are never empty of value twice.
        if known.0.is_empty() || known.0 != value {
            known = (value, matches(dbs, txn, value, &wanted, anywhere)?);
        }
        if known.1 {
            collect(key, chunk, &mut rows)?;
        }
    }
    Ok(rows)
}

fn matches(dbs: &Dbs, txn: &RoTxn<'_>, value: &[u8], wanted: &str, anywhere: bool) -> Result<bool, Error> {
    let value = match value.get(KEPT..KEPT + MARK.len()) {
        Some(mark) if mark == MARK => dbs.longs.get(txn, &value[KEPT + MARK.len()..])?.ok_or(Error::Corrupt("long value"))?,
        _ => value,
    };
    let plain;
    let value = if value.contains(&1) {
        plain = unescape(value);
        &plain
    } else {
        value
    };
    let value = std::str::from_utf8(value).map_err(|_| Error::Corrupt("text of a posting"))?;
    Ok(if anywhere { value.contains(wanted) } else { value.starts_with(wanted) })
}

/// Removes every row from `end` on. Reads all the postings: only after an interruption.
pub fn discard_from(dbs: &Dbs, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
    let mut changed = Vec::new();
    for item in dbs.posts.iter(txn)? {
        let (key, chunk) = item?;
        let &[a, b] = key.last_chunk().ok_or(Error::Corrupt("key of a posting"))?;
        if Row::from_be_bytes([a, b, 0xff, 0xff]) < end {
            continue;
        }
        let mut rows = RoaringBitmap::new();
        collect(key, chunk, &mut rows)?;
        if rows.remove_range(end..) > 0 {
            let lows: Vec<u16> = rows.iter().map(|row| (row & 0xffff) as u16).collect();
            changed.push((key.to_vec(), lows));
        }
    }
    for (key, lows) in changed {
        if lows.is_empty() {
            dbs.posts.delete(txn, &key)?;
        } else {
            let mut chunk = Vec::new();
            append(&mut chunk, &lows);
            dbs.posts.put(txn, &key, &chunk)?;
        }
    }
    Ok(())
}
