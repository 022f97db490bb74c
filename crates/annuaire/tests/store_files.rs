//! Files of a publication store: what is served, line by line and as tables, the same bytes each time.
#![allow(clippy::unwrap_used, missing_docs)]
#![cfg(unix)]

mod common;

use common::{Server, annuaire, delivery, import, path_str, published_resources, run};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn export(data: &Path, to: &Path, more: &[&str]) -> (i32, String) {
    run(&[&["export", "--data", path_str(data), "--to", path_str(to), "--quiet"][..], more].concat())
}

fn files_of(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())).collect()
}

#[test]
fn files_of_a_state_are_what_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().join("files");
    assert!(
        annuaire(&[
            "generate",
            "--professionals",
            "200",
            "--seed",
            "11",
            "--changed-per-mille",
            "100",
            "--out",
            path_str(&files)
        ])
        .0
    );
    let data = dir.path().join("data");
    assert!(import(&data, &delivery(&files)).0);
    let at = |name: &str| dir.path().join(name);
    for format in ["ndjson", "csv", "parquet"] {
        for to in [at(&format!("{format}-1")), at(&format!("{format}-2"))] {
            let (code, output) = export(&data, &to, &["--format", format]);
            assert_eq!(code, 0, "{output}");
        }
        assert_eq!(files_of(&at(&format!("{format}-1"))), files_of(&at(&format!("{format}-2"))), "{format}: the same bytes");
    }
    // A later delivery: the former state is written as it was.
    assert!(import(&data, &delivery(&files.join("next"))).0);
    let (code, output) = export(&data, &at("ndjson-2"), &["--format", "ndjson", "--at", "1"]);
    assert_eq!(code, 0, "{output}");
    assert_eq!(files_of(&at("ndjson-1")), files_of(&at("ndjson-2")));
    assert_eq!(export(&data, &at("ndjson-2"), &["--format", "ndjson"]).0, 0);
    let server = Server::start(&data, &[]);
    let served = published_resources(&server);
    let mut written = BTreeMap::new();
    for (name, bytes) in files_of(&at("ndjson-2")) {
        let Some(ty) = name.strip_suffix(".ndjson") else { continue };
        for line in String::from_utf8(bytes).unwrap().lines() {
            let resource: serde_json::Value = serde_json::from_str(line).unwrap();
            written.insert(format!("{ty}/{}", resource["id"].as_str().unwrap()), resource.to_string());
        }
    }
    assert_eq!(written, served);

    let roles = String::from_utf8(files_of(&at("csv-1")).remove("role.csv").unwrap()).unwrap();
    assert!(
        roles.lines().count() > 100 && roles.lines().next().unwrap().split(',').any(|column| column == "practitioner_id"),
        "{roles:.200}"
    );
    assert!(files_of(&at("parquet-1"))["personne_activite.parquet"].starts_with(b"PAR1"));

    // What cannot be done is said, and what stood stands.
    for (more, word) in [
        (&["--format", "csv", "--profession", "10"][..], "national"),
        (&["--format", "csv", "--at", "99"], "the last one is 2"),
        (&["--format", "csv", "--at", "yesterday"], "instant"),
        (&["--format", "csv", "--perimeter", "restricted"], "no restricted store"),
    ] {
        let (code, output) = export(&data, &at("csv-1"), more);
        assert!(code != 0 && output.contains(word), "{more:?}: {output}");
    }
    let (code, output) = export(&data, &files, &["--format", "csv"]);
    assert!(code != 0 && output.contains("move it away"), "{output}");
    assert!(files_of(&at("csv-1")).contains_key("role.csv"));
}
