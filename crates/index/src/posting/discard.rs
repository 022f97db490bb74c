//! Removing what an interrupted transaction left in the posting lists.

use heed::RwTxn;

use super::block::{BlockReader, TermRows};
use super::block_writer::BlockWriter;
use super::row_set;
use crate::databases::{Databases, PAGE_VALUE};
use crate::error::Error;
use crate::row::Row;

/// Removes every row from `end` on. Cost: reading all the terms; only after an interruption.
pub fn discard_from(dbs: &Databases, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
    row_set::discard_from(dbs, txn, end)?;
    let mut changed = Vec::new();
    for item in dbs.terms.iter(txn)? {
        let (start, block) = item?;
        let (mut entries, mut list, mut is_changed) = (BlockReader::new(block), Vec::new(), false);
        let mut writer = BlockWriter::new(start.to_vec());
        while let Some(rows) = entries.next()? {
            list.clear();
            rows.append_inline_to(&mut list)?;
            let kept = list.partition_point(|row| *row < end);
            is_changed |= kept < list.len();
            list.truncate(kept);
            if kept > 0 || matches!(rows, TermRows::InSet) {
                // A block only shrinks here: no second block comes out.
                let _ = writer.push(&entries.key, &list);
            }
        }
        if is_changed {
            // An empty block stays: its keys will come back when the transaction is applied again.
            changed.push((start.to_vec(), writer.finish().map(|block| block.bytes).unwrap_or_default()));
        }
    }
    for (start, block) in changed {
        debug_assert!(block.len() <= PAGE_VALUE);
        dbs.terms.put(txn, &start, &block)?;
    }
    Ok(())
}
