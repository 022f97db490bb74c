//! The program is killed at random moments of everything that it writes, and runs into a full disk: nothing is left half done,
//! and the same command, given again, ends where an undisturbed one ends.
#![allow(clippy::unwrap_used, missing_docs)]
#![expect(clippy::disallowed_methods, reason = "how long the program takes to answer or to end is measured")]
#![cfg(unix)]

mod common;

use annuaire_index::{Index, Row};
use annuaire_testkit::Dice;
use common::{Server, annuaire, delivery, import, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Kills of each command: six, which together stay under a minute and a half in debug builds, or as many as the environment asks for.
fn rounds() -> u32 {
    std::env::var("ANNUAIRE_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(6)
}

/// A moment in the given part, of [`rounds`] parts, of a run. The dice are seeded, so that a round that fails can be had again.
fn moment(dice: &mut Dice, round: u32, run: Duration) -> Duration {
    let per_mille = u32::try_from(dice.below(1_000)).unwrap();
    run / 1_000 / rounds() * (round * 1_000 + per_mille)
}

/// What undisturbed runs leave: files delivered, and data directories after each delivery.
struct Undisturbed {
    dir: TempDir,
    files: [Vec<PathBuf>; 2],
    data: [PathBuf; 2],
    took: [Duration; 2],
}

impl Undisturbed {
    fn new(professionals: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = dir.path().join("files");
        let seeded = ["--seed", "11", "--changed-per-mille", "300", "--out", files.to_str().unwrap()];
        assert!(annuaire(&[&["generate", "--professionals", professionals][..], &seeded].concat()).0);
        let files = [delivery(&files), delivery(&files.join("next"))];
        let data = [dir.path().join("after-1"), dir.path().join("after-2")];
        let mut took = [Duration::ZERO; 2];
        // A store for the restricted perimeter too, so that a kill can fall between the two.
        fs::create_dir_all(data[0].join("restricted")).unwrap();
        for n in 0..2 {
            if n == 1 {
                copy(&data[0], &data[1]);
            }
            let start = Instant::now();
            let (ok, output) = import(&data[n], &files[n]);
            assert!(ok, "{output}");
            took[n] = start.elapsed();
        }
        Self { dir, files, data, took }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What an import starts from.
    fn before(&self, n: usize, data: &Path) {
        if n == 0 { fs::create_dir_all(data.join("restricted")).unwrap() } else { copy(&self.data[0], data) }
    }

    fn import(&self, n: usize, data: &Path) -> Command {
        let mut command = program();
        command.args(["import", "--data"]).arg(data).args(&self.files[n]);
        command
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &target) } else { _ = fs::copy(entry.path(), target).unwrap() }
    }
}

fn run_on(command: &str, data: &Path) -> String {
    let (ok, output) = annuaire(&[command, "--data", data.to_str().unwrap()]);
    assert!(ok, "{command}: {output}");
    output
}

/// Runs a command and kills it; true when it was still at work.
fn kill(mut command: Command, after: Duration) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    let over = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    over.is_none()
}

/// Whether versions are compared with their instants.
#[derive(Clone, Copy, PartialEq)]
enum Instants {
    Compared,
    /// Two registries have the clocks of two runs.
    LeftOut,
}

/// Every version of every store, in the order of its rows.
fn versions(data: &Path, instants: Instants) -> Vec<String> {
    let mut all = Vec::new();
    for store in ["public", "restricted"] {
        let index = Index::open(&data.join(store), 1 << 30, &[]).unwrap();
        let snapshot = index.snapshot().unwrap();
        let from = all.len();
        while let Ok(e) = snapshot.read(Row::new((all.len() - from) as u32)) {
            let mut body = String::from_utf8(e.body().to_vec()).unwrap();
            if instants == Instants::LeftOut {
                const MEMBER: &str = "\"lastUpdated\":\"";
                let at = body.find(MEMBER).unwrap() + MEMBER.len();
                body.replace_range(at..at + body[at..].find('"').unwrap(), "");
            }
            all.push(format!("{store} {} {} {} {} {body}", e.ty, e.id(), e.number, e.tx));
        }
        assert!(all.len() > from, "an empty store proves nothing");
    }
    all
}

/// Checks what holds however a command ended: log, registry and stores agree, and only known files are there.
fn verify_and_list(data: &Path) -> String {
    let output = run_on("verify", data);
    for entry in fs::read_dir(data).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = [
            "registry.sqlite",
            "registry.sqlite-wal",
            "registry.sqlite-shm",
            "registry.sqlite-door",
            "registry.sqlite-lock",
            "public",
            "restricted",
            "publisher.lock",
            "cursor.key",
        ];
        assert!(known.contains(&name.as_str()), "{name} was left");
    }
    output
}

fn assert_versions(data: &Path, undisturbed: &[String], instants: Instants, what: &str) {
    let found = versions(data, instants);
    let differs = found.iter().zip(undisturbed).find(|(a, b)| a != b);
    assert!(
        found.len() == undisturbed.len() && differs.is_none(),
        "{what}: {} of {}: {differs:?}",
        found.len(),
        undisturbed.len()
    );
}

#[test]
fn killed_at_any_moment_nothing_is_half_done() {
    let whole_run = Undisturbed::new("200");
    let mut dice = Dice::new(2_026, 0, 0);
    let mut at_work = 0;

    for n in 0..2 {
        let expected = versions(&whole_run.data[n], Instants::LeftOut);
        for round in 0..rounds() {
            let data = whole_run.place(&format!("import-{n}-{round}"));
            whole_run.before(n, &data);
            let after = moment(&mut dice, round, whole_run.took[n]);
            let what = format!("import {n} killed after {after:?}");
            at_work += u32::from(kill(whole_run.import(n, &data), after));
            verify_and_list(&data);
            let (ok, output) = import(&data, &whole_run.files[n]);
            assert!(ok, "{what}: {output}");
            let tx = n + 1;
            assert!(verify_and_list(&data).contains(&format!("at transaction {tx} (log at {tx})")), "{what}");
            assert_versions(&data, &expected, Instants::LeftOut, &what);
            fs::remove_dir_all(data).unwrap();
        }
    }

    let expected = versions(&whole_run.data[1], Instants::Compared);
    let data = whole_run.place("rebuild");
    copy(&whole_run.data[1], &data);
    let start = Instant::now();
    run_on("rebuild", &data);
    let took = start.elapsed();
    assert_versions(&data, &expected, Instants::Compared, "a rebuilt store is the same, to the byte");
    for round in 0..rounds() {
        let after = moment(&mut dice, round, took);
        let mut command = program();
        command.args(["rebuild", "--data"]).arg(&data);
        at_work += u32::from(kill(command, after));
        verify_and_list(&data);
        run_on("rebuild", &data);
        assert!(verify_and_list(&data).contains("at transaction 2 (log at 2)"));
        assert_versions(&data, &expected, Instants::Compared, &format!("rebuild killed after {after:?}"));
    }

    // A server that finds its stores behind the log: from nothing, or one transaction late.
    for round in 0..rounds() {
        let data = whole_run.place(&format!("serve-{round}"));
        copy(&whole_run.data[1], &data);
        for store in ["public", "restricted"] {
            fs::remove_dir_all(data.join(store)).unwrap();
            if round % 2 == 0 {
                fs::create_dir(data.join(store)).unwrap()
            } else {
                copy(&whole_run.data[0].join(store), &data.join(store))
            }
        }
        let after = moment(&mut dice, round, took);
        let mut command = program();
        command.args(["serve", "--quiet", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        at_work += u32::from(kill(command, after));
        verify_and_list(&data);
        let server = Server::start(&data, &[]);
        server.until(2);
        drop(server);
        assert!(verify_and_list(&data).contains("at transaction 2 (log at 2)"));
        assert_versions(&data, &expected, Instants::Compared, &format!("server killed after {after:?}"));
        fs::remove_dir_all(data).unwrap();
    }
    assert!(at_work >= 2 * rounds(), "only {at_work} commands were killed at work: the test proves little");
}

/// Runs an import whose files may not grow beyond `blocks` of 512 bytes, as on a disk that is full; its status and its words.
fn limited(import: &Command, blocks: u64) -> (std::process::ExitStatus, String) {
    let mut command = Command::new("sh");
    // Ignored, the signal becomes an error of the write.
    command.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
    let out = command.arg(import.get_program()).args(import.get_args()).output().unwrap();
    (out.status, format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing_half_done() {
    let whole_run = Undisturbed::new("200");
    let mut failed = 0;
    for n in 0..2 {
        let expected = versions(&whole_run.data[n], Instants::LeftOut);
        let size = |name: &str| fs::metadata(whole_run.data[n].join(name)).unwrap().len() / 512;
        let (registry, store) = (size("registry.sqlite"), size("public/data.mdb"));
        // From no room at all to a little less than what the largest file needs.
        for blocks in [1, 60, registry / 4, registry / 2, store / 2, store * 9 / 10, registry.max(store) * 19 / 20] {
            let data = whole_run.place("full");
            whole_run.before(n, &data);
            let (status, output) = limited(&whole_run.import(n, &data), blocks);
            let what = format!("import {n} with {blocks} blocks: {status} {output}");
            assert!(status.code().is_some() && !output.contains("panicked"), "{what}");
            if !matches!(status.code(), Some(0 | 3)) {
                failed += 1;
                // Which of the files it could not write, and what to do.
                let named = ["registry: ", "index storage: ", "index directory: "].iter().any(|part| output.contains(part));
                assert!(named && output.contains("Error: "), "{what}");
            }
            verify_and_list(&data);
            let (ok, output) = import(&data, &whole_run.files[n]);
            assert!(ok, "{what}, then {output}");
            assert!(verify_and_list(&data).contains(&format!("at transaction {0} (log at {0})", n + 1)), "{what}");
            assert_versions(&data, &expected, Instants::LeftOut, &what);
            fs::remove_dir_all(&data).unwrap();
        }
    }
    assert!(failed >= 8, "only {failed} runs met the limit: the test proves little");

    let expected = versions(&whole_run.data[1], Instants::Compared);
    let data = whole_run.place("full-rebuild");
    copy(&whole_run.data[1], &data);
    let mut rebuild = program();
    rebuild.args(["rebuild", "--data"]).arg(&data);
    let store = fs::metadata(data.join("public/data.mdb")).unwrap().len() / 512;
    for blocks in [1, store / 3, store * 2 / 3] {
        let (status, output) = limited(&rebuild, blocks);
        assert!(status.code() == Some(1) && !output.contains("panicked"), "rebuild with {blocks} blocks: {status} {output}");
        verify_and_list(&data);
        run_on("rebuild", &data);
        assert_versions(&data, &expected, Instants::Compared, &output);
    }

    // Room for the registry and not for what is published of it.
    for store in ["public", "restricted"] {
        fs::remove_dir_all(data.join(store)).unwrap();
        fs::create_dir(data.join(store)).unwrap();
    }
    let (status, output) = limited(&whole_run.import(1, &data), store / 2);
    assert!(status.code() == Some(1) && output.contains("publication of what was committed before failed"), "{status} {output}");
    verify_and_list(&data);
    assert!(import(&data, &whole_run.files[1]).0);
    assert_versions(&data, &expected, Instants::Compared, &output);
}
