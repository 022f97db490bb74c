//! Bytes changed in the files of an installation: `verify` names what it finds, or nothing was harmed.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_index::{Index, Row};
use common::{annuaire, delivery, import};
use std::fs;
use std::path::Path;

/// Places tried in each file.
const PLACES: usize = 24;
/// Bytes changed at each place: one, a word, a sector.
const LENGTHS: [usize; 3] = [1, 8, 512];

/// Every version that a store holds.
fn versions(data: &Path) -> Vec<String> {
    let index = Index::open(&data.join("public"), 1 << 30, &[]).unwrap();
    let snapshot = index.snapshot().unwrap();
    let entry = |row| {
        let e = snapshot.read(Row::new(row)).ok()?;
        Some(format!("{} {} {} {} {}", e.ty, e.id(), e.number, e.tx, String::from_utf8_lossy(e.body())))
    };
    (0..).map_while(entry).collect()
}

/// Changes a file at many places and asks `verify` each time. Returns how often it found something.
fn damage(file: &str, (professionals, changed): (&str, &str), advice: &str, unharmed: &dyn Fn(&Path) -> Vec<String>) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let (files, first, data) = (dir.path().join("files"), dir.path().join("first"), dir.path().join("data"));
    let path = files.to_str().unwrap();
    assert!(annuaire(&["generate", "--professionals", professionals, "--changed-per-mille", changed, "--out", path]).0);
    assert!(import(&first, &delivery(&files)).0 && import(&first, &delivery(&files.join("next"))).0);
    // A copy has no free pages: most bytes of it mean something.
    let copy = dir.path().join("copy");
    assert!(annuaire(&["backup", "--data", first.to_str().unwrap(), "--to", copy.to_str().unwrap()]).0);
    assert!(annuaire(&["restore", "--from", copy.to_str().unwrap(), "--data", data.to_str().unwrap()]).0);
    let verify = || annuaire(&["verify", "--data", data.to_str().unwrap()]);
    let (ok, output) = verify();
    assert!(ok, "{output}");
    let expected = unharmed(&data);
    let sound = fs::read(data.join(file)).unwrap();
    let mut found = 0;
    for place in 0..PLACES {
        // Spread over the file, at odd offsets in their pages.
        let at = sound.len() / PLACES * place + place * 331 % 4_000;
        let length = LENGTHS[place % LENGTHS.len()].min(sound.len() - at);
        let mut damaged = sound.clone();
        damaged[at..at + length].iter_mut().for_each(|b| *b ^= 0x15);
        fs::write(data.join(file), &damaged).unwrap();
        let (ok, output) = verify();
        let what = format!("{length} bytes at {at} of {file}: {output}");
        assert!(!output.contains("panicked"), "{what}");
        if ok {
            fs::write(data.join(file), &damaged).unwrap();
            let found = unharmed(&data);
            let differs = found.iter().zip(&expected).find(|(a, b)| a != b);
            assert!(found.len() == expected.len() && differs.is_none(), "not seen: {what} {differs:?}");
        } else {
            found += 1;
            assert!(output.contains(advice), "does not say what to do: {what}");
        }
        fs::write(data.join(file), &sound).unwrap();
        for left in ["registry.sqlite-wal", "registry.sqlite-shm"] {
            let _ = fs::remove_file(data.join(left));
        }
    }
    let (ok, output) = verify();
    assert!(ok, "{output}");
    found
}

#[test]
fn a_damaged_store_is_named() {
    let found = damage("public/data.mdb", ("60", "300"), "annuaire rebuild", &versions);
    // Pages are half full, and what is there is small.
    assert!(found > PLACES / 3, "only {found} of {PLACES} were seen");
}

#[test]
fn a_damaged_registry_is_named() {
    // What is published of the damaged file, once more.
    // Its twenty-four tables and indexes take a page each, and the others are half full: there must be many more of those.
    let found = damage("registry.sqlite", ("2000", "20"), "annuaire restore", &|data| {
        let (ok, output) = annuaire(&["rebuild", "--data", data.to_str().unwrap()]);
        assert!(ok, "{output}");
        versions(data)
    });
    assert!(found > PLACES / 4, "only {found} of {PLACES} were seen");
}
