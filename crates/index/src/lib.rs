//! The publication store: row versions, postings, search, reads at a transaction.
//!
//! Every version of a resource is a *row*, numbered densely in commit order. Searchable terms are
//! postings from a value to rows. The state at a transaction is made of the rows below the end
//! published by that transaction, minus the rows closed (superseded) by it or before it.

mod aside;
mod block;
mod budget;
mod check;
mod chunk;
mod key;
mod leaving;
mod links;
mod posting;
mod record;
mod row;
mod snapshot;
mod spill;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use heed::types::Bytes;
use heed::{CompactionOption, Database, Env, EnvFlags, EnvOpenOptions, MdbError, RoTxn, RwTxn, WithoutTls};
pub use roaring::RoaringBitmap;

use annuaire_base::Tx;
use annuaire_terms::{ParamId, Presence, RefusedResource, Resource, TypeId};
pub use aside::SetAsideEntity;
pub use budget::{Effort, UNLIMITED};
use budget::{Results, new_results};
use key::Keys;
pub use leaving::Retention;
pub use record::Version;
use record::{Codec, Head, Packer};
pub use row::Row;
pub use snapshot::{IdOrder, Snapshot, VersionReader};
use spill::Spill;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Versions written between two intermediate LMDB commits.
const BATCH: usize = 50_000;
/// States kept beside the latest, so that the pages of a running copy do not gather their state again.
const RECENT: usize = 8;
/// Layout of the files; an index with another one is refused.
const FORMAT: &[u8] = b"6";

/// What a search keeps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// Rows that link to a live row of another type kept by a filter.
    Chain {
        /// Search parameter of the link.
        param: ParamId,
        /// Type of the targets.
        target_type: TypeId,
        /// Name of that type, as links write it before the id.
        target_name: String,
        /// What keeps targets.
        filter: Box<Filter>,
    },
    /// Rows that a live row of another type, kept by a filter, links to.
    Has {
        /// Type of the rows that hold the links.
        source_type: TypeId,
        /// Search parameter of the link.
        param: ParamId,
        /// Name of the type searched, as links write it before the id.
        target_name: String,
        /// What keeps sources.
        filter: Box<Filter>,
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
    /// Rows with a text within bounds, folded forms compared byte for byte: `from` or after, before `before`.
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
    Storage(heed::Error),
    /// The file may not grow any more. What was published stays readable.
    #[error(
        "the publication store is full: its file has reached the size reserved for it (map full); reserve more, or rebuild it from the log, which leaves out what is no longer needed"
    )]
    Full,
    /// The files are of another version of the program, or of its forms.
    #[error(
        "the publication store was made by another version of the program ({found}, this one needs {wanted}): rebuild it from the log"
    )]
    Outdated {
        /// What the files say.
        found: String,
        /// What this program writes.
        wanted: String,
    },
    /// The files hold another view of the log.
    #[error("the publication store holds {found}, not {wanted}")]
    OtherView {
        /// What the files say.
        found: String,
        /// What the caller asked for.
        wanted: String,
    },
    /// The directory could not be prepared.
    #[error("index directory: {0}")]
    Io(#[from] std::io::Error),
    /// The files do not hold what they should.
    #[error("index corrupted: {0}")]
    Corrupt(&'static str),
    /// The row is not visible in this snapshot.
    #[error("row {0} is not visible in this snapshot")]
    UnknownRow(Row),
    /// The search needs more work than its snapshot was given.
    #[error("the search needs more work than it may take")]
    Exhausted,
    /// A resource cannot be stored.
    #[error("resource refused: {0}")]
    Refused(&'static str),
}

impl From<RefusedResource> for Error {
    fn from(cause: RefusedResource) -> Self {
        Self::Refused(cause.0)
    }
}

impl From<heed::Error> for Error {
    fn from(cause: heed::Error) -> Self {
        match cause {
            heed::Error::Mdb(MdbError::MapFull) => Self::Full,
            other => Self::Storage(other),
        }
    }
}

/// What a store says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks<'a> {
    /// What it holds, in words.
    pub view: &'a str,
    /// Version of what fills it.
    pub forms: u32,
}

type Db = Database<Bytes, Bytes>;

/// The LMDB databases.
#[derive(Clone, Copy)]
struct Dbs {
    /// First row of a chunk to the records of its rows.
    rows: Db,
    /// First key of a block to its terms.
    terms: Db,
    /// Term and slice to rows, for terms with many rows.
    sets: Db,
    /// Hash to the whole of a text too long for a key.
    longs: Db,
    /// Columns of names and links.
    links: Db,
    /// Transaction to its end and instant.
    tx: Db,
    /// Transaction to the rows that it closed.
    closings: Db,
    /// Instant and row of what vanishes then.
    leaving: Db,
    /// Entity to why it could not be made.
    aside: Db,
}

/// A published transaction, as kept in the `tx` database.
#[derive(Debug, Clone, Copy)]
struct Published {
    tx: Tx,
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
        Ok(Self {
            tx: Tx::new(u64::from_be_bytes(tx)),
            end: Row::new(u32::from_le_bytes(*end)),
            commit_ms: i64::from_le_bytes(ms),
        })
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
    dir: PathBuf,
    env: Env<WithoutTls>,
    dbs: Dbs,
    codec: Arc<Codec>,
    /// Published states, the latest first.
    states: RwLock<Vec<Arc<State>>>,
    results: Results,
    writer: Mutex<()>,
    batch: usize,
}

/// Bytes of a page of the storage engine: that of the system where it runs.
const PAGE_BYTES: u64 = 4096;

/// Databases of the storage engine in a store.
const DATABASES: u32 = 11;
/// Reads at once, of all processes together. Whoever opens the files first decides.
const READERS: u32 = 1_024;

/// What is seen of a store without opening it to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peek {
    /// Latest published transaction, 0 when there is none.
    pub tx: Tx,
    /// Bytes taken of the address space, pages that are free again included.
    pub bytes: u64,
    /// Processes that ended without closing their reads.
    pub dead_readers: usize,
}

/// A version ready to be written: made by any thread, written by one.
#[derive(Debug)]
pub struct Prepared {
    resource: Resource,
    keys: Keys,
    record: Vec<u8>,
    previous: Option<Row>,
    /// Nothing to write, unless the same transaction said something else before.
    unchanged: bool,
}

/// Prepares resources for one transaction; each thread has its own.
pub struct Preparer {
    base: Snapshot,
    packer: Packer,
    codec: Arc<Codec>,
    tx: Tx,
    commit_ms: i64,
}

impl Preparer {
    /// Everything about a version that does not depend on the others of its transaction. Cost: compression and, for a resource already known, reading its newest version.
    ///
    /// # Errors
    /// [`Error::Refused`] for a resource that cannot be stored.
    pub fn prepare(&mut self, resource: Resource) -> Result<Prepared, Error> {
        resource.check()?;
        let mut version = 1;
        // Nothing is before the first row.
        let known = if self.base.is_empty() { None } else { self.base.last_version(resource.ty, &resource.id)? };
        if let Some((known, alive)) = &known {
            if *alive && known.has_content_of(&resource) {
                let (keys, record) = Default::default();
                return Ok(Prepared { keys, record, previous: Some(known.row), unchanged: true, resource });
            }
            version = next_version(known.number)?;
        }
        let (version, ms) = stamped(&resource, version, self.commit_ms);
        let record = self.packer.pack(&self.codec, &resource, version, self.tx, ms)?;
        let previous = known.filter(|(_, alive)| *alive).map(|(known, _)| known.row);
        Ok(Prepared { keys: Keys::of(&resource), record, previous, unchanged: false, resource })
    }
}

fn next_version(version: u32) -> Result<u32, Error> {
    version.checked_add(1).ok_or(Error::Refused("no version number left"))
}

/// Version and instant of a resource: its own when it keeps the stamp of another directory.
fn stamped(resource: &Resource, version: u32, commit_ms: i64) -> (u32, i64) {
    resource.foreign_stamp.as_ref().map_or((version, commit_ms), |k| (k.version.unwrap_or(0).max(version), k.last_updated_ms))
}

/// What one transaction accumulates in memory.
struct Work<'i> {
    index: &'i Index,
    tx: Tx,
    commit_ms: i64,
    next: Row,
    rows: chunk::Writer,
    terms: Spill,
    links: links::Writer,
    packer: Packer,
    /// Row of each resource met, by the hash of its type and id.
    seen: HashMap<u64, Row>,
    added: BTreeMap<TypeId, RoaringBitmap>,
    closed: RoaringBitmap,
    /// Rows added that are not said by a source.
    leaving: Vec<Row>,
}

/// Entities that could not be made, and those (`None`) that can again.
pub type SetAsideChanges = Vec<(String, Option<SetAsideEntity>)>;

/// What a transaction does beside its resources.
#[derive(Default)]
pub struct ApplyOptions<'a> {
    /// When what left vanishes; `None`: never.
    pub retention: Option<&'a Retention<'a>>,
    /// Asked after the last resource.
    pub set_aside: Option<&'a dyn Fn() -> SetAsideChanges>,
}

impl Index {
    /// Opens, or creates, the index of a directory. `map_bytes` bounds the size of the file. `dictionaries` are those that new
    /// bodies are compressed with, by type; those that older bodies need are in the files.
    ///
    /// # Errors
    /// [`Error::Outdated`] when the files are of another layout.
    pub fn open(dir: &Path, map_bytes: usize, dictionaries: &[&[u8]]) -> Result<Index, Error> {
        Self::open_marked(dir, map_bytes, dictionaries, None)
    }

    /// [`Index::open`], of a store that must be what `marks` say. A store that holds nothing becomes it.
    ///
    /// # Errors
    /// [`Error::Outdated`] when the files are of another layout, of other forms or say nothing of themselves;
    /// [`Error::OtherView`] when they hold something else.
    pub fn open_marked(dir: &Path, map_bytes: usize, dictionaries: &[&[u8]], marks: Option<Marks<'_>>) -> Result<Index, Error> {
        std::fs::create_dir_all(dir)?;
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(map_bytes).max_dbs(DATABASES).max_readers(READERS);
        // SAFETY: the file is only ever written through LMDB, which locks it.
        #[allow(unsafe_code)]
        let env = unsafe { options.open(dir)? };
        env.clear_stale_readers()?;
        let mut txn = env.write_txn()?;
        let mut create = |name| env.create_database::<Bytes, Bytes>(&mut txn, Some(name));
        let dbs = Dbs {
            rows: create("rows")?,
            terms: create("terms")?,
            sets: create("sets")?,
            longs: create("longs")?,
            links: create("links")?,
            tx: create("tx")?,
            closings: create("closings")?,
            leaving: create("leaving")?,
            aside: create("aside")?,
        };
        let (meta, kept) = (create("meta")?, create("dictionaries")?);
        match meta.get(&txn, b"format")? {
            None => meta.put(&mut txn, b"format", FORMAT)?,
            Some(FORMAT) => {}
            Some(other) => {
                let format = |f: &[u8]| format!("format {}", String::from_utf8_lossy(f));
                return Err(Error::Outdated { found: format(other), wanted: format(FORMAT) });
            }
        }
        if let Some(marks) = marks {
            let empty = dbs.tx.is_empty(&txn)? && dbs.rows.is_empty(&txn)?;
            let said = |name: &[u8]| Ok::<_, Error>(meta.get(&txn, name)?.map(|t| String::from_utf8_lossy(t).into_owned()));
            let (view, forms) = (said(b"view")?, said(b"forms")?);
            let wanted = marks.forms.to_string();
            match (view, forms) {
                (Some(view), _) if view != marks.view && !empty => {
                    return Err(Error::OtherView { found: view, wanted: marks.view.to_owned() });
                }
                (Some(_), Some(forms)) if forms == wanted => {}
                (_, forms) if !empty => {
                    let found = forms.map_or_else(|| "no version of forms".to_owned(), |f| format!("forms {f}"));
                    return Err(Error::Outdated { found, wanted: format!("forms {wanted}") });
                }
                _ => {}
            }
            meta.put(&mut txn, b"view", marks.view.as_bytes())?;
            meta.put(&mut txn, b"forms", wanted.as_bytes())?;
        }
        let mut all = Vec::new();
        for item in kept.iter(&txn)? {
            let (number, dictionary) = item?;
            // A body read with another dictionary is another body, without any error.
            if meta.get(&txn, number)? != Some(&xxh3_64(dictionary).to_le_bytes()[..]) {
                return Err(Error::Corrupt("dictionary"));
            }
            all.push(dictionary.to_vec());
        }
        let mut by_type = Vec::new();
        for dictionary in dictionaries {
            let number = match all.iter().position(|known| known == dictionary) {
                _ if dictionary.is_empty() => 0,
                Some(at) => at + 1,
                None => {
                    all.push(dictionary.to_vec());
                    let number = [u8::try_from(all.len()).map_err(|_| Error::Refused("too many dictionaries"))?];
                    kept.put(&mut txn, &number, dictionary)?;
                    meta.put(&mut txn, &number, &xxh3_64(dictionary).to_le_bytes())?;
                    all.len()
                }
            };
            by_type.push(u8::try_from(number).map_err(|_| Error::Refused("too many dictionaries"))?);
        }
        let state = Arc::new(dbs.load(&txn)?);
        txn.commit()?;
        let codec = Arc::new(Codec::new(&all, &by_type));
        Ok(Index {
            dir: dir.to_owned(),
            env,
            dbs,
            codec,
            states: RwLock::new(vec![state]),
            results: new_results(),
            writer: Mutex::new(()),
            batch: BATCH,
        })
    }

    /// Writes a copy of the index of a directory, as its last commit left it, into another directory, which exists and holds no
    /// index. Another process may be writing: nobody waits. The copy is on disk when this returns.
    ///
    /// # Errors
    /// When the index cannot be read, among others because this process has it open, or the copy cannot be written.
    pub fn copy(dir: &Path, to: &Path) -> Result<(), Error> {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        // SAFETY: the file is only ever written through LMDB, which locks it; this process only reads it.
        #[allow(unsafe_code)]
        let env = unsafe { options.flags(EnvFlags::READ_ONLY).open(dir)? };
        let name = to.join("data.mdb");
        let file = match env.copy_to_path(&name, CompactionOption::Enabled) {
            // Pages that nobody counts any more cannot be left out.
            Err(heed::Error::Mdb(MdbError::Incompatible)) => {
                std::fs::remove_file(&name)?;
                env.copy_to_path(&name, CompactionOption::Disabled)?
            }
            done => done?,
        };
        Ok(file.sync_all()?)
    }

    /// Looks at the index of a directory from outside, as its last commit left it; another process may be writing, and nobody
    /// waits. What readers left that are dead is cleared.
    ///
    /// # Errors
    /// When the directory holds no index, or this process has it open.
    pub fn peek(dir: &Path) -> Result<Peek, Error> {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        // SAFETY: the file is only ever written through LMDB, which locks it; this process only reads it.
        #[allow(unsafe_code)]
        let env = unsafe { options.max_dbs(DATABASES).max_readers(READERS).flags(EnvFlags::READ_ONLY).open(dir)? };
        let dead_readers = env.clear_stale_readers()?;
        let txn = env.read_txn()?;
        let last = match env.open_database::<Bytes, Bytes>(&txn, Some("tx"))? {
            Some(db) => db.last(&txn)?.map(|(key, value)| Published::read(key, value)).transpose()?,
            None => None,
        };
        let pages = env.info().last_page_number as u64 + 1;
        Ok(Peek { tx: last.map_or(Tx::NONE, |at| at.tx), bytes: pages * PAGE_BYTES, dead_readers })
    }

    /// Frees the reader slots of processes that died: each keeps the pages that it read from being used again. Returns how many
    /// there were. Cheap; a server calls it now and then.
    ///
    /// # Errors
    /// When the table of readers cannot be read.
    pub fn clear_dead_readers(&self) -> Result<usize, Error> {
        Ok(self.env.clear_stale_readers()?)
    }

    /// Number and instant of the latest published transaction, `None` when there is none.
    pub fn applied_commit(&self) -> Option<(Tx, i64)> {
        let at = self.state().at;
        (at.tx > Tx::NONE).then_some((at.tx, at.commit_ms))
    }

    /// How many resources are there, in whatever form.
    pub fn resource_count(&self) -> u64 {
        self.state().live.values().map(|rows| rows.len()).sum()
    }

    /// Whether no version was ever published.
    pub fn is_empty(&self) -> bool {
        self.state().at.end == Row::FIRST
    }

    fn state(&self) -> Arc<State> {
        // Never empty: it starts with the state of the file.
        self.states.read().unwrap_or_else(PoisonError::into_inner)[0].clone()
    }

    /// Latest published transaction, 0 when there is none.
    pub fn applied_tx(&self) -> Tx {
        self.state().at.tx
    }

    /// An instant earlier than that of the previous transaction is raised to it, so that rows are in chronological order.
    fn instant(&self, commit_ms: i64) -> i64 {
        let at = self.state().at;
        if at.tx == Tx::NONE { commit_ms } else { commit_ms.max(at.commit_ms) }
    }

    /// What prepares resources for the transaction that follows the present state.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn preparer(&self, tx: Tx, commit_ms: i64) -> Result<Preparer, Error> {
        let base = self.snapshot()?;
        Ok(Preparer { base, packer: Packer::new(), codec: self.codec.clone(), tx, commit_ms: self.instant(commit_ms) })
    }

    /// Applies one transaction of the log and returns the number of new versions.
    ///
    /// Resources come from [`Index::preparer`] for the same transaction, in the order of their rows. A transaction not above
    /// [`Index::applied_tx`] does nothing. Nothing is visible before the final commit; after an error or a crash the same
    /// transaction can be applied again.
    ///
    /// # Errors
    /// Those of the resources, and of the store.
    pub fn apply<E: From<Error>>(
        &self,
        tx: Tx,
        commit_ms: i64,
        resources: impl Iterator<Item = Result<Prepared, E>>,
    ) -> Result<u64, E> {
        self.apply_with(tx, commit_ms, resources, &ApplyOptions::default())
    }

    /// [`Index::apply`], with what a transaction does beside its resources.
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
        let old = self.state();
        if tx <= old.at.tx {
            return Ok(0);
        }
        let begin = || Ok::<_, Error>(self.env.write_txn()?);
        let mut txn = begin()?;
        self.dbs.discard_from(&mut txn, old.at.end)?;
        let mut work = Work {
            index: self,
            tx,
            commit_ms: self.instant(commit_ms),
            next: old.at.end,
            rows: chunk::Writer::open(&self.dbs, &txn, old.at.end)?,
            terms: Spill::new(&self.dir),
            links: links::Writer::default(),
            packer: Packer::new(),
            seen: HashMap::new(),
            added: BTreeMap::new(),
            closed: RoaringBitmap::new(),
            leaving: Vec::new(),
        };
        let mut pending = 0;
        for resource in resources {
            if !work.add(&self.dbs, &mut txn, resource?)? {
                continue;
            }
            pending += 1;
            if pending >= self.batch {
                work.rows.flush(&self.dbs, &mut txn)?;
                txn.commit().map_err(Error::from)?;
                txn = begin()?;
                pending = 0;
            }
        }
        work.seen = HashMap::new();
        work.rows.flush(&self.dbs, &mut txn)?;
        work.links.finish(&self.dbs, &mut txn)?;
        let terms = std::mem::replace(&mut work.terms, Spill::new(&self.dir)).sorted().map_err(Error::from)?;
        let mut txn = posting::write(&self.dbs, &begin, txn, terms)?;
        // All that follows is in the last commit: an interrupted transaction leaves nothing of it.
        if let Some(retention) = options.retention {
            leaving::settle(&mut work, &self.dbs, &mut txn, &old, retention)?;
        }
        for (entity, aside) in options.set_aside.iter().flat_map(|ask| ask()) {
            aside::set(&self.dbs, &mut txn, &entity, aside.as_ref())?;
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
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        states.insert(0, Arc::new(State { at, live }));
        states.truncate(1 + RECENT);
        Ok(u64::from(at.end.get() - old.at.end.get()))
    }

    /// Reads the columns of links once: the first search through links then finds them in memory. Cost: fifty megabytes for a
    /// country.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn prefetch_links(&self) -> Result<(), Error> {
        let txn = self.env.read_txn()?;
        for item in self.dbs.links.iter(&txn)? {
            // A chunk is a page: its first byte brings it.
            std::hint::black_box(item?.1.first());
        }
        Ok(())
    }

    fn reader(&self, txn: RoTxn<'static, WithoutTls>) -> snapshot::Reader {
        snapshot::Reader { txn, dbs: self.dbs, codec: self.codec.clone(), results: self.results.clone() }
    }

    /// Opens the latest published state.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        // The state first: the read transaction may then only be newer, which rows hide.
        let state = self.state();
        let txn = self.env.clone().static_read_txn()?;
        Ok(self.reader(txn).at(state))
    }

    /// Opens the state at a transaction, `None` when no such transaction was applied.
    /// Transaction 0 is the empty state.
    pub fn snapshot_at(&self, tx: Tx) -> Result<Option<Snapshot>, Error> {
        let known = self.states.read().unwrap_or_else(PoisonError::into_inner).iter().find(|s| s.at.tx == tx).cloned();
        let txn = self.env.clone().static_read_txn()?;
        if let Some(state) = known {
            return Ok(Some(self.reader(txn).at(state)));
        }
        let at = match self.dbs.tx.get(&txn, &tx.get().to_be_bytes())? {
            Some(value) => Published::read(&tx.get().to_be_bytes(), value)?,
            None if tx == Tx::NONE => EMPTY,
            None => return Ok(None),
        };
        let closed = self.dbs.closed_up_to(&txn, tx)?;
        Ok(Some(self.reader(txn).past(at, closed)))
    }
}

/// The state before the first transaction.
const EMPTY: Published = Published { tx: Tx::NONE, end: Row::FIRST, commit_ms: 0 };

impl Dbs {
    /// Rebuilds the published state from the file.
    fn load(&self, txn: &RoTxn<'_>) -> Result<State, Error> {
        let at = match self.tx.last(txn)? {
            Some((key, value)) => Published::read(key, value)?,
            None => EMPTY,
        };
        let closed = self.closed_up_to(txn, at.tx)?;
        let mut live = BTreeMap::new();
        for ty in (0..=u8::MAX).map(TypeId::new) {
            let mut rows = posting::read(self, txn, &key::ty(ty))?;
            rows.remove_range(at.end.get()..);
            rows -= &closed;
            if !rows.is_empty() {
                live.insert(ty, Arc::new(rows));
            }
        }
        Ok(State { at, live })
    }

    fn closed_up_to(&self, txn: &RoTxn<'_>, tx: Tx) -> Result<RoaringBitmap, Error> {
        let mut closed = RoaringBitmap::new();
        let last = tx.get().to_be_bytes();
        for item in self.closings.range(txn, &(Bound::Unbounded, Bound::Included(&last[..])))? {
            let (_, value) = item?;
            closed |= RoaringBitmap::deserialize_from(value)?;
        }
        Ok(closed)
    }

    /// Removes what an interrupted transaction left beyond the published rows.
    fn discard_from(&self, txn: &mut RwTxn<'_>, end: Row) -> Result<(), Error> {
        // Rows are committed before terms and not after their links: without rows beyond the end there is nothing to remove.
        if chunk::last(self, txn)?.is_none_or(|last| last < end) {
            return Ok(());
        }
        if end == Row::FIRST {
            self.rows.clear(txn)?;
            self.terms.clear(txn)?;
            self.sets.clear(txn)?;
            self.longs.clear(txn)?;
            self.links.clear(txn)?;
            return Ok(());
        }
        chunk::discard_from(self, txn, end)?;
        links::discard_from(self, txn, end)?;
        posting::discard_from(self, txn, end)
    }
}

impl Work<'_> {
    /// Adds a version; false when the resource already has this content.
    fn add(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>, mut prepared: Prepared) -> Result<bool, Error> {
        let new = self.next;
        let resource = &prepared.resource;
        let name = xxh3_64_with_seed(resource.id.as_bytes(), resource.ty.get().into());
        if let Some(twin) = self.seen.get(&name).copied() {
            // Given twice: the second word follows the first.
            let record = self.rows.read(dbs, txn, twin)?.ok_or(Error::Corrupt("row just written"))?;
            let earlier = Head::read(record)?.entry(&self.index.codec, twin, self.commit_ms)?;
            if earlier.ty == resource.ty && earlier.id() == resource.id {
                if earlier.has_content_of(resource) {
                    return Ok(false);
                }
                let (version, ms) = stamped(resource, next_version(earlier.number)?, self.commit_ms);
                prepared.record = self.packer.pack(&self.index.codec, resource, version, self.tx, ms)?;
                prepared.keys = Keys::of(resource);
                (prepared.previous, prepared.unchanged) = (Some(twin), false);
            }
        }
        if prepared.unchanged {
            return Ok(false);
        }
        self.seen.insert(name, new);
        self.next = new.get().checked_add(1).map(Row::new).ok_or(Error::Refused("no row number left"))?;
        self.rows.push(dbs, txn, new, &prepared.record)?;
        for (hash, whole) in &prepared.keys.longs {
            dbs.longs.put(txn, hash.as_bytes(), whole)?;
        }
        for (param, hash) in &prepared.keys.links {
            self.links.push(dbs, txn, (prepared.resource.ty, *param), (new, *hash))?;
        }
        for key in prepared.keys.iter() {
            self.terms.push(key, new)?;
        }
        self.closed.extend(prepared.previous.map(Row::get));
        if prepared.resource.presence != Presence::Described {
            self.leaving.push(new);
        }
        self.added.entry(prepared.resource.ty).or_default().insert(new.get());
        Ok(true)
    }

    /// Writes the line that makes the transaction visible.
    fn publish(&mut self, dbs: &Dbs, txn: &mut RwTxn<'_>) -> Result<Published, Error> {
        let key = self.tx.get().to_be_bytes();
        if !self.closed.is_empty() {
            let mut bytes = Vec::with_capacity(self.closed.serialized_size());
            self.closed.serialize_into(&mut bytes)?;
            dbs.closings.put(txn, &key, &bytes)?;
        }
        let mut value = self.next.get().to_le_bytes().to_vec();
        value.extend(self.commit_ms.to_le_bytes());
        dbs.tx.put(txn, &key, &value)?;
        Ok(Published { tx: self.tx, end: self.next, commit_ms: self.commit_ms })
    }
}
