//! Copying a directory of this kind by its log (interop §11.2): exact to the version, the transaction and the byte.
//!
//! A copy has two parts. The state of one transaction is received whole before anything of it shows; from then on each call brings the
//! transactions that followed. What was received lies in a spool, so that a line that breaks or a kill costs the last answer only.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::disk;
use crate::error::{Error, Result, file_error, refused};
use crate::http::{HttpOptions, HttpPage, HttpSource};
use crate::limits;
use crate::mirror::MirrorTell;
use crate::origin::OriginBase;
use crate::segments::hex;
use crate::world::World;

/// A version as a line of `$changes` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogVersion {
    /// Transaction that wrote it.
    pub tx: u64,
    /// Instant of that transaction, in milliseconds since 1970.
    pub commit_ms: i64,
    /// Type of the resource.
    pub resource_type: String,
    /// Its id.
    pub id: String,
    /// Number of the version.
    pub number: u32,
    /// What it says.
    pub content: LogContent,
}

/// What a version says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogContent {
    /// The resource, as it is published.
    Resource(String),
    /// The resource left the directory.
    Deleted,
    /// The resource was withdrawn by law: no copy may keep any version of it (WDR-2).
    Withdrawn,
}

/// The log that an origin follows: id and epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogName {
    /// Its id.
    pub id: u128,
    /// Its epoch, raised when the log is restored from a backup.
    pub epoch: u32,
}

impl LogName {
    fn parse(text: &str) -> Option<Self> {
        let (id, epoch) = text.split_once('.')?;
        Some(Self { id: u128::from_str_radix(id, 16).ok()?, epoch: epoch.parse().ok()? })
    }
}

/// A transaction with its instant, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    /// Number of the transaction.
    pub tx: u64,
    /// Its instant.
    pub commit_ms: i64,
}

/// What was received and is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedLog {
    /// The log that it is of.
    pub log: LogName,
    /// The transaction after which it begins; 0 for the whole state.
    pub after: u64,
    /// The transaction whose state it leads to.
    pub reached: LogPosition,
    /// Number of lines.
    pub lines: u64,
    /// Lines that say that a resource left.
    pub deleted: u64,
    /// Lines that make a resource inactive, or leave it so.
    pub inactive: u64,
    /// Lines that withdraw a resource by law.
    pub withdrawn: u64,
}

/// How far receiving is; kept beside the spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SpoolState {
    origin: String,
    log: LogName,
    after: u64,
    /// The address that leads on; `None` when all is there.
    next: Option<String>,
    reached: LogPosition,
    lines: u64,
    deleted: u64,
    inactive: u64,
    #[serde(default)]
    withdrawn: u64,
    /// Length of the part of the spool that counts.
    length: u64,
}

/// An origin whose log is copied, with the spool of what was received.
pub struct LogCopy {
    source: HttpSource,
    origin: String,
    dir: PathBuf,
    tell: MirrorTell,
}

impl LogCopy {
    /// An origin that was not asked yet. `dir` is the directory of the spool; the caller holds the lock of what it is in.
    ///
    /// # Errors
    /// When an address or an option cannot be used, or the directory cannot be made.
    pub fn new(origin: &str, dir: &Path, http: &HttpOptions, world: Arc<dyn World>, tell: MirrorTell) -> Result<Self> {
        let base = OriginBase::parse(origin)?;
        disk::create_private_dir(dir)?;
        let origin = base.base().to_owned();
        Ok(Self { origin, source: HttpSource::new(base, http, world)?, dir: dir.to_owned(), tell })
    }

    /// Whether the origin tells its log, and where it is; `None` for another kind of directory.
    ///
    /// # Errors
    /// When the origin cannot be reached, or its answer cannot be read.
    pub fn state(&mut self) -> Result<Option<(LogName, LogPosition)>> {
        let url = self.source.origin().below("$changes/state");
        let read = &mut |body: &[u8]| {
            serde_json::from_slice::<StateAnswer>(body).map_err(|e| format!("this is no state of a log ({e})"))
        };
        let page = match self.source.get(&url, None, read) {
            Ok(page) => page,
            Err(Error::Status { status: 400 | 404 | 405 | 406 | 410 | 501, .. }) => return Ok(None),
            Err(e) => return Err(e),
        };
        let Some(log) = log_of(&page) else { return Ok(None) };
        let Some(state) = &page.content else { return Ok(None) };
        let commit_ms = state.last_time.as_deref().map_or(Some(0), instant);
        let commit_ms = commit_ms.ok_or_else(|| refused(&url, "its lastTime is no instant"))?;
        Ok(Some((log, LogPosition { tx: state.last, commit_ms })))
    }

    /// Receives what followed a transaction of a log, or the whole state for 0, and goes on with what an interrupted call received. `None`
    /// when nothing followed. `wait` is how many seconds the origin may wait for a change.
    ///
    /// # Errors
    /// When the origin fails, refuses, or follows another log than that of the copy. What was received is kept.
    pub fn receive(&mut self, log: Option<LogName>, after: u64, wait: u64) -> Result<Option<ReceivedLog>> {
        let spooled = self.spooled()?;
        let first = self.receive_pages(spooled, log, after, wait, &mut |_, _| true);
        let received = match first {
            // The state of an interrupted copy is not kept any more: from the start.
            Err(Error::Status { status: 410, .. }) => {
                self.clear()?;
                self.receive_pages(None, log, after, 0, &mut |_, _| true)?
            }
            other => other?,
        };
        Ok(received.filter(|received| received.lines > 0 || received.reached.tx > after || after == 0))
    }

    /// Receives the whole state, and hands out its versions page by page while it does: those of the spool first. `give` says whether to
    /// go on; `None` when it did not. At least one page is given.
    ///
    /// # Errors
    /// As [`LogCopy::receive`]. When the state of an interrupted call is not kept any more (410), what was given is void and the spool is
    /// empty: the next call begins anew.
    pub fn receive_state(&mut self, give: &mut dyn FnMut(LogName, Vec<LogVersion>) -> bool) -> Result<Option<ReceivedLog>> {
        let spooled = self.spooled()?.filter(|state| state.after == 0);
        if let Some(state) = &spooled {
            let mut versions = self.versions()?;
            loop {
                let page = versions.by_ref().take(limits::LOG_LINES).collect::<Result<Vec<_>>>()?;
                let is_last = page.len() < limits::LOG_LINES;
                if !give(state.log, page) {
                    return Ok(None);
                }
                if is_last {
                    break;
                }
            }
        }
        let received = self.receive_pages(spooled, None, 0, 0, give);
        if let Err(Error::Status { status: 410, .. }) = &received {
            self.clear()?;
        }
        received
    }

    /// Receives the pages that the spool lacks.
    fn receive_pages(
        &mut self,
        spooled: Option<SpoolState>,
        log: Option<LogName>,
        after: u64,
        wait: u64,
        give: &mut dyn FnMut(LogName, Vec<LogVersion>) -> bool,
    ) -> Result<Option<ReceivedLog>> {
        let mut state = match spooled {
            // An interrupted call, of this copy as it is now.
            Some(state) if state.after == after && log.is_none_or(|log| log == state.log) => state,
            _ => {
                self.clear()?;
                let waiting = if after > 0 && wait > 0 { format!("&wait={wait}") } else { String::new() };
                let first = self.source.origin().below(&format!("$changes?after={after}&limit={}{waiting}", limits::LOG_LINES));
                let page = self.page(&first)?;
                let named = log_of(&page).ok_or_else(|| refused(&first, "it does not name its log"))?;
                if log.is_some_and(|log| log != named) {
                    return Err(other_log(&first));
                }
                let mut state = SpoolState {
                    origin: self.origin.clone(),
                    log: named,
                    after,
                    next: Some(first),
                    reached: LogPosition::default(),
                    lines: 0,
                    deleted: 0,
                    inactive: 0,
                    withdrawn: 0,
                    length: 0,
                };
                if !give(named, self.take(&mut state, page)?) {
                    return Ok(None);
                }
                state
            }
        };
        while let Some(next) = state.next.clone() {
            let page = self.page(&next)?;
            if !give(state.log, self.take(&mut state, page)?) {
                return Ok(None);
            }
        }
        let SpoolState { log, after, reached, lines, deleted, inactive, withdrawn, .. } = state;
        Ok(Some(ReceivedLog { log, after, reached, lines, deleted, inactive, withdrawn }))
    }

    /// The versions received, in the order of the log.
    ///
    /// # Errors
    /// When the spool cannot be opened.
    pub fn versions(&self) -> Result<impl Iterator<Item = Result<LogVersion>> + Send + use<>> {
        let path = self.spool();
        let length = self.spooled()?.map_or(0, |state| state.length);
        let file = File::open(&path).map_err(file_error(&path))?;
        let decoder = zstd::Decoder::new(BufReader::new(file.take(length))).map_err(file_error(&path))?;
        let mut lines = BufReader::with_capacity(1 << 20, decoder);
        let mut line = Vec::new();
        Ok(std::iter::from_fn(move || {
            line.clear();
            match lines.read_until(b'\n', &mut line) {
                Ok(0) => None,
                Ok(_) => Some(read_version(&line).map_err(|reason| Error::Origin { place: path.display().to_string(), reason })),
                Err(e) => Some(Err(file_error(&path)(e))),
            }
        }))
    }

    /// The log of what was received; `None` when nothing was.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn received_log(&self) -> Result<Option<LogName>> {
        Ok(self.spooled()?.map(|state| state.log))
    }

    /// Forgets what was received: it is applied.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn clear(&self) -> Result<()> {
        disk::remove_if_there(&self.dir.join("received.json"))?;
        disk::remove_if_there(&self.spool())
    }

    /// Asks for a page of lines, each of which is checked; for shorter and shorter ones when they break off on their way.
    fn page(&mut self, url: &str) -> Result<HttpPage<CheckedLines>> {
        let mut url = url.to_owned();
        loop {
            let fewer = fewer_lines(&url);
            self.source.give_up_cut_answers_after(if fewer.is_some() { limits::ATTEMPTS_OF_LINES } else { limits::ATTEMPTS });
            match (self.source.get(&url, None, &mut |body| check_lines(body)), fewer) {
                (Err(Error::Unreachable { cut: true, .. }), Some(fewer)) => url = fewer,
                (answered, _) => return answered,
            }
        }
    }

    /// Adds a page to the spool, durably, says how far receiving is, and returns the versions of the page.
    fn take(&mut self, state: &mut SpoolState, mut page: HttpPage<CheckedLines>) -> Result<Vec<LogVersion>> {
        if log_of(&page) != Some(state.log) {
            self.clear()?;
            return Err(other_log(&page.url));
        }
        let lines = page.content.take().ok_or_else(|| refused(&page.url, "an answer without lines"))?;
        let url = &page.url;
        let number = |name: &str| page.header(name).and_then(|text| text.parse::<u64>().ok());
        let link = page.header("link").ok_or_else(|| refused(url, "it does not say how to go on"))?;
        let next = next_of(&link).ok_or_else(|| refused(url, "its link does not lead on"))?;
        let next = self.source.origin().follow(url, next)?;
        let path = self.spool();
        let mut file = File::options().create(true).truncate(false).write(true).open(&path).map_err(file_error(&path))?;
        file.set_len(state.length).map_err(file_error(&path))?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).map_err(file_error(&path))?;
        if !lines.text.is_empty() {
            // A frame for each page: frames follow one another.
            let mut encoder = zstd::Encoder::new(BufWriter::new(&mut file), 1).map_err(file_error(&path))?;
            encoder.write_all(&lines.text).map_err(file_error(&path))?;
            encoder.finish().and_then(|mut out| out.flush()).map_err(file_error(&path))?;
        }
        file.sync_data().map_err(file_error(&path))?;
        state.length = file.metadata().map_err(file_error(&path))?.len();
        state.lines += lines.versions.len() as u64;
        state.deleted += lines.deleted;
        state.inactive += lines.inactive;
        state.withdrawn += lines.withdrawn;
        // An answer that `limit` cut names the row at which it was.
        if next.contains("row=") {
            state.next = Some(next);
        } else {
            let tx = number("x-complete-tx").ok_or_else(|| refused(url, "it does not name its transaction"))?;
            let last = number("x-last-tx").unwrap_or(tx);
            let last_ms = page.header("x-last-time").as_deref().and_then(instant).unwrap_or(0);
            let commit_ms = if tx == last { last_ms } else { lines.versions.last().map_or(last_ms, |last| last.commit_ms) };
            state.reached = LogPosition { tx, commit_ms };
            state.next = None;
        }
        let text = serde_json::to_vec(state).map_err(|e| Error::State(e.to_string()))?;
        disk::write_atomically(&self.dir.join("received.json"), &text)?;
        (self.tell)("receiving", state.lines, number("x-lines-left").map_or(0, |left| state.lines + left));
        Ok(lines.versions)
    }

    fn spool(&self) -> PathBuf {
        self.dir.join("received.zst")
    }

    /// How far receiving is; `None` when nothing that can be used was received.
    fn spooled(&self) -> Result<Option<SpoolState>> {
        let Some(text) = disk::read_if_there(&self.dir.join("received.json"))? else { return Ok(None) };
        let state = serde_json::from_slice::<SpoolState>(&text).ok().filter(|state| state.origin == self.origin);
        let length = fs::metadata(self.spool()).map(|found| found.len()).unwrap_or(0);
        Ok(state.filter(|state| length >= state.length))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateAnswer {
    last: u64,
    last_time: Option<String>,
}

/// Lines of which each is what its hash says.
#[derive(Debug, Default)]
struct CheckedLines {
    text: Vec<u8>,
    versions: Vec<LogVersion>,
    deleted: u64,
    inactive: u64,
    withdrawn: u64,
}

fn check_lines(body: &[u8]) -> std::result::Result<CheckedLines, String> {
    if body.last().is_some_and(|last| *last != b'\n') {
        return Err("its last line is cut".into());
    }
    let mut checked = CheckedLines { text: body.to_vec(), ..CheckedLines::default() };
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let version = read_version(line).map_err(|reason| format!("line {}: {reason}", checked.versions.len() + 1))?;
        match &version.content {
            LogContent::Resource(json) => checked.inactive += u64::from(says_inactive(json)),
            LogContent::Deleted => checked.deleted += 1,
            LogContent::Withdrawn => {
                checked.deleted += 1;
                checked.withdrawn += 1;
            }
        }
        checked.versions.push(version);
    }
    Ok(checked)
}

#[derive(Deserialize)]
struct Line<'a> {
    tx: u64,
    #[serde(borrow)]
    time: std::borrow::Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    resource_type: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
    version: u32,
    #[serde(borrow)]
    op: std::borrow::Cow<'a, str>,
    #[serde(default)]
    withdrawn: bool,
    #[serde(borrow)]
    hash: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
}

/// Reads a line, and compares the resource with its hash.
fn read_version(line: &[u8]) -> std::result::Result<LogVersion, String> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|e| format!("this is no line of a log ({e})"))?;
    let content = match (line.op.as_ref(), line.resource) {
        ("create" | "update", Some(resource)) => {
            let said = line.hash.as_deref().and_then(|hash| hash.strip_prefix("sha256:")).ok_or("it has no hash")?;
            if hex(&Sha256::digest(resource.get())) != said {
                return Err(format!(
                    "{}/{} is not what its hash says: the line was damaged on its way",
                    line.resource_type, line.id
                ));
            }
            LogContent::Resource(resource.get().to_owned())
        }
        ("delete", None) if line.withdrawn => LogContent::Withdrawn,
        ("delete", None) => LogContent::Deleted,
        (op, _) => return Err(format!("{op:?} with this content is no operation")),
    };
    Ok(LogVersion {
        tx: line.tx,
        commit_ms: instant(&line.time).ok_or("its time is no instant")?,
        resource_type: line.resource_type.into_owned(),
        id: line.id.into_owned(),
        number: line.version,
        content,
    })
}

/// Whether a resource says that it is not active. Only the circuit breaker asks, so that a member of that name deeper in it does no harm.
fn says_inactive(json: &str) -> bool {
    json.contains("\"active\":false") || json.contains("\"status\":\"inactive\"")
}

fn instant(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

fn log_of<T>(page: &HttpPage<T>) -> Option<LogName> {
    page.header("x-log").as_deref().and_then(LogName::parse)
}

/// The target of a link header that leads on.
fn next_of(link: &str) -> Option<&str> {
    let (target, relation) = link.strip_prefix('<')?.split_once('>')?;
    relation.contains("next").then_some(target)
}

/// An address that asks for half of the lines; `None` when they are few.
fn fewer_lines(url: &str) -> Option<String> {
    let (head, tail) = url.split_once("limit=")?;
    let (number, rest) = tail.split_at(tail.find('&').unwrap_or(tail.len()));
    let half = number.parse::<usize>().ok()? / 2;
    (half >= limits::LOG_LINES_MIN).then(|| format!("{head}limit={half}{rest}"))
}

fn other_log(url: &str) -> Error {
    refused(
        url,
        "the origin follows another log than this copy, or was restored from a backup since; nothing was changed. Copy it anew into another directory",
    )
}
