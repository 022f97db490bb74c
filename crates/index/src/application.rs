//! One or several transactions on their way into the store, published together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use annuaire_base::Tx;
use annuaire_terms::{Presence, Resource, TypeId};
use heed::RwTxn;
use roaring::RoaringBitmap;
use xxhash_rust::xxh3::{Xxh3DefaultBuilder, xxh3_64};

use crate::applied::LogDigest;
use crate::chunk::ChunkWriter;
use crate::closings::{self, ClosedRows};
use crate::databases::Databases;
use crate::error::Error;
use crate::former;
use crate::index::Index;
use crate::key;
use crate::links::column::{LinkColumn, LinkColumnWriter};
use crate::meta;
use crate::posting::read::last_row_of;
use crate::posting::sorter::TermSorter;
use crate::posting::write::{self, CommitSteps};
use crate::prepare::{Prepared, PreparedContent, stamp_of};
use crate::published::PublishedTx;
use crate::record::{RecordHead, RecordWriter, VersionStamp, next_number};
use crate::resource_keys::ResourceKeys;
use crate::retention::{Retention, RetentionRun};
use crate::row::Row;
use crate::set_aside;
use crate::state::{self, LiveRows, PublishedState};
use crate::tombstone::Tombstone;
use crate::transaction::TxEnd;
use crate::unpublished::discard_unpublished;
use crate::version::Version;
use crate::withdraw;

/// Writes transactions, and publishes them all with one commit. Dropped before that, it publishes none of them.
pub struct Application<'i> {
    index: &'i Index,
    dbs: Databases,
    retention: Option<&'i Retention<'i>>,
    /// `None` only while a commit goes on.
    txn: Option<RwTxn<'i>>,
    /// The published state.
    base: Arc<PublishedState>,
    /// The last transaction that was ended, and its digest.
    reached: PublishedTx,
    digest: LogDigest,
    /// Live rows after that transaction.
    live: LiveRows,
    /// The transaction that is being written, with the end that it has reached so far.
    writing: PublishedTx,
    changes: Changes,
    rows: ChunkWriter,
    links: LinkColumnWriter,
    /// Terms that are not in the blocks yet.
    terms: TermSorter,
    records: RecordWriter,
    /// Row of each resource added since the base, by a hash of its type and id. A collision is noticed and makes no difference.
    row_of_resource: HashMap<u64, Row, Xxh3DefaultBuilder>,
    /// Versions written since the last commit.
    uncommitted: usize,
    /// Keys of the versions since the base, while they are few: results of searches are carried over by them.
    keys: Option<Vec<ResourceKeys>>,
    /// The last transaction that withdrew resources, [`Tx::NONE`] for none since the base.
    withdrawn_at: Tx,
}

/// A version to be written.
struct NewVersion {
    resource: Resource,
    keys: ResourceKeys,
    record: Vec<u8>,
    /// Live row of the resource before it.
    previous: Option<Row>,
}

/// Most versions since a publication of which the keys are kept.
const KEYS_MAX: usize = 2_000;
/// An application without a write transaction has failed to commit.
const NO_TXN: Error = Error::Refused("the application has failed");

/// What the transaction that is being written changes.
#[derive(Default)]
struct Changes {
    added: BTreeMap<TypeId, RoaringBitmap>,
    closed: ClosedRows,
    /// Rows added that no source describes.
    undescribed: Vec<Row>,
}

impl<'i> Application<'i> {
    /// Begins after the latest transaction. The caller holds the writer lock.
    pub fn begin(index: &'i Index, retention: Option<&'i Retention<'i>>) -> Result<Self, Error> {
        let base = index.source.states.latest();
        let mut txn = index.env.write_txn()?;
        discard_unpublished(&index.dbs, &mut txn, base.published.end)?;
        Ok(Self {
            index,
            dbs: index.dbs,
            retention,
            rows: ChunkWriter::open(&index.dbs, &txn, base.published.end)?,
            txn: Some(txn),
            reached: base.published,
            digest: base.digest,
            live: base.all_live(),
            writing: base.published,
            base,
            changes: Changes::default(),
            links: LinkColumnWriter::default(),
            terms: TermSorter::new(&index.dir),
            records: RecordWriter::new(),
            row_of_resource: HashMap::default(),
            uncommitted: 0,
            keys: Some(Vec::new()),
            withdrawn_at: Tx::NONE,
        })
    }

    /// The last transaction that was ended.
    pub const fn reached_tx(&self) -> Tx {
        self.reached.tx
    }

    /// Versions that are not published yet.
    pub fn versions(&self) -> u64 {
        u64::from(self.reached.end.get() - self.base.published.end.get())
    }

    pub fn begin_transaction(&mut self, tx: Tx, commit_ms: i64) {
        // An instant earlier than that of the transaction before is raised to it, so that rows are in chronological order.
        let commit_ms = if self.reached.tx == Tx::NONE { commit_ms } else { commit_ms.max(self.reached.commit_ms) };
        self.writing = PublishedTx { tx, end: self.reached.end, commit_ms };
    }

    /// Adds a version to the transaction, unless the resource already has this content.
    pub fn add(&mut self, prepared: Prepared) -> Result<(), Error> {
        let hash = hash_of(prepared.resource.ty, &prepared.resource.id);
        let Some(version) = self.settle(hash, prepared)? else { return Ok(()) };
        let NewVersion { resource, keys, record, previous } = version;
        let row = self.add_row(resource.ty, hash, &record, keys)?;
        if let Some(previous) = previous {
            self.changes.closed.entry(resource.ty).or_default().insert(previous.get());
        }
        if resource.presence != Presence::Described {
            self.changes.undescribed.push(row);
        }
        self.changes.added.entry(resource.ty).or_default().insert(row.get());
        Ok(())
    }

    /// Writes a record under its keys. `hash` is that of the resource.
    fn add_row(&mut self, ty: TypeId, hash: u64, record: &[u8], keys: ResourceKeys) -> Result<Row, Error> {
        let txn = self.txn.as_mut().ok_or(NO_TXN)?;
        let row = self.writing.end;
        self.writing.end = row.get().checked_add(1).map(Row::new).ok_or(Error::Refused("no row number left"))?;
        self.row_of_resource.insert(hash, row);
        self.rows.push(&self.dbs, txn, row, record)?;
        for long in &keys.longs {
            self.dbs.longs.put(txn, long.hash.as_bytes(), &long.escaped)?;
        }
        for (param, hash) in &keys.links {
            self.links.push(&self.dbs, txn, LinkColumn { ty, param: *param }, row, *hash)?;
        }
        for key in keys.iter() {
            self.terms.push(key, row)?;
        }
        self.uncommitted += 1;
        self.keys = self.keys.take().filter(|all| all.len() < KEYS_MAX).map(|mut all| {
            all.push(keys);
            all
        });
        Ok(row)
    }

    /// The version that a prepared resource gives in the state that the application has reached, `None` when the resource has this
    /// content. It was prepared in an earlier state, which most often says the same of the resource.
    fn settle(&mut self, hash: u64, prepared: Prepared) -> Result<Option<NewVersion>, Error> {
        let Prepared { resource, content, base, stamp, given_number, newest, previous, .. } = prepared;
        let is_unchanged = base == self.base.published.tx
            && !self.row_of_resource.contains_key(&hash)
            && previous.is_none_or(|row| self.is_live(resource.ty, row));
        let now = if is_unchanged { newest } else { self.newest_row(hash, resource.ty, &resource.id)? };
        let live_now = if is_unchanged { previous } else { now.filter(|row| self.is_live(resource.ty, *row)) };
        let wanted = |number| stamp_of(&resource, number, self.writing.tx, self.writing.commit_ms);
        let number = if (now, live_now) == (newest, previous) {
            match content {
                PreparedContent::Unchanged => return Ok(None),
                PreparedContent::Changed { keys, record, number } => {
                    // Prepared earlier: meanwhile the resource may have come, gone, and lost its last version.
                    let number = match given_number {
                        None if now.is_none() && !is_unchanged => self.first_number(&resource)?.max(number),
                        _ => number,
                    };
                    if stamp == wanted(number) {
                        return Ok(Some(NewVersion { resource, keys, record, previous }));
                    }
                    number
                }
            }
        } else if let Some(given) = given_number {
            given
        } else if let Some(row) = now {
            let newest = self.version(row)?;
            if live_now.is_some() && newest.has_content_of(&resource) {
                return Ok(None);
            }
            next_number(newest.number)?
        } else {
            self.first_number(&resource)?
        };
        let record = self.records.write(&self.index.dictionaries, &resource, wanted(number))?;
        Ok(Some(NewVersion { keys: ResourceKeys::new(&resource), record, previous: live_now, resource }))
    }

    /// Number of the next version of a resource without rows.
    fn first_number(&self, resource: &Resource) -> Result<u32, Error> {
        former::next_number_of(&self.dbs, self.txn.as_ref().ok_or(NO_TXN)?, resource.ty, &resource.id)
    }

    /// Row of the newest version of a resource, written by this application or before it.
    fn newest_row(&self, hash: u64, ty: TypeId, id: &str) -> Result<Option<Row>, Error> {
        if let Some(row) = self.row_of_resource.get(&hash) {
            let version = self.version(*row)?;
            if version.ty == ty && version.id() == id {
                return Ok(Some(*row));
            }
        }
        let txn = self.txn.as_ref().ok_or(NO_TXN)?;
        last_row_of(&self.dbs, txn, &key::id(ty, id), self.writing.end)
    }

    fn version(&self, row: Row) -> Result<Version, Error> {
        let txn = self.txn.as_ref().ok_or(NO_TXN)?;
        let record = self.rows.record(&self.dbs, txn, row)?.ok_or(Error::Corrupt("row just written"))?;
        let tx = RecordHead::read(record)?.tx;
        let commit_ms = if tx == self.writing.tx {
            self.writing.commit_ms
        } else {
            let key = PublishedTx::key(tx);
            let value = self.dbs.tx.get(txn, &key)?.ok_or(Error::Corrupt("transaction of a row"))?;
            PublishedTx::decode(&key, value)?.commit_ms
        };
        Version::read(&self.index.dictionaries, row, record, commit_ms)
    }

    fn is_live(&self, ty: TypeId, row: Row) -> bool {
        let has = |rows: &BTreeMap<TypeId, RoaringBitmap>| rows.get(&ty).is_some_and(|rows| rows.contains(row.get()));
        let was_live = self.live.get(&ty).is_some_and(|rows| rows.contains(row.get()));
        (was_live || has(&self.changes.added)) && !has(&self.changes.closed)
    }

    /// Ends the transaction: what is written from here on is in one commit with its entry.
    pub fn end_transaction(&mut self, end: TxEnd) -> Result<(), Error> {
        self.withdraw(&end.withdrawn)?;
        for (ty, id, number) in &end.vanished {
            if let Some(row) = self.newest_row(hash_of(*ty, id), *ty, id)?.filter(|row| self.is_live(*ty, *row)) {
                self.changes.closed.entry(*ty).or_default().insert(row.get());
            }
            self.add_tombstone(*ty, id, *number)?;
        }
        if let Some(retention) = self.retention {
            self.apply_retention(retention)?;
        }
        let txn = self.txn.as_mut().ok_or(NO_TXN)?;
        for (entity, change) in &end.set_aside {
            set_aside::apply_change(&self.dbs, txn, entity, change.as_ref())?;
        }
        let Changes { added, closed, .. } = std::mem::take(&mut self.changes);
        closings::write(&self.dbs, txn, self.reached.tx, self.writing.tx, &closed)?;
        self.dbs.tx.put(txn, &PublishedTx::key(self.writing.tx), &self.writing.value())?;
        state::change(&mut self.live, &added, &closed);
        (self.reached, self.digest) = (self.writing, end.digest);
        Ok(())
    }

    /// Withdraws resources: their versions so far are live in no state any more. What the transaction adds from here on follows
    /// their tombstones.
    pub fn withdraw(&mut self, resources: &[(TypeId, String)]) -> Result<(), Error> {
        if resources.is_empty() {
            return Ok(());
        }
        // Records, columns and terms are looked at in the databases, and changed there.
        self.write_terms()?;
        self.flush()?;
        let txn = self.txn.as_mut().ok_or(NO_TXN)?;
        let done = withdraw::withdraw(&self.dbs, &self.index.dictionaries, txn, self.writing, resources)?;
        self.writing.end = done.end;
        self.rows = ChunkWriter::open(&self.dbs, txn, done.end)?;
        for (ty, id, row) in &done.tombstones {
            // A version that follows in this application finds the number of the tombstone.
            self.row_of_resource.insert(hash_of(*ty, id), *row);
        }
        state::change(&mut self.live, &BTreeMap::new(), &done.hidden);
        closings::subtract(&mut self.changes.added, &done.hidden);
        closings::subtract(&mut self.changes.closed, &done.hidden);
        self.changes.undescribed.retain(|row| !done.hidden.values().any(|hidden| hidden.contains(row.get())));
        self.withdrawn_at = self.writing.tx;
        Ok(())
    }

    fn apply_retention(&mut self, retention: &Retention<'_>) -> Result<(), Error> {
        let txn = self.txn.as_ref().ok_or(NO_TXN)?;
        if retention.has_due(&self.dbs, txn, self.writing.commit_ms)? {
            // Who refers to a row that is due is looked up in the blocks.
            self.write_terms()?;
        }
        let txn = self.txn.as_mut().ok_or(NO_TXN)?;
        let run = RetentionRun {
            dbs: &self.dbs,
            dictionaries: &self.index.dictionaries,
            retention,
            rows: &self.rows,
            before: &self.live,
            added: &self.changes.added,
            undescribed: &self.changes.undescribed,
            closed: &self.changes.closed,
            now_ms: self.writing.commit_ms,
        };
        for (row, version) in run.apply(txn)? {
            self.changes.closed.entry(version.ty).or_default().insert(row.get());
            self.add_tombstone(version.ty, &version.id, next_number(version.number)?)?;
        }
        Ok(())
    }

    /// Adds the version that says that a resource is gone. No state has it.
    fn add_tombstone(&mut self, ty: TypeId, id: &str, number: u32) -> Result<(), Error> {
        let stamp = VersionStamp { number, tx: self.writing.tx, last_updated_ms: self.writing.commit_ms };
        let record = self.records.write_tombstone((ty, id), stamp, false, Tombstone::Vanished)?;
        self.add_row(ty, hash_of(ty, id), &record, ResourceKeys::of_tombstone(ty, id))?;
        Ok(())
    }

    /// Commits the versions written so far, when they are many. Only for an application of one transaction, which stays invisible.
    pub fn commit_versions(&mut self) -> Result<(), Error> {
        if self.uncommitted >= self.index.versions_per_commit {
            self.rows.flush(&self.dbs, self.txn.as_mut().ok_or(NO_TXN)?)?;
            self.commit()?;
        }
        Ok(())
    }

    /// Writes the terms in several commits. Only for an application of one transaction, whose versions have all been added.
    pub fn commit_terms(&mut self) -> Result<(), Error> {
        // Sorting needs the memory.
        self.row_of_resource = HashMap::default();
        self.flush()?;
        let terms = std::mem::replace(&mut self.terms, TermSorter::new(&self.index.dir));
        let index = self.index;
        let begin = || Ok(index.env.write_txn()?);
        let txn = self.txn.take().ok_or(NO_TXN)?;
        self.txn = Some(write::write(&self.dbs, txn, terms.finish()?, CommitSteps::Several(&begin))?);
        Ok(())
    }

    /// Writes the terms that are not in the blocks yet, without a commit.
    fn write_terms(&mut self) -> Result<(), Error> {
        if self.terms.is_empty() {
            return Ok(());
        }
        let terms = std::mem::replace(&mut self.terms, TermSorter::new(&self.index.dir));
        let txn = self.txn.take().ok_or(NO_TXN)?;
        self.txn = Some(write::write(&self.dbs, txn, terms.finish()?, CommitSteps::None)?);
        Ok(())
    }

    /// Writes the records and the columns that are only in memory.
    fn flush(&mut self) -> Result<(), Error> {
        let txn = self.txn.as_mut().ok_or(NO_TXN)?;
        self.rows.flush(&self.dbs, txn)?;
        self.links.finish(&self.dbs, txn)
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.txn.take().ok_or(NO_TXN)?.commit()?;
        self.txn = Some(self.index.env.write_txn()?);
        self.uncommitted = 0;
        Ok(())
    }

    /// Commits, and makes the transactions that were ended visible. Returns the number of their versions.
    pub fn publish(mut self) -> Result<u64, Error> {
        let versions = self.prepare_to_publish()?;
        self.txn.take().ok_or(NO_TXN)?.commit()?;
        let state = PublishedState::new(self.reached, self.digest, std::mem::take(&mut self.live));
        self.show(state);
        Ok(versions)
    }

    /// [`Application::publish`], then goes on with the transactions that follow.
    pub fn publish_and_go_on(&mut self) -> Result<u64, Error> {
        let versions = self.prepare_to_publish()?;
        self.commit()?;
        self.show(PublishedState::new(self.reached, self.digest, self.live.clone()));
        self.base = self.index.source.states.latest();
        self.row_of_resource.clear();
        Ok(versions)
    }

    /// Shows readers the state that was committed.
    fn show(&mut self, state: PublishedState) {
        let source = &self.index.source;
        if self.withdrawn_at > Tx::NONE {
            source.states.publish_alone(state);
            source.results.forget_before(self.withdrawn_at);
        } else {
            source.states.publish(state);
            source.results.note_added(self.base.published.end, self.keys.take().unwrap_or_default());
        }
        (self.keys, self.withdrawn_at) = (Some(Vec::new()), Tx::NONE);
    }

    fn prepare_to_publish(&mut self) -> Result<u64, Error> {
        self.write_terms()?;
        self.flush()?;
        meta::set_digest(self.dbs.meta, self.txn.as_mut().ok_or(NO_TXN)?, &self.digest)?;
        Ok(self.versions())
    }
}

/// Hash of a type and an id. The type is hashed with the id: as a seed, it makes short ids of two types collide.
fn hash_of(ty: TypeId, id: &str) -> u64 {
    let mut bytes = Vec::with_capacity(1 + id.len());
    bytes.push(ty.get());
    bytes.extend_from_slice(id.as_bytes());
    xxh3_64(&bytes)
}
