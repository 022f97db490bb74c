//! Undoing a delivery: a new transaction that says again what the delivery ended or changed.

use crate::delivery::{self, Delivered, Last, Record, SOURCE};
use crate::groups::{next_groups, push_piece};
use crate::intake::number;
use crate::quarantine::{Kept, QUARANTINE};
use crate::write::{Candidates, LOOKED_AT, is_feed};
use crate::{Error, Examples, Options, Report, commit, limits, refused};
use annuaire_base::Tx;
use annuaire_batch::sort::{RecordBuf, Sorter};
use annuaire_store::{Change, CommitOutcome, Registry};
use std::collections::BTreeMap;
use std::io;

/// What is to be said, sorted through disk when it is much, and what is left as it is.
struct Words {
    sorter: Sorter,
    said: u64,
    /// Objects that others changed since.
    since: u64,
    /// Objects that the delivery created, and that stay.
    created: u64,
}

fn failed(number: u64, source: io::Error) -> Error {
    Error::Io { file: format!("delivery {number}"), source }
}

/// What undoing transaction `tx` says. Cost: the entities that it changed are read at three transactions, a page at a time.
fn words(
    registry: &mut dyn Registry,
    number_of: u64,
    tx: Tx,
    last: Tx,
    created_too: bool,
    options: &Options,
) -> Result<Words, Error> {
    let mut words = Words { sorter: Sorter::new(limits::SORT_BYTES, options.spill.clone()), said: 0, since: 0, created: 0 };
    let mut after = String::new();
    loop {
        let entities = registry.changed_entities(tx, &after, limits::PAGE)?;
        let Some(end) = entities.last() else { return Ok(words) };
        after.clone_from(end);
        let mut at = |tx: Tx| -> Result<BTreeMap<(String, String), String>, Error> {
            Ok(registry.objects_at(tx, &entities)?.into_iter().map(|o| ((o.source, o.entity), o.payload)).collect())
        };
        let (before, then, now) = (at(tx.previous())?, at(tx)?, at(last)?);
        let mut keys: Vec<&(String, String)> = before.keys().chain(then.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut records = RecordBuf::default();
        for key in keys {
            let (was, became, is) = (before.get(key), then.get(key), now.get(key));
            if was == became || was == is {
                continue;
            }
            if is != became {
                words.since += 1;
                continue;
            }
            if was.is_none() && !created_too {
                words.created += 1;
                continue;
            }
            let (source, entity) = key;
            // No source holds a zero; an object that ends has no payload.
            let value = format!("{source}\0{}", was.map_or("", String::as_str));
            push_piece(&mut records, number(source), entity, value.as_bytes());
            words.said += 1;
        }
        words.sorter.extend(&records, 0..records.len()).map_err(|e| failed(number_of, e))?;
        options.tell(&format!("undoing delivery {number_of}"), words.said, 0);
    }
}

/// Undoes delivery `number` by one transaction: objects that it ended or changed are said again as they were, unless
/// they have changed since, which the report counts. What it created stays, unless `created_too`. Its sources are again at the
/// delivery before it, so that a corrected file of the same stamp is read. The undoing is a delivery itself, and can be undone.
///
/// Only deliveries that have a record can be undone: transactions of before records were kept have none.
///
/// Cost: what the delivery changed is read three times and written once.
///
/// # Errors
/// [`Error::Refused`] when there is no such delivery, when it is undone already, or when somebody committed while it was read.
pub fn undo(registry: &mut dyn Registry, number: u64, created_too: bool, options: &Options) -> Result<Report, Error> {
    let name = format!("delivery {number}");
    let Some(mut record) = Record::get(registry, number)? else {
        return Err(refused(&name, "there is no such delivery; `annuaire deliveries` lists those that have a record".into()));
    };
    if let Some(by) = record.delivered.undone_by {
        return Err(refused(&name, format!("it was undone by delivery {by}")));
    }
    let last = registry.last_tx()?;
    let words = match record.delivered.tx {
        Some(tx) => words(registry, number, tx, last, created_too, options)?,
        None => Words { sorter: Sorter::new(limits::SORT_BYTES, options.spill.clone()), said: 0, since: 0, created: 0 },
    };
    let Words { sorter, said, since, created } = words;
    let mut groups = sorter.finish(1).map_err(|e| failed(number, e))?;
    let mut report = Report::default();
    if since > 0 {
        report.notes.push(format!("{since} objects have changed since and stay as they are"));
    }
    if created > 0 {
        report.notes.push(format!("{created} objects that the delivery created stay"));
    }
    let reason = format!("undoes delivery {number}");
    let (author, undoes) = (options.author.clone(), Some(number));
    let mut undoing =
        Record { delivered: Delivered { author, reason: reason.clone(), undoes, ..Delivered::default() }, ..Record::default() };
    let mut candidates = Candidates::default();
    let mut counts = CommitOutcome::default();
    let mut notes = Vec::new();
    commit(registry, options, &reason, &mut |unit| {
        undoing.delivered.number = delivery::next_number(unit)?;
        let mut done = 0;
        loop {
            let batch = next_groups(&mut groups, limits::BLOCK_BYTES).map_err(|e| failed(number, e))?;
            if batch.len() == 0 {
                break;
            }
            for g in 0..batch.len() {
                let value = batch.pieces(g).first().and_then(|v| str::from_utf8(v).ok()).unwrap_or_default();
                let (source, payload) = value.split_once('\0').unwrap_or_default();
                let payload = Some(payload).filter(|p| !p.is_empty()).map(str::to_owned);
                let change = Change { entity: batch.key(g).1.to_owned(), source: source.to_owned(), payload, digest: 0 };
                let list = if change.payload.is_none() { &mut candidates.ended } else { &mut candidates.changed };
                if list.len() < LOOKED_AT {
                    list.push(change.clone());
                }
                unit.put(change)?;
            }
            done += batch.len() as u64;
            options.tell("writing", done, said);
        }
        counts = unit.outcome()?;
        if counts.tx.is_some_and(|tx| tx != last.next()) {
            return Err(refused(&name, "somebody committed while it was read; nothing was written, undo it again".into()));
        }
        let mut undone = match record.delivered.undoes {
            Some(other) => Record::get_in(unit, other)?,
            None => None,
        };
        for (source, before) in &record.sources_before {
            let now = unit.note(SOURCE, source)?;
            undoing.sources_before.insert(source.clone(), now.clone());
            if is_feed(source) {
                continue;
            }
            let stands = match &undone {
                Some(undone) => undone.sources_before.get(source) == Some(&now),
                None => Last::read(now.as_deref()).delivery == number,
            };
            if stands {
                unit.set_note(SOURCE, source, before.as_deref())?;
            } else {
                notes.push(format!("{source}: a later delivery stands, and files before it are still too old"));
            }
            let kept = unit.note(QUARANTINE, source)?.and_then(|j| serde_json::from_str::<Kept>(&j).ok()).unwrap_or_default();
            if kept.lines.first().is_some_and(|l| l.delivery == number) {
                unit.set_note(QUARANTINE, source, None)?;
            }
        }
        if let Some(undone) = &mut undone {
            undone.delivered.undone_by = None;
            undone.write(unit)?;
        }
        record.delivered.undone_by = Some(undoing.delivered.number);
        record.write(unit)?;
        undoing.count(counts, (options.clock)());
        undoing.write(unit)
    })?;
    let CommitOutcome { created, changed, ended, unchanged, .. } = counts;
    report.examples = Examples::of(registry, last, &candidates)?;
    report.notes.extend(notes);
    report.delivery = (!options.dry_run).then_some(undoing.delivered.number);
    Ok(Report { tx: counts.tx.filter(|_| !options.dry_run), created, changed, ended, unchanged, ..report })
}
