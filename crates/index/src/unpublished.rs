//! What an interrupted application left beyond the published rows.

use heed::RwTxn;

use crate::chunk;
use crate::databases::Databases;
use crate::error::Error;
use crate::links::column;
use crate::posting::discard;
use crate::row::Row;

/// Removes what an interrupted transaction left beyond the published rows.
pub fn discard_unpublished(dbs: &Databases, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
    // Rows are committed before their terms and with their links: without a row beyond the end there is nothing to remove.
    if chunk::last_row(dbs, txn)?.is_none_or(|last| last < end) {
        return Ok(());
    }
    if end == Row::FIRST {
        for db in [dbs.rows, dbs.terms, dbs.sets, dbs.longs, dbs.links] {
            db.clear(txn)?;
        }
        return Ok(());
    }
    chunk::discard_from(dbs, txn, end)?;
    column::discard_from(dbs, txn, end)?;
    discard::discard_from(dbs, txn, end)
}
