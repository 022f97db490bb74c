//! A small closed-loop load generator. Every server is measured with it, so figures compare.

use anyhow::{Result, bail};
use serde_json::Value;
use std::fmt;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A keep-alive connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

/// A server that breaks the protocol.
fn broken(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("no {what} in the answer"))
}

impl Connection {
    pub fn open(host: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(1 << 16, stream), host: host.to_owned() })
    }

    /// Status of a GET; the body goes to `body`.
    pub fn get(&mut self, path: &str, headers: &str, body: &mut Vec<u8>) -> std::io::Result<u16> {
        self.exchange(("GET", path), headers, &[], body, &mut Vec::new())
    }

    /// Status of a request with a body; that of the answer goes to `body`, lines of its head that lead on or are cookies to `seen`.
    pub fn exchange(
        &mut self,
        (method, path): (&str, &str),
        headers: &str,
        sent: &[u8],
        body: &mut Vec<u8>,
        seen: &mut Vec<String>,
    ) -> std::io::Result<u16> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.host).into_bytes();
        request.extend_from_slice(sent);
        self.stream.get_mut().write_all(&request)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| broken("status"))?;
        let (mut length, mut chunked) = (0, false);
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(n) = lower.strip_prefix("content-length:") {
                length = n.trim().parse().map_err(|_| broken("length"))?;
            }
            if lower.starts_with("location:") || lower.starts_with("set-cookie:") {
                seen.push(line.trim_end().to_owned());
            }
            chunked |= lower.starts_with("transfer-encoding:") && lower.contains("chunked");
        }
        if !chunked {
            body.resize(length, 0);
            self.stream.read_exact(body)?;
            return Ok(status);
        }
        body.clear();
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| broken("chunk size"))?;
            let at = body.len();
            body.resize(at + size + 2, 0);
            self.stream.read_exact(&mut body[at..])?;
            body.truncate(at + size);
            if size == 0 {
                return Ok(status);
            }
        }
    }
}

/// The body of one GET.
pub fn fetch(host: &str, path: &str) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    match Connection::open(host)?.get(path, "", &mut body)? {
        200 => Ok(body),
        status => bail!("refused, {status}: {}", why(&body)),
    }
}

/// The reason that a refusal gives.
fn why(body: &[u8]) -> String {
    let outcome: Value = serde_json::from_slice(body).unwrap_or_default();
    outcome["issue"][0]["diagnostics"].as_str().unwrap_or_default().to_owned()
}

/// The body of one GET, parsed.
pub fn json(host: &str, path: &str) -> Result<Value> {
    Ok(serde_json::from_slice(&fetch(host, path)?)?)
}

/// Figures of a load.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub per_second: f64,
    /// Mean bytes of an answer.
    pub bytes: u64,
    /// Latency of each answer in microseconds, sorted.
    times: Vec<u64>,
    refused: usize,
    /// Reason of the first refusal.
    reason: String,
}

impl Figures {
    pub fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        Self { times, ..Self::default() }
    }

    fn at(&self, thousandths: usize) -> u64 {
        let last = self.times.len().saturating_sub(1);
        self.times.get((self.times.len() * thousandths / 1_000).min(last)).copied().unwrap_or(0)
    }

    pub fn p50(&self) -> u64 {
        self.at(500)
    }

    pub fn p99(&self) -> u64 {
        self.at(990)
    }

    pub fn worst(&self) -> u64 {
        self.times.last().copied().unwrap_or(0)
    }

    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// Figures of several loads as one.
    pub fn join(&mut self, other: &Self) {
        self.times.extend_from_slice(&other.times);
        self.times.sort_unstable();
        self.refused += other.refused;
    }

    /// Refusals, for the end of a row.
    pub fn refusals(&self) -> String {
        match self.refused {
            0 => String::new(),
            n => format!(", {n} refused ({})", self.reason),
        }
    }

    /// The ratio to another load, for the end of a row.
    pub fn beside(&self, name: &str, other: &Self) -> String {
        if other.per_second == 0.0 {
            format!(", no answer of {name}{}", other.refusals())
        } else {
            format!(", {:.2} × {name} ({:.0}/s)", self.per_second / other.per_second, other.per_second)
        }
    }

    fn took(&mut self, begin: Instant) {
        self.times.push(u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX));
    }

    fn refuse(&mut self, reason: impl FnOnce() -> String) {
        if self.refused == 0 {
            self.reason = reason();
        }
        self.refused += 1;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.times.is_empty() {
            return write!(f, "no answer{}", self.refusals());
        }
        let (p50, p99) = (self.p50(), self.p99());
        write!(f, "{:.0}/s, p50 {p50} µs, p99 {p99} µs, {} bytes{}", self.per_second, self.bytes, self.refusals())
    }
}

/// One client: sends requests and reconnects when its connection ended.
struct LoadClient<'a> {
    host: &'a str,
    connection: Option<Connection>,
    body: Vec<u8>,
    figures: Figures,
}

impl<'a> LoadClient<'a> {
    fn new(host: &'a str) -> Self {
        Self { host, connection: None, body: Vec::new(), figures: Figures::default() }
    }

    fn ask(&mut self, path: &str, headers: &str) {
        let mut connection = match self.connection.take().map_or_else(|| Connection::open(self.host), Ok) {
            Ok(connection) => connection,
            Err(e) => return self.fail(&e),
        };
        let begin = Instant::now();
        match connection.get(path, headers, &mut self.body) {
            Ok(200) => {
                self.figures.took(begin);
                self.figures.bytes += self.body.len() as u64;
            }
            Ok(status) => self.figures.refuse(|| format!("{status} {}", why(&self.body))),
            Err(e) => return self.fail(&e),
        }
        self.connection = Some(connection);
    }

    /// Waits after a failure, so that a dead server is not polled at full speed.
    fn fail(&mut self, e: &Error) {
        self.figures.refuse(|| e.to_string());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The figures of several clients that worked together for `elapsed`.
fn together(all: Vec<Figures>, elapsed: Duration) -> Figures {
    let mut sum = Figures::default();
    for one in all {
        if sum.refused == 0 {
            sum.reason.clone_from(&one.reason);
        }
        sum.refused += one.refused;
        sum.bytes += one.bytes;
        sum.times.extend(one.times);
    }
    sum.times.sort_unstable();
    sum.bytes = sum.bytes.checked_div(sum.times.len() as u64).unwrap_or(0);
    sum.per_second = sum.times.len() as f64 / elapsed.as_secs_f64();
    sum
}

/// Requests the paths in turn on `connections` connections while `work` runs, from threads of that niceness.
pub fn run_while<T>(
    host: &str,
    paths: &[String],
    headers: &str,
    (connections, niceness): (usize, i32),
    work: impl FnOnce() -> T,
) -> (Figures, T) {
    let stop = AtomicBool::new(paths.is_empty());
    let start = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|n| {
                let stop = &stop;
                scope.spawn(move || {
                    if niceness > 0 {
                        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), niceness);
                    }
                    let mut client = LoadClient::new(host);
                    let mut i = n * 7_919;
                    while !stop.load(Ordering::Relaxed) {
                        client.ask(&paths[i % paths.len()], headers);
                        i += 1;
                    }
                    client.figures
                })
            })
            .collect();
        let done = work();
        stop.store(true, Ordering::Relaxed);
        let all = threads.into_iter().filter_map(|t| t.join().ok()).collect();
        (together(all, start.elapsed()), done)
    })
}

/// Requests the paths in turn on `connections` connections for `seconds`.
pub fn run(host: &str, paths: &[String], headers: &str, connections: usize, seconds: f64) -> Figures {
    run_while(host, paths, headers, (connections, 0), || std::thread::sleep(Duration::from_secs_f64(seconds))).0
}

/// Requests each path once, on one connection.
pub fn once(host: &str, paths: &[String]) -> Figures {
    let mut client = LoadClient::new(host);
    let start = Instant::now();
    paths.iter().for_each(|path| client.ask(path, ""));
    together(vec![client.figures], start.elapsed())
}

/// A client that behaves: the paths in turn on one connection, at most `per_second`. Latency counts from the sending of a
/// request; a late answer delays the requests behind it.
pub fn paced(host: &str, paths: &[String], headers: &str, per_second: u32, seconds: f64) -> Figures {
    let mut client = LoadClient::new(host);
    let (start, pause) = (Instant::now(), Duration::from_secs(1) / per_second);
    let mut next = start;
    for path in paths.iter().cycle() {
        if start.elapsed().as_secs_f64() >= seconds {
            break;
        }
        client.ask(path, headers);
        next = (next + pause).max(Instant::now());
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    together(vec![client.figures], start.elapsed())
}
