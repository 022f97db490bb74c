//! How much other clients slow one down: many idle ones, and one that abuses the server.

use crate::load::{self, Connection, Figures};
use crate::program::{MeasuredServer, descriptors};
use crate::table::{CONNECTIONS, row};
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Requests a second of the client that behaves.
const PACE: u32 = 1_000;
/// Values of a list of alternatives.
const ALTERNATIVES: usize = 1_000;
/// Niceness of the threads of the abusive client: it stands for one on another machine, whose work takes nothing here.
const ELSEWHERE: i32 = 15;
/// Connections that never end their headers, and those that never read.
const HALF_HEADS: usize = 200;
const NEVER_READ: usize = 50;

/// Measures the reads of a client before and while `most` other connections stay open after one request each.
pub fn idle(server: &MeasuredServer, reads: &[String], most: usize, seconds: f64) {
    let before = load::paced(&server.host, reads, "", PACE, seconds);
    let resident = server.memory_kib("VmRSS");
    let many = most.min(descriptors().saturating_sub(200));
    let (mut held, mut body, mut failed) = (Vec::with_capacity(many), Vec::new(), String::new());
    for path in reads.iter().cycle().take(many) {
        let one = Connection::open(&server.host).and_then(|mut c| c.get(path, "", &mut body).map(|_| c));
        match one {
            Ok(c) => held.push(c),
            Err(e) => {
                failed = format!(", then: {e}");
                break;
            }
        }
    }
    let with = load::paced(&server.host, reads, "", PACE, seconds);
    let grown = server.memory_kib("VmRSS").saturating_sub(resident);
    row(
        &format!("{} idle connections", held.len()),
        &format!(
            "{} MiB, {:.1} KiB each; reads of another client p50 {} µs, p99 {} µs (before {} and {}){}{failed}",
            grown / 1024,
            grown as f64 / held.len().max(1) as f64,
            with.p50(),
            with.p99(),
            before.p50(),
            before.p99(),
            with.refusals()
        ),
    );
}

/// Keys of the client that behaves and of the other: the server tells them apart by these.
pub const KEYS: [&str; 2] = ["behaves", "abuses"];

/// The header of a key.
pub fn key(key: &str) -> String {
    format!("ESANTE-API-KEY: {key}\r\n")
}

/// What an abusive client does.
enum Abuse {
    Asks(Vec<String>),
    HalfHeads,
    NeverReads(String),
}

/// Prints the latency of a client that behaves, alone and beside each kind of abuse.
pub fn measure(host: &str, reads: &[String], identifiers: &[String], names: &[String], seconds: f64) {
    let victim: Vec<String> = reads.iter().zip(identifiers).flat_map(|(r, i)| [r.clone(), i.clone()]).collect();
    let of = |letter: char| format!("/fhir/v2/Practitioner?family:contains={letter}");
    // Values of the searches, already percent-encoded.
    let list = |queries: &[String], parameter: &str| {
        let values: Vec<&str> =
            queries.iter().filter_map(|q| q.split_once('=')?.1.split('&').next()).cycle().take(ALTERNATIVES).collect();
        format!("/fhir/v2/Practitioner?{parameter}={}", values.join(","))
    };
    let abuses = [
        ("8 connections of `family:contains` of a letter", Abuse::Asks(('a'..='z').map(of).collect())),
        (
            "8 connections of `_count=1000`",
            Abuse::Asks(["Practitioner", "PractitionerRole"].map(|t| format!("/fhir/v2/{t}?_count=1000")).into()),
        ),
        ("8 connections of lists of 1,000 identifiers", Abuse::Asks(vec![list(identifiers, "identifier")])),
        ("8 connections of lists of 1,000 names", Abuse::Asks(vec![list(names, "name")])),
        ("200 connections of half a head", Abuse::HalfHeads),
        ("50 connections that never read pages of 1,000", Abuse::NeverReads("/fhir/v2/Practitioner?_count=1000".to_owned())),
    ];
    println!(
        "\n| A client at {PACE} requests/s, beside | p50 | p99 | alone | ratio | the other got |\n|---|---|---|---|---|---|"
    );
    let alone = || load::paced(host, &victim, &key(KEYS[0]), PACE, seconds);
    let mut before = alone();
    for (name, abuse) in abuses {
        // Opening the connections is not measured: holding them is.
        let lead = Duration::from_secs_f64(seconds / 2.0);
        let (beside, got) = abuse.during(host, || {
            std::thread::sleep(lead);
            alone()
        });
        let after = alone();
        let mean = |of: fn(&Figures) -> u64| (of(&before) + of(&after)) as f64 / 2.0;
        let (p50, p99) = (mean(Figures::p50), mean(Figures::p99));
        println!(
            "| {name} | {} µs | {} µs | {p50:.0} and {p99:.0} µs | {:.1} and {:.1}{} | {got} |",
            beside.p50(),
            beside.p99(),
            beside.p50() as f64 / p50.max(1.0),
            beside.p99() as f64 / p99.max(1.0),
            beside.refusals()
        );
        before = after;
    }
}

impl Abuse {
    /// Runs `work` beside the abuse. The second value describes what the abusive client got.
    fn during<T>(&self, host: &str, work: impl FnOnce() -> T) -> (T, String) {
        match self {
            Self::Asks(paths) => {
                let (f, done) = load::run_while(host, paths, &key(KEYS[1]), (CONNECTIONS, ELSEWHERE), work);
                (done, f.to_string())
            }
            Self::HalfHeads => {
                let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{}X-Long: ", key(KEYS[1]));
                Self::holding(host, HALF_HEADS, head.as_bytes(), work)
            }
            Self::NeverReads(path) => {
                let requests = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{}\r\n", key(KEYS[1])).repeat(20);
                Self::holding(host, NEVER_READ, requests.as_bytes(), work)
            }
        }
    }

    /// Holds connections that sent `first` and then one byte a second; a closed one is opened again.
    fn holding<T>(host: &str, many: usize, first: &[u8], work: impl FnOnce() -> T) -> (T, String) {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let held = scope.spawn(|| {
                let mut held: Vec<Option<TcpStream>> = (0..many).map(|_| None).collect();
                let (mut opened, mut turn) = (0, Instant::now());
                while !stop.load(Ordering::Relaxed) {
                    for one in &mut held {
                        if one.as_mut().is_some_and(|c| c.write_all(b"a").is_ok()) {
                            continue;
                        }
                        *one = open(host, first).ok();
                        opened += 1;
                    }
                    while turn.elapsed() < Duration::from_secs(1) && !stop.load(Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    turn = Instant::now();
                }
                opened
            });
            let done = work();
            stop.store(true, Ordering::Relaxed);
            (done, format!("{} connections opened", held.join().unwrap_or(0)))
        })
    }
}

fn open(host: &str, first: &[u8]) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(host)?;
    // A send that blocks is given up too.
    stream.set_write_timeout(Some(Duration::from_millis(100)))?;
    stream.write_all(first)?;
    Ok(stream)
}
