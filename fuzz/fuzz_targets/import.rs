//! Any bytes as a file to import: text formats, zip, gzip, FINESS+ JSON, FHIR.
#![no_main]

use annuaire_store::{Change, Known, Object, Outcome, Registry, Result, Tx, Unit};
use libfuzzer_sys::fuzz_target;

struct Nothing;

impl Unit for Nothing {
    fn put(&mut self, _: Change) -> Result<()> {
        Ok(())
    }
    fn known(&mut self, _: &str, _: &str, _: u32) -> Result<Vec<Known>> {
        Ok(Vec::new())
    }
    fn set_delivery(&mut self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }
}

impl Registry for Nothing {
    fn commit(&mut self, _: &str, _: &str, _: i64, write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>) -> Result<Outcome> {
        write(&mut Nothing)?;
        Ok(Outcome::default())
    }
    fn last_tx(&mut self) -> Result<u64> {
        Ok(0)
    }
    fn transactions(&mut self, _: u64) -> Result<Vec<Tx>> {
        Ok(Vec::new())
    }
    fn changed_entities(&mut self, _: u64, _: &str, _: u32) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
    fn objects_at(&mut self, _: u64, _: &[String]) -> Result<Vec<Object>> {
        Ok(Vec::new())
    }
    fn standing(&mut self, _: u64, _: &str, _: u32) -> Result<(Vec<Object>, Option<String>)> {
        Ok((Vec::new(), None))
    }
    fn delivery(&mut self, _: &str) -> Result<Option<String>> {
        Ok(None)
    }
    fn verify(&mut self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

fuzz_target!(|data: &[u8]| {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("f_202611010800.txt");
    std::fs::write(&path, data).expect("a file");
    let _ = annuaire_exchange::import(&mut Nothing, &[path], &annuaire_exchange::Options::default());
});
