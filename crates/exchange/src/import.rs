//! The import: files are read, their pieces sorted, their objects compared with the registry and written.

use crate::containers::for_each_text;
use crate::delivery::{self, Delivered, DeliveryRecord, SOURCE};
use crate::error::{Error, refused};
use crate::limits;
use crate::loads::Loads;
use crate::options::Options;
use crate::read::read_file;
use crate::replace::{ReplaceOutcome, replace};
use crate::report::Report;
use crate::transaction::commit;
use annuaire_store::{CommitOutcome, Registry};
use std::path::PathBuf;
use std::time::Duration;

/// Imports files as one transaction.
///
/// Cost: every line is read once, by as many threads as there are, and all pieces are sorted through disk when they do not fit
/// [`limits::SORT_BYTES`]; the registry is read in order once per source, and only objects made of other pieces than last time
/// are assembled and written. A file that was imported before is recognised by its digest, hence read once more.
///
/// # Errors
/// [`Error::Refused`] when a guard refuses a file; then nothing at all is written.
pub fn import(registry: &mut dyn Registry, paths: &[PathBuf], options: &Options) -> Result<Report, Error> {
    let mut stages = Stages::begin(options.now);
    let mut report = Report::default();
    let mut loads = Loads::new(options.sort_bytes, options.spill.clone());
    check_reason(options)?;
    for path in paths {
        let extras = for_each_text(path, options, &mut |name, reader| {
            read_file(registry, name, reader, options, &mut report, &mut loads)?;
            Ok(report.files.last().map(|f| f.format.clone()).unwrap_or_default())
        })?;
        report.companions.extend(extras.companions);
        report.missing.extend(extras.missing);
    }
    stages.end_of("reading");
    let loads = loads.sort(registry, &mut report, options.workers())?;
    stages.end_of("sorting");
    if loads.sources.is_empty() {
        return Ok(Report { stages: stages.all, ..report });
    }
    let names = loads.files.iter().map(|f| f.file.as_str()).collect::<Vec<_>>().join(", ");
    let reason = match &options.accept_mass_change {
        Some(why) => format!("import of {names} (mass change accepted: {})", why.trim()),
        None => format!("import of {names}"),
    };
    let files = loads.files.clone();
    let delivered = Delivered { author: options.author.clone(), reason: reason.clone(), files, ..Delivered::default() };
    let mut record = DeliveryRecord { delivered, ..DeliveryRecord::default() };
    let mut pending = Some(loads);
    let mut replaced = ReplaceOutcome::default();
    let mut counts = CommitOutcome::default();
    commit(registry, options, &reason, &mut |unit| {
        let Some(loads) = pending.take() else { return Ok(()) };
        record.delivered.number = delivery::next_number(unit)?;
        for load in loads.sources.values() {
            record.sources_before.insert(load.source.to_owned(), unit.note(SOURCE, load.source)?);
        }
        replaced = replace(unit, loads, options, record.delivered.number)?;
        stages.end_of("writing");
        counts = unit.outcome()?;
        counts.unchanged += replaced.spared;
        record.count(counts, (options.clock)());
        record.write(unit)
    })?;
    stages.end_of("committing");
    let CommitOutcome { created, changed, ended, unchanged, .. } = counts;
    let tx = counts.tx.filter(|_| !options.dry_run);
    let before = tx.map_or_else(|| registry.last_tx(), |tx| Ok(tx.previous()))?;
    report.examples = replaced.candidates.compare(registry, before)?;
    report.warnings.extend(replaced.warnings);
    report.notes.extend(replaced.notes);
    report.delivery = (!options.dry_run).then_some(record.delivered.number);
    Ok(Report { tx, created, changed, ended, unchanged, stages: stages.all, ..report })
}

/// Refuses a reason for a mass change that is too short to be one.
fn check_reason(options: &Options) -> Result<(), Error> {
    match options.accept_mass_change.as_deref() {
        Some(why) if why.trim().chars().count() < limits::REASON_MIN => {
            let least = limits::REASON_MIN;
            Err(refused("--accept-mass-change", format!("{why:?} is no reason: write one of at least {least} characters")))
        }
        _ => Ok(()),
    }
}

/// Seconds of each stage, by the caller's clock.
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
