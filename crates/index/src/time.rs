//! Rows by instant.

use annuaire_base::Tx;
use annuaire_terms::TypeId;
use roaring::RoaringBitmap;

use crate::error::Error;
use crate::published::PublishedTx;
use crate::row::Row;
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Versions, live or closed, that transactions wrote at an instant or after it; of one type, or of all for `None`. Instants
    /// are those of commits, whatever foreign stamps say.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn versions_since(&self, ty: Option<TypeId>, since_ms: i64) -> Result<RoaringBitmap, Error> {
        let first = self.first_row_at(since_ms)?;
        let mut rows = RoaringBitmap::new();
        if first < self.published.end {
            // Not the range: compaction takes rows out of it.
            let types = ty.map_or(TypeId::new(0)..=TypeId::new(u8::MAX), |ty| ty..=ty);
            for ty in (types.start().get()..=types.end().get()).map(TypeId::new) {
                rows |= self.all_versions(ty)?;
            }
            rows.remove_range(..first.get());
        }
        Ok(rows)
    }

    /// First row that a transaction wrote at an instant or after it, [`Row::MAX`] when there is none. Cost: a binary search over
    /// the numbers of the transactions, one look-up a step.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn first_row_at(&self, ms: i64) -> Result<Row, Error> {
        if self.published.tx == Tx::NONE || self.published.commit_ms < ms {
            return Ok(Row::MAX);
        }
        // Smallest number such that the first transaction at or after it is not before the instant. Stores skip numbers.
        let (mut low, mut high) = (0, self.published.tx.get());
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.dbs.tx.get_greater_than_or_equal_to(&self.txn, &PublishedTx::key(Tx::new(middle)))?;
            let (key, value) = found.ok_or(Error::Corrupt("transactions"))?;
            let found = PublishedTx::decode(key, value)?;
            if found.commit_ms >= ms { high = middle } else { low = found.tx.get() + 1 }
        }
        let before = self.dbs.tx.get_lower_than(&self.txn, &PublishedTx::key(Tx::new(low)))?;
        let start = match before {
            Some((key, value)) => PublishedTx::decode(key, value)?.end,
            None => Row::FIRST,
        };
        Ok(if start < self.published.end { start } else { Row::MAX })
    }

    /// The versions among `rows` that were current at some moment between two instants, both included. Cost: reading each row
    /// and the head of its successor.
    ///
    /// # Errors
    /// [`Error::Exhausted`], or when the store cannot be read.
    pub fn current_during(&self, rows: &RoaringBitmap, first_ms: i64, last_ms: i64) -> Result<RoaringBitmap, Error> {
        let mut out = RoaringBitmap::new();
        for row in rows.iter().map(Row::new) {
            if self.last_updated_ms(row)? > last_ms {
                continue;
            }
            // Reading all the versions of the resource is cheap: there are few.
            let version = self.read(row)?;
            let mut later = self.versions(version.ty, version.id())?;
            later.remove_range(..=row.get());
            let ended_ms = match later.min() {
                Some(next) => Some(self.last_updated_ms(Row::new(next))?),
                None => version.tombstone.map(|_| version.last_updated_ms),
            };
            if ended_ms.is_none_or(|ms| ms > first_ms) {
                out.insert(row.get());
            }
        }
        Ok(out)
    }
}
