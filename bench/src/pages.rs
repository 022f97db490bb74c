//! Walks along `next` links: everything, compressed, and deep.

use crate::load::{Connection, Figures};
use anyhow::{Result, ensure};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// The types of the public perimeter.
const TYPES: [&str; 5] = ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"];

/// A client that turns pages.
pub struct PageTurner {
    connection: Connection,
    headers: &'static str,
    next: Option<String>,
    received: Vec<u8>,
    /// The page, decompressed.
    pub body: Vec<u8>,
}

impl PageTurner {
    pub fn of(host: &str, query: &str, gzip: bool) -> Result<Self> {
        let headers = if gzip { "Accept-Encoding: gzip\r\n" } else { "" };
        let next = Some(format!("/fhir/v2/{query}"));
        Ok(Self { connection: Connection::open(host)?, headers, next, received: Vec::new(), body: Vec::new() })
    }

    /// Reads the next page: the time until it was received, `None` after the last. Decompression and parsing are not counted.
    pub fn turn(&mut self) -> Result<Option<Duration>> {
        let Some(path) = self.next.take() else { return Ok(None) };
        let start = Instant::now();
        let status = self.connection.get(&path, self.headers, &mut self.received)?;
        let took = start.elapsed();
        ensure!(status == 200, "{status} for {}", path.chars().take(200).collect::<String>());
        self.body.clear();
        if self.received.starts_with(&[0x1f, 0x8b]) {
            flate2::read::GzDecoder::new(&self.received[..]).read_to_end(&mut self.body)?;
        } else {
            self.body.extend_from_slice(&self.received);
        }
        self.next = next(&self.body);
        Ok(Some(took))
    }
}

/// Path of the next page, cut from the end of the body, where links are: the page is not parsed.
fn next(page: &[u8]) -> Option<String> {
    let tail = &page[page.len().saturating_sub(128 << 10)..];
    let marker = b"\"relation\":\"next\",\"url\":\"";
    let at = tail.windows(marker.len()).rposition(|w| w == marker)? + marker.len();
    let url = std::str::from_utf8(&tail[at..]).ok()?.split('"').next()?;
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|i| &rest[i..]));
    Some(path.unwrap_or(url).to_owned())
}

/// The resources of a page, byte for byte.
fn resources(page: &[u8]) -> impl Iterator<Item = &[u8]> {
    let page = std::str::from_utf8(page).unwrap_or_default();
    let entries = page.split(",\"search\":{\"mode\":\"match\"}").filter_map(|e| e.split_once(",\"resource\":"));
    entries.map(|(_, resource)| resource.as_bytes())
}

/// Counts what is written to it.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Figures of a walk over every type.
pub struct Walk {
    pub resources: u64,
    pub seconds: f64,
    /// Bytes of the bodies as sent.
    pub received: u64,
    /// Bytes of the resources as NDJSON.
    pub ndjson: u64,
    /// Bytes of the NDJSON as one zstd stream.
    pub packed: u64,
}

impl Walk {
    pub fn per_second(&self) -> f64 {
        self.resources as f64 / self.seconds
    }
}

/// The resources of the first `most` pages of each type.
pub fn walk(host: &str, gzip: bool, most: usize) -> Result<Walk> {
    let mut w = Walk { resources: 0, seconds: 0.0, received: 0, ndjson: 0, packed: 0 };
    // The zstd figure is computed in the plain walk only.
    let mut packed = (!gzip).then(|| zstd::stream::write::Encoder::new(Counter(0), 3)).transpose()?;
    for ty in TYPES {
        let mut pages = PageTurner::of(host, &format!("{ty}?_count=1000"), gzip)?;
        for _ in 0..most {
            let Some(took) = pages.turn()? else { break };
            w.seconds += took.as_secs_f64();
            w.received += pages.received.len() as u64;
            for resource in resources(&pages.body) {
                w.resources += 1;
                w.ndjson += resource.len() as u64 + 1;
                if let Some(packed) = &mut packed {
                    packed.write_all(resource)?;
                    packed.write_all(b"\n")?;
                }
            }
        }
    }
    w.packed = packed.map(|p| p.finish()).transpose()?.map_or(0, |c| c.0);
    Ok(w)
}

/// Prints the time of a page by its depth, for walks of at most `seconds`.
pub fn deep(host: &str, seconds: f64) {
    println!("\n| Depth | pages | page 2 | page 1,000 | last | p50 of each tenth of the walk, µs |\n|---|---|---|---|---|---|");
    for query in
        ["Practitioner?_count=50", "Practitioner?name=m&_count=50", "Practitioner?_count=1000", "Practitioner?name=m&_count=1000"]
    {
        match depth(host, query, seconds) {
            Ok(row) => println!("| `{query}` | {row} |"),
            Err(e) => println!("| `{query}` | not measured: {e:#} | | | | |"),
        }
    }
}

fn depth(host: &str, query: &str, seconds: f64) -> Result<String> {
    let start = Instant::now();
    let mut pages = PageTurner::of(host, query, false)?;
    let (mut times, mut marks, mut ended) = (Vec::new(), [None, None, None], false);
    while start.elapsed().as_secs_f64() < seconds {
        let path = pages.next.clone();
        let Some(took) = pages.turn()? else {
            ended = true;
            break;
        };
        times.push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        match times.len() {
            2 => marks[0] = path.clone(),
            1_000 => marks[1] = path.clone(),
            _ => {}
        }
        marks[2] = path;
    }
    let mut cells = marks.map(|path| path.map_or_else(|| "none".to_owned(), |path| again(host, &path)));
    if !ended {
        cells[2].push_str(" (not the end)");
    }
    let tenths: Vec<String> =
        times.chunks(times.len().div_ceil(10).max(1)).map(|c| Figures::of(c.to_vec()).p50().to_string()).collect();
    Ok(format!("{} | {} | {}", times.len(), cells.join(" | "), tenths.join(", ")))
}

/// The median time of one page over thirty requests.
fn again(host: &str, path: &str) -> String {
    let f = crate::load::once(host, &vec![path.to_owned(); 30]);
    if f.count() == 0 { format!("no answer{}", f.refusals()) } else { format!("{} µs", f.p50()) }
}
