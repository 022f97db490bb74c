//! A delta applied to the older file gives the newer one, byte by byte, however the two states were read.

use crate::common::{World, part_of, texts, undated};
use annuaire_consolidate::Perimeter;
use annuaire_extract::{ActivityFilter, ExtractOptions, RegistryState, StateReading, apply, extract_delta};
use annuaire_store::{Cause, Channel, CommitClock};
use annuaire_testkit::{Plan, generate};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The deltas between two states by the beginning of their names.
fn deltas(
    world: &World,
    from: RegistryState,
    to: RegistryState,
    options: &ExtractOptions,
    reading: StateReading,
) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    let report = extract_delta(&world.registry, from, to, dir.path(), options, reading).unwrap();
    let mut all = BTreeMap::new();
    for file in &report.files {
        let text = std::fs::read_to_string(dir.path().join(&file.name)).unwrap();
        let count = |sign: &str| text.lines().skip(1).filter(|l| l.starts_with(sign)).count() as u64;
        assert_eq!((file.added, file.removed), (Some(count("+")), Some(count("-"))), "{}", file.name);
        let tail = format!("_{}_{}.delta", from.tx, to.tx);
        let name = file.name.strip_suffix(&tail).unwrap();
        all.insert(undated(name).replace('-', "_"), text);
    }
    all
}

/// The format of a text by the beginning of its name.
fn format(name: &str) -> String {
    let name = name.trim_start_matches("Restreint_");
    match name.strip_prefix("etalab_").and_then(|n| n.strip_suffix("_stock")) {
        Some(section) => format!("FINESS {section}"),
        None => name.to_owned(),
    }
}

/// Extracts both states and all deltas, and compares.
fn check(world: &World, from: RegistryState, to: RegistryState, options: &ExtractOptions) -> Result<u64, TestCaseError> {
    let names = |s: RegistryState| format!("at-{}-{}", s.tx, std::fs::read_dir(world.dir.path()).unwrap().count());
    let (old, _) = world.extract(&names(from), from, options);
    let (new, _) = world.extract(&names(to), to, options);
    let (old, new) = (texts(&old), texts(&new));
    let by_log = deltas(world, from, to, options, StateReading::ByLog);
    prop_assert_eq!(&by_log, &deltas(world, from, to, options, StateReading::Whole));
    let mut changes = 0;
    for (name, text) in &new {
        let delta = &by_log[name.trim_end_matches("_stock")];
        changes += delta.lines().count() as u64 - 1;
        let mut out = Vec::new();
        let header = old.get(name).map_or_else(|| text.lines().next().unwrap().to_owned() + "\n", String::clone);
        apply(&format(name), &mut header.as_bytes(), &mut delta.as_bytes(), &mut out).unwrap_or_else(|e| panic!("{name}: {e}"));
        prop_assert_eq!(&String::from_utf8(out).unwrap(), text, "{}", name);
    }
    Ok(changes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn a_delta_applied_to_the_older_file_gives_the_newer_one(seed in 0_u64..1_000, professionals in 20_u32..80) {
        let world = World::new();
        let (whole, next) = (world.dir.path().join("w"), world.dir.path().join("w/next"));
        generate(&whole, &Plan { professionals, seed, changed_per_mille: 100 }).unwrap();
        world.import(&part_of(&whole, &world.dir.path().join("a"), seed, "202611010800"));
        world.import_at(&part_of(&next, &world.dir.path().join("b"), seed + 1, "202611040800"), crate::common::NOW_MS + 86_400_000);
        let filter = ActivityFilter { professions: vec!["10".into(), "60".into()], ..Default::default() };
        for options in [
            ExtractOptions::default(),
            ExtractOptions { filter, ..Default::default() },
            ExtractOptions { perimeter: Perimeter::Restricted, sort_bytes: 4_000, ..Default::default() },
            ExtractOptions {
                filter: ActivityFilter { departments: vec!["57".into(), "69".into()], regions: vec!["53".into()], ..Default::default() },
                ..Default::default()
            },
        ] {
            check(&world, world.at(1), world.at(2), &options)?;
        }
        prop_assert!(check(&world, world.at(1), world.at(2), &ExtractOptions::default())? > 0);
    }
}

/// A structure that changed alone changes the lines of all who work there and name it in mailboxes; a withdrawn person has no line
/// any more.
#[test]
fn structures_and_withdrawals_change_lines_of_others() {
    let world = World::of_samples(&[
        "PS_LibreAcces_202610080942.zip",
        "Extraction_Correspondance_MSSante_202610080951.zip",
        "Porteurs_CPS_CPF_202610080946.zip",
    ]);
    let text = std::fs::read_to_string(crate::common::sample("PS_LibreAcces_Personne_activite_202610080843.txt")).unwrap();
    let changed = text.replace("CABINET DE GROUPE DES QUATRE VENTS", "CABINET DES CINQ VENTS");
    assert_ne!(text, changed);
    let path = world.dir.path().join("PS_LibreAcces_Personne_activite_202610090843.txt");
    std::fs::write(&path, changed).unwrap();
    world.import_at(&[path], crate::common::NOW_MS + 86_400_000);
    let mut unit = world.registry.begin().unwrap();
    unit.withdraw("PP:810999000010").unwrap();
    let later = CommitClock { now_ms: &|| crate::common::NOW_MS + 2 * 86_400_000, any_clock: false };
    unit.save(&Cause::new(Channel::Operator, "test", "a test"), later).unwrap();
    let options = ExtractOptions::default();
    let renamed = deltas(&world, world.at(1), world.at(2), &options, StateReading::Cheapest);
    let count = |name: &str| renamed[name].lines().count() - 1;
    assert!(count("PS_LibreAcces_Personne_activite") >= 4, "{renamed:?}");
    assert!(count("Extraction_Correspondance_MSSante") >= 2, "mailboxes name it by its national number");
    assert_eq!(count("Porteurs_CPS_CPF"), 0);
    check(&world, world.at(1), world.at(2), &options).unwrap();
    check(&world, world.at(2), world.at(3), &options).unwrap();
    // What was withdrawn by law is in no state any more: its lines cannot be told, only whose they were.
    let dir = tempfile::tempdir().unwrap();
    let gone = extract_delta(&world.registry, world.at(2), world.at(3), dir.path(), &options, StateReading::Cheapest).unwrap();
    assert_eq!(gone.withdrawn, ["810999000010"]);
    assert!(gone.files.iter().all(|f| f.lines == 0) && gone.notes.iter().any(|n| n.contains("withdrawn")), "{:?}", gone.notes);
}

#[test]
fn a_delta_goes_forward() {
    let world = World::of_nation(20);
    let dir = tempfile::tempdir().unwrap();
    let e =
        extract_delta(&world.registry, world.at(1), world.at(1), dir.path(), &ExtractOptions::default(), StateReading::Cheapest);
    assert!(e.unwrap_err().to_string().contains("from an older state to a newer one"));
}
