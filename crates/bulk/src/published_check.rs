//! The check of published files against one pinned key, by whoever has a copy of them (TLOG-4). It needs nothing of the publisher.
//!
//! | What is checked | by |
//! |---|---|
//! | the checkpoint | its signature |
//! | nothing was rewritten since the last check | the proof of consistency, made from the tiles, with the checkpoint that was remembered |
//! | each page | its signature, which covers its content, its name, and the leaves at which it begins and ends |
//! | no page is missing, or in another place | each begins with the leaf at which the one before it ends; the last ends where the log does |
//! | each file | its name, the SHA-256 of its lines |
//! | each line | its leaf, made with its salt, is among the leaves of its page, whose tree has the root that the page says |
//!
//! Lines of a type stand in files in the order of the log, and so do the leaves: both are read side by side, once. Memory: the leaves of one
//! file for each type. Deletions are covered by the signature of their page; their leaves are not looked for.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use annuaire_base::text::hex;
use annuaire_proof::{
    Checkpoint, Hash, LogEntry, Merkle, PageStatement, SaltLine, SignedNote, Tile, TileSource, TiledTree, VerifierKey,
    commitment, page_digest, proves_consistency, root_to_base64,
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::lines::stored_name;
use crate::published_log::{LineHead, PageCheckpoint, line_hash};

/// Bytes of a page, a note, a sidecar and the lines of a file at most.
const PART_BYTES: u64 = 256 << 20;
/// Pages of a chain at most.
const PAGES: usize = 100_000;

/// A part of published files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreePart<'a> {
    /// The root page.
    Root,
    /// Its signature.
    RootSignature,
    /// The page of a name.
    Page(&'a str),
    /// Its signature.
    PageSignature(&'a str),
    /// The lines of the file of a digest, decompressed.
    Lines(&'a str),
    /// The salts of that file.
    Salts(&'a str),
    /// The checkpoint.
    Checkpoint,
    /// The public keys, which a client compares with the one that it has pinned.
    Key,
    /// A tile.
    Tile(Tile),
}

/// A copy of published files: a directory, a server.
pub trait CopiedTree {
    /// The bytes of a part, at most `most`; `None` when it is not there.
    ///
    /// # Errors
    /// As the copy has them. More bytes are one.
    fn part(&mut self, part: TreePart<'_>, most: u64) -> io::Result<Option<Vec<u8>>>;
}

/// What is wrong with published files, and where.
#[derive(Debug, thiserror::Error)]
pub enum PublishedFault {
    /// The copy cannot be read.
    #[error("{part}: {cause}")]
    Unreadable {
        /// What was read.
        part: String,
        /// Why not.
        cause: io::Error,
    },
    /// A part that others need is not there.
    #[error("{part} is missing")]
    Missing {
        /// Its name.
        part: String,
    },
    /// A part is not what was signed.
    #[error("{part} was changed, or is not of this log: {reason}")]
    Changed {
        /// Its name.
        part: String,
        /// What says so.
        reason: String,
    },
    /// Pages do not follow one another.
    #[error(
        "{page} begins after leaf {found} of the log, the page before it ends at {expected}: a page between them was removed, or pages were exchanged"
    )]
    Order {
        /// The page.
        page: String,
        /// Where it begins.
        found: u64,
        /// Where it should begin.
        expected: u64,
    },
    /// The pages end elsewhere than the log.
    #[error("the checkpoint tells {size} leaves, the last page ({page}) ends at {end}: {}", end_advice(*size, *end))]
    End {
        /// Leaves of the log.
        size: u64,
        /// Last page.
        page: String,
        /// Its end.
        end: u64,
    },
    /// The log is not the continuation of what was checked before.
    #[error("the log does not go on from the checkpoint of {old} leaves that was checked before: {reason}")]
    Rewritten {
        /// Leaves that were checked.
        old: u64,
        /// What says so.
        reason: String,
    },
    /// A line that the log does not have.
    #[error("a line of files/{file}.ndjson is not in the log where its page says: the file, its salts or the tiles were changed")]
    Line {
        /// The file.
        file: String,
    },
}

fn end_advice(size: u64, end: u64) -> &'static str {
    if size > end { "a page was removed" } else { "the copy of the checkpoint is older than that of the pages" }
}

/// What was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Leaves of the log.
    pub leaves: u64,
    /// Pages of the chain.
    pub pages: u64,
    /// Files.
    pub files: u64,
    /// Lines of which the leaf was found.
    pub lines: u64,
    /// Lines of which the leaf could not be made, because their salt is not there: they are covered by the signature of their page alone.
    pub lines_without_salt: u64,
    /// The checkpoint as it was signed, to be remembered for the next check.
    pub checkpoint: String,
}

/// A page that was checked.
struct CheckedPage {
    /// As messages name it.
    part: String,
    said: PageStatement,
    /// Files with their types, in the order of the page.
    output: Vec<(String, String)>,
    next: Option<String>,
    is_root: bool,
}

/// Checks published files: those of the root and of the chain that follows it. `remembered` is the checkpoint of the last check, as
/// [`CheckReport::checkpoint`] gave it.
///
/// Cost: reading all files, and as many hashes as leaves and lines.
///
/// # Errors
/// The first fault that is found.
pub fn check_published(
    copy: &mut dyn CopiedTree,
    keys: &[VerifierKey],
    remembered: Option<&str>,
) -> Result<CheckReport, PublishedFault> {
    let note = required(copy, TreePart::Checkpoint)?;
    let checkpoint = checkpoint_of(&note, keys).map_err(|reason| changed("checkpoint", reason))?;
    if let Some(remembered) = remembered {
        check_goes_on(copy, &checkpoint, remembered, keys)?;
    }
    let mut report = CheckReport {
        leaves: checkpoint.size,
        checkpoint: String::from_utf8_lossy(&note).into_owned(),
        ..CheckReport::default()
    };
    let mut leaves =
        Leaves { tree: TiledTree::new(CopiedTiles(copy), checkpoint.size), merkle: Merkle::default(), ahead: VecDeque::new() };
    let mut page = checked_page(leaves.copy(), TreePart::Root, keys, &checkpoint)?;
    loop {
        report.pages += 1;
        check_lines(&mut leaves, &page, &mut report)?;
        let Some(name) = page.next.clone() else { break };
        if report.pages as usize >= PAGES {
            return Err(changed(&page.part, format!("more than {PAGES} pages follow one another")));
        }
        let next = checked_page(leaves.copy(), TreePart::Page(&name), keys, &checkpoint)?;
        // The stub of a root says what the root says.
        let is_stub =
            page.is_root && next.said.before == page.said.before && next.said.size == page.said.size && next.output.is_empty();
        if !is_stub && next.said.before != page.said.size {
            return Err(PublishedFault::Order { page: next.part, found: next.said.before, expected: page.said.size });
        }
        page = next;
    }
    if page.said.size != checkpoint.size {
        return Err(PublishedFault::End { size: checkpoint.size, page: page.part, end: page.said.size });
    }
    Ok(report)
}

fn changed(part: &str, reason: impl Into<String>) -> PublishedFault {
    PublishedFault::Changed { part: part.to_owned(), reason: reason.into() }
}

fn name_of(part: TreePart<'_>) -> String {
    match part {
        TreePart::Root => "root.json".to_owned(),
        TreePart::RootSignature => "root.json.sig".to_owned(),
        TreePart::Page(name) => format!("pages/{name}.json"),
        TreePart::PageSignature(name) => format!("pages/{name}.json.sig"),
        TreePart::Lines(sha256) => format!("files/{sha256}.ndjson"),
        TreePart::Salts(sha256) => format!("files/{sha256}.salts"),
        TreePart::Checkpoint => "checkpoint".to_owned(),
        TreePart::Key => "key".to_owned(),
        TreePart::Tile(tile) => tile.to_string(),
    }
}

fn read(copy: &mut dyn CopiedTree, part: TreePart<'_>) -> Result<Option<Vec<u8>>, PublishedFault> {
    copy.part(part, PART_BYTES).map_err(|cause| PublishedFault::Unreadable { part: name_of(part), cause })
}

fn required(copy: &mut dyn CopiedTree, part: TreePart<'_>) -> Result<Vec<u8>, PublishedFault> {
    read(copy, part)?.ok_or_else(|| PublishedFault::Missing { part: name_of(part) })
}

fn checkpoint_of(note: &[u8], keys: &[VerifierKey]) -> Result<Checkpoint, String> {
    let note = SignedNote::parse(note).map_err(|e| e.to_string())?;
    let (text, _) = note.verify(keys).map_err(|e| e.to_string())?;
    Checkpoint::parse(text).map_err(|e| e.to_string())
}

/// The proof that nothing that was checked before was rewritten.
fn check_goes_on(
    copy: &mut dyn CopiedTree,
    new: &Checkpoint,
    remembered: &str,
    keys: &[VerifierKey],
) -> Result<(), PublishedFault> {
    let old = checkpoint_of(remembered.as_bytes(), keys).map_err(|reason| changed("the remembered checkpoint", reason))?;
    let rewritten = |reason: String| PublishedFault::Rewritten { old: old.size, reason };
    if old.origin() != new.origin() {
        let reason = format!(
            "it is another log ({}, was {}); its publisher says why, and its key is the pinned one",
            new.origin(),
            old.origin()
        );
        return Err(rewritten(reason));
    }
    if old.size > new.size {
        return Err(rewritten(format!("it has {} leaves", new.size)));
    }
    let path = TiledTree::new(CopiedTiles(copy), new.size).consistency(old.size).map_err(|e| changed("tile", e.to_string()))?;
    match proves_consistency(old.size, &old.root, new.size, &new.root, &path) {
        true => Ok(()),
        false => Err(rewritten("the tiles do not prove it: leaves were changed, or a tile".to_owned())),
    }
}

/// A page as far as it is read here.
#[derive(Deserialize)]
struct PageContent {
    #[serde(default)]
    output: Vec<PageFile>,
    #[serde(default)]
    deleted: Vec<PageFile>,
    #[serde(default)]
    link: Vec<PageLink>,
}

#[derive(Deserialize)]
struct PageFile {
    #[serde(rename = "type")]
    ty: String,
    url: String,
}

#[derive(Deserialize)]
struct PageLink {
    relation: String,
    url: String,
}

/// The last segment of an address, without this end.
fn last_segment(url: &str, end: &str) -> Option<String> {
    let name = url.rsplit('/').next().unwrap_or(url);
    let name = name.strip_suffix(end).unwrap_or(name);
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then(|| name.to_owned())
}

/// What the addresses of the files of a page begin with, up to the root of the files.
pub(crate) fn base_of(page: &Value) -> String {
    let items = ["output", "deleted"].into_iter().filter_map(|part| page[part].as_array()).flatten();
    let url = items.filter_map(|item| item["url"].as_str()).next().unwrap_or_default();
    url.rfind("files/").map_or_else(String::new, |at| url[..at].to_owned())
}

fn checked_page(
    copy: &mut dyn CopiedTree,
    which: TreePart<'_>,
    keys: &[VerifierKey],
    checkpoint: &Checkpoint,
) -> Result<CheckedPage, PublishedFault> {
    let part = name_of(which);
    let (signature, name) = match which {
        TreePart::Page(name) => (TreePart::PageSignature(name), name),
        _ => (TreePart::RootSignature, "root"),
    };
    let bytes = required(copy, which)?;
    let note = required(copy, signature)?;
    let bad = |reason: String| changed(&part, reason);
    let note = SignedNote::parse(&note).map_err(|e| changed(&name_of(signature), e.to_string()))?;
    let (text, _) = note.verify(keys).map_err(|e| changed(&name_of(signature), e.to_string()))?;
    let said = PageStatement::parse(text).map_err(|e| changed(&name_of(signature), e.to_string()))?;
    if said.name != name {
        return Err(bad(format!("its signature is that of the page {}", said.name)));
    }
    if said.origin != checkpoint.origin() {
        return Err(bad(format!("it belongs to the log {}, the checkpoint to {}", said.origin, checkpoint.origin())));
    }
    let page: Value = serde_json::from_slice(&bytes).map_err(|e| bad(format!("it is no JSON ({e})")))?;
    if page_digest(&page, &base_of(&page)) != said.digest {
        return Err(bad("its content is not the one that was signed".to_owned()));
    }
    // What the extension says is covered by the digest, so a difference is the publisher's.
    let extension = PageCheckpoint::of(&page).ok_or_else(|| bad("it has no checkpoint".to_owned()))?;
    if (extension.before, extension.size, extension.root) != (said.before, said.size, said.root) {
        return Err(bad("its checkpoint is not the signed one".to_owned()));
    }
    if said.before > said.size || said.size > checkpoint.size {
        return Err(PublishedFault::End { size: checkpoint.size, page: part, end: said.size });
    }
    let content: PageContent = serde_json::from_value(page).map_err(|e| bad(format!("it is no page ({e})")))?;
    let file = |file: &PageFile| {
        let sha256 = last_segment(&file.url, ".ndjson").filter(|sha| sha.len() == 64);
        sha256.map(|sha| (file.ty.clone(), sha)).ok_or_else(|| bad(format!("the address {:?} is none of a file", file.url)))
    };
    let output = content.output.iter().map(file).collect::<Result<_, _>>()?;
    // Deletions have no leaves to look for; their files must be what the page says.
    for (_, sha256) in content.deleted.iter().map(file).collect::<Result<Vec<_>, _>>()? {
        checked_lines(copy, &sha256)?;
    }
    let url = content.link.iter().find(|link| link.relation == "next").map(|link| link.url.as_str());
    let next = match url {
        None => None,
        Some(url) if url.ends_with("#pending") || url.ends_with("#closed") => None,
        Some(url) => Some(last_segment(url, ".json").ok_or_else(|| bad(format!("the address {url:?} is none of a page")))?),
    };
    Ok(CheckedPage { part, said, output, next, is_root: which == TreePart::Root })
}

/// The lines of a file, which are those of its name.
fn checked_lines(copy: &mut dyn CopiedTree, sha256: &str) -> Result<Vec<u8>, PublishedFault> {
    let part = TreePart::Lines(sha256);
    // What cannot be decompressed is damaged.
    let lines = match read(copy, part) {
        Err(PublishedFault::Unreadable { cause, .. }) if cause.kind() != io::ErrorKind::PermissionDenied => {
            return Err(changed(&name_of(part), cause.to_string()));
        }
        read => read?.ok_or_else(|| PublishedFault::Missing { part: name_of(part) })?,
    };
    if hex(&Sha256::digest(&lines)) != sha256 {
        return Err(changed(&name_of(part), "its lines have not the digest that is its name"));
    }
    Ok(lines)
}

/// The leaves of a copy, read once from the first to the last.
struct Leaves<'a> {
    tree: TiledTree<CopiedTiles<'a>>,
    merkle: Merkle,
    ahead: VecDeque<Hash>,
}

struct CopiedTiles<'a>(&'a mut dyn CopiedTree);

impl TileSource for CopiedTiles<'_> {
    type Error = io::Error;

    fn tile(&mut self, tile: Tile) -> io::Result<Vec<u8>> {
        let most = u64::try_from(tile.full().bytes()).unwrap_or(u64::MAX);
        let found = match self.0.part(TreePart::Tile(tile), most)? {
            None if !tile.is_full() => self.0.part(TreePart::Tile(tile.full()), most)?,
            found => found,
        };
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl<'a> Leaves<'a> {
    fn copy(&mut self) -> &mut (dyn CopiedTree + 'a) {
        self.tree.source().0
    }

    fn next(&mut self) -> Result<Hash, PublishedFault> {
        if self.ahead.is_empty() {
            let leaves = self.tree.leaves(self.merkle.leaves()).map_err(|e| changed("tile", e.to_string()))?;
            self.ahead.extend(leaves);
        }
        let leaf = self.ahead.pop_front().ok_or_else(|| changed("tile", "it has no more leaves"))?;
        self.merkle.push(leaf);
        Ok(leaf)
    }
}

/// Reads the leaves of a page beside its lines.
fn check_lines(leaves: &mut Leaves<'_>, page: &CheckedPage, report: &mut CheckReport) -> Result<(), PublishedFault> {
    let mut types: BTreeMap<&str, LinesOfType> = BTreeMap::new();
    for (ty, sha256) in &page.output {
        types.entry(ty).or_default().files.push_back(sha256.clone());
    }
    let mut heads: BTreeMap<Hash, &str> = BTreeMap::new();
    for (ty, lines) in &mut types {
        if let Some(head) = lines.next(leaves.copy(), report)? {
            heads.insert(head, ty);
        }
    }
    while leaves.merkle.leaves() < page.said.size {
        let leaf = leaves.next()?;
        if let Some(ty) = heads.remove(&leaf) {
            report.lines += 1;
            let Some(lines) = types.get_mut(ty) else { continue };
            if let Some(head) = lines.next(leaves.copy(), report)? {
                heads.insert(head, ty);
            }
        }
    }
    if leaves.merkle.root() != page.said.root {
        let reason = format!("the leaves up to {} have not the root {}", page.said.size, root_to_base64(&page.said.root));
        return Err(changed("tile", reason));
    }
    match heads.into_values().next().and_then(|ty| types.get(ty)) {
        Some(lines) => Err(PublishedFault::Line { file: lines.current.clone() }),
        None => Ok(()),
    }
}

/// The leaves of the lines of one type, in the order of its files.
#[derive(Default)]
struct LinesOfType {
    files: VecDeque<String>,
    current: String,
    leaves: VecDeque<Hash>,
}

impl LinesOfType {
    fn next(&mut self, copy: &mut dyn CopiedTree, report: &mut CheckReport) -> Result<Option<Hash>, PublishedFault> {
        while self.leaves.is_empty() {
            let Some(sha256) = self.files.pop_front() else { return Ok(None) };
            report.files += 1;
            let lines = checked_lines(copy, &sha256)?;
            let salts = read(copy, TreePart::Salts(&sha256))?;
            self.leaves = leaves_of(&lines, salts.as_deref(), report)
                .map_err(|reason| changed(&name_of(TreePart::Salts(&sha256)), reason))?;
            self.current = sha256;
        }
        Ok(self.leaves.pop_front())
    }
}

fn leaves_of(lines: &[u8], salts: Option<&[u8]>, report: &mut CheckReport) -> Result<VecDeque<Hash>, String> {
    let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let Some(salts) = salts else {
        report.lines_without_salt += lines.len() as u64;
        return Ok(VecDeque::new());
    };
    let salts: Vec<&str> = str::from_utf8(salts).map_err(|e| e.to_string())?.lines().collect();
    if salts.len() != lines.len() {
        return Err(format!("it has {} lines, its file {}", salts.len(), lines.len()));
    }
    let mut leaves = VecDeque::with_capacity(lines.len());
    for (n, (line, salt)) in lines.iter().zip(salts).enumerate() {
        let at = |e: String| format!("line {}: {e}", n + 1);
        let SaltLine { tx, commit_ms, op, salt } = SaltLine::parse(salt).map_err(|e| at(e.to_string()))?;
        let Some(salt) = salt else {
            report.lines_without_salt += 1;
            continue;
        };
        let head: LineHead =
            serde_json::from_slice(line).map_err(|e| at(format!("the line of the file is no resource ({e})")))?;
        let version = head.meta.version.parse().map_err(|_| at("the version of the resource is no number".to_owned()))?;
        let commitment = commitment(&salt, &head.id, version, &line_hash(line));
        leaves.push_back(LogEntry { tx, commit_ms, resource_type: &head.resource_type, op, commitment }.leaf());
    }
    Ok(leaves)
}

/// Published files in a directory: the tree of a publisher, or a copy of it.
#[derive(Debug, Clone)]
pub struct TreeDirectory(pub PathBuf);

impl CopiedTree for TreeDirectory {
    fn part(&mut self, part: TreePart<'_>, most: u64) -> io::Result<Option<Vec<u8>>> {
        let name = match part {
            TreePart::Lines(sha256) => format!("files/{}", stored_name(sha256)),
            part => name_of(part),
        };
        let file = match fs::File::open(self.0.join(name)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        match part {
            TreePart::Lines(_) => zstd::stream::read::Decoder::new(file)?.take(most + 1).read_to_end(&mut bytes)?,
            _ => file.take(most + 1).read_to_end(&mut bytes)?,
        };
        if bytes.len() as u64 > most {
            return Err(io::Error::other(format!("more than {most} bytes")));
        }
        Ok(Some(bytes))
    }
}
