//! Whoever proves what the pages tell: the seam of a verifiable log.

use std::path::Path;

use annuaire_base::Tx;
use annuaire_index::{RoaringBitmap, Snapshot};

/// Why a chain begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainStart {
    /// Nothing was published before.
    First,
    /// The store follows another log, or its log was restored from a backup.
    OtherLog,
    /// The perimeter or the forms are others.
    OtherView,
    /// A resource was withdrawn by law.
    Withdrawal,
}

/// A page that is about to be published.
pub struct NewPage<'a> {
    /// Its name.
    pub name: &'a str,
    /// Why a chain begins with it; `None` for an increment, and for a root that joins its chain.
    pub start: Option<ChainStart>,
    /// Transaction after which its versions begin.
    pub after: Tx,
    /// Last transaction that it tells.
    pub tx: Tx,
    /// Instant of that transaction, milliseconds since 1970 UTC.
    pub commit_ms: i64,
    /// The state that it tells.
    pub snapshot: &'a Snapshot,
    /// Its versions in the order of the log: those that stand, for a root that begins a chain; for an increment, every version that its
    /// transactions wrote, replaced ones and tombstones included; none for a root that joins its chain.
    pub rows: &'a RoaringBitmap,
    /// Directory of the tree.
    pub dir: &'a Path,
}

/// What a witness says when it fails.
pub type WitnessError = Box<dyn std::error::Error + Send + Sync>;

/// Whoever proves what the pages tell.
///
/// [`witness`](Self::witness) is called once for each page, when its files are durable and nothing names them yet. A process that ends
/// before the page is named calls it again with another page of the same `after`: an implementation that keeps a log must be able to
/// take back, or find again, what it appended for a page of which [`sign`](Self::sign) never spoke.
pub trait PageWitness: Send {
    /// What the page says of the log up to its end: the members of the extension `bulk-checkpoint`, as an array.
    ///
    /// # Errors
    /// The page is then not published; the next update tries again.
    fn witness(&mut self, page: &NewPage<'_>) -> Result<Option<serde_json::Value>, WitnessError>;

    /// The signature of a page as it is stored; it stands beside it as `.json.sig`. Called again when the link of the page changes.
    ///
    /// # Errors
    /// As [`witness`](Self::witness).
    fn sign(&mut self, name: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, WitnessError>;
}

/// Nobody proves anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWitness;

impl PageWitness for NoWitness {
    fn witness(&mut self, _: &NewPage<'_>) -> Result<Option<serde_json::Value>, WitnessError> {
        Ok(None)
    }

    fn sign(&mut self, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>, WitnessError> {
        Ok(None)
    }
}
