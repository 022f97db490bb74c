//! The import: files are read, their pieces sorted, their objects compared with the registry and staged, and the stage is made to
//! stand.

use crate::audit::delivery_event;
use crate::containers::for_each_text;
use crate::current_loads::CurrentLoads;
use crate::delivery::{self, Delivered, DeliveryRecord, SOURCE};
use crate::error::{Error, refused};
use crate::last_deliveries::LastDeliveries;
use crate::limits;
use crate::loads::{Loads, SortedLoads};
use crate::options::Options;
use crate::owners::register_sources;
use crate::read::read_file;
use crate::replace::{ReplaceOutcome, replace};
use crate::report::Report;
use crate::source_keys::is_feed;
use crate::transaction::{Attempt, make_stand, repeat};
use annuaire_base::Tx;
use annuaire_store::{BlockingRegistry, Cause, ChangeCounts, Channel};
use std::path::PathBuf;
use std::time::Duration;

/// Imports files as one transaction.
///
/// Cost: every line is read once, by as many threads as there are, and all pieces are sorted through disk when they do not fit
/// [`limits::SORT_BYTES`]; the registry is read in order once per source, and only objects made of other pieces than last time
/// are assembled and staged. A file that was imported before is recognised by its digest, hence read once more. The writers of the
/// registry wait for the last step only, which makes the stage stand. When another import of one of the sources was committed
/// meanwhile, what was read is compared once more, unless it is not newer.
///
/// # Errors
/// [`Error::Refused`] when a guard refuses a file, or when another import brought a delivery that is not older meanwhile; then
/// nothing at all is written.
pub fn import(registry: &BlockingRegistry, paths: &[PathBuf], options: &Options) -> Result<Report, Error> {
    let mut stages = Stages::begin(options.now);
    let mut report = Report::default();
    let mut loads = Loads::new(options.sort_bytes, options.spill.clone());
    check_reason(options)?;
    let last = LastDeliveries::read(registry)?;
    for path in paths {
        let extras = for_each_text(path, options, &mut |name, reader| {
            read_file(&last, name, reader, options, &mut report, &mut loads)?;
            Ok(report.files.last().map(|f| f.format.clone()).unwrap_or_default())
        })?;
        report.companions.extend(extras.companions);
        report.missing.extend(extras.missing);
    }
    stages.end_of("reading");
    let mut loads = loads.sort(options.workers())?;
    stages.end_of("sorting");
    if loads.is_empty() {
        return Ok(Report { stages: stages.all, ..report });
    }
    register_sources(registry, options)?;
    let mut comparisons = 0;
    let imported = repeat(&loads.names(), |made| {
        comparisons = made + 1;
        if made > 0 {
            loads.rewind()?;
        }
        compare_and_write(registry, &mut loads, options, &mut stages)
    })?;
    let Imported { current, replaced, counts, base, record } = imported;
    current.tell(&mut report);
    report.examples = replaced.candidates.compare(registry, base, counts.withheld > 0)?;
    report.warnings.extend(replaced.warnings);
    report.notes.extend(replaced.notes);
    if comparisons > 1 {
        report.notes.push(format!("what was read was compared {comparisons} times, since others changed its sources meanwhile"));
    }
    let tx = record.as_ref().and_then(|r| r.delivered.tx);
    report.delivery = record.map(|r| r.delivered.number);
    let ChangeCounts { created, changed, ended, unchanged, withheld } = counts;
    Ok(Report { tx, created, changed, ended, unchanged, withheld, stages: stages.all, ..report })
}

/// An import that was written, or in a dry run compared.
#[derive(Default)]
struct Imported {
    current: CurrentLoads,
    replaced: ReplaceOutcome,
    counts: ChangeCounts,
    /// The transaction with which it was compared.
    base: Tx,
    /// Absent when nothing was written.
    record: Option<DeliveryRecord>,
}

/// Compares what was read with the registry as it stands now, and writes what differs. Whether a delivery is new enough is decided
/// before the comparison, and stays so: the transaction is only committed while the notes of its sources are those that were compared.
fn compare_and_write(
    registry: &BlockingRegistry,
    loads: &mut SortedLoads,
    options: &Options,
    stages: &mut Stages,
) -> Result<Attempt<Imported>, Error> {
    // The base of the stage comes before the notes: what the loads are compared with is never newer than the deliveries that they
    // are known to follow, so that no guard takes what a newer delivery brought for a loss.
    let mut stage = registry.stage()?;
    let base = stage.base();
    let mut current = loads.current(registry)?;
    if current.sources.is_empty() {
        return Ok(Attempt::Done(Imported { current, ..Imported::default() }));
    }
    let compared = current.compared_notes();
    let sources = std::mem::take(&mut current.sources);
    let mut replaced = replace(&mut stage, &mut loads.pieces, sources, options)?;
    let mut counts = stage.counts()?;
    counts.unchanged += replaced.spared;
    stages.end_of("writing");
    if options.dry_run {
        // The stage is discarded: a dry run goes the way of the import, up to the last step.
        return Ok(Attempt::Done(Imported { current, replaced, counts, base, record: None }));
    }
    let source_notes = std::mem::take(&mut replaced.source_notes);
    let cause = Cause::new(Channel::Import, &options.author, &reason(&current, options));
    let (author, reason, files) = (options.author.clone(), cause.reason.clone(), current.files.clone());
    let delivered = Delivered { author, reason, files, ..Delivered::default() };
    let mut record = DeliveryRecord { delivered, ..DeliveryRecord::default() };
    let written = make_stand(registry, stage, &cause, options, |unit, tx, _| {
        for (source, note) in compared {
            let now = unit.note(SOURCE, source)?;
            // Feeds only add: their order among deliveries does not count, and facts that changed are found by the stage.
            if now != note && !is_feed(source) {
                return Ok(Attempt::Overtaken(source.to_owned()));
            }
            record.sources_before.insert(source.to_owned(), now);
        }
        record.delivered.number = delivery::next_number(unit)?;
        for notes in source_notes {
            notes.write(unit, record.delivered.number)?;
        }
        record.count(tx, counts, (options.clock)());
        record.write(unit)?;
        unit.audit(&delivery_event(&record.delivered)?)?;
        Ok(Attempt::Done(record))
    })?;
    stages.end_of("committing");
    Ok(match written {
        Attempt::Done(record) => Attempt::Done(Imported { current, replaced, counts, base, record: Some(record) }),
        Attempt::Overtaken(source) => Attempt::Overtaken(source),
    })
}

/// Why the transaction is written, in words.
fn reason(current: &CurrentLoads, options: &Options) -> String {
    let names = current.files.iter().map(|f| f.file.as_str()).collect::<Vec<_>>().join(", ");
    match &options.accept_mass_change {
        Some(why) => format!("import of {names} (mass change accepted: {})", why.trim()),
        None => format!("import of {names}"),
    }
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
        let seconds = now.saturating_sub(self.last).as_secs_f64();
        // What is repeated after another import came in between adds up.
        match self.all.iter_mut().find(|stage| stage.0 == name) {
            Some(stage) => stage.1 += seconds,
            None => self.all.push((name.to_owned(), seconds)),
        }
        self.last = now;
    }
}
