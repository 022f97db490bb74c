//! A FHIR directory that misbehaves on demand.

use super::START_MS;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// A request as the origin sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub headers: HashMap<String, String>,
}

impl Asked {
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.path.split_once('?')?.1.split('&').find_map(|p| p.strip_prefix(name)?.strip_prefix('='))
    }
}

/// What the origin does instead of a proper answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A status, with headers and a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Only so many bytes of the body, then the end of the connection. The head announces the whole body.
    Truncate(usize),
    /// No answer at all.
    HangUp,
    /// Silence for this long, then no answer.
    Stall(Duration),
    /// The head and half of the body, then silence for this long.
    StallInBody(Duration),
}

pub type Faults = Box<dyn FnMut(&Asked) -> Option<Fault> + Send>;

#[derive(Debug, Clone)]
pub struct Version {
    pub version: u64,
    pub at_ms: i64,
    /// Members after `meta`; `None`: deleted.
    pub content: Option<String>,
}

/// What the origin holds, and how it behaves.
pub struct OriginState {
    pub clock_ms: i64,
    pub resources: BTreeMap<(String, String), Version>,
    pub log: Vec<(String, String, Version)>,
    pub history: bool,
    pub bundle_meta: bool,
    pub sorts: bool,
    pub totals: bool,
    pub publishes: bool,
    pub gzip: bool,
    pub count_max: usize,
    /// Where next links lead, when not to the origin.
    pub link_base: Option<String>,
    pub faults: Faults,
    pub asked: Vec<Asked>,
    /// Pages: entries, first of the page, type of Bundle, address of the first page.
    pub tokens: HashMap<String, (Vec<String>, usize, String, String)>,
    /// Next links are not served any more.
    pub forgotten: bool,
    /// Static answers by path: bytes and ETag.
    pub files: HashMap<String, (Vec<u8>, String)>,
    pub types: Vec<&'static str>,
    /// Bytes of each answer below `/files/`, before the line breaks; 0 for all.
    pub file_bytes: usize,
    made: u64,
}

pub struct FakeOrigin {
    pub base: String,
    pub state: Arc<Mutex<OriginState>>,
    stop: Arc<AtomicBool>,
    port: u16,
}

impl FakeOrigin {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(OriginState {
            clock_ms: START_MS,
            resources: BTreeMap::new(),
            log: Vec::new(),
            history: false,
            bundle_meta: false,
            sorts: false,
            totals: true,
            publishes: false,
            gzip: false,
            count_max: 10_000,
            link_base: None,
            faults: Box::new(|_| None),
            asked: Vec::new(),
            tokens: HashMap::new(),
            forgotten: false,
            files: HashMap::new(),
            types: vec!["Device", "Organization"],
            file_bytes: 0,
            made: 0,
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (state.clone(), stop.clone());
        let base = format!("http://127.0.0.1:{port}/fhir");
        let own = base.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, own) = (shared.clone(), own.clone());
                std::thread::spawn(move || stream.map(|stream| serve(stream, &shared, &own)));
            }
        });
        Self { base, state, stop, port }
    }

    pub fn lock(&self) -> MutexGuard<'_, OriginState> {
        self.state.lock().unwrap()
    }

    pub fn put(&self, ty: &str, id: &str, content: &str) {
        self.lock().put(ty, id, content);
    }

    /// What a mirror should hold: (type, id) → JSON.
    pub fn truth(&self) -> BTreeMap<(String, String), String> {
        let state = self.lock();
        let there = state.resources.iter().filter(|(_, v)| v.content.is_some());
        there.map(|((ty, id), v)| ((ty.clone(), id.clone()), resource(ty, id, v))).collect()
    }

    /// Takes the requests since the last call.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().asked).into_iter().map(|a| a.path).collect()
    }
}

impl Drop for FakeOrigin {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl OriginState {
    pub fn put(&mut self, ty: &str, id: &str, content: &str) {
        self.clock_ms += 7;
        let key = (ty.to_owned(), id.to_owned());
        let version = self.resources.get(&key).map_or(1, |v| v.version + 1);
        let v = Version { version, at_ms: self.clock_ms, content: Some(content.to_owned()) };
        self.log.push((ty.to_owned(), id.to_owned(), v.clone()));
        self.resources.insert(key, v);
    }

    pub fn delete(&mut self, ty: &str, id: &str) {
        self.clock_ms += 7;
        let at_ms = self.clock_ms;
        if let Some(v) = self.resources.get_mut(&(ty.to_owned(), id.to_owned())).filter(|v| v.content.is_some()) {
            *v = Version { version: v.version + 1, at_ms, content: None };
            self.log.push((ty.to_owned(), id.to_owned(), v.clone()));
        }
    }
}

/// An instant as FHIR writes it.
pub fn instant(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// A version as JSON.
pub fn resource(ty: &str, id: &str, v: &Version) -> String {
    let content = v.content.clone().unwrap_or_default();
    let comma = if content.is_empty() { "" } else { "," };
    let (version, at) = (v.version, instant(v.at_ms));
    format!(r#"{{"resourceType":"{ty}","id":"{id}","meta":{{"versionId":"{version}","lastUpdated":"{at}"}}{comma}{content}}}"#)
}

fn serve(stream: TcpStream, shared: &Mutex<OriginState>, base: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim().split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    if path.is_empty() {
        return Ok(());
    }
    let asked = Asked { path, headers };
    let mut state = shared.lock().unwrap();
    state.asked.push(asked.clone());
    let fault = (state.faults)(&asked);
    let mut stream = stream;
    let (status, mut extra, body): Answer = match &fault {
        Some(Fault::HangUp) => return Ok(()),
        Some(Fault::Stall(time)) => {
            drop(state);
            std::thread::sleep(*time);
            return Ok(());
        }
        Some(Fault::Answer(status, headers, body)) => {
            (*status, headers.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect(), body.clone().into_bytes())
        }
        _ => answer(&mut state, &asked, base),
    };
    let date = std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(state.clock_ms.unsigned_abs());
    extra.push(("date".into(), httpdate::fmt_http_date(date)));
    let cut = match &fault {
        Some(Fault::Truncate(n)) => (*n).min(body.len().saturating_sub(1)),
        Some(Fault::StallInBody(_)) => body.len() / 2,
        _ if state.file_bytes > 0 && asked.path.starts_with("/files/") => state.file_bytes.min(body.len()),
        _ => body.len(),
    };
    drop(state);
    let length = if status == 304 { 0 } else { body.len() };
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n");
    for (name, value) in extra {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    if status != 304 {
        stream.write_all(&body[..cut])?;
    }
    stream.flush()?;
    if let Some(Fault::StallInBody(time)) = fault {
        std::thread::sleep(time);
    }
    Ok(())
}

type Answer = (u16, Vec<(String, String)>, Vec<u8>);

fn fail(status: u16, text: &str) -> Answer {
    let body = format!(
        r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"exception","diagnostics":"{text}"}}]}}"#
    );
    (status, Vec::new(), body.into_bytes())
}

fn answer(state: &mut OriginState, asked: &Asked, base: &str) -> Answer {
    let path = asked.path.split('?').next().unwrap_or_default().to_owned();
    if let Some((bytes, etag)) = state.files.get(&path).cloned() {
        return file(asked, &bytes, &etag);
    }
    let Some(below) = path.strip_prefix("/fhir/").map(str::to_owned) else { return fail(404, "no such path") };
    let (status, mut extra, body) = fhir(state, asked, base, &below);
    if state.gzip && asked.headers.get("accept-encoding").is_some_and(|e| e.contains("gzip")) {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&body).unwrap();
        extra.push(("content-encoding".to_owned(), "gzip".to_owned()));
        return (status, extra, packed.finish().unwrap());
    }
    (status, extra, body)
}

fn fhir(state: &mut OriginState, asked: &Asked, base: &str, below: &str) -> Answer {
    if below == "metadata" {
        return metadata(state);
    }
    if below == "_page" {
        let token = asked.parameter("id").unwrap_or_default().to_owned();
        let Some((entries, at, kind, own)) = state.tokens.get(&token).cloned().filter(|_| !state.forgotten) else {
            return fail(500, "The url can't be processed. Maybe it is too old or corrupted.");
        };
        return page(state, base, &entries, at, &kind, &own, &token);
    }
    let (ty, rest) = below.split_once('/').map_or((below, ""), |(ty, rest)| (ty, rest));
    if !state.types.contains(&ty) {
        return fail(404, "Resource type not supported.");
    }
    if rest == "_history" && state.history {
        let since = asked.parameter("_since").map_or(i64::MIN, read_instant);
        let newest_first = state.log.iter().rev().filter(|(of, _, v)| of == ty && v.at_ms >= since);
        let entries = newest_first.map(|(of, id, v)| history_entry(of, id, v)).collect();
        return first_page(state, asked, base, entries, "history");
    }
    if rest.is_empty() {
        return search(state, asked, base, ty);
    }
    match state.resources.get(&(ty.to_owned(), rest.to_owned())).filter(|v| v.content.is_some()) {
        Some(v) => (200, Vec::new(), resource(ty, rest, v).into_bytes()),
        None => fail(404, "Resource not found"),
    }
}

fn metadata(state: &OriginState) -> Answer {
    let history = if state.history { r#",{"code":"history-type"}"# } else { "" };
    let of_type = |ty: &&str| format!(r#"{{"type":"{ty}","interaction":[{{"code":"search-type"}}{history}]}}"#);
    let types: Vec<String> = state.types.iter().map(of_type).collect();
    let operation = if state.publishes { r#","operation":[{"name":"bulk-publish"}]"# } else { "" };
    let body = format!(r#"{{"resourceType":"CapabilityStatement","rest":[{{"resource":[{}]{operation}}}]}}"#, types.join(","));
    (200, Vec::new(), body.into_bytes())
}

fn read_instant(text: &str) -> i64 {
    text.trim_start_matches("ge").parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn history_entry(ty: &str, id: &str, v: &Version) -> String {
    let (version, at) = (v.version, instant(v.at_ms));
    let response = format!(r#""response":{{"status":"200","etag":"W/\"{version}\"","lastModified":"{at}"}}"#);
    match &v.content {
        Some(_) => {
            format!(r#"{{"resource":{},"request":{{"method":"PUT","url":"{ty}/{id}"}},{response}}}"#, resource(ty, id, v))
        }
        None => format!(r#"{{"request":{{"method":"DELETE","url":"{ty}/{id}"}},{response}}}"#),
    }
}

fn search(state: &mut OriginState, asked: &Asked, base: &str, ty: &str) -> Answer {
    if asked.path.contains("_sort") && !state.sorts {
        return fail(500, "Parameter _sort not found for resource");
    }
    if asked.parameter("_count").is_some_and(|n| n.parse::<usize>().unwrap() > state.count_max) {
        return fail(500, "_count is too large");
    }
    let since = asked.parameter("_lastUpdated").map_or(i64::MIN, read_instant);
    let there = |of: &str, v: &Version| of == ty && v.content.is_some() && v.at_ms >= since;
    let mut found: Vec<_> = state.resources.iter().filter(|((of, _), v)| there(of, v)).collect();
    if asked.path.contains("_sort") {
        found.sort_by_key(|(_, v)| v.at_ms);
    }
    let entry = |((of, id), v): (&(String, String), &Version)| {
        let slim = Version { content: Some(String::new()), ..v.clone() };
        let v = if asked.path.contains("_elements") { &slim } else { v };
        format!(r#"{{"fullUrl":"{base}/{of}/{id}","resource":{}}}"#, resource(of, id, v))
    };
    let entries = found.into_iter().map(entry).collect();
    first_page(state, asked, base, entries, "searchset")
}

fn first_page(state: &mut OriginState, asked: &Asked, base: &str, entries: Vec<String>, kind: &str) -> Answer {
    let count = asked.parameter("_count").map_or(3, |n| n.parse().unwrap());
    state.made += 1;
    let token = format!("u{}n0-{count}", state.made);
    let own = asked.path.clone();
    page(state, base, &entries, 0, kind, &own, &token)
}

fn page(state: &mut OriginState, base: &str, entries: &[String], at: usize, kind: &str, own: &str, token: &str) -> Answer {
    let (walk, rest) = token.split_once('n').unwrap();
    let count: usize = rest.split_once('-').unwrap().1.parse().unwrap();
    let end = (at + count).min(entries.len());
    let mut links = vec![format!(r#"{{"relation":"self","url":"{own}"}}"#)];
    if end < entries.len() {
        let next = format!("{walk}n{end}-{count}");
        state.tokens.insert(next.clone(), (entries.to_vec(), end, kind.to_owned(), own.to_owned()));
        let base = state.link_base.as_deref().unwrap_or(base);
        links.push(format!(r#"{{"relation":"next","url":"{base}/_page?id={next}"}}"#));
    }
    let meta =
        if state.bundle_meta { format!(r#","meta":{{"lastUpdated":"{}"}}"#, instant(state.clock_ms)) } else { String::new() };
    let total = if state.totals { format!(r#","total":{}"#, entries.len()) } else { String::new() };
    let (links, entries) = (links.join(","), entries[at..end].join(","));
    let body = format!(r#"{{"resourceType":"Bundle","type":"{kind}"{meta}{total},"link":[{links}],"entry":[{entries}]}}"#);
    (200, Vec::new(), body.into_bytes())
}

fn file(asked: &Asked, bytes: &[u8], etag: &str) -> Answer {
    let mut headers = vec![("etag".to_owned(), etag.to_owned())];
    if asked.headers.get("if-none-match").is_some_and(|e| e == etag) {
        return (304, headers, Vec::new());
    }
    let from = asked.headers.get("range").and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let same = asked.headers.get("if-range").is_none_or(|e| e == etag);
    match from.filter(|_| same) {
        Some(from) if from >= bytes.len() => (416, headers, Vec::new()),
        Some(from) => {
            headers.push(("content-range".to_owned(), format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len())));
            (206, headers, bytes[from..].to_vec())
        }
        None => (200, headers, bytes.to_vec()),
    }
}
