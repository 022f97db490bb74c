//! The published state in memory: the live rows of each type.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use annuaire_base::Tx;
use annuaire_terms::TypeId;
use heed::RoTxn;
use roaring::RoaringBitmap;

use crate::databases::Databases;
use crate::error::Error;
use crate::key;
use crate::posting::read::rows_of;
use crate::published::PublishedTx;

/// Number of states kept in memory beside the latest: a page that follows a recent search finds its state here.
const RECENT: usize = 8;

/// The state at a published transaction; never changed once made.
#[derive(Debug)]
pub struct PublishedState {
    pub published: PublishedTx,
    /// Live rows by type: published and not closed.
    pub live: BTreeMap<TypeId, Arc<RoaringBitmap>>,
}

impl PublishedState {
    /// Rebuilds the latest state from the files. Cost: one posting list for each type, and all the closings.
    pub fn load(dbs: &Databases, txn: &RoTxn<'_>) -> Result<Self, Error> {
        let published = PublishedTx::latest(dbs, txn)?;
        let closed = closed_up_to(dbs, txn, published.tx)?;
        let mut live = BTreeMap::new();
        for ty in (0..=u8::MAX).map(TypeId::new) {
            let mut rows = rows_of(dbs, txn, &key::all_of_type(ty))?;
            rows.remove_range(published.end.get()..);
            rows -= &closed;
            if !rows.is_empty() {
                live.insert(ty, Arc::new(rows));
            }
        }
        Ok(Self { published, live })
    }

    /// The state after a transaction that added and closed rows. Cost: the bitmaps of the types that it changed.
    pub fn after(&self, published: PublishedTx, added: BTreeMap<TypeId, RoaringBitmap>, closed: &RoaringBitmap) -> Self {
        let mut live = self.live.clone();
        for (ty, added) in added {
            *Arc::make_mut(live.entry(ty).or_default()) |= added;
        }
        for rows in live.values_mut().filter(|rows| !rows.is_disjoint(closed)) {
            *Arc::make_mut(rows) -= closed;
        }
        Self { published, live }
    }

    pub fn is_live(&self, ty: TypeId, row: u32) -> bool {
        self.live.get(&ty).is_some_and(|live| live.contains(row))
    }
}

/// Rows closed by a transaction or an earlier one. Cost: reading the closings of all of them.
pub fn closed_up_to(dbs: &Databases, txn: &RoTxn<'_>, tx: Tx) -> Result<RoaringBitmap, Error> {
    let mut closed = RoaringBitmap::new();
    let last = PublishedTx::key(tx);
    for item in dbs.closings.range(txn, &(Bound::Unbounded, Bound::Included(&last[..])))? {
        let (_, value) = item?;
        closed |= RoaringBitmap::deserialize_from(value)?;
    }
    Ok(closed)
}

/// The latest published states. The writer holds the lock for the time of a pointer swap.
pub struct RecentStates(RwLock<Vec<Arc<PublishedState>>>);

impl RecentStates {
    pub fn new(state: PublishedState) -> Self {
        Self(RwLock::new(vec![Arc::new(state)]))
    }

    pub fn latest(&self) -> Arc<PublishedState> {
        // Never empty: `new` puts one state in, and `publish` removes only older ones.
        self.0.read().unwrap_or_else(PoisonError::into_inner)[0].clone()
    }

    /// The state at a transaction, when it is one of the latest.
    pub fn find(&self, tx: Tx) -> Option<Arc<PublishedState>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().find(|state| state.published.tx == tx).cloned()
    }

    pub fn publish(&self, state: PublishedState) {
        let mut states = self.0.write().unwrap_or_else(PoisonError::into_inner);
        states.insert(0, Arc::new(state));
        states.truncate(1 + RECENT);
    }
}
