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
    /// For each node, from the return of the save to the first answer of its API that has the structure.
    pub visible: Vec<Visible>,
}

/// When a node showed what was committed.
pub struct Visible {
    /// Latencies in microseconds.
    pub times: Figures,
    /// Commits that it did not show within a minute.
    pub unseen: usize,
}

/// Commits [`RATE`] times a second until `stop`, from number `first` on, and watches all `hosts` for each structure.
pub fn write_until(registry: &BlockingRegistry, hosts: &[&str], first: u64, stop: &AtomicBool) -> Result<WriterFigures> {
    std::thread::scope(|scope| {
        let (senders, watchers): (Vec<_>, Vec<_>) = hosts
            .iter()
            .map(|host| {
                let (send, committed) = channel();
                (send, scope.spawn(move || watch(host, &committed)))
            })
            .unzip();
        let commits = commit_until(registry, first, &senders, stop);
        drop(senders);
        let visible =
            watchers.into_iter().map(|watcher| watcher.join().ok().context("a watcher panicked")?).collect::<Result<_>>()?;
        Ok(WriterFigures { commits: Figures::of(commits?), visible })
    })
}

fn commit_until(
    registry: &BlockingRegistry,
    first: u64,
    watchers: &[Sender<(u64, Instant)>],
    stop: &AtomicBool,
) -> Result<Vec<u64>> {
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
        let now = Instant::now();
        watchers.iter().for_each(|watcher| _ = watcher.send((number, now)));
        // A late commit delays the ones behind it.
        next = (next + Duration::from_secs(1) / RATE).max(Instant::now());
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(times)
}

/// Asks the API for each structure, in the order of commits, until it is there.
fn watch(host: &str, committed: &Receiver<(u64, Instant)>) -> Result<Visible> {
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
    Ok(Visible { times: Figures::of(times), unseen })
}

fn micros(d: Duration) -> u64 {
    u64::try_from(d.as_micros()).unwrap_or(u64::MAX)
}
