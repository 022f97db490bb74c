//! The publication store: row versions, postings, search, reads at a transaction.
//!
//! Every version of a resource is a *row*, numbered densely in commit order. Searchable terms are
//! postings from a value to rows. The state at a transaction is made of the rows below the end
//! published by that transaction, minus the rows closed (superseded) by it or before it.

mod posting;
mod row;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions, PutFlags, RoTxn, RwTxn, WithoutTls};
pub use roaring::RoaringBitmap;

use posting::{Postings, class};
pub use snapshot::{Entry, Snapshot};

/// Number of a resource type, chosen by the caller.
pub type TypeId = u8;
/// Number of a search parameter, chosen by the caller.
pub type ParamId = u8;
/// Number of a version of a resource, dense in commit order.
pub type Row = u32;

/// Versions written between two intermediate LMDB commits.
const BATCH: usize = 50_000;
/// Layout of the files; an index with another one is refused.
const FORMAT: &[u8] = b"1";

/// One searchable value of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A code, with its system (empty when it has none).
    Token {
        /// Search parameter.
        param: ParamId,
        /// System of the code, or an empty string.
        system: String,
        /// The code.
        code: String,
    },
    /// A text, searched folded (prefix, contains) or raw (exact).
    Text {
        /// Search parameter.
        param: ParamId,
        /// The whole value, as written.
        value: String,
    },
    /// A link to another resource.
    Reference {
        /// Search parameter.
        param: ParamId,
        /// Target, as `Type/id`.
        target: String,
    },
    /// A URI, compared byte for byte.
    Uri {
        /// Search parameter.
        param: ParamId,
        /// The URI.
        value: String,
    },
}

/// A resource to publish. The body sent is `before`, then
/// `"versionId":"N","lastUpdated":"2026-11-24T10:00:00.123Z",` stamped by the index, then `after`.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Type of the resource.
    pub ty: TypeId,
    /// Logical identifier, unique within its type.
    pub id: String,
    /// Bytes of the body before the stamp.
    pub before: Vec<u8>,
    /// Bytes of the body after the stamp.
    pub after: Vec<u8>,
    /// Searchable values.
    pub terms: Vec<Term>,
    /// Set for a resource of another directory: the body is `before` then `after`, without any stamp.
    pub kept: Option<Kept>,
}

/// What the meta of a resource of another directory says; the index repeats it instead of stamping its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Number of the version when it is a number; the next one otherwise, or when it does not grow.
    pub version: Option<u32>,
    /// Instant of the version, milliseconds since 1970 UTC.
    pub last_updated_ms: i64,
}

/// What a search keeps.
#[derive(Debug, Clone)]
pub enum Filter {
    /// Every live row.
    All,
    /// Rows kept by all the filters; all the rows when there is none.
    And(Vec<Filter>),
    /// Rows kept by at least one filter; no row when there is none.
    Or(Vec<Filter>),
    /// Live rows not kept by the filter.
    Not(Box<Filter>),
    /// Rows with a code.
    Token {
        /// Search parameter.
        param: ParamId,
        /// `None`: any system; `Some("")`: codes without a system.
        system: Option<String>,
        /// `None`: any code of the system.
        code: Option<String>,
    },
    /// Rows with a text whose folded form starts with the folded value.
    Prefix {
        /// Search parameter.
        param: ParamId,
        /// Beginning of the text.
        value: String,
    },
    /// Rows with a text whose folded form contains the folded value.
    Contains {
        /// Search parameter.
        param: ParamId,
        /// Part of the text.
        value: String,
    },
    /// Rows with exactly this text, case and accents included.
    Exact {
        /// Search parameter.
        param: ParamId,
        /// The text.
        value: String,
    },
    /// Rows that link to this target.
    Reference {
        /// Search parameter.
        param: ParamId,
        /// Target, as `Type/id`.
        target: String,
    },
    /// Rows with this URI.
    Uri {
        /// Search parameter.
        param: ParamId,
        /// The URI.
        value: String,
    },
    /// Rows of these logical identifiers.
    Ids(Vec<String>),
    /// Rows within bounds, both included.
    Rows {
        /// First row.
        first: Row,
        /// Last row.
        last: Row,
    },
    /// Rows last updated within bounds: at `from_ms` or later, before `before_ms`.
    Updated {
        /// First instant, `None` for no bound.
        from_ms: Option<i64>,
        /// Instant after the last one, `None` for no bound.
        before_ms: Option<i64>,
    },
    /// Rows with a text (raw, byte order) within bounds: `from` or after, before `before`.
    Between {
        /// Search parameter.
        param: ParamId,
        /// First text, `None` for no bound.
        from: Option<String>,
        /// Text after the last one, `None` for no bound.
        before: Option<String>,
    },
    /// Rows without any value for this parameter.
    Missing(ParamId),
}

/// What can go wrong in the index.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The storage engine failed.
    #[error("index storage: {0}")]
    Storage(#[from] heed::Error),
    /// The directory could not be prepared.
    #[error("index directory: {0}")]
    Io(#[from] std::io::Error),
    /// The files do not hold what they should.
    #[error("index corrupted: {0}")]
    Corrupt(&'static str),
    /// The row is not visible in this snapshot.
    #[error("row {0} is not visible in this snapshot")]
    UnknownRow(Row),
    /// A resource cannot be stored.
    #[error("resource refused: {0}")]
    Refused(&'static str),
}

type Db = Database<Bytes, Bytes>;

/// The LMDB databases.
#[derive(Clone, Copy)]
struct Dbs {
    rows: Db,
    ids: Db,
    posts: Db,
    longs: Db,
    tx: Db,
    closings: Db,
}

/// A published transaction, as kept in the `tx` database.
#[derive(Debug, Clone, Copy)]
struct Published {
    tx: u64,
    /// First row after those of the transaction.
    end: Row,
    commit_ms: i64,
}

impl Published {
    fn read(key: &[u8], value: &[u8]) -> Result<Self, Error> {
        let bad = Error::Corrupt("transaction");
        let (Ok(tx), Some((end, ms))) = (key.try_into(), value.split_first_chunk()) else {
            return Err(bad);
        };
        let ms = ms.try_into().map_err(|_| bad)?;
        Ok(Self { tx: u64::from_be_bytes(tx), end: Row::from_le_bytes(*end), commit_ms: i64::from_le_bytes(ms) })
    }
}

/// Latest published state, swapped as a whole.
#[derive(Debug)]
struct State {
    at: Published,
    live: BTreeMap<TypeId, Arc<RoaringBitmap>>,
}

/// The publication store. One writer at a time; readers never wait for it.
pub struct Index {
    env: Env<WithoutTls>,
    dbs: Dbs,
    state: RwLock<Arc<State>>,
    writer: Mutex<()>,
    batch: usize,
}

/// What one transaction accumulates in memory.
struct Work {
    tx: u64,
    commit_ms: i64,
    next: Row,
    postings: Postings,
    added: BTreeMap<TypeId, RoaringBitmap>,
    closed: RoaringBitmap,
    record: Vec<u8>,
}

impl Index {
    /// Opens, or creates, the index of a directory. `map_bytes` bounds the size of the file.
    pub fn open(dir: &Path, map_bytes: usize) -> Result<Index, Error> {
        std::fs::create_dir_all(dir)?;
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(map_bytes).max_dbs(8).max_readers(1024);
        // SAFETY: the file is only ever written through LMDB, which locks it.
        #[allow(unsafe_code)]
        let env = unsafe { options.open(dir)? };
        env.clear_stale_readers()?;
        let mut txn = env.write_txn()?;
        let mut create = |name| env.create_database::<Bytes, Bytes>(&mut txn, Some(name));
        let dbs = Dbs {
            rows: create("rows")?,
            ids: create("ids")?,
            posts: create("posts")?,
            longs: create("longs")?,
            tx: create("tx")?,
            closings: create("closings")?,
        };
        let meta = create("meta")?;
        match meta.get(&txn, b"format")? {
            None => meta.put(&mut txn, b"format", FORMAT)?,
            Some(FORMAT) => {}
            Some(_) => return Err(Error::Corrupt("unknown format")),
        }
        let state = Arc::new(dbs.load(&txn)?);
        txn.commit()?;
        Ok(Index { env, dbs, state: RwLock::new(state), writer: Mutex::new(()), batch: BATCH })
    }

    fn state(&self) -> Arc<State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Latest published transaction, 0 when there is none.
    pub fn applied_tx(&self) -> u64 {
        self.state().at.tx
    }

    /// Applies one transaction of the log and returns the number of new versions.
    ///
    /// A resource whose `before` and `after` did not change makes no version. A transaction not
    /// above [`Index::applied_tx`] does nothing. Nothing is visible before the final commit; after
    /// an error or a crash the same transaction can be applied again. An instant earlier than that
    /// of the previous transaction is raised to it, so that rows are in chronological order.
    pub fn apply<E: From<Error>>(
        &self,
        tx: u64,
        commit_ms: i64,
        resources: impl Iterator<Item = Result<Resource, E>>,
    ) -> Result<u64, E> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.state();
        if tx <= old.at.tx {
            return Ok(0);
        }
        let commit_ms = if old.at.tx == 0 { commit_ms } else { commit_ms.max(old.at.commit_ms) };
        let mut work = Work {
            tx,
            commit_ms,
            next: old.at.end,
            postings: Postings::default(),
            added: BTreeMap::new(),
            closed: RoaringBitmap::new(),
            record: Vec::new(),
        };
        let mut txn = self.env.write_txn().map_err(Error::from)?;
        self.dbs.discard_from(&mut txn, old.at.end)?;
        let mut pending = 0;
        for resource in resources {
            if !work.add(&self.dbs, &mut txn, &resource?)? {
                continue;
            }
            pending += 1;
            if pending >= self.batch {
                work.postings.flush(&self.dbs, &mut txn)?;
                txn.commit().map_err(Error::from)?;
                txn = self.env.write_txn().map_err(Error::from)?;
                pending = 0;
            }
        }
        let at = work.publish(&self.dbs, &mut txn)?;
        txn.commit().map_err(Error::from)?;

        let mut live = old.live.clone();
        for (ty, added) in work.added {
            *Arc::make_mut(live.entry(ty).or_default()) |= added;
        }
        for rows in live.values_mut().filter(|rows| !rows.is_disjoint(&work.closed)) {
            *Arc::make_mut(rows) -= &work.closed;
        }
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(State { at, live });
        Ok(u64::from(at.end - old.at.end))
    }

    /// Opens the latest published state.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        // The state first: the read transaction may then only be newer, which rows hide.
        let state = self.state();
        let txn = self.env.clone().static_read_txn()?;
        Ok(Snapshot::latest(txn, self.dbs, state))
    }

    /// Opens the state at a transaction, `None` when no such transaction was applied.
    /// Transaction 0 is the empty state.
    pub fn snapshot_at(&self, tx: u64) -> Result<Option<Snapshot>, Error> {
        let state = self.state();
        if tx == state.at.tx {
            let txn = self.env.clone().static_read_txn()?;
            return Ok(Some(Snapshot::latest(txn, self.dbs, state)));
        }
        let txn = self.env.clone().static_read_txn()?;
        let at = match self.dbs.tx.get(&txn, &tx.to_be_bytes())? {
            Some(value) => Published::read(&tx.to_be_bytes(), value)?,
            None if tx == 0 => EMPTY,
            None => return Ok(None),
        };
        let closed = self.dbs.closed_up_to(&txn, tx)?;
        Ok(Some(Snapshot::past(txn, self.dbs, at, closed)))
    }
}

/// The state before the first transaction.
const EMPTY: Published = Published { tx: 0, end: 0, commit_ms: 0 };

impl Dbs {
    /// Rebuilds the published state from the file.
    fn load(&self, txn: &RoTxn<'_>) -> Result<State, Error> {
        let at = match self.tx.last(txn)? {
            Some((key, value)) => Published::read(key, value)?,
            None => EMPTY,
        };
        let closed = self.closed_up_to(txn, at.tx)?;
        let mut live = BTreeMap::new();
        for ty in 0..=TypeId::MAX {
            let mut rows = posting::read(self, txn, &posting::key(ty, 0, class::TYPE, &[]))?;
            rows.remove_range(at.end..);
            rows -= &closed;
            if !rows.is_empty() {
                live.insert(ty, Arc::new(rows));
            }
        }
        Ok(State { at, live })
    }

    fn closed_up_to(&self, txn: &RoTxn<'_>, tx: u64) -> Result<RoaringBitmap, Error> {
        let mut closed = RoaringBitmap::new();
        let last = tx.to_be_bytes();
        for item in self.closings.range(txn, &(Bound::Unbounded, Bound::Included(&last[..])))? {
            let (_, value) = item?;
            closed |= RoaringBitmap::deserialize_from(value)?;
        }
        Ok(closed)
    }

    /// Removes what an interrupted transaction left beyond the published rows.
    fn discard_from(&self, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
        let first = end.to_be_bytes();
        let mut ids: BTreeMap<Vec<u8>, Row> = BTreeMap::new();
        for item in self.rows.range(txn, &(Bound::Included(&first[..]), Bound::Unbounded))? {
            let header = row::Header::read(item?.1)?;
            // The first row met for an id knows the published one.
            ids.entry(posting::id_key(header.ty, header.id)).or_insert(header.prev);
        }
        if ids.is_empty() {
            return Ok(());
        }
        for (key, prev) in ids {
            if prev == row::NONE {
                self.ids.delete(txn, &key)?;
            } else {
                self.ids.put(txn, &key, &prev.to_le_bytes())?;
            }
        }
        self.rows.delete_range(txn, &(Bound::Included(&first[..]), Bound::Unbounded))?;
        posting::discard_from(self, txn, end)
    }
}

impl Work {
    /// Adds a resource; false when its content did not change.
    fn add(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>, resource: &Resource) -> Result<bool, Error> {
        let hash = row::hash(&resource.before, &resource.after);
        let key = posting::id_key(resource.ty, &resource.id);
        let (mut prev, mut version) = (row::NONE, 1);
        if let Some(newest) = dbs.ids.get(txn, &key)? {
            prev = row::number(newest)?;
            let bytes = dbs.rows.get(txn, &prev.to_be_bytes())?.ok_or(Error::Corrupt("newest row"))?;
            let header = row::Header::read(bytes)?;
            if header.hash == hash {
                return Ok(false);
            }
            version = header.version + 1;
        }
        let new = self.next;
        self.next = new.checked_add(1).ok_or(Error::Refused("no row number left"))?;
        self.record.clear();
        let mut when = self.commit_ms;
        if let Some(kept) = &resource.kept {
            version = kept.version.unwrap_or(0).max(version);
            when = kept.last_updated_ms;
            self.postings.dated(new, resource.ty, when);
        }
        row::write(&mut self.record, resource, prev, version, (self.tx, when), hash)?;
        dbs.rows.put_with_flags(txn, PutFlags::APPEND, &new.to_be_bytes(), &self.record)?;
        dbs.ids.put(txn, &key, &new.to_le_bytes())?;
        if prev != row::NONE {
            self.closed.insert(prev);
        }
        self.added.entry(resource.ty).or_default().insert(new);
        self.postings.add(new, resource);
        Ok(true)
    }

    /// Writes all that is left and the line that makes the transaction visible.
    fn publish(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>) -> Result<Published, Error> {
        self.postings.flush(dbs, txn)?;
        let key = self.tx.to_be_bytes();
        if !self.closed.is_empty() {
            let mut bytes = Vec::with_capacity(self.closed.serialized_size());
            self.closed.serialize_into(&mut bytes)?;
            dbs.closings.put(txn, &key, &bytes)?;
        }
        let mut value = self.next.to_le_bytes().to_vec();
        value.extend(self.commit_ms.to_le_bytes());
        dbs.tx.put(txn, &key, &value)?;
        Ok(Published { tx: self.tx, end: self.next, commit_ms: self.commit_ms })
    }
}
