//! Removing rows from link columns, and uniting the chunks that became small.

use std::ops::Bound;

use annuaire_terms::ParamId;
use heed::RwTxn;

use super::column::{ENTRY, LinkColumn, entries};
use crate::databases::{Databases, PAGE_VALUE, from_key};
use crate::error::Error;
use crate::removal::Removal;
use crate::row::Row;

/// Removes rows from `most` chunks, the first of them at or after the key `from`, and unites small neighbours. Returns the key
/// from which the next call goes on, `None` after the last chunk.
pub fn sweep(
    dbs: &Databases,
    txn: &mut RwTxn<'_>,
    removal: Removal<'_>,
    from: &[u8],
    most: usize,
) -> Result<Option<Vec<u8>>, Error> {
    let mut groups: Vec<ChunkGroup> = Vec::new();
    let (mut read, mut next) = (0, None);
    for item in dbs.links.range(txn, &(from_key(from), Bound::Unbounded))? {
        let (key, chunk) = item?;
        if read == most {
            next = Some(key.to_vec());
            break;
        }
        read += 1;
        let (column, first) = LinkColumn::of_key(key)?;
        let kept: Vec<(Row, u64)> = entries(first, chunk).filter(|(row, _)| !goes(removal, column, *row)).collect();
        let is_changed = kept.len() * ENTRY < chunk.len();
        match groups.last_mut().filter(|group| group.can_take(column, &kept)) {
            Some(group) => {
                group.entries.extend(kept);
                group.stored.push(first);
                group.is_changed = true;
            }
            None => groups.push(ChunkGroup { column, entries: kept, stored: vec![first], is_changed }),
        }
    }
    for group in groups.iter().filter(|group| group.is_changed) {
        group.write(dbs, txn)?;
    }
    Ok(next)
}

fn goes(removal: Removal<'_>, column: LinkColumn, row: Row) -> bool {
    !(removal.first_kept_end.is_none() && column.param == ParamId::STORE) && removal.rows.contains(row.get())
}

/// Chunks of a column that become one.
struct ChunkGroup {
    column: LinkColumn,
    entries: Vec<(Row, u64)>,
    /// First rows of the chunks in the database.
    stored: Vec<Row>,
    is_changed: bool,
}

impl ChunkGroup {
    fn can_take(&self, column: LinkColumn, more: &[(Row, u64)]) -> bool {
        let spans = |first: Row, last: Row| last.get() - first.get() <= u32::from(u16::MAX);
        let first = self.entries.first().or(more.first());
        column == self.column
            && (self.entries.len() + more.len()) * ENTRY <= PAGE_VALUE
            && first.zip(more.last()).is_none_or(|(first, last)| spans(first.0, last.0))
    }

    fn write(&self, dbs: &Databases, txn: &mut RwTxn<'_>) -> Result<(), Error> {
        for first in &self.stored {
            dbs.links.delete(txn, &self.column.key(*first))?;
        }
        let Some((first, _)) = self.entries.first() else { return Ok(()) };
        let mut chunk = Vec::with_capacity(self.entries.len() * ENTRY);
        for (row, hash) in &self.entries {
            chunk.extend(((row.get() - first.get()) as u16).to_le_bytes());
            chunk.extend(hash.to_le_bytes());
        }
        Ok(dbs.links.put(txn, &self.column.key(*first), &chunk)?)
    }
}
