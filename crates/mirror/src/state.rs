//! The directory of a mirror: what it holds, how far it is, and who works on it.
//!
//! | File | What it is |
//! |---|---|
//! | `lock` | held by the one program that works on the mirror |
//! | `state.json` | origin, watermark, round, index of keys; replaced as a whole |
//! | `next.json` | the state after a round that is ready, until the sink has committed it |
//! | `index/` | the files of the index of keys |
//! | `walk/` | pages received and not applied yet |
//! | `files/` | published files, perhaps partial |
//!
//! A round is committed in three steps: `next.json` is written, the sink commits data and round together, `next.json` becomes
//! `state.json`. After a crash the round of the sink tells which of the two states is true.

use crate::disk;
use crate::error::{Error, Result, file_error};
use crate::key_index::TypeIndex;
use crate::sink::MirrorPosition;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// The form of `state.json`.
const FORMAT: u32 = 1;

/// How far a mirror is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "channel")]
pub enum Watermark {
    /// Pages of a plain FHIR server.
    Plain {
        /// For each type the instant of the origin, in milliseconds since 1970, up to which everything was asked for. An origin may
        /// tell an old one for a type of which nothing changes.
        since_ms: BTreeMap<String, i64>,
        /// The clock of the origin when it was asked last; it shows when that steps back.
        server_ms: i64,
        /// The clock of this machine then.
        local_ms: i64,
    },
    /// Published files.
    Published {
        /// The page of the manifest that was applied last.
        page: String,
        /// Its ETag.
        etag: Option<String>,
        /// `transactionTime` of that page.
        transaction_time: String,
    },
}

/// Everything that a mirror remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MirrorState {
    format: u32,
    /// A random name, by which a sink recognises its mirror.
    pub(crate) mirror: String,
    pub(crate) origin: String,
    /// Types that are kept.
    pub(crate) types: BTreeSet<String>,
    /// Rounds committed.
    pub(crate) round: u64,
    /// First load and catching up are complete (REPL-2).
    pub(crate) ready: bool,
    pub(crate) watermark: Option<Watermark>,
    pub(crate) index: BTreeMap<String, TypeIndex>,
    /// Resources of each type that a former state held; the circuit breaker compares a copy made anew with them.
    #[serde(default)]
    pub(crate) former: BTreeMap<String, u64>,
    /// Until when the origin had told everything, in milliseconds since 1970, by its clock.
    pub(crate) told_ms: Option<i64>,
    /// When the last run succeeded, by the clock of this machine.
    pub(crate) success_ms: Option<i64>,
    /// When all ids were last compared.
    pub(crate) reconciled_ms: Option<i64>,
    /// Milliseconds that the longest walk of a type took.
    #[serde(default)]
    pub(crate) longest_walk_ms: i64,
}

impl MirrorState {
    /// The state of a mirror that holds nothing.
    pub(crate) fn new(mirror: String, origin: &str) -> Self {
        Self {
            format: FORMAT,
            mirror,
            origin: origin.to_owned(),
            types: BTreeSet::new(),
            round: 0,
            ready: false,
            watermark: None,
            index: BTreeMap::new(),
            former: BTreeMap::new(),
            told_ms: None,
            success_ms: None,
            reconciled_ms: None,
            longest_walk_ms: 0,
        }
    }

    /// Resources that are there, by type.
    pub(crate) fn live(&self) -> BTreeMap<String, u64> {
        self.index.iter().map(|(ty, index)| (ty.clone(), index.live)).collect()
    }

    fn position(&self) -> MirrorPosition {
        MirrorPosition { mirror: self.mirror.clone(), round: self.round }
    }
}

/// The directory of a mirror, which no other program works on meanwhile.
pub(crate) struct StateDirectory {
    path: PathBuf,
    _lock: File,
}

/// What the two states on disk and the position of the sink mean together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Recovered {
    /// The state of the last round that the sink committed.
    Ready(Box<MirrorState>),
    /// There is nothing yet.
    Nothing,
    /// State and sink do not belong to one moment; the sink is filled anew, as the mirror of this name.
    Anew {
        mirror: Option<String>,
        /// A round later than any that was used.
        round: u64,
        former: BTreeMap<String, u64>,
    },
}

impl StateDirectory {
    /// Opens the directory, and makes it when it is not there.
    ///
    /// # Errors
    /// When another program works on it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        for dir in [path, &path.join("index"), &path.join("walk"), &path.join("files")] {
            disk::create_private_dir(dir)?;
        }
        let name = path.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&name).map_err(file_error(&name))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Error::State(format!("{}: another mirror works on this directory; wait for its end", path.display())))
            }
            Err(TryLockError::Error(e)) => Err(file_error(&name)(e)),
        }
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    pub(crate) fn walk(&self) -> PathBuf {
        self.path.join("walk")
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.path.join("files")
    }

    /// Finds the state that the sink is in.
    ///
    /// # Errors
    /// When the sink is that of another mirror, or a file cannot be read.
    pub(crate) fn recover(&self, sink: Option<&MirrorPosition>) -> Result<Recovered> {
        let current = self.read("state.json")?;
        let next = self.read("next.json")?;
        let known = |state: &Option<MirrorState>| state.as_ref().is_some_and(|s| sink == Some(&s.position()));
        let recovered = if known(&next) {
            disk::rename(&self.path.join("next.json"), &self.path.join("state.json"))?;
            Recovered::Ready(Box::new(next.ok_or_else(|| Error::State("no state".into()))?))
        } else if known(&current) {
            Recovered::Ready(Box::new(current.ok_or_else(|| Error::State("no state".into()))?))
        } else {
            let names: Vec<&str> = current.iter().chain(&next).map(|s| s.mirror.as_str()).collect();
            match (sink, current.as_ref()) {
                (Some(position), _) if !names.contains(&position.mirror.as_str()) => {
                    return Err(Error::State(format!(
                        "where the copy goes there is the copy of another mirror, and {} is not its state: give the directory of its \
                         state, or remove that copy",
                        self.path.display()
                    )));
                }
                (None, None) => Recovered::Nothing,
                (_, current) => Recovered::Anew {
                    mirror: names.first().map(|name| (*name).to_owned()),
                    round: current.map_or(0, |s| s.round).max(sink.map_or(0, |p| p.round)) + 1,
                    former: current.map(MirrorState::live).unwrap_or_default(),
                },
            }
        };
        disk::remove_if_there(&self.path.join("next.json"))?;
        Ok(recovered)
    }

    fn read(&self, name: &str) -> Result<Option<MirrorState>> {
        let path = self.path.join(name);
        let Some(bytes) = disk::read_if_there(&path)? else { return Ok(None) };
        let state: MirrorState = serde_json::from_slice(&bytes).map_err(|e| {
            Error::State(format!("{}: this is no state of a mirror ({e}); remove it to copy anew", path.display()))
        })?;
        if state.format != FORMAT {
            let path = path.display();
            return Err(Error::State(format!(
                "{path}: format {}, which this program does not know; use a newer one",
                state.format
            )));
        }
        Ok(Some(state))
    }

    /// Writes the state after a round, before the sink commits it.
    pub(crate) fn prepare(&self, state: &MirrorState) -> Result<()> {
        disk::write_atomically(&self.path.join("next.json"), &json(state)?)
    }

    /// Makes the prepared state the true one, and removes files of the index that it does not list.
    pub(crate) fn adopt(&self, state: &MirrorState) -> Result<()> {
        disk::rename(&self.path.join("next.json"), &self.path.join("state.json"))?;
        self.sweep(state)
    }

    /// Writes a state whose round the sink has already.
    pub(crate) fn save(&self, state: &MirrorState) -> Result<()> {
        disk::write_atomically(&self.path.join("state.json"), &json(state)?)
    }

    /// Removes files of the index that nobody lists.
    pub(crate) fn sweep(&self, state: &MirrorState) -> Result<()> {
        let listed: BTreeSet<&str> = state.index.values().flat_map(|i| &i.segments).map(|s| s.name.as_str()).collect();
        sweep_dir(&self.index(), &|name| listed.contains(name))
    }

    /// Notes that what was received would take too much away. It is kept for an operator who confirms exactly that.
    pub(crate) fn mark_refused(&self) -> Result<()> {
        disk::write_atomically(&self.walk().join("refused"), b"")
    }

    /// Forgets what was received and refused, so that an origin that was mended is asked again.
    pub(crate) fn forget_refused(&self) -> Result<()> {
        if self.walk().join("refused").exists() { self.clear_received() } else { Ok(()) }
    }

    /// Removes what was received and is applied or useless. Lists of ids stay: their walk may be under way for many rounds.
    pub(crate) fn clear_received(&self) -> Result<()> {
        sweep_dir(&self.walk(), &|name| name.starts_with("ids-"))?;
        sweep_dir(&self.files(), &|_| false)
    }
}

/// Removes the files of a directory that are not kept.
pub(crate) fn sweep_dir(dir: &Path, keep: &dyn Fn(&str) -> bool) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(file_error(dir))? {
        let entry = entry.map_err(file_error(dir))?;
        let is_file = entry.file_type().map_err(file_error(dir))?.is_file();
        if is_file && !entry.file_name().to_str().is_some_and(keep) {
            disk::remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}

fn json(state: &MirrorState) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(state).map_err(|e| Error::State(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(round: u64) -> MirrorState {
        MirrorState { round, ..MirrorState::new("m".into(), "https://d.example/fhir") }
    }

    fn at(mirror: &str, round: u64) -> Option<MirrorPosition> {
        Some(MirrorPosition { mirror: mirror.into(), round })
    }

    #[test]
    fn the_sink_decides_which_state_is_true() {
        let dir = tempfile::tempdir().unwrap();
        let open = StateDirectory::open(dir.path()).unwrap();
        assert_eq!(open.recover(None).unwrap(), Recovered::Nothing);
        open.save(&state(4)).unwrap();
        open.prepare(&state(5)).unwrap();
        assert_eq!(open.recover(at("m", 5).as_ref()).unwrap(), Recovered::Ready(Box::new(state(5))));
        open.prepare(&state(6)).unwrap();
        assert_eq!(open.recover(at("m", 5).as_ref()).unwrap(), Recovered::Ready(Box::new(state(5))));
        assert!(!dir.path().join("next.json").exists());
        let anew = |round| Recovered::Anew { mirror: Some("m".into()), round, former: BTreeMap::new() };
        assert_eq!(open.recover(at("m", 9).as_ref()).unwrap(), anew(10));
        assert_eq!(open.recover(at("m", 2).as_ref()).unwrap(), anew(6));
        assert_eq!(open.recover(None).unwrap(), anew(6));
        assert!(open.recover(at("other", 5).as_ref()).unwrap_err().to_string().contains("another mirror"));
    }

    #[test]
    fn a_second_mirror_is_refused_while_the_first_works() {
        let dir = tempfile::tempdir().unwrap();
        let first = StateDirectory::open(dir.path()).unwrap();
        let said = StateDirectory::open(dir.path()).err().unwrap().to_string();
        assert!(said.contains("another mirror works on this directory"), "{said}");
        drop(first);
        StateDirectory::open(dir.path()).unwrap();
    }
}
