//! The record of a row: a short head, then body, references and id compressed together with the dictionary of the type, then
//! a checksum of all that.

use annuaire_base::{Tx, date::iso_ms};
use std::cell::RefCell;
use xxhash_rust::xxh3::xxh3_64;
use zstd::zstd_safe::{CCtx, CDict, CParameter, DCtx, DDict, get_frame_content_size};

use crate::block::{put_number, take_number};
use crate::{Error, Row};
use annuaire_terms::{ParamId, Presence, Resource, Term, TypeId};

/// Effort of compression: beyond it the store is a few per cent smaller and is written twice as slowly.
const LEVEL: i32 = 3;
/// What every frame starts with; not stored.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Longest body, links and id together that are read back: a damaged length must not reserve the memory of the machine.
const READ: u64 = 1 << 29;

/// Made only when it is needed: an error that might be is not free.
fn short() -> Error {
    Error::Corrupt("row too short")
}

/// The dictionaries of a store. A record names its own by number, so that a store outlives a change of dictionaries.
pub struct Codec {
    /// By number; number 0 is none.
    readers: Vec<DDict<'static>>,
    /// By type: number and dictionary.
    writers: Vec<(u8, CDict<'static>)>,
}

impl Codec {
    /// `all`: dictionaries by number from 1; `by_type`: the number for each type, 0 for none.
    pub fn new(all: &[Vec<u8>], by_type: &[u8]) -> Self {
        let bytes = |n: u8| n.checked_sub(1).and_then(|n| all.get(usize::from(n))).map_or(&[][..], Vec::as_slice);
        Self {
            readers: (0..=all.len()).map(|n| DDict::create(bytes(u8::try_from(n).unwrap_or(0)))).collect(),
            writers: by_type.iter().map(|n| (*n, CDict::create(bytes(*n), LEVEL))).collect(),
        }
    }
}

/// Compresses records; one for each thread that does.
pub struct Packer {
    context: CCtx<'static>,
    plain: Vec<u8>,
}

impl Packer {
    pub fn new() -> Self {
        Self { context: CCtx::create(), plain: Vec::new() }
    }

    /// The record of a version.
    pub fn pack(&mut self, codec: &Codec, resource: &Resource, version: u32, tx: Tx, ms: i64) -> Result<Vec<u8>, Error> {
        let refused = |_| Error::Refused("cannot be compressed");
        self.plain.clear();
        write_plain(&mut self.plain, resource, version, ms)?;
        let mut out = Vec::with_capacity(256);
        let writer = codec.writers.get(usize::from(resource.ty));
        out.push(resource.ty.get());
        out.push(u8::from(resource.foreign_stamp.is_some()) | presence_bits(resource.presence));
        out.push(writer.map_or(0, |w| w.0));
        put_number(&mut out, u64::from(version));
        put_number(&mut out, tx.get());
        if let Some(kept) = &resource.foreign_stamp {
            out.extend(ms.to_le_bytes());
            put_number(&mut out, kept.stamp.len() as u64);
        }
        let mut frame = Vec::with_capacity(zstd::zstd_safe::compress_bound(self.plain.len()));
        match writer {
            Some((1.., dictionary)) => {
                self.context.set_parameter(CParameter::DictIdFlag(false)).map_err(refused)?;
                self.context.compress_using_cdict(&mut frame, &self.plain, dictionary).map_err(refused)?;
            }
            _ => _ = self.context.compress(&mut frame, &self.plain, LEVEL).map_err(refused)?,
        }
        out.extend_from_slice(frame.strip_prefix(&MAGIC).ok_or(Error::Refused("unexpected frame"))?);
        let sum = checksum(&out);
        out.extend(sum);
        Ok(out)
    }
}

/// A frame of a damaged letter is a frame: only this tells a record that a disk has changed.
fn checksum(record: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = xxh3_64(record).to_le_bytes();
    [a, b, c, d]
}

/// Body, references, id, and the lengths of the last two.
fn write_plain(out: &mut Vec<u8>, resource: &Resource, version: u32, ms: i64) -> Result<(), Error> {
    out.extend_from_slice(&resource.before);
    match &resource.foreign_stamp {
        Some(kept) => out.extend_from_slice(&kept.stamp),
        None => out.extend(stamp_before(version, ms, &resource.after)),
    }
    out.extend_from_slice(&resource.after);
    let body = out.len();
    for term in &resource.terms {
        if let Term::Reference { param, target } = term {
            let len = u16::try_from(target.len()).map_err(|_| Error::Refused("reference too long"))?;
            out.push(param.get());
            out.extend(len.to_le_bytes());
            out.extend(target.as_bytes());
        }
    }
    let refs = u32::try_from(out.len() - body).map_err(|_| Error::Refused("too many references"))?;
    let id = u16::try_from(resource.id.len()).map_err(|_| Error::Refused("id too long"))?;
    out.extend(resource.id.as_bytes());
    out.extend(refs.to_le_bytes());
    out.extend(id.to_le_bytes());
    Ok(())
}

thread_local! {
    /// What a thread decompresses with, and the frame with what is not stored of it.
    static READER: RefCell<(DCtx<'static>, Vec<u8>)> = RefCell::new((DCtx::create(), Vec::new()));
}

/// One version of a resource.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its row.
    pub row: Row,
    /// Type of the resource.
    pub ty: TypeId,
    /// Number of the version, from 1.
    pub number: u32,
    /// Transaction that made it.
    pub tx: Tx,
    /// Instant of the version: that of its transaction, or that of its own meta when it comes from another directory.
    pub last_updated_ms: i64,
    /// Why it is there.
    pub presence: Presence,
    /// Length of the stamp of another directory.
    kept: Option<usize>,
    plain: Vec<u8>,
    body: usize,
    refs: usize,
}

/// The head of a record, read without its body.
pub struct Head<'a> {
    pub ty: TypeId,
    pub version: u32,
    pub tx: Tx,
    /// Instant of its own.
    pub own_ms: Option<i64>,
    kept: Option<usize>,
    presence: Presence,
    dictionary: u8,
    frame: &'a [u8],
    /// All but the checksum, and the checksum.
    whole: (&'a [u8], &'a [u8; 4]),
}

impl<'a> Head<'a> {
    pub fn read(record: &'a [u8]) -> Result<Self, Error> {
        let whole = record.split_last_chunk().ok_or_else(short)?;
        let (&[ty, flags, dictionary], mut rest) = whole.0.split_first_chunk().ok_or_else(short)?;
        let version = u32::try_from(take_number(&mut rest)?).map_err(|_| short())?;
        let tx = Tx::new(take_number(&mut rest)?);
        let (mut own_ms, mut kept) = (None, None);
        if flags & 1 != 0 {
            let (ms, tail) = rest.split_first_chunk().ok_or_else(short)?;
            own_ms = Some(i64::from_le_bytes(*ms));
            rest = tail;
            kept = Some(usize::try_from(take_number(&mut rest)?).map_err(|_| short())?);
        }
        Ok(Self { ty: TypeId::new(ty), version, tx, own_ms, kept, presence: presence_of(flags), dictionary, frame: rest, whole })
    }

    /// Reads the body too. `commit_ms` is the instant of the transaction.
    pub fn entry(&self, codec: &Codec, row: Row, commit_ms: i64) -> Result<Version, Error> {
        let mut entry = Version::default();
        self.read_into(codec, row, commit_ms, &mut entry)?;
        Ok(entry)
    }

    /// The same, into memory used before.
    pub fn read_into(&self, codec: &Codec, row: Row, commit_ms: i64, entry: &mut Version) -> Result<(), Error> {
        if checksum(self.whole.0) != *self.whole.1 {
            return Err(Error::Corrupt("a row is not what its checksum says"));
        }
        let bad = || Error::Corrupt("body of a row");
        let dictionary = codec.readers.get(usize::from(self.dictionary)).ok_or_else(|| Error::Corrupt("dictionary of a row"))?;
        let mut plain = std::mem::take(&mut entry.plain);
        plain.clear();
        READER.with_borrow_mut(|(context, frame)| {
            frame.clear();
            frame.extend(MAGIC);
            frame.extend_from_slice(self.frame);
            let Ok(Some(len)) = get_frame_content_size(frame) else { return Err(bad()) };
            if len > READ {
                return Err(bad());
            }
            plain.reserve(len as usize);
            match self.dictionary {
                0 => context.decompress(&mut plain, frame),
                _ => context.decompress_using_ddict(&mut plain, frame, dictionary),
            }
            .map_err(|_| bad())
        })?;
        let (rest, id) = plain.split_last_chunk::<2>().ok_or_else(short)?;
        let (rest, refs) = rest.split_last_chunk::<4>().ok_or_else(short)?;
        let (id, refs) = (usize::from(u16::from_le_bytes(*id)), u32::from_le_bytes(*refs) as usize);
        let body = rest.len().checked_sub(id + refs).ok_or_else(short)?;
        let own = self.own_ms;
        *entry = Version {
            row,
            ty: self.ty,
            number: self.version,
            tx: self.tx,
            last_updated_ms: own.unwrap_or(commit_ms),
            presence: self.presence,
            kept: self.kept,
            plain,
            body,
            refs,
        };
        if std::str::from_utf8(entry.id_bytes()).is_err() { Err(short()) } else { Ok(()) }
    }
}

/// An empty version, for [`crate::VersionReader::read`] to fill.
impl Default for Version {
    fn default() -> Self {
        Self {
            row: Row::FIRST,
            ty: TypeId::new(0),
            number: 0,
            tx: Tx::NONE,
            last_updated_ms: 0,
            presence: Presence::Described,
            kept: None,
            plain: Vec::new(),
            body: 0,
            refs: 0,
        }
    }
}

impl Version {
    /// Body, stamped with the version and the instant.
    pub fn body(&self) -> &[u8] {
        &self.plain[..self.body]
    }

    /// The body alone, in the memory of the entry.
    pub fn into_body(mut self) -> Vec<u8> {
        self.plain.truncate(self.body);
        self.plain
    }

    fn id_bytes(&self) -> &[u8] {
        &self.plain[self.body + self.refs..self.plain.len() - 6]
    }

    /// Logical identifier.
    pub fn id(&self) -> &str {
        // Checked when it was read.
        std::str::from_utf8(self.id_bytes()).unwrap_or_default()
    }

    /// Links to other resources, in the order given: parameter and target.
    pub fn references(&self) -> Result<Vec<(ParamId, String)>, Error> {
        let mut refs = &self.plain[self.body..self.body + self.refs];
        let mut list = Vec::new();
        while let Some((&[param, a, b], tail)) = refs.split_first_chunk() {
            let (target, tail) = tail.split_at_checked(usize::from(u16::from_le_bytes([a, b]))).ok_or_else(short)?;
            list.push((ParamId::new(param), std::str::from_utf8(target).map_err(|_| short())?.to_owned()));
            refs = tail;
        }
        Ok(list)
    }

    /// Whether this version is a resource, whatever its stamp says (LOG-5).
    pub fn has_content_of(&self, resource: &Resource) -> bool {
        let (body, before, after) = (self.body(), resource.before.as_slice(), resource.after.as_slice());
        let own = || stamp_before(self.number, self.last_updated_ms, after);
        let stamped = |middle: &[u8]| self.kept.map_or_else(|| middle == own(), |len| middle.len() == len);
        self.presence == resource.presence
            && body.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(stamped)
    }
}

const fn presence_bits(presence: Presence) -> u8 {
    match presence {
        Presence::Described => 0,
        Presence::Withdrawn => 2,
        Presence::Referenced => 4,
    }
}

const fn presence_of(flags: u8) -> Presence {
    match flags & 6 {
        2 => Presence::Withdrawn,
        4 => Presence::Referenced,
        _ => Presence::Described,
    }
}

/// What the index writes between the two parts of a body, without the comma that may follow.
pub fn stamp(version: u32, commit_ms: i64) -> Vec<u8> {
    format!("\"versionId\":\"{version}\",\"lastUpdated\":\"{}\"", iso_ms(commit_ms)).into_bytes()
}

/// The stamp, and a comma when a member follows.
fn stamp_before(version: u32, commit_ms: i64, after: &[u8]) -> Vec<u8> {
    let mut stamp = stamp(version, commit_ms);
    if after.first() != Some(&b'}') {
        stamp.push(b',');
    }
    stamp
}
