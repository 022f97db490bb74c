//! The record of a row: head, zstd frame, checksum. [`crate::layout`] has the bytes.

use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_terms::{Presence, Resource, Term, TypeId};
use zstd::zstd_safe::{CCtx, CParameter, compress_bound};

use crate::dictionaries::{Dictionaries, LEVEL};
use crate::error::Error;
use crate::hash::record_checksum;
use crate::tombstone::Tombstone;
use crate::varint;

/// First bytes of every zstd frame; records leave them out.
pub const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Flag of a record that keeps the stamp of another directory.
const FOREIGN_STAMP: u8 = 1;
/// Flag of a record whose content was withdrawn by law.
const WITHDRAWN_BY_LAW: u8 = 8;
/// Flag of the record that says that a resource vanished.
const VANISHED: u8 = 16;

/// Errors are built lazily: formatting one costs more than reading a valid field.
fn too_short() -> Error {
    Error::Corrupt("row too short")
}

/// Bytes of the stamp that the store writes between the two parts of a body, without the comma that may follow.
pub fn stamp(version: u32, last_updated_ms: i64) -> Vec<u8> {
    format!("\"versionId\":\"{version}\",\"lastUpdated\":\"{}\"", iso_ms(last_updated_ms)).into_bytes()
}

/// The stamp, with a comma unless `after` closes the object.
pub fn stamp_before(version: u32, last_updated_ms: i64, after: &[u8]) -> Vec<u8> {
    let mut stamp = stamp(version, last_updated_ms);
    if after.first() != Some(&b'}') {
        stamp.push(b',');
    }
    stamp
}

/// Number, transaction and instant that a record gives to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionStamp {
    pub number: u32,
    pub tx: Tx,
    pub last_updated_ms: i64,
}

/// Number of the version that follows.
pub fn next_number(number: u32) -> Result<u32, Error> {
    number.checked_add(1).ok_or(Error::Refused("no version number left"))
}

/// Writes records. Each thread has its own, since a compression context serves one frame at a time.
pub struct RecordWriter {
    context: CCtx<'static>,
    plain: Vec<u8>,
}

impl RecordWriter {
    pub fn new() -> Self {
        Self { context: CCtx::create(), plain: Vec::new() }
    }

    /// The record of a version. Cost: one compression.
    pub fn write(&mut self, dictionaries: &Dictionaries, resource: &Resource, stamp: VersionStamp) -> Result<Vec<u8>, Error> {
        let refused = |_| Error::Refused("cannot be compressed");
        self.plain.clear();
        write_plain(&mut self.plain, resource, stamp)?;
        let dictionary = dictionaries.writer(resource.ty);
        let foreign = resource.foreign_stamp.as_ref().map(|foreign| foreign.stamp.len());
        let number = dictionary.map_or(0, |(number, _)| number);
        let mut out = head(resource.ty, presence_flags(resource.presence), number, stamp, foreign);
        let mut frame = Vec::with_capacity(compress_bound(self.plain.len()));
        match dictionary {
            Some((_, dictionary)) => {
                // The record names its dictionary itself.
                self.context.set_parameter(CParameter::DictIdFlag(false)).map_err(refused)?;
                self.context.compress_using_cdict(&mut frame, &self.plain, dictionary).map_err(refused)?;
            }
            None => _ = self.context.compress(&mut frame, &self.plain, LEVEL).map_err(refused)?,
        }
        out.extend_from_slice(frame.strip_prefix(&ZSTD_MAGIC).ok_or(Error::Refused("unexpected frame"))?);
        // A frame with a damaged byte can still be a valid frame: only a checksum detects what a disk has changed.
        let checksum = record_checksum(&out);
        out.extend(checksum);
        Ok(out)
    }

    /// The record of a tombstone: a stamp and an id. `is_foreign`: its instant is not that of its transaction.
    pub fn write_tombstone(
        &mut self,
        (ty, id): (TypeId, &str),
        stamp: VersionStamp,
        is_foreign: bool,
        reason: Tombstone,
    ) -> Result<Vec<u8>, Error> {
        self.plain.clear();
        write_end(&mut self.plain, id, 0)?;
        let mut frame = Vec::with_capacity(compress_bound(self.plain.len()));
        self.context.compress(&mut frame, &self.plain, LEVEL).map_err(|_| Error::Refused("cannot be compressed"))?;
        let flag = match reason {
            Tombstone::WithdrawnByLaw => WITHDRAWN_BY_LAW,
            Tombstone::Vanished => VANISHED,
        };
        let mut out = head(ty, flag, 0, stamp, is_foreign.then_some(0));
        out.extend_from_slice(frame.strip_prefix(&ZSTD_MAGIC).ok_or(Error::Refused("unexpected frame"))?);
        let checksum = record_checksum(&out);
        out.extend(checksum);
        Ok(out)
    }
}

/// The bytes before the frame. `foreign`: length of a foreign stamp.
fn head(ty: TypeId, flags: u8, dictionary: u8, stamp: VersionStamp, foreign: Option<usize>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.push(ty.get());
    out.push(flags | if foreign.is_some() { FOREIGN_STAMP } else { 0 });
    out.push(dictionary);
    varint::put(&mut out, u64::from(stamp.number));
    varint::put(&mut out, stamp.tx.get());
    if let Some(length) = foreign {
        out.extend(stamp.last_updated_ms.to_le_bytes());
        varint::put(&mut out, length as u64);
    }
    out
}

/// What the frame compresses: body, references, id, length of the references (4 bytes), length of the id (2 bytes). Lengths
/// come last, so that the body needs no move when a version is read.
fn write_plain(out: &mut Vec<u8>, resource: &Resource, stamp: VersionStamp) -> Result<(), Error> {
    out.extend_from_slice(&resource.before);
    match &resource.foreign_stamp {
        Some(foreign) => out.extend_from_slice(&foreign.stamp),
        None => out.extend(stamp_before(stamp.number, stamp.last_updated_ms, &resource.after)),
    }
    out.extend_from_slice(&resource.after);
    let body = out.len();
    for term in &resource.terms {
        if let Term::Reference { param, target } = term {
            let length = u16::try_from(target.len()).map_err(|_| Error::Refused("reference too long"))?;
            out.push(param.get());
            out.extend(length.to_le_bytes());
            out.extend(target.as_bytes());
        }
    }
    let references = out.len() - body;
    write_end(out, &resource.id, references)
}

/// Writes the id and the lengths of the references and of the id.
fn write_end(out: &mut Vec<u8>, id: &str, references: usize) -> Result<(), Error> {
    let references = u32::try_from(references).map_err(|_| Error::Refused("too many references"))?;
    let length = u16::try_from(id.len()).map_err(|_| Error::Refused("id too long"))?;
    out.extend(id.as_bytes());
    out.extend(references.to_le_bytes());
    out.extend(length.to_le_bytes());
    Ok(())
}

/// The head of a record, read without its body.
pub struct RecordHead<'a> {
    pub ty: TypeId,
    /// Number of the version.
    pub number: u32,
    pub tx: Tx,
    pub presence: Presence,
    pub tombstone: Option<Tombstone>,
    /// Instant and length of the stamp of another directory.
    pub foreign: Option<ForeignHead>,
    /// Number of the dictionary, 0 for none.
    pub dictionary: u8,
    /// The zstd frame without its first four bytes.
    pub frame: &'a [u8],
    /// The record without its checksum.
    checked: &'a [u8],
    checksum: &'a [u8; 4],
}

/// Part of a head that only records with a foreign stamp have.
#[derive(Clone, Copy)]
pub struct ForeignHead {
    pub last_updated_ms: i64,
    pub stamp_length: usize,
}

impl<'a> RecordHead<'a> {
    /// Does not verify the checksum: that would read the complete record.
    pub fn read(record: &'a [u8]) -> Result<Self, Error> {
        let (checked, checksum) = record.split_last_chunk().ok_or_else(too_short)?;
        let (&[ty, flags, dictionary], mut rest) = checked.split_first_chunk().ok_or_else(too_short)?;
        let number = varint::take(&mut rest).and_then(|n| u32::try_from(n).ok()).ok_or_else(too_short)?;
        let tx = Tx::new(varint::take(&mut rest).ok_or_else(too_short)?);
        let mut foreign = None;
        if flags & FOREIGN_STAMP != 0 {
            let (ms, tail) = rest.split_first_chunk().ok_or_else(too_short)?;
            rest = tail;
            let stamp_length = varint::take_length(&mut rest).ok_or_else(too_short)?;
            foreign = Some(ForeignHead { last_updated_ms: i64::from_le_bytes(*ms), stamp_length });
        }
        let (presence, tombstone) = (presence_of(flags), tombstone_of(flags));
        let ty = TypeId::new(ty);
        Ok(Self { ty, number, tx, presence, tombstone, foreign, dictionary, frame: rest, checked, checksum })
    }

    /// Cost: reading the record.
    pub fn verify_checksum(&self) -> Result<(), Error> {
        if record_checksum(self.checked) == *self.checksum {
            Ok(())
        } else {
            Err(Error::Corrupt("a row is not what its checksum says"))
        }
    }
}

const fn presence_flags(presence: Presence) -> u8 {
    match presence {
        Presence::Described => 0,
        Presence::Withdrawn => 2,
        Presence::Referenced => 4,
    }
}

const fn tombstone_of(flags: u8) -> Option<Tombstone> {
    match flags & (WITHDRAWN_BY_LAW | VANISHED) {
        0 => None,
        VANISHED => Some(Tombstone::Vanished),
        _ => Some(Tombstone::WithdrawnByLaw),
    }
}

const fn presence_of(flags: u8) -> Presence {
    match flags & 6 {
        2 => Presence::Withdrawn,
        4 => Presence::Referenced,
        _ => Presence::Described,
    }
}
