//! National files in: recognition by content, streaming readers, guards, and the delta
//! against what the registry already knows from the same source.
//!
//! Each national file is a *source* that owns its objects: a delivery replaces all that its
//! source said before, and says nothing of the objects of others. All files of one call are
//! one transaction, so that a person, their roles and their structures appear together.

mod assemble;
mod fhir;
mod finess;
mod formats;
mod json;
mod row;
mod sort;

use annuaire_base::id;
use annuaire_mos::Objet;
use annuaire_store::{Change, Outcome, Registry, Unit};
use serde::{Deserialize, Serialize};
use sort::Sorter;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Limits of an import, in one place.
pub mod limits {
    /// Bytes that one file's lines may occupy in memory before they are sorted through disk.
    pub const SORT_BYTES: usize = 256 << 20;
    /// Largest accepted line, in bytes.
    pub const LINE_BYTES: u64 = 1 << 20;
    /// Largest accepted record of a JSON document, in bytes.
    pub const RECORD_BYTES: usize = 64 << 20;
    /// Rejected lines that the report names one by one; beyond, they are counted.
    pub const REPORTED_LINES: usize = 1_000;
    /// Objects read from the registry at a time.
    pub const PAGE: u32 = 2_000;
    /// Share of a source's objects that may come or go in one delivery (source-files §13, guard 2), per cent.
    pub const VOLUME_PERCENT: u64 = 5;
    /// Below this number of objects, one person is already several per cent: the volume guard is silent.
    pub const VOLUME_FLOOR: u64 = 100;
    /// Least share of RPPS numbers with a valid key (guard 4), per cent.
    pub const VALID_KEYS_PERCENT: u64 = 99;
}

/// Why an import wrote nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// The cause.
        source: io::Error,
    },
    /// A guard refused a whole file.
    #[error("{file}: {reason}")]
    Refused {
        /// The file.
        file: String,
        /// What was found and what to do.
        reason: String,
    },
    /// The registry failed.
    #[error(transparent)]
    Store(#[from] annuaire_store::Error),
}

/// Told what is being done, how much is done and how much there is (bytes or objects; 0 when unknown).
pub type Progress = Arc<dyn Fn(&str, u64, u64) + Send + Sync>;

/// What the caller decides.
#[derive(Default, Clone)]
pub struct Options {
    /// Who imports; goes to the log.
    pub author: String,
    /// The caller's clock, milliseconds since 1970 UTC.
    pub now_ms: i64,
    /// Reason given to pass the volume and key guards.
    pub accept_mass_change: Option<String>,
    /// FHIR files of this call are everything that their directory has: resources that they do not name end. Without it a
    /// feed only adds, replaces, and ends what a Bundle deletes by name, since no FHIR file says that it is complete.
    pub full_feed: bool,
    /// Called often; must be quick.
    pub progress: Option<Progress>,
}

impl Options {
    fn tell(&self, what: &str, done: u64, total: u64) {
        if let Some(progress) = &self.progress {
            progress(what, done, total);
        }
    }
}

/// A line left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Line number from 1.
    pub line: u64,
    /// Header of the column, when one column is at fault.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

/// What was read of one file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FileReport {
    /// Path, and member for an archive.
    pub file: String,
    /// Recognised format.
    pub format: String,
    /// Data lines.
    pub lines: u64,
    /// Exact duplicates, removed.
    pub duplicates: u64,
    /// Lines kept although a number has a wrong key.
    pub wrong_keys: u64,
    /// Lines left out (all counted).
    pub rejected: u64,
    /// The first of them.
    pub rejected_lines: Vec<Rejected>,
    /// Set when the stamp was already imported: the file was not read again.
    pub already_imported: bool,
    /// Headers that no reader knows; their columns were not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_columns: Vec<String>,
    /// Codes absent from their terminology, kept as they are, with the number of lines (guard 5).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_codes: BTreeMap<String, u64>,
    /// Known defects of the source met and dealt with, with their number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub oddities: BTreeMap<String, u64>,
    /// Why a recognised file was not imported.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub left_out: String,
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// One per text file, archives expanded.
    pub files: Vec<FileReport>,
    /// Transaction number, absent when nothing changed.
    pub tx: Option<u64>,
    /// Objects that the registry did not know.
    pub created: u64,
    /// Objects whose content differs.
    pub changed: u64,
    /// Objects that their source no longer gives.
    pub ended: u64,
    /// Objects already known as they are.
    pub unchanged: u64,
    /// What else happened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Delivery {
    stamp: String,
    objects: u64,
}

/// What one call says on behalf of one source.
struct Load {
    stamp: String,
    file: String,
    objects: Sorter,
    /// True when the source is replaced by what was read; a feed of FHIR resources only adds and ends by name.
    whole: bool,
}

/// Everything read, by source. A file that repeats another one's facts (FINESS 507 repeats 502) is secondary.
#[derive(Default)]
struct Loads {
    primary: BTreeMap<&'static str, Load>,
    secondary: BTreeMap<&'static str, Load>,
}

/// Imports files as one transaction.
///
/// Cost: every line is read once and sorted through disk when it does not fit [`limits::SORT_BYTES`]; the registry is
/// read in order once per source and written only where it differs.
///
/// # Errors
/// [`Error::Refused`] when a guard refuses a file; then nothing at all is written.
pub fn import(registry: &mut dyn Registry, paths: &[PathBuf], options: &Options) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut loads = Loads::default();
    for path in paths {
        for_each_text(path, options, &mut |name, reader| read(registry, name, reader, options, &mut report, &mut loads))?;
    }
    for (source, load) in loads.secondary {
        let older = delivery(registry, source)?.stamp > load.stamp;
        if older || loads.primary.contains_key(source) {
            report.notes.push(format!("{}: its {source} lines were left out, another file gives them", load.file));
        } else {
            loads.primary.insert(source, load);
        }
    }
    if loads.primary.is_empty() {
        return Ok(report);
    }
    let names = report.files.iter().filter(|f| !f.already_imported).map(|f| f.file.as_str()).collect::<Vec<_>>().join(", ");
    let reason = match &options.accept_mass_change {
        Some(why) => format!("import of {names} (mass change accepted: {why})"),
        None => format!("import of {names}"),
    };
    let mut failure: Option<Error> = None;
    let mut pending = Some(loads.primary);
    let outcome = registry.commit(&options.author, &reason, options.now_ms, &mut |unit| {
        for (source, load) in pending.take().unwrap_or_default() {
            if let Err(e) = replace(unit, source, load, options) {
                let text = e.to_string();
                failure = Some(e);
                return Err(annuaire_store::Error::Rejected(text));
            }
        }
        Ok(())
    });
    if let Some(e) = failure {
        return Err(e);
    }
    let Outcome { tx, created, changed, ended, unchanged } = outcome?;
    Ok(Report { tx, created, changed, ended, unchanged, ..report })
}

fn refused(file: &str, reason: String) -> Error {
    Error::Refused { file: file.to_owned(), reason }
}

fn delivery(registry: &mut dyn Registry, source: &str) -> Result<Delivery, Error> {
    Ok(registry.delivery(source)?.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
}

/// A reader that says how far it is in the bytes of the file, compressed or not.
struct Counted<'a, R> {
    inner: R,
    done: u64,
    total: u64,
    name: &'a str,
    options: &'a Options,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.done += n as u64;
        self.options.tell(&format!("reading {}", self.name), self.done, self.total);
        Ok(n)
    }
}

impl<R: Seek> Seek for Counted<'_, R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.done = self.inner.seek(to)?;
        Ok(self.done)
    }
}

/// Opens a file, plain, gzip or zip, and hands each text in it to `each`.
fn for_each_text(
    path: &Path,
    options: &Options,
    each: &mut dyn FnMut(&str, &mut dyn BufRead) -> Result<(), Error>,
) -> Result<(), Error> {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    let fail = |source| Error::Io { file: path.display().to_string(), source };
    let file = File::open(path).map_err(fail)?;
    let total = file.metadata().map_err(fail)?.len();
    let counted = Counted { inner: file, done: 0, total, name: &name, options };
    let mut file = BufReader::with_capacity(1 << 20, counted);
    let magic: [u8; 4] = {
        let head = file.fill_buf().map_err(fail)?;
        std::array::from_fn(|i| head.get(i).copied().unwrap_or(0))
    };
    match magic {
        [b'P', b'K', 3, 4] => {
            let mut archive = zip::ZipArchive::new(file).map_err(|e| fail(io::Error::other(e)))?;
            for i in 0..archive.len() {
                let member = archive.by_index(i).map_err(|e| fail(io::Error::other(e)))?;
                if member.is_file() {
                    // The data date is the member's: the archive is stamped later.
                    let inner = member.name().rsplit('/').next().unwrap_or_default().to_owned();
                    each(&inner, &mut BufReader::with_capacity(1 << 20, member))?;
                }
            }
            Ok(())
        }
        [0x1f, 0x8b, ..] => {
            let inner = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
            each(&inner, &mut BufReader::with_capacity(1 << 20, flate2::bufread::MultiGzDecoder::new(file)))
        }
        _ => each(&name, &mut file),
    }
}

/// The date and time in the name of a delivery as 12 digits, empty when it has none: `AAAAMMJJhhmm`, `AAAAMMJJ-hhmm[ss]`
/// or `AAAAMMJJ`.
fn stamp(name: &str) -> String {
    let runs: Vec<&str> = name.split(|c: char| !c.is_ascii_digit()).filter(|r| !r.is_empty()).collect();
    let dated = |r: &str| r.starts_with("20") || r.starts_with("19");
    if let Some(run) = runs.iter().rfind(|r| r.len() == 12 && dated(r)) {
        return (*run).to_owned();
    }
    let Some(at) = runs.iter().rposition(|r| r.len() == 8 && dated(r)) else { return String::new() };
    let time = runs.get(at + 1).filter(|t| t.len() == 4 || t.len() == 6).map_or("0000", |t| &t[..4]);
    format!("{}{time}", runs[at])
}

/// Where the facts of one file go while it is read.
struct Intake<'a> {
    name: &'a str,
    stamp: String,
    whole: bool,
    file: FileReport,
    objects: BTreeMap<&'static str, Sorter>,
}

impl Intake<'_> {
    fn push(&mut self, source: &'static str, entity: String, piece: Vec<u8>) -> Result<(), Error> {
        let name = self.name;
        self.objects
            .entry(source)
            .or_insert_with(|| Sorter::new(limits::SORT_BYTES))
            .push(entity, piece)
            .map_err(|source| Error::Io { file: name.to_owned(), source })
    }

    fn reject(&mut self, line: u64, column: &str, reason: String) {
        self.file.rejected += 1;
        if self.file.rejected_lines.len() < limits::REPORTED_LINES {
            self.file.rejected_lines.push(Rejected { line, column: column.to_owned(), reason });
        }
    }

    /// A number that could be a social security number refuses the file. Never echoed: it must not be written anywhere.
    fn privacy(&self, line: u64, text: &str) -> Result<(), Error> {
        if id::contains_nir(text) {
            return Err(refused(
                self.name,
                format!("line {line}: looks like a social security number; the file is refused whole"),
            ));
        }
        Ok(())
    }
}

fn read(
    registry: &mut dyn Registry,
    name: &str,
    reader: &mut dyn BufRead,
    options: &Options,
    report: &mut Report,
    loads: &mut Loads,
) -> Result<(), Error> {
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut intake = Intake {
        name,
        stamp: stamp(name),
        whole: true,
        file: FileReport { file: name.to_owned(), ..FileReport::default() },
        objects: BTreeMap::new(),
    };
    let first = {
        let head = reader.fill_buf().map_err(fail)?;
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        head.iter().copied().find(|b| !b.is_ascii_whitespace())
    };
    let sources = match first {
        None => return Err(refused(name, "the file is empty".into())),
        Some(b'{') => read_json(registry, reader, options, &mut intake)?,
        Some(b'<') => {
            intake.file.format = "XML".into();
            intake.file.left_out = "the XML flow of FINESS partners is not read: its open successors are (FINESS+ JSON)".into();
            Vec::new()
        }
        Some(_) => read_lines(registry, reader, options, &mut intake)?,
    };
    let Intake { stamp, whole, file, mut objects, .. } = intake;
    if !file.already_imported {
        for source in sources {
            let sorter = objects.remove(source).unwrap_or_else(|| Sorter::new(limits::SORT_BYTES));
            // 507 repeats the establishments of 502 before its coordinates.
            let secondary = file.format == "FINESS cs1100507" && source == "finess-eg";
            let into = if secondary { &mut loads.secondary } else { &mut loads.primary };
            match into.get_mut(source) {
                Some(twin) if !whole => twin.objects.absorb(sorter).map_err(fail)?,
                Some(twin) => {
                    return Err(refused(name, format!("same kind of file as {}; import one delivery at a time", twin.file)));
                }
                None => {
                    into.insert(source, Load { stamp: stamp.clone(), file: name.to_owned(), objects: sorter, whole });
                }
            }
        }
    }
    report.files.push(file);
    Ok(())
}

/// Freshness guard: true when this delivery is the one already imported.
fn fresh(registry: &mut dyn Registry, intake: &mut Intake<'_>, sources: &[&'static str]) -> Result<bool, Error> {
    let mut same = !sources.is_empty() && !intake.stamp.is_empty();
    for source in sources {
        let previous = delivery(registry, source)?.stamp;
        if !intake.stamp.is_empty() && intake.stamp < previous {
            return Err(refused(intake.name, format!("older than the delivery of {previous} already imported")));
        }
        same &= intake.stamp == previous;
    }
    intake.file.already_imported = same;
    Ok(!same)
}

/// Reads one line without its end; false at the end of the file.
fn next_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let n = Read::take(&mut *reader, limits::LINE_BYTES).read_until(b'\n', line)?;
    if n as u64 == limits::LINE_BYTES {
        return Err(io::Error::other(format!("line longer than {} bytes", limits::LINE_BYTES)));
    }
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    Ok(n > 0)
}

fn read_lines(
    registry: &mut dyn Registry,
    reader: &mut dyn BufRead,
    options: &Options,
    intake: &mut Intake<'_>,
) -> Result<Vec<&'static str>, Error> {
    let name = intake.name;
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut line = Vec::new();
    next_line(reader, &mut line).map_err(fail)?;
    let header = row::decode(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line)).into_owned();
    if formats::frozen(&header) {
        intake.file.format = "Ameli, former files".into();
        intake.file.left_out = "frozen in 2026 and replaced by liste-ps and liste-cds".into();
        return Ok(Vec::new());
    }
    let layouts = formats::recognise(&header).map_err(|e| {
        refused(
            name,
            match e {
                formats::Unbound::Unknown => {
                    "line 1: no known national format has these columns; nothing was imported".to_owned()
                }
                formats::Unbound::Missing(format, columns) => {
                    format!("line 1: looks like {format}, and these columns are missing: {}", columns.join(", "))
                }
            },
        )
    })?;
    let sources: Vec<&'static str> = match header.strip_prefix("finess;etalab;").and_then(|h| h.split(';').next()) {
        None => layouts.iter().map(|l| l.format.source).filter(|s| !s.is_empty()).collect(),
        Some(flow) => {
            let sources: &[&str] = match flow {
                "111" => &["finess-ej"],
                "112" => &["finess-eg"],
                "113" => &["finess-as"],
                "114" => &["finess-eml"],
                "115" => &["finess-soc"],
                "117" => &["finess-eg", "finess-geo"],
                _ => return Err(refused(name, format!("line 1: FINESS flow {flow} is not one of 111 to 115 and 117"))),
            };
            sources.to_vec()
        }
    };
    let main = layouts.iter().find(|l| sources.last() == Some(&l.format.source)).or(layouts.first());
    intake.file.format = main.map(|l| l.format.name).unwrap_or_default().to_owned();
    intake.file.unknown_columns = layouts.iter().flat_map(|l| l.extra.clone()).collect();
    // A file with two sections is the freshest word on its second one only: its first repeats another file.
    let own: &[&'static str] = if sources.len() > 1 { &sources[1..] } else { &sources };
    if let [layout] = layouts.as_slice()
        && let formats::Kind::Ignored(why) = layout.format.kind
    {
        intake.file.left_out = why.to_owned();
        while next_line(reader, &mut line).map_err(fail)? {
            intake.file.lines += u64::from(!line.is_empty());
        }
        return Ok(Vec::new());
    }
    if !fresh(registry, intake, own)? {
        return Ok(sources);
    }
    let mut number = 1_u64;
    let (mut numbers, mut keyed) = (0_u64, 0_u64);
    // Eight bytes a line: 40 MB for the country. An exact duplicate says nothing new (guard 6).
    let mut seen = HashSet::new();
    let mut codes = BTreeMap::new();
    while next_line(reader, &mut line).map_err(fail)? {
        number += 1;
        if line.is_empty() {
            continue;
        }
        intake.file.lines += 1;
        let text = row::decode(&line);
        intake.privacy(number, &text)?;
        let layout = match layouts.as_slice() {
            [one] => Some(one),
            many => many.iter().find(|l| {
                let section = text.split(';').next();
                section == Some(l.format.section) && sources.contains(&l.format.source)
            }),
        };
        let Some(layout) = layout else {
            intake.reject(number, "", format!("section {:?} does not belong to this file", text.split(';').next().unwrap_or("")));
            continue;
        };
        let row = match layout.row(&text, &mut codes) {
            Ok(row) => row,
            Err((column, reason)) => {
                intake.reject(number, &column, reason);
                continue;
            }
        };
        for valid in keys(&row) {
            numbers += 1;
            keyed += u64::from(valid);
        }
        if !seen.insert(xxhash_rust::xxh3::xxh3_64(&line)) {
            intake.file.duplicates += 1;
            continue;
        }
        for (entity, piece) in layout.pieces(&row) {
            intake.push(layout.format.source, entity, piece)?;
        }
    }
    intake.file.wrong_keys = numbers - keyed;
    intake.file.unknown_codes = codes.into_iter().map(|((table, code), n)| (format!("{table} {code}"), n)).collect();
    guards(intake, numbers, options)?;
    Ok(sources)
}

/// Whether the national numbers of a line have a valid key: the person's and those of the place.
fn keys(row: &row::Row<'_>) -> impl Iterator<Item = bool> {
    use formats::Slot;
    let person = match row.get(Slot::TypeId) {
        "8" => Some(id::rpps(row.get(Slot::Numero)).is_ok()),
        "0" => Some(id::adeli(row.get(Slot::Numero)).is_ok()),
        _ => None,
    };
    let finess = |slot| Some(row.get(slot)).filter(|n| !n.is_empty()).map(|n| id::finess(n).is_ok());
    [person, finess(Slot::Finess), finess(Slot::FinessEj)].into_iter().flatten()
}

/// Guards on a whole file: is it cut, are its numbers numbers.
fn guards(intake: &Intake<'_>, numbers: u64, options: &Options) -> Result<(), Error> {
    let file = &intake.file;
    if options.accept_mass_change.is_some() {
        return Ok(());
    }
    let many = file.rejected * 100 > file.lines * limits::VOLUME_PERCENT;
    // In a small file one bad line is already several per cent.
    if many && (file.lines >= limits::VOLUME_FLOOR || file.rejected == file.lines) {
        return Err(refused(intake.name, format!("{} of {} lines are unreadable; is the file cut?", file.rejected, file.lines)));
    }
    if numbers >= limits::VOLUME_FLOOR && (numbers - file.wrong_keys) * 100 < numbers * limits::VALID_KEYS_PERCENT {
        return Err(refused(
            intake.name,
            format!("{} of {numbers} RPPS, ADELI or FINESS numbers have a wrong key", file.wrong_keys),
        ));
    }
    Ok(())
}

fn read_json(
    registry: &mut dyn Registry,
    reader: &mut dyn BufRead,
    options: &Options,
    intake: &mut Intake<'_>,
) -> Result<Vec<&'static str>, Error> {
    let name = intake.name;
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut records = json::Records::new(reader);
    let mut finess = finess::Reader::default();
    let mut checked = false;
    let mut bytes = Vec::new();
    let mut fhir = fhir::Feed::default();
    let (mut numbers, mut valid) = (0_u64, 0_u64);
    while let Some(record) = records.next(&mut bytes).map_err(fail)? {
        let text = String::from_utf8_lossy(&bytes);
        intake.privacy(record.line, &text)?;
        if matches!(record.member.as_str(), "pmej" | "gcc" | "gco") {
            intake.file.lines += 1;
            match finess.record(&record.member, &bytes) {
                Ok(facts) => {
                    if let Some(document) = finess.document
                        && !checked
                    {
                        checked = true;
                        intake.file.format = document.name().to_owned();
                        if !fresh(registry, intake, document.sources())? {
                            return Ok(document.sources().to_vec());
                        }
                    }
                    for (source, entity, piece) in facts {
                        if let Some(number) = entity.strip_prefix("ST:F") {
                            numbers += 1;
                            valid += u64::from(id::finess(number).is_ok());
                        }
                        intake.push(source, entity, piece)?;
                    }
                }
                Err(reason) => intake.reject(record.line, &record.member, reason),
            }
            continue;
        }
        if finess.document.is_some() || (record.member.is_empty() && text.contains("\"schemaVersion\"")) {
            continue;
        }
        match fhir.record(&record.member, &text) {
            Ok(None) => {}
            Ok(Some((entity, piece))) => {
                intake.file.lines += 1;
                intake.push("fhir", entity, piece)?;
            }
            Err(reason) => {
                intake.file.lines += 1;
                intake.reject(record.line, "", reason);
            }
        }
    }
    finess.finish();
    intake.file.oddities = finess.oddities.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
    intake.file.wrong_keys = numbers - valid;
    if let Some(document) = finess.document {
        guards(intake, numbers, options)?;
        return Ok(document.sources().to_vec());
    }
    if !fhir.seen {
        return Err(refused(name, "a JSON document that is neither FINESS+ nor FHIR resources".into()));
    }
    intake.file.format = "FHIR R4".into();
    intake.whole = options.full_feed;
    guards(intake, 0, options)?;
    Ok(vec!["fhir"])
}

/// Makes the registry say of a source exactly what the delivery says: a merge of two ordered lists.
fn replace(unit: &mut dyn Unit, source: &'static str, load: Load, options: &Options) -> Result<(), Error> {
    let Load { stamp, file, objects, whole } = load;
    let fail = |source| Error::Io { file: file.clone(), source };
    let mut old = Known::new(source);
    let (mut count, mut ended, mut created) = (0_u64, 0_u64, 0_u64);
    let change = |entity: String, payload| Change { entity, source: source.to_owned(), payload, digest: 0 };
    for group in objects.groups().map_err(fail)? {
        let (entity, pieces) = group.map_err(fail)?;
        if whole {
            while let Some(gone) = old.pop_before(unit, &entity)? {
                ended += 1;
                unit.put(change(gone, None))?;
            }
            created += u64::from(!old.pop_if(unit, &entity)?);
        }
        let payload = object(source, &entity, &pieces).map_err(fail)?;
        unit.put(change(entity, payload))?;
        count += 1;
        if count.is_multiple_of(u64::from(limits::PAGE)) {
            options.tell(&format!("writing {source}"), count, 0);
        }
    }
    while whole && let Some(gone) = old.pop_before(unit, "\u{10ffff}")? {
        ended += 1;
        unit.put(change(gone, None))?;
    }
    let before = count + ended - created;
    if whole
        && before >= limits::VOLUME_FLOOR
        && ended.max(created) * 100 > before * limits::VOLUME_PERCENT
        && options.accept_mass_change.is_none()
    {
        return Err(refused(
            &file,
            format!(
                "{before} {source} objects known, {ended} would end and {created} appear: more than {} %; check the file, or repeat with --accept-mass-change \"reason\"",
                limits::VOLUME_PERCENT
            ),
        ));
    }
    if !stamp.is_empty() && source != "fhir" {
        let json = serde_json::to_string(&Delivery { stamp, objects: count });
        unit.set_delivery(source, &json.map_err(|e| fail(io::Error::other(e)))?)?;
    }
    Ok(())
}

/// The registry's JSON of what was read of one entity; `None` when a feed says that it ended.
fn object(source: &str, entity: &str, pieces: &[Vec<u8>]) -> io::Result<Option<String>> {
    let object = if source == "fhir" {
        match fhir::last(pieces) {
            Some(json) => Objet::Ressource { json: json.to_owned() },
            None => return Ok(None),
        }
    } else if pieces.first().is_some_and(|p| matches!(p.first(), Some(b'{' | b'A' | b'X'))) {
        finess::assemble(entity, pieces)?
    } else {
        assemble::assemble(source, entity, pieces)
    };
    serde_json::to_string(&object).map(Some).map_err(io::Error::other)
}

/// The entities that the registry already has from one source, in order, read by pages.
struct Known {
    source: &'static str,
    page: std::vec::IntoIter<String>,
    front: Option<String>,
    last: String,
    done: bool,
}

impl Known {
    fn new(source: &'static str) -> Self {
        Self { source, page: Vec::new().into_iter(), front: None, last: String::new(), done: false }
    }

    fn fill(&mut self, unit: &mut dyn Unit) -> Result<(), Error> {
        if self.front.is_none() && !self.done {
            self.front = self.page.next();
            if self.front.is_none() {
                let page = unit.known(self.source, &self.last, limits::PAGE)?;
                self.page = page.into_iter().map(|k| k.entity).collect::<Vec<_>>().into_iter();
                self.front = self.page.next();
                self.done = self.front.is_none();
            }
            if let Some(entity) = &self.front {
                self.last.clone_from(entity);
            }
        }
        Ok(())
    }

    fn pop_before(&mut self, unit: &mut dyn Unit, limit: &str) -> Result<Option<String>, Error> {
        self.fill(unit)?;
        Ok(if self.front.as_deref().is_some_and(|e| e < limit) { self.front.take() } else { None })
    }

    fn pop_if(&mut self, unit: &mut dyn Unit, entity: &str) -> Result<bool, Error> {
        self.fill(unit)?;
        let same = self.front.as_deref() == Some(entity);
        if same {
            self.front = None;
        }
        Ok(same)
    }
}
