//! Reading versions in a snapshot.

use annuaire_terms::{ParamId, TypeId};

use crate::budget;
use crate::chunk::{self, ChunkRecords};
use crate::error::Error;
use crate::record::RecordHead;
use crate::row::Row;
use crate::snapshot::Snapshot;
use crate::version::Version;

/// The newest version of a resource.
pub(crate) struct NewestVersion {
    pub version: Version,
    /// It was not closed: the resource has not vanished.
    pub is_live: bool,
}

impl Snapshot {
    /// A reader of many rows.
    pub fn reader(&self) -> VersionReader<'_> {
        VersionReader { snapshot: self, first: Row::FIRST, records: ChunkRecords::default() }
    }

    /// The version in a row. Cost: one look-up and one decompression.
    ///
    /// # Errors
    /// [`Error::UnknownRow`] for a row beyond the snapshot; [`Error::Exhausted`].
    pub fn read(&self, row: Row) -> Result<Version, Error> {
        let mut version = Version::default();
        self.reader().read(row, &mut version)?;
        Ok(version)
    }

    /// Newest version of a resource; `None` when there never was one, and when the resource has vanished:
    /// [`Snapshot::history`] tells the two cases apart. Cost: two look-ups and one decompression.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn current(&self, ty: TypeId, id: &str) -> Result<Option<Version>, Error> {
        Ok(self.newest_version(ty, id)?.filter(|newest| newest.is_live).map(|newest| newest.version))
    }

    pub(crate) fn newest_version(&self, ty: TypeId, id: &str) -> Result<Option<NewestVersion>, Error> {
        let Some(row) = self.newest_row(ty, id)? else { return Ok(None) };
        Ok(Some(NewestVersion { version: self.read(row)?, is_live: self.is_live(ty, row) }))
    }

    /// Version `number` of a resource, when it is visible. Cost: the heads of the newer versions.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn version(&self, ty: TypeId, id: &str, number: u32) -> Result<Option<Version>, Error> {
        for row in self.versions(ty, id)?.iter().rev().map(Row::new) {
            let found = self.head(row)?.number;
            // Numbers ascend with rows, not always by one.
            if found <= number {
                return if found == number { self.read(row).map(Some) } else { Ok(None) };
            }
        }
        Ok(None)
    }

    /// Instant of the version in a row, milliseconds since 1970 UTC. Its body is not read.
    ///
    /// # Errors
    /// As [`Snapshot::read`].
    pub fn last_updated_ms(&self, row: Row) -> Result<i64, Error> {
        self.meter.spend(budget::HEAD)?;
        let head = self.head(row)?;
        head.foreign.map_or_else(|| self.commit_ms_of(head.tx), |foreign| Ok(foreign.last_updated_ms))
    }

    /// References of the version in a row, as parameter and target, in the order of the resource's terms.
    ///
    /// # Errors
    /// As [`Snapshot::read`].
    pub fn references(&self, row: Row) -> Result<Vec<(ParamId, String)>, Error> {
        self.read(row)?.references()
    }

    fn head(&self, row: Row) -> Result<RecordHead<'_>, Error> {
        RecordHead::read(self.reader().record(row)?)
    }
}

/// Reads rows one after the other. The rows of a page of results lie near each other, so each is first looked for in the chunk
/// of the row before it.
pub struct VersionReader<'s> {
    snapshot: &'s Snapshot,
    /// First row of the chunk read last.
    first: Row,
    records: ChunkRecords<'s>,
}

impl<'s> VersionReader<'s> {
    /// Reads the version in a row into `version`, whose memory is used again. Cost: one decompression, and one look-up unless
    /// the row is in the chunk of the previous one.
    ///
    /// # Errors
    /// [`Error::UnknownRow`] for a row beyond the snapshot; [`Error::Exhausted`].
    pub fn read(&mut self, row: Row, version: &mut Version) -> Result<(), Error> {
        let snapshot = self.snapshot;
        snapshot.meter.spend(budget::RECORD)?;
        let head = RecordHead::read(self.record(row)?)?;
        // A foreign stamp has its own instant: the transaction is not looked up.
        let commit_ms = if head.foreign.is_some() { 0 } else { snapshot.commit_ms_of(head.tx)? };
        version.fill(&snapshot.dictionaries, row, &head, commit_ms)
    }

    fn record(&mut self, row: Row) -> Result<&'s [u8], Error> {
        let snapshot = self.snapshot;
        if row >= snapshot.published.end {
            return Err(Error::UnknownRow(row));
        }
        if let Some(record) = self.record_in_chunk(row) {
            return record;
        }
        (self.first, self.records) = chunk::chunk_of(&snapshot.dbs, &snapshot.txn, row)?.ok_or(Error::UnknownRow(row))?;
        self.record_in_chunk(row).ok_or(Error::UnknownRow(row))?
    }

    fn record_in_chunk(&self, row: Row) -> Option<Result<&'s [u8], Error>> {
        row.get().checked_sub(self.first.get()).and_then(|n| self.records.get(n as usize))
    }
}
