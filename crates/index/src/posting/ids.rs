//! Reading posting lists: the logical identifiers of a type, in order.

use std::ops::{Bound, ControlFlow};

use annuaire_terms::TypeId;
use roaring::RoaringBitmap;

use super::block::{BlockReader, TermRows};
use super::read::{TermScan, every_block};
use super::union::RowUnion;
use crate::budget;
use crate::error::Error;
use crate::key;

/// Receives the rows of an identifier (its versions), and decides whether the walk goes on.
pub type IdVisitor<'v> = dyn FnMut(&RoaringBitmap) -> ControlFlow<()> + 'v;

impl<'t> TermScan<'t> {
    /// Visits the identifiers of a type in ascending order, those after the key `after` only.
    pub fn ids_ascending(self, ty: TypeId, after: Option<&[u8]>, visitor: &mut IdVisitor<'_>) -> Result<(), Error> {
        let (first, end) = (key::ids_start(ty), key::ids_end(ty));
        self.visit(after.unwrap_or(&first), Bound::Excluded(&end), &every_block, &mut |term, rows| {
            if !term.starts_with(&first) {
                return Ok(ControlFlow::Break(()));
            }
            if after.is_some_and(|after| term <= after) {
                return Ok(ControlFlow::Continue(()));
            }
            Ok(visitor(&self.rows_of_id(term, rows)?))
        })
    }

    /// Visits the identifiers of a type in descending order, those before the key `before` only.
    pub fn ids_descending(self, ty: TypeId, before: Option<&[u8]>, visitor: &mut IdVisitor<'_>) -> Result<(), Error> {
        let (first, end) = (key::ids_start(ty), key::ids_end(ty));
        let high = before.unwrap_or(&end);
        for item in self.dbs.terms.rev_range(self.txn, &(Bound::Unbounded, Bound::Included(high)))? {
            self.meter.spend(budget::BLOCK)?;
            // Front coding is read forwards: the identifiers of a block are collected, then visited backwards.
            let mut entries = BlockReader::new(item?.1);
            let mut of_block = Vec::new();
            let mut is_first_block = false;
            while let Some(rows) = entries.next()? {
                let term = entries.key.as_slice();
                is_first_block |= term < &first[..];
                if term.starts_with(&first) && before.is_none_or(|before| term < before) {
                    of_block.push(self.rows_of_id(term, rows)?);
                }
            }
            if of_block.iter().rev().any(|rows| visitor(rows).is_break()) || is_first_block {
                break;
            }
        }
        Ok(())
    }

    fn rows_of_id(self, term: &[u8], rows: TermRows<'_>) -> Result<RoaringBitmap, Error> {
        let mut union = RowUnion::new(self.dbs, self.txn);
        union.add(term, rows)?;
        Ok(union.into_rows())
    }
}
