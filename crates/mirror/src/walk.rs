//! A walk through the pages of a search or of a history, which goes on where it was broken off.
//!
//! Each page is appended to a file as one compressed frame, then the progress file is replaced: it names the end of the last complete
//! frame and the next link. A link that is not served any more begins the walk again, from the last `lastUpdated` when the
//! origin proved that it sorts by it, else from the start.

use crate::bundle::{self, AskedBundle, BundlePage};
use crate::disk;
use crate::error::{Error, Result, file_error, refused};
use crate::http::HttpSource;
use crate::limits;
use crate::record::Record;
use crate::resource::digest;
use crate::round::Received;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What is walked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WalkRequest {
    pub(crate) resource_type: String,
    pub(crate) kind: AskedBundle,
    /// Parameters without page size and order, as `_lastUpdated=ge…`; may be empty.
    pub(crate) query: String,
}

impl WalkRequest {
    fn url(&self, source: &HttpSource, shape: PageShape, boundary_us: Option<i64>) -> String {
        let path = match self.kind {
            AskedBundle::Search => self.resource_type.clone(),
            AskedBundle::History => format!("{}/_history", self.resource_type),
        };
        let mut query: Vec<String> = if self.query.is_empty() { Vec::new() } else { vec![self.query.clone()] };
        query.extend(boundary_us.map(|us| format!("_lastUpdated=ge{}", instant_text(us.div_euclid(1_000_000) * 1_000))));
        if shape.sorted {
            query.push("_sort=_lastUpdated".into());
        }
        query.extend(shape.count.map(|n| format!("_count={n}")));
        let query = query.join("&");
        source.origin().below(&if query.is_empty() { path } else { format!("{path}?{query}") })
    }
}

/// An instant as FHIR writes it, in whole seconds.
pub(crate) fn instant_text(ms: i64) -> String {
    jiff::Timestamp::from_second(ms.div_euclid(1000)).map_or_else(|_| "1970-01-01T00:00:00Z".into(), |t| t.to_string())
}

/// What pages are asked for; a walk finds out what the origin accepts, and later walks begin with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageShape {
    /// `_count`; `None` leaves it to the origin.
    pub(crate) count: Option<u32>,
    /// `_sort=_lastUpdated`.
    pub(crate) sorted: bool,
}

/// How far a walk is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WalkProgress {
    /// The request, to be sure that a walk goes on with its own.
    request: String,
    /// Where the next page is; `None` before the first page and after the last one.
    next: Option<String>,
    pub(crate) done: bool,
    /// End of the last complete frame.
    offset: u64,
    pub(crate) pages: u64,
    /// Entries that count for the total.
    pub(crate) matches: u64,
    pub(crate) total: Option<u64>,
    /// `Date` of the first page, and `meta.lastUpdated` of its Bundle, in milliseconds since 1970.
    pub(crate) date_ms: Option<i64>,
    pub(crate) bundle_ms: Option<i64>,
    /// When the walk began, by the clock of this machine.
    pub(crate) begun_ms: i64,
    pub(crate) ended_ms: i64,
    pub(crate) shape: PageShape,
    /// The origin keeps to the order that was asked for.
    sorts: bool,
    boundary_us: Option<i64>,
    restarts: u32,
    pub(crate) unnamed: u64,
    pub(crate) rejects: BTreeMap<String, u64>,
    /// Pages that named what an earlier page had named.
    pub(crate) repeated: u32,
}

impl WalkProgress {
    fn new(request: String, shape: PageShape, now_ms: i64) -> Self {
        Self {
            request,
            next: None,
            done: false,
            offset: 0,
            pages: 0,
            matches: 0,
            total: None,
            date_ms: None,
            bundle_ms: None,
            begun_ms: now_ms,
            ended_ms: now_ms,
            shape,
            sorts: false,
            boundary_us: None,
            restarts: 0,
            unnamed: 0,
            rejects: BTreeMap::new(),
            repeated: 0,
        }
    }

    /// Whether everything that the origin announced has come and could be named.
    pub(crate) fn is_certain(&self) -> bool {
        self.unnamed == 0 && self.total.is_none_or(|total| self.matches >= total)
    }

    /// Until when the origin had told everything when the walk began.
    pub(crate) fn told_ms(&self) -> Option<i64> {
        // A server that shows a snapshot says of when it is; the date alone would miss what it does not show yet.
        [self.bundle_ms, self.date_ms].into_iter().flatten().min()
    }
}

/// A walk and its files.
pub(crate) struct PageWalk {
    pages: PathBuf,
    file: PathBuf,
    progress: WalkProgress,
}

impl PageWalk {
    /// The walk of this name in `dir`: that which was broken off, when it is the same request for the same `purpose`, else a new one.
    pub(crate) fn open(
        dir: &Path,
        name: &str,
        purpose: &str,
        request: &WalkRequest,
        shape: PageShape,
        now_ms: i64,
    ) -> Result<Self> {
        let (pages, file) = (dir.join(format!("{name}.pages")), dir.join(format!("{name}.json")));
        let request = format!("{purpose}: {request:?}");
        let kept: Option<WalkProgress> = disk::read_if_there(&file)?.and_then(|b| serde_json::from_slice(&b).ok());
        let written = std::fs::metadata(&pages).map_or(0, |m| m.len());
        let kept = kept.filter(|p| p.request == request && p.offset <= written);
        Ok(Self { pages, file, progress: kept.unwrap_or_else(|| WalkProgress::new(request, shape, now_ms)) })
    }

    pub(crate) fn progress(&self) -> &WalkProgress {
        &self.progress
    }

    /// Walks to the last page.
    ///
    /// # Errors
    /// When the origin fails or refuses, or leads in a circle. What was received is kept.
    pub(crate) fn run(&mut self, source: &mut HttpSource, request: &WalkRequest, tell: &dyn Fn(&str, u64, u64)) -> Result<()> {
        let mut seen_links: HashSet<u64> = HashSet::new();
        let mut seen_pages: HashSet<u64> = HashSet::new();
        let what = format!("receiving {}", request.resource_type);
        while !self.progress.done {
            let (first, url) = match &self.progress.next {
                Some(next) => (false, next.clone()),
                None => (true, request.url(source, self.progress.shape, self.progress.boundary_us)),
            };
            let answer = source.get(&url, None, &mut |body| bundle::read(body, request.kind, &request.resource_type));
            let answer = match answer {
                Ok(answer) => answer,
                Err(Error::Status { status, .. }) if first && self.asks_less(status) => {
                    self.save()?;
                    continue;
                }
                Err(e @ Error::Status { status: 400 | 404 | 410 | 500, .. }) if !first => {
                    self.begin_again(request, source.world().now_ms(), e)?;
                    seen_links.clear();
                    seen_pages.clear();
                    continue;
                }
                Err(e) => return Err(e),
            };
            let Some(page) = answer.content else { return Err(refused(&url, "304 without a condition")) };
            if first {
                let p = &mut self.progress;
                p.sorts = p.shape.sorted && page.own.as_deref().is_some_and(|own| own.contains("_sort=_lastUpdated"));
                if p.pages == 0 {
                    (p.date_ms, p.bundle_ms, p.total) = (answer.date_ms, page.last_updated_ms, page.total);
                }
            }
            let next = page.next.as_deref().map(|link| source.origin().follow(&url, link)).transpose()?;
            let repeats = !seen_pages.insert(page.digest);
            self.progress.repeated += u32::from(repeats);
            let circle = next.as_ref().is_some_and(|next| !seen_links.insert(digest(next)));
            if circle || self.progress.repeated > limits::REPEATED_PAGES || self.progress.pages >= limits::WALK_PAGES {
                self.discard()?;
                return Err(refused(&url, "its pages lead in a circle; nothing of them was applied"));
            }
            self.append(&page, repeats)?;
            self.progress.done = next.is_none();
            self.progress.next = next;
            self.progress.ended_ms = source.world().now_ms();
            self.save()?;
            tell(&what, self.progress.matches, self.progress.total.unwrap_or(0));
        }
        Ok(())
    }

    /// After a refusal of the first page: asks for another shape; `false` when there is none left.
    fn asks_less(&mut self, status: u16) -> bool {
        if !matches!(status, 400 | 413 | 422 | 500 | 501 | 504) || self.progress.boundary_us.is_some() {
            return false;
        }
        let shape = &mut self.progress.shape;
        if shape.sorted {
            shape.sorted = false;
            return true;
        }
        match shape.count {
            Some(count) => {
                shape.count = (count > 10).then_some(count / 2);
                true
            }
            None => false,
        }
    }

    /// The next link is not served any more.
    fn begin_again(&mut self, request: &WalkRequest, now_ms: i64, why: Error) -> Result<()> {
        let restarts = self.progress.restarts + 1;
        if restarts > limits::RESTARTS {
            return Err(why);
        }
        if self.progress.sorts && self.progress.boundary_us.is_some() && !request.query.contains("_lastUpdated") {
            self.progress.next = None;
        } else {
            self.discard()?;
            self.progress = WalkProgress::new(self.progress.request.clone(), self.progress.shape, now_ms);
        }
        self.progress.restarts = restarts;
        self.save()
    }

    fn append(&mut self, page: &BundlePage, repeats: bool) -> Result<()> {
        let p = &mut self.progress;
        let mut text = Vec::new();
        for record in &page.records {
            // Sorted means: no instant smaller than one before, and none missing.
            match record.stamp.last_updated_us {
                Some(us) if p.boundary_us.is_none_or(|before| us >= before) => p.boundary_us = Some(us),
                // After a restart at the boundary nothing smaller comes either.
                _ => p.sorts = false,
            }
            text.extend_from_slice(record.id.as_bytes());
            text.push(b'\t');
            record.write(&mut text);
            text.push(b'\n');
        }
        let frame = compress(&text).map_err(file_error(&self.pages))?;
        let mut file =
            File::options().create(true).write(true).truncate(false).open(&self.pages).map_err(file_error(&self.pages))?;
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes();
        file.set_len(p.offset)
            .and_then(|()| file.seek(SeekFrom::Start(p.offset)))
            .and_then(|_| file.write_all(&length))
            .and_then(|()| file.write_all(&frame))
            .and_then(|()| file.sync_data())
            .map_err(file_error(&self.pages))?;
        p.offset += 4 + frame.len() as u64;
        p.pages += 1;
        // What comes again is not more of what was announced.
        p.matches += if repeats { 0 } else { page.matches };
        p.unnamed += page.unnamed;
        for (reason, n) in &page.rejects {
            *p.rejects.entry((*reason).to_owned()).or_default() += n;
        }
        Ok(())
    }

    fn save(&self) -> Result<()> {
        let json = serde_json::to_vec(&self.progress).map_err(|e| Error::State(e.to_string()))?;
        disk::write_atomically(&self.file, &json)
    }

    /// Forgets what was received.
    pub(crate) fn discard(&self) -> Result<()> {
        disk::remove_if_there(&self.file)?;
        disk::remove_if_there(&self.pages)
    }

    /// Hands out everything that was received, in its order.
    ///
    /// # Errors
    /// When the file is damaged; it is then removed, so that the next run receives it again.
    pub(crate) fn each(&self, ty: &str, take: &mut dyn FnMut(Record) -> Result<()>) -> Result<()> {
        if self.progress.offset == 0 {
            return Ok(());
        }
        let file = File::open(&self.pages).map_err(file_error(&self.pages))?;
        let mut file = BufReader::with_capacity(1 << 20, file).take(self.progress.offset);
        while file.limit() > 0 {
            let text = read_frame(&mut file);
            let Ok(text) = text else { return Err(self.damaged()) };
            for line in text.split_inclusive(|b| *b == b'\n') {
                let record = line.strip_suffix(b"\n").and_then(|line| {
                    let end = line.iter().position(|b| *b == b'\t')?;
                    Record::read(ty, str::from_utf8(&line[..end]).ok()?, &line[end + 1..])
                });
                take(record.ok_or_else(|| self.damaged())?)?;
            }
        }
        Ok(())
    }

    /// Adds everything that was received to a round.
    ///
    /// # Errors
    /// As [`PageWalk::each`].
    pub(crate) fn pour(&self, ty: &str, received: &mut Received) -> Result<()> {
        self.each(ty, &mut |record| received.push(&record))
    }

    fn damaged(&self) -> Error {
        let _ = self.discard();
        Error::State(format!("{}: what was received is damaged on disk; it was removed, run this again", self.pages.display()))
    }
}

fn compress(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3)?;
    encoder.include_checksum(true)?;
    encoder.write_all(text)?;
    encoder.finish()
}

fn read_frame(file: &mut dyn Read) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let frame = file.take(u64::from(u32::from_le_bytes(length)));
    let mut text = Vec::new();
    let mut decoder = zstd::stream::read::Decoder::new(frame)?;
    decoder.by_ref().take(2 * limits::BODY_BYTES).read_to_end(&mut text)?;
    Ok(text)
}
