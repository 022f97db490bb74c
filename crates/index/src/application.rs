//! One or several transactions on their way into the store, published together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use annuaire_base::Tx;
use annuaire_terms::{Presence, Resource, TypeId};
use heed::RwTxn;
use roaring::RoaringBitmap;
use xxhash_rust::xxh3::{Xxh3DefaultBuilder, xxh3_64_with_seed};

use crate::chunk::{self, ChunkWriter};
use crate::closings::{self, ClosedRows};
use crate::databases::Databases;
use crate::error::Error;
use crate::index::Index;
use crate::key;
use crate::links::column::{self, LinkColumn, LinkColumnWriter};
use crate::meta;
use crate::posting::discard;
use crate::posting::read::last_row_of;
use crate::posting::sorter::TermSorter;
use crate::posting::write::{self, CommitSteps};
use crate::prepare::{Prepared, PreparedContent, next_number, stamp_of};
use crate::published::PublishedTx;
use crate::record::{RecordHead, RecordWriter};
use crate::resource_keys::ResourceKeys;
use crate::retention::{Retention, RetentionRun};
use crate::row::Row;
use crate::set_aside;
use crate::state::{self, LiveRows, PublishedState};
use crate::transaction::{LogDigest, TxEnd};
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
}

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
        let hash = xxh3_64_with_seed(prepared.resource.id.as_bytes(), prepared.resource.ty.get().into());
        let Some((Prepared { resource, content, previous, .. }, record_keys)) = self.settle(hash, prepared)? else {
            return Ok(());
        };
        let (keys, record) = match (content, record_keys) {
            (_, Some(settled)) => settled,
            (PreparedContent::Changed { keys, record }, None) => (keys, record),
            (PreparedContent::Unchanged, None) => return Ok(()),
        };
        let txn = self.txn.as_mut().ok_or(NO_TXN)?;
        let row = self.writing.end;
        self.writing.end = row.get().checked_add(1).map(Row::new).ok_or(Error::Refused("no row number left"))?;
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
        if let Some(previous) = previous {
            self.changes.closed.entry(resource.ty).or_default().insert(previous.get());
        }
        if resource.presence != Presence::Described {
            self.changes.undescribed.push(row);
        }
        self.changes.added.entry(resource.ty).or_default().insert(row.get());
        self.uncommitted += 1;
        Ok(())
    }
}
