//! Withdrawal by law (WDR-1): all the versions of a resource become tombstones.
//!
//! A tombstone has the type, the id, the number and the instant of a version, and nothing else. The transaction of the withdrawal adds one
//! as the last version, so that histories show that the resource was deleted; it is never live. The versions before it lose their
//! content in their places: they stay under their id alone, out of every other term, set and column, and of the closings, so that
//! no state of the past has them either. Numbers of versions go on from there.

use annuaire_base::Tx;
use annuaire_terms::TypeId;
use heed::RwTxn;
use roaring::RoaringBitmap;

use crate::chunk::ChunkWriter;
use crate::closings::{self, ClosedRows};
use crate::compact;
use crate::databases::Databases;
use crate::dictionaries::Dictionaries;
use crate::error::Error;
use crate::former::{self, FormerResource};
use crate::hash::id_hash;
use crate::key;
use crate::links::{self, column::LinkColumn, column::LinkColumnWriter};
use crate::posting::{self, read::rows_of};
use crate::published::PublishedTx;
use crate::record::{RecordWriter, VersionStamp, next_number};
use crate::removal::Removal;
use crate::row::Row;
use crate::snapshot::Snapshot;
use crate::tombstone::Tombstone;
use crate::version::Version;
use crate::withdrawn_rows;

/// Pages read at a time.
const PAGES: usize = 1_024;

/// What a withdrawal did.
#[derive(Default)]
pub struct WithdrawnResources {
    /// Resources withdrawn, each with the row added for it.
    pub tombstones: Vec<(TypeId, String, Row)>,
    /// Rows before them, whose content is gone: they are live in no state, and no closing may name them.
    pub hidden: ClosedRows,
    /// End of the rows.
    pub end: Row,
}

/// Withdraws resources in the last commit of the transaction `reached`, when its own rows, columns and terms are in the databases:
/// all the rows below `reached.end`. Resources that the store never had, or that are withdrawn already, are passed over.
///
/// Cost: a pass over all the blocks, sets and columns, in bounded memory.
pub fn withdraw(
    dbs: &Databases,
    dictionaries: &Dictionaries,
    txn: &mut RwTxn<'_>,
    reached: PublishedTx,
    resources: &[(TypeId, String)],
) -> Result<WithdrawnResources, Error> {
    let mut done = WithdrawnResources { end: reached.end, ..WithdrawnResources::default() };
    if resources.is_empty() {
        return Ok(done);
    }
    // A compaction under way may have taken rows from under their ids already.
    compact::finish(dbs, txn)?;
    let mut rows = ChunkWriter::open(dbs, txn, reached.end)?;
    let mut links = LinkColumnWriter::default();
    let mut records = RecordWriter::new();
    for (ty, id) in resources {
        let versions = rows_of(dbs, txn, &key::id(*ty, id))?;
        let Some(number) = last_number(dbs, dictionaries, txn, &versions, *ty, id)? else { continue };
        for row in versions.iter().map(Row::new) {
            let Some(version) = read(dbs, dictionaries, txn, row)? else { continue };
            let stamp = VersionStamp { number: version.number, tx: version.tx, last_updated_ms: version.last_updated_ms };
            let record = records.write_tombstone((*ty, id), stamp, version.has_foreign_stamp(), Tombstone::WithdrawnByLaw)?;
            rows.replace(dbs, txn, row, &record)?;
        }
        let row = done.end;
        done.end = row.get().checked_add(1).map(Row::new).ok_or(Error::Refused("no row number left"))?;
        let stamp = VersionStamp { number: next_number(number)?, tx: reached.tx, last_updated_ms: reached.commit_ms };
        rows.push(dbs, txn, row, &records.write_tombstone((*ty, id), stamp, false, Tombstone::WithdrawnByLaw)?)?;
        links.push(dbs, txn, LinkColumn::ids(*ty), row, id_hash(id))?;
        posting::write::add_row(dbs, txn, &[key::tombstones(*ty), key::id(*ty, id)], row)?;
        done.tombstones.push((*ty, id.clone(), row));
        if !versions.is_empty() {
            *done.hidden.entry(*ty).or_default() |= versions;
        }
    }
    rows.flush(dbs, txn)?;
    links.finish(dbs, txn)?;
    hide(dbs, txn, reached.tx, &done.hidden)?;
    Ok(done)
}

/// Number of the last version of a resource; `None` when there is nothing to withdraw.
fn last_number(
    dbs: &Databases,
    dictionaries: &Dictionaries,
    txn: &RwTxn<'_>,
    versions: &RoaringBitmap,
    ty: TypeId,
    id: &str,
) -> Result<Option<u32>, Error> {
    let last = versions.max().map(|row| read(dbs, dictionaries, txn, Row::new(row))).transpose()?.flatten();
    Ok(match last {
        Some(version) => (version.tombstone != Some(Tombstone::WithdrawnByLaw)).then_some(version.number),
        None => former::find(dbs, txn, ty, id)?.filter(|former| !former.is_withdrawn_by_law).map(|former| former.number),
    })
}

/// The version in a row; `None` when it has no record. Its instant is right only with a foreign stamp: a tombstone, like any record,
/// names its transaction otherwise.
fn read(dbs: &Databases, dictionaries: &Dictionaries, txn: &RwTxn<'_>, row: Row) -> Result<Option<Version>, Error> {
    crate::chunk::record_of(dbs, txn, row)?.map(|record| Version::read(dictionaries, row, record, 0)).transpose()
}

/// Takes rows out of everything but their records and ids.
fn hide(dbs: &Databases, txn: &mut RwTxn<'_>, tx: Tx, hidden: &ClosedRows) -> Result<(), Error> {
    let rows = hidden.values().fold(RoaringBitmap::new(), |all, rows| all | rows);
    if rows.is_empty() {
        return Ok(());
    }
    let removal = Removal { rows: &rows, first_kept_end: None };
    let mut from = Some(Vec::new());
    while let Some(key) = from {
        from = posting::sweep::sweep(dbs, txn, removal, &key, PAGES)?.next;
    }
    from = Some(Vec::new());
    while let Some(key) = from {
        from = links::sweep::sweep(dbs, txn, removal, &key, PAGES)?;
    }
    closings::remove_rows(dbs, txn, hidden)?;
    withdrawn_rows::remember(dbs, txn, tx, &rows)
}

impl Snapshot {
    /// Whether a resource left, and why: its newest version was withdrawn by law, or it has no version left in the store. `None` for a
    /// resource that is live, that has vanished but whose versions are still there, or that never was. Cost: two look-ups.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn former(&self, ty: TypeId, id: &str) -> Result<Option<FormerResource>, Error> {
        match self.newest_row(ty, id)? {
            None if self.is_empty() => Ok(None),
            None => former::find(&self.dbs, &self.txn, ty, id),
            Some(row) => {
                let version = self.read(row)?;
                Ok((version.tombstone == Some(Tombstone::WithdrawnByLaw))
                    .then_some(FormerResource { number: version.number, is_withdrawn_by_law: true }))
            }
        }
    }
}
