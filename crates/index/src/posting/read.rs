//! Reading posting lists: one term, or the terms of a range.

use std::ops::{Bound, ControlFlow};

use annuaire_base::text::fold;
use annuaire_terms::{ParamId, TypeId};
use heed::RoTxn;
use roaring::RoaringBitmap;

use super::block::{BlockReader, TermRows};
use super::row_set;
use super::union::RowUnion;
use crate::budget::{self, Meter};
use crate::databases::Databases;
use crate::error::Error;
use crate::key;
use crate::row::Row;

/// Rows of one term. Cost: one block, and the set of a term with many rows.
pub fn rows_of(dbs: &Databases, txn: &RoTxn<'_>, term: &[u8]) -> Result<RoaringBitmap, Error> {
    let mut union = RowUnion::new(dbs, txn);
    if let Some(rows) = find(dbs, txn, term)? {
        union.add(term, rows)?;
    }
    Ok(union.into_rows())
}

/// Last row of a term below `end`. For a term of few rows it costs less than [`rows_of`].
pub fn last_row_of(dbs: &Databases, txn: &RoTxn<'_>, term: &[u8], end: Row) -> Result<Option<Row>, Error> {
    match find(dbs, txn, term)? {
        None => Ok(None),
        Some(TermRows::InSet) => {
            let mut rows = row_set::read(dbs, txn, term)?;
            rows.remove_range(end.get()..);
            Ok(rows.max().map(Row::new))
        }
        Some(rows) => {
            let mut list = Vec::new();
            rows.append_inline_to(&mut list)?;
            Ok(list.into_iter().rev().find(|row| *row < end))
        }
    }
}

/// Whether a term exists and its rows are in a set.
pub fn is_in_set(dbs: &Databases, txn: &RoTxn<'_>, term: &[u8]) -> Result<bool, Error> {
    Ok(matches!(find(dbs, txn, term)?, Some(TermRows::InSet)))
}

/// Rows of a term as its block has them; `None` when the term does not exist.
fn find<'t>(dbs: &Databases, txn: &'t RoTxn<'_>, term: &[u8]) -> Result<Option<TermRows<'t>>, Error> {
    let Some((_, block)) = dbs.terms.get_lower_than_or_equal_to(txn, term)? else { return Ok(None) };
    let mut entries = BlockReader::new(block);
    let rows = entries.seek(term)?;
    Ok(rows.filter(|_| entries.key == term))
}

/// Receives a term and its rows, and decides whether the scan goes on.
pub type TermVisitor<'v, 't> = dyn FnMut(&[u8], TermRows<'t>) -> Result<ControlFlow<()>, Error> + 'v;

/// Scans of the terms in a range of keys, on the account of a meter.
#[derive(Clone, Copy)]
pub struct TermScan<'t> {
    pub dbs: &'t Databases,
    pub txn: &'t RoTxn<'t>,
    pub meter: &'t Meter,
}

impl<'t> TermScan<'t> {
    /// Rows of all the terms that start with a prefix.
    pub fn prefix(self, prefix: &[u8]) -> Result<RoaringBitmap, Error> {
        let mut union = RowUnion::new(self.dbs, self.txn);
        self.visit(prefix, Bound::Unbounded, &every_block, &mut |term, rows| {
            if !term.starts_with(prefix) {
                return Ok(ControlFlow::Break(()));
            }
            union.add(term, rows)?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(union.into_rows())
    }

    /// Rows with a text in a range; folded forms are compared. `None` for no bound.
    pub fn texts_between(
        self,
        ty: TypeId,
        param: ParamId,
        from: Option<&str>,
        before: Option<&str>,
    ) -> Result<RoaringBitmap, Error> {
        let first = key::text_prefix(ty, param, &fold(from.unwrap_or_default()));
        let end = before.map_or_else(|| key::texts_end(ty, param).to_vec(), |text| key::text_prefix(ty, param, &fold(text)));
        self.range(&first, &end)
    }

    /// Rows with an instant of their own in a range. `None` for no bound.
    pub fn instants_between(self, ty: TypeId, from_ms: Option<i64>, before_ms: Option<i64>) -> Result<RoaringBitmap, Error> {
        let first = key::instant(ty, from_ms.unwrap_or(i64::MIN));
        let end = before_ms.map_or_else(|| key::instants_end(ty).to_vec(), |ms| key::instant(ty, ms));
        self.range(&first, &end)
    }

    /// Rows of the terms from `first` on, before `end`.
    fn range(self, first: &[u8], end: &[u8]) -> Result<RoaringBitmap, Error> {
        let mut union = RowUnion::new(self.dbs, self.txn);
        self.visit(first, Bound::Excluded(end), &every_block, &mut |term, rows| {
            if term >= end {
                return Ok(ControlFlow::Break(()));
            }
            union.add(term, rows)?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(union.into_rows())
    }

    /// Visits the terms from `from` on in order, until the visitor breaks. Reads the blocks that start before `until` and pass
    /// `block_filter`; the terms of the last block can lie beyond `until`.
    pub fn visit(
        self,
        from: &[u8],
        until: Bound<&[u8]>,
        block_filter: &dyn Fn(&[u8]) -> bool,
        visitor: &mut TermVisitor<'_, 't>,
    ) -> Result<(), Error> {
        let Some((start, _)) = self.dbs.terms.get_lower_than_or_equal_to(self.txn, from)? else { return Ok(()) };
        for item in self.dbs.terms.range(self.txn, &(Bound::Included(start), until))? {
            let (_, block) = item?;
            if !block_filter(block) {
                self.meter.spend(budget::BLOCK_SKIPPED)?;
                continue;
            }
            self.meter.spend(budget::BLOCK)?;
            let mut entries = BlockReader::new(block);
            // Only the first block has keys below `from`.
            let mut next = entries.seek(from)?;
            while let Some(rows) = next {
                if visitor(&entries.key, rows)?.is_break() {
                    return Ok(());
                }
                next = entries.next()?;
            }
        }
        Ok(())
    }
}

/// Block filter of a scan that reads every block.
pub fn every_block(_: &[u8]) -> bool {
    true
}
