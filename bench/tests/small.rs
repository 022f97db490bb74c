//! The measuring command itself, on a village and for an instant: that it runs, and that what it counts is there.

#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn a_small_run_measures_everything() {
    let out = Command::new(env!("CARGO_BIN_EXE_annuaire-bench")).args(["300", "0.05"]).output().unwrap();
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
        found.split('|').nth(4).unwrap().trim().parse().unwrap()
    };
    let (one, two, three) = (total("name, one letter"), total("name, two letters"), total("name, three letters"));
    assert!(one >= two && two >= three && three > 0, "{one} {two} {three}");
    assert!(total("all of a type, total only") >= total("active"));
}
