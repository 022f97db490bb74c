//! Opening, copying and inspecting the files of a store.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use annuaire_base::{LogIdentity, Tx};
use heed::types::Bytes;
use heed::{CompactionOption, Env, EnvFlags, EnvOpenOptions, MdbError, RoTxn, RwTxn, WithoutTls};

use crate::compact;
use crate::databases::{DATABASES, Databases, Db};
use crate::dictionaries::Dictionaries;
use crate::error::Error;
use crate::hash::dictionary_checksum;
use crate::index::Index;
use crate::meta::{self, FORMAT, FORMAT_KEY, FORMS_KEY, VIEW_KEY};
use crate::published::PublishedTx;
use crate::results::SearchResults;
use crate::snapshot::SnapshotSource;
use crate::state::PublishedState;
use crate::states::KnownStates;

/// Versions written between two LMDB commits of a transaction.
const VERSIONS_PER_COMMIT: usize = 50_000;
/// Read transactions at once, of all processes together. The process that opens the files first decides.
const READERS: u32 = 1_024;
/// Bytes of a page of LMDB where the program runs: the page size of the operating system.
const PAGE_BYTES: u64 = 4_096;

/// What a store holds, as its files name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks<'a> {
    /// View of the log: guide and perimeter, in words.
    pub view: &'a str,
    /// Version of the published forms.
    pub forms: u32,
}

/// What [`Index::peek`] sees of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peek {
    /// Latest published transaction, [`Tx::NONE`] when there is none.
    pub tx: Tx,
    /// Log that the store follows; `None` when it was never bound to one, or is of an older format.
    pub log: Option<LogIdentity>,
    /// Bytes of the file in use, free pages included.
    pub bytes: u64,
    /// Number of processes that ended without closing their read transactions.
    pub dead_readers: usize,
}

impl Index {
    /// Opens the store of a directory, or creates it. `map_bytes` bounds the size of the file. `dictionaries` compress new
    /// bodies, by type (an empty one for none); the files hold those that older bodies need.
    ///
    /// Cost: reading the rows of each type and about a hundred entries of closings (see [`crate::layout`]).
    ///
    /// # Errors
    /// [`Error::Outdated`] when the files have another layout; [`Error::Corrupt`] when a dictionary is damaged.
    pub fn open(dir: &Path, map_bytes: usize, dictionaries: &[&[u8]]) -> Result<Index, Error> {
        Self::open_with(dir, map_bytes, dictionaries, None)
    }

    /// [`Index::open`] for a store that must have these marks. An empty store receives them.
    ///
    /// # Errors
    /// [`Error::Outdated`] when the files have another layout, other forms or no marks; [`Error::OtherView`] when they hold
    /// another view.
    pub fn open_marked(dir: &Path, map_bytes: usize, dictionaries: &[&[u8]], marks: Marks<'_>) -> Result<Index, Error> {
        Self::open_with(dir, map_bytes, dictionaries, Some(marks))
    }

    fn open_with(dir: &Path, map_bytes: usize, dictionaries: &[&[u8]], marks: Option<Marks<'_>>) -> Result<Index, Error> {
        std::fs::create_dir_all(dir)?;
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(map_bytes).max_dbs(DATABASES).max_readers(READERS);
        #[expect(
            unsafe_code,
            reason = "the file is written only through LMDB, which locks it: the map never changes under a reader"
        )]
        let env = unsafe { options.open(dir)? };
        env.clear_stale_readers()?;
        let mut txn = env.write_txn()?;
        let dbs = Databases::create(&env, &mut txn)?;
        let meta = dbs.meta;
        let stored = env.create_database::<Bytes, Bytes>(&mut txn, Some("dictionaries"))?;
        check_format(meta, &mut txn)?;
        if let Some(marks) = marks {
            let is_empty = dbs.tx.is_empty(&txn)? && dbs.rows.is_empty(&txn)?;
            check_marks(meta, &mut txn, marks, is_empty)?;
        }
        let dictionaries = Arc::new(merge_dictionaries(meta, stored, &mut txn, dictionaries)?);
        let state = PublishedState::load(&dbs, &txn)?;
        let retained_from = AtomicU64::new(meta::retained_from(meta, &txn)?.get());
        txn.commit()?;
        Ok(Index {
            dir: dir.to_owned(),
            source: SnapshotSource {
                env: env.clone(),
                dbs,
                dictionaries: dictionaries.clone(),
                results: SearchResults::new(),
                states: Arc::new(KnownStates::new(state)),
                retained_from: Arc::new(retained_from),
            },
            env,
            dbs,
            dictionaries,
            writer: Mutex::new(()),
            versions_per_commit: VERSIONS_PER_COMMIT,
            pages_per_step: compact::PAGES,
        })
    }

    /// Binds the store to a log: it remembers the first one, and refuses another log or another epoch of it, whose transactions of
    /// the same numbers are others. A store without a transaction takes any log. Called before transactions are applied.
    ///
    /// # Errors
    /// [`Error::OtherLog`], and nothing is written; when the store cannot be written.
    pub fn bind_log(&self, log: LogIdentity) -> Result<(), Error> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut txn = self.env.write_txn()?;
        match meta::log(self.dbs.meta, &txn)? {
            Some(store) if store == log => return Ok(()),
            Some(store) if PublishedTx::latest(&self.dbs, &txn)?.tx > Tx::NONE => return Err(Error::OtherLog { store }),
            _ => meta::set_log(self.dbs.meta, &mut txn, log)?,
        }
        Ok(txn.commit()?)
    }

    /// Binds the store to a later epoch of its log, for a restoration: the caller knows that the log of that epoch begins with all the
    /// transactions of the store.
    ///
    /// # Errors
    /// [`Error::OtherLog`] for another log, an earlier epoch, or a store that is bound to no log, and nothing is written; when the
    /// store cannot be written.
    pub fn rebind_log(&self, log: LogIdentity) -> Result<(), Error> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut txn = self.env.write_txn()?;
        match meta::log(self.dbs.meta, &txn)? {
            Some(store) if store.id == log.id && store.epoch <= log.epoch => meta::set_log(self.dbs.meta, &mut txn, log)?,
            store => return Err(Error::OtherLog { store: store.unwrap_or_default() }),
        }
        Ok(txn.commit()?)
    }

    /// The log to which the store is bound, `None` before [`Index::bind_log`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn log(&self) -> Result<Option<LogIdentity>, Error> {
        let txn = self.env.read_txn()?;
        meta::log(self.dbs.meta, &txn)
    }

    /// The view and the version of the forms that the files name, in words; empty for a store without marks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn marks_in_words(&self) -> Result<String, Error> {
        let txn = self.env.read_txn()?;
        let mark = |name: &[u8]| -> Result<Option<String>, Error> {
            Ok(self.dbs.meta.get(&txn, name)?.map(|mark| String::from_utf8_lossy(mark).into_owned()))
        };
        let forms = mark(FORMS_KEY)?.map(|forms| format!("forms {forms}"));
        Ok([mark(VIEW_KEY)?, forms].into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    /// Copies the store of a directory, as its last commit left it, to another directory, which exists and holds no store.
    /// Another process may write meanwhile and nobody waits. The copy is on disk (fsync) when this returns.
    ///
    /// # Errors
    /// When the store cannot be read, for example because this process has it open, or the copy cannot be written.
    pub fn copy(dir: &Path, to: &Path) -> Result<(), Error> {
        let env = open_read_only(dir, &mut EnvOpenOptions::new().read_txn_without_tls())?;
        let name = to.join("data.mdb");
        let file = match env.copy_to_path(&name, CompactionOption::Enabled) {
            // LMDB refuses to compact a file with pages that it lost track of.
            Err(heed::Error::Mdb(MdbError::Incompatible)) => {
                std::fs::remove_file(&name)?;
                env.copy_to_path(&name, CompactionOption::Disabled)?
            }
            done => done?,
        };
        Ok(file.sync_all()?)
    }

    /// Inspects the store of a directory as its last commit left it; another process may write meanwhile and nobody waits.
    /// Frees the reader slots of dead processes. Cost: three look-ups.
    ///
    /// # Errors
    /// When the directory holds no store, or this process has it open.
    pub fn peek(dir: &Path) -> Result<Peek, Error> {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        let env = open_read_only(dir, options.max_dbs(DATABASES).max_readers(READERS))?;
        let dead_readers = env.clear_stale_readers()?;
        let txn = env.read_txn()?;
        let last = match env.open_database::<Bytes, Bytes>(&txn, Some("tx"))? {
            Some(db) => db.last(&txn)?.map(|(key, value)| PublishedTx::decode(key, value)).transpose()?,
            None => None,
        };
        let log = match env.open_database::<Bytes, Bytes>(&txn, Some("meta"))? {
            Some(db) => meta::log(db, &txn)?,
            None => None,
        };
        let pages = env.info().last_page_number as u64 + 1;
        Ok(Peek { tx: last.map_or(Tx::NONE, |published| published.tx), log, bytes: pages * PAGE_BYTES, dead_readers })
    }

    /// Frees the reader slots of processes that died: LMDB cannot reuse the pages that a slot protects. Returns their number.
    /// Cheap; a server calls it now and then.
    ///
    /// # Errors
    /// When the reader table cannot be read.
    pub fn clear_dead_readers(&self) -> Result<usize, Error> {
        Ok(self.env.clear_stale_readers()?)
    }
}

fn open_read_only(dir: &Path, options: &mut EnvOpenOptions<WithoutTls>) -> Result<Env<WithoutTls>, Error> {
    #[expect(unsafe_code, reason = "the file is written only through LMDB, which locks it; this environment only reads")]
    let env = unsafe { options.flags(EnvFlags::READ_ONLY).open(dir)? };
    Ok(env)
}

/// Checks the layout that the files name; a new store gets ours.
fn check_format(meta: Db, txn: &mut RwTxn<'_>) -> Result<(), Error> {
    match meta.get(txn, FORMAT_KEY)? {
        None => Ok(meta.put(txn, FORMAT_KEY, FORMAT)?),
        Some(FORMAT) => Ok(()),
        Some(other) => {
            let format = |f: &[u8]| format!("format {}", String::from_utf8_lossy(f));
            Err(Error::Outdated { found: format(other), wanted: format(FORMAT) })
        }
    }
}

/// Compares the marks of the files with those wanted, and writes them into an empty store.
fn check_marks(meta: Db, txn: &mut RwTxn<'_>, marks: Marks<'_>, is_empty: bool) -> Result<(), Error> {
    let mark = |txn: &RoTxn<'_>, name: &[u8]| {
        Ok::<_, Error>(meta.get(txn, name)?.map(|mark| String::from_utf8_lossy(mark).into_owned()))
    };
    let (view, forms) = (mark(txn, VIEW_KEY)?, mark(txn, FORMS_KEY)?);
    let wanted = marks.forms.to_string();
    match (view, forms) {
        (Some(view), _) if view != marks.view && !is_empty => {
            return Err(Error::OtherView { found: view, wanted: marks.view.to_owned() });
        }
        (Some(_), Some(forms)) if forms == wanted => {}
        (_, forms) if !is_empty => {
            let found = forms.map_or_else(|| "no version of forms".to_owned(), |f| format!("forms {f}"));
            return Err(Error::Outdated { found, wanted: format!("forms {wanted}") });
        }
        _ => {}
    }
    meta.put(txn, VIEW_KEY, marks.view.as_bytes())?;
    meta.put(txn, FORMS_KEY, wanted.as_bytes())?;
    Ok(())
}

/// The dictionaries of the files and those of this program, which the files receive when they lack them.
fn merge_dictionaries(meta: Db, stored: Db, txn: &mut RwTxn<'_>, dictionaries: &[&[u8]]) -> Result<Dictionaries, Error> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for item in stored.iter(txn)? {
        let (number, dictionary) = item?;
        // Decompression with a damaged dictionary gives another body without any error.
        if meta.get(txn, number)? != Some(&dictionary_checksum(dictionary)[..]) {
            return Err(Error::Corrupt("dictionary"));
        }
        all.push(dictionary.to_vec());
    }
    let mut by_type = Vec::new();
    for dictionary in dictionaries {
        let number = match all.iter().position(|known| known == dictionary) {
            _ if dictionary.is_empty() => 0,
            Some(position) => position + 1,
            None => {
                all.push(dictionary.to_vec());
                let number = [u8::try_from(all.len()).map_err(|_| Error::Refused("too many dictionaries"))?];
                stored.put(txn, &number, dictionary)?;
                meta.put(txn, &number, &dictionary_checksum(dictionary))?;
                all.len()
            }
        };
        by_type.push(u8::try_from(number).map_err(|_| Error::Refused("too many dictionaries"))?);
    }
    Ok(Dictionaries::new(&all, &by_type))
}
