//! Undoing a delivery: a new transaction that puts again what the delivery ended or changed.

use crate::audit::delivery_event;
use crate::delivery::{self, Delivered, DeliveryRecord, SOURCE};
use crate::error::{Error, refused};
use crate::examples::ExampleCandidates;
use crate::groups::{next_groups, push_piece};
use crate::last_deliveries::LastDelivery;
use crate::limits;
use crate::options::Options;
use crate::quarantine::{QUARANTINE, QuarantineNote};
use crate::report::Report;
use crate::source_keys::{is_feed, source_key};
use crate::transaction::{Attempt, make_stand, repeat};
use annuaire_base::Tx;
use annuaire_base::fact::{FactKey, Publication};
use annuaire_batch::sort::{Merge, RecordBuf, Sorter};
use annuaire_store::{BlockingRegistry, BlockingStage, BlockingUnit, Cause, Change, ChangeCounts, Channel};
use std::collections::BTreeMap;
use std::io;

/// Undoes delivery `number` by one transaction: objects that it ended or changed are put again as they were, unless
/// they have changed since, which the report counts. Objects that it created stay, unless `created_too`. Its sources are again
/// at the delivery before it, so that a corrected file of the same stamp is read. The undoing is a delivery itself, and can be
/// undone.
///
/// Only deliveries that have a record can be undone: transactions of before records were kept have none.
///
/// Cost: what the delivery changed is read three times and written once; all of it again when somebody changes facts of its sources
/// meanwhile.
///
/// # Errors
/// [`Error::Refused`] when there is no such delivery, or when it is undone already.
pub fn undo(registry: &BlockingRegistry, number: u64, created_too: bool, options: &Options) -> Result<Report, Error> {
    repeat(&format!("delivery {number}"), |_| undo_once(registry, number, created_too, options))
}

/// The record of a delivery that can be undone.
fn undoable(number: u64, record: Option<DeliveryRecord>) -> Result<DeliveryRecord, Error> {
    let name = format!("delivery {number}");
    let Some(record) = record else {
        return Err(refused(&name, "there is no such delivery; `annuaire deliveries` lists those that have a record".into()));
    };
    match record.delivered.undone_by {
        Some(by) => Err(refused(&name, format!("it was undone by delivery {by}"))),
        None => Ok(record),
    }
}

/// Undoes the delivery, unless somebody changes facts of its sources meanwhile.
fn undo_once(registry: &BlockingRegistry, number: u64, created_too: bool, options: &Options) -> Result<Attempt<Report>, Error> {
    let record = undoable(number, DeliveryRecord::get(registry, number)?)?;
    let mut stage = registry.stage()?;
    let base = stage.base();
    let mut earlier = EarlierFacts::new(number, options);
    if let Some(tx) = record.delivered.tx {
        earlier.collect(registry, tx, base, created_too, options)?;
    }
    let EarlierFacts { sorter, count, changed_since, created, .. } = earlier;
    let mut sorted = sorter.finish(1).map_err(|e| undo_error(number, e))?;
    let mut report = Report::default();
    if changed_since > 0 {
        report.notes.push(format!("{changed_since} objects have changed since and stay as they are"));
    }
    if created > 0 {
        report.notes.push(format!("{created} objects that the delivery created stay"));
    }
    let mut candidates = ExampleCandidates::default();
    let progress = &mut |done| options.report_progress("writing", done, count);
    put_again(&mut stage, number, &mut sorted, &mut candidates, progress)?;
    let counts = stage.counts()?;
    let ChangeCounts { created, changed, ended, unchanged, withheld } = counts;
    report = Report { created, changed, ended, unchanged, withheld, ..report };
    if !options.dry_run {
        let cause = Cause::new(Channel::Operator, &options.author, &format!("undoes delivery {number}"));
        let written = make_stand(registry, stage, &cause, options, |unit, tx, counts| {
            // Another undoing may have been committed since the record was read.
            let mut record = undoable(number, DeliveryRecord::get_in(unit, number)?)?;
            let (author, reason) = (options.author.clone(), cause.reason.clone());
            let delivered = Delivered { author, reason, undoes: Some(number), ..Delivered::default() };
            let mut undoing = DeliveryRecord { delivered, ..DeliveryRecord::default() };
            undoing.delivered.number = delivery::next_number(unit)?;
            let notes = restore_sources(unit, &record, &mut undoing)?;
            record.delivered.undone_by = Some(undoing.delivered.number);
            record.write(unit)?;
            undoing.count(tx, counts, (options.clock)());
            undoing.write(unit)?;
            unit.audit(&delivery_event(&undoing.delivered)?)?;
            Ok(Attempt::Done((undoing.delivered, notes)))
        })?;
        match written {
            Attempt::Done((undoing, notes)) => {
                report.notes.extend(notes);
                (report.tx, report.delivery) = (undoing.tx, Some(undoing.number));
            }
            Attempt::Overtaken(source) => return Ok(Attempt::Overtaken(source)),
        }
    }
    report.examples = candidates.compare(registry, base, withheld > 0)?;
    Ok(Attempt::Done(report))
}

fn undo_error(number: u64, source: io::Error) -> Error {
    Error::Io { file: format!("delivery {number}"), source }
}

/// The facts to put again as they were before the delivery, sorted through disk when they are many.
struct EarlierFacts {
    number: u64,
    sorter: Sorter,
    count: u64,
    /// Objects that others changed since, and that stay.
    changed_since: u64,
    /// Objects that the delivery created, and that stay.
    created: u64,
}

impl EarlierFacts {
    fn new(number: u64, options: &Options) -> Self {
        let sorter = Sorter::new(options.sort_bytes, options.spill.clone());
        Self { number, sorter, count: 0, changed_since: 0, created: 0 }
    }

    /// Collects what the delivery changed in its transaction `tx`, beside what stands at `base`. Cost: the entities that
    /// it changed are read at three transactions, a page at a time.
    fn collect(
        &mut self,
        registry: &BlockingRegistry,
        tx: Tx,
        base: Tx,
        created_too: bool,
        options: &Options,
    ) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let entities = registry.changed_entities(tx, &after, limits::PAGE)?;
            let Some(end) = entities.last() else { return Ok(()) };
            after.clone_from(end);
            let at = |tx: Tx| -> Result<BTreeMap<FactKey, (Publication, String)>, Error> {
                Ok(registry.facts_at(tx, &entities)?.into_iter().map(|f| (f.key, (f.publication, f.payload))).collect())
            };
            let (before, then, now) = (at(tx.previous())?, at(tx)?, at(base)?);
            let mut keys: Vec<&FactKey> = before.keys().chain(then.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            let mut pieces = RecordBuf::default();
            for key in keys {
                let (was, became, is) = (before.get(key), then.get(key), now.get(key));
                if was == became || was == is {
                    continue;
                }
                if is != became {
                    self.changed_since += 1;
                    continue;
                }
                if was.is_none() && !created_too {
                    self.created += 1;
                    continue;
                }
                let value = packed(key, was);
                push_piece(&mut pieces, source_key(&key.owner), &key.entity, value.as_bytes());
                self.count += 1;
            }
            self.sorter.extend(&pieces, 0..pieces.len()).map_err(|e| undo_error(self.number, e))?;
            options.report_progress(&format!("undoing delivery {}", self.number), self.count, 0);
        }
    }
}

/// A fact to be put again, its entity excepted: owner, facet, publication, payload. None of the first three holds a zero; a fact that
/// ends has no payload.
fn packed(key: &FactKey, was: Option<&(Publication, String)>) -> String {
    let open = if was.is_some_and(|w| w.0 == Publication::Open) { "open" } else { "" };
    format!("{}\0{}\0{open}\0{}", key.owner, key.facet, was.map_or("", |w| &w.1))
}

/// Reads [`packed`] back, as a change. Its fingerprint is unknown, so that the next delivery compares the content.
fn unpacked(entity: &str, value: &[u8]) -> Change {
    let mut parts = str::from_utf8(value).unwrap_or_default().splitn(4, '\0');
    let mut next = || parts.next().unwrap_or_default();
    let (owner, facet) = (next().to_owned(), next().to_owned());
    let publication = if next() == "open" { Publication::Open } else { Publication::Restricted };
    let payload = Some(next()).filter(|p| !p.is_empty()).map(str::to_owned);
    Change { key: FactKey { owner, entity: entity.to_owned(), facet }, payload, publication, fingerprint: 0 }
}

/// Puts the sorted facts of delivery `number`; `progress` takes how many of them are done.
fn put_again(
    stage: &mut BlockingStage,
    number: u64,
    sorted: &mut Merge,
    candidates: &mut ExampleCandidates,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let mut done = 0;
    loop {
        let batch = next_groups(sorted, limits::BLOCK_BYTES).map_err(|e| undo_error(number, e))?;
        if batch.len() == 0 {
            return Ok(());
        }
        for group in 0..batch.len() {
            let changes = batch.pieces(group).into_iter().map(|value| unpacked(batch.key(group).1, value));
            stage.put_all(changes.inspect(|change| candidates.add_known(change)))?;
        }
        done += batch.len() as u64;
        progress(done);
    }
}

/// Sets the sources of a delivery back to what they were before it, except those that have a later one, and lists them in the
/// record of the undoing; notes for the report.
fn restore_sources(unit: &mut BlockingUnit, record: &DeliveryRecord, undoing: &mut DeliveryRecord) -> Result<Vec<String>, Error> {
    let number = record.delivered.number;
    let mut notes = Vec::new();
    // The delivery may be an undoing itself: undoing it brings back what it undid.
    let mut undone = match record.delivered.undoes {
        Some(other) => DeliveryRecord::get_in(unit, other)?,
        None => None,
    };
    for (source, before) in &record.sources_before {
        let now = unit.note(SOURCE, source)?;
        undoing.sources_before.insert(source.clone(), now.clone());
        if is_feed(source) {
            continue;
        }
        let is_last = match &undone {
            Some(undone) => undone.sources_before.get(source) == Some(&now),
            None => LastDelivery::read(now.as_deref()).delivery == number,
        };
        if is_last {
            unit.set_note(SOURCE, source, before.as_deref())?;
        } else {
            notes.push(format!("{source}: a later delivery stands, and files before it are still too old"));
        }
        let quarantined = QuarantineNote::read(unit.note(QUARANTINE, source)?.as_deref());
        if quarantined.lines.first().is_some_and(|l| l.delivery == number) {
            unit.set_note(QUARANTINE, source, None)?;
        }
    }
    if let Some(undone) = &mut undone {
        undone.delivered.undone_by = None;
        undone.write(unit)?;
    }
    Ok(notes)
}
