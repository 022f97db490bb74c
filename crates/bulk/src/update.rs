//! An update: a root, an increment, the end of a chain. Each step is atomic, and a process that ends at any step is resumed.
//!
//! | Step | When the process ends after it |
//! |---|---|
//! | files are written | the next update removes them |
//! | the new page is written, with `#pending` | as before |
//! | the state is written: the page belongs to the chain | the next update links its predecessors |
//! | the root page is written | as before |
//! | the predecessors lead to the page, or say `#closed` | the next update removes what is not named any more |
//! | what is not named any more is removed | – |

use std::sync::{Arc, PoisonError};

use annuaire_base::Tx;
use annuaire_index::{Index, RoaringBitmap, Snapshot};

use crate::departures::{Departed, note_departed};
use crate::disk::{sync_dir, write_whole};
use crate::error::Error;
use crate::lines::{LineWriting, NamedFile, write_deletions, write_resources};
use crate::state::{ChainPage, FORMAT, Next, PublishedFile, Root, TreeState};
use crate::tree::PublishedTree;
use crate::witness::{ChainStart, NewPage, PageWitness};

/// What an update did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UpdateReport {
    /// Why a chain was begun.
    pub chain: Option<ChainStart>,
    /// An increment was added.
    pub increment: bool,
    /// A new root joined the chain.
    pub root: bool,
    /// Last transaction that the tree tells.
    pub tx: u64,
}

/// What an update works with.
struct Update<'a> {
    index: &'a Index,
    snapshot: Snapshot,
    /// Last transaction of the perimeter, with its instant: the log may have gone on with what the perimeter does not show.
    last: (Tx, i64),
    now_ms: i64,
    witness: &'a mut dyn PageWitness,
}

/// What changed since a transaction.
struct ChangedSince {
    /// All versions.
    all: RoaringBitmap,
    /// Those that stand, by type.
    standing: Vec<(&'static str, RoaringBitmap)>,
    /// What does not stand any more.
    deleted: Vec<(&'static str, String)>,
    /// Something was withdrawn by law.
    withdrawn: bool,
}

impl PublishedTree {
    /// Brings the tree to the last transaction of a store: a first root, an increment, a new root when increments are many or the last
    /// root is old, or the end of the chain and a new root when the store follows another log, holds another `view` (perimeter, guide and
    /// version of the forms, in words), or something was withdrawn by law since. Files and pages whose grace is over are removed; after a
    /// withdrawal, all that is not of the new root. A store that is behind the tree is waited for.
    ///
    /// Cost: reading and compressing what changed; for a root, the whole store. Memory: some files of lines for each thread.
    ///
    /// # Errors
    /// What stood before stands, and the next update goes on. [`Error::Withdrawn`] asks for that at once.
    pub fn update(&self, index: &Index, view: &str, now_ms: i64, witness: &mut dyn PageWitness) -> Result<UpdateReport, Error> {
        let _one = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let done = self.update_alone(index, view, now_ms, witness);
        if done.is_err() {
            // Room for what stands. The error that is told is the first one.
            let _ = self.sweep(&self.state.load());
        }
        done
    }

    /// Whether something was withdrawn by law since the last page, as far as the store still knows it: an update, which reads all that
    /// changed, then begins a new chain. Cost: one look-up.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn withdrawal_is_pending(&self, index: &Index) -> Result<bool, Error> {
        let state = self.state.load_full();
        Ok(state.root().is_some() && index.snapshot()?.withdrew_since(Tx::new(state.tx))?)
    }

    fn update_alone(&self, index: &Index, view: &str, now_ms: i64, witness: &mut dyn PageWitness) -> Result<UpdateReport, Error> {
        let old = self.state.load_full();
        self.complete(&old, witness)?;
        let log = index.log()?.map_or_else(String::new, |log| log.to_string());
        let snapshot = index.snapshot()?;
        let mut report = UpdateReport { tx: old.tx, ..UpdateReport::default() };
        let Some(last) = snapshot.last_change()? else { return Ok(report) };
        let mut update = Update { index, snapshot, last, now_ms, witness };
        let (begun, other_log, other_view) = (old.root().is_some(), old.log != log, old.view != view);
        report.chain = match () {
            () if !begun => Some(ChainStart::First),
            () if other_log => Some(ChainStart::OtherLog),
            () if other_view => Some(ChainStart::OtherView),
            // A store that is made again from its log comes back to where it was.
            () if last.0.get() < old.tx => return Ok(report),
            () => None,
        };
        let mut state = old;
        if report.chain.is_none() && last.0.get() > state.tx {
            let changes = self.changes(&update.snapshot, Tx::new(state.tx))?;
            if changes.withdrawn {
                report.chain = Some(ChainStart::Withdrawal);
            } else {
                state = self.add_increment(&mut update, &state, &changes)?;
                report.increment = true;
            }
        }
        if report.chain.is_some() {
            let begun = TreeState { log, view: view.to_owned(), ..TreeState::clone(&state) };
            state = self.add_root(&mut update, &begun, report.chain)?;
        } else if self.root_is_due(&state, now_ms) {
            state = self.add_root(&mut update, &state, None)?;
            report.root = true;
        }
        report.tx = state.tx;
        self.forget(&state, now_ms)?;
        Ok(report)
    }

    fn root_is_due(&self, state: &TreeState, now_ms: i64) -> bool {
        let Some(root) = state.root() else { return false };
        let limits = &self.options.limits;
        let old = state.tx > root.page.tx && now_ms - root.page.since_ms >= limits.root_age_ms;
        old || state.lines_since_root * 100 > state.lines(&root.page) * limits.root_share
    }

    /// What the transactions after `after` changed.
    fn changes(&self, snapshot: &Snapshot, after: Tx) -> Result<ChangedSince, Error> {
        let mut changes = ChangedSince { all: RoaringBitmap::new(), standing: Vec::new(), deleted: Vec::new(), withdrawn: false };
        let mut deleted = Departed::new();
        for (number, name) in &self.options.types {
            let rows = snapshot.since(&[*number], after)?;
            let standing = &rows & snapshot.standing(&[*number]);
            changes.withdrawn |= note_departed(snapshot, (*number, *name), &(&rows - &standing), &mut deleted)?;
            changes.standing.push((*name, standing));
            changes.all |= rows;
        }
        changes.deleted = deleted.into_iter().collect();
        Ok(changes)
    }

    /// Adds the page of what changed (PUB-9).
    fn add_increment(&self, update: &mut Update<'_>, old: &TreeState, changes: &ChangedSince) -> Result<Arc<TreeState>, Error> {
        let dir = self.dir.join("files");
        let known = |sha: &str| old.files.get(sha).cloned();
        let writing = LineWriting::whole(self.options.limits.file_bytes, &dir, &known);
        let output = write_resources(update.index, update.snapshot.tx(), &changes.standing, &writing)?;
        let deleted = write_deletions(&changes.deleted, &dir, &known)?;
        self.step("files")?;
        let mut state = old.clone();
        let name = format!("{}-{:x}", update.last.0, update.now_ms);
        let mut page = page(update, name.clone(), old.chain, Some(old.tx));
        (page.output, page.deleted) = (named(&output), named(&deleted));
        page.checkpoint = self.witnessed(update, &page.name, None, Tx::new(old.tx), &changes.all)?;
        add_files(&mut state, output.into_iter().chain(deleted));
        state.lines_since_root += state.lines(&page);
        self.write_page(&state, &page, update.witness)?;
        sync_dir(&self.dir.join("pages"))?;
        self.step("page")?;
        let tails = state.link_tails(&Next::Page(name.clone()), update.now_ms);
        state.tails.push(name.clone());
        state.pages.insert(name, page);
        state.tx = update.last.0.get();
        self.commit(state, &tails, update)
    }

    /// Adds a root, at the last transaction of the chain. With a reason, the chain before it ends and another one begins.
    fn add_root(&self, update: &mut Update<'_>, old: &TreeState, start: Option<ChainStart>) -> Result<Arc<TreeState>, Error> {
        let numbers: Vec<_> = self.options.types.iter().map(|(number, _)| *number).collect();
        let rows: Vec<_> =
            self.options.types.iter().map(|(number, name)| (*name, update.snapshot.standing(&[*number]))).collect();
        let known = |sha: &str| old.files.get(sha).cloned();
        let dir = self.dir.join("files");
        let writing = LineWriting::whole(self.options.limits.file_bytes, &dir, &known);
        let output = write_resources(update.index, update.snapshot.tx(), &rows, &writing)?;
        self.step("files")?;
        let mut state = TreeState { format: FORMAT, ..old.clone() };
        state.chain += u64::from(start.is_some());
        let (after, told) = match start {
            Some(_) => (Tx::NONE, update.snapshot.standing(&numbers)),
            None => (update.last.0, RoaringBitmap::new()),
        };
        let name = format!("root-{}-{:x}", update.last.0, update.now_ms);
        let stub_name = format!("{name}-end");
        let mut root = page(update, name, state.chain, None);
        root.output = named(&output);
        root.checkpoint = self.witnessed(update, &root.name, start, after, &told)?;
        root.next = Next::Page(stub_name.clone());
        let mut stub = page(update, stub_name.clone(), state.chain, None);
        stub.checkpoint.clone_from(&root.checkpoint);
        self.write_page(&state, &stub, update.witness)?;
        sync_dir(&self.dir.join("pages"))?;
        self.step("page")?;
        add_files(&mut state, output);
        let closed = if start.is_some() { state.link_tails(&Next::Closed, update.now_ms) } else { Vec::new() };
        if let Some(before) = state.roots.last_mut() {
            before.replaced_ms = Some(update.now_ms);
        }
        state.tails.push(stub_name.clone());
        state.pages.insert(stub_name, stub);
        (state.tx, state.lines_since_root) = (update.last.0.get(), 0);
        state.roots.push(Root { page: root, replaced_ms: None });
        if start == Some(ChainStart::Withdrawal) {
            // WDR-3: what held the withdrawn content goes at once. The ends of the chain, which say so, stay for whoever polls them.
            let (roots, chain) = (state.roots.len(), state.chain);
            let keep_page = |page: &ChainPage| page.chain == chain || closed.contains(&page.name);
            state.retain_without_files_of(&closed, |at, _| at + 1 == roots, keep_page, self.options.limits.removed_names);
        }
        self.commit(state, &closed, update)
    }

    /// Makes a state the one of the tree: it is durable, then the pages say it, then readers see it.
    fn commit(&self, state: TreeState, changed: &[String], update: &mut Update<'_>) -> Result<Arc<TreeState>, Error> {
        let before = self.state.load();
        let state = self.save(state)?;
        self.step("state")?;
        let names = [&before, &state].map(|state| state.root().map(|root| root.page.name.clone()));
        if names[0] != names[1]
            && let Some(root) = state.root()
        {
            self.write_root(&state, &root.page, update.witness)?;
            self.step("root")?;
        }
        for page in changed.iter().filter_map(|name| state.pages.get(name)) {
            self.write_page(&state, page, update.witness)?;
            self.step("link")?;
        }
        sync_dir(&self.dir.join("pages"))?;
        self.sweep(&state)?;
        Ok(state)
    }

    /// Removes what nobody needs any more (PUB-12).
    fn forget(&self, state: &TreeState, now_ms: i64) -> Result<(), Error> {
        let limits = &self.options.limits;
        let roots = state.roots.len();
        let over = |since: i64| now_ms - since >= limits.grace_ms;
        let root_stays =
            |at: usize, root: &Root| roots - 1 - at < limits.grace_roots || root.replaced_ms.is_none_or(|at| !over(at));
        let oldest = state
            .roots
            .iter()
            .enumerate()
            .find(|(at, root)| root_stays(*at, root))
            .map(|(_, root)| (root.page.chain, root.page.tx));
        let page_stays = |page: &ChainPage| {
            state.tails.contains(&page.name)
                || !over(page.since_ms)
                || oldest.is_none_or(|oldest| (page.chain, page.tx) >= oldest)
        };
        if (0..roots).all(|at| root_stays(at, &state.roots[at])) && state.pages.values().all(page_stays) {
            return Ok(());
        }
        let mut kept = state.clone();
        kept.retain(root_stays, page_stays, limits.removed_names);
        let kept = self.save(kept)?;
        self.step("forgotten")?;
        self.sweep(&kept)
    }

    /// Writes a state. From here on it is the truth, whatever becomes of the pages.
    fn save(&self, state: TreeState) -> Result<Arc<TreeState>, Error> {
        let path = self.dir.join("state.json");
        let bytes = serde_json::to_vec(&state).map_err(|e| Error::State { path: path.clone(), reason: e.to_string() })?;
        write_whole(&path, &bytes)?;
        sync_dir(&self.dir)?;
        let state = Arc::new(state);
        self.state.store(Arc::clone(&state));
        Ok(state)
    }

    fn witnessed(
        &self,
        update: &mut Update<'_>,
        name: &str,
        start: Option<ChainStart>,
        after: Tx,
        rows: &RoaringBitmap,
    ) -> Result<Option<serde_json::Value>, Error> {
        let (tx, commit_ms) = update.last;
        let page = NewPage { name, start, after, tx, commit_ms, snapshot: &update.snapshot, rows, dir: &self.dir };
        update.witness.witness(&page).map_err(Error::Witness)
    }
}

/// A page without files.
fn page(update: &Update<'_>, name: String, chain: u64, after: Option<u64>) -> ChainPage {
    let (tx, commit_ms) = update.last;
    ChainPage {
        name,
        chain,
        after,
        tx: tx.get(),
        commit_ms,
        since_ms: update.now_ms,
        output: Vec::new(),
        deleted: Vec::new(),
        next: Next::Pending,
        checkpoint: None,
    }
}

fn named(files: &[NamedFile]) -> Vec<crate::state::PageItem> {
    files.iter().map(|(item, _)| item.clone()).collect()
}

fn add_files(state: &mut TreeState, files: impl IntoIterator<Item = NamedFile>) {
    state.files.extend(files.into_iter().map(|(item, file): (_, PublishedFile)| (item.sha256, file)));
}

#[cfg(test)]
mod tests;
