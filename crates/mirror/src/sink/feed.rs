//! A copy as a feed: each round becomes files of NDJSON and a Bundle of deletions, which the program imports into its registry.
//!
//! The files of a round are written before it is delivered, and stay until the delivery has succeeded. After a crash in between
//! the same files are delivered again, which a registry notices.

use super::{MirrorPosition, RoundEnd, Sink};
use crate::disk;
use crate::error::{Error, Result, file_error};
use crate::limits;
use crate::resource::MirroredResource;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A round for a registry.
#[derive(Debug, Clone)]
pub struct FeedDelivery {
    /// Files of NDJSON, and one transaction Bundle of deletions if there are any. They belong together.
    pub files: Vec<PathBuf>,
    /// The files are everything: what they do not name is to end.
    pub replaces: bool,
    /// Resources put.
    pub upserted: u64,
    /// Resources removed.
    pub deleted: u64,
}

/// Imports a delivery; the text says why it was refused. Called again with equal files after a crash.
pub type Deliver<'a> = Box<dyn FnMut(&FeedDelivery) -> std::result::Result<(), String> + 'a>;

/// A copy in a registry, by deliveries.
pub struct FeedSink<'a> {
    dir: PathBuf,
    registry: String,
    deliver: Deliver<'a>,
    round: Option<FeedRound>,
}

struct FeedRound {
    delivery: FeedDelivery,
    /// The open file of resources: type, file, bytes.
    lines: Option<(String, OutboxFile, u64)>,
    deletions: Option<OutboxFile>,
}

/// A file that is being written.
struct OutboxFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl OutboxFile {
    fn write(&mut self, text: &str) -> Result<()> {
        self.file.write_all(text.as_bytes()).map_err(file_error(&self.path))
    }

    fn close(self) -> Result<()> {
        let file = self.file.into_inner().map_err(|e| file_error(&self.path)(e.into_error()))?;
        file.sync_all().map_err(file_error(&self.path))
    }
}

/// What the outbox remembers.
#[derive(Serialize, Deserialize)]
struct OutboxPosition {
    registry: String,
    position: MirrorPosition,
    /// Set until the delivery has succeeded.
    pending: Option<PendingFeed>,
}

#[derive(Serialize, Deserialize)]
struct PendingFeed {
    files: Vec<String>,
    replaces: bool,
    upserted: u64,
    deleted: u64,
}

impl<'a> FeedSink<'a> {
    /// Deliveries go through files in `outbox`. `registry` names the registry and changes when it begins anew; then it is filled anew.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub fn open(outbox: &Path, registry: &str, deliver: Deliver<'a>) -> Result<Self> {
        disk::create_private_dir(outbox)?;
        Ok(Self { dir: outbox.to_owned(), registry: registry.to_owned(), deliver, round: None })
    }

    fn read(&self) -> Result<Option<OutboxPosition>> {
        let path = self.dir.join("position.json");
        let Some(bytes) = disk::read_if_there(&path)? else { return Ok(None) };
        let delivered: OutboxPosition = serde_json::from_slice(&bytes)
            .map_err(|e| Error::Sink(format!("{}: {e}; remove it to have the registry filled anew", path.display())))?;
        Ok(Some(delivered).filter(|d| d.registry == self.registry))
    }

    fn write(&self, position: &MirrorPosition, pending: Option<PendingFeed>) -> Result<()> {
        let delivered = OutboxPosition { registry: self.registry.clone(), position: position.clone(), pending };
        let json = serde_json::to_vec(&delivered).map_err(|e| Error::Sink(e.to_string()))?;
        disk::write_atomically(&self.dir.join("position.json"), &json)
    }

    fn deliver(&mut self, position: &MirrorPosition, delivery: &FeedDelivery) -> Result<()> {
        if !delivery.files.is_empty() {
            (self.deliver)(delivery).map_err(Error::Sink)?;
        }
        self.write(position, None)?;
        crate::state::sweep_dir(&self.dir, &|name| name == "position.json")
    }

    fn create(&mut self, name: &str) -> Result<OutboxFile> {
        let path = self.dir.join(name);
        let file = File::create(&path).map_err(file_error(&path))?;
        if let Some(round) = &mut self.round {
            round.delivery.files.push(path.clone());
        }
        Ok(OutboxFile { path, file: BufWriter::new(file) })
    }

    fn begun(&mut self) -> Result<&mut FeedRound> {
        self.round.as_mut().ok_or_else(|| Error::Sink("a change outside of a round".into()))
    }
}

impl Sink for FeedSink<'_> {
    fn position(&mut self) -> Result<Option<MirrorPosition>> {
        let Some(delivered) = self.read()? else { return Ok(None) };
        if let Some(pending) = delivered.pending {
            // The files were complete; perhaps the registry has them already.
            let files = pending.files.iter().map(|name| self.dir.join(name)).collect();
            let PendingFeed { replaces, upserted, deleted, .. } = pending;
            self.deliver(&delivered.position, &FeedDelivery { files, replaces, upserted, deleted })?;
        }
        Ok(Some(delivered.position))
    }

    fn begin(&mut self, _: &MirrorPosition, replaces: bool) -> Result<()> {
        let delivery = FeedDelivery { files: Vec::new(), replaces, upserted: 0, deleted: 0 };
        self.round = Some(FeedRound { delivery, lines: None, deletions: None });
        Ok(())
    }

    fn upsert(&mut self, resource: &MirroredResource) -> Result<()> {
        let number = self.begun()?.delivery.files.len();
        let full = |round: &FeedRound| {
            round.lines.as_ref().is_none_or(|(ty, _, bytes)| *ty != resource.resource_type || *bytes >= limits::FEED_FILE_BYTES)
        };
        if full(self.begun()?) {
            self.begun()?.lines.take().map_or(Ok(()), |(_, file, _)| file.close())?;
            let file = self.create(&format!("{}-{number:04}.ndjson", resource.resource_type))?;
            self.begun()?.lines = Some((resource.resource_type.clone(), file, 0));
        }
        let round = self.begun()?;
        round.delivery.upserted += 1;
        if let Some((_, file, bytes)) = &mut round.lines {
            file.write(&resource.json)?;
            file.write("\n")?;
            *bytes += resource.json.len() as u64 + 1;
        }
        Ok(())
    }

    fn delete(&mut self, resource_type: &str, id: &str) -> Result<()> {
        let first = self.begun()?.deletions.is_none();
        if first {
            let file = self.create("deleted.json")?;
            self.begun()?.deletions = Some(file);
        }
        let round = self.begun()?;
        round.delivery.deleted += 1;
        if let Some(file) = &mut round.deletions {
            let before = if first { "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[\n" } else { ",\n" };
            // Types and ids hold no character that JSON would escape.
            file.write(&format!("{before}{{\"request\":{{\"method\":\"DELETE\",\"url\":\"{resource_type}/{id}\"}}}}"))?;
        }
        Ok(())
    }

    fn commit(&mut self, end: &RoundEnd<'_>) -> Result<()> {
        let mut round = self.round.take().ok_or_else(|| Error::Sink("the end of no round".into()))?;
        round.lines.take().map_or(Ok(()), |(_, file, _)| file.close())?;
        if let Some(mut file) = round.deletions.take() {
            file.write("\n]}\n")?;
            file.close()?;
        }
        let delivery = round.delivery;
        let names = delivery.files.iter().filter_map(|f| Some(f.file_name()?.to_str()?.to_owned())).collect();
        let FeedDelivery { replaces, upserted, deleted, .. } = delivery;
        self.write(end.position, Some(PendingFeed { files: names, replaces, upserted, deleted }))?;
        self.deliver(end.position, &delivery)
    }

    fn abandon(&mut self) -> Result<()> {
        self.round = None;
        crate::state::sweep_dir(&self.dir, &|name| name == "position.json")
    }
}
