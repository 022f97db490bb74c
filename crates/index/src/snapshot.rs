//! The state at one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annuaire_base::Tx;
use annuaire_terms::TypeId;
use heed::{Env, RoTxn, WithoutTls};
use roaring::RoaringBitmap;

use crate::budget::{Effort, Meter};
use crate::databases::Databases;
use crate::dictionaries::Dictionaries;
use crate::error::Error;
use crate::key;
use crate::posting::read::{TermScan, last_row_of, rows_of};
use crate::published::PublishedTx;
use crate::results::SearchResults;
use crate::row::Row;
use crate::state::PublishedState;
use crate::states::KnownStates;

/// The state of the store at one transaction. It owns an LMDB read transaction: keep it briefly, since LMDB cannot reuse pages
/// that a reader may see.
pub struct Snapshot {
    pub(crate) txn: RoTxn<'static, WithoutTls>,
    pub(crate) dbs: Databases,
    pub(crate) dictionaries: Arc<Dictionaries>,
    pub(crate) results: SearchResults,
    pub(crate) published: PublishedTx,
    state: Arc<PublishedState>,
    pub(crate) meter: Meter,
}

/// What it takes to open a snapshot. Clones share the states.
#[derive(Clone)]
pub struct SnapshotSource {
    pub env: Env<WithoutTls>,
    pub dbs: Databases,
    pub dictionaries: Arc<Dictionaries>,
    pub results: SearchResults,
    pub states: Arc<KnownStates>,
    /// First transaction whose state is answered.
    pub retained_from: Arc<AtomicU64>,
}

impl SnapshotSource {
    /// [`crate::Index::snapshot`].
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        loop {
            // The state comes first: the read transaction can then only be newer, and rows beyond the state's end are ignored.
            let state = self.states.latest();
            let txn = self.env.clone().static_read_txn()?;
            // Compaction says up to where it removes before it begins.
            if self.retained_from.load(Ordering::SeqCst) <= state.published.tx.get() {
                return Ok(self.snapshot_of(txn, state));
            }
        }
    }

    /// [`crate::Index::snapshot_at`].
    pub fn snapshot_at(&self, tx: Tx) -> Result<Option<Snapshot>, Error> {
        let found = self.states.find(tx);
        let txn = self.env.clone().static_read_txn()?;
        if tx == Tx::NONE {
            return Ok(Some(self.snapshot_of(txn, Arc::new(PublishedState::empty()))));
        }
        if tx.get() < self.retained_from.load(Ordering::SeqCst) {
            return Err(Error::TooOld);
        }
        if found.published.tx == tx {
            return Ok(Some(self.snapshot_of(txn, found)));
        }
        let key = PublishedTx::key(tx);
        let Some(value) = self.dbs.tx.get(&txn, &key)? else { return Ok(None) };
        // A number above the latest state is that of a transaction whose state is not in memory yet.
        if found.published.tx < tx {
            return Ok(None);
        }
        let state = Arc::new(found.earlier(&self.dbs, &txn, PublishedTx::decode(&key, value)?)?);
        self.states.keep(&state, &found);
        Ok(Some(self.snapshot_of(txn, state)))
    }

    fn snapshot_of(&self, txn: RoTxn<'static, WithoutTls>, state: Arc<PublishedState>) -> Snapshot {
        Snapshot {
            txn,
            dbs: self.dbs,
            dictionaries: self.dictionaries.clone(),
            results: self.results.clone(),
            published: state.published,
            state,
            meter: Meter::unlimited(),
        }
    }
}

impl Snapshot {
    /// Bounds the work of all the searches of this snapshot together; beyond it they fail with [`Error::Exhausted`].
    #[must_use]
    pub fn within(self, effort: Effort) -> Self {
        self.meter.set_limit(effort);
        self
    }

    /// Transaction of the snapshot, [`Tx::NONE`] for the empty state.
    pub fn tx(&self) -> Tx {
        self.published.tx
    }

    /// Instant of that transaction, milliseconds since 1970 UTC.
    pub fn commit_ms(&self) -> i64 {
        self.published.commit_ms
    }

    /// Whether no version is visible.
    pub fn is_empty(&self) -> bool {
        self.published.end == Row::FIRST
    }

    /// Whether a resource is live, in whatever form. Cost: one look-up.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn exists(&self, ty: TypeId, id: &str) -> Result<bool, Error> {
        Ok(self.newest_row(ty, id)?.is_some_and(|row| self.is_live(ty, row)))
    }

    /// Rows of all the versions of a resource, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn history(&self, ty: TypeId, id: &str) -> Result<Vec<Row>, Error> {
        Ok(self.versions(ty, id)?.iter().rev().map(Row::new).collect())
    }

    /// Live rows of a type whose instant differs from that of their transaction: they have a foreign stamp.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn with_own_instant(&self, ty: TypeId) -> Result<RoaringBitmap, Error> {
        let mut rows = self.term(&key::dated(ty))?;
        rows &= &*self.live(ty);
        Ok(rows)
    }

    /// Visible rows of an id: all the versions of the resource.
    pub(crate) fn versions(&self, ty: TypeId, id: &str) -> Result<RoaringBitmap, Error> {
        let mut rows = self.term(&key::id(ty, id))?;
        rows.remove_range(self.published.end.get()..);
        Ok(rows)
    }

    /// Row of the newest visible version of an id, live or not.
    pub(crate) fn newest_row(&self, ty: TypeId, id: &str) -> Result<Option<Row>, Error> {
        last_row_of(&self.dbs, &self.txn, &key::id(ty, id), self.published.end)
    }

    /// Whether a visible row was not closed at this transaction.
    pub(crate) fn is_live(&self, ty: TypeId, row: Row) -> bool {
        self.state.is_live(ty, row.get())
    }

    /// Live rows of a type.
    pub(crate) fn live(&self, ty: TypeId) -> Arc<RoaringBitmap> {
        self.state.live(ty)
    }

    /// Visible rows of a type, live or not, and its tombstones.
    pub(crate) fn all_versions(&self, ty: TypeId) -> Result<RoaringBitmap, Error> {
        let mut rows = self.term(&key::all_of_type(ty))? | self.term(&key::tombstones(ty))?;
        rows.remove_range(self.published.end.get()..);
        Ok(rows)
    }

    /// Rows of a term, some of them perhaps beyond the end of the snapshot.
    pub(crate) fn term(&self, key: &[u8]) -> Result<RoaringBitmap, Error> {
        rows_of(&self.dbs, &self.txn, key)
    }

    pub(crate) fn scan(&self) -> TermScan<'_> {
        TermScan { dbs: &self.dbs, txn: &self.txn, meter: &self.meter }
    }

    /// Instant of a transaction of the snapshot, milliseconds since 1970 UTC. Cost: one look-up.
    ///
    /// # Errors
    /// When no version of that transaction is kept, or the store cannot be read.
    pub fn commit_ms_of(&self, tx: Tx) -> Result<i64, Error> {
        if tx == self.published.tx {
            return Ok(self.published.commit_ms);
        }
        let key = PublishedTx::key(tx);
        let value = self.dbs.tx.get(&self.txn, &key)?.ok_or(Error::Corrupt("transaction of a row"))?;
        Ok(PublishedTx::decode(&key, value)?.commit_ms)
    }
}
