//! A store that is open.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use annuaire_base::Tx;
use heed::{Env, WithoutTls};

use crate::databases::Databases;
use crate::dictionaries::Dictionaries;
use crate::error::Error;
use crate::results::SearchResults;
use crate::row::Row;
use crate::states::KnownStates;
use crate::transaction::Applied;

/// A publication store that is open. Shared by threads: one writer at a time, and readers never wait for it.
pub struct Index {
    pub(crate) dir: PathBuf,
    pub(crate) env: Env<WithoutTls>,
    pub(crate) dbs: Databases,
    pub(crate) dictionaries: Arc<Dictionaries>,
    pub(crate) states: Arc<KnownStates>,
    /// First transaction whose state is answered.
    pub(crate) retained_from: AtomicU64,
    pub(crate) results: SearchResults,
    /// Held while a transaction is applied.
    pub(crate) writer: Mutex<()>,
    /// Versions written between two LMDB commits.
    pub(crate) versions_per_commit: usize,
}

impl Index {
    /// Latest published transaction, [`Tx::NONE`] when there is none.
    pub fn applied_tx(&self) -> Tx {
        self.states.latest().published.tx
    }

    /// Number and instant (milliseconds since 1970 UTC) of the latest published transaction, `None` when there is none.
    pub fn applied_commit(&self) -> Option<(Tx, i64)> {
        let published = self.states.latest().published;
        (published.tx > Tx::NONE).then_some((published.tx, published.commit_ms))
    }

    /// The last transaction of the store, with its digest in the log.
    pub fn applied(&self) -> Applied {
        let state = self.states.latest();
        Applied { tx: state.published.tx, commit_ms: state.published.commit_ms, digest: state.digest }
    }

    /// The first transaction whose state is answered, [`Tx::NONE`] while all are: [`Index::snapshot_at`] refuses earlier ones.
    pub fn retained_from(&self) -> Tx {
        Tx::new(self.retained_from.load(Ordering::SeqCst))
    }

    /// Tells readers that states before a transaction are not answered any more. Compaction calls it when
    /// [`crate::meta::set_retained_from`] is committed, and before it removes the first version: a reader that began earlier has a
    /// read transaction in which nothing was removed.
    #[expect(dead_code, reason = "compaction calls it")]
    pub(crate) fn set_retained_from(&self, tx: Tx) {
        self.retained_from.store(tx.get(), Ordering::SeqCst);
    }

    /// Number of live resources of all types, reduced forms included.
    pub fn resource_count(&self) -> u64 {
        self.states.latest().count()
    }

    /// Whether no version was ever published.
    pub fn is_empty(&self) -> bool {
        self.states.latest().published.end == Row::FIRST
    }

    /// Instant of a transaction that follows the present state: one earlier than the previous transaction's is raised to it, so
    /// that rows are in chronological order.
    pub(crate) fn instant_not_before_last(&self, commit_ms: i64) -> i64 {
        let published = self.states.latest().published;
        if published.tx == Tx::NONE { commit_ms } else { commit_ms.max(published.commit_ms) }
    }

    /// Reads the link columns once, so that the first search through references finds them in memory. Cost: fifty megabytes for
    /// a country.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn prefetch_links(&self) -> Result<(), Error> {
        let txn = self.env.read_txn()?;
        for item in self.dbs.links.iter(&txn)? {
            // A chunk is one page: touching its first byte loads it.
            std::hint::black_box(item?.1.first());
        }
        Ok(())
    }
}
