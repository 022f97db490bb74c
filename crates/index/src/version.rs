//! A version of a resource, read back from its record.

use std::cell::RefCell;

use annuaire_base::Tx;
use annuaire_terms::{ParamId, Presence, Resource, TypeId};
use zstd::zstd_safe::{DCtx, get_frame_content_size};

use crate::dictionaries::Dictionaries;
use crate::error::Error;
use crate::record::{RecordHead, ZSTD_MAGIC, stamp_before};
use crate::row::Row;
use crate::tombstone::Tombstone;

/// Longest content of a frame that is decompressed: a damaged length must not reserve the memory of the machine.
const PLAIN_MAX: u64 = 1 << 29;
/// Bytes after the id: length of the references (4) and of the id (2).
const LENGTHS: usize = 6;

/// Errors are built lazily: formatting one costs more than reading a valid field.
fn too_short() -> Error {
    Error::Corrupt("row too short")
}

thread_local! {
    /// Decompression context of a thread, and a buffer for the frame with the four bytes that records leave out.
    static DECOMPRESSOR: RefCell<(DCtx<'static>, Vec<u8>)> = RefCell::new((DCtx::create(), Vec::new()));
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
    /// Transaction that wrote it.
    pub tx: Tx,
    /// Instant of the version, milliseconds since 1970 UTC: that of its transaction, or that of its foreign stamp.
    pub last_updated_ms: i64,
    /// Why the resource is published.
    pub presence: Presence,
    /// Why it has no content, when it has none.
    pub tombstone: Option<Tombstone>,
    /// Length of the stamp of another directory.
    foreign_stamp_length: Option<usize>,
    /// Body, references, id and lengths.
    plain: Vec<u8>,
    body_length: usize,
    references_length: usize,
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
            tombstone: None,
            foreign_stamp_length: None,
            plain: Vec::new(),
            body_length: 0,
            references_length: 0,
        }
    }
}

impl Version {
    /// Decompresses a record into this version, whose memory is used again. `commit_ms` is the instant of the record's
    /// transaction; a record with a foreign stamp does not need it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the checksum or the layout is wrong; body, references and id are then empty.
    pub(crate) fn fill(
        &mut self,
        dictionaries: &Dictionaries,
        row: Row,
        head: &RecordHead<'_>,
        commit_ms: i64,
    ) -> Result<(), Error> {
        let mut plain = std::mem::take(&mut self.plain);
        (self.body_length, self.references_length) = (0, 0);
        head.verify_checksum()?;
        decompress(dictionaries, head, &mut plain)?;
        let (rest, id_length) = plain.split_last_chunk::<2>().ok_or_else(too_short)?;
        let (rest, references_length) = rest.split_last_chunk::<4>().ok_or_else(too_short)?;
        let (id_length, references_length) =
            (usize::from(u16::from_le_bytes(*id_length)), u32::from_le_bytes(*references_length) as usize);
        let body_length = rest.len().checked_sub(id_length + references_length).ok_or_else(too_short)?;
        // `id` relies on this check.
        if std::str::from_utf8(&rest[body_length + references_length..]).is_err() {
            return Err(too_short());
        }
        *self = Self {
            row,
            ty: head.ty,
            number: head.number,
            tx: head.tx,
            last_updated_ms: head.foreign.map_or(commit_ms, |foreign| foreign.last_updated_ms),
            presence: head.presence,
            tombstone: head.tombstone,
            foreign_stamp_length: head.foreign.map(|foreign| foreign.stamp_length),
            plain,
            body_length,
            references_length,
        };
        Ok(())
    }

    /// [`Version::fill`] into new memory.
    pub(crate) fn read(dictionaries: &Dictionaries, row: Row, record: &[u8], commit_ms: i64) -> Result<Self, Error> {
        let mut version = Self::default();
        version.fill(dictionaries, row, &RecordHead::read(record)?, commit_ms)?;
        Ok(version)
    }

    /// Body, with its stamp.
    pub fn body(&self) -> &[u8] {
        &self.plain[..self.body_length]
    }

    /// Whether its instant is its own, not that of its transaction.
    pub(crate) const fn has_foreign_stamp(&self) -> bool {
        self.foreign_stamp_length.is_some()
    }

    /// The body alone, in the memory of the version.
    pub fn into_body(mut self) -> Vec<u8> {
        self.plain.truncate(self.body_length);
        self.plain
    }

    /// Logical identifier.
    pub fn id(&self) -> &str {
        let end = self.plain.len().saturating_sub(LENGTHS);
        // `fill` has checked it.
        std::str::from_utf8(&self.plain[self.body_length + self.references_length..end]).unwrap_or_default()
    }

    /// References to other resources, as parameter and target, in the order of the resource's terms.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when their layout is wrong.
    pub fn references(&self) -> Result<Vec<(ParamId, String)>, Error> {
        let mut rest = &self.plain[self.body_length..self.body_length + self.references_length];
        let mut list = Vec::new();
        while let Some((&[param, a, b], tail)) = rest.split_first_chunk() {
            let (target, tail) = tail.split_at_checked(usize::from(u16::from_le_bytes([a, b]))).ok_or_else(too_short)?;
            list.push((ParamId::new(param), std::str::from_utf8(target).map_err(|_| too_short())?.to_owned()));
            rest = tail;
        }
        Ok(list)
    }

    /// Whether the version has the content and presence of a resource, whatever their stamps (LOG-5: unchanged content makes no
    /// new version).
    pub fn has_content_of(&self, resource: &Resource) -> bool {
        let (before, after) = (resource.before.as_slice(), resource.after.as_slice());
        let is_stamp = |middle: &[u8]| match self.foreign_stamp_length {
            Some(length) => middle.len() == length,
            None => middle == stamp_before(self.number, self.last_updated_ms, after),
        };
        self.presence == resource.presence
            && self.body().strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(is_stamp)
    }
}

fn decompress(dictionaries: &Dictionaries, head: &RecordHead<'_>, plain: &mut Vec<u8>) -> Result<(), Error> {
    let bad = || Error::Corrupt("body of a row");
    let dictionary = dictionaries.reader(head.dictionary).ok_or_else(|| Error::Corrupt("dictionary of a row"))?;
    plain.clear();
    DECOMPRESSOR.with_borrow_mut(|(context, frame)| {
        frame.clear();
        frame.extend(ZSTD_MAGIC);
        frame.extend_from_slice(head.frame);
        let Ok(Some(length)) = get_frame_content_size(frame) else { return Err(bad()) };
        if length > PLAIN_MAX {
            return Err(bad());
        }
        plain.reserve(length as usize);
        match head.dictionary {
            0 => context.decompress(plain, frame),
            _ => context.decompress_using_ddict(plain, frame, dictionary),
        }
        .map_err(|_| bad())?;
        Ok(())
    })
}
