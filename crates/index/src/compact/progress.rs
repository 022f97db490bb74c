//! How far a compaction has come, in the database `meta`.

use heed::{RoTxn, RwTxn};

use crate::databases::Databases;
use crate::error::Error;

/// Key in the database `meta`. Value: the stage (one byte), then the key in its database from which it goes on. There is none when
/// no compaction is under way.
const PROGRESS_KEY: &[u8] = b"compaction";

/// The stages, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactionStage {
    /// Rows that are due to vanish.
    Leaving = 0,
    /// Terms, with their sets and long texts. Ids without rows are remembered.
    Terms = 1,
    /// Columns of links.
    Links = 2,
    /// Records.
    Rows = 3,
    /// Transactions before the horizon of which no row is left.
    Transactions = 4,
    /// Closings up to the horizon.
    Closings = 5,
    /// Nothing is left to do. It is not written.
    Complete = 6,
}

/// A stage, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactionProgress {
    pub stage: CompactionStage,
    pub from: Vec<u8>,
}

impl CompactionProgress {
    pub const START: Self = Self { stage: CompactionStage::Leaving, from: Vec::new() };

    pub fn read(dbs: &Databases, txn: &RoTxn<'_>) -> Result<Option<Self>, Error> {
        let Some(value) = dbs.meta.get(txn, PROGRESS_KEY)? else { return Ok(None) };
        let (stage, from) = value.split_first().ok_or(Error::Corrupt("compaction"))?;
        let stage = match stage {
            0 => CompactionStage::Leaving,
            1 => CompactionStage::Terms,
            2 => CompactionStage::Links,
            3 => CompactionStage::Rows,
            4 => CompactionStage::Transactions,
            5 => CompactionStage::Closings,
            _ => return Err(Error::Corrupt("compaction")),
        };
        Ok(Some(Self { stage, from: from.to_vec() }))
    }

    pub fn save(&self, dbs: &Databases, txn: &mut RwTxn<'_>) -> Result<(), Error> {
        if self.is_complete() {
            dbs.meta.delete(txn, PROGRESS_KEY)?;
            return Ok(());
        }
        Ok(dbs.meta.put(txn, PROGRESS_KEY, &[&[self.stage as u8], &self.from[..]].concat())?)
    }

    pub fn is_complete(&self) -> bool {
        self.stage == CompactionStage::Complete
    }

    /// Goes on in this stage from a key, or with the next stage for `None`.
    pub fn go_on(&mut self, next: Option<Vec<u8>>) {
        if next.is_none() {
            self.stage = match self.stage {
                CompactionStage::Leaving => CompactionStage::Terms,
                CompactionStage::Terms => CompactionStage::Links,
                CompactionStage::Links => CompactionStage::Rows,
                CompactionStage::Rows => CompactionStage::Transactions,
                CompactionStage::Transactions => CompactionStage::Closings,
                CompactionStage::Closings | CompactionStage::Complete => CompactionStage::Complete,
            };
        }
        self.from = next.unwrap_or_default();
    }
}
