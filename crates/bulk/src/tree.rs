//! A tree of published files: what is served of it, and how it is opened.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use annuaire_terms::TypeId;
use arc_swap::ArcSwap;

use crate::disk::{make_dir, read_if_there, remove_others, sync_dir, write_whole};
use crate::error::Error;
use crate::limits::TreeLimits;
use crate::lines::stored_name;
use crate::manifest::{Addresses, render};
use crate::published_log::PublishedSalts;
use crate::state::{ChainPage, FORMAT, Next, TreeState};
use crate::stored_file::StoredFile;
use crate::witness::PageWitness;

/// What a tree publishes, and how.
#[derive(Debug, Clone)]
pub struct TreeOptions {
    /// Types of the perimeter, by number, with their names.
    pub types: Vec<(TypeId, &'static str)>,
    /// Time between two updates, as an ISO 8601 duration (PUB-4).
    pub cadence: String,
    /// Limits.
    pub limits: TreeLimits,
}

/// A look-up by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// It is there.
    Here(T),
    /// It was, and was removed.
    Removed,
    /// It never was.
    Never,
}

/// Where a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeStatus {
    /// Last transaction that it tells.
    pub tx: u64,
    /// Instant of that transaction, milliseconds since 1970 UTC.
    pub commit_ms: i64,
    /// Instant at which the last page was made.
    pub made_ms: i64,
    /// Instant at which the current root was made.
    pub root_ms: i64,
    /// Files of the current root, and all that are kept.
    pub files: (usize, usize),
    /// Stored bytes of the files of the current root, and of all that are kept.
    pub bytes: (u64, u64),
    /// Increments that follow the current root.
    pub increments: usize,
}

/// What a test does between the steps of an update.
#[cfg(test)]
type BetweenSteps = Box<dyn FnMut(&'static str) -> Result<(), Error> + Send>;

/// A tree of published files. Readers take its state without waiting; one writer at a time updates it.
///
/// Only one process may open a tree: the one that publishes the store.
pub struct PublishedTree {
    pub(crate) dir: PathBuf,
    pub(crate) options: TreeOptions,
    pub(crate) state: ArcSwap<TreeState>,
    pub(crate) writer: Mutex<()>,
    pub(crate) salts: OnceLock<Arc<PublishedSalts>>,
    /// Called between the steps of an update; an error stands for the end of the process.
    #[cfg(test)]
    pub(crate) steps: Mutex<BetweenSteps>,
}

impl PublishedTree {
    /// Opens the tree of a directory, or makes an empty one. What an update left unfinished is completed or removed by the next one.
    ///
    /// # Errors
    /// When the directory cannot be read or written, or its state is not of this program.
    pub fn open(dir: &Path, options: TreeOptions) -> Result<Self, Error> {
        make_dir(&dir.join("files"))?;
        make_dir(&dir.join("pages"))?;
        let state = read_state(dir)?;
        let tree = Self {
            dir: dir.to_owned(),
            options,
            state: ArcSwap::from_pointee(TreeState::default()),
            writer: Mutex::new(()),
            salts: OnceLock::new(),
            #[cfg(test)]
            steps: Mutex::new(Box::new(|_| Ok(()))),
        };
        tree.state.store(Arc::new(state));
        Ok(tree)
    }

    /// Where the tree of a directory is; `None` while nothing was published there. Another process may update it meanwhile.
    ///
    /// # Errors
    /// When its state cannot be read.
    pub fn peek(dir: &Path) -> Result<Option<TreeStatus>, Error> {
        Ok(status_of(&read_state(dir)?))
    }

    /// Directory of the tree.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The root page; `None` while nothing was published. Cost: some microseconds for each file that it names.
    #[must_use]
    pub fn root(&self, addresses: Addresses<'_>) -> Option<Vec<u8>> {
        let state = self.state.load();
        state.root().map(|root| render(&state, &root.page, &self.options.cadence, addresses))
    }

    /// The page of a name.
    #[must_use]
    pub fn page(&self, name: &str, addresses: Addresses<'_>) -> Found<Vec<u8>> {
        let state = self.state.load();
        match state.pages.get(name) {
            Some(page) => Found::Here(render(&state, page, &self.options.cadence, addresses)),
            None => absent(&state, name),
        }
    }

    /// Whether there is a page of a name.
    pub(crate) fn has_page(&self, name: &str) -> Found<()> {
        let state = self.state.load();
        if state.pages.contains_key(name) { Found::Here(()) } else { absent(&state, name) }
    }

    /// The file of a name `{sha256}.ndjson`.
    #[must_use]
    pub fn file(&self, name: &str) -> Found<StoredFile> {
        let state = self.state.load();
        let Some(sha256) = name.strip_suffix(".ndjson") else { return Found::Never };
        match state.files.get_key_value(sha256) {
            // The path is made of the name that the state knows.
            Some((sha256, file)) => {
                let path = self.dir.join("files").join(stored_name(sha256));
                Found::Here(StoredFile { path, sha256: sha256.clone(), file: file.clone() })
            }
            None => absent(&state, sha256),
        }
    }

    /// Where the tree is; `None` while nothing was published.
    #[must_use]
    pub fn status(&self) -> Option<TreeStatus> {
        status_of(&self.state.load())
    }

    /// Makes the disk say what a state says: its pages as they are linked, and nothing that it does not name. A page is written before
    /// one that leads to it.
    pub(crate) fn complete(&self, state: &TreeState, witness: &mut dyn PageWitness) -> Result<(), Error> {
        let other = |path: &Path, bytes: &[u8]| Ok::<_, Error>(read_if_there(path)?.as_deref() != Some(bytes));
        // A page that is pending leads nowhere; what leads to it comes after it.
        let (last, linked): (Vec<&ChainPage>, Vec<&ChainPage>) =
            state.pages.values().partition(|page| page.next == Next::Pending);
        for page in last.into_iter().chain(linked) {
            if other(&page_path(&self.dir, &page.name), &self.stored_page(state, page))? {
                self.write_page(state, page, witness)?;
            }
        }
        sync_dir(&self.dir.join("pages"))?;
        if let Some(root) = state.root()
            && other(&self.dir.join("root.json"), &self.stored_root(state, &root.page))?
        {
            self.write_root(state, &root.page, witness)?;
        }
        self.sweep(state)
    }

    /// Removes the files and pages that a state does not name.
    pub(crate) fn sweep(&self, state: &TreeState) -> Result<(), Error> {
        remove_others(&self.dir.join("files"), &|name| {
            name.strip_suffix(".ndjson.zst").is_some_and(|sha| state.files.contains_key(sha))
        })?;
        remove_others(&self.dir.join("pages"), &|name| {
            let page = name.strip_suffix(".json").or_else(|| name.strip_suffix(".json.sig"));
            page.is_some_and(|page| state.pages.contains_key(page))
        })
    }

    /// A page as it is stored: its addresses are relative, so that the tree can be copied anywhere (PUB-17).
    pub(crate) fn stored_page(&self, state: &TreeState, page: &ChainPage) -> Vec<u8> {
        render(state, page, &self.options.cadence, Addresses::InPage)
    }

    pub(crate) fn stored_root(&self, state: &TreeState, page: &ChainPage) -> Vec<u8> {
        render(state, page, &self.options.cadence, Addresses::InRoot)
    }

    /// Writes a page, and its signature before it.
    pub(crate) fn write_page(&self, state: &TreeState, page: &ChainPage, witness: &mut dyn PageWitness) -> Result<(), Error> {
        let (path, bytes) = (page_path(&self.dir, &page.name), self.stored_page(state, page));
        write_signed(&path, &page.name, &bytes, witness)
    }

    /// Writes the root page, and its signature before it.
    pub(crate) fn write_root(&self, state: &TreeState, page: &ChainPage, witness: &mut dyn PageWitness) -> Result<(), Error> {
        write_signed(&self.dir.join("root.json"), "root", &self.stored_root(state, page), witness)?;
        sync_dir(&self.dir)
    }

    #[cfg(test)]
    pub(crate) fn step(&self, name: &'static str) -> Result<(), Error> {
        (self.steps.lock().unwrap())(name)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests end the process here")]
    pub(crate) fn step(&self, _: &'static str) -> Result<(), Error> {
        Ok(())
    }
}

fn read_state(dir: &Path) -> Result<TreeState, Error> {
    let path = dir.join("state.json");
    let bad = |reason: String| Error::State { path: path.clone(), reason };
    let state = match read_if_there(&path)? {
        None => TreeState { format: FORMAT, ..TreeState::default() },
        Some(bytes) => serde_json::from_slice::<TreeState>(&bytes).map_err(|e| bad(e.to_string()))?,
    };
    if state.format != FORMAT {
        return Err(bad(format!("format {}, this program writes {FORMAT}", state.format)));
    }
    Ok(state)
}

fn status_of(state: &TreeState) -> Option<TreeStatus> {
    let root = &state.root()?.page;
    let following =
        || state.pages.values().filter(|page| page.chain == root.chain && page.after.is_some_and(|after| after >= root.tx));
    let newest = following().max_by_key(|page| page.tx).unwrap_or(root);
    let of_root = root.items().filter_map(|item| state.files.get(&item.sha256));
    Some(TreeStatus {
        tx: newest.tx,
        commit_ms: newest.commit_ms,
        made_ms: newest.since_ms,
        root_ms: root.since_ms,
        files: (root.items().count(), state.files.len()),
        bytes: (of_root.map(|file| file.size).sum(), state.files.values().map(|file| file.size).sum()),
        increments: following().count(),
    })
}

fn absent<T>(state: &TreeState, name: &str) -> Found<T> {
    if state.removed.iter().any(|removed| removed == name) { Found::Removed } else { Found::Never }
}

fn page_path(dir: &Path, name: &str) -> PathBuf {
    dir.join("pages").join(format!("{name}.json"))
}

fn write_signed(path: &Path, name: &str, bytes: &[u8], witness: &mut dyn PageWitness) -> Result<(), Error> {
    if let Some(signature) = witness.sign(name, bytes).map_err(Error::Witness)? {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".sig");
        write_whole(Path::new(&beside), &signature)?;
    }
    write_whole(path, bytes)
}
