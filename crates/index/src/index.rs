//! A store that is open.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use annuaire_base::Tx;
use heed::{Env, WithoutTls};

use crate::applied::Applied;
use crate::databases::Databases;
use crate::dictionaries::Dictionaries;
use crate::error::Error;
use crate::row::Row;
use crate::snapshot::{Snapshot, SnapshotSource};

/// A publication store that is open. Shared by threads: one writer at a time, and readers never wait for it.
pub struct Index {
    pub(crate) dir: PathBuf,
    pub(crate) env: Env<WithoutTls>,
    pub(crate) dbs: Databases,
    pub(crate) dictionaries: Arc<Dictionaries>,
    /// What readers need.
    pub(crate) source: SnapshotSource,
    /// Held while a transaction is applied.
    pub(crate) writer: Mutex<()>,
    /// Versions written between two LMDB commits.
    pub(crate) versions_per_commit: usize,
    /// Pages that a step of a compaction looks at.
    pub(crate) pages_per_step: usize,
}

impl Index {
    /// Latest published transaction, [`Tx::NONE`] when there is none.
    pub fn applied_tx(&self) -> Tx {
        self.source.states.latest().published.tx
    }

    /// Number and instant (milliseconds since 1970 UTC) of the latest published transaction, `None` when there is none.
    pub fn applied_commit(&self) -> Option<(Tx, i64)> {
        let published = self.source.states.latest().published;
        (published.tx > Tx::NONE).then_some((published.tx, published.commit_ms))
    }

    /// The last transaction of the store, with its digest in the log.
    pub fn applied(&self) -> Applied {
        let state = self.source.states.latest();
        Applied { tx: state.published.tx, commit_ms: state.published.commit_ms, digest: state.digest }
    }

    /// The first transaction whose state is answered, [`Tx::NONE`] while all are: [`Index::snapshot_at`] refuses earlier ones.
    pub fn retained_from(&self) -> Tx {
        Tx::new(self.source.retained_from.load(Ordering::SeqCst))
    }

    /// Tells readers that states before a transaction are not answered any more. Compaction calls it when
    /// [`crate::meta::set_retained_from`] is committed, and before it removes the first version: a reader that began earlier has a
    /// read transaction in which nothing was removed.
    pub(crate) fn set_retained_from(&self, tx: Tx) {
        self.source.retained_from.store(tx.get(), Ordering::SeqCst);
    }

    /// Opens the latest published state.
    ///
    /// # Errors
    /// When LMDB cannot begin a read transaction.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        self.source.snapshot()
    }

    /// Opens the state at a transaction, `None` when that transaction was not applied. [`Tx::NONE`] is the empty state. Cost: for
    /// a state that is not in memory, about a hundred entries of closings; states asked for lately are.
    ///
    /// # Errors
    /// [`Error::TooOld`] before [`Index::retained_from`]; when the store cannot be read.
    pub fn snapshot_at(&self, tx: Tx) -> Result<Option<Snapshot>, Error> {
        self.source.snapshot_at(tx)
    }

    /// Number of live resources of all types, reduced forms included.
    pub fn resource_count(&self) -> u64 {
        self.source.states.latest().count()
    }

    /// Whether no version was ever published.
    pub fn is_empty(&self) -> bool {
        self.source.states.latest().published.end == Row::FIRST
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
