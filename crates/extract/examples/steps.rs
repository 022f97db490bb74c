//! The steps of an extraction one by one, to be timed from outside: `steps generate N DIR`, `steps import REGISTRY MS FILES…`,
//! `steps extract REGISTRY OUT`, `steps delta REGISTRY FROM TO whole|cheapest OUT`, `steps diff OLD NEW`.

use annuaire_base::Tx;
use annuaire_extract::{DiffOptions, ExtractOptions, RegistryState, StateReading, diff, extract, extract_delta};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["generate", professionals, dir] => {
            let plan = annuaire_testkit::Plan { professionals: professionals.parse()?, seed: 7, changed_per_mille: 3 };
            println!("{}", annuaire_testkit::generate(Path::new(dir), &plan)?);
        }
        ["import", registry, instant, ref files @ ..] => {
            let registry = annuaire_store_sqlite::open_blocking(Path::new(registry))?;
            let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
            let ms = instant.parse()?;
            let options = annuaire_exchange::Options { clock: Arc::new(move || ms), any_clock: true, ..Default::default() };
            println!("{:?}", annuaire_exchange::import(&registry, &files, &options)?.tx);
        }
        ["extract", registry, out] => {
            let registry = annuaire_store_sqlite::open_blocking(Path::new(registry))?;
            std::fs::create_dir_all(out)?;
            let options = ExtractOptions { spill: Some(PathBuf::from(out)), ..Default::default() };
            let report = extract(&registry, RegistryState::last(&registry)?, Path::new(out), &options)?;
            println!("{} lines", report.files.iter().map(|f| f.lines).sum::<u64>());
        }
        ["delta", registry, from, to, reading, out] => {
            let registry = annuaire_store_sqlite::open_blocking(Path::new(registry))?;
            std::fs::create_dir_all(out)?;
            let state = |tx: &str| Ok::<_, Box<dyn Error>>(RegistryState::at(&registry, Tx::new(tx.parse()?))?);
            let options = ExtractOptions { spill: Some(PathBuf::from(out)), ..Default::default() };
            let reading = if reading == "whole" { StateReading::Whole } else { StateReading::Cheapest };
            let report = extract_delta(&registry, state(from)?, state(to)?, Path::new(out), &options, reading)?;
            println!("{} lines", report.files.iter().map(|f| f.lines).sum::<u64>());
        }
        ["diff", old, new] => {
            let found = diff(Path::new(old), Path::new(new), &DiffOptions::default())?;
            println!(
                "{} added, {} removed",
                found.files.iter().map(|f| f.added).sum::<u64>(),
                found.files.iter().map(|f| f.removed).sum::<u64>()
            );
        }
        _ => return Err("steps generate|import|extract|delta|diff …: the first lines of this file tell the arguments".into()),
    }
    Ok(())
}
