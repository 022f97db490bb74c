//! Every reference has a target (LOG-6).

use crate::followed_registry::*;
use annuaire_fhir::schema::{self, ORGANIZATION};
use annuaire_index::{Filter, Index, Row};
use annuaire_testkit::Dice;
use serde_json::{Value, json};
use std::path::Path;

/// A structure that nobody describes is published as it is named, until somebody does.
#[test]
fn no_link_leads_nowhere() {
    let w = FollowedRegistry::new();
    w.commit_and_compare(T0, &[person("F990000019")]);
    let named = w.body(ORGANIZATION, "001-F990000019").unwrap();
    let known = (&named["identifier"][0]["value"], &named["active"], &named["name"]);
    assert_eq!(known, (&json!("990000019"), &json!(true), &Value::Null));
    w.commit_and_compare(T0 + 1, &[structure("990000019", "A")]);
    assert_eq!(w.body(ORGANIZATION, "001-F990000019").unwrap()["name"], "A");
    w.commit_and_compare(T0 + 2, &[person("R10999000003001")]);
    let named = w.body(ORGANIZATION, "001-R10999000003001").unwrap();
    assert_eq!(named["identifier"][0]["system"], "https://rppsrang.esante.gouv.fr");
    // Nothing points to it any more: it vanishes as what left does.
    w.commit_and_compare(T0 + 3, &[person("F990000019")]);
    w.commit_and_compare(T0 + 40 * DAY, &[structure("990000019", "B")]);
    assert_eq!(w.body(ORGANIZATION, "001-R10999000003001"), None);
    assert!(body(&w.restricted, ORGANIZATION, "001-R10999000003001").is_some());
}

/// Whatever files are there, in whatever order they came, no reference leads nowhere (LOG-6).
#[test]
fn every_subset_of_the_samples_is_whole() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/tests/samples");
    let mut files: Vec<_> = std::fs::read_dir(samples.join("restreint")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for name in [
        "PS_LibreAcces_202610080942.zip",
        "Porteurs_CPS_CPF_202610080845.txt",
        "Extraction_Correspondance_MSSante_202610080850.txt",
        "Extraction_ProSanteConnect_Personne_activite_202610081201.txt",
        "ExtractionMonoTable_CAT18_ToutePopulation_202011241543.csv",
        "finess-plus/finess-structures-journalier-20261008.json",
        "finess-plus/finess-activites-journalier-20261008.json",
    ] {
        files.push(samples.join(name));
    }
    let mut dice = Dice::new(99, 0, 0);
    let mut imported = 0;
    for _ in 0..6 {
        // A quarter of the files, one after the other.
        let some: Vec<_> = files.iter().filter(|_| dice.once_in(4)).collect();
        let dir = tempfile::tempdir().unwrap();
        let registry = open_registry(&dir.path().join("r"));
        let stores = [PUBLIC, RESTRICTED].map(|view| {
            let name = format!("{:?}", view.perimeter);
            (annuaire_publish::open(&dir.path().join(name), MAP, view).unwrap(), view)
        });
        for file in some {
            let reason = Some("un essai du programme".to_owned());
            let options = annuaire_exchange::Options { accept_mass_change: reason, ..Default::default() };
            // Some restricted files say nothing without the others.
            if annuaire_exchange::import(&registry, std::slice::from_ref(file), &options).is_err() {
                continue;
            }
            imported += 1;
            for (index, view) in &stores {
                follow(&registry, index, *view);
                assert_targets_exist(index);
                let faults = annuaire_publish::verify(&registry, index, *view, &|_, _, _| {}).unwrap();
                assert_eq!(faults, Vec::<String>::new(), "{}", file.display());
            }
        }
    }
    assert!(imported > 15, "{imported}");
}

/// Every reference of every live resource leads to one.
pub fn assert_targets_exist(index: &Index) {
    let snapshot = index.snapshot().unwrap();
    for (ty, name) in schema::types() {
        for row in snapshot.search(ty, &Filter::All).unwrap().iter() {
            let json: Value = serde_json::from_slice(snapshot.read(Row::new(row)).unwrap().body()).unwrap();
            let mut stack = vec![&json];
            while let Some(value) = stack.pop() {
                if let Some(to) = value.get("reference").and_then(Value::as_str) {
                    let (ty, id) = to.split_once('/').unwrap();
                    let ty = schema::type_id(ty).unwrap();
                    assert!(snapshot.exists(ty, id).unwrap(), "{name} {} points to {to}", json["id"]);
                }
                match value {
                    Value::Object(members) => stack.extend(members.values()),
                    Value::Array(list) => stack.extend(list),
                    _ => {}
                }
            }
        }
    }
}
