//! The public perimeter as files, from the server to a copy of a foreign directory: exact, whatever breaks in between.
#![allow(clippy::unwrap_used, missing_docs)]
#![expect(clippy::disallowed_methods, reason = "how long the program takes to publish is measured")]

mod common;

use annuaire_mirror::FilesManifest;
use common::breaking_line::BreakingLine;
use common::{Server, annuaire, delivery, import, path_str, published_resources, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn metrics(server: &Server) -> String {
    server.get(&format!("http://{}/metrics", server.base.split_once('/').unwrap().0), "").1
}

/// Waits until the files tell a transaction.
fn until_published(server: &Server, tx: u64) {
    let begun = Instant::now();
    while !metrics(server).contains(&format!("annuaire_files_tx{{store=\"public\"}} {tx}\n")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "transaction {tx} is not in the files");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn copy(line: &BreakingLine, into: &Path) -> (i32, String) {
    run(&["mirror", &line.base, "--into", path_str(into), "--once", "--rate", "1000", "--max-change", "90", "--quiet"])
}

/// What a copy holds, by type and id.
fn content(dir: &Path) -> BTreeMap<String, String> {
    let manifest = FilesManifest::read(dir).unwrap();
    let mut all = BTreeMap::new();
    for ty in manifest.types.keys() {
        let mut take = |id: &str, json: &[u8]| {
            all.insert(format!("{ty}/{id}"), serde_json::from_slice::<Value>(json).unwrap().to_string());
            Ok(())
        };
        manifest.each(dir, ty, &mut take).unwrap();
    }
    all
}

#[test]
fn a_foreign_copy_follows_the_files_over_a_line_that_breaks_and_a_server_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data, into) = (dir.path().join("files"), dir.path().join("data"), dir.path().join("copy"));
    let arguments = ["generate", "--professionals", "400", "--seed", "5", "--changed-per-mille", "40", "--out", path_str(&files)];
    assert!(annuaire(&arguments).0 && import(&data, &delivery(&files)).0);
    fs::write(data.join("annuaire.toml"), "[publication]\nfiles = \"PT1S\"\n").unwrap();
    let server = Server::start(&data, &[]);
    until_published(&server, 1);
    let line = BreakingLine::new(15_000);
    line.to(&server);
    line.breaks.store(5, Ordering::SeqCst);
    let (code, output) = copy(&line, &into);
    assert_eq!(code, 0, "{output}");
    assert!(line.breaks.load(Ordering::SeqCst) <= 0, "the line did not break");
    let published = published_resources(&server);
    assert!(published.len() > 1_000);
    assert_eq!(content(&into), published);
    let (_, status) = run(&["status", "--data", path_str(&data)]);
    assert!(status.contains("files: at transaction 1 ") && status.contains(" 0 increments since the root of "), "{status}");

    let (_, checked) = run(&["doctor", "--data", path_str(&data)]);
    assert!(checked.contains("OK   published files: at transaction 1, "), "{checked}");

    // The server is killed; what is committed meanwhile is an increment of its successor.
    drop(server);
    assert!(import(&data, &delivery(&files.join("next"))).0);
    let server = Server::start(&data, &[]);
    until_published(&server, 2);
    line.to(&server);
    line.breaks.store(2, Ordering::SeqCst);
    assert!(metrics(&server).contains("annuaire_files_increments{store=\"public\"} 1\n"), "{}", metrics(&server));
    let (code, output) = copy(&line, &into);
    assert_eq!(code, 0, "{output}");
    let published = published_resources(&server);
    assert_eq!(content(&into), published);

    // Who is withdrawn by law leaves the files at once, and the copy with its next run.
    let somebody = published.keys().find(|name| name.starts_with("PractitionerRole/")).unwrap();
    let more = ["--basis", "decision 2026-114 of the authority", "--reason", "erasure asked and granted", "--yes"];
    let (code, output) = run(&[&["withdraw", "--data", path_str(&data), somebody][..], &more].concat());
    assert_eq!(code, 0, "{output}");
    until_published(&server, 3);
    let (code, receipt) = run(&["receipt", "--data", path_str(&data), "3"]);
    assert!(code == 0 && receipt.contains("published files: done: ") && receipt.contains("\n\n— "), "{code} {receipt}");
    let (code, output) = copy(&line, &into);
    assert_eq!(code, 0, "{output}");
    let published = published_resources(&server);
    assert!(!published.contains_key(somebody));
    assert_eq!(content(&into), published);
}

/// The public key of a server, as its operator gives it away.
fn key(server: &Server) -> String {
    server.get("$bulk-publish/key", "").1.trim().to_owned()
}

#[test]
fn published_files_are_checked_against_a_pinned_key_across_a_withdrawal_and_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data, state) = (dir.path().join("files"), dir.path().join("data"), dir.path().join("checkpoint"));
    let arguments = ["generate", "--professionals", "60", "--seed", "6", "--changed-per-mille", "100", "--out", path_str(&files)];
    assert!(annuaire(&arguments).0 && import(&data, &delivery(&files)).0);
    fs::write(data.join("annuaire.toml"), "[publication]\nfiles = \"PT1S\"\n").unwrap();
    let server = Server::start(&data, &[]);
    until_published(&server, 1);
    let pinned = key(&server);
    let check = |server: &Server, key: &str| {
        let base = format!("http://{}", server.base);
        run(&["verify", "--published", &base, "--key", key, "--state", path_str(&state)])
    };
    let (code, output) = check(&server, &pinned);
    assert!(code == 0 && output.contains("are what was signed") && output.contains("the checkpoint is remembered"), "{output}");
    let lines = published_resources(&server).len();
    assert!(
        output.contains(&format!("{lines} lines are in the log of {lines} leaves")) && !output.contains("no salt"),
        "{output}"
    );

    drop(server);
    assert!(import(&data, &delivery(&files.join("next"))).0);
    let server = Server::start(&data, &[]);
    until_published(&server, 2);
    assert_eq!(key(&server), pinned);
    let published = published_resources(&server);
    let somebody = published.keys().find(|name| name.starts_with("PractitionerRole/")).unwrap();
    let more = ["--basis", "decision 2026-114 of the authority", "--reason", "erasure asked and granted", "--yes"];
    let (code, output) = run(&[&["withdraw", "--data", path_str(&data), somebody][..], &more].concat());
    assert_eq!(code, 0, "{output}");
    until_published(&server, 3);
    let (code, output) = check(&server, &pinned);
    assert!(
        code == 0 && output.contains("nothing was rewritten since the last check") && !output.contains("no salt"),
        "{output}"
    );

    // A second key signs beside the first one, then alone.
    let shown = |more: &[&str]| run(&[&["key", "--data", path_str(&data)][..], more].concat());
    let (code, output) = shown(&["--retire"]);
    assert!(code != 0 && output.contains("one key only"), "{output}");
    let (code, output) = shown(&["--add"]);
    assert!(code == 0 && output.contains(&pinned) && output.matches("annuaire+").count() == 2, "{output}");
    drop(server);
    let server = Server::start(&data, &[]);
    let both = key(&server);
    let second = both.lines().nth(1).unwrap().to_owned();
    // Pages from before have the signature of the first key alone.
    let base = format!("http://{}", server.base);
    let (code, output) = run(&["verify", "--published", &base, "--key", &pinned, "--key", &second, "--state", path_str(&state)]);
    assert_eq!(code, 0, "{output}");

    // Another key, and a checkpoint of somebody else.
    let other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let (code, output) = check(&server, other);
    assert!(code != 0 && output.contains("no key that is trusted here signed it"), "{output}");
    let (code, output) = check(&server, "annuaire+00000000+nothing");
    assert!(code != 0 && output.contains("--key"), "{output}");
    let remembered = fs::read_to_string(&state).unwrap();
    fs::write(&state, remembered.replacen('\n', "x\n", 1)).unwrap();
    let (code, output) = check(&server, &pinned);
    assert!(code != 0 && output.contains("the remembered checkpoint was changed"), "{output}");

    // The directory of the publisher, without salts: pages and files are checked, leaves are not found.
    let public = data.join("files/public");
    let (code, output) = run(&["verify", "--published", path_str(&public), "--key", &pinned]);
    assert!(code == 0 && output.contains("0 lines are in the log"), "{output}");
    let file = fs::read_dir(public.join("files")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    let (code, output) = run(&["verify", "--published", path_str(&public), "--key", &pinned]);
    let name = file.file_name().unwrap().to_str().unwrap().trim_end_matches(".zst").to_owned();
    assert!(code != 0 && output.contains(&format!("files/{name} was changed")), "{output}");
}
