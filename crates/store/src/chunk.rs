//! For backends: rows of the log in chunks.
//!
//! A chunk holds consecutive rows of one transaction and one owner as two values. `keys` says what the rows are about, in clear and
//! front-coded, so that listing what is known reads no content. `contents` is the number of a dictionary and one zstd frame of
//! all payloads. Both carry a checksum.
//!
//! Measured on the generated nation (16 KiB of payloads a chunk, `zstd -b`): level 1 with the dictionary leaves 1/14 of the payloads
//! at 424 MB/s, level 3 1/13 at 388 MB/s, level 6 1/16 at 48 MB/s, level 9 1/18 at 31 MB/s. A single payload shrinks to 1/5.5 with the
//! dictionary and to 1/1.6 without.

use crate::proof::{self, Hash, Salt};
use crate::{Error, limits};
use annuaire_base::fact::{Publication, VersionContent};
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;
use xxhash_rust::xxh3::xxh3_64;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

mod varint;

/// A row of the log: a version of a fact, with what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedRow {
    /// Entity key.
    pub entity: String,
    /// Facet.
    pub facet: String,
    /// What the version says.
    pub content: VersionContent,
    /// Fingerprint given with it, zero when none was given.
    pub fingerprint: u64,
    /// Its part in the Merkle tree.
    pub proof: RowProof,
}

/// What makes the leaf of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowProof {
    /// The leaf is computed from the row and this salt.
    Salt(Salt),
    /// The leaf itself: the row was withdrawn, salt and content are gone.
    Leaf(Hash),
}

impl PackedRow {
    /// Its leaf, as a row of `owner`.
    #[must_use]
    pub fn leaf(&self, owner: &str) -> Hash {
        let payload = match &self.content {
            VersionContent::Stands { payload, .. } => payload,
            _ => "",
        };
        match &self.proof {
            RowProof::Salt(salt) => proof::leaf(owner, &self.entity, &self.facet, salt, proof::flag(&self.content), payload),
            RowProof::Leaf(leaf) => *leaf,
        }
    }

    /// Destroys content and salt (WDR-1). The leaf stays.
    pub fn withdraw(&mut self, owner: &str) {
        self.proof = RowProof::Leaf(self.leaf(owner));
        self.content = VersionContent::Withdrawn;
        self.fingerprint = 0;
    }
}

/// A chunk as a database stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Number of rows.
    pub rows: u64,
    /// Entity of the first row.
    pub first: String,
    /// Entity of the last row.
    pub last: String,
    /// What the rows are about.
    pub keys: Vec<u8>,
    /// What they say, compressed.
    pub contents: Vec<u8>,
}

/// Bytes that are no chunk, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAChunk(&'static str);

impl NotAChunk {
    /// The error of a registry that found them at this place.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Error {
        Error::Damaged(format!("{place}: {self}"))
    }
}

impl fmt::Display for NotAChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what is stored there is not a chunk of the log ({})", self.0)
    }
}

/// First byte of keys.
const KEYS_FORMAT: u8 = 1;

/// Trained on payloads of the generated nation. It is part of the format: registries name it by its number, so it is never changed; a
/// better one gets the next number.
const DICTIONARY_1: &[u8] = include_bytes!("chunk_dictionary_1.bin");

/// First byte of contents.
const DICTIONARY: u8 = 1;

static COMPRESSION: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY_1, limits::COMPRESSION_LEVEL));
static DECOMPRESSION: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY_1));

thread_local! {
    // A context takes some hundred kilobytes, which a thread allocates once. `None`: zstd could not make one.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = RefCell::new(compressor().ok());
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = RefCell::new(Decompressor::with_prepared_dictionary(&DECOMPRESSION).ok());
}

fn compressor() -> std::io::Result<Compressor<'static>> {
    let mut compressor = Compressor::with_prepared_dictionary(&COMPRESSION)?;
    compressor.include_checksum(true)?;
    Ok(compressor)
}

/// Encodes rows that are ordered by entity and facet, at least one.
///
/// # Errors
/// [`Error::Database`] when memory is short, or the rows are more than a chunk can hold.
pub fn encode(rows: &[PackedRow]) -> crate::Result<Encoded> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Err(Error::Database("a chunk without rows".into()));
    };
    let mut keys = Vec::with_capacity(rows.len() * 48);
    keys.push(KEYS_FORMAT);
    varint::write(&mut keys, rows.len());
    let mut payloads = String::new();
    let mut before: &str = "";
    for row in rows {
        let shared = before.bytes().zip(row.entity.bytes()).take_while(|(a, b)| a == b).count();
        keys.push(proof::flag(&row.content) | if matches!(row.proof, RowProof::Leaf(_)) { HAS_LEAF } else { 0 });
        varint::write(&mut keys, shared);
        varint::write(&mut keys, row.entity.len() - shared);
        keys.extend_from_slice(&row.entity.as_bytes()[shared..]);
        varint::write(&mut keys, row.facet.len());
        keys.extend_from_slice(row.facet.as_bytes());
        if let VersionContent::Stands { payload, .. } = &row.content {
            varint::write(&mut keys, payload.len());
            payloads.push_str(payload);
        }
        keys.extend_from_slice(&row.fingerprint.to_le_bytes());
        match &row.proof {
            RowProof::Salt(salt) => keys.extend_from_slice(salt),
            RowProof::Leaf(leaf) => keys.extend_from_slice(leaf),
        }
        before = &row.entity;
    }
    let sum = checksum(&keys);
    keys.extend_from_slice(&sum);
    if payloads.len() > limits::CHUNK_BYTES_MOST {
        return Err(Error::Rejected(format!(
            "{}: what is said of it takes {} bytes, more than {} in one write",
            first.entity,
            payloads.len(),
            limits::CHUNK_BYTES_MOST
        )));
    }
    let contents = if payloads.is_empty() { Vec::new() } else { compress(payloads.as_bytes())? };
    let rows = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    Ok(Encoded { rows, first: first.entity.clone(), last: last.entity.clone(), keys, contents })
}

/// Bit of a row's flags: a leaf follows instead of a salt.
const HAS_LEAF: u8 = 4;

fn checksum(keys: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = xxh3_64(keys).to_le_bytes();
    [a, b, c, d]
}

fn compress(payloads: &[u8]) -> crate::Result<Vec<u8>> {
    let failed = || Error::Database("no memory is left for compressing a chunk of the log".into());
    let mut contents = vec![DICTIONARY];
    let frame = COMPRESSOR.with_borrow_mut(|c| c.as_mut().and_then(|c| c.compress(payloads).ok())).ok_or_else(failed)?;
    contents.extend_from_slice(&frame);
    Ok(contents)
}

/// The keys of a chunk, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Entities and facets, one after the other.
    text: String,
    rows: Vec<RowPlace>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct RowPlace {
    entity: Range<u32>,
    /// The facet follows the entity.
    facet_end: u32,
    payload: Range<u32>,
    flag: u8,
    fingerprint: u64,
    proof: RowProof,
}

/// What the keys of a chunk say of a row.
#[derive(Debug, Clone, Copy)]
pub struct RowKey<'a> {
    /// Entity key.
    pub entity: &'a str,
    /// Facet.
    pub facet: &'a str,
    /// Publication of a fact that stands; `None`: it ends, or was withdrawn.
    pub stands: Option<Publication>,
    /// The version was withdrawn.
    pub withdrawn: bool,
    /// Fingerprint.
    pub fingerprint: u64,
}

impl Keys {
    /// Reads the keys of a chunk.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn read(keys: &[u8]) -> Result<Self, NotAChunk> {
        let (body, sum) = keys.split_last_chunk::<4>().ok_or(NotAChunk("its keys are cut"))?;
        if checksum(body) != *sum {
            return Err(NotAChunk("the checksum of its keys is wrong"));
        }
        let mut bytes = body;
        read_keys(&mut bytes).filter(|_| bytes.is_empty()).ok_or(NotAChunk("its keys make no sense"))
    }

    /// Bytes of all payloads.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        self.rows.last().map_or(0, |r| r.payload.end as usize)
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// False: a chunk has a row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes that it takes in memory, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.text.len() + self.rows.len() * size_of::<RowPlace>()
    }

    /// A row; `None` beyond the end.
    #[must_use]
    pub fn row(&self, at: usize) -> Option<RowKey<'_>> {
        let place = self.rows.get(at)?;
        let stands = publication(place.flag);
        let (entity, facet) = (self.slice(&place.entity), self.slice(&(place.entity.end..place.facet_end)));
        Some(RowKey { entity, facet, stands, withdrawn: place.flag == 3, fingerprint: place.fingerprint })
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        // Ranges are cut at the borders of texts when keys are read.
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// The rows of an entity.
    #[must_use]
    pub fn rows_of(&self, entity: &str) -> Range<usize> {
        let start = self.rows.partition_point(|r| self.slice(&r.entity) < entity);
        let len = self.rows[start..].partition_point(|r| self.slice(&r.entity) == entity);
        start..start + len
    }

    /// The first row whose entity follows `after`.
    #[must_use]
    pub fn after(&self, after: &str) -> usize {
        self.rows.partition_point(|r| self.slice(&r.entity) <= after)
    }

    /// The row of a fact.
    #[must_use]
    pub fn find(&self, entity: &str, facet: &str) -> Option<usize> {
        self.rows_of(entity).find(|at| self.row(*at).is_some_and(|r| r.facet == facet))
    }

    /// Decompresses the contents of the chunk.
    ///
    /// # Errors
    /// When they are damaged, or not those of these keys.
    pub fn contents(&self, contents: &[u8]) -> Result<String, NotAChunk> {
        let expected = self.payload_bytes();
        let payloads = match contents.split_first() {
            None => Vec::new(),
            Some((&DICTIONARY, frame)) => DECOMPRESSOR
                .with_borrow_mut(|d| d.as_mut().and_then(|d| d.decompress(frame, expected).ok()))
                .ok_or(NotAChunk("its contents cannot be decompressed"))?,
            Some(_) => return Err(NotAChunk("its contents name a dictionary that this program does not have")),
        };
        let payloads = String::from_utf8(payloads).map_err(|_| NotAChunk("its contents are no text"))?;
        let whole = |r: &RowPlace| payloads.is_char_boundary(r.payload.end as usize);
        if payloads.len() == expected && self.rows.iter().all(whole) {
            Ok(payloads)
        } else {
            Err(NotAChunk("its contents do not fit its keys"))
        }
    }

    /// The payload of a row within decompressed contents; empty unless the fact stands.
    #[must_use]
    pub fn payload<'a>(&self, contents: &'a str, at: usize) -> &'a str {
        self.rows.get(at).and_then(|r| contents.get(r.payload.start as usize..r.payload.end as usize)).unwrap_or_default()
    }

    /// What a row says, within decompressed contents.
    #[must_use]
    pub fn content(&self, contents: &str, at: usize) -> VersionContent {
        match self.row(at) {
            Some(RowKey { stands: Some(publication), .. }) => {
                VersionContent::Stands { payload: self.payload(contents, at).to_owned(), publication }
            }
            Some(RowKey { withdrawn: false, .. }) => VersionContent::Ends,
            _ => VersionContent::Withdrawn,
        }
    }

    /// All rows, from decompressed contents: what [`encode`] was given.
    #[must_use]
    pub fn rows(&self, contents: &str) -> Vec<PackedRow> {
        let row = |(at, place): (usize, &RowPlace)| PackedRow {
            entity: self.slice(&place.entity).to_owned(),
            facet: self.slice(&(place.entity.end..place.facet_end)).to_owned(),
            content: self.content(contents, at),
            fingerprint: place.fingerprint,
            proof: place.proof,
        };
        self.rows.iter().enumerate().map(row).collect()
    }

    /// Leaves of all rows, as rows of `owner`, from decompressed contents.
    pub fn leaves<'a>(&'a self, owner: &'a str, contents: &'a str) -> impl Iterator<Item = Hash> + 'a {
        self.rows.iter().enumerate().map(move |(at, place)| match &place.proof {
            RowProof::Leaf(leaf) => *leaf,
            RowProof::Salt(salt) => {
                let (entity, facet) = (self.slice(&place.entity), self.slice(&(place.entity.end..place.facet_end)));
                proof::leaf(owner, entity, facet, salt, place.flag, self.payload(contents, at))
            }
        })
    }
}

/// Reads the flag of a fact that stands.
const fn publication(flag: u8) -> Option<Publication> {
    match flag {
        0 => Some(Publication::Restricted),
        1 => Some(Publication::Open),
        _ => None,
    }
}

fn read_keys(bytes: &mut &[u8]) -> Option<Keys> {
    let (&KEYS_FORMAT, rest) = bytes.split_first()? else { return None };
    *bytes = rest;
    let count = varint::read(bytes)?;
    let mut text = String::new();
    // A row takes at least 28 bytes: a wrong count allocates no more than the bytes justify.
    let mut rows: Vec<RowPlace> = Vec::with_capacity(count.min(bytes.len() / 28));
    let (mut before, mut payload_end) = (0..0, 0_usize);
    for _ in 0..count {
        let (&flags, rest) = bytes.split_first()?;
        *bytes = rest;
        let shared = varint::read(bytes)?;
        let tail = varint::read(bytes).and_then(|len| varint::take(bytes, len))?;
        let start = text.len();
        // The shared part may end within a character, so the entity is put together as bytes.
        let mut entity = text.as_bytes().get(before).and_then(|b| b.get(..shared))?.to_vec();
        entity.extend_from_slice(tail);
        text.push_str(str::from_utf8(&entity).ok()?);
        let entity_end = text.len();
        let facet = varint::read(bytes).and_then(|len| varint::take(bytes, len))?;
        text.push_str(str::from_utf8(facet).ok()?);
        let flag = flags & 3;
        let payload_start = payload_end;
        if flag < 2 {
            payload_end = payload_end.checked_add(varint::read(bytes)?).filter(|end| *end <= limits::CHUNK_BYTES_MOST)?;
        }
        let fingerprint = u64::from_le_bytes(varint::take(bytes, 8)?.try_into().ok()?);
        let proof = match flags & !3 {
            0 => RowProof::Salt(varint::take(bytes, 16)?.try_into().ok()?),
            HAS_LEAF => RowProof::Leaf(varint::take(bytes, 32)?.try_into().ok()?),
            _ => return None,
        };
        let at = |n: usize| u32::try_from(n).ok();
        rows.push(RowPlace {
            entity: at(start)?..at(entity_end)?,
            facet_end: at(text.len())?,
            payload: at(payload_start)?..at(payload_end)?,
            flag,
            fingerprint,
            proof,
        });
        before = start..entity_end;
    }
    (!rows.is_empty()).then_some(Keys { text, rows })
}

#[cfg(test)]
mod tests;
