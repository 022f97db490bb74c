//! Files of a publication store: what is served, line by line and as tables, the same bytes each time.
#![allow(clippy::unwrap_used, missing_docs)]
#![cfg(unix)]

mod common;

use common::{Server, annuaire, delivery, import, path_str, published_resources, run};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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
        (&["--format", "csv", "--only", "cards"][..], "national"),
        (&["--format", "csv", "--department", "99"], "no department or region of France"),
        (&["--format", "csv", "--since", "2", "--at", "1"], "after 1"),
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

/// A directory with two deliveries.
fn two_states(dir: &Path) -> std::path::PathBuf {
    let files = dir.join("files");
    let generated =
        ["generate", "--professionals", "300", "--seed", "5", "--changed-per-mille", "300", "--out", path_str(&files)];
    assert!(annuaire(&generated).0);
    let data = dir.join("data");
    assert!(import(&data, &delivery(&files)).0);
    assert!(import(&data, &delivery(&files.join("next"))).0);
    data
}

/// The resources of exported files, by reference.
fn resources_of(dir: &Path) -> BTreeMap<String, Value> {
    let mut resources = BTreeMap::new();
    for (name, bytes) in files_of(dir).into_iter().filter(|(name, _)| name.ends_with(".ndjson") && name != "deleted.ndjson") {
        for line in String::from_utf8(bytes).unwrap().lines() {
            let resource: Value = serde_json::from_str(line).unwrap();
            let reference = format!("{}/{}", name.trim_end_matches(".ndjson"), resource["id"].as_str().unwrap());
            assert!(resources.insert(reference, resource).is_none(), "twice in {name}");
        }
    }
    resources
}

/// Rows of a table, in no order, each with the resource that gave it.
fn rows_of(dir: &Path, table: &str) -> Vec<(String, Value)> {
    let bytes = files_of(dir).remove(&format!("{table}.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.unwrap();
        let cell = |name: &str| columns.iter().position(|column| column == name).map(|at| record[at].to_owned());
        let of = |ty: &str, name: &str| format!("{ty}/{}", cell(name).unwrap());
        let resource = match table {
            "practitioner" => of("Practitioner", "id"),
            "qualification" => of("Practitioner", "practitioner_id"),
            "role" => of("PractitionerRole", "id"),
            "personne_activite" => of("PractitionerRole", "role_id"),
            "organization" => of("Organization", "id"),
            "healthcare_service" => of("HealthcareService", "id"),
            "device" => of("Device", "id"),
            _ => of(&cell("resource_type").unwrap(), "resource_id"),
        };
        (resource, Value::from(record.iter().collect::<Vec<_>>()))
    };
    let mut rows: Vec<_> = reader.records().map(row).collect();
    rows.sort_by_key(|(resource, row)| (resource.clone(), row.to_string()));
    rows
}

const TABLES: [&str; 10] = [
    "practitioner",
    "role",
    "organization",
    "qualification",
    "address",
    "telecom",
    "messaging_address",
    "healthcare_service",
    "device",
    "personne_activite",
];

/// The former state with a delta is the later state: for everything, and for selections that resources enter and leave.
#[test]
fn a_delta_added_to_the_former_state_gives_the_later_one() {
    let dir = tempfile::tempdir().unwrap();
    let data = two_states(dir.path());
    let to = dir.path().join("to");
    let written = |more: &[&str]| {
        let (code, output) = export(&data, &to, more);
        assert_eq!(code, 0, "{more:?}: {output}");
        &to
    };
    let (mut gone, mut changed) = (0, 0);
    for filter in [&[][..], &["--profession", "10,60"], &["--region", "11,53,84"], &["--department", "75", "--profession", "10"]]
    {
        let with = |more: &[&'static str]| [more, filter].concat();
        let mut resources = resources_of(written(&with(&["--format", "ndjson", "--at", "1"])));
        let delta = written(&with(&["--format", "ndjson", "--since", "1"]));
        let note: Value = serde_json::from_slice(&files_of(delta)["export.json"]).unwrap();
        assert_eq!((&note["export"]["since"], &note["export"]["tx"]), (&1.into(), &2.into()), "{note}");
        for line in String::from_utf8(files_of(delta).remove("deleted.ndjson").unwrap()).unwrap().lines() {
            let bundle: Value = serde_json::from_str(line).unwrap();
            for entry in bundle["entry"].as_array().unwrap() {
                let reference = entry["request"]["url"].as_str().unwrap();
                assert!(resources.remove(reference).is_some(), "{reference} was not there");
                gone += 1;
            }
        }
        let newer = resources_of(delta);
        changed += newer.len();
        resources.extend(newer);
        assert_eq!(resources, resources_of(written(&with(&["--format", "ndjson"]))), "{filter:?}");

        let read = |dir: &Path| TABLES.map(|table| rows_of(dir, table));
        let mut tables = read(written(&with(&["--format", "csv", "--at", "1"])));
        let delta = written(&with(&["--format", "csv", "--since", "1"]));
        let removed = files_of(delta).remove("removed.csv").unwrap();
        let removed: BTreeSet<String> =
            csv::Reader::from_reader(&removed[..]).records().map(|r| r.unwrap().iter().collect::<Vec<_>>().join("/")).collect();
        let (newer, later) = (read(delta), read(written(&with(&["--format", "csv"]))));
        for (((table, rows), newer), later) in TABLES.iter().zip(&mut tables).zip(newer).zip(later) {
            rows.retain(|(resource, _)| !removed.contains(resource));
            rows.extend(newer);
            rows.sort_by_key(|(resource, row)| (resource.clone(), row.to_string()));
            assert_eq!(*rows, later, "{table} {filter:?}");
        }
    }
    assert!(gone > 0 && changed > 50, "{gone} gone, {changed} changed");
}

/// A territory has the structures of its addresses, the activities in them and their professionals.
#[test]
fn a_selection_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let data = two_states(dir.path());
    let written = |name: &str, more: &[&str]| {
        let to = dir.path().join(name);
        let (code, output) = export(&data, &to, &[&["--format", "ndjson"][..], more].concat());
        assert_eq!(code, 0, "{output}");
        resources_of(&to)
    };
    let all = written("all", &[]);
    // A postal code tells the department of these; the south of Corsica is not among them.
    let is_there = |organization: &Value| {
        organization["address"].as_array().is_some_and(|all| {
            all.iter().any(|address| {
                let insee = address["extension"][0]["valueCoding"]["code"].as_str();
                insee.or(address["postalCode"].as_str()).is_some_and(|code| code.starts_with("75") || code.starts_with("13"))
            })
        })
    };
    let of = |resources: &BTreeMap<String, Value>, ty: &str| -> BTreeSet<String> {
        resources.keys().filter(|reference| reference.starts_with(&format!("{ty}/"))).cloned().collect()
    };
    let referred = |roles: &BTreeMap<String, Value>, member: &str| -> BTreeSet<String> {
        let roles = roles.iter().filter(|(reference, _)| reference.starts_with("PractitionerRole/"));
        roles.filter_map(|(_, role)| role[member]["reference"].as_str().map(str::to_owned)).collect()
    };
    let territory = written("territory", &["--department", "75,13"]);
    let expected: BTreeSet<String> = all.iter().filter(|(_, o)| is_there(o)).map(|(reference, _)| reference.clone()).collect();
    assert!(expected.len() > 3);
    assert_eq!(of(&territory, "Organization"), expected);
    let in_it = |reference: &&String| all[*reference]["organization"]["reference"].as_str().is_some_and(|o| expected.contains(o));
    let roles: BTreeSet<String> = of(&all, "PractitionerRole").iter().filter(in_it).cloned().collect();
    assert!(!roles.is_empty());
    assert_eq!(of(&territory, "PractitionerRole"), roles);
    assert_eq!(of(&territory, "Practitioner"), referred(&territory, "practitioner"));

    let doctors = written("doctors", &["--profession", "10"]);
    let is_doctor = |resource: &Value| {
        resource["qualification"].as_array().is_some_and(|all| {
            let codings = all.iter().filter_map(|one| one["code"]["coding"].as_array()).flatten();
            codings.into_iter().any(|c| c["code"] == "10" && c["system"].as_str().is_some_and(|s| s.contains("TRE_G15")))
        })
    };
    let expected: BTreeSet<String> = all.iter().filter(|(_, p)| is_doctor(p)).map(|(reference, _)| reference.clone()).collect();
    assert!(expected.len() > 10);
    assert_eq!(of(&doctors, "Practitioner"), expected);
    assert_eq!(of(&doctors, "Organization"), referred(&doctors, "organization"));
    assert!(of(&doctors, "HealthcareService").is_empty() && of(&doctors, "Device").is_empty());

    let one = all.values().find(|o| o["resourceType"] == "Organization" && !o["identifier"].is_null()).unwrap();
    let number = one["identifier"][0]["value"].as_str().unwrap();
    let structure = written("structure", &["--structure", number]);
    assert_eq!(
        of(&structure, "Organization").into_iter().collect::<Vec<_>>(),
        [format!("Organization/{}", one["id"].as_str().unwrap())]
    );
}
