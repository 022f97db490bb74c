//! Programs that are killed.
//!
//! The test runs itself as another process, which writes until it is killed (SIGKILL).

use super::{execute, many};
use crate::open_blocking;
use annuaire_base::Tx;
use annuaire_store::Expect;
use annuaire_store_suite as suite;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where the other process finds its registry; absent in the test itself.
const PLACE: &str = "ANNUAIRE_TEST_CRASH";

#[expect(clippy::disallowed_methods, reason = "the test speaks with its own process")]
fn place() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

fn other(test: &str, path: &Path) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", test, "--nocapture", "--test-threads", "1"]).env(PLACE, path);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Lets the other process write `lines` lines and a random bit more, then kills it; returns its whole lines that begin with `ACK `.
fn killed(mut child: Child, lines: usize, more: Duration) -> Vec<u64> {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut seen, mut line) = (Vec::new(), String::new());
    let number = |line: &str| line.split_once("ACK ").and_then(|(_, n)| n.trim_end().parse::<u64>().ok());
    while seen.len() < lines && out.read_line(&mut line).unwrap() > 0 {
        seen.extend(number(&line).filter(|_| line.ends_with('\n')));
        line.clear();
    }
    std::thread::sleep(more);
    child.kill().unwrap();
    child.wait().unwrap();
    for line in out.lines().map_while(Result::ok) {
        seen.extend(number(&line));
    }
    seen
}

fn acknowledge(n: u64) {
    println!("ACK {n}");
    std::io::stdout().flush().unwrap();
}

/// Number of kills, when the environment asks for more than a test does by itself.
#[expect(clippy::disallowed_methods, reason = "asked for by hand")]
fn kills() -> Option<u64> {
    std::env::var("ANNUAIRE_TEST_KILLS").ok().and_then(|n| n.parse().ok())
}

#[test]
fn nothing_acknowledged_is_lost_when_a_writer_is_killed() {
    if let Some(path) = place() {
        let r = open_blocking(&path).unwrap();
        loop {
            let next = r.last_tx().unwrap().get() + 1;
            // By turns a unit and a stage with a unit.
            let tx = if next.is_multiple_of(3) {
                suite::import(&r, 0, &many("t", 400, &next.to_string())).unwrap().tx
            } else {
                suite::write(&r, 0, &mut |u| u.put(suite::put("COUNTER", "s", &next.to_string()), Expect::Any)).unwrap().tx
            };
            acknowledge(tx.unwrap().get());
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r");
    suite::owners(&open_blocking(&path).unwrap(), &["s", "t"]);
    let name = "registry::tests::crash::nothing_acknowledged_is_lost_when_a_writer_is_killed";
    let mut last = 0;
    for round in 0..kills().unwrap_or(8) {
        let seen = killed(other(name, &path), 4, Duration::from_micros(round % 32 * 3_700));
        let r = open_blocking(&path).unwrap();
        let found = r.last_tx().unwrap().get();
        let acknowledged = seen.last().copied().unwrap_or_default();
        assert!(acknowledged > last && found >= acknowledged, "round {round}: {found} of {acknowledged}");
        assert!(found <= acknowledged + 1, "at most one was under way");
        for tx in last.max(1)..=found {
            // Far back, a page ends before its limit.
            let (mut standing, mut after) = (Vec::new(), Some(String::new()));
            while let Some(from) = after {
                let (page, next) = r.standing(Tx::new(tx), &from, 9_999).unwrap();
                standing.extend(page);
                after = next;
            }
            let of_file: Vec<_> = standing.iter().filter(|f| f.key.owner == "t").collect();
            let whole = if tx < 3 { 0 } else { 400 };
            let is_whole = of_file.len() == whole && of_file.windows(2).all(|w| w[0].tx == w[1].tx);
            assert!(is_whole, "round {round}, {tx} of {last} to {found}: {} of {whole} facts of the delivery", of_file.len());
        }
        assert_eq!(r.verify().unwrap(), [""; 0]);
        last = found;
    }
}

#[test]
fn a_migration_that_is_killed_begins_again() {
    if let Some(path) = place() {
        acknowledge(1);
        open_blocking(&path).unwrap();
        acknowledge(2);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r");
    execute(&path, include_str!("../../../tests/version-3.sql"));
    execute(
        &path,
        "INSERT INTO log_tx VALUES (5, 5000, 'import', 'many', 40000);
         INSERT INTO log_entry WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39999)
            SELECT 5, 'libre', 'M' || printf('%06d', i), NULL, '{\"i\":' || i || '}' FROM n;
         INSERT INTO object SELECT source, entity, tx, 0, NULL FROM log_entry WHERE tx = 5;",
    );
    let before = std::fs::read(&path).unwrap();
    let name = "registry::tests::crash::a_migration_that_is_killed_begins_again";
    let mut interrupted = 0;
    let rounds = kills().unwrap_or(6);
    for round in 0..rounds {
        let seen = killed(other(name, &path), 1, Duration::from_micros(150_000 * round / rounds));
        if seen.contains(&2) {
            // It has ended: once more from the old file.
            for of_new in ["-wal", "-shm"] {
                drop(std::fs::remove_file(crate::schema::beside(&path, of_new)));
            }
            std::fs::write(&path, &before).unwrap();
            continue;
        }
        let now = std::fs::read(&path).unwrap();
        // Before the swap the old file is untouched; after it the new one is whole.
        let old = now == before;
        interrupted += u32::from(old && crate::schema::beside(&path, "-migration").exists());
    }
    assert!(interrupted > 0, "none was killed in the middle");
    let r = open_blocking(&path).unwrap();
    assert_eq!(r.last_tx().unwrap(), Tx::new(5));
    let (page, _) = r.standing(Tx::new(5), "L", 100_000).unwrap();
    assert_eq!(page.len(), 40_000);
    assert_eq!(r.verify().unwrap(), [""; 0]);
    assert!(!crate::schema::beside(&path, "-migration").exists());
}
