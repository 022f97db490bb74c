//! Applying one transaction of the log. [`crate::layout`] describes the commit protocol.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;

use annuaire_base::Tx;
use annuaire_terms::{Presence, TypeId};
use heed::RwTxn;
use roaring::RoaringBitmap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::chunk::{self, ChunkWriter};
use crate::databases::Databases;
use crate::dictionaries::Dictionaries;
use crate::error::Error;
use crate::index::Index;
use crate::links::column::{self, LinkColumn, LinkColumnWriter};
use crate::posting::sorter::TermSorter;
use crate::posting::{discard, write};
use crate::prepare::{Prepared, PreparedContent, next_number, stamp_of};
use crate::published::PublishedTx;
use crate::record::RecordWriter;
use crate::resource_keys::ResourceKeys;
use crate::retention::{Retention, RetentionRun};
use crate::row::Row;
use crate::set_aside::{self, SetAsideChanges};
use crate::version::Version;

/// What a transaction does beside its resources.
#[derive(Default)]
pub struct ApplyOptions<'a> {
    /// When what left vanishes; `None`: never.
    pub retention: Option<&'a Retention<'a>>,
    /// Changes of the entities set aside. Called after the last resource, when they are all known.
    pub set_aside: Option<&'a dyn Fn() -> SetAsideChanges>,
}

impl Index {
    /// Applies one transaction of the log and returns the number of new versions.
    ///
    /// `resources` come from an [`Index::preparer`] for this transaction, in the order of their rows. A transaction not above
    /// [`Index::applied_tx`] does nothing. Readers see nothing of it before the last commit; after an error or a crash it can be
    /// applied again.
    ///
    /// # Errors
    /// Those of `resources`, and those of the store.
    pub fn apply<E: From<Error>>(
        &self,
        tx: Tx,
        commit_ms: i64,
        resources: impl Iterator<Item = Result<Prepared, E>>,
    ) -> Result<u64, E> {
        self.apply_with(tx, commit_ms, resources, &ApplyOptions::default())
    }

    /// [`Index::apply`] with options.
    ///
    /// # Errors
    /// As [`Index::apply`].
    pub fn apply_with<E: From<Error>>(
        &self,
        tx: Tx,
        commit_ms: i64,
        resources: impl Iterator<Item = Result<Prepared, E>>,
        options: &ApplyOptions<'_>,
    ) -> Result<u64, E> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.states.latest();
        if tx <= before.published.tx {
            return Ok(0);
        }
        let mut txn = self.begin_write()?;
        discard_unpublished(&self.dbs, &mut txn, before.published.end)?;
        let start = PublishedTx { tx, end: before.published.end, commit_ms: self.instant_not_before_last(commit_ms) };
        let mut applied = TransactionWriter::new(self, &txn, start)?;
        let mut uncommitted = 0;
        for resource in resources {
            if !applied.add(&mut txn, resource?)? {
                continue;
            }
            uncommitted += 1;
            if uncommitted >= self.versions_per_commit {
                applied.rows.flush(&self.dbs, &mut txn)?;
                txn.commit().map_err(Error::from)?;
                txn = self.begin_write()?;
                uncommitted = 0;
            }
        }
        let (mut txn, added) = applied.write_terms(txn)?;
        // All that follows is in the last commit: an interrupted transaction leaves nothing of it.
        let mut closed = added.closed;
        if let Some(retention) = options.retention {
            let run = RetentionRun {
                dbs: &self.dbs,
                dictionaries: &self.dictionaries,
                retention,
                rows: &added.rows,
                before: &before,
                added: &added.by_type,
                undescribed: &added.undescribed,
                closed: &mut closed,
                now_ms: start.commit_ms,
            };
            run.apply(&mut txn)?;
        }
        for (entity, change) in options.set_aside.iter().flat_map(|changes| changes()) {
            set_aside::apply_change(&self.dbs, &mut txn, &entity, change.as_ref())?;
        }
        let published = PublishedTx { end: added.end, ..start };
        publish(&self.dbs, &mut txn, published, &closed)?;
        txn.commit().map_err(Error::from)?;

        self.states.publish(before.after(published, added.by_type, &closed));
        Ok(u64::from(published.end.get() - before.published.end.get()))
    }

    fn begin_write(&self) -> Result<RwTxn<'_>, Error> {
        Ok(self.env.write_txn()?)
    }
}

/// Writes the entry that makes a transaction visible, and the rows that it closed.
fn publish(dbs: &Databases, txn: &mut RwTxn<'_>, published: PublishedTx, closed: &RoaringBitmap) -> Result<(), Error> {
    let key = PublishedTx::key(published.tx);
    if !closed.is_empty() {
        let mut bytes = Vec::with_capacity(closed.serialized_size());
        closed.serialize_into(&mut bytes)?;
        dbs.closings.put(txn, &key, &bytes)?;
    }
    Ok(dbs.tx.put(txn, &key, &published.value())?)
}

/// Removes what an interrupted transaction left beyond the published rows.
fn discard_unpublished(dbs: &Databases, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
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

/// Writes the versions of one transaction and accumulates in memory what it writes at its end.
struct TransactionWriter<'i> {
    index: &'i Index,
    dbs: Databases,
    dictionaries: &'i Dictionaries,
    /// The transaction, with the end that it has reached so far.
    reached: PublishedTx,
    rows: ChunkWriter,
    terms: TermSorter,
    links: LinkColumnWriter,
    records: RecordWriter,
    /// Row of each resource added, by a hash of its type and id. A collision is noticed and makes no difference.
    row_of_resource: HashMap<u64, Row>,
    by_type: BTreeMap<TypeId, RoaringBitmap>,
    closed: RoaringBitmap,
    undescribed: Vec<Row>,
}

/// Result of a [`TransactionWriter`].
struct AddedRows {
    end: Row,
    rows: ChunkWriter,
    by_type: BTreeMap<TypeId, RoaringBitmap>,
    /// Rows replaced by a new version.
    closed: RoaringBitmap,
    /// Rows added that no source describes.
    undescribed: Vec<Row>,
}

impl<'i> TransactionWriter<'i> {
    fn new(index: &'i Index, txn: &RwTxn<'_>, reached: PublishedTx) -> Result<Self, Error> {
        Ok(Self {
            index,
            dbs: index.dbs,
            dictionaries: &index.dictionaries,
            reached,
            rows: ChunkWriter::open(&index.dbs, txn, reached.end)?,
            terms: TermSorter::new(&index.dir),
            links: LinkColumnWriter::default(),
            records: RecordWriter::new(),
            row_of_resource: HashMap::new(),
            by_type: BTreeMap::new(),
            closed: RoaringBitmap::new(),
            undescribed: Vec::new(),
        })
    }

    /// Adds a version; false when the resource already has this content.
    fn add(&mut self, txn: &mut RwTxn<'_>, prepared: Prepared) -> Result<bool, Error> {
        let Prepared { resource, mut content, mut previous } = prepared;
        let hash = xxh3_64_with_seed(resource.id.as_bytes(), resource.ty.get().into());
        if let Some(row) = self.row_of_resource.get(&hash).copied() {
            let record = self.rows.record(&self.dbs, txn, row)?.ok_or(Error::Corrupt("row just written"))?;
            let earlier = Version::read(self.dictionaries, row, record, self.reached.commit_ms)?;
            if earlier.ty == resource.ty && earlier.id() == resource.id {
                // The resource comes twice in this transaction: the second content follows the first.
                if earlier.has_content_of(&resource) {
                    return Ok(false);
                }
                let stamp = stamp_of(&resource, next_number(earlier.number)?, self.reached.tx, self.reached.commit_ms);
                let record = self.records.write(self.dictionaries, &resource, stamp)?;
                content = PreparedContent::Changed { keys: ResourceKeys::new(&resource), record };
                previous = Some(row);
            }
        }
        let PreparedContent::Changed { keys, record } = content else { return Ok(false) };
        let row = self.reached.end;
        self.reached.end = row.get().checked_add(1).map(Row::new).ok_or(Error::Refused("no row number left"))?;
        self.row_of_resource.insert(hash, row);
        self.rows.push(&self.dbs, txn, row, &record)?;
        for long in &keys.longs {
            self.dbs.longs.put(txn, long.hash.as_bytes(), &long.escaped)?;
        }
        for (param, hash) in &keys.links {
            self.links.push(&self.dbs, txn, LinkColumn { ty: resource.ty, param: *param }, row, *hash)?;
        }
        for key in keys.iter() {
            self.terms.push(key, row)?;
        }
        self.closed.extend(previous.map(Row::get));
        if resource.presence != Presence::Described {
            self.undescribed.push(row);
        }
        self.by_type.entry(resource.ty).or_default().insert(row.get());
        Ok(true)
    }

    /// Writes the last rows, the columns and the terms, which are committed now and then, and returns the last LMDB transaction.
    fn write_terms(mut self, mut txn: RwTxn<'i>) -> Result<(RwTxn<'i>, AddedRows), Error> {
        // Sorting needs the memory.
        drop(self.row_of_resource);
        self.rows.flush(&self.dbs, &mut txn)?;
        self.links.finish(&self.dbs, &mut txn)?;
        let index = self.index;
        let txn = write::write(&self.dbs, &|| index.begin_write(), txn, self.terms.finish()?)?;
        let Self { reached, rows, by_type, closed, undescribed, .. } = self;
        Ok((txn, AddedRows { end: reached.end, rows, by_type, closed, undescribed }))
    }
}
