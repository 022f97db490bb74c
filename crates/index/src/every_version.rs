//! Searches among all versions: those that were replaced or vanished too.

use annuaire_terms::TypeId;
use roaring::RoaringBitmap;

use crate::error::Error;
use crate::filter::Filter;
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Rows of all the versions of a type that satisfy a filter of one term, live or not. Withdrawal by law looks for what it must
    /// reach; a door never does.
    ///
    /// # Errors
    /// As [`Snapshot::search`].
    pub fn every_version(&self, ty: TypeId, filter: &Filter) -> Result<RoaringBitmap, Error> {
        let mut rows = self.evaluate(ty, filter, &RoaringBitmap::new())?;
        rows.remove_range(self.published.end.get()..);
        Ok(rows)
    }

    /// Rows among `rows`, versions of one type whether live or not, that satisfy a filter. `:not` and "missing" are about these rows. A
    /// filter that follows references looks at the state of the snapshot at their other ends, and [`Filter::Ids`] finds newest rows only. For those
    /// who tell subscribers of changes: a version that was replaced satisfies what it did. Cost: that of the search.
    ///
    /// # Errors
    /// As [`Snapshot::search`].
    pub fn among(&self, ty: TypeId, filter: &Filter, rows: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        let mut found = self.evaluate(ty, filter, rows)?;
        found &= rows;
        Ok(found)
    }
}
