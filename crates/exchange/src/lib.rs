//! National files in: recognition by content, streaming readers, guards, and the delta
//! against what the registry already knows from the same source.
//!
//! Each national file is a *source* that owns its objects: a delivery replaces all that its
//! source said before, and says nothing of the objects of others. All files of one call are
//! one transaction, so that a person, their roles and their structures appear together.

mod open;
mod sort;

use annuaire_base::id;
use annuaire_mos::Objet;
use annuaire_store::{Change, Outcome, Registry, Unit};
use serde::{Deserialize, Serialize};
use sort::Sorter;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Limits of an import, in one place.
pub mod limits {
    /// Bytes that one file's lines may occupy in memory before they are sorted through disk.
    pub const SORT_BYTES: usize = 256 << 20;
    /// Largest accepted line, in bytes.
    pub const LINE_BYTES: u64 = 1 << 20;
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

/// What the caller decides.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Who imports; goes to the log.
    pub author: String,
    /// The caller's clock, milliseconds since 1970 UTC.
    pub now_ms: i64,
    /// Reason given to pass the volume and key guards.
    pub accept_mass_change: Option<String>,
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
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Delivery {
    stamp: String,
    objects: u64,
}

struct Loaded {
    source: &'static str,
    stamp: String,
    file: String,
    objects: Sorter,
}

/// Imports national files as one transaction.
///
/// # Errors
/// [`Error::Refused`] when a guard refuses a file; then nothing at all is written.
pub fn import(registry: &mut dyn Registry, paths: &[PathBuf], options: &Options) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut loaded: Vec<Loaded> = Vec::new();
    for path in paths {
        for_each_text(path, &mut |name, reader| {
            if let Some(one) = read(registry, name, reader, options, &mut report)? {
                if let Some(twin) = loaded.iter().find(|l| l.source == one.source) {
                    return Err(refused(&one.file, format!("same kind of file as {}; import one delivery at a time", twin.file)));
                }
                loaded.push(one);
            }
            Ok(())
        })?;
    }
    if loaded.is_empty() {
        return Ok(report);
    }
    let names = loaded.iter().map(|l| l.file.as_str()).collect::<Vec<_>>().join(", ");
    let reason = match &options.accept_mass_change {
        Some(why) => format!("import of {names} (mass change accepted: {why})"),
        None => format!("import of {names}"),
    };
    let mut failure: Option<Error> = None;
    let mut pending = Some(loaded);
    let outcome = registry.commit(&options.author, &reason, options.now_ms, &mut |unit| {
        for one in pending.take().unwrap_or_default() {
            if let Err(e) = replace(unit, one, options) {
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

/// Opens a file, plain, gzip or zip, and hands each text in it to `each`.
fn for_each_text(path: &Path, each: &mut dyn FnMut(&str, &mut dyn BufRead) -> Result<(), Error>) -> Result<(), Error> {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    let fail = |source| Error::Io { file: path.display().to_string(), source };
    let mut file = BufReader::new(File::open(path).map_err(fail)?);
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

/// The 12-digit stamp of a delivery's name, empty when it has none.
fn stamp(name: &str) -> String {
    name.split(|c: char| !c.is_ascii_digit()).rfind(|run| run.len() == 12).unwrap_or_default().to_owned()
}

fn read(
    registry: &mut dyn Registry,
    name: &str,
    reader: &mut dyn BufRead,
    options: &Options,
    report: &mut Report,
) -> Result<Option<Loaded>, Error> {
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| -> io::Result<bool> {
        line.clear();
        let n = Read::take(&mut *reader, limits::LINE_BYTES).read_until(b'\n', line)?;
        if n as u64 == limits::LINE_BYTES {
            return Err(io::Error::other(format!("line longer than {} bytes", limits::LINE_BYTES)));
        }
        let complete = line.last() == Some(&b'\n');
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        Ok(n > 0 && (complete || !line.is_empty()))
    };
    if !next(&mut line).map_err(fail)? {
        return Err(refused(name, "the file is empty".into()));
    }
    let header = open::decode(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line));
    let Some(layout) = open::recognise(&header) else {
        return Err(refused(name, "line 1: no known national format has these columns; nothing was imported".into()));
    };
    let mut file = FileReport { file: name.to_owned(), format: layout.name.to_owned(), ..FileReport::default() };
    let stamp = stamp(name);
    let previous: Delivery =
        registry.delivery(layout.source)?.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    if !stamp.is_empty() && stamp == previous.stamp {
        file.already_imported = true;
        report.files.push(file);
        return Ok(None);
    }
    if !stamp.is_empty() && stamp < previous.stamp {
        return Err(refused(name, format!("older than the delivery of {} already imported", previous.stamp)));
    }
    let mut objects = Sorter::new(limits::SORT_BYTES);
    let mut number = 1_u64;
    let mut numbers = 0_u64;
    // Eight bytes a line: 40 MB for the country. An exact duplicate says nothing new (guard 6).
    let mut seen = HashSet::new();
    while next(&mut line).map_err(fail)? {
        number += 1;
        if line.is_empty() {
            continue;
        }
        file.lines += 1;
        let text = open::decode(&line);
        let mut reject = |column: &str, reason: String| {
            file.rejected += 1;
            if file.rejected_lines.len() < limits::REPORTED_LINES {
                file.rejected_lines.push(Rejected { line: number, column: column.to_owned(), reason });
            }
        };
        if id::contains_nir(&text) {
            // Never echoed: the number itself must not be written anywhere.
            return Err(refused(name, format!("line {number}: looks like a social security number; the file is refused whole")));
        }
        let row = match layout.row(&text) {
            Ok(row) => row,
            Err((column, reason)) => {
                reject(column, reason);
                continue;
            }
        };
        if row.type_id() == "8" {
            numbers += 1;
            if id::rpps(row.number()).is_err() {
                file.wrong_keys += 1;
            }
        }
        if !seen.insert(xxhash_rust::xxh3::xxh3_64(&line)) {
            file.duplicates += 1;
            continue;
        }
        for (entity, piece) in layout.pieces(&row) {
            objects.push(entity, piece).map_err(fail)?;
        }
    }
    if file.rejected > 0 && file.rejected * 100 > file.lines * limits::VOLUME_PERCENT && options.accept_mass_change.is_none() {
        return Err(refused(name, format!("{} of {} lines are unreadable; is the file cut?", file.rejected, file.lines)));
    }
    if numbers >= limits::VOLUME_FLOOR
        && (numbers - file.wrong_keys) * 100 < numbers * limits::VALID_KEYS_PERCENT
        && options.accept_mass_change.is_none()
    {
        return Err(refused(name, format!("{} of {numbers} RPPS numbers have a wrong key", file.wrong_keys)));
    }
    report.files.push(file);
    Ok(Some(Loaded { source: layout.source, stamp, file: name.to_owned(), objects }))
}

/// Makes the registry say of `one.source` exactly what the delivery says: a merge of two ordered lists.
fn replace(unit: &mut dyn Unit, one: Loaded, options: &Options) -> Result<(), Error> {
    let fail = |source| Error::Io { file: one.file.clone(), source };
    let mut old = Known::new(one.source);
    let (mut count, mut ended, mut created) = (0_u64, 0_u64, 0_u64);
    let change = |entity: String, payload| Change { entity, source: one.source.to_owned(), payload };
    for group in one.objects.groups().map_err(fail)? {
        let (entity, pieces) = group.map_err(fail)?;
        while let Some(gone) = old.pop_before(unit, &entity)? {
            ended += 1;
            unit.put(&change(gone, None))?;
        }
        created += u64::from(!old.pop_if(unit, &entity)?);
        let object: Objet = open::assemble(one.source, &entity, &pieces);
        let json = serde_json::to_string(&object).map_err(|e| fail(io::Error::other(e)))?;
        unit.put(&change(entity, Some(json)))?;
        count += 1;
    }
    while let Some(gone) = old.pop_before(unit, "\u{10ffff}")? {
        ended += 1;
        unit.put(&change(gone, None))?;
    }
    let before = count + ended - created;
    if before >= limits::VOLUME_FLOOR
        && ended.max(created) * 100 > before * limits::VOLUME_PERCENT
        && options.accept_mass_change.is_none()
    {
        return Err(refused(
            &one.file,
            format!(
                "{before} objects known, {ended} would end and {created} appear: more than {} %; check the file, or repeat with --accept-mass-change \"reason\"",
                limits::VOLUME_PERCENT
            ),
        ));
    }
    if !one.stamp.is_empty() {
        let json = serde_json::to_string(&Delivery { stamp: one.stamp.clone(), objects: count });
        unit.set_delivery(one.source, &json.map_err(|e| fail(io::Error::other(e)))?)?;
    }
    Ok(())
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
                let page = unit.entities_of_source(self.source, &self.last, limits::PAGE)?;
                self.page = page.into_iter();
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
