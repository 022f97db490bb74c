//! Rows in the order of logical identifiers.

use std::ops::ControlFlow;

use annuaire_terms::TypeId;
use roaring::RoaringBitmap;

use crate::error::Error;
use crate::key;
use crate::row::Row;
use crate::snapshot::Snapshot;

/// Order of logical identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdOrder {
    /// From the first id on.
    Ascending,
    /// From the last id on.
    Descending,
}

/// Most rows that are read and sorted in memory; more are met by walking the ids of the type.
const SORTED_MAX: u64 = 2_000;

impl Snapshot {
    /// The first `limit` rows of `rows`, live rows of a type, in the order of their ids, after the id `after`. Cost: reading
    /// each row when there are few; otherwise walking the ids until `limit` rows are met.
    ///
    /// # Errors
    /// [`Error::Exhausted`], or when the store cannot be read.
    pub fn by_id(
        &self,
        ty: TypeId,
        rows: &RoaringBitmap,
        after: Option<&str>,
        order: IdOrder,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        if rows.len() <= SORTED_MAX {
            return self.sorted_by_id(rows, after, order, limit);
        }
        let mut out = Vec::with_capacity(limit);
        let edge = after.map(|id| key::id(ty, id));
        let mut visitor = |versions: &RoaringBitmap| {
            // The newest visible version, if it is among the rows.
            let visible = versions.rank(self.published.end.get().wrapping_sub(1));
            let newest = visible.checked_sub(1).and_then(|n| versions.select(n as u32));
            out.extend(newest.filter(|row| rows.contains(*row)).map(Row::new));
            if out.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        match order {
            IdOrder::Ascending => self.scan().ids_ascending(ty, edge.as_deref(), &mut visitor)?,
            IdOrder::Descending => self.scan().ids_descending(ty, edge.as_deref(), &mut visitor)?,
        }
        Ok(out)
    }

    fn sorted_by_id(&self, rows: &RoaringBitmap, after: Option<&str>, order: IdOrder, limit: usize) -> Result<Vec<Row>, Error> {
        let id_of = |row| Ok((self.read(row)?.id().to_owned(), row));
        let mut all = rows.iter().map(Row::new).map(id_of).collect::<Result<Vec<_>, Error>>()?;
        all.sort_unstable();
        if order == IdOrder::Descending {
            all.reverse();
        }
        let is_after = |id: &str| match (after, order) {
            (None, _) => true,
            (Some(after), IdOrder::Ascending) => id > after,
            (Some(after), IdOrder::Descending) => id < after,
        };
        Ok(all.into_iter().filter(|(id, _)| is_after(id)).map(|(_, row)| row).take(limit).collect())
    }
}
