//! Reading posting lists: the texts by which resources of a type are listed, in order.

use std::ops::{Bound, ControlFlow};

use annuaire_terms::TypeId;

use super::block::TermRows;
use super::read::{TermScan, every_block};
use super::row_set;
use crate::error::Error;
use crate::key;
use crate::row::Row;

/// Receives the rows that are listed under one text, and decides whether the walk goes on.
pub type OrderVisitor<'v> = dyn FnMut(&[Row]) -> Result<ControlFlow<()>, Error> + 'v;

impl TermScan<'_> {
    /// Visits the texts by which resources of a type are listed, those that begin with a folded text, in ascending order.
    pub fn listed(self, ty: TypeId, beginning: &str, visitor: &mut OrderVisitor<'_>) -> Result<(), Error> {
        let (first, end) = (key::order_prefix(ty, beginning), key::orders_end(ty));
        let mut listed = Vec::new();
        self.visit(&first, Bound::Excluded(&end), &every_block, &mut |term, rows| {
            if !term.starts_with(&first) {
                return Ok(ControlFlow::Break(()));
            }
            listed.clear();
            match rows {
                TermRows::Inline { .. } => rows.append_inline_to(&mut listed)?,
                TermRows::InSet => listed.extend(row_set::read(self.dbs, self.txn, term)?.iter().map(Row::new)),
            }
            visitor(&listed)
        })
    }
}
