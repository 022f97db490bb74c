//! The state at a transaction in memory: the live rows of each type.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use annuaire_base::Tx;
use annuaire_terms::TypeId;
use heed::RoTxn;
use roaring::RoaringBitmap;

use crate::applied::LogDigest;
use crate::closings::{ClosedRows, closed_between};
use crate::databases::Databases;
use crate::error::Error;
use crate::key;
use crate::meta;
use crate::posting::read::rows_of;
use crate::published::PublishedTx;

/// Live rows by type.
pub type LiveRows = BTreeMap<TypeId, Arc<RoaringBitmap>>;

/// The state at a published transaction; never changed once made.
#[derive(Debug)]
pub struct PublishedState {
    pub published: PublishedTx,
    /// Digest of the transaction in the log; only the latest state has one.
    pub digest: LogDigest,
    rows: StateRows,
}

#[derive(Debug)]
enum StateRows {
    /// Published and not closed.
    Live(LiveRows),
    /// Found back from a later state.
    Earlier(EarlierRows),
}

/// The rows of a state, by a later state: what is live there or was closed in between, up to the end of the earlier state.
#[derive(Debug)]
struct EarlierRows {
    later: Arc<PublishedState>,
    /// Closed between both states. Some of these rows may be younger than the earlier state.
    closed: ClosedRows,
    /// Live rows of the types that were asked for.
    live: BTreeMap<TypeId, OnceLock<Arc<RoaringBitmap>>>,
}

impl PublishedState {
    /// The state before the first transaction.
    pub const fn empty() -> Self {
        Self::new(PublishedTx::EMPTY, [0; 32], LiveRows::new())
    }

    pub const fn new(published: PublishedTx, digest: LogDigest, live: LiveRows) -> Self {
        Self { published, digest, rows: StateRows::Live(live) }
    }

    /// Reads the latest state from the files. Cost: one posting list for each type, and about a hundred entries of closings.
    pub fn load(dbs: &Databases, txn: &RoTxn<'_>) -> Result<Self, Error> {
        let published = PublishedTx::latest(dbs, txn)?;
        let closed = closed_between(dbs, txn, Tx::NONE, published.tx)?;
        let mut live = LiveRows::new();
        for ty in (0..=u8::MAX).map(TypeId::new) {
            let mut rows = rows_of(dbs, txn, &key::all_of_type(ty))?;
            rows.remove_range(published.end.get()..);
            if let Some(closed) = closed.get(&ty) {
                rows -= closed;
            }
            if !rows.is_empty() {
                live.insert(ty, Arc::new(rows));
            }
        }
        Ok(Self::new(published, meta::digest(dbs.meta, txn)?, live))
    }

    /// The state at an earlier transaction. Cost: about a hundred entries of closings at most, few when it is near.
    pub fn earlier(self: &Arc<Self>, dbs: &Databases, txn: &RoTxn<'_>, published: PublishedTx) -> Result<Self, Error> {
        let mut closed = closed_between(dbs, txn, published.tx, self.published.tx)?;
        let later = match &self.rows {
            StateRows::Live(_) => self.clone(),
            // A chain of states would keep them all in memory.
            StateRows::Earlier(rows) => {
                for (ty, also) in &rows.closed {
                    *closed.entry(*ty).or_default() |= also;
                }
                rows.later.clone()
            }
        };
        let types: BTreeSet<TypeId> = later.types().chain(closed.keys().copied()).collect();
        let live = types.into_iter().map(|ty| (ty, OnceLock::new())).collect();
        Ok(Self { published, digest: [0; 32], rows: StateRows::Earlier(EarlierRows { later, closed, live }) })
    }

    /// Live rows of a type. Cost: a pointer; for an earlier state one copy of the bitmap, once.
    pub fn live(&self, ty: TypeId) -> Arc<RoaringBitmap> {
        match &self.rows {
            StateRows::Live(live) => live.get(&ty).cloned().unwrap_or_default(),
            StateRows::Earlier(rows) => rows
                .live
                .get(&ty)
                .map_or_else(Arc::default, |live| live.get_or_init(|| rows.live_before(ty, self.published)).clone()),
        }
    }

    pub fn is_live(&self, ty: TypeId, row: u32) -> bool {
        match &self.rows {
            StateRows::Live(live) => live.get(&ty).is_some_and(|live| live.contains(row)),
            StateRows::Earlier(rows) => {
                row < self.published.end.get()
                    && (rows.later.is_live(ty, row) || rows.closed.get(&ty).is_some_and(|closed| closed.contains(row)))
            }
        }
    }

    /// Live rows of all types; of the latest state only.
    pub fn all_live(&self) -> LiveRows {
        match &self.rows {
            StateRows::Live(live) => live.clone(),
            StateRows::Earlier(rows) => rows.live.keys().map(|ty| (*ty, self.live(*ty))).collect(),
        }
    }

    /// Number of live rows.
    pub fn count(&self) -> u64 {
        self.types().map(|ty| self.live(ty).len()).sum()
    }

    /// Bytes that an earlier state takes at most, the state from which it was found included.
    pub fn weight(&self) -> usize {
        let size = |rows: &RoaringBitmap| rows.serialized_size();
        match &self.rows {
            StateRows::Live(live) => live.values().map(|rows| size(rows)).sum(),
            StateRows::Earlier(rows) => 2 * rows.later.weight() + rows.closed.values().map(size).sum::<usize>(),
        }
    }

    fn types(&self) -> Box<dyn Iterator<Item = TypeId> + '_> {
        match &self.rows {
            StateRows::Live(live) => Box::new(live.keys().copied()),
            StateRows::Earlier(rows) => Box::new(rows.live.keys().copied()),
        }
    }
}

impl EarlierRows {
    fn live_before(&self, ty: TypeId, published: PublishedTx) -> Arc<RoaringBitmap> {
        let later = self.later.live(ty);
        let closed = self.closed.get(&ty);
        if closed.is_none() && later.max().is_none_or(|max| max < published.end.get()) {
            return later;
        }
        let mut live = match closed {
            Some(closed) => &*later | closed,
            None => (*later).clone(),
        };
        live.remove_range(published.end.get()..);
        Arc::new(live)
    }
}

/// Adds and closes rows of the latest state.
pub fn change(live: &mut LiveRows, added: &BTreeMap<TypeId, RoaringBitmap>, closed: &ClosedRows) {
    for (ty, added) in added {
        *Arc::make_mut(live.entry(*ty).or_default()) |= added;
    }
    for (ty, closed) in closed {
        if let Some(rows) = live.get_mut(ty) {
            *Arc::make_mut(rows) -= closed;
        }
    }
}
