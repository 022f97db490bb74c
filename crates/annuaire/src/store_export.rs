//! A state of a publication store as files: its resources line by line, or the published tables.
//!
//! One state gives one set of bytes: resources come in the order of their rows, and nothing but the state is written.

use crate::progress::SharedTell;
use annuaire_base::Tx;
use annuaire_base::date::{iso_ms, parse_instant};
use annuaire_fhir::schema;
use annuaire_index::{Index, Row, Snapshot, Version};
use annuaire_views::{Document, PublishedView, Resolve, TableFormat, TableWriter, published, table_writer};
use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// What the files of a store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreFiles {
    /// Resources as they are published, one a line, a file for each type.
    Resources,
    /// The published tables.
    Tables(TableFormat),
}

/// A file that was written.
#[derive(Debug, Serialize)]
pub(crate) struct WrittenStoreFile {
    pub(crate) name: String,
    /// Resources or rows.
    pub(crate) rows: u64,
    /// Canonical URL and version of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<String>,
}

/// The state that `at` names, by its transaction or by an instant; the last one without it.
///
/// # Errors
/// When there is no such state, or it is not kept any more.
pub(crate) fn state_named(index: &Index, at: Option<&str>) -> Result<Snapshot> {
    let last = index.snapshot()?;
    let Some(at) = at else { return Ok(last) };
    let tx = match at.parse::<u64>() {
        Ok(tx) => Tx::new(tx),
        Err(_) => {
            // The last millisecond counts, as for the national files: a day is its evening.
            let (_, ms) = parse_instant(at)
                .with_context(|| format!("--at {at}: neither a transaction (12) nor an instant (2026-11-24)"))?;
            let found = last.transaction_at(ms)?;
            found.with_context(|| format!("--at {at}: the first state that is kept is later"))?.0
        }
    };
    match index.snapshot_at(tx) {
        Ok(Some(snapshot)) => Ok(snapshot),
        Ok(None) => bail!("--at {at}: the store has no transaction {tx}; the last one is {}", last.tx()),
        Err(annuaire_index::Error::TooOld) => {
            bail!("--at {at}: the states before transaction {} are not kept", index.retained_from())
        }
        Err(e) => Err(e.into()),
    }
}

/// Writes the files of a state into a directory.
pub(crate) fn write_store_files(
    snapshot: &Snapshot,
    files: StoreFiles,
    dir: &Path,
    tell: &SharedTell,
) -> Result<Vec<WrittenStoreFile>> {
    match files {
        StoreFiles::Resources => write_resources(snapshot, dir, tell),
        StoreFiles::Tables(format) => write_tables(snapshot, format, dir, tell),
    }
}

fn write_resources(snapshot: &Snapshot, dir: &Path, tell: &SharedTell) -> Result<Vec<WrittenStoreFile>> {
    let mut written = Vec::new();
    for name in schema::TYPES {
        let file_name = format!("{name}.ndjson");
        let path = dir.join(&file_name);
        let failed = || format!("writing {}", path.display());
        let mut out = BufWriter::with_capacity(1 << 20, File::create_new(&path).with_context(failed)?);
        let rows = each(snapshot, name, tell, &mut |version| {
            out.write_all(version.body()).and_then(|()| out.write_all(b"\n")).with_context(failed)
        })?;
        out.flush().with_context(failed)?;
        match rows {
            // A type that the perimeter does not publish has no file.
            0 => std::fs::remove_file(&path).with_context(failed)?,
            _ => written.push(WrittenStoreFile { name: file_name, rows, table: None }),
        }
    }
    Ok(written)
}

/// A table that is being written.
struct OpenTable {
    view: &'static PublishedView,
    name: String,
    out: Box<dyn TableWriter + Send>,
    rows: u64,
}

fn write_tables(snapshot: &Snapshot, format: TableFormat, dir: &Path, tell: &SharedTell) -> Result<Vec<WrittenStoreFile>> {
    let mut tables = Vec::new();
    for view in published() {
        let name = format!("{}.{}", view.name(), format.extension());
        let path = dir.join(&name);
        let file = File::create_new(&path).with_context(|| format!("writing {}", path.display()))?;
        let metadata = [
            ("tx".to_owned(), snapshot.tx().to_string()),
            ("transactionTime".to_owned(), iso_ms(snapshot.commit_ms())),
            ("view".to_owned(), format!("{}|{}", view.canonical(), view.version())),
            ("licence".to_owned(), "Licence Ouverte 2.0 (Etalab)".to_owned()),
            ("attribution".to_owned(), "Annuaire Santé, https://annuaire.sante.fr".to_owned()),
        ];
        let out = table_writer(format, Box::new(file), view.columns(), &metadata)?;
        tables.push(OpenTable { view, name, out, rows: 0 });
    }
    let mut look_up = StoreLookUp { snapshot };
    for ty in schema::TYPES {
        let mut wanted: Vec<_> = tables.iter_mut().filter(|table| table.view.resource_types().any(|of| of == ty)).collect();
        if wanted.is_empty() {
            continue;
        }
        each(snapshot, ty, tell, &mut |version| {
            let named = || format!("{ty}/{}", version.id());
            let document = Document::parse(version.body()).with_context(named)?;
            for OpenTable { view, out, rows, .. } in &mut wanted {
                view.rows(&document, &mut look_up, &mut |row| {
                    *rows += 1;
                    out.row(row)
                })
                .with_context(named)?;
            }
            Ok(())
        })?;
    }
    let finish = |OpenTable { view, name, out, rows }: OpenTable| {
        out.finish().with_context(|| format!("writing {name}"))?;
        Ok(WrittenStoreFile { name, rows, table: Some(format!("{}|{}", view.canonical(), view.version())) })
    };
    tables.into_iter().map(finish).collect()
}

/// Looks for other resources in the state that is written.
struct StoreLookUp<'a> {
    snapshot: &'a Snapshot,
}

impl Resolve for StoreLookUp<'_> {
    fn resolve(&mut self, resource_type: &str, id: &str) -> Result<Option<Vec<u8>>, String> {
        let Some(ty) = schema::type_id(resource_type) else { return Ok(None) };
        let found = self.snapshot.current(ty, id).map_err(|e| e.to_string())?;
        Ok(found.map(Version::into_body))
    }
}

/// Hands each live version of a type to `take`, in the order of the rows, and returns their number.
fn each(snapshot: &Snapshot, name: &str, tell: &SharedTell, take: &mut dyn FnMut(&Version) -> Result<()>) -> Result<u64> {
    let ty = schema::type_id(name).ok_or_else(|| anyhow!("{name} is not published"))?;
    let rows = snapshot.standing(&[ty]);
    let (mut reader, mut version, mut done) = (snapshot.reader(), Version::default(), 0);
    for row in &rows {
        reader.read(Row::new(row), &mut version)?;
        take(&version)?;
        done += 1;
        if done % 10_000 == 0 {
            tell(&format!("writing {name}"), done, rows.len());
        }
    }
    Ok(done)
}
