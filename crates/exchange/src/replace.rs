//! Makes the registry hold exactly what the deliveries give: a merge of two ordered lists, the groups of a source and its
//! objects in the registry.
//!
//! One thread merges the sorted pieces into groups, several assemble objects and write their JSON, and the caller's compares
//! with the registry and puts changes.

mod assembly;
mod known_objects;
mod orphans;
mod source_comparison;

use crate::delivery::{LastDelivery, SOURCE, to_json};
use crate::error::{Error, refused};
use crate::examples::ExampleCandidates;
use crate::groups::{GroupBatch, next_groups};
use crate::limits;
use crate::loads::{SortedLoads, SourceLoad};
use crate::options::Options;
use crate::quarantine::QUARANTINE;
use crate::source_keys::is_feed;
use annuaire_batch::parallel::{self, Lost};
use annuaire_store::{CommitOutcome, Unit};
use assembly::{AssembledChange, ChangeJob, PlannedChange, digest};
use orphans::OrphanFinder;
use source_comparison::SourceComparison;
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};

/// What was written, beside the counts of the unit.
#[derive(Default)]
pub(crate) struct ReplaceOutcome {
    /// Objects that were not put, because their pieces are those of the last delivery or an unreadable line may name them.
    pub(crate) spared: u64,
    pub(crate) warnings: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// Some of the changes.
    pub(crate) candidates: ExampleCandidates,
}

/// Writes everything that was read, as the delivery of this number.
///
/// # Errors
/// [`Error::Refused`] when a guard refuses the volume of a source, or when another import wrote it since the files were read.
pub(crate) fn replace(
    unit: &mut dyn Unit,
    loads: SortedLoads,
    options: &Options,
    delivery: u64,
) -> Result<ReplaceOutcome, Error> {
    let SortedLoads { mut pieces, sources: loads, .. } = loads;
    for load in loads.values().filter(|l| !is_feed(l.source)) {
        check_unchanged(unit, load)?;
    }
    let file = loads.values().map(|l| l.file.as_str()).collect::<Vec<_>>().join(", ");
    let sources: BTreeMap<u8, &'static str> = loads.iter().map(|(k, l)| (*k, l.source)).collect();
    std::thread::scope(|scope| {
        let (send, batches) = sync_channel::<io::Result<DigestedBatch>>(2);
        scope.spawn(move || {
            loop {
                let batch = next_groups(&mut pieces, limits::BLOCK_BYTES).map(|batch| {
                    let digests = (0..batch.len()).map(|g| digest(&batch.pieces(g))).collect();
                    (batch, digests)
                });
                let last = batch.as_ref().map_or(true, |b| b.0.len() == 0);
                // Sending fails when an error stopped the receiver.
                if send.send(batch).is_err() || last {
                    return;
                }
            }
        });
        let mut replacing = Replacing {
            unit,
            batches,
            file: &file,
            delivery,
            orphans: OrphanFinder::new(&loads),
            waiting: loads,
            current: None,
            planned: Vec::new(),
            ended: false,
            put: 0,
            counts_before: Vec::new(),
            objects_before: Vec::new(),
            out: ReplaceOutcome::default(),
            options,
        };
        let worker = || |job: ChangeJob| job.assemble(&sources);
        parallel::interleaved(options.workers(), &mut replacing, Replacing::next_job, worker, Replacing::put_changes)?;
        replacing.finish()
    })
}

/// Refuses to write a source that another import wrote since the file was read.
fn check_unchanged(unit: &mut dyn Unit, load: &SourceLoad) -> Result<(), Error> {
    let now = unit.note(SOURCE, load.source)?;
    if now == load.note {
        return Ok(());
    }
    let stamp = LastDelivery::read(now.as_deref()).stamp;
    let source = load.source;
    Err(refused(
        &load.file,
        format!(
            "another import spoke for {source} while this one was read (its delivery: {stamp}); nothing was imported, import again"
        ),
    ))
}

/// Groups, and for each the digest of its pieces.
type DigestedBatch = (GroupBatch, Vec<u128>);

/// The caller's part: groups are compared with the registry, and changes are put.
struct Replacing<'a> {
    unit: &'a mut dyn Unit,
    batches: Receiver<io::Result<DigestedBatch>>,
    /// Names of all files, for errors that belong to none.
    file: &'a str,
    /// Number of the delivery.
    delivery: u64,
    /// Sources that come after the current one.
    waiting: BTreeMap<u8, SourceLoad>,
    current: Option<SourceComparison>,
    /// Changes for the next job.
    planned: Vec<PlannedChange>,
    /// All groups were received.
    ended: bool,
    /// Changes put so far.
    put: u64,
    /// Counts of the unit before the first change of each source.
    counts_before: Vec<(String, CommitOutcome)>,
    /// Objects that each replaced source had.
    objects_before: Vec<(&'static str, u64)>,
    orphans: OrphanFinder,
    out: ReplaceOutcome,
    options: &'a Options,
}

impl Replacing<'_> {
    fn io_error(&self, source: io::Error) -> Error {
        Error::Io { file: self.file.to_owned(), source }
    }

    /// The next groups that change something; `None` at the end.
    fn next_job(&mut self) -> Result<Option<ChangeJob>, Error> {
        while !self.ended {
            let (batch, digests) = match self.batches.recv() {
                Ok(batch) => batch.map_err(|e| self.io_error(e))?,
                // The merging thread panicked, and the scope repeats its panic.
                Err(_) => return Err(self.io_error(io::Error::other("merging stopped"))),
            };
            self.ended = digests.is_empty();
            if self.ended {
                self.advance_to_source(None)?;
            } else {
                self.compare(&batch, &digests)?;
            }
            if !self.planned.is_empty() {
                return Ok(Some(ChangeJob { batch, planned: std::mem::take(&mut self.planned) }));
            }
        }
        Ok(None)
    }

    /// Puts changes. Results come in the order of their jobs, hence of sources and entities.
    fn put_changes(&mut self, changes: Result<io::Result<Vec<AssembledChange>>, Lost>) -> Result<(), Error> {
        let changes = changes.unwrap_or_else(|Lost| panic!("a thread that assembles objects panicked"));
        let changes = changes.map_err(|e| self.io_error(e))?;
        self.put += changes.len() as u64;
        if let Some((change, _)) = changes.last() {
            self.options.report_progress(&format!("writing {}", change.source), self.put, 0);
        }
        for (change, known) in changes {
            if self.counts_before.last().is_none_or(|m| m.0 != change.source) {
                self.counts_before.push((change.source.clone(), self.unit.outcome()?));
            }
            if known {
                self.out.candidates.add_known(&change);
            } else {
                self.out.candidates.add_new(&change);
            }
            self.unit.put(change)?;
        }
        Ok(())
    }

    /// Ends the sources before `key`, all of them without one, and begins that of `key`; false when it is not loaded.
    fn advance_to_source(&mut self, key: Option<u8>) -> Result<bool, Error> {
        loop {
            if let Some(current) = &self.current {
                if Some(current.key) == key {
                    return Ok(true);
                }
                self.end_source()?;
            }
            let Some(next) = self.waiting.first_entry().filter(|n| key.is_none_or(|k| *n.key() <= k)) else { return Ok(false) };
            let (key, load) = next.remove_entry();
            self.current = Some(SourceComparison::begin(key, load));
        }
    }

    /// Plans the changes of some groups: what differs from the registry is put, and known entities between them end.
    fn compare(&mut self, batch: &GroupBatch, digests: &[u128]) -> Result<(), Error> {
        for (group, digest) in digests.iter().enumerate() {
            let (key, entity) = batch.key(group);
            // Groups of a source that is not loaded were read and left out.
            if !self.advance_to_source(Some(key))? {
                continue;
            }
            let Some(current) = &mut self.current else { continue };
            if current.load.dropped.contains(entity) {
                continue;
            }
            self.orphans.add(current.load.source, entity);
            let mut known = None;
            if current.load.replaces {
                while let Some(missing) = current.known.pop_before(self.unit, entity)? {
                    plan_end(current, missing, &mut self.planned);
                }
                known = current.known.pop_if(self.unit, entity)?;
                let sheltered = current.load.unreadable.as_mut().is_some_and(|u| u.shelters(entity));
                let volume = current.volume(entity);
                match known {
                    Some(_) => volume.before += 1,
                    None => volume.created += 1,
                }
                if sheltered && known.is_some() {
                    // An unreadable line may be about it too: it stays as it is.
                    current.count_named(entity);
                    self.out.spared += 1;
                    continue;
                }
            }
            current.count_named(entity);
            if known == Some(*digest) {
                self.out.spared += 1;
            } else {
                let known = known.is_some() || !current.load.replaces;
                self.planned.push(PlannedChange::Put { group, digest: *digest, known });
            }
        }
        Ok(())
    }

    /// Ends the current source: entities that were not named end, the guards look at the volume, and the delivery is noted.
    fn end_source(&mut self) -> Result<(), Error> {
        let Some(mut current) = self.current.take() else { return Ok(()) };
        while current.load.replaces
            && let Some(missing) = current.known.pop_before(self.unit, LAST_ENTITY)?
        {
            plan_end(&mut current, missing, &mut self.planned);
        }
        let unreadable = current.load.unreadable.as_mut().filter(|_| current.load.replaces);
        match unreadable.and_then(|u| u.reason_to_end_nothing()) {
            Some(why) => {
                if !current.undecided.is_empty() {
                    self.out.warnings.push(format!(
                        "{}: {why}: the {} objects of {} that this delivery does not name stay as they are until a clean one",
                        current.load.file,
                        current.undecided.len(),
                        current.load.source
                    ));
                }
                current.objects += current.undecided.len() as u64;
            }
            None => {
                if current.load.replaces
                    && self.options.accept_mass_change.is_none()
                    && let Some(why) = current.refusal()
                {
                    return Err(refused(
                        &current.load.file,
                        format!("{why}; nothing was imported: check the file, or repeat with --accept-mass-change \"reason\""),
                    ));
                }
                self.out.warnings.extend(current.warnings());
                let key = current.key;
                self.planned.extend(current.undecided.drain(..).map(|entity| PlannedChange::End { key, entity }));
            }
        }
        self.write_notes(current)
    }

    /// Writes the notes of a source that was compared: its unreadable lines, and its last delivery.
    fn write_notes(&mut self, current: SourceComparison) -> Result<(), Error> {
        if current.load.replaces {
            self.objects_before.push((current.load.source, current.objects_before()));
        }
        let SourceLoad { source, stamp, digest, replaces, unreadable, line_counts, last_entities, .. } = current.load;
        match unreadable {
            Some(unreadable) => {
                let n = unreadable.total();
                self.out.warnings.push(format!("{source}: {n} lines could not be read and are in quarantine"));
                if replaces {
                    unreadable.replace_note(self.unit, source, self.delivery)?;
                } else {
                    unreadable.extend_note(self.unit, source, self.delivery)?;
                }
            }
            None if replaces => self.unit.set_note(QUARANTINE, source, None)?,
            None => {}
        }
        if !is_feed(source) {
            // A file without stamp does not make older ones acceptable.
            let stamp = if stamp.is_empty() { current.previous.stamp } else { stamp };
            let last = LastDelivery {
                stamp,
                digest,
                objects: current.objects,
                delivery: self.delivery,
                groups: line_counts,
                tail: last_entities,
            };
            self.unit.set_note(SOURCE, source, Some(&to_json(&last)?))?;
        }
        Ok(())
    }

    /// After the last change: how much each source changed is known, and refused when it is too much.
    fn finish(mut self) -> Result<ReplaceOutcome, Error> {
        let after = self.unit.outcome()?;
        for (source, before) in &self.objects_before {
            let Some(at) = self.counts_before.iter().position(|m| m.0 == *source) else { continue };
            let end = self.counts_before.get(at + 1).map_or(after, |m| m.1);
            let changed = end.changed - self.counts_before[at].1.changed;
            if *before >= limits::VOLUME_FLOOR
                && changed * 100 > before * limits::CHANGED_PERCENT
                && self.options.accept_mass_change.is_none()
            {
                let some: Vec<&str> = self.out.candidates.changed_of(source).take(limits::EXAMPLES).collect();
                return Err(refused(
                    self.file,
                    format!(
                        "{changed} of the {before} objects of {source} would change, more than {} % (among {}); nothing was imported: check the columns, or repeat with --accept-mass-change \"reason\"",
                        limits::CHANGED_PERCENT,
                        some.join(", ")
                    ),
                ));
            }
        }
        self.out.notes.extend(self.orphans.notes(self.unit)?);
        Ok(self.out)
    }
}

/// Comes after all entities in the order of the registry.
const LAST_ENTITY: &str = "\u{10ffff}";

/// An entity is not named: it ends, unless an unreadable line may be the reason.
fn plan_end(current: &mut SourceComparison, entity: String, planned: &mut Vec<PlannedChange>) {
    if current.count_missing(&entity) {
        if current.load.unreadable.is_some() {
            current.undecided.push(entity);
        } else {
            planned.push(PlannedChange::End { key: current.key, entity });
        }
    }
}
