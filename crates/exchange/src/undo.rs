//! Undoing a delivery: a new transaction that puts again what the delivery ended or changed.

use crate::delivery::{self, Delivered, DeliveryRecord, LastDelivery, SOURCE};
use crate::error::{Error, refused};
use crate::examples::ExampleCandidates;
use crate::groups::{next_groups, push_piece};
use crate::limits;
use crate::options::Options;
use crate::quarantine::{QUARANTINE, QuarantineNote};
use crate::report::Report;
use crate::source_keys::{is_feed, source_key};
use crate::transaction::commit;
use annuaire_base::Tx;
use annuaire_batch::sort::{Merge, RecordBuf, Sorter};
use annuaire_store::{Change, CommitOutcome, Registry, Unit};
use std::collections::BTreeMap;
use std::io;

/// Undoes delivery `number` by one transaction: objects that it ended or changed are put again as they were, unless
/// they have changed since, which the report counts. Objects that it created stay, unless `created_too`. Its sources are again
/// at the delivery before it, so that a corrected file of the same stamp is read. The undoing is a delivery itself, and can be
/// undone.
///
/// Only deliveries that have a record can be undone: transactions of before records were kept have none.
///
/// Cost: what the delivery changed is read three times and written once.
///
/// # Errors
/// [`Error::Refused`] when there is no such delivery, when it is undone already, or when somebody committed while it was read.
pub fn undo(registry: &mut dyn Registry, number: u64, created_too: bool, options: &Options) -> Result<Report, Error> {
    let name = format!("delivery {number}");
    let Some(mut record) = DeliveryRecord::get(registry, number)? else {
        return Err(refused(&name, "there is no such delivery; `annuaire deliveries` lists those that have a record".into()));
    };
    if let Some(by) = record.delivered.undone_by {
        return Err(refused(&name, format!("it was undone by delivery {by}")));
    }
    let last = registry.last_tx()?;
    let mut earlier = EarlierObjects::new(number, options);
    if let Some(tx) = record.delivered.tx {
        earlier.collect(registry, tx, last, created_too, options)?;
    }
    let EarlierObjects { sorter, count, changed_since, created, .. } = earlier;
    let mut sorted = sorter.finish(1).map_err(|e| undo_error(number, e))?;
    let mut report = Report::default();
    if changed_since > 0 {
        report.notes.push(format!("{changed_since} objects have changed since and stay as they are"));
    }
    if created > 0 {
        report.notes.push(format!("{created} objects that the delivery created stay"));
    }
    let reason = format!("undoes delivery {number}");
    let (author, undoes) = (options.author.clone(), Some(number));
    let delivered = Delivered { author, reason: reason.clone(), undoes, ..Delivered::default() };
    let mut undoing = DeliveryRecord { delivered, ..DeliveryRecord::default() };
    let mut candidates = ExampleCandidates::default();
    let mut counts = CommitOutcome::default();
    let mut notes = Vec::new();
    commit(registry, options, &reason, &mut |unit| {
        undoing.delivered.number = delivery::next_number(unit)?;
        put_again(unit, number, &mut sorted, &mut candidates, &mut |done| options.report_progress("writing", done, count))?;
        counts = unit.outcome()?;
        if counts.tx.is_some_and(|tx| tx != last.next()) {
            return Err(refused(&name, "somebody committed while it was read; nothing was written, undo it again".into()));
        }
        notes = restore_sources(unit, &record, &mut undoing)?;
        record.delivered.undone_by = Some(undoing.delivered.number);
        record.write(unit)?;
        undoing.count(counts, (options.clock)());
        undoing.write(unit)
    })?;
    let CommitOutcome { created, changed, ended, unchanged, .. } = counts;
    report.examples = candidates.compare(registry, last)?;
    report.notes.extend(notes);
    report.delivery = (!options.dry_run).then_some(undoing.delivered.number);
    Ok(Report { tx: counts.tx.filter(|_| !options.dry_run), created, changed, ended, unchanged, ..report })
}

fn undo_error(number: u64, source: io::Error) -> Error {
    Error::Io { file: format!("delivery {number}"), source }
}

/// The objects to put again as they were before the delivery, sorted through disk when they are many.
struct EarlierObjects {
    number: u64,
    sorter: Sorter,
    count: u64,
    /// Objects that others changed since, and that stay.
    changed_since: u64,
    /// Objects that the delivery created, and that stay.
    created: u64,
}

impl EarlierObjects {
    fn new(number: u64, options: &Options) -> Self {
        let sorter = Sorter::new(options.sort_bytes, options.spill.clone());
        Self { number, sorter, count: 0, changed_since: 0, created: 0 }
    }

    /// Collects what the delivery changed in its transaction `tx`, when `last` is the last transaction. Cost: the entities that
    /// it changed are read at three transactions, a page at a time.
    fn collect(
        &mut self,
        registry: &mut dyn Registry,
        tx: Tx,
        last: Tx,
        created_too: bool,
        options: &Options,
    ) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let entities = registry.changed_entities(tx, &after, limits::PAGE)?;
            let Some(end) = entities.last() else { return Ok(()) };
            after.clone_from(end);
            let mut at = |tx: Tx| -> Result<BTreeMap<(String, String), String>, Error> {
                Ok(registry.objects_at(tx, &entities)?.into_iter().map(|o| ((o.source, o.entity), o.payload)).collect())
            };
            let (before, then, now) = (at(tx.previous())?, at(tx)?, at(last)?);
            let mut keys: Vec<&(String, String)> = before.keys().chain(then.keys()).collect();
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
                let (source, entity) = key;
                // No source holds a zero; an object that ends has no payload.
                let value = format!("{source}\0{}", was.map_or("", String::as_str));
                push_piece(&mut pieces, source_key(source), entity, value.as_bytes());
                self.count += 1;
            }
            self.sorter.extend(&pieces, 0..pieces.len()).map_err(|e| undo_error(self.number, e))?;
            options.report_progress(&format!("undoing delivery {}", self.number), self.count, 0);
        }
    }
}

/// Puts the sorted objects of delivery `number`; `progress` takes how many of them are done.
fn put_again(
    unit: &mut dyn Unit,
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
            let value = batch.pieces(group).first().and_then(|v| str::from_utf8(v).ok()).unwrap_or_default();
            let (source, payload) = value.split_once('\0').unwrap_or_default();
            let payload = Some(payload).filter(|p| !p.is_empty()).map(str::to_owned);
            let change = Change { entity: batch.key(group).1.to_owned(), source: source.to_owned(), payload, digest: 0 };
            candidates.add_known(&change);
            unit.put(change)?;
        }
        done += batch.len() as u64;
        progress(done);
    }
}

/// Sets the sources of a delivery back to what they were before it, except those that have a later one, and lists them in the
/// record of the undoing; notes for the report.
fn restore_sources(unit: &mut dyn Unit, record: &DeliveryRecord, undoing: &mut DeliveryRecord) -> Result<Vec<String>, Error> {
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
