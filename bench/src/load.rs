//! A small closed-loop load generator: the same for every server measured, so that figures compare.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A keep-alive connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    /// # Panics
    /// When the server is not there.
    #[must_use]
    pub fn open(host: &str) -> Self {
        let stream = TcpStream::connect(host).unwrap_or_else(|e| panic!("{host}: {e}"));
        stream.set_nodelay(true).expect("nodelay");
        Self { stream: BufReader::with_capacity(1 << 16, stream), host: host.to_owned() }
    }

    /// Status and body length of a GET; the body goes to `body`.
    ///
    /// # Panics
    /// When the server breaks the protocol.
    pub fn get(&mut self, path: &str, headers: &str, body: &mut Vec<u8>) -> u16 {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.host);
        self.stream.get_mut().write_all(request.as_bytes()).expect("write");
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("status line");
        let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("status");
        let (mut length, mut chunked) = (0, false);
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("header");
            if line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(n) = lower.strip_prefix("content-length:") {
                length = n.trim().parse().expect("length");
            }
            chunked |= lower.starts_with("transfer-encoding:") && lower.contains("chunked");
        }
        if !chunked {
            body.resize(length, 0);
            self.stream.read_exact(body).expect("body");
            return status;
        }
        body.clear();
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("chunk size");
            let size = usize::from_str_radix(line.trim(), 16).expect("chunk size");
            let at = body.len();
            body.resize(at + size + 2, 0);
            self.stream.read_exact(&mut body[at..]).expect("chunk");
            body.truncate(at + size);
            if size == 0 {
                return status;
            }
        }
    }
}

/// What a load gave.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub per_second: f64,
    pub p50_us: u64,
    pub p99_us: u64,
    pub bytes: usize,
}

/// Asks the paths in turn from `connections` connections during `seconds`.
///
/// # Panics
/// When an answer is not 200.
#[must_use]
pub fn run(host: &str, paths: &[String], headers: &str, connections: usize, seconds: f64) -> Figures {
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let (mut all, mut bytes) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|n| {
                let stop = &stop;
                scope.spawn(move || {
                    let mut c = Connection::open(host);
                    let (mut body, mut times, mut i) = (Vec::new(), Vec::new(), n * 7_919);
                    while !stop.load(Ordering::Relaxed) {
                        let path = &paths[i % paths.len()];
                        i += 1;
                        let begin = Instant::now();
                        let status = c.get(path, headers, &mut body);
                        assert_eq!(status, 200, "{path}");
                        times.push(u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX));
                    }
                    (times, body.len())
                })
            })
            .collect();
        std::thread::sleep(Duration::from_secs_f64(seconds));
        stop.store(true, Ordering::Relaxed);
        for t in threads {
            let (times, last) = t.join().expect("a load thread");
            all.extend(times);
            bytes = bytes.max(last);
        }
    });
    let elapsed = start.elapsed().as_secs_f64();
    all.sort_unstable();
    let at = |p: f64| all.get(((all.len() as f64 * p) as usize).min(all.len().saturating_sub(1))).copied().unwrap_or(0);
    Figures { per_second: all.len() as f64 / elapsed, p50_us: at(0.5), p99_us: at(0.99), bytes }
}
