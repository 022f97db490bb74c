//! `gold`: how good the search of the pages is and how long it takes, as `docs/search-quality.md` describes.

use std::path::Path;

use annuaire_conformance::gold::{
    GoldAsker, GoldNation, GoldQuery, gold_queries, growth_table, hard_queries, hostile_answers, hostile_table, measure_gold,
    write_hard_nation,
};
use annuaire_testkit::{Plan, generate};
use anyhow::{Result, anyhow};

use crate::imports;
use crate::program::{MeasuredServer, serve};

/// Seed of the nation and of the queries.
const SEED: u64 = 7;

/// Imports the files of a folder and serves them.
fn served(dir: &Path, files: &Path) -> Result<MeasuredServer> {
    let data = dir.join("data");
    let imported = imports::import(&data, &[], &imports::files(files)?)?;
    println!("import: {:.1} s, peak {} MiB", imported.seconds, imported.peak_mib);
    Ok(serve(&data.to_string_lossy())?.0)
}

/// Asks the queries and prints what came of them.
fn measure(title: &str, server: &MeasuredServer, queries: &[GoldQuery]) -> Result<GoldAsker> {
    let asker = GoldAsker::new(&format!("http://{}", server.host));
    let measured = measure_gold(&asker, queries).map_err(|e| anyhow!(e))?;
    println!("\n## {title}\n\n{measured}");
    println!("Memory of the server: {} MiB", server.memory_kib("RssAnon") / 1024);
    Ok(asker)
}

/// Measures a nation of so many professionals, then the hard cases over theirs.
pub fn run(professionals: u32) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let files = dir.path().join("nation");
    generate(&files, &Plan { professionals, seed: SEED, changed_per_mille: 0 })?;
    let queries = gold_queries(&GoldNation::read(&files).map_err(|e| anyhow!(e))?, SEED);
    let server = served(&dir.path().join("large"), &files)?;
    let asker = measure(&format!("{professionals} professionals, {} queries", queries.len()), &server, &queries)?;
    println!("\n{}", growth_table(&asker, &queries).map_err(|e| anyhow!(e))?);
    println!("{}", hostile_table(&hostile_answers(&asker).map_err(|e| anyhow!(e))?));
    drop(server);
    let files = dir.path().join("hard");
    write_hard_nation(&files).map_err(|e| anyhow!(e))?;
    let server = served(&dir.path().join("small"), &files)?;
    measure("Hard cases", &server, &hard_queries().map_err(|e| anyhow!(e))?)?;
    Ok(())
}
