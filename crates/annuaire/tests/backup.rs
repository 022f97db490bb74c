//! Copies of a running installation, and what comes back of them.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Server, annuaire, delivery, import, next, program, published_resources};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;

fn backup(data: &Path, to: &Path) -> (bool, String) {
    annuaire(&["backup", "--data", data.to_str().unwrap(), "--to", to.to_str().unwrap()])
}

fn restore(from: &Path, data: &Path) -> (bool, String) {
    annuaire(&["restore", "--from", from.to_str().unwrap(), "--data", data.to_str().unwrap()])
}

fn verified(data: &Path) -> String {
    let (ok, output) = annuaire(&["verify", "--data", data.to_str().unwrap()]);
    assert!(ok, "{output}");
    output
}

/// While a server publishes and an import commits, copies are made; each of them is the whole installation at one of the two
/// transactions, to the byte.
#[test]
fn a_living_installation_is_copied_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    let changed = ["generate", "--professionals", "400", "--changed-per-mille", "300", "--out", files.to_str().unwrap()];
    assert!(annuaire(&changed).0);
    let (ok, output) = import(&data, &delivery(&files));
    assert!(ok, "{output}");
    let server = Server::start(&data, &[]);
    let mut pictures = vec![published_resources(&server)];

    let mut arguments = vec!["import".into(), "--data".into(), data.clone().into_os_string()];
    arguments.extend(delivery(&files.join("next")).into_iter().map(Into::into));
    let mut importing = program().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut copies = Vec::new();
    loop {
        let over = importing.try_wait().unwrap();
        let to = dir.path().join(format!("copies/{}", copies.len()));
        let (ok, output) = backup(&data, &to);
        assert!(ok, "{output}");
        copies.push(to);
        if let Some(status) = over {
            assert!(matches!(status.code(), Some(0 | 3)));
            break;
        }
    }
    assert!(copies.len() > 1, "none was made during the import");
    server.until(2);
    pictures.push(published_resources(&server));
    assert_ne!(pictures[0], pictures[1]);

    let mut seen = std::collections::BTreeSet::new();
    let last = copies.len() - 1;
    for (n, copy) in copies.iter().enumerate().filter(|(n, _)| *n == 0 || *n == last) {
        let note: Value = serde_json::from_slice(&fs::read(copy.join("backup.json")).unwrap()).unwrap();
        let tx = note["registry_tx"].as_u64().unwrap();
        assert!(note["store_tx"]["public"].as_u64().unwrap() <= tx && note["instant_ms"].as_u64().unwrap() > 0, "{note}");
        let again = dir.path().join(format!("again{n}"));
        let (ok, output) = restore(copy, &again);
        assert!(ok, "{output}");
        verified(&again);
        let restored = Server::start(&again, &[]);
        restored.until(tx);
        assert!(published_resources(&restored) == pictures[tx as usize - 1], "copy {n} answers otherwise at {tx}");
        drop(restored);
        assert!(verified(&again).contains(&format!("at transaction {tx} (log at {tx})")));
        assert_eq!(fs::read(again.join("cursor.key")).unwrap(), fs::read(data.join("cursor.key")).unwrap());
        seen.insert(tx);
    }
    assert!(seen.contains(&2), "the last copy was made after the import");
    // Another life of the log: what was given before the restoration does not open here.
    let status = |data: &Path| -> Value {
        let (ok, output) = annuaire(&["status", "--json", "--data", data.to_str().unwrap()]);
        assert!(ok, "{output}");
        serde_json::from_str(&output).unwrap()
    };
    let (ours, theirs) = (status(&data), status(&dir.path().join("again0")));
    assert_eq!((&ours["log"]["epoch"], &theirs["log"]["epoch"]), (&0.into(), &1.into()), "{ours} {theirs}");
    assert_eq!(ours["log"]["id"], theirs["log"]["id"]);
    assert_eq!(theirs["stores"]["public"]["log"], format!("{}.1", theirs["log"]["id"].as_str().unwrap()));
    let link = next(&server.json("Practitioner?_count=2")).unwrap();
    let link = link.split_once("/fhir/v2/").unwrap().1.to_owned();
    assert_eq!(server.get(&link, "").0, 200);
    {
        let restored = Server::start(&dir.path().join("again0"), &[]);
        let (code, body) = restored.get(&link, "");
        assert!(code == 400 && body.contains("Run the search again from its first page."), "{code} {body}");
        let (_, health) = restored.get(&format!("http://{}/health", restored.base.split_once('/').unwrap().0), "");
        assert!(health.contains("\"epoch\":1"), "{health}");
    }
    // A store of the life before, laid beside the restored registry, is refused with what to do.
    {
        let mixed = dir.path().join("mixed");
        assert!(restore(&copies[0], &mixed).0);
        fs::copy(copies[last].join("public/data.mdb"), mixed.join("public/data.mdb")).unwrap();
        let (exit, output) = common::run(&["doctor", "--data", mixed.to_str().unwrap()]);
        assert!(
            exit == 1 && output.contains("FAIL public store: follows the log") && output.contains("annuaire rebuild"),
            "{output}"
        );
        let (ok, output) = import(&mixed, &delivery(&files.join("next")));
        assert!(output.contains("what follows it knows epoch 0") && output.contains("annuaire rebuild"), "{ok} {output}");
        assert!(annuaire(&["rebuild", "--data", mixed.to_str().unwrap()]).0);
        verified(&mixed);
    }
    // A restored registry goes on where it was.
    let (ok, output) = import(&dir.path().join("again0"), &delivery(&files.join("next")));
    assert!(ok, "{output}");
    assert!(verified(&dir.path().join("again0")).contains("at transaction 2"));
    // Nothing half made is left beside the copies.
    let left: Vec<_> = fs::read_dir(dir.path().join("copies")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), copies.len(), "{left:?}");
}

#[test]
fn what_is_there_is_not_overwritten_and_what_is_damaged_is_not_restored() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data, copy) = (dir.path().join("files"), dir.path().join("data"), dir.path().join("copy"));
    assert!(annuaire(&["generate", "--professionals", "60", "--out", files.to_str().unwrap()]).0);
    assert!(import(&data, &delivery(&files)).0);
    // Makes the key of page links.
    drop(Server::start(&data, &[]));
    let (ok, output) = backup(&dir.path().join("none"), &copy);
    assert!(!ok && output.contains("no such data directory") && !copy.exists(), "{output}");
    fs::create_dir(&copy).unwrap();
    let (ok, output) = backup(&data, &copy);
    assert!(ok, "an empty directory is taken: {output}");
    let (ok, output) = backup(&data, &copy);
    assert!(!ok && output.contains("not empty"), "{output}");
    let (ok, output) = restore(&copy, &data);
    assert!(!ok && output.contains("not empty"), "{output}");
    verified(&data);
    let (ok, output) = restore(&files, &dir.path().join("x"));
    assert!(!ok && output.contains("not a backup"), "{output}");

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let again = dir.path().join("again");
        assert!(restore(&copy, &again).0);
        for made in [&copy, &again] {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
            assert_eq!(fs::metadata(made.join("cursor.key")).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    let note = fs::read_to_string(copy.join("backup.json")).unwrap();
    let refused = |what: &str| {
        let target = dir.path().join("refused");
        let (ok, output) = restore(&copy, &target);
        assert!(!ok && output.contains(what) && !target.exists(), "{what}: {output}");
    };
    fs::write(copy.join("backup.json"), note.replace("\"format\": 1", "\"format\": 99")).unwrap();
    refused("another form");
    // A store ahead of its registry, as a copy in the other order would make it.
    fs::write(copy.join("backup.json"), note.replace("\"public\": 1", "\"public\": 2")).unwrap();
    refused("the public store of the backup is at transaction 1");
    fs::write(copy.join("backup.json"), &note).unwrap();
    for (file, what) in
        [("public/data.mdb", "the public store is damaged"), ("registry.sqlite", "the registry of the backup is damaged")]
    {
        let whole = fs::read(copy.join(file)).unwrap();
        let mut half = whole.clone();
        // A whole page of either.
        let middle = (half.len() / 2) & !0x1fff;
        half[middle..middle + 8192].fill(0xa5);
        fs::write(copy.join(file), half).unwrap();
        refused(what);
        fs::write(copy.join(file), whole).unwrap();
    }
    assert!(restore(&copy, &dir.path().join("last")).0);
}
