//! Measures a registry on the facts of a former one (version 3): `measure OLD.sqlite PLACE`.
//!
//! OLD is read only. Prints seconds of a first load, of a second delivery in which 1 of 300 facts changed, of the page reads, of single
//! look-ups, of `verify`, and the size of the file; while the second delivery is staged, the slowest of the commits beside it.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measurement reads the clock, and stops at the first failure"
)]

use annuaire_base::Tx;
use annuaire_base::fact::{FactKey, Publication};
use annuaire_store::{BlockingRegistry, Cause, Change, Channel, CommitClock, Expect, OwnerRow};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

type FactRow = (String, String, String);

fn facts(path: &Path) -> Vec<FactRow> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut c: SqliteConnection =
            SqliteConnectOptions::new().filename(path).read_only(true).immutable(true).connect().await.unwrap();
        sqlx::query_as("SELECT source, entity, payload FROM log_entry WHERE tx = 1 AND payload IS NOT NULL")
            .fetch_all(&mut c)
            .await
            .unwrap()
    })
}

fn change(row: &FactRow, n: usize, payload: String) -> Change {
    let key = FactKey { owner: row.0.clone(), entity: row.1.clone(), facet: String::new() };
    Change { key, payload: Some(payload), publication: Publication::Open, fingerprint: n as u64 + 1 }
}

fn save(unit: annuaire_store::BlockingUnit, now_ms: i64) {
    let cause = Cause::new(Channel::Import, "measure", "measure");
    unit.save(&cause, CommitClock { now_ms: &|| now_ms, any_clock: true }).unwrap();
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    println!("{what}: {:.2} s", start.elapsed().as_secs_f64());
    done
}

fn import(r: &BlockingRegistry, changes: impl Iterator<Item = Change>) {
    let mut stage = r.stage().unwrap();
    let mut block = Vec::with_capacity(1_024);
    for change in changes {
        block.push(change);
        if block.len() == 1_024 {
            stage.put_all(block.drain(..)).unwrap();
        }
    }
    stage.put_all(block).unwrap();
    let mut unit = r.begin().unwrap();
    unit.adopt(stage).unwrap();
    save(unit, 1);
}

fn walk(r: &BlockingRegistry, at: Tx) -> usize {
    let (mut n, mut after) = (0, String::new());
    loop {
        let (page, end) = r.standing(at, &after, 10_000).unwrap();
        n += page.len();
        match end {
            Some(end) => after = end,
            None => return n,
        }
    }
}

fn main() {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (old, place) = (args.next().unwrap(), args.next().unwrap());
    let path = place.join("measure.sqlite");
    let rows = facts(&old);
    println!("{} facts, {} bytes of payloads", rows.len(), rows.iter().map(|r| r.2.len()).sum::<usize>());
    let r = annuaire_store_sqlite::open_blocking(&path).unwrap();
    let mut unit = r.begin().unwrap();
    for owner in rows.iter().map(|r| &r.0).chain([&"portal".to_owned()]).collect::<std::collections::BTreeSet<_>>() {
        unit.set_owner(&OwnerRow { code: owner.clone(), description: String::new() }).unwrap();
    }
    save(unit, 0);
    timed("first load", || import(&r, rows.iter().enumerate().map(|(n, row)| change(row, n, row.2.clone()))));
    println!("file: {} bytes", std::fs::metadata(&path).unwrap().len());
    timed("known, all owners", || {
        let mut unit = r.begin().unwrap();
        for owner in r.owners().unwrap() {
            let mut after = String::new();
            while let Some(last) = unit.known(&owner.code, &after, 10_000).unwrap().last() {
                after.clone_from(&last.entity);
            }
        }
    });
    timed("standing", || assert_eq!(walk(&r, Tx::new(1)), rows.len()));
    let commit_beside = |stop: &std::sync::atomic::AtomicBool| {
        let mut waits: Vec<Duration> = Vec::new();
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let start = Instant::now();
            let mut unit = r.begin().unwrap();
            let row = ("portal".to_owned(), format!("PP:8{:011}", waits.len()), String::new());
            unit.put(change(&row, waits.len(), format!("{{\"n\":{}}}", waits.len())), Expect::Any).unwrap();
            save(unit, 2);
            waits.push(start.elapsed());
            std::thread::sleep(Duration::from_millis(20).saturating_sub(start.elapsed()));
        }
        waits.sort_unstable();
        waits
    };
    for (what, step) in [("a day (1 of 300)", 300), ("half of all again", 2)] {
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let portal = scope.spawn(|| commit_beside(&stop));
            timed(what, || {
                import(
                    &r,
                    rows.iter().enumerate().step_by(step).map(|(n, row)| {
                        let payload = row.2.replacen('{', "{\"jour\":2,", 1);
                        change(row, n + 7 * step, payload)
                    }),
                );
            });
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            let waits = portal.join().unwrap();
            let at = |per_mille: usize| waits[(waits.len() - 1) * per_mille / 1_000].as_secs_f64() * 1e3;
            println!(
                "  {} commits beside it: p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
                waits.len(),
                at(500),
                at(990),
                at(1_000)
            );
        });
        println!("file: {} bytes", std::fs::metadata(&path).unwrap().len());
    }
    let last = r.last_tx().unwrap();
    timed("standing after both", || walk(&r, last));
    timed("standing at transaction 1", || assert_eq!(walk(&r, Tx::new(1)), rows.len()));
    timed("1,000 single look-ups", || {
        for row in rows.iter().step_by(rows.len() / 1_000).take(1_000) {
            assert!(!r.facts_at(last, std::slice::from_ref(&row.1)).unwrap().is_empty());
        }
    });
    timed("verify", || assert_eq!(r.verify().unwrap(), [""; 0]));
}
