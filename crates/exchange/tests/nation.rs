//! The guards are silent on ordinary deliveries: two successive ones of the fictional nation.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_exchange::{Options, import};
use annuaire_testkit::{Plan, generate};
use common::World;
use std::path::{Path, PathBuf};

fn delivery(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    files.sort();
    files
}

#[test]
fn no_guard_raises_a_false_alarm_on_an_ordinary_delivery() {
    for professionals in [200, 1_000, 4_000] {
        let w = World::new();
        let folder = w.dir.path().join("files");
        let plan = Plan { professionals, seed: 1, changed_per_mille: 3 };
        generate(&folder, &plan).unwrap();
        let first = import(&w.registry, &delivery(&folder), &Options::default()).unwrap();
        assert!(first.complete(), "{professionals}: {:?}", first.warnings);
        let next = import(&w.registry, &delivery(&folder.join("next")), &Options::default());
        let next = next.unwrap_or_else(|e| panic!("{professionals}: {e}"));
        assert_eq!((next.quarantined, next.changed > 0), (0, true));
        assert_eq!(next.warnings, Vec::<String>::new(), "{professionals}");
    }
}
