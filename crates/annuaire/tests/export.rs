//! Exports and differences of deliveries, as an operator and a vendor use them.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{annuaire, code_and_output, delivery, import, path_str, program, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A nation of two deliveries; the files and the data directory.
fn nation(professionals: u32) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    assert!(annuaire(&["generate", "--professionals", &professionals.to_string(), "--out", path_str(&files)]).0);
    for folder in [files.clone(), files.join("next")] {
        let all: Vec<PathBuf> = delivery(&folder).into_iter().filter(|f| f.is_file()).collect();
        let (done, output) = import(&data, &all);
        assert!(done, "{output}");
    }
    (dir, files, data)
}

fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    delivery(dir).iter().map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read(p).unwrap())).collect()
}

#[test]
fn an_export_is_written_again_in_place_and_a_delta_follows_it() {
    let (dir, _, data) = nation(200);
    let to = dir.path().join("out");
    let export = |more: &[&str]| run(&[&["export", "--data", path_str(&data), "--to", path_str(&to), "--quiet"], more].concat());
    let (code, output) = export(&["--format", "national", "--at", "1"]);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("PS_LibreAcces_Personne_activite_") && output.contains(" lines"), "{output}");
    let first = contents(&to);
    let note: Value = serde_json::from_slice(&first["export.json"]).unwrap();
    assert_eq!((&note["export"]["tx"], &note["export"]["perimeter"]), (&1.into(), &"public".into()));
    assert!(first.keys().filter(|n| n.ends_with(".zip")).count() == 3 && first.keys().any(|n| n.contains("cs1100502")));
    let (code, output) = export(&["--at", "1"]);
    assert_eq!((code, contents(&to) == first), (0, true), "one state, one content: {output}");
    let (code, output) = export(&["--since", "1", "--json"]);
    assert_eq!(code, 0, "{output}");
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((&report["since"], &report["tx"]), (&1.into(), &2.into()));
    let delta = contents(&to);
    assert!(delta.keys().all(|n| n.ends_with(".delta") || n == "export.json"), "the former files are gone: {:?}", delta.keys());
    let activities = String::from_utf8(delta["PS_LibreAcces_Personne_activite_1_2.delta"].clone()).unwrap();
    assert!(activities.starts_with("Opération|Type d'identifiant PP|") && activities.lines().count() > 1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "nothing is left beside");
}

#[test]
fn what_is_there_stays_when_an_export_is_refused_or_fails() {
    let (dir, _, data) = nation(3_000);
    let to = dir.path().join("out");
    let arguments = ["export", "--data", path_str(&data), "--to", path_str(&to), "--quiet"];
    assert_eq!(run(&arguments).0, 0);
    let before = contents(&to);
    for (more, why) in [
        (&["--only", "prosanteconnect"][..], "restricted data"),
        (&["--at", "9"], "the log ends at 2"),
        (&["--since", "2"], "from an older state to a newer one"),
        (&["--department", "99"], "no department"),
        (&["--since", "yesterday"], "no instant"),
    ] {
        let (code, output) = run(&[&arguments[..], more].concat());
        assert_eq!((code, output.contains(why)), (1, true), "{more:?}: {output}");
        assert!(contents(&to) == before, "{more:?}");
    }
    // No file may grow beyond 64 KiB: the first archive does. The registry is closed before, so that nothing of it is written.
    let command = format!("trap '' XFSZ; ulimit -f 128; exec {} {}", env!("CARGO_BIN_EXE_annuaire"), arguments.join(" "));
    let (code, output) = code_and_output(&std::process::Command::new("sh").args(["-c", &command]).output().unwrap());
    assert_eq!(code, 1, "{output}");
    assert!(output.contains("left as it was") && output.contains("large"), "{output}");
    assert!(contents(&to) == before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "nothing is left beside");
    fs::write(to.join("mine.txt"), "mine").unwrap();
    let (code, output) = run(&arguments);
    assert_eq!((code, output.contains("mine.txt")), (1, true), "{output}");
    let (code, output) = run(&["export", "--data", path_str(&data)]);
    assert_eq!((code, output.contains("--to")), (2, true), "{output}");
}

#[test]
fn one_person_is_printed_and_filters_are_taken() {
    let (dir, _, data) = nation(100);
    let (_, output) = run(&["export", "--data", path_str(&data), "--to", path_str(&dir.path().join("all")), "--json", "--quiet"]);
    let all: Value = serde_json::from_str(&output).unwrap();
    let (code, output) = run(&["export", "--data", path_str(&data), "--person", "810999000010", "--quiet"]);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("\n8|10999000010|810999000010|") && output.contains("PS_LibreAcces_Personne_activite_"), "{output}");
    let (code, output) = run(&["export", "--data", path_str(&data), "--person", "10999000010", "--quiet"]);
    assert_eq!((code, output.contains("type digit")), (1, true), "{output}");
    let some = dir.path().join("some");
    let lines = |v: &Value| v["files"].as_array().unwrap().iter().map(|f| f["lines"].as_u64().unwrap()).sum::<u64>();
    let (code, output) = run(&[
        "export",
        "--data",
        path_str(&data),
        "--to",
        path_str(&some),
        "--json",
        "--quiet",
        "--profession",
        "10,60",
        "--only",
        "activities,cards",
        "--header",
        "48",
    ]);
    assert_eq!(code, 0, "{output}");
    let found: Value = serde_json::from_str(&output).unwrap();
    assert!(found["files"].as_array().unwrap().len() == 2 && lines(&found) < lines(&all) && lines(&found) > 0, "{found}");
}

/// A day is its evening, in every format.
#[test]
fn a_day_is_its_evening_for_resources_and_tables_too() {
    let (dir, _, data) = nation(50);
    let to = dir.path().join("out");
    let tx = |at: &str, format: &str| {
        let arguments =
            ["export", "--data", path_str(&data), "--to", path_str(&to), "--at", at, "--format", format, "--quiet", "--json"];
        let (code, output) = run(&arguments);
        assert_eq!(code, 0, "{output}");
        serde_json::from_str::<Value>(&output).unwrap()["tx"].as_u64().unwrap()
    };
    let (_, status) = run(&["status", "--data", path_str(&data), "--json"]);
    let log: Value = serde_json::from_str(&status).unwrap();
    let (last, commit_ms) = (log["log"]["tx"].as_u64().unwrap(), log["log"]["commit_ms"].as_i64().unwrap());
    let day = annuaire_base::date::iso_day(commit_ms);
    for format in ["national", "ndjson", "csv"] {
        assert_eq!(tx(&day, format), last, "{format}");
        assert_eq!(tx(&annuaire_base::date::iso_ms(commit_ms), format), last, "{format}");
        assert_eq!(tx("1", format), 1, "{format}");
    }
}

#[cfg(unix)]
#[test]
fn restricted_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, _, data) = nation(50);
    for (perimeter, mode) in [("public", 0o755), ("restricted", 0o700)] {
        let to = dir.path().join(perimeter);
        let (code, output) =
            run(&["export", "--data", path_str(&data), "--to", path_str(&to), "--perimeter", perimeter, "--quiet"]);
        assert_eq!(code, 0, "{output}");
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, mode);
        let open_names = contents(&to).keys().filter(|n| n.starts_with("PS_")).count();
        assert_eq!(open_names > 0, perimeter == "public");
    }
}

#[test]
fn two_deliveries_are_compared_without_a_registry() {
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().join("files");
    assert!(annuaire(&["generate", "--professionals", "300", "--out", path_str(&files)]).0);
    for folder in [files.clone(), files.join("next")] {
        for document in delivery(&folder).iter().filter(|p| p.to_string_lossy().ends_with(".json.gz")) {
            fs::remove_file(document).unwrap();
        }
    }
    let (next, to) = (files.join("next"), dir.path().join("deltas"));
    let (code, output) = run(&["diff", path_str(&files), path_str(&next), "--to", path_str(&to), "--quiet"]);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("persons: ") && output.contains("activities: "), "{output}");
    assert_eq!(contents(&to).keys().filter(|n| n.ends_with(".delta")).count(), 5);
    let (code, output) = run(&["diff", path_str(&files), path_str(&next), "--json", "--quiet"]);
    assert_eq!(code, 0, "{output}");
    let found: Value = serde_json::from_str(&output).unwrap();
    let activities =
        found["files"].as_array().unwrap().iter().find(|f| f["format"] == "PS_LibreAcces_Personne_activite").unwrap();
    assert!(activities["objects"][0]["what"] == "persons" && activities["added"].as_u64() > Some(0), "{activities}");
    let before = contents(&to);
    let (code, output) = run(&["diff", path_str(&next), path_str(&files), "--to", path_str(&to), "--quiet"]);
    assert_eq!((code, output.contains("older delivery first")), (1, true), "{output}");
    assert!(contents(&to) == before);
    let out = program().args(["diff", path_str(&files), "/nowhere"]).output().unwrap();
    assert_eq!(code_and_output(&out).0, 1);
}
