//! The measuring command itself, on a village and for an instant: that it runs, and that what it counts is there.

#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn a_small_run_measures_everything() {
    let out = Command::new(env!("CARGO_BIN_EXE_annuaire-bench"))
        .args(["300", "0.05", "nobody=http://127.0.0.1:1/fhir"])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
    let number = |line: &str| -> u64 {
        let found = text.lines().find(|l| l.contains(line)).unwrap_or_else(|| panic!("no line {line:?} in\n{text}"));
        found.split('|').nth(2).unwrap().trim().split(' ').next().unwrap().parse().unwrap()
    };
    assert!(number("full walk") > 600, "persons, roles and structures are walked\n{text}");
    let total = |name: &str| -> u64 {
        let found =
            text.lines().find(|l| l.starts_with(&format!("| {name}: "))).unwrap_or_else(|| panic!("no {name:?} in\n{text}"));
        found.split('|').nth(5).unwrap().trim().parse().unwrap()
    };
    let (one, two, three) = (total("name, one letter"), total("name, two letters"), total("name, three letters"));
    assert!(one >= two && two >= three && three > 0, "{one} {two} {three}");
    assert!(total("all of a type, total only") >= total("active"));
    // Everything else has a row, and nothing was refused or left out but by design.
    let row = |name: &str| text.lines().find(|l| l.contains(name)).unwrap_or_else(|| panic!("no {name:?} in\n{text}"));
    for name in [
        "import of the second delivery",
        "walk with gzip",
        "each for the first time",
        "names of the data in turn |",
        "names of the data in turn, gzip |",
        "the same name again and again |",
        "the same name again and again, gzip |",
        "read by id |",
        "identifier search, bundle of one |",
        "`Practitioner?_count=50`",
        "`Practitioner?name=m&_count=1000`",
        "idle connections |",
        "8 connections of `family:contains`",
        "8 connections of `_count=1000`",
        "8 connections of lists of 1,000 identifiers",
        "200 connections of half a head",
        "50 connections that never read",
    ] {
        assert!(!row(name).contains("not measured") && !row(name).contains("no answer"), "{}\n{text}", row(name));
    }
    for stage in ["reading", "sorting", "writing", "committing"] {
        let seconds = row(&format!("| {stage} |")).split('|').nth(2).unwrap().trim().parse::<f64>().unwrap();
        assert!(seconds >= 0.0);
    }
    assert!(number("idle connections") < 100, "MiB of some hundred connections\n{text}");
    // A server that is not there is said to be missing, and ends nothing.
    assert!(row("| nobody=http://127.0.0.1:1/fhir |").contains("not measured"), "{text}");
}
