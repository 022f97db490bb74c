//! Verification of link columns.

use std::collections::BTreeMap;
use std::iter::Peekable;

use annuaire_terms::{ParamId, TypeId};
use heed::RoTxn;

use super::column::{BAD, ENTRY, LinkColumn, entries};
use crate::databases::{Databases, PAGE_VALUE};
use crate::error::Error;
use crate::row::Row;

/// Checks that a chunk is well formed and that its rows follow those of the previous chunk, whose column and last row are in
/// `before`; then replaces `before`.
pub fn check_chunk(before: &mut Option<(LinkColumn, Row)>, key: &[u8], chunk: &[u8]) -> Result<(), Error> {
    let (column, first) = LinkColumn::of_key(key)?;
    let rows = || entries(first, chunk).map(|(row, _)| row);
    // A row has one id and any number of references.
    let follows = |a: Row, b: Row| if column.param == ParamId::STORE { a < b } else { a <= b };
    let well_formed = chunk.len().is_multiple_of(ENTRY) && (chunk.len() <= PAGE_VALUE || rows().all(|row| row == first));
    let after_previous = before.filter(|before| before.0 == column).is_none_or(|(_, last)| follows(last, first));
    if !well_formed || !after_previous || rows().next() != Some(first) || !rows().is_sorted_by(|a, b| follows(*a, *b)) {
        return Err(BAD);
    }
    *before = rows().next_back().map(|row| (column, row));
    Ok(())
}

type ColumnEntries<'t> = Peekable<Box<dyn Iterator<Item = (Row, u64)> + 't>>;

/// Reads all the columns side by side, in the order of rows.
#[derive(Default)]
pub struct LinkColumnScan<'t> {
    columns: BTreeMap<LinkColumn, ColumnEntries<'t>>,
    /// Entries were skipped whose row was never asked for.
    has_orphans: bool,
}

impl<'t> LinkColumnScan<'t> {
    pub fn new(dbs: &'t Databases, txn: &'t RoTxn<'t>) -> Result<Self, Error> {
        let mut scan = Self::default();
        let mut after = vec![0];
        while let Some((found, _)) = dbs.links.get_greater_than(txn, &after)? {
            let (column, _) = LinkColumn::of_key(found)?;
            // In a damaged tree keys may not ascend: without this check the loop would not end.
            let (mut last, end) = (None, column.key(Row::MAX));
            if after.as_slice() > &end[..] {
                return Err(BAD);
            }
            after = [&end[..], &[0]].concat();
            let chunks = dbs.links.prefix_iter(txn, &[column.ty.get(), column.param.get()])?.filter_map(Result::ok);
            let chunks = chunks.map_while(move |(key, chunk)| {
                let first = LinkColumn::of_key(key).ok()?.1;
                last.replace(first).is_none_or(|last| last < first).then_some((first, chunk))
            });
            let all: Box<dyn Iterator<Item = _>> = Box::new(chunks.flat_map(|(first, chunk)| entries(first, chunk)));
            scan.columns.insert(column, all.peekable());
        }
        Ok(scan)
    }

    /// Entries of a row in the columns of its type, by parameter. Rows must be asked for in ascending order.
    pub fn entries_of(&mut self, ty: TypeId, row: Row) -> Vec<(ParamId, u64)> {
        let mut out = Vec::new();
        let columns = LinkColumn::ids(ty)..=LinkColumn { ty, param: ParamId::MAX };
        for (column, entries) in self.columns.range_mut(columns) {
            while let Some((found, hash)) = entries.next_if(|(found, _)| *found <= row) {
                self.has_orphans |= found != row;
                out.extend((found == row).then_some((column.param, hash)));
            }
        }
        out
    }

    /// Whether the columns have entries of rows before `end` that were never asked for.
    pub fn has_orphans(&mut self, end: Row) -> bool {
        self.has_orphans || self.columns.values_mut().any(|entries| entries.peek().is_some_and(|(row, _)| *row < end))
    }
}
