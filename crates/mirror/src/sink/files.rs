//! A copy as files: NDJSON, sorted by id, and `manifest.json`, which lists the files that are the copy.
//!
//! The files of a type, in the order of the manifest and one after the other, are the type: each resource once, in its present version.
//! A file never gets other content; a round writes new ones for what it touches, then replaces the manifest. Files that the manifest
//! before listed stay until the next run, for readers that hold it.

use super::{MirrorPosition, RoundEnd, Sink};
use crate::disk;
use crate::error::{Error, Result, file_error};
use crate::limits;
use crate::resource::MirroredResource;
use crate::segments::{LineForm, Passed, Rewriter, Segment, sync_names};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;
const RESOURCE_LINES: LineForm = LineForm { key_of, extension: "ndjson", target: limits::FILE_SEGMENT_BYTES };

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilesManifest {
    /// 1.
    pub format: u32,
    /// Name of the mirror and number of the round.
    pub position: MirrorPosition,
    /// Base address of the origin.
    pub origin: String,
    /// Until when the origin had told everything (FHIR instant), if it said so.
    pub transaction_time: Option<String>,
    /// The copy is complete; before, it lacks what changed while it was made.
    pub ready: bool,
    /// Files of each type.
    pub types: BTreeMap<String, TypeFiles>,
}

/// Files of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeFiles {
    /// Resources.
    pub count: u64,
    /// Files, in order.
    pub files: Vec<Segment>,
}

/// A copy as NDJSON files in a directory.
pub struct FileSink {
    dir: PathBuf,
    manifest: Option<FilesManifest>,
    round: Option<FileRound>,
}

/// A round that is under way.
struct FileRound {
    number: u64,
    types: BTreeMap<String, TypeFiles>,
    /// The type that is being written.
    current: Option<(String, Rewriter)>,
}

impl FileSink {
    /// The copy in a directory, which is made when it is not there.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub fn open(dir: &Path) -> Result<Self> {
        disk::create_private_dir(dir)?;
        let mut sink = Self { dir: dir.to_owned(), manifest: None, round: None };
        sink.manifest = sink.read_manifest()?;
        Ok(sink)
    }

    /// What the directory holds.
    #[must_use]
    pub fn manifest(&self) -> Option<&FilesManifest> {
        self.manifest.as_ref()
    }

    fn read_manifest(&self) -> Result<Option<FilesManifest>> {
        let path = self.dir.join(MANIFEST);
        let Some(bytes) = disk::read_if_there(&path)? else { return Ok(None) };
        let manifest: FilesManifest = serde_json::from_slice(&bytes)
            .map_err(|e| Error::Sink(format!("{}: this is no manifest of a mirror ({e})", path.display())))?;
        if manifest.format != FORMAT {
            return Err(Error::Sink(format!("{}: format {} is not known", path.display(), manifest.format)));
        }
        Ok(Some(manifest))
    }

    /// Goes to the line of a resource and takes it out.
    fn seek(&mut self, ty: &str, id: &str) -> Result<&mut Rewriter> {
        let dir = self.dir.clone();
        let round = self.round.as_mut().ok_or_else(|| Error::Sink("a change outside of a round".into()))?;
        if round.current.as_ref().is_none_or(|(of, _)| of != ty) {
            round.finish_type()?;
            let old = round.types.get(ty).map(|t| t.files.clone()).unwrap_or_default();
            let stem = format!("{ty}-{:08}", round.number);
            round.current = Some((ty.to_owned(), Rewriter::new(&dir, stem, RESOURCE_LINES, old.is_empty(), &old)));
        }
        let (_, rewriter) = round.current.as_mut().ok_or_else(|| Error::Sink("a change outside of a round".into()))?;
        rewriter.seek(id, &mut |_, _| Ok(Passed::Keep))?;
        Ok(rewriter)
    }

    /// Removes our files that neither manifest lists.
    fn sweep(&self, keep: &[&BTreeMap<String, TypeFiles>]) -> Result<()> {
        let listed: BTreeSet<&str> =
            keep.iter().flat_map(|types| types.values()).flat_map(|t| &t.files).map(|f| f.name.as_str()).collect();
        crate::state::sweep_dir(&self.dir, &|name| !is_ours(name) || listed.contains(name))
    }
}

impl FileRound {
    fn finish_type(&mut self) -> Result<()> {
        let Some((ty, rewriter)) = self.current.take() else { return Ok(()) };
        let files = rewriter.finish(&mut |_, _| Ok(Passed::Keep))?;
        self.types.insert(ty, TypeFiles { count: files.iter().map(|f| f.count).sum(), files });
        Ok(())
    }
}

impl Sink for FileSink {
    fn position(&mut self) -> Result<Option<MirrorPosition>> {
        self.manifest = self.read_manifest()?;
        // What was withdrawn does not outlive the next run (REPL-10).
        match &self.manifest {
            Some(manifest) => self.sweep(&[&manifest.types])?,
            None => self.sweep(&[])?,
        }
        Ok(self.manifest.as_ref().map(|m| m.position.clone()))
    }

    fn begin(&mut self, position: &MirrorPosition, replaces: bool) -> Result<()> {
        let types = self.manifest.as_ref().filter(|_| !replaces).map(|m| m.types.clone()).unwrap_or_default();
        self.round = Some(FileRound { number: position.round, types, current: None });
        Ok(())
    }

    fn upsert(&mut self, resource: &MirroredResource) -> Result<()> {
        self.seek(&resource.resource_type, &resource.id)?.put(&resource.id, resource.json.as_bytes())
    }

    fn delete(&mut self, resource_type: &str, id: &str) -> Result<()> {
        self.seek(resource_type, id).map(|_| ())
    }

    fn commit(&mut self, end: &RoundEnd<'_>) -> Result<()> {
        let mut round = self.round.take().ok_or_else(|| Error::Sink("the end of no round".into()))?;
        round.finish_type()?;
        sync_names(&self.dir)?;
        let manifest = FilesManifest {
            format: FORMAT,
            position: end.position.clone(),
            origin: end.origin.to_owned(),
            transaction_time: end.told_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).map(|t| t.to_string()),
            ready: end.ready,
            types: round.types,
        };
        let json = serde_json::to_vec_pretty(&manifest).map_err(|e| Error::Sink(e.to_string()))?;
        disk::write_atomically(&self.dir.join(MANIFEST), &json)?;
        let before = self.manifest.replace(manifest);
        let none = BTreeMap::new();
        let now = self.manifest.as_ref().map_or(&none, |m| &m.types);
        self.sweep(&[now, before.as_ref().map_or(&none, |m| &m.types)])
    }

    fn abandon(&mut self) -> Result<()> {
        self.round = None;
        match &self.manifest {
            Some(manifest) => self.sweep(&[&manifest.types]),
            None => self.sweep(&[]),
        }
    }
}

/// Whether a name is one that a round gives: `Type-00000001-0001.ndjson`.
fn is_ours(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".ndjson") else { return false };
    let parts: Vec<&str> = stem.split('-').collect();
    let digits = |text: &str, least: usize| text.len() >= least && text.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.as_slice(), [ty, round, number] if crate::resource::valid_type(ty) && digits(round, 8) && digits(number, 4))
}

fn key_of(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct IdHead<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    serde_json::from_slice::<IdHead<'_>>(line).ok().map(|head| head.id.into_owned())
}

impl FilesManifest {
    /// Hands out every resource of a type, as (id, JSON), and verifies the files on the way.
    ///
    /// # Errors
    /// When a file is missing or is not what the manifest says, or `take` fails.
    pub fn each(&self, dir: &Path, resource_type: &str, take: &mut dyn FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
        let Some(files) = self.types.get(resource_type) else { return Ok(()) };
        crate::segments::read_all(dir, &files.files, RESOURCE_LINES, take)
    }

    /// Reads the manifest of a directory.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(MANIFEST);
        let bytes = std::fs::read(&path).map_err(file_error(&path))?;
        serde_json::from_slice(&bytes).map_err(|e| Error::Sink(format!("{}: {e}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_our_own_files_are_removed() {
        assert!(is_ours("PractitionerRole-00000012-0001.ndjson"));
        for name in ["Practitioner.ndjson", "practitioner-00000012-0001.ndjson", "Device-1-1.ndjson", "manifest.json"] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
