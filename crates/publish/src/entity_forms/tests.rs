//! Forms against the extraction of terms, on every sample of the exchange formats.

use super::{full_forms, reduced_forms};
use crate::state::StateSource;
use annuaire_base::Tx;
use annuaire_fhir::foreign::Stamps;
use annuaire_fhir::{Guide, Perimeter, View, extract, schema};
use annuaire_terms::Term;
use std::path::{Path, PathBuf};

fn sorted(terms: &[Term]) -> Vec<String> {
    let mut all: Vec<String> = terms.iter().map(|t| format!("{t:?}")).collect();
    all.sort();
    all.dedup();
    all
}

/// Forms index the values that the expressions of the guide find in their JSON: for every sample, both perimeters and both
/// versions of the guide.
#[test]
fn terms_of_forms_are_those_of_their_json() {
    let dir = tempfile::tempdir().unwrap();
    let registry = annuaire_store_sqlite::open_blocking(&dir.path().join("r")).unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/tests/samples");
    let mut files: Vec<PathBuf> = std::fs::read_dir(samples.join("restreint")).unwrap().map(|e| e.unwrap().path()).collect();
    for name in [
        "PS_LibreAcces_202610080942.zip",
        "Porteurs_CPS_CPF_202610080845.txt",
        "Extraction_Correspondance_MSSante_202610080850.txt",
        "finess-plus/finess-structures-journalier-20261008.json",
        "finess-plus/finess-activites-journalier-20261008.json",
    ] {
        files.push(samples.join(name));
    }
    annuaire_exchange::import(&registry, &files, &annuaire_exchange::Options::default()).unwrap();
    let entities = registry.changed_entities(Tx::new(1), "", 10_000).unwrap();
    let owners = crate::owners::read(&registry).unwrap();
    let mut seen = 0;
    for guide in [Guide::V120, Guide::V110] {
        for perimeter in [Perimeter::Public, Perimeter::Restricted] {
            let view = View { guide, perimeter };
            let source = StateSource { registry: &registry, owners: &owners, perimeter };
            for entity in source.entities_at(Tx::new(1), &entities).unwrap().values() {
                let full = full_forms(entity, view, Stamps::Log).unwrap();
                for r in full.into_iter().chain(reduced_forms(entity, view).unwrap()) {
                    let body = [&r.before[..], b"\"versionId\":\"1\",", &r.after].concat();
                    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
                    let ty = schema::type_name(r.ty);
                    assert_eq!(sorted(&r.terms), sorted(&extract::terms(ty, &json)), "{view:?} {ty}/{}", r.id);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 800, "{seen}");
}
