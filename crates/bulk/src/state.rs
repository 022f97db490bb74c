//! What a tree knows of itself: its pages, its files, and what was removed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Layout of the state; another one is refused.
pub(crate) const FORMAT: u32 = 1;

/// A file of lines. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFile {
    /// SHA-256 of the bytes as they are stored, in hexadecimal.
    pub encoded_sha256: String,
    /// Bytes as they are stored.
    pub size: u64,
    /// Bytes of its lines.
    pub decoded_size: u64,
    /// Lines.
    pub lines: u64,
}

/// A file that a page names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageItem {
    /// Type of its resources.
    pub ty: String,
    /// SHA-256 of its lines, in hexadecimal: its name.
    pub sha256: String,
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Next {
    /// Nothing yet (PUB-8).
    Pending,
    /// Nothing ever: the chain goes on from the root (PUB-11).
    Closed,
    /// The page of this name.
    Page(String),
}

/// A page of the chain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChainPage {
    pub name: String,
    /// Chain to which it belongs; a reset begins another one.
    pub chain: u64,
    /// Transaction after which its changes begin; `None` for a root and its stub, which tell a state.
    pub after: Option<u64>,
    pub tx: u64,
    /// Instant of that transaction.
    pub commit_ms: i64,
    /// Instant at which it got its present link: until then it was the last of the chain.
    pub since_ms: i64,
    pub output: Vec<PageItem>,
    pub deleted: Vec<PageItem>,
    pub next: Next,
    /// What a witness says of it.
    pub checkpoint: Option<serde_json::Value>,
}

impl ChainPage {
    pub fn items(&self) -> impl Iterator<Item = &PageItem> {
        self.output.iter().chain(&self.deleted)
    }
}

/// A root that stands or stood.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Root {
    pub page: ChainPage,
    /// When another one took its place.
    pub replaced_ms: Option<i64>,
}

/// The state of a tree.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct TreeState {
    pub format: u32,
    /// Identity of the log.
    pub log: String,
    /// Perimeter, guide and version of the forms.
    pub view: String,
    /// Number of the chain that goes on.
    pub chain: u64,
    /// Last transaction that the chain tells.
    pub tx: u64,
    /// Lines of the increments since the last root.
    pub lines_since_root: u64,
    /// Roots, the current one last.
    pub roots: Vec<Root>,
    /// Stubs and increments by name.
    pub pages: BTreeMap<String, ChainPage>,
    /// Names of the pages whose next is the increment to come.
    pub tails: Vec<String>,
    /// Files by the SHA-256 of their lines.
    pub files: BTreeMap<String, PublishedFile>,
    /// Names of removed pages and files, the latest last.
    pub removed: Vec<String>,
}

impl TreeState {
    /// The current root.
    pub fn root(&self) -> Option<&Root> {
        self.roots.last()
    }

    /// Lines of a page.
    pub fn lines(&self, page: &ChainPage) -> u64 {
        page.items().filter_map(|item| self.files.get(&item.sha256)).map(|file| file.lines).sum()
    }

    /// Gives every tail of the chain this successor; their names.
    pub fn link_tails(&mut self, next: &Next, now_ms: i64) -> Vec<String> {
        let tails = std::mem::take(&mut self.tails);
        for name in &tails {
            if let Some(page) = self.pages.get_mut(name) {
                (page.next, page.since_ms) = (next.clone(), now_ms);
            }
        }
        tails
    }

    /// Forgets pages that `keep` does not want, and files that nothing names any more.
    pub fn retain(&mut self, keep_root: impl Fn(usize, &Root) -> bool, keep_page: impl Fn(&ChainPage) -> bool, names: usize) {
        self.retain_without_files_of(&[], keep_root, keep_page, names);
    }

    /// [`retain`](Self::retain), but files that only the pages `emptied` name are forgotten too.
    pub fn retain_without_files_of(
        &mut self,
        emptied: &[String],
        keep_root: impl Fn(usize, &Root) -> bool,
        keep_page: impl Fn(&ChainPage) -> bool,
        names: usize,
    ) {
        let mut at = 0;
        self.roots.retain(|root| {
            at += 1;
            keep_root(at - 1, root)
        });
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.pages).into_iter().partition(|(_, page)| keep_page(page));
        self.pages = kept;
        let full = self.pages.values().filter(|page| !emptied.contains(&page.name));
        let named: BTreeSet<&str> = self
            .roots
            .iter()
            .map(|root| &root.page)
            .chain(full)
            .flat_map(ChainPage::items)
            .map(|item| item.sha256.as_str())
            .collect();
        let lost: Vec<String> = self.files.keys().filter(|sha| !named.contains(sha.as_str())).cloned().collect();
        for sha in &lost {
            self.files.remove(sha);
        }
        self.removed.extend(gone.into_keys());
        self.removed.extend(lost);
        // A file that is made again is there again.
        let (pages, files) = (&self.pages, &self.files);
        self.removed.retain(|name| !pages.contains_key(name) && !files.contains_key(name));
        self.removed.drain(..self.removed.len().saturating_sub(names));
    }
}
