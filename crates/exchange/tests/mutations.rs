//! Damaged files: every sample, changed at random, is refused or read, and never stops the program. The fuzzers in `fuzz/` damage
//! files for longer.

#![allow(clippy::unwrap_used)]

#[path = "common/forgetful.rs"]
#[allow(dead_code)]
mod forgetful;

use annuaire_exchange::{Options, import};
use forgetful::forgetful;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// Samples of the formats, and files that once were read wrongly: archives, marks, other ends of lines, feeds.
fn samples() -> Vec<(String, Vec<u8>)> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folders =
        ["samples", "samples/finess", "samples/finess-plus", "samples/ameli", "samples/restreint", "inputs", "inputs/export"];
    let mut paths: Vec<PathBuf> = folders
        .iter()
        .flat_map(|d| std::fs::read_dir(tests.join(d)).unwrap().map(|e| e.unwrap().path()))
        .filter(|p| p.is_file())
        .collect();
    paths.sort();
    paths.iter().map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(p).unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_file_is_refused_or_read(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..5_u8, any::<u8>(), 1..40_usize), 1..8),
    ) {
        let all = samples();
        let (name, mut bytes) = all[which.index(all.len())].clone();
        for (at, kind, byte, len) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            let end = (at + len).min(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => _ = bytes.drain(at..end),
                2 => bytes.insert(at, byte),
                3 => bytes.truncate(at),
                _ => {
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        match import(&forgetful(), &[path], &Options::default()) {
            Ok(report) => prop_assert!(report.files.iter().all(|f| f.rejected as usize >= f.rejected_lines.len())),
            Err(e) => prop_assert!(!e.to_string().is_empty()),
        }
    }
}
