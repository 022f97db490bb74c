//! Data directories of earlier releases: this program serves them and goes on with them, whichever command meets them first.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Server, path_str, run};
use std::fs;
use std::path::{Path, PathBuf};

/// A data directory of an earlier release, and the beginning of the instant of its transaction.
struct Fixture {
    name: &'static str,
    instant: &'static str,
}

const FIXTURES: [Fixture; 7] = [
    Fixture { name: "registry-3-store-6.zip", instant: "2026-11-26T05:25:47.9" },
    Fixture { name: "registry-2.zip", instant: "2026-11-26T05:25:47.9" },
    Fixture { name: "registry-4-store-8.zip", instant: "2026-11-26T17:28:25" },
    Fixture { name: "registry-5-store-8.zip", instant: "2026-11-26T19:40:28" },
    Fixture { name: "registry-6-store-8.zip", instant: "2026-11-26T23:23:42" },
    Fixture { name: "registry-7-store-8.zip", instant: "2026-11-27T02:38:48" },
    Fixture { name: "registry-8-store-8.zip", instant: "2026-11-27T03:27:25" },
];

/// Professionals' practices, structures and situations that the release which made the fixtures served.
const SERVED: [(&str, u64); 3] = [("Practitioner", 25), ("PractitionerRole", 27), ("Organization", 26)];

/// Unpacks a fixture: the data directory, and the files of the next delivery.
fn unpacked(fixture: &Fixture, to: &Path) -> (PathBuf, Vec<PathBuf>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture.name);
    zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap().extract(to).unwrap();
    let next = fs::read_dir(to.join("next")).unwrap().map(|e| e.unwrap().path()).collect();
    (to.join("data"), next)
}

/// Imports the next delivery, however long ago the fixture was made.
fn import_next(data: &Path, next: &[PathBuf]) {
    let mut arguments = vec!["import", "--accept-clock", "--data", path_str(data)];
    arguments.extend(next.iter().map(|file| path_str(file)));
    let (exit, output) = run(&arguments);
    assert!(exit == 0 && output.contains("transaction 2: 1 objects new, 9 changed, 0 ended"), "{exit} {output}");
    assert!(!output.contains("import again"), "{output}");
}

fn assert_served(fixture: &Fixture, server: &Server) {
    for (ty, count) in SERVED {
        let bundle = server.json(&format!("{ty}?_count=0"));
        assert_eq!(bundle["total"], count, "{ty}");
        assert!(bundle["meta"]["lastUpdated"].as_str().unwrap().starts_with(fixture.instant), "{bundle}");
    }
}

/// Everything agrees, and nothing is left to look at but what time brings.
fn assert_whole(data: &Path) {
    let (exit, output) = run(&["verify", "--data", path_str(data)]);
    assert!(exit == 0 && output.contains("agree at transaction 2"), "{output}");
    let (_, output) = run(&["doctor", "--data", path_str(data)]);
    for line in output.lines().filter(|line| !line.starts_with("OK ")) {
        assert!(["deliveries", "clock", "disk"].iter().any(|subject| line.contains(subject)), "{output}");
    }
}

#[test]
fn a_server_meets_it_first() {
    for fixture in FIXTURES {
        let dir = tempfile::tempdir().unwrap();
        let (data, next) = unpacked(&fixture, dir.path());
        let server = Server::start(&data, &[]);
        assert_served(&fixture, &server);
        import_next(&data, &next);
        server.until(2);
        drop(server);
        assert_whole(&data);
    }
}

#[test]
fn an_import_meets_it_first() {
    for fixture in FIXTURES {
        let dir = tempfile::tempdir().unwrap();
        let (data, next) = unpacked(&fixture, dir.path());
        import_next(&data, &next);
        assert_whole(&data);
        let (exit, output) = run(&["deliveries", "--data", path_str(&data)]);
        assert!(exit == 0 && output.contains("Extraction_Correspondance_MSSante"), "{output}");
    }
}

/// A copy that an earlier release made is restored; its stores are made again.
#[test]
fn a_backup_of_an_earlier_release_is_restored() {
    let dir = tempfile::tempdir().unwrap();
    let (data, next) = unpacked(&FIXTURES[0], dir.path());
    let note = r#"{"format": 1, "instant_ms": 1795670747916, "registry_tx": 1, "store_tx": {"public": 1}}"#;
    fs::write(data.join("backup.json"), note).unwrap();
    let again = dir.path().join("again");
    let (exit, output) = run(&["restore", "--from", path_str(&data), "--data", path_str(&again)]);
    assert!(exit == 0 && output.contains("is left out") && output.contains("epoch 1"), "{exit} {output}");
    assert_served(&FIXTURES[0], &Server::start(&again, &[]));
    import_next(&again, &next);
    assert_whole(&again);
}

/// Commands that only look leave nothing for the operator to do.
#[test]
fn commands_that_look_meet_it_first() {
    for fixture in FIXTURES {
        let dir = tempfile::tempdir().unwrap();
        let (data, next) = unpacked(&fixture, dir.path());
        let (_, output) = run(&["status", "--data", path_str(&data)]);
        assert!(output.contains("log: ends at transaction 1"), "{output}");
        let copy = dir.path().join("copy");
        let (exit, output) = run(&["rebuild", "--data", path_str(&data)]);
        assert!(exit == 0 && output.contains("up to transaction 1"), "{output}");
        let (exit, output) = run(&["backup", "--data", path_str(&data), "--to", path_str(&copy)]);
        assert_eq!(exit, 0, "{output}");
        import_next(&data, &next);
        assert_whole(&data);
    }
}

/// The settings without which a provider does not start; nothing is sent.
const IDENTITY: &str = r#"
[identity]
issuer = "https://id.exemple.test"
mail_server = "smtp://mail.exemple.test:587"
mail_from = "annuaire@exemple.test"
sms_gateway = "https://sms.exemple.test/send"
"#;

/// What the identity provider of an earlier release kept is there.
#[test]
fn clients_of_an_earlier_release_are_registered() {
    let dir = tempfile::tempdir().unwrap();
    let (data, _) = unpacked(&FIXTURES[4], dir.path());
    fs::write(data.join("annuaire.toml"), IDENTITY).unwrap();
    let (exit, output) = run(&["admin", "--data", path_str(&data), "clients"]);
    assert!(exit == 0 && output.contains("exemple-dossier-patient"), "{exit} {output}");
}
