//! A writer of small transactions beside the program: registers a fictional structure in each.

use crate::load::{Connection, Figures};
use annuaire_base::fact::{FactKey, Publication};
use annuaire_mos::{Objet, Structure};
use annuaire_store::{BlockingRegistry, Cause, Change, Channel, CommitClock, Expect};
use anyhow::{Context, Result};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

/// Commits a second.
pub const RATE: u32 = 50;
/// Owner in whose name structures are registered: one that the imported delivery does not speak for, as those of a portal. Each commit
/// for a source of the delivery would make its import compare again.
const OWNER: &str = "r-structure";

/// Opens the registry that the program uses: the database of the environment, else the file of the data directory.
pub fn registry(data: &Path) -> Result<BlockingRegistry> {
    Ok(match database() {
        Some(url) => annuaire_store_postgres::open_blocking(&url)?,
        None => annuaire_store_sqlite::open_blocking(&data.join("registry.sqlite"))?,
    })
}

/// URL of the PostgreSQL database to measure, of which `cargo xtask with-postgres` tells.
pub fn database() -> Option<String> {
    std::env::var("ANNUAIRE_TEST_POSTGRES").ok()
}

/// Milliseconds since 1970 UTC.
pub fn now_ms() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

/// The registration of the structure of this number.
fn registration(number: u64) -> Result<Change> {
    let id = format!("F99B{number:07}");
    let structure = Structure { id_technique: id.clone(), raison_sociale: format!("ESSAI {number}"), ..Default::default() };
    Ok(Change {
        key: FactKey { owner: OWNER.into(), entity: format!("ST:{id}"), facet: String::new() },
        payload: Some(serde_json::to_string(&Objet::Structure(structure))?),
        publication: Publication::Open,
        fingerprint: 0,
    })
}

/// Latencies in microseconds.
pub struct WriterFigures {
    /// From the begin of the unit to the return of its save.
    pub commits: Figures,
    /// From the return of the save to the first answer of the API that has the structure.
    pub visible: Figures,
    /// Commits that the API did not show within a minute.
    pub unseen: usize,
}

/// Commits [`RATE`] times a second until `stop`, from number `first` on, and watches `host` for each structure.
pub fn write_until(registry: &BlockingRegistry, host: &str, first: u64, stop: &AtomicBool) -> Result<WriterFigures> {
    let (send, committed) = channel();
    std::thread::scope(|scope| {
        let watcher = scope.spawn(move || watch(host, &committed));
        let commits = commit_until(registry, first, &send, stop);
        drop(send);
        let (visible, unseen) = watcher.join().ok().context("the watcher panicked")??;
        Ok(WriterFigures { commits: Figures::of(commits?), visible: Figures::of(visible), unseen })
    })
}

fn commit_until(registry: &BlockingRegistry, first: u64, send: &Sender<(u64, Instant)>, stop: &AtomicBool) -> Result<Vec<u64>> {
    let cause = Cause::new(Channel::Portal, "bench", "registration");
    let mut times = Vec::new();
    let mut next = Instant::now();
    for number in first.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let change = registration(number)?;
        let begin = Instant::now();
        let mut unit = registry.begin()?;
        unit.put(change, Expect::Any)?;
        unit.save(&cause, CommitClock { now_ms: &now_ms, any_clock: true })?;
        times.push(micros(begin.elapsed()));
        let _ = send.send((number, Instant::now()));
        // A late commit delays the ones behind it.
        next = (next + Duration::from_secs(1) / RATE).max(Instant::now());
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(times)
}

/// Asks the API for each structure, in the order of commits, until it is there.
fn watch(host: &str, committed: &Receiver<(u64, Instant)>) -> Result<(Vec<u64>, usize)> {
    let mut connection = Connection::open(host)?;
    let (mut body, mut times, mut unseen) = (Vec::new(), Vec::new(), 0);
    let mut waiting: VecDeque<(u64, Instant)> = VecDeque::new();
    loop {
        waiting.extend(committed.try_iter());
        let Some((number, since)) = waiting.front().copied().or_else(|| committed.recv().ok()) else { break };
        if waiting.is_empty() {
            waiting.push_back((number, since));
        }
        let status = connection.get(&format!("/fhir/v2/Organization/001-F99B{number:07}"), "", &mut body)?;
        if status == 200 || since.elapsed() > Duration::from_secs(60) {
            if status == 200 {
                times.push(micros(since.elapsed()))
            } else {
                unseen += 1
            }
            waiting.pop_front();
        } else {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    Ok((times, unseen))
}

fn micros(d: Duration) -> u64 {
    u64::try_from(d.as_micros()).unwrap_or(u64::MAX)
}
