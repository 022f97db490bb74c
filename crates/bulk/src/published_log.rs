//! The verifiable log beside a tree of published files (interop §11.3): leaves for the versions that the pages tell, tiles, checkpoint, and
//! the signatures of pages.
//!
//! ```text
//! beside the tree, served:   checkpoint, key (the public ones), tile/…, root.json.sig, pages/<name>.json.sig
//! private, never served:     log.key (secret keys), log.salts (from which salts follow), log.json (what the log knows of itself)
//! ```
//!
//! It is primary data: leaves cannot be made again from the registry, because the forms of the program change between releases. The rules:
//!
//! - Leaves of a page are appended after the last *published* leaf, and their tiles are durable, before the page is. `log.json` names
//!   them as pending. They are published when the page is in the tree. A page that never got there takes its leaves with it: no checkpoint
//!   was signed over them, so the next page may write over them.
//! - A salt is destroyed, and the state of salts is durable, before a leaf of the withdrawal is made.
//! - A log that was lost is never continued from an older copy, because two trees of one name would contradict each other. It begins again
//!   under another name (origin), with the key that clients have pinned.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use annuaire_base::Tx;
use annuaire_base::text::hex;
use annuaire_index::{RoaringBitmap, Row, Snapshot, Tombstone, Version};
use annuaire_proof::{
    Checkpoint, EntryOp, Hash, KeyError, LogEntry, NoteError, PageStatement, ResourceSalts, SaltLine, SaltState, SaltStateError,
    Secret, SignedNote, SignerKey, Tile, TileAppender, TileSource, TreeError, VerifierKey, commitment, page_digest,
    root_of_base64, root_to_base64,
};
use annuaire_terms::TypeId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::disk::{read_if_there, sync_dir, write_private, write_whole};
use crate::error::Error;
use crate::witness::{ChainStart, NewPage, PageWitness, WitnessError};

/// Where a log is.
#[derive(Debug, Clone)]
pub struct LogDirectories {
    /// Directory of the tree of files: served.
    pub tree: PathBuf,
    /// Directory of the secrets and of what the log knows of itself: its owner alone may read it.
    pub private: PathBuf,
}

impl LogDirectories {
    fn salts(&self) -> PathBuf {
        self.private.join("log.salts")
    }

    fn state(&self) -> PathBuf {
        self.private.join("log.json")
    }

    fn checkpoint(&self) -> PathBuf {
        self.tree.join("checkpoint")
    }
}

/// Why a log cannot go on. What was published stands; no page is published without its proof.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Disk(#[from] Error),
    /// The store cannot be read.
    #[error("reading the publication store: {0}")]
    Index(#[from] annuaire_index::Error),
    /// The key cannot be read.
    #[error("{}: {reason}. Take the file from a backup; a new key must be pinned by every client", path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// Why.
        reason: KeyError,
    },
    /// The salts cannot be read.
    #[error("{}: {reason}", path.display())]
    Salts {
        /// Their file.
        path: PathBuf,
        /// Why.
        reason: SaltStateError,
    },
    /// The tiles do not have the root that was published.
    #[error(
        "{}: {reason}. Take the tiles from a copy (clients have them); or remove log.json, and another log begins under the same key",
        path.display()
    )]
    Tiles {
        /// Their directory.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What the log knows of itself cannot be read.
    #[error("{}: not what this program wrote ({reason}); remove it, and another log begins under the same key", path.display())]
    State {
        /// Its file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A note cannot be signed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A page has no checkpoint, or one of another shape.
    #[error("the page {page} has no checkpoint that can be signed")]
    Page {
        /// Its name.
        page: String,
    },
    /// A resource of a type that the perimeter does not have.
    #[error("a version of a type that is not published")]
    Type,
}

/// What the log knows of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct LogState {
    /// Its name: that of the key, and random digits.
    origin: String,
    /// What the checkpoint says.
    published: LogEnd,
    /// What it will say when the page is in the tree.
    pending: Option<PendingPage>,
}

/// An end of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LogEnd {
    size: u64,
    /// Root in base64; empty for a log without leaves.
    root: String,
    /// Last transaction of which versions are in it.
    tx: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct PendingPage {
    page: String,
    end: LogEnd,
}

/// Random bytes of whoever runs the program.
type RandomBytes = Box<dyn FnMut(&mut [u8; 32]) + Send>;

/// A log that goes on with each page: the witness of a [`crate::PublishedTree`]. One at a time for a tree.
///
/// Cost of a page: for each version some 7 µs, and a tile for 256 of them; for its end at most eight partial tiles. Memory: those tiles.
pub struct PublishedLog {
    directories: LogDirectories,
    keys: Vec<SignerKey>,
    salts: Arc<PublishedSalts>,
    state: LogState,
    random: RandomBytes,
    /// Salts were destroyed, and the file does not say so yet.
    unsaved: bool,
}

/// The salts of what is published, for whoever serves them beside the files. Readers wait for the destruction of a salt at most.
pub struct PublishedSalts {
    types: Vec<(TypeId, &'static str)>,
    state: RwLock<SaltState>,
}

impl PublishedSalts {
    /// The line of the sidecar for a line of a published file (TLOG-1b): what its leaf was made with. Without a salt when the store does
    /// not keep the version any more.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn line(&self, snapshot: &Snapshot, ty: TypeId, id: &str, number: u32) -> Result<SaltLine, annuaire_index::Error> {
        let version = snapshot.version(ty, id, number)?.filter(|version| version.tombstone.is_none());
        let tx = version.as_ref().map_or(Tx::NONE, |version| version.tx);
        let commit_ms = if tx == Tx::NONE { 0 } else { snapshot.commit_ms_of(tx)? };
        let salt = version.and_then(|_| self.of(&self.name_of(ty, id)?).salt(u64::from(number)));
        Ok(SaltLine { tx, commit_ms, op: operation(number, false), salt })
    }

    /// The sidecar of a file: a line for each of its lines, in their order.
    ///
    /// # Errors
    /// When the store cannot be read, or a line of the file is no resource of a published type.
    pub fn sidecar(&self, snapshot: &Snapshot, lines: &[u8]) -> Result<String, LogError> {
        let mut salts = String::new();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let head: LineHead = serde_json::from_slice(line).map_err(|_| LogError::Type)?;
            let ty = self.types.iter().find(|(_, name)| *name == head.resource_type).map(|(ty, _)| *ty);
            let number = head.meta.version.parse().map_err(|_| LogError::Type)?;
            let line = self.line(snapshot, ty.ok_or(LogError::Type)?, &head.id, number)?;
            salts.push_str(&line.to_string());
            salts.push('\n');
        }
        Ok(salts)
    }

    fn of(&self, name: &str) -> ResourceSalts {
        self.state.read().unwrap_or_else(PoisonError::into_inner).of(name)
    }

    fn name_of(&self, ty: TypeId, id: &str) -> Option<String> {
        self.types.iter().find(|(number, _)| *number == ty).map(|(_, name)| format!("{name}/{id}"))
    }
}

/// What a line of a file says of itself.
#[derive(Deserialize)]
pub(crate) struct LineHead {
    #[serde(rename = "resourceType")]
    pub resource_type: String,
    pub id: String,
    pub meta: LineMeta,
}

#[derive(Deserialize)]
pub(crate) struct LineMeta {
    #[serde(rename = "versionId")]
    pub version: String,
}

/// Tiles of a directory.
struct TileDirectory<'a>(&'a Path);

impl TileSource for TileDirectory<'_> {
    type Error = io::Error;

    fn tile(&mut self, tile: Tile) -> io::Result<Vec<u8>> {
        match fs::read(self.0.join(tile.to_string())) {
            // Tiles are written in place of narrower ones.
            Err(e) if e.kind() == io::ErrorKind::NotFound && !tile.is_full() => fs::read(self.0.join(tile.full().to_string())),
            read => read,
        }
    }
}

impl PublishedLog {
    /// Opens the log of a tree, or begins one: its key is then made with the name `key_name`, and its salts.
    ///
    /// # Errors
    /// A file that cannot be read, written or understood; tiles that are not those of the checkpoint.
    pub fn open(
        directories: LogDirectories,
        key_name: &str,
        types: Vec<(TypeId, &'static str)>,
        mut random: RandomBytes,
    ) -> Result<Self, LogError> {
        let keys = read_or_make_keys(&directories.private, key_name, &mut random)?;
        let salts = read_salts(&directories, &mut random)?;
        // Who removed the whole tree begins again.
        let is_there = directories.checkpoint().exists() || directories.tree.join("tile").exists();
        let state = match read_if_there(&directories.state())?.filter(|_| is_there) {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| LogError::State { path: directories.state(), reason: e.to_string() })?,
            None => LogState { origin: new_origin(&keys, &mut random), published: LogEnd::default(), pending: None },
        };
        let salts = Arc::new(PublishedSalts { types, state: RwLock::new(salts) });
        let log = Self { directories, keys, salts, state, random, unsaved: false };
        log.compare_with_checkpoint()?;
        log.resume()?;
        log.save()?;
        log.write_checkpoint()?;
        let text: String = log.verifiers().map(|key| format!("{key}\n")).collect();
        write_whole(&log.directories.tree.join("key"), text.as_bytes())?;
        Ok(log)
    }

    /// The salts, for whoever serves them.
    #[must_use]
    pub fn salts(&self) -> Arc<PublishedSalts> {
        Arc::clone(&self.salts)
    }

    /// Its name. It belongs to the `view` of [`crate::PublishedTree::update`]: a log that begins must begin with all that stands.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.state.origin
    }

    /// The keys that sign, for clients to pin.
    pub fn verifiers(&self) -> impl Iterator<Item = &VerifierKey> {
        self.keys.iter().map(SignerKey::verifier)
    }

    /// Publishes the leaves of the last page, if it got into the tree. To be called after each update of the tree; the next page does it
    /// too.
    ///
    /// # Errors
    /// A file that cannot be written; the next call does it again.
    pub fn settle(&mut self) -> Result<(), LogError> {
        let Some(pending) = self.state.pending.take() else { return self.write_checkpoint() };
        let pages = self.directories.tree.join("pages");
        // The stub stands for a root, which has no name of its own on disk.
        let is_named =
            [format!("{}.json", pending.page), format!("{}-end.json", pending.page)].iter().any(|name| pages.join(name).exists());
        if is_named {
            self.state.published = pending.end;
        }
        self.save()?;
        self.write_checkpoint()
    }

    /// What the log knows of itself must not contradict what it signed.
    fn compare_with_checkpoint(&self) -> Result<(), LogError> {
        let bad = |reason: &str| LogError::State { path: self.directories.state(), reason: reason.to_owned() };
        let is_new = self.state.published == LogEnd::default() && self.state.pending.is_none();
        let Some(bytes) = read_if_there(&self.directories.checkpoint())?.filter(|_| !is_new) else { return Ok(()) };
        let ours: Vec<_> = self.verifiers().cloned().collect();
        let Ok(note) = SignedNote::parse(&bytes) else { return Ok(()) };
        let Some(signed) = note.verify(&ours).ok().and_then(|(text, _)| Checkpoint::parse(text).ok()) else { return Ok(()) };
        if signed.origin() != self.state.origin {
            return Err(bad("its log is not that of the signed checkpoint"));
        }
        if signed.size > self.state.published.size {
            return Err(bad("it is older than the signed checkpoint"));
        }
        Ok(())
    }

    /// The tree that was published, checked.
    fn resume(&self) -> Result<TileAppender, LogError> {
        let tree = &self.directories.tree;
        let told = |reason: String| LogError::Tiles { path: tree.join("tile"), reason };
        let LogEnd { size, root, .. } = &self.state.published;
        let appender =
            TileAppender::resume(*size, &mut TileDirectory(tree)).map_err(|e: TreeError<io::Error>| told(e.to_string()))?;
        if *size > 0 && root_to_base64(&appender.root()) != *root {
            return Err(told(format!("the tiles of {size} leaves have not the root that was published: one was changed")));
        }
        Ok(appender)
    }

    fn save(&self) -> Result<(), LogError> {
        Ok(write_private(&self.directories.state(), &serde_json::to_vec(&self.state).unwrap_or_default())?)
    }

    /// Signs what is published, unless the checkpoint says it already with these keys; then the cosignatures that it got are kept.
    fn write_checkpoint(&self) -> Result<(), LogError> {
        let LogEnd { size, root, .. } = &self.state.published;
        let root = if *size == 0 { TileAppender::default().root() } else { root_of_base64(root).unwrap_or_default() };
        let checkpoint = Checkpoint::new(&self.state.origin, *size, root)
            .map_err(|e| LogError::State { path: self.directories.state(), reason: e.to_string() })?;
        let path = self.directories.checkpoint();
        let written = read_if_there(&path)?.and_then(|bytes| SignedNote::parse(&bytes).ok());
        let mut note = self.signed(&checkpoint.to_string())?;
        if let Some(written) = written.filter(|written| written.unverified_text() == note.unverified_text()) {
            let ours: Vec<_> = self.verifiers().cloned().collect();
            if written.verify(&ours).is_ok_and(|(_, found)| found.len() == ours.len()) {
                return Ok(());
            }
            // A new key signs beside what is there.
            note.add_signatures_of(&written)?;
        }
        write_whole(&path, note.to_string().as_bytes())?;
        Ok(sync_dir(&self.directories.tree)?)
    }

    fn signed(&self, text: &str) -> Result<SignedNote, LogError> {
        Ok(SignedNote::sign(text, &self.keys.iter().collect::<Vec<_>>())?)
    }

    /// Destroys the salts of what was withdrawn by law among rows. Whoever holds a copy of a file keeps its salts, as it keeps its content.
    fn destroy(&mut self, snapshot: &Snapshot, rows: &RoaringBitmap) -> Result<(), LogError> {
        let (mut reader, mut version) = (snapshot.reader(), Version::default());
        let mut names = BTreeSet::new();
        for row in rows {
            reader.read(Row::new(row), &mut version)?;
            if version.tombstone == Some(Tombstone::WithdrawnByLaw) {
                names.insert((version.ty, version.id().to_owned()));
            }
        }
        for (ty, id) in names {
            // The last withdrawal: what came back since is newer.
            for row in snapshot.history(ty, &id)? {
                reader.read(row, &mut version)?;
                if version.tombstone == Some(Tombstone::WithdrawnByLaw) {
                    let name = self.salts.name_of(ty, &id).ok_or(LogError::Type)?;
                    let event = event(&self.state.origin, &name, version.number, snapshot.commit_ms_of(version.tx)?);
                    let mut fresh = [0; 32];
                    (self.random)(&mut fresh);
                    let mut salts = self.salts.state.write().unwrap_or_else(PoisonError::into_inner);
                    self.unsaved |= salts.destroy(&name, event, Secret::take(&mut fresh));
                    break;
                }
            }
        }
        if self.unsaved {
            write_salts(&self.directories, &self.salts.state.read().unwrap_or_else(PoisonError::into_inner))?;
            self.unsaved = false;
        }
        Ok(())
    }

    fn append(&mut self, page: &NewPage<'_>) -> Result<Value, LogError> {
        self.settle()?;
        let numbers: Vec<TypeId> = self.salts.types.iter().map(|(number, _)| *number).collect();
        let snapshot = page.snapshot;
        // A root after a withdrawal goes on where the log ended: only what changed has leaves to come.
        let goes_on = matches!(page.start, Some(ChainStart::Withdrawal) | None);
        let since = Tx::new(self.state.published.tx);
        let rows = match page.start {
            Some(ChainStart::Withdrawal) => snapshot.since(&numbers, since)?,
            _ => page.rows.clone(),
        };
        let ended = match goes_on {
            true => &rows - snapshot.standing(&numbers),
            false => snapshot.since(&numbers, Tx::NONE)? - snapshot.standing(&numbers),
        };
        self.destroy(snapshot, &ended)?;
        let before = self.state.published.size;
        let mut appender = self.resume()?;
        let mut tiles = WrittenTiles { tree: &self.directories.tree, written: BTreeSet::new() };
        let (mut reader, mut version) = (snapshot.reader(), Version::default());
        let (mut tx, mut commit_ms) = (Tx::NONE, 0);
        for row in &rows {
            reader.read(Row::new(row), &mut version)?;
            if version.tx != tx {
                (tx, commit_ms) = (version.tx, snapshot.commit_ms_of(version.tx)?);
            }
            appender.push(self.leaf(&mut version, commit_ms)?, |tile, bytes| tiles.write(tile, bytes))?;
        }
        for (tile, bytes) in appender.partial_tiles() {
            tiles.write(tile, bytes)?;
        }
        tiles.sync()?;
        let (size, root) = (appender.size(), root_to_base64(&appender.root()));
        let end = LogEnd { size, root: root.clone(), tx: page.tx.get() };
        self.state.pending = Some(PendingPage { page: page.name.to_owned(), end });
        self.save()?;
        Ok(json!([
            {"url": "log", "valueString": self.state.origin},
            {"url": "before", "valueDecimal": before},
            {"url": "size", "valueDecimal": size},
            {"url": "root", "valueString": root},
        ]))
    }

    fn leaf(&self, version: &mut Version, commit_ms: i64) -> Result<Hash, LogError> {
        let types = &self.salts.types;
        let resource_type =
            types.iter().find(|(number, _)| *number == version.ty).map(|(_, name)| *name).ok_or(LogError::Type)?;
        let number = u64::from(version.number);
        let salts = self.salts.of(&format!("{resource_type}/{}", version.id()));
        // The last tree of seeds has a salt for each resource.
        let salt = salts.salt(number).ok_or(LogError::Type)?;
        let is_deletion = version.tombstone.is_some();
        let content = if is_deletion { Sha256::digest([]).into() } else { line_hash(version.body()) };
        let op = operation(version.number, is_deletion);
        Ok(LogEntry {
            tx: version.tx,
            commit_ms,
            resource_type,
            op,
            commitment: commitment(&salt, version.id(), number, &content),
        }
        .leaf())
    }

    fn statement(&self, name: &str, bytes: &[u8]) -> Result<Vec<u8>, LogError> {
        let none = || LogError::Page { page: name.to_owned() };
        let page: Value = serde_json::from_slice(bytes).map_err(|_| none())?;
        let base = if name == "root" { "" } else { "../" };
        let said = PageCheckpoint::of(&page).ok_or_else(none)?;
        let statement = PageStatement {
            origin: said.origin,
            name: name.to_owned(),
            digest: page_digest(&page, base),
            before: said.before,
            size: said.size,
            root: said.root,
        };
        Ok(self.signed(&statement.to_string())?.to_string().into_bytes())
    }
}

impl PageWitness for PublishedLog {
    fn witness(&mut self, page: &NewPage<'_>) -> Result<Option<Value>, WitnessError> {
        Ok(Some(self.append(page)?))
    }

    fn sign(&mut self, name: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, WitnessError> {
        match self.statement(name, bytes) {
            Ok(signature) => Ok(Some(signature)),
            // A page from before the log was there.
            Err(LogError::Page { .. }) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// What a page says of the log, in its extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageCheckpoint {
    pub origin: String,
    pub before: u64,
    pub size: u64,
    pub root: Hash,
}

impl PageCheckpoint {
    pub fn of(page: &Value) -> Option<Self> {
        let extensions = page["extension"].as_array()?;
        let ours = extensions.iter().find(|e| e["url"] == crate::manifest::CHECKPOINT_EXTENSION)?["extension"].as_array()?;
        let member = |name: &str| ours.iter().find(|e| e["url"] == name);
        Some(Self {
            origin: member("log")?["valueString"].as_str()?.to_owned(),
            before: member("before")?["valueDecimal"].as_u64()?,
            size: member("size")?["valueDecimal"].as_u64()?,
            root: root_of_base64(member("root")?["valueString"].as_str()?)?,
        })
    }
}

/// The hash of a version as a line of a file shows it: a line break in the JSON of another directory is a space there.
pub(crate) fn line_hash(body: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    for (n, part) in body.split(|byte| matches!(byte, b'\n' | b'\r')).enumerate() {
        if n > 0 {
            hash.update(b" ");
        }
        hash.update(part);
    }
    hash.finalize().into()
}

const fn operation(number: u32, is_deletion: bool) -> EntryOp {
    match (is_deletion, number) {
        (true, _) => EntryOp::Delete,
        (false, 1) => EntryOp::Create,
        (false, _) => EntryOp::Update,
    }
}

/// The number of a withdrawal, by which its second sight is known.
fn event(origin: &str, name: &str, number: u32, commit_ms: i64) -> u64 {
    let hash: [u8; 32] = Sha256::digest(format!("{origin}\n{name}\n{number}\n{commit_ms}")).into();
    hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// Tiles that become durable together.
struct WrittenTiles<'a> {
    tree: &'a Path,
    written: BTreeSet<PathBuf>,
}

impl WrittenTiles<'_> {
    fn write(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), Error> {
        let path = self.tree.join(tile.to_string());
        let at = |cause| Error::File { path: path.clone(), cause };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at)?;
        }
        // Nobody has a checkpoint that needs it yet, so it may be seen in parts.
        fs::write(&path, bytes).map_err(at)?;
        self.written.insert(path);
        Ok(())
    }

    fn sync(self) -> Result<(), Error> {
        let mut places: BTreeSet<&Path> = BTreeSet::new();
        for path in &self.written {
            let at = |cause| Error::File { path: path.clone(), cause };
            fs::File::open(path).and_then(|file| file.sync_all()).map_err(at)?;
            places.extend(path.ancestors().skip(1).take_while(|place| place.starts_with(self.tree)));
        }
        places.into_iter().rev().try_for_each(sync_dir)
    }
}

fn new_origin(keys: &[SignerKey], random: &mut RandomBytes) -> String {
    let mut bytes = [0; 32];
    random(&mut bytes);
    let digits = hex(&bytes[..4]);
    format!("{}/{digits}", keys.first().map_or("log", |key| key.verifier().name()))
}

fn key_file(private: &Path) -> PathBuf {
    private.join("log.key")
}

/// The secret keys; none when there is no file.
pub(crate) fn read_keys(private: &Path) -> Result<Vec<SignerKey>, LogError> {
    let path = key_file(private);
    let bad = |reason| LogError::Key { path: path.clone(), reason };
    let Some(bytes) = read_if_there(&path)? else { return Ok(Vec::new()) };
    let text = str::from_utf8(&bytes).map_err(|_| bad(KeyError::Shape))?;
    let keys: Vec<_> =
        text.lines().filter(|line| !line.is_empty()).map(SignerKey::parse).collect::<Result<_, _>>().map_err(bad)?;
    if keys.is_empty() { Err(bad(KeyError::Shape)) } else { Ok(keys) }
}

pub(crate) fn write_keys(private: &Path, keys: &[SignerKey]) -> Result<(), LogError> {
    let text: String = keys.iter().map(|key| format!("{}\n", key.to_private_text().as_str())).collect();
    Ok(write_private(&key_file(private), text.as_bytes())?)
}

fn read_or_make_keys(private: &Path, name: &str, random: &mut RandomBytes) -> Result<Vec<SignerKey>, LogError> {
    let keys = read_keys(private)?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    let mut seed = [0; 32];
    random(&mut seed);
    let key = SignerKey::of_seed(name, Secret::take(&mut seed));
    let keys = vec![key.map_err(|reason| LogError::Key { path: key_file(private), reason })?];
    write_keys(private, &keys)?;
    Ok(keys)
}

fn read_salts(directories: &LogDirectories, random: &mut RandomBytes) -> Result<SaltState, LogError> {
    let path = directories.salts();
    if let Some(bytes) = read_if_there(&path)? {
        return SaltState::of_bytes(&bytes).map_err(|reason| LogError::Salts { path, reason });
    }
    let mut seed = [0; 32];
    random(&mut seed);
    let salts = SaltState::new(Secret::take(&mut seed));
    write_salts(directories, &salts)?;
    Ok(salts)
}

/// Writes the state of salts in the place of the old one, whose bytes are then overwritten. A file system that copies on write, and the
/// cells of a flash disk, may keep them for a time.
fn write_salts(directories: &LogDirectories, salts: &SaltState) -> Result<(), LogError> {
    let path = directories.salts();
    let old = fs::OpenOptions::new().write(true).open(&path).ok();
    write_private(&path, &salts.to_bytes())?;
    if let Some(mut old) = old {
        let overwritten = old.metadata().and_then(|metadata| {
            io::copy(&mut io::Read::take(io::repeat(0), metadata.len()), &mut old)?;
            old.sync_all()
        });
        overwritten.map_err(|cause| Error::File { path, cause })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
