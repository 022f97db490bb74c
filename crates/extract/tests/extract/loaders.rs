//! Loaders as the public ones are written read our files unchanged: a CSV reader without quotes, a strict reader by position, and one
//! by names of columns.

use crate::common::{World, texts};
use annuaire_extract::ExtractOptions;
use std::collections::{BTreeMap, HashMap};

/// The reader that most consumers write: a CSV library with `|` and no quotes, the header as the first record.
fn by_csv(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().delimiter(b'|').quoting(false).flexible(false).from_reader(text.as_bytes());
    reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// A strict one: as many fields as its table has columns and one empty field after them, a type digit that begins the national
/// identification, values within the widths of the columns.
fn by_position(text: &str, columns: &[(usize, usize)], width: usize, national: usize) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (number, line) in text.split('\n').enumerate().skip(1).filter(|(_, l)| !l.is_empty()) {
        let fields: Vec<String> = line.split('|').map(str::to_owned).collect();
        assert_eq!(fields.len(), width + 1, "line {}", number + 1);
        assert_eq!(fields[width], "", "line {}", number + 1);
        assert_eq!(format!("{}{}", fields[national - 2], fields[national - 1]), fields[national], "line {}", number + 1);
        for (at, max) in columns {
            assert!(fields[*at].chars().count() <= *max, "line {}, column {}: {}", number + 1, at + 1, fields[*at]);
        }
        rows.push(fields);
    }
    rows
}

/// One that asks columns by their published names, and builds persons with their places.
fn by_name(text: &str, names: &[&str]) -> Vec<HashMap<String, String>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split('|').collect();
    let at = |name: &str| header.iter().position(|h| *h == name).unwrap_or_else(|| panic!("no column {name}"));
    let columns: Vec<(String, usize)> = names.iter().map(|n| ((*n).to_owned(), at(n))).collect();
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('|').collect();
            columns.iter().map(|(name, at)| (name.clone(), fields[*at].to_owned())).collect()
        })
        .collect()
}

#[test]
fn three_loaders_read_our_files() {
    let world = World::of_nation(300);
    let (dir, report) = world.extract("out", world.last(), &ExtractOptions::default());
    let texts = texts(&dir);
    let lines = |name: &str| report.files.iter().find(|f| f.name.starts_with(name)).unwrap().lines as usize;
    for name in
        ["PS_LibreAcces_Personne_activite", "PS_LibreAcces_SavoirFaire", "Porteurs_CPS_CPF", "Extraction_Correspondance_MSSante"]
    {
        let rows = by_csv(&texts[name]);
        assert_eq!(rows.len(), lines(name), "{name}");
        assert!(rows.iter().all(|r| r.last().is_some_and(String::is_empty)), "{name}: one more separator ends every line");
    }
    // Widths of the columns of the activity file that a table has (source-files/ps-libreacces-personne-activite.csv).
    let widths =
        [(7, 60), (8, 60), (19, 14), (20, 9), (21, 9), (22, 9), (23, 25), (24, 164), (28, 5), (34, 38), (35, 5), (46, 15)];
    assert_eq!(by_position(&texts["PS_LibreAcces_Personne_activite"], &widths, 56, 2).len(), lines("PS_LibreAcces_Personne"));
    assert_eq!(by_position(&texts["PS_LibreAcces_Dipl_AutExerc"], &[], 13, 2).len(), lines("PS_LibreAcces_Dipl"));
    assert_eq!(by_position(&texts["Porteurs_CPS_CPF"], &[(11, 10)], 17, 2).len(), lines("Porteurs"));
    assert_eq!(by_position(&texts["Extraction_Correspondance_MSSante"], &[(1, 256)], 31, 4).len(), lines("Extraction_Corr"));
    let names = [
        "Identification nationale PP",
        "Nom d'exercice",
        "Libellé profession",
        "Identifiant technique de la structure",
        "Raison sociale site",
        "Libellé commune (coord. structure)",
        "Libellé genre activité",
    ];
    let mut persons: BTreeMap<String, usize> = BTreeMap::new();
    for row in by_name(&texts["PS_LibreAcces_Personne_activite"], &names) {
        assert!(!row["Nom d'exercice"].is_empty() && !row["Libellé profession"].is_empty());
        let has_place = !row["Identifiant technique de la structure"].is_empty();
        assert_eq!(has_place, !row["Raison sociale site"].is_empty());
        *persons.entry(row["Identification nationale PP"].clone()).or_default() += usize::from(has_place);
    }
    assert_eq!(persons.len(), 300);
    assert!(persons.values().filter(|n| **n > 0).count() > 200);
}

/// The national identity provider's loader (source-files §3): practices by profession and category, know-how of the first line of a
/// practice only, a structure only with its technical identifier, the date in the name.
#[test]
fn the_loader_of_the_identity_provider_reads_our_file() {
    let world = World::of_samples(&["Extraction_ProSanteConnect_Personne_activite_202610081201.zip"]);
    let options = ExtractOptions { perimeter: annuaire_consolidate::Perimeter::Restricted, ..Default::default() };
    let (dir, _) = world.extract("out", world.last(), &options);
    let text = &texts(&dir)["Extraction_ProSanteConnect_Personne_activite"];
    let sample =
        std::fs::read_to_string(crate::common::sample("Extraction_ProSanteConnect_Personne_activite_202610081201.txt")).unwrap();
    type Practices = BTreeMap<(String, String, String), (String, Vec<String>)>;
    let load = |text: &str| -> Practices {
        let mut practices = Practices::new();
        let mut rows: Vec<Vec<String>> = text.lines().skip(1).map(|l| l.split('|').map(str::to_owned).collect()).collect();
        rows.sort();
        for r in rows {
            assert_eq!(r.len(), 51);
            // The quotes that the samples hold are what a writer removes.
            let name = r[16].replace('"', "");
            let practice = practices.entry((r[2].clone(), r[13].clone(), r[14].clone())).or_insert((name, Vec::new()));
            if !r[28].is_empty() {
                practice.1.push(r[28].clone());
            }
        }
        practices.values_mut().for_each(|p| {
            p.1.sort();
            p.1.dedup();
        });
        practices
    };
    assert!(text.lines().count() > 30);
    assert_eq!(load(text), load(&sample));
}
