//! Making an edition of the extractions: one state of the directory as national files, differences and tables.

use crate::new_directory::{making, put_in_place};
use crate::progress::SharedTell;
use crate::store_export::{StoreFiles, WrittenStoreFile, write_store_files};
use crate::store_selection::ChosenRows;
use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_base::text::hex;
use annuaire_extract::{ActivityFilter, ExtractOptions, ExtractReport, RegistryState, StateReading, extract, extract_delta};
use annuaire_index::Index;
use annuaire_pages::{Edition, EditionFile, FileGroup, NOTE, editions};
use annuaire_store::BlockingRegistry;
use annuaire_views::TableFormat;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// What an edition is made of.
pub(crate) struct EditionOrder<'a> {
    pub(crate) registry: &'a BlockingRegistry,
    /// The store whose state is shown.
    pub(crate) index: &'a Index,
    pub(crate) options: ExtractOptions,
    /// Where the editions of the perimeter lie.
    pub(crate) dir: &'a Path,
    /// Name of the edition.
    pub(crate) name: String,
    pub(crate) tell: &'a SharedTell,
}

/// Directory of the differences in an edition.
const DELTAS: &str = "delta";
/// Directory of the tables in an edition.
const TABLES: &str = "views";

/// Makes an edition of the last state of the store; `None` when the newest one shows it already. Cost: that of `annuaire export` in each
/// format, and a pass over the files for their digests.
///
/// # Errors
/// When the store is of another log, or something cannot be read or written: the editions are as they were.
pub(crate) fn make_edition(order: &EditionOrder<'_>) -> Result<Option<Edition>> {
    let EditionOrder { registry, index, options, dir, name, tell } = order;
    let log = registry.log()?;
    if index.log()? != Some(log) {
        bail!("the store follows another log than the registry: `annuaire doctor` says more");
    }
    let log = format!("{:032x}.{}", log.id, log.epoch);
    let state = RegistryState::at(registry, index.applied_tx())?;
    let before = editions(dir)?.into_iter().find(|edition| edition.log == log);
    if before.as_ref().is_some_and(|edition| edition.tx == state.tx.get()) {
        return Ok(None);
    }
    let new = making(&dir.join(name))?;
    let report = extract(registry, state, new.path(), options)?;
    let mut files = listed(new.path(), "", &report)?;
    let mut edition = Edition {
        edition: name.clone(),
        tx: state.tx.get(),
        committed: iso_ms(state.commit_ms),
        log,
        notes: report.notes,
        ..Edition::default()
    };
    // A restored registry may end before the edition; there are no differences backwards.
    if let Some(before) = before.filter(|before| before.tx < state.tx.get()) {
        let deltas = new.path().join(DELTAS);
        fs::create_dir(&deltas)?;
        let since = RegistryState::at(registry, Tx::new(before.tx))?;
        let report = extract_delta(registry, since, state, &deltas, options, StateReading::Cheapest)?;
        files.extend(listed(&deltas, DELTAS, &report)?);
        edition.since = Some(before.tx);
        edition.since_edition = Some(before.edition);
        edition.withdrawn = report.withdrawn;
    }
    files.extend(tables(index, new.path(), &edition, tell)?);
    edition.files = files;
    fs::write(new.path().join(NOTE), serde_json::to_vec_pretty(&edition)?).context("writing the note of the edition")?;
    put_in_place(new, &dir.join(name))?;
    Ok(Some(edition))
}

/// The files of a report, which lie in `dir`, the directory `below` of the edition.
fn listed(dir: &Path, below: &str, report: &ExtractReport) -> Result<Vec<EditionFile>> {
    let mut files: Vec<EditionFile> = Vec::new();
    for written in &report.files {
        let name = written.archive.as_ref().unwrap_or(&written.name);
        let full = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        match files.iter_mut().find(|file| file.name == full) {
            // Another text of the archive.
            Some(archive) => archive.lines = archive.lines.map(|lines| lines + written.lines),
            None => {
                let (bytes, sha256) = digest(&dir.join(name))?;
                let group = if below.is_empty() { FileGroup::National } else { FileGroup::Difference };
                files.push(EditionFile {
                    stable: stable_name(&full),
                    name: full,
                    group,
                    lines: Some(written.lines),
                    bytes,
                    sha256,
                });
            }
        }
    }
    Ok(files)
}

/// Writes the tables in every format, with the list of them (interop §9.1).
fn tables(index: &Index, edition_dir: &Path, edition: &Edition, tell: &SharedTell) -> Result<Vec<EditionFile>> {
    let dir = edition_dir.join(TABLES);
    fs::create_dir(&dir)?;
    let mut files = Vec::new();
    let mut views: Vec<Value> = Vec::new();
    for format in TableFormat::ALL {
        // A state for each format: none is held for longer than it takes.
        let snapshot = index.snapshot_at(Tx::new(edition.tx))?.context("the state left the store while it was written")?;
        let everything = ChosenRows::of(&snapshot, &ActivityFilter::default())?;
        let written = write_store_files(&snapshot, &everything, StoreFiles::Tables(format), &dir, tell)?;
        for WrittenStoreFile { name, rows, table } in written {
            let (bytes, sha256) = digest(&dir.join(&name))?;
            let table = table.unwrap_or_default();
            let (canonical, version) = table.split_once('|').unwrap_or((&table, ""));
            let file = json!({"format": format.extension(), "type": format.media_type(), "path": name, "bytes": bytes, "sha256": sha256});
            match views.iter_mut().find(|view| view["canonical"] == canonical) {
                Some(view) => view["files"].as_array_mut().context("the files of a table")?.push(file),
                None => {
                    let short = name.rsplit_once('.').map_or(name.as_str(), |(short, _)| short);
                    views.push(json!({"name": short, "canonical": canonical, "version": version, "rows": rows, "files": [file]}));
                }
            }
            let name = format!("{TABLES}/{name}");
            files.push(EditionFile { stable: name.clone(), name, group: FileGroup::Table, lines: Some(rows), bytes, sha256 });
        }
    }
    let manifest = json!({"transactionTime": edition.committed, "tx": edition.tx, "log": edition.log, "views": views});
    fs::write(dir.join("manifest.json"), serde_json::to_vec_pretty(&manifest)?).context("writing the list of tables")?;
    let (bytes, sha256) = digest(&dir.join("manifest.json"))?;
    let name = format!("{TABLES}/manifest.json");
    files.push(EditionFile { stable: name.clone(), name, group: FileGroup::Manifest, lines: None, bytes, sha256 });
    Ok(files)
}

/// Length and SHA-256 of a file.
fn digest(path: &Path) -> Result<(u64, String)> {
    let failed = || format!("reading {}", path.display());
    let mut file = File::open(path).with_context(failed)?;
    let (mut hasher, mut bytes, mut block) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut block).with_context(failed)? {
            0 => break,
            read => {
                hasher.update(&block[..read]);
                bytes += read as u64;
            }
        }
    }
    Ok((bytes, hex(&hasher.finalize())))
}

/// The name of a file in every edition: without dates, transactions and, but for differences, its end.
fn stable_name(name: &str) -> String {
    let (mut stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    while let Some((before, last)) = stem.rsplit_once(['_', '-'])
        && !last.is_empty()
        && last.bytes().all(|b| b.is_ascii_digit())
    {
        stem = before;
    }
    if end == "delta" { format!("{stem}.delta") } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_names_have_no_dates() {
        for (name, stable) in [
            ("PS_LibreAcces_202611260331.zip", "PS_LibreAcces"),
            ("Porteurs_CPS_CPF_202611260331.zip", "Porteurs_CPS_CPF"),
            ("Restreint_etalab-cs1100501-stock-20261126-0330.csv", "Restreint_etalab-cs1100501-stock"),
            ("delta/PS_LibreAcces_Personne_activite_3_7.delta", "delta/PS_LibreAcces_Personne_activite.delta"),
            ("delta/etalab-cs1100501_3_7.delta", "delta/etalab-cs1100501.delta"),
        ] {
            assert_eq!(stable_name(name), stable);
        }
    }
}
