//! Damage of a publication store, found by reading it whole.

use crate::progress::{SharedTell, during};
use annuaire_base::Tx;
use annuaire_index::Index;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

/// Result of reading a whole store.
#[derive(Debug, Default)]
pub(crate) struct StoreCheck {
    /// Transaction of the store, `None` when it could not be opened.
    pub(crate) tx: Option<Tx>,
    /// Another version of the program wrote it: nothing more was looked at.
    pub(crate) is_outdated: bool,
    /// One line for each damage.
    pub(crate) faults: Vec<String>,
}

/// What is printed of a store that another version of the program wrote.
const OUTDATED: &str = "outdated";

/// Reads a whole store and prints its transaction, then its damages: the lines that [`check_in_own_process`] reads.
pub(crate) fn check_and_print(dir: &Path, map_bytes: usize) -> Result<()> {
    let index = match Index::open(dir, map_bytes, annuaire_fhir::dictionary::ALL) {
        Err(annuaire_index::Error::Outdated { .. }) => {
            println!("{OUTDATED}");
            return Ok(());
        }
        opened => opened?,
    };
    println!("{}", index.applied_tx());
    for fault in index.check()? {
        println!("{fault}");
    }
    Ok(())
}

/// Reads a whole store in a process of its own: the storage engine trusts the page numbers of its file, and a damaged number can
/// kill the process that follows it.
pub(crate) fn check_in_own_process(dir: &Path, map_bytes: usize, tell: &SharedTell) -> Result<StoreCheck> {
    let program = std::env::current_exe().context("finding this program")?;
    let map_bytes = map_bytes.to_string();
    let check = || Command::new(program).arg("check-store").args(["--map-bytes", &map_bytes]).arg(dir).output();
    let run = || check().context("starting a check");
    let out = during(tell, &format!("checking {}", dir.display()), &|| (0, 0), run)?;
    let printed = String::from_utf8_lossy(&out.stdout);
    let mut lines = printed.lines();
    let first = lines.next();
    let is_outdated = first == Some(OUTDATED);
    let tx = first.and_then(|line| line.parse().ok()).map(Tx::new);
    let mut faults: Vec<String> = lines.map(str::to_owned).collect();
    if !out.status.success() {
        let why = String::from_utf8_lossy(&out.stderr);
        faults.push(format!("reading it ended with {}: {}", out.status, why.lines().next().unwrap_or("nothing was said")));
    }
    Ok(StoreCheck { tx, is_outdated, faults })
}
