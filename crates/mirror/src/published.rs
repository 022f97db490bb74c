//! The channel of published files (Bulk Publish): manifests that form a chain, and immutable files.

use crate::disk;
use crate::error::{Error, Result, file_error, refused, shown};
use crate::http::HttpSource;
use crate::limits;
use crate::origin::absolute;
use crate::record::{Evidence, Record, Said};
use crate::resource::{self, ResourceStamp, type_and_id, type_of};
use crate::round::Received;
use crate::segments::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// End of the address of the extension of a file, in the manifests of an annuaire.
const FILE_EXTENSION: &str = "/StructureDefinition/bulk-file";

/// One page of a manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManifestPage {
    pub(crate) transaction_time: String,
    #[serde(default)]
    pub(crate) update_cadence: Option<String>,
    #[serde(default)]
    output: Vec<ManifestItem>,
    #[serde(default)]
    deleted: Vec<ManifestItem>,
    #[serde(default)]
    link: Vec<ManifestLink>,
    #[serde(default)]
    extension: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestItem {
    #[serde(rename = "type", default)]
    resource_type: String,
    url: String,
    #[serde(default)]
    count: Option<u64>,
    #[serde(default, deserialize_with = "read_extension")]
    extension: Option<ItemExtension>,
}

/// What an item says of its file: as it is transferred to a client that accepts its encoding.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemExtension {
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    decoded_size: Option<u64>,
    #[serde(default)]
    encoding: Option<String>,
}

/// Reads the extension of an item: an object, or FHIR extensions of which one has the members as its own (STU4).
fn read_extension<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<ItemExtension>, D::Error> {
    use serde_json::{Map, Value};
    let value = Value::deserialize(deserializer)?;
    let members = match value {
        Value::Array(all) => {
            let of_file = |one: &&Value| one["url"].as_str().is_some_and(|url| url.ends_with(FILE_EXTENSION));
            let Some(members) = all.iter().find(of_file).and_then(|one| one["extension"].as_array()) else { return Ok(None) };
            let member = |one: &Value| {
                let value = one.as_object()?.iter().find(|(name, _)| name.starts_with("value"))?.1;
                Some((one["url"].as_str()?.to_owned(), value.clone()))
            };
            Value::Object(members.iter().filter_map(member).collect::<Map<_, _>>())
        }
        other => other,
    };
    serde_json::from_value(members).map_err(serde::de::Error::custom)
}

#[derive(Debug, Clone, Deserialize)]
struct ManifestLink {
    relation: String,
    url: String,
}

/// What comes after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Successor {
    /// Another page.
    Page(String),
    /// Not yet.
    Pending,
    /// The chain ends; it goes on from the root.
    Closed,
    /// There is no chain: the root is replaced.
    None,
}

impl ManifestPage {
    fn read(body: &[u8]) -> std::result::Result<Self, String> {
        let page: Self = serde_json::from_slice(body).map_err(|e| match str::from_utf8(body).ok().and_then(type_of) {
            Some(other) => format!("a {} where a manifest was asked for", shown(&other)),
            None => format!("no complete manifest ({e})"),
        })?;
        if page.output.len() + page.deleted.len() > limits::MANIFEST_ITEMS {
            return Err(format!("a manifest of more than {} files", limits::MANIFEST_ITEMS));
        }
        if resource::instant_us(&page.transaction_time).is_none() {
            return Err("a manifest whose transactionTime is no instant".into());
        }
        Ok(page)
    }

    /// `transactionTime` in milliseconds since 1970.
    pub(crate) fn told_ms(&self) -> Option<i64> {
        resource::instant_us(&self.transaction_time).map(|us| us / 1000)
    }

    /// The reason with which the origin announces that much goes at once (REPL-9).
    pub(crate) fn announced_mass_change(&self) -> Option<String> {
        let change = self.extension.as_ref()?.get("mass-change")?;
        let reason = change.get("reason").and_then(|r| r.as_str()).or_else(|| change.as_str())?;
        (!reason.trim().is_empty()).then(|| shown(reason))
    }

    fn successor(&self, source: &HttpSource, from: &str) -> Result<Successor> {
        match self.link.iter().find(|l| l.relation == "next").map(|l| l.url.as_str()) {
            None => Ok(Successor::None),
            Some(url) if url.ends_with("#pending") => Ok(Successor::Pending),
            Some(url) if url.ends_with("#closed") => Ok(Successor::Closed),
            Some(url) => source.origin().follow(from, url).map(Successor::Page),
        }
    }
}

/// A page and where it is.
#[derive(Debug, Clone)]
pub(crate) struct LocatedPage {
    pub(crate) url: String,
    pub(crate) etag: Option<String>,
    pub(crate) page: ManifestPage,
    pub(crate) successor: Successor,
}

/// What files gave.
#[derive(Default)]
pub(crate) struct FileCounts {
    /// Types of which lines could not be read, nor named.
    pub(crate) doubtful: BTreeSet<String>,
    pub(crate) rejects: BTreeMap<String, u64>,
}

/// An origin that publishes files.
pub(crate) struct PublishedChannel<'a> {
    pub(crate) source: &'a mut HttpSource,
    /// Where files are kept.
    pub(crate) dir: &'a Path,
    /// Types that the mirror keeps; all when empty.
    pub(crate) types: &'a BTreeSet<String>,
    pub(crate) tell: &'a dyn Fn(&str, u64, u64),
}

impl PublishedChannel<'_> {
    /// The address of the root.
    pub(crate) fn root(&self) -> String {
        self.source.origin().below("$bulk-publish")
    }

    /// Asks for a page; `None` when it is as it was (`etag`).
    pub(crate) fn page(&mut self, url: &str, etag: Option<&str>) -> Result<Option<LocatedPage>> {
        let answer = self.source.get(url, etag, &mut ManifestPage::read)?;
        let Some(page) = answer.content else { return Ok(None) };
        let successor = page.successor(self.source, url)?;
        Ok(Some(LocatedPage { url: answer.url, etag: answer.etag, page, successor }))
    }

    /// The pages of the root: from it on, those that show the state of one instant, the page without files that ends them included.
    pub(crate) fn root_pages(&mut self) -> Result<Vec<LocatedPage>> {
        let url = self.root();
        let root = self.page(&url, None)?.ok_or_else(|| refused(&url, "304 without a condition"))?;
        let mut pages = vec![root];
        loop {
            let Some(last) = pages.last() else { return Ok(pages) };
            let Successor::Page(next) = last.successor.clone() else { return Ok(pages) };
            if pages.len() >= limits::MANIFEST_PAGES || pages.iter().any(|p| p.url == next) {
                return Err(refused(&next, "the pages of the manifest lead in a circle; nothing of them was applied"));
            }
            let page = self.page(&next, None)?.ok_or_else(|| refused(&next, "304 without a condition"))?;
            if page.page.transaction_time != last.page.transaction_time {
                return Ok(pages);
            }
            pages.push(page);
        }
    }

    /// Receives and reads the files of a page, in the order of the manifest. They stay until the round is applied, so that a run that is
    /// broken off receives none twice; one that cannot be read is removed.
    pub(crate) fn read_files(&mut self, page: &LocatedPage, received: &mut Received, counts: &mut FileCounts) -> Result<()> {
        let all = (page.page.output.len() + page.page.deleted.len()) as u64;
        let wanted = |item: &&ManifestItem| self.types.is_empty() || self.types.contains(&item.resource_type);
        let outputs: Vec<_> = page.page.output.iter().filter(wanted).cloned().collect();
        for (n, item) in outputs.iter().enumerate() {
            (self.tell)("receiving files", n as u64, all);
            if !resource::valid_type(&item.resource_type) {
                return Err(refused(&page.url, format!("a file of the type {:?}, which is none", shown(&item.resource_type))));
            }
            let file = self.fetch(&page.url, item)?;
            let read = read_lines(&file, item, &mut |line| output_line(line, &item.resource_type, received, counts));
            if read.is_err() {
                disk::remove_if_there(&file.path)?;
            }
            read?;
        }
        for (n, item) in page.page.deleted.iter().enumerate() {
            (self.tell)("receiving files", (outputs.len() + n) as u64, all);
            let file = self.fetch(&page.url, item)?;
            let read = read_lines(&file, item, &mut |line| deleted_line(line, self.types, received, counts));
            if read.is_err() {
                disk::remove_if_there(&file.path)?;
            }
            read?;
        }
        Ok(())
    }

    /// The file of an item, complete and verified. What was received of it before is used.
    fn fetch(&mut self, from: &str, item: &ManifestItem) -> Result<FetchedFile> {
        let url = absolute(from, &item.url).ok_or_else(|| refused(from, format!("{:?} is no address", shown(&item.url))))?;
        let extension = item.extension.clone();
        let digest =
            extension.as_ref().and_then(|e| e.sha256.as_deref()).map(|d| d.trim_start_matches("sha256:").to_ascii_lowercase());
        let size = extension.as_ref().and_then(|e| e.size);
        let name = hex(&Sha256::digest(format!("{url}\n{}", digest.as_deref().unwrap_or_default()).as_bytes())[..16]);
        let partial = PartialFile { path: self.dir.join(format!("{name}.part")), etag: self.dir.join(format!("{name}.etag")) };
        if size == Some(0) {
            File::create(&partial.path).map_err(file_error(&partial.path))?;
        }
        let (mut wrong, mut idle) = (0, 0);
        loop {
            let before = partial.length();
            let encoding = extension.as_ref().and_then(|e| e.encoding.as_deref());
            let complete = size == Some(before) || self.receive(&url, encoding, &partial, before, size, digest.is_some())?;
            let now = partial.length();
            let enough = size.map_or(complete, |size| now == size);
            if !enough {
                // The line broke. As long as it brings something, it is asked for the rest.
                idle = if now > before { 0 } else { idle + 1 };
                let over = size.is_some_and(|size| now > size);
                if idle >= limits::ATTEMPTS || (complete && now == before && !over) {
                    let reason = format!("the file ends after {now} bytes, {} are announced", size.unwrap_or(0));
                    return Err(Error::Unreachable { url: shown(&url), reason, attempts: idle.max(1) });
                }
                if over {
                    partial.remove()?;
                }
                continue;
            }
            if digest.as_ref().is_none_or(|digest| partial.digest().is_ok_and(|found| found == *digest)) {
                return Ok(FetchedFile { url, path: partial.path, extension });
            }
            // Wrong bytes are never applied: once more from zero, then the origin is to blame.
            partial.remove()?;
            wrong += 1;
            if wrong >= 2 {
                return Err(refused(&url, "the file has not the digest that its manifest gives; nothing of it was applied"));
            }
        }
    }

    /// Receives one part; whether the origin ended it properly.
    fn receive(
        &mut self,
        url: &str,
        encoding: Option<&str>,
        partial: &PartialFile,
        before: u64,
        size: Option<u64>,
        verified: bool,
    ) -> Result<bool> {
        let kept = disk::read_if_there(&partial.etag)?.and_then(|b| String::from_utf8(b).ok()).filter(|e| !e.is_empty());
        // Without a strong ETag only a digest tells that two parts belong together.
        let from = if kept.is_some() || verified { before } else { 0 };
        let most = size.unwrap_or(limits::FILE_BYTES);
        let mut file =
            File::options().create(true).truncate(false).write(true).open(&partial.path).map_err(file_error(&partial.path))?;
        let mut begun = false;
        let (etag, ended) = self.source.get_file(url, encoding, from, kept.as_deref(), &mut |at, bytes| {
            if !begun {
                begun = true;
                use std::io::Seek;
                file.set_len(at).and_then(|()| file.seek(std::io::SeekFrom::Start(at))).map_err(file_error(&partial.path))?;
            }
            if at + bytes.len() as u64 > most {
                return Err(refused(url, format!("the file is longer than the {most} bytes announced or allowed")));
            }
            file.write_all(bytes).map_err(file_error(&partial.path))
        })?;
        file.sync_data().map_err(file_error(&partial.path))?;
        if let Some(etag) = etag {
            disk::write_atomically(&partial.etag, etag.as_bytes())?;
        }
        Ok(ended)
    }
}

/// A file on its way.
struct PartialFile {
    path: PathBuf,
    etag: PathBuf,
}

impl PartialFile {
    fn length(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |m| m.len())
    }

    fn digest(&self) -> std::io::Result<String> {
        let mut file = File::open(&self.path)?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 << 10]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hex(&hash.finalize())),
                n => hash.update(&buffer[..n]),
            }
        }
    }

    fn remove(&self) -> Result<()> {
        disk::remove_if_there(&self.path)?;
        disk::remove_if_there(&self.etag)
    }
}

/// A complete file.
struct FetchedFile {
    url: String,
    path: PathBuf,
    extension: Option<ItemExtension>,
}

/// Hands out the lines of a file, decompressed. Nothing was applied yet when it fails.
fn read_lines(file: &FetchedFile, item: &ManifestItem, take: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let damaged = |e: std::io::Error| refused(&file.url, format!("the file is damaged: {e}"));
    let mut raw = BufReader::with_capacity(256 << 10, File::open(&file.path).map_err(file_error(&file.path))?);
    let head = raw.fill_buf().map_err(file_error(&file.path))?;
    let named = file.extension.as_ref().and_then(|e| e.encoding.clone());
    let encoding = named.unwrap_or_else(|| match head {
        [0x1f, 0x8b, ..] => "gzip".into(),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd".into(),
        _ => "identity".into(),
    });
    let decoded: Box<dyn Read> = match encoding.as_str() {
        "identity" => Box::new(raw),
        "gzip" => Box::new(flate2::read::MultiGzDecoder::new(raw)),
        "zstd" => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(raw).map_err(damaged)?;
            decoder.window_log_max(27).map_err(damaged)?;
            Box::new(decoder)
        }
        other => {
            return Err(refused(&file.url, format!("a file compressed as {:?}, which this program does not know", shown(other))));
        }
    };
    let announced = file.extension.as_ref().and_then(|e| e.decoded_size);
    let most = announced.unwrap_or(limits::DECODED_BYTES);
    let mut lines = BufReader::with_capacity(256 << 10, decoded.take(most.saturating_add(1)));
    let (mut bytes, mut line, mut read, mut count) = (Vec::new(), 0_u64, 0_u64, 0_u64);
    loop {
        bytes.clear();
        line += 1;
        let n = Read::take(&mut lines, limits::LINE_BYTES as u64 + 1).read_until(b'\n', &mut bytes).map_err(damaged)?;
        read += n as u64;
        if read > most {
            return Err(refused(&file.url, format!("the file has more than the {most} bytes announced or allowed")));
        }
        if n == 0 {
            break;
        }
        if bytes.last() != Some(&b'\n') && n > limits::LINE_BYTES {
            return Err(refused(&file.url, format!("line {line} has more than {} bytes", limits::LINE_BYTES)));
        }
        let text = str::from_utf8(bytes.trim_ascii()).map_err(|_| refused(&file.url, format!("line {line} is not UTF-8")))?;
        if !text.is_empty() {
            count += 1;
            take(text)?;
        }
    }
    if announced.is_some_and(|size| size != read) || item.count.is_some_and(|n| n != count) {
        let announced = item.count.map_or_else(String::new, |n| format!(", {n} are announced"));
        return Err(refused(
            &file.url,
            format!("the file ends after {read} bytes and {count} lines{announced}; nothing of it was applied"),
        ));
    }
    Ok(())
}

fn output_line(line: &str, ty: &str, received: &mut Received, counts: &mut FileCounts) -> Result<()> {
    match resource::read(line) {
        Ok(found) if found.resource_type == ty => received.push(&Record::of(found, Evidence::Present)),
        Ok(_) => {
            counts.reject("another type");
            Ok(())
        }
        Err(rejected) => {
            counts.reject(rejected.reason);
            match rejected.id {
                Some(id) => received.push(&Record::new(ty, &id, ResourceStamp::default(), Said::Kept)),
                None => {
                    counts.doubtful.insert(ty.to_owned());
                    Ok(())
                }
            }
        }
    }
}

fn deleted_line(line: &str, types: &BTreeSet<String>, received: &mut Received, counts: &mut FileCounts) -> Result<()> {
    #[derive(Deserialize)]
    struct Deletions {
        #[serde(default)]
        entry: Vec<Deletion>,
    }
    #[derive(Deserialize)]
    struct Deletion {
        request: DeletionRequest,
    }
    #[derive(Deserialize)]
    struct DeletionRequest {
        method: String,
        url: String,
    }
    let Ok(bundle) = serde_json::from_str::<Deletions>(line) else {
        counts.reject("a deletion that cannot be read");
        return Ok(());
    };
    for entry in bundle.entry {
        match type_and_id(&entry.request.url).filter(|_| entry.request.method == "DELETE") {
            Some((ty, id)) if types.is_empty() || types.contains(ty) => {
                received.push(&Record::new(ty, id, ResourceStamp::default(), Said::Deleted))?;
            }
            Some(_) => {}
            None => counts.reject("a deletion without a valid name"),
        }
    }
    Ok(())
}

impl FileCounts {
    fn reject(&mut self, reason: &str) {
        *self.rejects.entry(reason.to_owned()).or_default() += 1;
    }
}
