//! Damaged files: every sample, changed at random, is refused or read, and never stops the program. The fuzzers in `fuzz/` damage
//! files for longer.

#![allow(clippy::unwrap_used)]

use annuaire_base::Tx;
use annuaire_exchange::{Options, import};
use annuaire_store::{Cause, Change, CommitOutcome, Object, ObjectMark, Registry, Result, Transaction, Unit};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// A registry that forgets: readers and guards are what is tried here.
struct Nothing;

impl Unit for Nothing {
    fn put(&mut self, change: Change) -> Result<()> {
        if let Some(json) = change.payload {
            let _: annuaire_mos::Objet = serde_json::from_str(&json).unwrap();
        }
        Ok(())
    }
    fn known(&mut self, _: &str, _: &str, _: u32) -> Result<Vec<ObjectMark>> {
        Ok(Vec::new())
    }
    fn outcome(&mut self) -> Result<CommitOutcome> {
        Ok(CommitOutcome::default())
    }
    fn note(&mut self, _: &str, _: &str) -> Result<Option<String>> {
        Ok(None)
    }
    fn notes(&mut self, _: &str, _: &str, _: u32) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }
    fn set_note(&mut self, _: &str, _: &str, _: Option<&str>) -> Result<()> {
        Ok(())
    }
}

impl Registry for Nothing {
    fn commit(&mut self, _: Cause<'_>, write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>) -> Result<CommitOutcome> {
        write(&mut Nothing)?;
        Ok(CommitOutcome::default())
    }
    fn last_tx(&mut self) -> Result<Tx> {
        Ok(Tx::NONE)
    }
    fn transactions(&mut self, _: Tx) -> Result<Vec<Transaction>> {
        Ok(Vec::new())
    }
    fn changed_entities(&mut self, _: Tx, _: &str, _: u32) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
    fn objects_at(&mut self, _: Tx, _: &[String]) -> Result<Vec<Object>> {
        Ok(Vec::new())
    }
    fn standing(&mut self, _: Tx, _: &str, _: u32) -> Result<(Vec<Object>, Option<String>)> {
        Ok((Vec::new(), None))
    }
    fn note(&mut self, _: &str, _: &str) -> Result<Option<String>> {
        Ok(None)
    }
    fn notes(&mut self, _: &str, _: &str, _: u32) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }
    fn verify(&mut self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

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
        match import(&mut Nothing, &[path], &Options::default()) {
            Ok(report) => prop_assert!(report.files.iter().all(|f| f.rejected as usize >= f.rejected_lines.len())),
            Err(e) => prop_assert!(!e.to_string().is_empty()),
        }
    }
}
