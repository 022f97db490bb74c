//! prints
use annuaire_exchange::{Options, import};
use annuaire_store::Registry;
use annuaire_store_sqlite::SqliteRegistry;
use std::path::PathBuf;

#[test]
fn look() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut files: Vec<PathBuf> = Vec::new();
    for sub in ["", "finess", "finess-plus", "ameli", "restreint"] {
        let mut here: Vec<PathBuf> =
            std::fs::read_dir(dir.join(sub)).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
        here.sort();
        files.extend(here);
    }
    for f in files {
        let tmp = tempfile::tempdir().unwrap();
        let mut r = SqliteRegistry::open(&tmp.path().join("r")).unwrap();
        match import(&mut r, &[f.clone()], &Options::default()) {
            Ok(report) => {
                println!("== {}\n{}", f.file_name().unwrap().display(), serde_json::to_string(&report).unwrap());
                let tx = r.last_tx().unwrap();
                if tx > 0 {
                    let e = r.changed_entities(tx, "", 2000).unwrap();
                    let objects = r.objects_at(tx, &e).unwrap();
                    for o in objects.iter().take(2).chain(objects.iter().rev().take(2)) {
                        println!("   {} {} {}", o.entity, o.source, o.payload);
                    }
                }
            }
            Err(e) => println!("== {}\nERROR {e}", f.display()),
        }
    }
}
