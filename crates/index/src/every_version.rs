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
}
