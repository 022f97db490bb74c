//! A state of a publication store as files, or what changed since another one: resources line by line, or the published tables.
//!
//! One state gives one set of bytes: resources come in the order of their rows, and nothing but the state is written.

use crate::progress::SharedTell;
use crate::store_selection::{ChosenRows, LeftRows};
use annuaire_base::Tx;
use annuaire_base::date::{iso_ms, parse_instant};
use annuaire_fhir::schema;
use annuaire_index::{Index, RoaringBitmap, Row, Snapshot, Version};
use annuaire_terms::TypeId;
use annuaire_views::{Cell, Column, Document, Kind, PublishedView, Resolve, TableFormat, TableWriter, published, table_writer};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::json;
use std::borrow::Cow;
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

/// The state that `text`, the value of `option`, names by its transaction or by an instant.
///
/// # Errors
/// When there is no such state, or it is not kept any more.
pub(crate) fn state_named(index: &Index, option: &str, text: &str) -> Result<Snapshot> {
    let last = index.snapshot()?;
    let tx = match text.parse::<u64>() {
        Ok(tx) => Tx::new(tx),
        Err(_) => {
            // The last millisecond counts, as for the national files: a day is its evening.
            let (_, ms) = parse_instant(text)
                .with_context(|| format!("{option} {text}: neither a transaction (12) nor an instant (2026-11-24)"))?;
            let found = last.transaction_at(ms)?;
            found.with_context(|| format!("{option} {text}: the first state that is kept is later"))?.0
        }
    };
    match index.snapshot_at(tx) {
        Ok(Some(snapshot)) => Ok(snapshot),
        Ok(None) => bail!("{option} {text}: the store has no transaction {tx}; the last one is {}", last.tx()),
        Err(annuaire_index::Error::TooOld) => {
            bail!("{option} {text}: the states before transaction {} are not kept", index.retained_from())
        }
        Err(e) => Err(e.into()),
    }
}

/// File of what a delta of resources removes: a line is a Bundle of `DELETE`s, as in FHIR bulk data.
const DELETIONS: &str = "deleted.ndjson";
/// Table of what a delta of tables removes, without its end.
const REMOVED: &str = "removed";
/// Deletions in a line.
const DELETIONS_IN_A_LINE: usize = 1_000;

/// Writes the chosen rows of a state into a directory.
pub(crate) fn write_store_files(
    snapshot: &Snapshot,
    chosen: &ChosenRows,
    files: StoreFiles,
    dir: &Path,
    tell: &SharedTell,
) -> Result<Vec<WrittenStoreFile>> {
    match files {
        StoreFiles::Resources => write_resources(snapshot, chosen, dir, tell),
        StoreFiles::Tables(format) => write_tables(snapshot, chosen, format, dir, tell),
    }
}

fn write_resources(snapshot: &Snapshot, chosen: &ChosenRows, dir: &Path, tell: &SharedTell) -> Result<Vec<WrittenStoreFile>> {
    let mut written = Vec::new();
    for (ty, name) in schema::types() {
        let rows = chosen.rows(ty);
        // A type that the perimeter does not publish has no file.
        if rows.is_empty() {
            continue;
        }
        let file_name = format!("{name}.ndjson");
        let mut out = new_file(dir, &file_name)?;
        let failed = || format!("writing {file_name}");
        let rows = each(snapshot, (name, &rows), tell, &mut |version| {
            out.write_all(version.body()).and_then(|()| out.write_all(b"\n")).with_context(failed)
        })?;
        out.flush().with_context(failed)?;
        written.push(WrittenStoreFile { name: file_name, rows, table: None });
    }
    if let Some(LeftRows { gone, .. }) = &chosen.left {
        let mut out = new_file(dir, DELETIONS)?;
        let gone: Vec<_> = gone.iter().collect();
        for some in gone.chunks(DELETIONS_IN_A_LINE) {
            let delete = |(ty, id): &&(&str, String)| json!({"request": {"method": "DELETE", "url": format!("{ty}/{id}")}});
            let entries: Vec<_> = some.iter().map(delete).collect();
            writeln!(out, "{}", json!({"resourceType": "Bundle", "type": "transaction", "entry": entries}))?;
        }
        out.flush().with_context(|| format!("writing {DELETIONS}"))?;
        written.push(WrittenStoreFile { name: DELETIONS.to_owned(), rows: gone.len() as u64, table: None });
    }
    Ok(written)
}

fn new_file(dir: &Path, name: &str) -> Result<BufWriter<File>> {
    let file = File::create_new(dir.join(name)).with_context(|| format!("writing {name}"))?;
    Ok(BufWriter::with_capacity(1 << 20, file))
}

/// A table that is being written.
struct OpenTable {
    view: &'static PublishedView,
    name: String,
    out: Box<dyn TableWriter + Send>,
    rows: u64,
}

fn write_tables(
    snapshot: &Snapshot,
    chosen: &ChosenRows,
    format: TableFormat,
    dir: &Path,
    tell: &SharedTell,
) -> Result<Vec<WrittenStoreFile>> {
    let metadata = |view: String| {
        [
            ("tx".to_owned(), snapshot.tx().to_string()),
            ("transactionTime".to_owned(), iso_ms(snapshot.commit_ms())),
            ("view".to_owned(), view),
            ("licence".to_owned(), "Licence Ouverte 2.0 (Etalab)".to_owned()),
            ("attribution".to_owned(), "Annuaire Santé, https://annuaire.sante.fr".to_owned()),
        ]
    };
    let mut tables = Vec::new();
    for view in published() {
        let name = format!("{}.{}", view.name(), format.extension());
        let file = Box::new(new_file(dir, &name)?);
        let out = table_writer(format, file, view.columns(), &metadata(format!("{}|{}", view.canonical(), view.version())))?;
        tables.push(OpenTable { view, name, out, rows: 0 });
    }
    let mut look_up = StoreLookUp { snapshot };
    for (ty, name) in schema::types() {
        let mut wanted: Vec<_> = tables.iter_mut().filter(|table| table.view.resource_types().any(|of| of == name)).collect();
        if wanted.is_empty() {
            continue;
        }
        let rows = rows_of_tables(chosen, ty);
        each(snapshot, (name, &rows), tell, &mut |version| {
            let named = || format!("{name}/{}", version.id());
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
    let mut written: Vec<_> = tables.into_iter().map(finish).collect::<Result<_>>()?;
    if let Some(LeftRows { replaced, .. }) = &chosen.left {
        let name = format!("{REMOVED}.{}", format.extension());
        let column = |name: &str, kind| Column {
            name: name.to_owned(),
            kind,
            collection: false,
            fhir_type: String::new(),
            path: String::new(),
            within: String::new(),
            description: String::new(),
            description_fr: String::new(),
        };
        let columns = [column("resource_type", Kind::Code), column("resource_id", Kind::Text)];
        let mut out = table_writer(format, Box::new(new_file(dir, &name)?), &columns, &metadata(REMOVED.to_owned()))?;
        for (ty, id) in replaced {
            out.row(&[Cell::Text(Cow::Borrowed(ty)), Cell::Text(Cow::Borrowed(id))])?;
        }
        out.finish().with_context(|| format!("writing {name}"))?;
        written.push(WrittenStoreFile { name, rows: replaced.len() as u64, table: None });
    }
    Ok(written)
}

/// Rows of which tables are made: what is chosen, and activities whose professional or structure changed.
fn rows_of_tables(chosen: &ChosenRows, ty: TypeId) -> RoaringBitmap {
    match &chosen.left {
        Some(left) if ty == schema::PRACTITIONER_ROLE => chosen.rows(ty) | &left.touched,
        _ => chosen.rows(ty),
    }
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

/// Hands each version to `take`, in the order of the rows, and returns their number. A state before a withdrawal by law is told without
/// what was withdrawn.
fn each(
    snapshot: &Snapshot,
    (name, rows): (&str, &RoaringBitmap),
    tell: &SharedTell,
    take: &mut dyn FnMut(&Version) -> Result<()>,
) -> Result<u64> {
    let (mut reader, mut version, mut done) = (snapshot.reader(), Version::default(), 0);
    for row in rows {
        reader.read(Row::new(row), &mut version)?;
        if version.tombstone.is_some() {
            continue;
        }
        take(&version)?;
        done += 1;
        if done % 10_000 == 0 {
            tell(&format!("writing {name}"), done, rows.len());
        }
    }
    Ok(done)
}
