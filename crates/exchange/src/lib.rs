//! National files in: recognition by content, streaming readers, guards, and the delta
//! against what the registry already knows from the same source.
//!
//! Each national file is a *source* that owns its objects: a delivery replaces all that its
//! source said before, and says nothing of the objects of others. All files of one call are
//! one transaction, so that a person, their roles and their structures appear together.

mod archive;
mod assemble;
mod decode;
mod delivery;
mod digest;
mod documents;
mod ends;
mod fhir;
mod finess;
mod formats;
mod groups;
mod guard;
mod head;
mod intake;
mod json;
mod lines;
mod open;
mod quarantine;
mod recognise;
mod row;
mod undo;
mod write;

pub use delivery::{Delivered, DeliveredFile, deliveries};
pub use quarantine::{Quarantined, quarantine};
pub use undo::undo;

use annuaire_base::Tx;
use annuaire_store::{Cause, CommitOutcome, Registry, Unit};
use delivery::{Last, Record, SOURCE};
use intake::Loads;
use open::for_each_text;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use write::Written;

/// Limits of an import, in one place.
pub mod limits {
    /// Bytes that the lines of all files of a call may occupy in memory before they are sorted through disk.
    pub const SORT_BYTES: usize = 1 << 30;
    /// Bytes of lines, or of sorted pieces, that one thread takes at a time.
    pub const BLOCK_BYTES: usize = 1 << 20;
    /// Largest accepted line, in bytes.
    pub const LINE_BYTES: u64 = 1 << 20;
    /// Lines, or records, of one file: five times the largest file of the country. What is kept of each to know its duplicates
    /// is bounded by it (300 MB).
    pub const LINES: u64 = 25_000_000;
    /// Largest accepted record of a JSON document, in bytes. A legal person of FINESS+ with a thousand establishments of four
    /// activities each takes about 9 MiB.
    pub const RECORD_BYTES: usize = 16 << 20;
    /// JSON objects and arrays in one record: each takes several hundred bytes once read, however short it is written.
    pub const RECORD_OBJECTS: usize = 200_000;
    /// Largest accepted FHIR resource, in bytes.
    pub const RESOURCE_BYTES: usize = 1 << 20;
    /// What one line or record may say of one entity, in bytes.
    pub const PIECE_BYTES: usize = 2 << 20;
    /// What one delivery may say of one entity, in bytes: a legal person's mailboxes or a person's lines take some KB.
    pub const GROUP_BYTES: usize = 8 << 20;
    /// Lines of one delivery about one entity, those that repeat a structure not counted.
    pub const GROUP_PIECES: usize = 50_000;
    /// Unknown codes of one file that are counted apart, and characters of each that are kept.
    pub const UNKNOWN_CODES: usize = 1_000;
    /// Characters of a bad value that a reason repeats.
    pub const SHOWN_CHARS: usize = 60;
    /// Members of an archive.
    pub const MEMBERS: usize = 1_000;
    /// Directory of an archive, in bytes: what it takes to know the members.
    pub const ARCHIVE_DIRECTORY_BYTES: u64 = 1 << 20;
    /// Bytes that come out of a compressed file for each that goes in. Official files compress 8 to 30 times.
    pub const EXPANSION: u64 = 200;
    /// Bytes that may come out of a compressed file whatever its own size.
    pub const EXPANSION_FLOOR: u64 = 64 << 20;
    /// Bytes that may come out of one compressed file in all.
    pub const EXPANDED_BYTES: u64 = 64 << 30;
    /// First bytes of a text that are looked at to know what it is.
    pub const HEAD_BYTES: usize = 64 << 10;
    /// Rejected lines that the report names one by one; beyond, they are counted.
    pub const REPORTED_LINES: usize = 1_000;
    /// Share of the columns of a header that its format must know, per cent.
    pub const EXPLAINED_PERCENT: usize = 80;
    /// Entity keys that a report gives as examples of what appeared, of what changed and of what ended.
    pub const EXAMPLES: usize = 10;
    /// Notes read from the registry at a time.
    pub const NOTES: u32 = 100;
    /// Objects read from the registry at a time.
    pub const PAGE: u32 = 10_000;
    /// Share of a source's objects that may come or go in one delivery (source-files §13, guard 2), per cent.
    pub const VOLUME_PERCENT: u64 = 5;
    /// Below this number, lines that cannot be read and objects that appear or change are not looked at as shares: in a small
    /// registry a handful is already several per cent. Objects that end always are.
    pub const VOLUME_FLOOR: u64 = 100;
    /// Objects of a kind that may end in one delivery whatever their share, but never more than half of them (one when there
    /// is one): a registry of three persons can lose one.
    pub const VOLUME_FEW: u64 = 5;
    /// Share of a source's objects from which on their end is a warning, per mille.
    pub const WARNING_PER_MILLE: u64 = 5;
    /// Share of a source's objects that may change in one delivery, per cent.
    pub const CHANGED_PERCENT: u64 = 20;
    /// Share of the lines of one profession in one department that may go in one delivery, per cent.
    pub const GROUP_PERCENT: u64 = 20;
    /// Lines of a profession, a department or both that may go whatever their share, but never more than half of them.
    pub const GROUP_FEW: u64 = 10;
    /// Last entities of a file that are remembered: when all of them are missing from the next one, it is cut.
    pub const TAIL: usize = 3;
    /// Entities that may end after the last one that a file names; beyond, the file is cut.
    pub const TAIL_FEW: u64 = 1;
    /// Least length of the reason for a mass change, in characters.
    pub const REASON_MIN: usize = 10;
    /// Lines over which a quoted field may go.
    pub const JOINED_LINES: usize = 20;
    /// Lines of one file that may be put in quarantine; beyond, the file is refused.
    pub const QUARANTINED_LINES: usize = 20_000;
    /// Lines of one source in quarantine beyond which nothing of the source ends.
    pub const TRUSTED_LINES: usize = 1_000;
    /// Keys of entities that one line may name.
    pub const CANDIDATES: usize = 256;
    /// Characters of a reason that are kept.
    pub const REASON_CHARS: usize = 200;
    /// Digits from which on a reason is kept without its numbers: a social security number has thirteen.
    pub const LONG_NUMBER: usize = 13;
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

/// A clock: milliseconds since 1970 UTC.
pub type ClockMs = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Whether a FHIR resource, as compact JSON, can be published; the reason when it cannot. The code that publishes is the one
/// that is asked, so that what is accepted is published.
pub type ResourceCheck = fn(&str) -> Result<(), String>;

/// What the caller decides.
#[derive(Clone)]
pub struct Options {
    /// Who imports; goes to the log.
    pub author: String,
    /// The caller's clock, read when the transaction is saved.
    pub clock: ClockMs,
    /// Commits although the clock and the log disagree by more than the log allows.
    pub any_clock: bool,
    /// Reason given to pass the volume and key guards.
    pub accept_mass_change: Option<String>,
    /// What FHIR files say may be public: the operator knows that they are open data.
    pub open: bool,
    /// Reads, checks and compares everything, and writes nothing.
    pub dry_run: bool,
    /// Asked of each FHIR resource before it is accepted; without it, all are.
    pub check: Option<ResourceCheck>,
    /// FHIR files of this call are everything that their directory has: resources that they do not name end. Without it a
    /// feed only adds, replaces, and ends what a Bundle deletes by name, since no FHIR file says that it is complete.
    pub full_feed: bool,
    /// Directory of the temporary files of an import that does not fit [`limits::SORT_BYTES`]: that of the registry is best,
    /// since the system's is often in memory. They have no name and vanish with the program.
    pub spill: Option<PathBuf>,
    /// Called often; must be quick.
    pub progress: Option<Progress>,
    /// A clock that never steps back, from any instant; only the table of stages reads it.
    pub now: Option<fn() -> Duration>,
    /// Threads that read lines and assemble objects, beside the caller's; zero for as many as the machine has. What is
    /// imported and reported does not depend on it.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            author: String::new(),
            clock: Arc::new(|| 0),
            any_clock: false,
            accept_mass_change: None,
            open: false,
            dry_run: false,
            check: None,
            full_feed: false,
            spill: None,
            progress: None,
            now: None,
            threads: 0,
        }
    }
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
    /// Columns that the format has, that are not read, and that the file lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_columns: Vec<String>,
    /// Codes absent from their terminology, kept as they are, with the number of lines (guard 5).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_codes: BTreeMap<String, u64>,
    /// ObjectMark defects of the source met and dealt with, with their number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub oddities: BTreeMap<String, u64>,
    /// Why a recognised file was not imported.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub left_out: String,
}

/// Entity keys of a few objects, [`limits::EXAMPLES`] of each kind at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Examples {
    /// Objects that the registry did not know.
    pub created: Vec<String>,
    /// Objects whose content differs.
    pub changed: Vec<String>,
    /// Objects that their source no longer gives.
    pub ended: Vec<String>,
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// One per text file, archives expanded.
    pub files: Vec<FileReport>,
    /// Transaction number, absent when nothing changed.
    pub tx: Option<Tx>,
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
    /// Number of the record of this delivery; absent when nothing was read and in a dry run.
    pub delivery: Option<u64>,
    /// What the operator must look at, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Members that an archive is expected to have and lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Members of archives that are no national file, left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<String>,
    /// Lines and records that could not be read; what they name stays as it was.
    pub quarantined: u64,
    /// Some of the objects that appeared, changed and ended, as entity keys.
    pub examples: Examples,
    /// Seconds spent in each stage, by [`Options::now`]; zeros without it.
    pub stages: Vec<(String, f64)>,
}

/// Time since the last stage, by the caller's clock.
struct Stages {
    now: fn() -> Duration,
    last: Duration,
    all: Vec<(String, f64)>,
}

impl Stages {
    fn begin(now: Option<fn() -> Duration>) -> Self {
        let now = now.unwrap_or(|| Duration::ZERO);
        Self { now, last: now(), all: Vec::new() }
    }

    fn end_of(&mut self, name: &str) {
        let now = (self.now)();
        self.all.push((name.to_owned(), now.saturating_sub(self.last).as_secs_f64()));
        self.last = now;
    }
}

/// Imports files as one transaction.
///
/// Cost: every line is read once, by as many threads as there are, and all are sorted through disk when they do not fit
/// [`limits::SORT_BYTES`]; the registry is read in order once per source, and only what was made of other pieces than last
/// time is assembled and written. A file that was imported before is told by its digest, hence read once more.
///
/// # Errors
/// [`Error::Refused`] when a guard refuses a file; then nothing at all is written.
pub fn import(registry: &mut dyn Registry, paths: &[PathBuf], options: &Options) -> Result<Report, Error> {
    let mut stages = Stages::begin(options.now);
    let mut report = Report::default();
    let mut loads = Loads::new(options.spill.clone());
    if let Some(why) = options.accept_mass_change.as_deref().filter(|w| w.trim().chars().count() < limits::REASON_MIN) {
        let least = limits::REASON_MIN;
        return Err(refused("--accept-mass-change", format!("{why:?} is no reason: write one of at least {least} characters")));
    }
    for path in paths {
        let beside = for_each_text(path, options, &mut |name, reader| {
            intake::read(registry, name, reader, options, &mut report, &mut loads)?;
            Ok(report.files.last().map(|f| f.format.clone()).unwrap_or_default())
        })?;
        report.companions.extend(beside.companions);
        report.missing.extend(beside.missing);
    }
    stages.end_of("reading");
    let (groups, loads, files) = loads.settle(registry, &mut report, annuaire_batch::parallel::workers(options.threads))?;
    stages.end_of("sorting");
    if loads.is_empty() {
        return Ok(Report { stages: stages.all, ..report });
    }
    let names = files.iter().map(|f| f.file.as_str()).collect::<Vec<_>>().join(", ");
    let reason = match &options.accept_mass_change {
        Some(why) => format!("import of {names} (mass change accepted: {})", why.trim()),
        None => format!("import of {names}"),
    };
    let delivered = Delivered { author: options.author.clone(), reason: reason.clone(), files, ..Delivered::default() };
    let mut record = Record { delivered, ..Record::default() };
    let mut pending = Some((groups, loads));
    let mut written = Written::default();
    let mut counts = CommitOutcome::default();
    commit(registry, options, &reason, &mut |unit| {
        let Some((groups, loads)) = pending.take() else { return Ok(()) };
        record.delivered.number = delivery::next_number(unit)?;
        for load in loads.values() {
            record.sources_before.insert(load.source.to_owned(), unit.note(SOURCE, load.source)?);
        }
        written = write::replace(unit, groups, loads, options, record.delivered.number)?;
        stages.end_of("writing");
        counts = unit.outcome()?;
        counts.unchanged += written.spared;
        record.count(counts, (options.clock)());
        record.write(unit)
    })?;
    stages.end_of("committing");
    let CommitOutcome { created, changed, ended, unchanged, .. } = counts;
    let tx = counts.tx.filter(|_| !options.dry_run);
    let before = tx.map_or_else(|| registry.last_tx(), |tx| Ok(tx.previous()))?;
    report.examples = Examples::of(registry, before, &written.candidates)?;
    report.warnings.extend(written.warnings);
    report.notes.extend(written.notes);
    report.delivery = (!options.dry_run).then_some(record.delivered.number);
    Ok(Report { tx, created, changed, ended, unchanged, stages: stages.all, ..report })
}

/// Writes one transaction; in a dry run everything is done and nothing remains.
fn commit(
    registry: &mut dyn Registry,
    options: &Options,
    reason: &str,
    write: &mut dyn FnMut(&mut dyn Unit) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut failure: Option<Error> = None;
    let mut dry = false;
    let cause = Cause { author: &options.author, reason, now_ms: &*options.clock, any_clock: options.any_clock };
    let outcome = registry.commit(cause, &mut |unit| match write(unit) {
        Ok(()) if options.dry_run => {
            dry = true;
            Err(annuaire_store::Error::Rejected("dry run".to_owned()))
        }
        Ok(()) => Ok(()),
        Err(e) => {
            let text = e.to_string();
            failure = Some(e);
            Err(annuaire_store::Error::Rejected(text))
        }
    });
    match failure {
        Some(e) => Err(e),
        None if dry => Ok(()),
        None => outcome.map(|_| ()).map_err(Error::Store),
    }
}

impl Examples {
    /// Those of the candidates that differ from what stood just after `tx`.
    fn of(registry: &mut dyn Registry, tx: Tx, candidates: &write::Candidates) -> Result<Self, Error> {
        let write::Candidates { created, changed, ended } = candidates;
        let all: Vec<String> = created.iter().chain(changed).chain(ended).map(|c| c.entity.clone()).collect();
        let stood: BTreeMap<(String, String), String> =
            registry.objects_at(tx, &all)?.into_iter().map(|o| ((o.entity, o.source), o.payload)).collect();
        let mut out = Self::default();
        for change in created.iter().chain(changed).chain(ended) {
            let before = stood.get(&(change.entity.clone(), change.source.clone()));
            let list = match (before, &change.payload) {
                (None, Some(_)) => &mut out.created,
                (Some(before), Some(now)) if before != now => &mut out.changed,
                (Some(_), None) => &mut out.ended,
                _ => continue,
            };
            if list.len() < limits::EXAMPLES && !list.contains(&change.entity) {
                list.push(change.entity.clone());
            }
        }
        Ok(out)
    }
}

fn refused(file: &str, reason: String) -> Error {
    Error::Refused { file: file.to_owned(), reason }
}

fn last(registry: &mut dyn Registry, source: &str) -> Result<Last, Error> {
    Ok(Last::read(registry.note(SOURCE, source)?.as_deref()))
}
