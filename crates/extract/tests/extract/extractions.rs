//! Full extractions: their bytes.

use crate::common::{NOW_MS, World, files_of, texts};
use crate::golden::assert_golden;
use annuaire_extract::{ExtractOptions, HeaderWidth, NationalFile, RegistryState, lines_of_person};
use std::collections::BTreeSet;

/// All open samples, FINESS of before and the mailboxes of structures included.
pub const OPEN_SAMPLES: [&str; 9] = [
    "PS_LibreAcces_202610080942.zip",
    "Porteurs_CPS_CPF_202610080946.zip",
    "Extraction_Correspondance_MSSante_202610080951.zip",
    "finess/etalab-cs1100501-stock-20260512-0339.csv",
    "finess/etalab-cs1100502-stock-20260512-0339.csv",
    "finess/etalab-cs1100503-stock-20260512-0340.csv",
    "finess/etalab-cs1100504-stock-20260512-0341.csv",
    "finess/etalab-cs1100505-stock-20260512-0342.csv",
    "finess/etalab-cs1100507-stock-20260512-0343.csv",
];

#[test]
fn the_samples_come_out_as_the_golden_files() {
    let world = World::of_samples(&OPEN_SAMPLES);
    let (dir, report) = world.extract("out", world.last(), &ExtractOptions::default());
    assert_eq!(report.faults, 0);
    for (name, text) in texts(&dir) {
        assert_golden(&format!("extraction/{name}"), &text);
    }
}

/// What the national samples say comes back: every line, by its codes, names and numbers. Labels are those of the terminologies of
/// this program, which are newer than some samples.
#[test]
fn every_line_of_the_samples_comes_back() {
    // Without FINESS, which would decide names and addresses of establishments.
    let world = World::of_samples(&OPEN_SAMPLES[..3]);
    let (dir, _) = world.extract("out", world.last(), &ExtractOptions::default());
    let texts = texts(&dir);
    let rows = |text: &str, columns: &[usize]| -> BTreeSet<Vec<String>> {
        let row = |line: &str| {
            let fields: Vec<&str> = line.split('|').collect();
            // What a reader trims, and what a writer leaves out.
            columns.iter().map(|at| fields[*at].trim_end().replace('"', "")).collect::<Vec<_>>()
        };
        text.lines().skip(1).map(row).filter(|r| r.iter().skip(1).any(|f| !f.is_empty())).collect()
    };
    let activity: Vec<usize> = (0..4).chain([5, 7, 8, 9, 11, 13, 15, 17]).chain(19..30).chain([46, 48, 50, 52, 54]).collect();
    for (name, sample, blocks) in [
        ("PS_LibreAcces_Personne_activite", "PS_LibreAcces_Personne_activite_202610080843.txt", vec![activity]),
        ("PS_LibreAcces_SavoirFaire", "PS_LibreAcces_SavoirFaire_202610080843.txt", vec![vec![2, 0, 1, 3, 4, 5, 7, 9, 11]]),
        // Two lists side by side.
        ("PS_LibreAcces_Dipl_AutExerc", "PS_LibreAcces_Dipl_AutExerc_202610080843.txt", vec![vec![2, 5, 7], vec![2, 9, 11]]),
        ("Porteurs_CPS_CPF", "Porteurs_CPS_CPF_202610080845.txt", vec![vec![2, 0, 1, 5, 7, 9, 11, 13, 14]]),
        ("Extraction_Correspondance_MSSante", "Extraction_Correspondance_MSSante_202610080850.txt", vec![vec![1, 0, 2, 3, 4, 7]]),
    ] {
        let sample = std::fs::read_to_string(crate::common::sample(sample)).unwrap();
        for columns in blocks {
            assert_eq!(rows(&texts[name], &columns), rows(&sample, &columns), "{name}");
        }
    }
}

#[test]
fn one_state_gives_one_content_whatever_memory_and_threads() {
    let world = World::of_nation(200);
    let bytes = |name: &str, options: &ExtractOptions| {
        let (dir, report) = world.extract(name, world.last(), options);
        let all = files_of(&dir).into_iter().map(|p| (p.file_name().unwrap().to_owned(), std::fs::read(p).unwrap()));
        (all.collect::<Vec<_>>(), report)
    };
    let one = bytes("a", &ExtractOptions::default());
    assert!(one.0.len() > 5);
    let small = ExtractOptions { sort_bytes: 10_000, threads: 1, ..Default::default() };
    assert!(one == bytes("b", &small), "memory and threads change nothing");
    let world_later = World::of_nation(200);
    world_later.import_next();
    let (dir, _) = world_later.extract("c", world_later.at(1), &ExtractOptions::default());
    let earlier: Vec<_> =
        files_of(&dir).into_iter().map(|p| (p.file_name().unwrap().to_owned(), std::fs::read(p).unwrap())).collect();
    assert!(one.0 == earlier, "a state stays what it was");
}

#[test]
fn members_are_dated_by_the_commit_and_archives_later() {
    let world = World::of_nation(20);
    let (dir, report) = world.extract("out", world.last(), &ExtractOptions::default());
    let names: Vec<String> = files_of(&dir).iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names.contains(&"PS_LibreAcces_202611240901.zip".to_owned()), "{names:?}");
    let first = &report.files[0];
    assert_eq!(first.name, "PS_LibreAcces_Dipl_AutExerc_202611240900.txt");
    assert_eq!(report.committed, annuaire_base::date::iso_ms(NOW_MS));
    let mut archive = zip::ZipArchive::new(std::fs::File::open(dir.join(first.archive.as_ref().unwrap())).unwrap()).unwrap();
    let members: Vec<String> = (0..archive.len()).map(|at| archive.by_index(at).unwrap().name().to_owned()).collect();
    assert_eq!(
        members,
        [
            "PS_LibreAcces_Dipl_AutExerc_202611240900.txt",
            "PS_LibreAcces_Personne_activite_202611240900.txt",
            "PS_LibreAcces_SavoirFaire_202611240900.txt"
        ]
    );
    for text in texts(&dir).values() {
        assert!(!text.starts_with('\u{feff}') && text.ends_with('\n') && !text.contains(['\r', '"']));
    }
}

#[test]
fn headers_of_all_generations() {
    let world = World::of_nation(40);
    for (name, width) in [("48", HeaderWidth::To2019), ("52", HeaderWidth::To2021), ("56", HeaderWidth::Current)] {
        let options = ExtractOptions { width, only: vec![NationalFile::Activities], ..Default::default() };
        let (dir, report) = world.extract(name, world.last(), &options);
        assert_eq!(report.files.len(), 1);
        let texts = texts(&dir);
        let text = &texts["PS_LibreAcces_Personne_activite"];
        for line in text.lines() {
            assert_eq!(line.matches('|').count(), width.columns(), "{line}");
        }
        let imported = World::new();
        let report = imported.import(&files_of(&dir));
        assert_eq!(
            (report.quarantined, report.missing.len()),
            (0, 2),
            "the two other members of the archive: {:?}",
            report.missing
        );
    }
}

#[test]
fn one_person_has_the_lines_that_the_files_have() {
    let world = World::of_samples(&OPEN_SAMPLES);
    let options = ExtractOptions::default();
    let (dir, _) = world.extract("out", world.last(), &options);
    let texts = texts(&dir);
    let mut seen = 0;
    for national in ["810999000010", "810999000044", "0999190010", "810999000234"] {
        let found = lines_of_person(&world.registry, world.last(), national, &options).unwrap();
        for (name, text) in &texts {
            let of_person = |l: &&str| l.split('|').any(|f| f == national);
            let expected: Vec<&str> = text.lines().filter(of_person).collect();
            let lines = found.iter().find(|f| crate::common::undated(&f.name) == *name);
            assert_eq!(lines.map_or(&[][..], |l| &l.lines), expected, "{national} {name}");
            assert!(lines.is_none_or(|l| text.starts_with(&l.header)));
            seen += expected.len();
        }
    }
    assert!(seen > 15, "{seen}");
    assert_eq!(lines_of_person(&world.registry, world.last(), "810999009999", &options).unwrap(), []);
}

#[test]
fn states_are_named_by_number_or_instant() {
    let world = World::of_nation(20);
    world.import_next();
    let tx = |text: &str| RegistryState::named(&world.registry, text).map(|s| s.tx.get()).map_err(|e| e.to_string());
    assert_eq!([tx("1"), tx("2"), tx("2026-11-24"), tx("2026-11-25"), tx("2030-01")], [1, 2, 1, 2, 2].map(Ok));
    assert_eq!([tx("2026-11-24T08:00:00Z"), tx("2026-11-25T07:59:59.999Z")], [Ok(1), Ok(1)]);
    for (text, why) in
        [("3", "the log ends at 2"), ("0", "no transaction 0"), ("2026-11-23", "nothing was committed by"), ("x", "no instant")]
    {
        assert!(tx(text).unwrap_err().contains(why), "{text}: {:?}", tx(text));
    }
    assert!(RegistryState::last(&World::new().registry).unwrap_err().to_string().contains("empty"));
}
