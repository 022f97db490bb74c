//! The program as its operator meets it: exit codes, data directories, publication by whoever commits, clocks, ports.
#![allow(clippy::unwrap_used, missing_docs)]
#![expect(clippy::disallowed_methods, reason = "how long the program takes to answer or to end is measured")]
#![cfg(unix)]

mod common;

use common::{Server, annuaire, code_and_output, delivery, import, path_str, program, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn nation(dir: &Path, professionals: &str) -> PathBuf {
    let files = dir.join("files");
    let arguments = ["generate", "--professionals", professionals, "--changed-per-mille", "200", "--out", path_str(&files)];
    assert!(annuaire(&arguments).0);
    files
}

const HEADER: &str = "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code type diplôme obtenu|\
    Code diplôme obtenu|Code type autorisation|Code discipline autorisation|Nom d'exercice|Prénom d'exercice|\
    Libellé type diplôme obtenu|Libellé diplôme obtenu|Libellé type autorisation|Libellé discipline autorisation|";

/// A small file of diplomas: numbers `1099900nnn` with their key, one of them with a line that cannot be read when `bad`.
fn diplomas(dir: &Path, name: &str, degree: &str, bad: bool) -> PathBuf {
    let path = dir.join(format!("PS_LibreAcces_Dipl_AutExerc_{name}.txt"));
    let mut lines = vec![HEADER.to_owned()];
    lines.extend((0..60).map(|_| format!("8|10999000010|810999000010|DE|{degree}|||||||||")));
    lines.push(format!("8|10999000028|810999000028|DE|{degree}|||||||||"));
    if bad {
        // Not the last one, which would be that of a cut file.
        lines.insert(1, format!("8|10999000010|810999000010|DE|{degree}|"));
    }
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    path
}

#[test]
fn exit_codes_say_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let import_with = |more: &[&str]| run(&[&["import", "--data", path_str(&data)], more].concat());
    let good = diplomas(dir.path(), "202611010800", "DE05", false);
    let bad = diplomas(dir.path(), "202611020800", "DE09", true);
    let (exit, output) = import_with(&[path_str(&good)]);
    assert!(exit == 0 && output.contains("a new data directory") && output.contains("transaction 1"), "{exit} {output}");
    let (exit, output) = import_with(&[path_str(&bad)]);
    assert!(exit == 3 && output.contains("transaction 2"), "{exit} {output}");
    // Nothing of it is read, nothing changes.
    fs::write(dir.path().join("e.txt"), "a|b|\n1|2|\n").unwrap();
    let (exit, output) = import_with(&[path_str(&dir.path().join("e.txt"))]);
    assert!(exit == 1 && output.lines().filter(|l| l.starts_with("Error: ")).count() == 1, "{exit} {output}");
    let (exit, output) = import_with(&[path_str(&dir.path().join("none.txt"))]);
    assert!(exit == 1 && output.contains("none.txt"), "{exit} {output}");
    let status = run(&["status", "--data", path_str(&data)]).1;
    assert!(status.contains("log: ends at transaction 2"), "{status}");
    for usage in [
        &["--accept-mass-change", "", path_str(&good)][..],
        &["--accept-mass-change", "  short    ", path_str(&good)],
        &[],
        &["--no"],
    ] {
        let (exit, output) = import_with(usage);
        assert_eq!(exit, 2, "{usage:?}: {output}");
    }
    // A directory is no file.
    assert_eq!(import_with(&[path_str(dir.path())]).0, 2);
    assert_eq!(run(&["status"]).0, 2);
    let (exit, output) = run(&["--help"]);
    assert!(exit == 0 && output.contains("Exit codes:") && output.contains("  3  "), "{output}");
}

/// `annuaire status | head`: the reader goes away, and the command with it, without a word.
#[test]
fn a_command_ends_quietly_with_its_reader() {
    let dir = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let out = program().args(["generate", "--professionals", "5", "--out"]).arg(dir.path().join("files")).stdout(writer).output();
    let out = out.unwrap();
    assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stderr).as_ref()), (Some(141), ""));
}

#[test]
fn a_mistyped_data_directory_is_refused_by_all_but_import() {
    let dir = tempfile::tempdir().unwrap();
    let (absent, other, empty) = (dir.path().join("absent"), dir.path().join("files"), dir.path().join("empty"));
    fs::create_dir(&other).unwrap();
    fs::write(other.join("holiday.txt"), "x").unwrap();
    fs::create_dir(&empty).unwrap();
    let to = dir.path().join("copy");
    let commands: [&[&str]; 9] = [
        &["serve", "--listen", "127.0.0.1:0"],
        &["rebuild"],
        &["verify"],
        &["status"],
        &["doctor"],
        &["deliveries"],
        &["quarantine"],
        &["undo", "1"],
        &["backup", "--to", path_str(&to)],
    ];
    for command in commands {
        for (data, part) in [(&absent, "no such data directory"), (&other, "no data directory")] {
            let (exit, output) = run(&[command, &["--data", path_str(data)]].concat());
            assert!(exit == 1 && output.contains(part) && output.contains("--data"), "{command:?}: {exit} {output}");
        }
        assert!(!absent.exists() && !to.exists() && fs::read_dir(&other).unwrap().count() == 1, "{command:?}");
    }
    for command in ["verify", "status", "doctor", "deliveries"] {
        let (exit, output) = run(&[command, "--data", path_str(&empty)]);
        assert!(exit == 1 && output.contains("empty"), "{command}: {output}");
    }
    let file = diplomas(dir.path(), "202611010800", "DE05", false);
    let (exit, output) = run(&["import", "--data", path_str(&other), path_str(&file)]);
    assert!(exit == 1 && output.contains("holiday.txt"), "{output}");
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
    let (exit, output) = run(&["import", "--data", path_str(&empty), path_str(&file)]);
    assert!(exit == 0 && output.contains("a new data directory"), "{output}");
    // What only tries makes nothing.
    let (exit, output) = run(&["import", "--dry-run", "--data", path_str(&absent), path_str(&file)]);
    assert!(exit == 0 && !absent.exists(), "{output}");
}

#[test]
fn what_is_there_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = diplomas(dir.path(), "202611010800", "DE05", false);
    // Whatever the mask of the shell.
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_annuaire"), "import", "--data"]);
    let (exit, output) = code_and_output(&command.args([path_str(&data), path_str(&file)]).output().unwrap());
    assert_eq!(exit, 0, "{output}");
    assert_eq!((mode(&data), mode(&data.join("registry.sqlite"))), (0o700, 0o600));
    assert_eq!((mode(&data.join("public")), mode(&data.join("public/data.mdb")) & 0o077), (0o700, 0));
    drop(Server::start(&data, &[]));
    assert_eq!(mode(&data.join("cursor.key")), 0o600);
    // Found open, it is closed and told.
    fs::set_permissions(&data, PermissionsExt::from_mode(0o755)).unwrap();
    fs::set_permissions(data.join("registry.sqlite"), PermissionsExt::from_mode(0o644)).unwrap();
    let (exit, output) = run(&["doctor", "--data", path_str(&data)]);
    assert!(exit == 3 && output.contains("WARN permissions"), "{exit} {output}");
    assert_eq!((mode(&data), mode(&data.join("registry.sqlite"))), (0o700, 0o600));
    let (exit, output) = run(&["doctor", "--data", path_str(&data)]);
    assert!(exit == 0 && output.contains("OK   permissions") && !output.contains("WARN"), "{exit} {output}");
}

/// Eight imports, one after the other and all at once: whoever commits publishes, or somebody does for it.
#[test]
fn eight_imports_leave_the_store_at_the_end_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    for at_once in [false, true] {
        let data = dir.path().join(format!("data-{at_once}"));
        let first = diplomas(dir.path(), "202611010800", "DE01", false);
        assert!(import(&data, &[first]).0);
        let start = |n: usize| {
            // Each of another source, so that none is older than another.
            let file = dir.path().join(format!("feed-{n}.ndjson"));
            let line = format!(
                "{{\"resourceType\":\"Organization\",\"id\":\"x{n}-{at_once}\",\"active\":true,\"name\":\"Maison {n}\"}}\n"
            );
            fs::write(&file, line).unwrap();
            let mut command = program();
            command.args(["import", "--open", "--data", path_str(&data), path_str(&file)]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut running = Vec::new();
        for n in 0..8 {
            let child = start(n);
            if at_once {
                running.push(child);
            } else {
                let (exit, output) = code_and_output(&child.wait_with_output().unwrap());
                assert_eq!(exit, 0, "{output}");
            }
        }
        for child in running {
            let (exit, output) = code_and_output(&child.wait_with_output().unwrap());
            assert!(exit == 0 && output.contains("published"), "{exit} {output}");
        }
        let (exit, output) = run(&["status", "--data", path_str(&data)]);
        assert!(
            exit == 0 && output.contains("log: ends at transaction 9") && output.contains("transaction 9, up to date"),
            "{output}"
        );
        assert_eq!(Server::start(&data, &[]).json("Organization?_count=0")["total"], 8);
    }
}

/// Somebody else holds the right to publish and does nothing: the import is committed, and says that nobody publishes it.
#[test]
fn an_import_that_nobody_publishes_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert!(import(&data, &[diplomas(dir.path(), "202611010800", "DE01", false)]).0);
    let lock = fs::File::options().read(true).write(true).open(data.join("publisher.lock")).unwrap();
    lock.lock().unwrap();
    let file = diplomas(dir.path(), "202611020800", "DE05", false);
    let start = Instant::now();
    let (exit, output) = run(&["import", "--data", path_str(&data), path_str(&file)]);
    assert!(exit == 3 && output.contains("committed and not published") && output.contains("transaction 2"), "{exit} {output}");
    assert!(start.elapsed() < Duration::from_secs(60));
    let (_, output) = run(&["status", "--data", path_str(&data)]);
    assert!(output.contains("at transaction 1, 1 behind the log"), "{output}");
    let (exit, output) = run(&["serve", "--listen", "127.0.0.1:0", "--data", path_str(&data)]);
    assert!(exit == 1 && output.contains("another process publishes there"), "{output}");
    lock.unlock().unwrap();
    // The file again: nothing to commit, and what was left behind is published.
    let (exit, output) = run(&["import", "--data", path_str(&data), path_str(&file)]);
    assert!(exit == 0 && output.contains("up to transaction 2"), "{exit} {output}");
}

/// A server on whole stores answers whatever became of its registry, and goes on once it is back.
#[test]
fn a_server_starts_without_its_registry() {
    let dir = tempfile::tempdir().unwrap();
    let files = nation(dir.path(), "200");
    let data = dir.path().join("data");
    assert!(import(&data, &delivery(&files)).0);
    let expected = Server::start(&data, &[]).json("Practitioner?_count=0")["total"].clone();
    let registry = data.join("registry.sqlite");
    let sound = fs::read(&registry).unwrap();
    let clean = || ["registry.sqlite-wal", "registry.sqlite-shm"].map(|left| _ = fs::remove_file(data.join(left)));
    clean();

    // Lost.
    fs::remove_file(&registry).unwrap();
    {
        let server = Server::start(&data, &[]);
        assert_eq!(server.json("Practitioner?_count=0")["total"], expected);
        let (exit, output) = run(&["status", "--data", path_str(&data)]);
        assert!(exit == 3 && output.contains("log: cannot be read") && output.contains("restore"), "{exit} {output}");
        assert!(output.contains("waits: "), "{output}");
        let (exit, output) = run(&["doctor", "--data", path_str(&data)]);
        assert!(exit == 1 && output.contains("FAIL registry"), "{exit} {output}");
        // A second log must not begin beside the first one's stores.
        let (exit, output) = run(&["import", "--data", path_str(&data), path_str(&delivery(&files.join("next"))[0])]);
        assert!(exit == 1 && output.contains("restore") && !registry.exists(), "{exit} {output}");
    }
    // Damaged.
    fs::write(&registry, vec![0x15; sound.len()]).unwrap();
    let server = Server::start(&data, &[]);
    assert_eq!(server.json("Practitioner?_count=0")["total"], expected);
    // Back, while it serves: publication goes on by itself.
    clean();
    fs::write(&registry, &sound).unwrap();
    let (exit, output) = code_and_output(
        &program().args(["import", "--data", path_str(&data)]).args(delivery(&files.join("next"))).output().unwrap(),
    );
    assert!(matches!(exit, 0 | 3) && output.contains("transaction 2"), "{exit} {output}");
    server.until(2);
}

/// With nothing published and no log, there is nothing true to serve.
#[test]
fn a_server_without_stores_nor_registry_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("registry.sqlite"), vec![0x15; 8_192]).unwrap();
    let (exit, output) = run(&["serve", "--listen", "127.0.0.1:0", "--data", path_str(&data)]);
    assert!(exit == 1 && output.contains("nothing was ever published here"), "{exit} {output}");
}

#[test]
fn a_log_in_the_future_is_told_with_dates() {
    use annuaire_base::fact::{FactKey, Publication};
    use annuaire_store::{Cause, Change, Channel, CommitClock, Expect, OwnerRow};
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert!(import(&data, &[diplomas(dir.path(), "202611010800", "DE01", false)]).0);
    {
        let registry = annuaire_store_sqlite::open_blocking(&data.join("registry.sqlite")).unwrap();
        let key = FactKey { owner: "ameli-ps".into(), entity: "AM:1".into(), facet: String::new() };
        let payload = Some("{\"objet\":\"ligne_ameli\"}".into());
        let mut unit = registry.begin().unwrap();
        let description = serde_json::to_string(&annuaire_mos::owner::file_source("ameli-ps").unwrap().owner()).unwrap();
        unit.set_owner(&OwnerRow { code: "ameli-ps".into(), description }).unwrap();
        unit.put(Change { key, payload, publication: Publication::Open, fingerprint: 0 }, Expect::Any).unwrap();
        let future = CommitClock { now_ms: &|| 4_070_908_800_000, any_clock: true };
        unit.save(&Cause::new(Channel::Operator, "t", "t"), future).unwrap();
    }
    let file = diplomas(dir.path(), "202611020800", "DE05", false);
    let (exit, output) = run(&["import", "--data", path_str(&data), path_str(&file)]);
    assert!(exit == 1 && output.contains("2099-01-01 00:00:00 UTC") && output.contains("--accept-clock"), "{exit} {output}");
    let (exit, output) = run(&["doctor", "--data", path_str(&data)]);
    assert!(exit == 1 && output.contains("FAIL clock") && output.contains("2099-01-01"), "{exit} {output}");
    let (_, output) = run(&["import", "--accept-clock", "--data", path_str(&data), path_str(&file)]);
    assert!(output.contains("transaction 3"), "{output}");
}

#[test]
fn a_trial_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let files = nation(dir.path(), "150");
    let data = dir.path().join("data");
    assert!(import(&data, &delivery(&files)).0);
    let next = delivery(&files.join("next"));
    let import_with = |more: &[&str]| {
        code_and_output(&program().args(["import", "--data", path_str(&data)]).args(more).args(&next).output().unwrap())
    };
    let counts = |output: &str| output.split(" objects new").next().unwrap().rsplit(' ').next().unwrap().to_owned();
    let (exit, tried) = import_with(&["--dry-run"]);
    assert!(exit == 0 && tried.contains("nothing was written"), "{exit} {tried}");
    let status = run(&["status", "--data", path_str(&data)]).1;
    assert!(status.contains("log: ends at transaction 1"), "{status}");
    let (exit, output) = import_with(&[]);
    assert!(exit == 0 && output.contains("transaction 2"), "{exit} {output}");
    assert_eq!(counts(&tried), counts(&output), "{tried} / {output}");
}

#[test]
fn a_taken_port_is_told_before_any_work() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let start = Instant::now();
    // A nation that would take minutes to make.
    let (exit, output) = run(&["demo", "--professionals", "2000000", "--listen", &address]);
    assert!(exit == 1 && output.contains(&address) && output.contains("--listen"), "{exit} {output}");
    assert!(start.elapsed() < Duration::from_secs(10) && !output.contains("making"), "{output}");
}

#[test]
fn a_killed_rebuild_leaves_the_store_that_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let files = nation(dir.path(), "300");
    let data = dir.path().join("data");
    assert!(import(&data, &delivery(&files)).0);
    let total = Server::start(&data, &[]).json("PractitionerRole?_count=0")["total"].clone();
    for after in [20, 120, 300, 600] {
        let mut child =
            program().args(["rebuild", "--data", path_str(&data)]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after));
        let _ = child.kill();
        child.wait().unwrap();
        let (_, output) = run(&["status", "--data", path_str(&data)]);
        assert!(output.contains("public store: at transaction 1, up to date"), "after {after} ms: {output}");
        assert_eq!(Server::start(&data, &[]).json("PractitionerRole?_count=0")["total"], total);
    }
    assert_eq!(run(&["rebuild", "--data", path_str(&data)]).0, 0);
    let left: Vec<_> = fs::read_dir(data.join("public")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name == "rebuilding"), "{left:?}");
}

#[test]
fn status_and_doctor_work_beside_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert!(import(&data, &[diplomas(dir.path(), "202611010800", "DE01", false)]).0);
    let server = Server::start(&data, &[]);
    let (exit, output) = run(&["status", "--data", path_str(&data)]);
    let process = format!("server (process {})", server.child.id());
    assert!(exit == 0 && output.contains(&process) && output.contains("up to date") && output.contains("202"), "{exit} {output}");
    let (exit, output) = run(&["status", "--json", "--data", path_str(&data)]);
    let json: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(
        (exit, json["log"]["tx"].as_u64(), json["stores"]["public"]["behind"].as_u64()),
        (0, Some(1), Some(0)),
        "{output}"
    );
    let (exit, output) = run(&["doctor", "--data", path_str(&data)]);
    assert!(exit == 0 && output.lines().all(|l| l.starts_with("OK ")), "{exit} {output}");
    drop(server);
    // A store that is not there is no reason to say nothing.
    fs::remove_dir_all(data.join("public")).unwrap();
    let (exit, output) = run(&["status", "--data", path_str(&data)]);
    assert!(exit == 0 && output.contains("public store: none yet"), "{exit} {output}");
}

/// A delivery that should not have been is taken back: what is published is what was published before it.
#[test]
fn a_delivery_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let files = nation(dir.path(), "150");
    let data = dir.path().join("data");
    let names = |server: &Server| -> std::collections::BTreeMap<String, String> {
        let all = server.walk("Practitioner?_count=1000&active=true");
        all.iter().map(|(id, p)| (id.clone(), format!("{} {}", p["name"], p["qualification"]))).collect()
    };
    assert!(import(&data, &delivery(&files)).0);
    let before = names(&Server::start(&data, &[]));
    let (_, output) = import(&data, &delivery(&files.join("next")));
    assert!(output.contains("transaction 2"), "{output}");
    let after = names(&Server::start(&data, &[]));
    assert_ne!(before, after);

    let (exit, output) = run(&["deliveries", "--data", path_str(&data)]);
    let lines: Vec<&str> = output.lines().filter(|l| l.trim_start().starts_with(['1', '2'])).collect();
    assert!(exit == 0 && lines.len() == 2 && lines[1].contains("PS_LibreAcces"), "{exit} {output}");
    let (exit, output) = run(&["deliveries", "--json", "--data", path_str(&data)]);
    let json: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!((exit, json[1]["number"].as_u64(), json[1]["tx"].as_u64()), (0, Some(2), Some(2)), "{output}");

    let (exit, output) = run(&["undo", "--data", path_str(&data), "9"]);
    assert!(exit == 1 && output.contains("no such delivery"), "{exit} {output}");
    let (exit, output) = run(&["undo", "--created-too", "--data", path_str(&data), "2"]);
    assert!(matches!(exit, 0 | 3) && output.contains("published"), "{exit} {output}");
    assert_eq!(names(&Server::start(&data, &[])), before);
    let (exit, output) = run(&["undo", "--data", path_str(&data), "2"]);
    assert!(exit == 1 && output.contains("undone by delivery 3"), "{exit} {output}");
    let (_, output) = run(&["deliveries", "--data", path_str(&data)]);
    assert!(output.contains("undoes delivery 2") && output.contains("undone by delivery 3"), "{output}");
}

/// What could not be read is listed until a delivery has it right.
#[test]
fn a_line_in_quarantine_is_listed_until_it_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert!(import(&data, &[diplomas(dir.path(), "202611010800", "DE01", false)]).0);
    let bad = diplomas(dir.path(), "202611020800", "DE01", true);
    let (exit, output) = run(&["import", "--data", path_str(&data), path_str(&bad)]);
    assert_eq!(exit, 3, "{output}");
    for list in [&["quarantine"][..], &["deliveries", "--quarantine"]] {
        let (exit, output) = run(&[list, &["--data", path_str(&data)]].concat());
        assert!(
            exit == 0 && output.contains("202611020800") && output.contains("line 2") && output.contains("1 line in quarantine"),
            "{exit} {output}"
        );
    }
    let (exit, output) = run(&["doctor", "--data", path_str(&data)]);
    assert!(exit == 3 && output.contains("WARN quarantine"), "{exit} {output}");
    let good = diplomas(dir.path(), "202611030800", "DE01", false);
    assert_eq!(run(&["import", "--data", path_str(&data), path_str(&good)]).0, 0);
    let (_, output) = run(&["quarantine", "--data", path_str(&data)]);
    assert!(output.contains("0 lines in quarantine"), "{output}");
}

/// A store is of one guide: another one is refused before anything is committed.
#[test]
fn another_guide_than_the_stores_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert!(import(&data, &[diplomas(dir.path(), "202611010800", "DE01", false)]).0);
    let next = diplomas(dir.path(), "202611020800", "DE05", false);
    let commands: [&[&str]; 3] = [&["import", path_str(&next)], &["serve", "--listen", "127.0.0.1:0"], &["verify"]];
    for command in commands {
        let (exit, output) = run(&[command, &["--guide", "v110", "--data", path_str(&data)]].concat());
        assert!(exit == 1 && output.contains("1.2.0") && output.contains("1.1.0"), "{command:?}: {exit} {output}");
    }
    assert!(run(&["status", "--data", path_str(&data)]).1.contains("log: ends at transaction 1"));
    let (exit, output) = run(&["rebuild", "--guide", "v110", "--data", path_str(&data)]);
    assert_eq!(exit, 0, "{output}");
    let (exit, output) = run(&["import", "--guide", "v110", "--data", path_str(&data), path_str(&next)]);
    assert!(exit == 0 && output.contains("transaction 2"), "{exit} {output}");
}

/// A store that an earlier version of the program filled can be read: it is served at once, and another one takes its place.
#[test]
fn a_store_of_an_earlier_version_is_served_and_made_again() {
    use annuaire_fhir::{Guide, Perimeter, View};
    let dir = tempfile::tempdir().unwrap();
    let files = nation(dir.path(), "150");
    let data = dir.path().join("data");
    assert!(import(&data, &delivery(&files)).0);
    let expected = Server::start(&data, &[]).json("Practitioner?_count=0")["total"].clone();
    let store = data.join("public");
    fs::remove_dir_all(&store).unwrap();
    {
        let marks =
            annuaire_index::Marks { view: "the public perimeter after guide 1.2.0", forms: annuaire_fhir::limits::FORMS - 1 };
        let index = annuaire_index::Index::open_marked(&store, 1 << 28, annuaire_fhir::dictionary::ALL, marks).unwrap();
        let registry = annuaire_store_sqlite::open_blocking(&data.join("registry.sqlite")).unwrap();
        let view = View { guide: Guide::V120, perimeter: Perimeter::Public };
        annuaire_publish::follow(&registry, &index, view, &|_, _, _| {}).unwrap();
    }
    let (exit, output) = run(&["doctor", "--data", path_str(&data)]);
    assert!(exit == 3 && output.contains("WARN public store: written by another version"), "{exit} {output}");
    let server = Server::start(&data, &[]);
    assert_eq!(server.json("Practitioner?_count=0")["total"], expected);
    let (ok, output) = import(&data, &delivery(&files.join("next")));
    assert!(ok, "{output}");
    server.until(2);
    // Asked for by the operator, while the server runs.
    let (exit, output) = run(&["rebuild", "--data", path_str(&data)]);
    assert!(exit == 0 && output.contains("rebuilt by the running server"), "{exit} {output}");
    let published = common::published_resources(&server);
    drop(server);
    let (exit, output) = run(&["doctor", "--data", path_str(&data)]);
    assert!(!output.contains("another version") && exit != 1, "{exit} {output}");
    assert_eq!(run(&["verify", "--data", path_str(&data)]).0, 0);
    assert!(common::published_resources(&Server::start(&data, &[])) == published);
}
