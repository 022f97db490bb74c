//! The guard against social security numbers, over a fictional nation: no file of it may alarm.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the environment gives the size, and the time is printed")]

use annuaire_testkit::{Plan, generate};
use std::io::Read;

/// A twentieth of the country takes two minutes in a build for tests: run with `--ignored`, and `--release` for all of it.
#[test]
#[ignore = "minutes of work"]
fn a_nation_alarms_nobody() {
    let professionals = std::env::var("PROFESSIONALS").map_or(100_000, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path(), &Plan { professionals, seed: 3, changed_per_mille: 20 }).unwrap();
    let (mut bytes, mut tokens) = (0, 0);
    for folder in [dir.path().to_owned(), dir.path().join("next")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_file() {
                continue;
            }
            let mut text = String::new();
            let file = std::fs::File::open(&path).unwrap();
            if path.extension().is_some_and(|e| e == "gz") {
                flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
            } else {
                std::io::BufReader::new(file).read_to_string(&mut text).unwrap();
            }
            bytes += text.len();
            tokens += text.split(|c: char| !c.is_ascii_digit()).filter(|t| t.len() > 12).count();
            let start = std::time::Instant::now();
            if text.trim_start().starts_with('{') {
                assert!(!annuaire_base::nir::json_contains_nir(&text), "{}", path.display());
            } else {
                let alarms: Vec<&str> = text.lines().filter(|l| annuaire_base::nir::contains_nir(l)).take(3).collect();
                assert!(alarms.is_empty(), "{}: {alarms:?}", path.display());
            }
            eprintln!("{}: {} MB, {:?}", path.display(), text.len() / 1_000_000, start.elapsed());
        }
    }
    eprintln!("{professionals} professionals, {bytes} bytes, {tokens} runs of 13 digits and more: no alarm");
}
