//! A server that makes files once a day, and gives them to programs.

#![allow(clippy::unwrap_used, missing_docs)]
#![allow(clippy::disallowed_methods, reason = "a test waits, and names editions by the clock")]

mod common;

use common::{Server, annuaire, delivery, import, path_str, run};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const CREDENTIAL: &str = "Authorization: Bearer reader\r\n";

fn files_of(dir: &Path) -> Vec<std::path::PathBuf> {
    delivery(dir).into_iter().filter(|path| path.is_file()).collect()
}

/// A small nation in a data directory of its own.
fn nation(dir: &Path) -> std::path::PathBuf {
    let (files, data) = (dir.join("files"), dir.join("data"));
    assert!(annuaire(&["generate", "--professionals", "300", "--out", path_str(&files)]).0);
    let (done, output) = import(&data, &files_of(&files));
    assert!(done, "{output}");
    fs::write(dir.join("credentials"), "reader\n").unwrap();
    fs::write(data.join("annuaire.toml"), "[publication]\nextractions = \"03:30\"\n").unwrap();
    data
}

fn host(server: &Server) -> String {
    server.base.split_once('/').unwrap().0.to_owned()
}

/// The list of a mount, once its newest edition is of this transaction.
fn list(server: &Server, mount: &str, headers: &str, tx: u64) -> Value {
    let begun = Instant::now();
    loop {
        let (status, body) = server.get(&format!("http://{}{mount}/", host(server)), headers);
        assert_eq!(status, 200, "{body}");
        let list: Value = serde_json::from_str(&body).unwrap();
        if list["editions"][0]["tx"] == tx {
            return list;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{}", list["latest"]);
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Name and digest of the files of the newest edition whose names begin so.
fn digests(list: &Value, begins: &str) -> Vec<(String, String)> {
    let files = list["editions"][0]["files"].as_array().unwrap().iter();
    let named = files.map(|file| (file["name"].as_str().unwrap().to_owned(), file["sha256"].as_str().unwrap().to_owned()));
    let mut all: Vec<_> = named.filter(|(name, _)| name.starts_with(begins)).collect();
    all.sort();
    all
}

/// Name, below `prefix`, and digest of the files that an export wrote.
fn exported(data: &Path, to: &Path, prefix: &str, more: &[&str]) -> Vec<(String, String)> {
    let (code, output) = run(&[&["export", "--data", path_str(data), "--to", path_str(to), "--quiet"], more].concat());
    assert_eq!(code, 0, "{output}");
    let mut all = Vec::new();
    for entry in fs::read_dir(to).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name != "export.json" {
            let digest = Sha256::digest(fs::read(&path).unwrap());
            all.push((format!("{prefix}{name}"), digest.iter().map(|byte| format!("{byte:02x}")).collect()));
        }
    }
    all.sort();
    fs::remove_dir_all(to).unwrap();
    all
}

/// Lets the only edition of a directory be one of long ago, so that another one is due.
fn make_old(editions: &Path) {
    let names = fs::read_dir(editions).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let stamp = names.filter(|name| name.len() == 12).max().unwrap();
    fs::rename(editions.join(&stamp), editions.join("202001010330")).unwrap();
    let note = editions.join("202001010330/edition.json");
    let text = fs::read_to_string(&note).unwrap().replace(&format!("\"edition\": \"{stamp}\""), "\"edition\": \"202001010330\"");
    fs::write(&note, text).unwrap();
    fs::remove_file(editions.join("status.json")).unwrap();
}

#[test]
fn a_server_makes_the_files_of_the_day_and_what_changed_since() {
    let dir = tempfile::tempdir().unwrap();
    let data = nation(dir.path());
    let to = dir.path().join("export");
    let credentials = dir.path().join("credentials");
    let options = ["--restricted-credentials", path_str(&credentials)];
    {
        let server = Server::start(&data, &options);
        let found = list(&server, "/extractions", "", 1);
        let restricted = list(&server, "/extractions/restreint", CREDENTIAL, 1);
        assert_eq!(server.get(&format!("http://{}/extractions/restreint/", host(&server)), "").0, 401);
        assert!(!digests(&restricted, "Restreint_PS_LibreAcces_").is_empty());
        assert!(digests(&found, "Restreint_").is_empty() && digests(&found, "delta/").is_empty());
        // They are what the command writes.
        let national: Vec<_> = digests(&found, "").into_iter().filter(|(name, _)| !name.contains('/')).collect();
        assert_eq!(national, exported(&data, &to, "", &[]));
        let mut tables = Vec::new();
        for format in ["csv", "parquet"] {
            tables.extend(exported(&data, &to, "views/", &["--format", format]));
        }
        let views = digests(&found, "views/");
        assert!(tables.iter().all(|table| views.contains(table)) && !tables.is_empty(), "{views:?}");
        assert_eq!(views.len(), tables.len() / 2 * 3 + 1, "three formats and the list of tables");
        // A file is what its digest says.
        let url = |name: &str| {
            let files = found["editions"][0]["files"].as_array().unwrap();
            files.iter().find(|file| file["name"] == name).unwrap()["url"].as_str().unwrap().to_owned()
        };
        let (status, body) = server.get(&url("views/practitioner.csv"), "");
        let digest: String = Sha256::digest(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(status == 200 && views.contains(&("views/practitioner.csv".to_owned(), digest)), "{status}");
        let (_, manifest) = server.get(&url("views/manifest.json"), "");
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let practitioner = manifest["views"].as_array().unwrap().iter().find(|view| view["name"] == "practitioner").unwrap();
        assert_eq!((practitioner["files"].as_array().unwrap().len(), &manifest["tx"]), (3, &Value::from(1)));
    }
    let (_, status) = run(&["status", "--data", path_str(&data)]);
    assert!(status.contains("public extractions: 1, the last of transaction 1"), "{status}");

    // A day passes: the edition becomes that of yesterday, and another delivery comes.
    for perimeter in ["public", "restricted"] {
        let editions = data.join("extractions").join(perimeter);
        make_old(&editions);
    }
    let (done, output) = import(&data, &files_of(&dir.path().join("files/next")));
    assert!(done, "{output}");
    let server = Server::start(&data, &options);
    let found = list(&server, "/extractions", "", 2);
    assert_eq!(
        (&found["editions"][0]["since"], &found["editions"][0]["since_edition"]),
        (&Value::from(1), &Value::from("202001010330"))
    );
    let deltas = digests(&found, "delta/");
    assert!(!deltas.is_empty());
    assert_eq!(deltas, exported(&data, &to, "delta/", &["--since", "1"]));
    assert_eq!(found["editions"].as_array().unwrap().len(), 2, "yesterday's is still there");
}

/// What cannot be made leaves what is there, and is told.
#[test]
fn a_failure_leaves_the_files_of_yesterday_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let data = nation(dir.path());
    {
        let server = Server::start(&data, &[]);
        list(&server, "/extractions", "", 1);
    }
    let public = data.join("extractions/public");
    make_old(&public);
    let (done, output) = import(&data, &files_of(&dir.path().join("files/next")));
    assert!(done, "{output}");
    // Something else has the name of the next edition, whichever minute it is.
    let now_ms = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    for minute in 0..10 {
        let taken = public.join(annuaire_base::date::paris_stamp(now_ms + minute * 60_000)).join("taken");
        fs::create_dir_all(taken).unwrap();
    }
    let server = Server::start(&data, &[]);
    let begun = Instant::now();
    while !public.join("status.json").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(100));
    }
    let found = list(&server, "/extractions", "", 1);
    assert_eq!(found["editions"].as_array().unwrap().len(), 1);
    let (_, status) = run(&["status", "--data", path_str(&data)]);
    assert!(status.contains("the last attempt failed") && status.contains("those before are served"), "{status}");
    assert!(
        fs::read_dir(&public).unwrap().all(|e| !e.unwrap().file_name().to_string_lossy().contains(".partial-")),
        "nothing is left"
    );
}

#[test]
fn a_wrong_time_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.toml");
    fs::write(&file, "[publication]\nextractions = \"3h30\"\n").unwrap();
    let (code, output) = run(&["config", "--check", path_str(&file)]);
    assert!(code != 0 && output.contains("2:15") && output.contains("\"03:30\""), "{code} {output}");
}

/// What was withdrawn by law stands in no file any more, once the next ones are made.
#[test]
fn a_withdrawal_takes_the_files_before_it_away() {
    let dir = tempfile::tempdir().unwrap();
    let data = nation(dir.path());
    {
        let server = Server::start(&data, &[]);
        list(&server, "/extractions", "", 1);
    }
    make_old(&data.join("extractions/public"));
    let person = "810999000010";
    let basis = ["--basis", "article fictif L. 1", "--reason", "decision of a fictional court", "--yes", "--quiet"];
    let (code, output) = run(&[&["withdraw", "--data", path_str(&data), person][..], &basis].concat());
    assert_eq!(code, 0, "{output}");
    let server = Server::start(&data, &[]);
    let found = list(&server, "/extractions", "", 2);
    assert_eq!(found["editions"].as_array().unwrap().len(), 1, "the files that name them are gone");
    assert!(!data.join("extractions/public/202001010330").exists());
    assert!(found["editions"][0]["withdrawn"].to_string().contains(person), "{}", found["editions"][0]["withdrawn"]);
    let (_, table) = server
        .get(&format!("http://{}/extractions/{}/views/practitioner.csv", host(&server), found["latest"].as_str().unwrap()), "");
    assert!(table.lines().count() > 100 && !table.contains("10999000010"));
}

#[test]
fn no_credential_opens_two_perimeters() {
    let dir = tempfile::tempdir().unwrap();
    let data = nation(dir.path());
    let credentials = dir.path().join("credentials");
    let both = ["--restricted-credentials", path_str(&credentials), "--history-credentials", path_str(&credentials)];
    let (code, output) = run(&[&["serve", "--data", path_str(&data), "--listen", "127.0.0.1:0"][..], &both].concat());
    assert!(code != 0 && output.contains("opens both the restricted and the historised perimeter"), "{code} {output}");
}
