//! What readers, units and stages of one registry share.

use crate::call::Lease;
use crate::fault::Answer;
use crate::owner::Owners;
use annuaire_base::Tx;
use annuaire_store::Entropy;
use annuaire_store::backend::Batches;
use annuaire_store::columns::{tx_column, tx_read, unsigned};
use annuaire_store::proof::Merkle;
use sqlx::{PgConnection, PgPool};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::watch;

/// Transactions of the map read at a time.
const MAP_PAGE: i64 = 65_536;

/// A stage that is completely written and not adopted yet. Its connection holds the lock that says that its process lives.
pub(crate) struct Sealed {
    /// Not read again: the lock goes with it.
    pub(crate) _lease: Lease,
    pub(crate) tree: Merkle,
    pub(crate) chunks: i32,
}

/// What one registry shares.
pub(crate) struct Core {
    pub(crate) pool: PgPool,
    pub(crate) entropy: Entropy,
    pub(crate) log_id: u128,
    pub(crate) commits: watch::Sender<Tx>,
    /// Units of this process queue here before they ask the database for the lock of the counter: fair, and one connection
    /// waits.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    pub(crate) owners: Owners,
    pub(crate) sealed: Mutex<HashMap<u64, Sealed>>,
    batches: RwLock<Batches>,
}

impl Core {
    pub(crate) fn new(pool: PgPool, entropy: Entropy, log_id: u128) -> Self {
        Self {
            pool,
            entropy,
            log_id,
            commits: watch::Sender::new(Tx::NONE),
            turn: Arc::default(),
            owners: Owners::default(),
            sealed: Mutex::default(),
            batches: RwLock::default(),
        }
    }

    /// The map of batches. No lock is held while the database is asked.
    pub(crate) fn batches<T>(&self, read: impl FnOnce(&Batches) -> T) -> T {
        read(&self.batches.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Completes the map up to `at`, or to the end of the log. Returns the last transaction that it knows. Cost: nothing
    /// when it
    /// knows enough.
    pub(crate) async fn learn(&self, c: &mut PgConnection, at: Tx) -> Answer<Tx> {
        loop {
            let last = self.batches(Batches::last);
            if last >= at {
                return Ok(last);
            }
            let query = "SELECT array_agg(tx), array_agg(batch) FROM
                (SELECT tx, batch FROM log_tx WHERE tx > $1 ORDER BY tx LIMIT $2) t";
            let (txs, batches): (Option<Vec<i64>>, Option<Vec<i64>>) =
                sqlx::query_as(query).bind(tx_column(last)).bind(MAP_PAGE).fetch_one(&mut *c).await?;
            let (Some(txs), Some(batches)) = (txs, batches) else { return Ok(last) };
            let mut map = self.batches.write().unwrap_or_else(PoisonError::into_inner);
            let full = i64::try_from(txs.len()) == Ok(MAP_PAGE);
            for (tx, batch) in txs.into_iter().zip(batches) {
                map.push(tx_read(tx), unsigned(batch));
            }
            if !full {
                return Ok(map.last());
            }
        }
    }

    /// Completes the map to the end of the log, which it returns.
    pub(crate) async fn learn_all(&self, c: &mut PgConnection) -> Answer<Tx> {
        self.learn(c, Tx::new(u64::MAX)).await
    }

    pub(crate) fn sealed(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Sealed>> {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
