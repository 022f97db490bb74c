//! A program that is killed while it applies transactions leaves a store that goes on as if nothing had happened.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use annuaire_base::Tx;
use annuaire_terms::{Presence, Resource};

use super::common::{DICTIONARIES, MAP, resource, ty};
use super::group::{LogTransaction, RETENTION, apply_one, assert_same_stores, items};
use super::model::filters;
use crate::{Error, Index, Snapshot};

/// Directory of the store for the program that is killed, in its environment.
const STORE: &str = "ANNUAIRE_INDEX_KILL_STORE";
/// Whether it compacts the store too.
const COMPACTS: &str = "ANNUAIRE_INDEX_KILL_COMPACTS";

/// The n-th transaction of an endless log. Some are long enough to be applied alone, in several commits.
fn transaction(n: u64) -> LogTransaction {
    let mut dice = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |limit: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice >> 20) % limit
    };
    let count = if n % 13 == 5 { 45 } else { below(4) };
    let mut one = || {
        let presence = [Presence::Described, Presence::Described, Presence::Withdrawn][below(3) as usize];
        let (t, id, content) = (below(2) as u8, below(200) as u8, below(6) as u8);
        Resource { presence, ..resource(ty(t), id, content) }
    };
    LogTransaction { tx: Tx::new(n), ms: 20 * n as i64, resources: (0..count).map(|_| one()).collect(), set_aside: vec![] }
}

fn open(dir: &Path) -> Index {
    let mut index = Index::open(dir, MAP, DICTIONARIES).unwrap();
    index.versions_per_commit = 10;
    index
}

#[test]
#[ignore = "the program that is killed"]
#[expect(clippy::disallowed_methods, reason = "the test that starts it says where by its environment")]
fn apply_until_killed() {
    let Some(dir) = std::env::var_os(STORE) else { return };
    let index = open(Path::new(&dir));
    let mut preparer = index.preparer(Tx::NONE, 0).unwrap();
    loop {
        let next = index.applied_tx().get() + 1;
        let group: Vec<_> = (next..next + 1 + next % 7).map(transaction).collect();
        index.apply_group::<Error>(items(&mut preparer, &group).into_iter(), Some(&RETENTION)).unwrap();
        if std::env::var_os(COMPACTS).is_some() && next.is_multiple_of(3) {
            index.compact(20 * next as i64 - 500, &|| true).unwrap();
        }
    }
}

fn kill_after(dir: &Path, ms: u64, compacts: bool) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tests::kill::apply_until_killed", "--ignored"]).env(STORE, dir);
    if compacts {
        command.env(COMPACTS, "");
    }
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(ms));
    assert!(child.try_wait().unwrap().is_none(), "it runs until it is killed");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn catch_up(reference: &Index, tx: Tx) {
    for n in reference.applied_tx().get() + 1..=tx.get() {
        apply_one(reference, &transaction(n)).unwrap();
    }
}

fn found(s: &Snapshot) -> Vec<Vec<(String, u32)>> {
    let mut out = Vec::new();
    for ty in (0..2).map(ty) {
        for filter in filters().iter().filter(|filter| !format!("{filter:?}").contains("Rows")) {
            let rows = s.search(ty, filter).unwrap();
            out.push(
                rows.iter()
                    .map(|row| s.read(crate::Row::new(row)).map(|version| (version.id().to_owned(), version.number)).unwrap())
                    .collect(),
            );
        }
    }
    out
}

/// Number of kills, when the environment asks for more than a test does by itself.
#[expect(clippy::disallowed_methods, reason = "asked for by hand")]
fn kills() -> Option<u64> {
    std::env::var("ANNUAIRE_TEST_KILLS").ok().and_then(|n| n.parse().ok())
}

#[test]
fn a_kill_leaves_the_transactions_before_it() {
    let (dir, reference_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let reference = Index::open(reference_dir.path(), MAP, DICTIONARIES).unwrap();
    for run in 0..kills().unwrap_or(12) {
        kill_after(dir.path(), 150 + run * 37 % 200, false);
        let index = open(dir.path());
        assert_eq!(index.check().unwrap(), Vec::<String>::new());
        // What was left beyond the last transaction is discarded by the next application.
        let next = transaction(index.applied_tx().get() + 1);
        let mut preparer = index.preparer(Tx::NONE, 0).unwrap();
        index.apply_group::<Error>(items(&mut preparer, std::slice::from_ref(&next)).into_iter(), Some(&RETENTION)).unwrap();
        catch_up(&reference, next.tx);
        assert_same_stores(&reference, &index, &[Tx::new(next.tx.get() / 2)]);
    }
}

#[test]
fn a_kill_in_a_compaction_loses_nothing_that_stands() {
    let (dir, reference_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let reference = Index::open(reference_dir.path(), MAP, DICTIONARIES).unwrap();
    for run in 0..kills().unwrap_or(8) {
        kill_after(dir.path(), 150 + run * 37 % 200, true);
        let index = open(dir.path());
        assert_eq!(index.check().unwrap(), Vec::<String>::new());
        let tx = index.applied_tx();
        catch_up(&reference, tx);
        assert_eq!(found(&index.snapshot().unwrap()), found(&reference.snapshot().unwrap()));
        if index.retained_from() > Tx::NONE && index.retained_from() < tx {
            let middle = Tx::new(u64::midpoint(index.retained_from().get(), tx.get()));
            let states = [&index, &reference].map(|index| found(&index.snapshot_at(middle).unwrap().unwrap()));
            assert_eq!(states[0], states[1]);
            assert!(matches!(index.snapshot_at(index.retained_from().previous()), Err(Error::TooOld) | Ok(Some(_))));
        }
    }
}
