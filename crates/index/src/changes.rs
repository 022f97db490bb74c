//! The versions of a store in the order of its log: what a copy of it needs.

use std::ops::Bound;

use annuaire_base::Tx;
use annuaire_terms::TypeId;
use roaring::RoaringBitmap;

use crate::error::Error;
use crate::published::PublishedTx;
use crate::row::Row;
use crate::snapshot::Snapshot;
use crate::withdrawn_rows;

impl Snapshot {
    /// Live rows of all types: each resource once. Cost: a copy of the bitmaps.
    pub fn standing(&self, types: &[TypeId]) -> RoaringBitmap {
        types.iter().fold(RoaringBitmap::new(), |all, ty| all | &*self.live(*ty))
    }

    /// Rows of the versions of some types that the transactions after `after` wrote, tombstones included. Added to the state at `after`
    /// they give this one. Of what happened before [`crate::Index::retained_from`], compaction has taken the versions that were replaced;
    /// tombstones stay for ever. Versions whose content was withdrawn by law since are left out: their tombstone is among the rows.
    /// Cost: the posting lists of the types.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn since(&self, types: &[TypeId], after: Tx) -> Result<RoaringBitmap, Error> {
        let first = self.end_of(after)?;
        let mut rows = RoaringBitmap::new();
        if first < self.published.end {
            for ty in types {
                rows |= self.all_versions(*ty)?;
            }
            rows.remove_range(..first.get());
        }
        Ok(rows)
    }

    /// The latest transaction at an instant (milliseconds since 1970 UTC) or before it, with its instant; `None` when the first one
    /// that is kept is later. Cost: a binary search, one look-up a step.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn transaction_at(&self, ms: i64) -> Result<Option<(Tx, i64)>, Error> {
        let (mut low, mut high) = (Tx::NONE.get(), self.published.tx.get());
        // The latest number whose transaction, or the one before it, is not after the instant.
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            match self.transaction_until(Tx::new(middle))? {
                Some(found) if found.commit_ms > ms => high = middle - 1,
                _ => low = middle,
            }
        }
        let found = self.transaction_until(Tx::new(low))?;
        Ok(found.filter(|found| found.commit_ms <= ms).map(|found| (found.tx, found.commit_ms)))
    }

    /// First transaction that is kept, with its instant; `None` in the empty state. Cost: one look-up.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn first_transaction(&self) -> Result<Option<(Tx, i64)>, Error> {
        let first = self.dbs.tx.first(&self.txn)?.map(|(key, value)| PublishedTx::decode(key, value)).transpose()?;
        Ok(first.filter(|first| first.tx <= self.published.tx).map(|first| (first.tx, first.commit_ms)))
    }

    /// Whether a transaction after `after` withdrew something by law. What it withdrew is forgotten with the versions of that time, when
    /// they are compacted; its tombstones, among [`since`](Self::since), stay. Cost: one look-up.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn withdrew_since(&self, after: Tx) -> Result<bool, Error> {
        withdrawn_rows::is_any_between(&self.dbs, &self.txn, after, self.published.tx)
    }

    /// The transaction of the newest version, with its instant (milliseconds since 1970 UTC): the log may have gone on with what this
    /// store does not show. `None` for a state without a version. Cost: the posting lists of the types.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn last_change(&self) -> Result<Option<(Tx, i64)>, Error> {
        let Some(row) = self.versions_since(None, i64::MIN)?.max() else { return Ok(None) };
        let tx = self.read(Row::new(row))?.tx;
        Ok(Some((tx, self.commit_ms_of(tx)?)))
    }

    /// Row after the last one of a transaction, or of the last one before it.
    fn end_of(&self, tx: Tx) -> Result<Row, Error> {
        Ok(self.transaction_until(tx)?.map_or(Row::FIRST, |found| found.end))
    }

    /// The latest transaction up to a number.
    fn transaction_until(&self, tx: Tx) -> Result<Option<PublishedTx>, Error> {
        let key = PublishedTx::key(tx.min(self.published.tx));
        let last = self.dbs.tx.rev_range(&self.txn, &(Bound::Unbounded, Bound::Included(&key[..])))?.next().transpose()?;
        last.map(|(key, value)| PublishedTx::decode(key, value)).transpose()
    }
}
