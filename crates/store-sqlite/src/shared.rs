//! What the parts of an open registry share.

use crate::cache::Cache;
use crate::fault::fault;
use crate::log_map::LogMap;
use crate::staged_rows::StageTail;
use crate::turn::WriterTurns;
use annuaire_base::Tx;
use annuaire_store::{Entropy, Result};
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection, SqlitePool};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, watch};

/// Reads the clock of the machine: milliseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A chunk of a batch and the entities between which its rows are.
pub(crate) struct ChangedPlace {
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) id: i64,
}

pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) readers: SqlitePool,
    /// One connection, whose commits are on the disk when they return.
    pub(crate) writer: SqlitePool,
    /// One connection for what may be lost with the machine: stages. The commit that makes a stage stand makes it durable too,
    /// since the write-ahead log is written in order.
    pub(crate) stager: SqlitePool,
    pub(crate) turns: WriterTurns,
    pub(crate) log: LogMap,
    pub(crate) cache: Cache,
    pub(crate) commits: watch::Sender<Tx>,
    /// Chunks of the batch whose entities were listed last.
    pub(crate) listed: Mutex<Option<(u64, Arc<Vec<ChangedPlace>>)>>,
    /// Ends of stages that are being adopted.
    pub(crate) tails: Mutex<HashMap<u64, StageTail>>,
    /// Told after writes: the write-ahead log may have grown.
    pub(crate) written: Arc<Notify>,
    /// Contents were withdrawn: the write-ahead log, which still has them, is to be emptied.
    pub(crate) erase: AtomicBool,
    pub(crate) entropy: Entropy,
    pub(crate) now_ms: Clock,
}

impl Shared {
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>> {
        self.readers.acquire().await.map_err(fault)
    }

    /// Learns of new transactions and tells those who wait for commits. Returns the last one.
    pub(crate) async fn refresh(&self, c: &mut SqliteConnection) -> Result<Tx> {
        let last = self.log.refresh(c, &self.cache).await?;
        self.commits.send_if_modified(|known| {
            let more = last > *known;
            *known = last.max(*known);
            more
        });
        Ok(last)
    }

    /// Makes sure that everything up to `tx` is known here. Readers of a transaction that was seen once ask nothing.
    pub(crate) async fn know(&self, c: &mut SqliteConnection, tx: Tx) -> Result<()> {
        if self.log.last() < tx {
            self.refresh(c).await?;
        }
        Ok(())
    }
}
