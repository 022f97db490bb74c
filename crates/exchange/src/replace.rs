//! Makes the registry hold exactly what the deliveries give: a merge of two ordered lists, the groups of a source and its
//! objects in the registry.
//!
//! One thread merges the sorted pieces into groups, several assemble objects and write their JSON, and the caller's compares
//! with the registry and puts changes.

mod assembly;
mod known_objects;
mod orphans;
mod source_comparison;
mod source_notes;

use crate::error::{Error, refused};
use crate::examples::ExampleCandidates;
use crate::groups::{GroupBatch, next_groups};
use crate::last_deliveries::LastDelivery;
use crate::limits;
use crate::options::Options;
use crate::source_load::SourceLoad;
use annuaire_batch::parallel::{self, Lost};
use annuaire_batch::sort::Merge;
use annuaire_store::{BlockingStage, ChangeCounts};
use assembly::{AssembledChange, ChangeJob, PlannedChange, fingerprint};
use orphans::OrphanFinder;
use source_comparison::{Growth, SourceComparison};
pub(crate) use source_notes::SourceNotes;
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};

/// What was found, beside the changes that the stage holds.
#[derive(Default)]
pub(crate) struct ReplaceOutcome {
    /// Objects that were not put, because their pieces are those of the last delivery or an unreadable line may name them.
    pub(crate) spared: u64,
    pub(crate) warnings: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// Of each source, in the order of their keys.
    pub(crate) source_notes: Vec<SourceNotes>,
    /// Some of the changes.
    pub(crate) candidates: ExampleCandidates,
}

/// Compares everything that was read with the base of the stage, and puts what differs into it.
///
/// # Errors
/// [`Error::Refused`] when a guard refuses the volume of a source.
pub(crate) fn replace(
    stage: &mut BlockingStage,
    pieces: &mut Merge,
    loads: BTreeMap<u8, SourceLoad>,
    options: &Options,
) -> Result<ReplaceOutcome, Error> {
    let file = loads.values().map(|l| l.file.as_str()).collect::<Vec<_>>().join(", ");
    let sources: BTreeMap<u8, &'static str> = loads.iter().map(|(k, l)| (*k, l.source)).collect();
    std::thread::scope(|scope| {
        let (send, batches) = sync_channel::<io::Result<MarkedBatch>>(2);
        scope.spawn(move || {
            loop {
                let batch = next_groups(pieces, limits::BLOCK_BYTES).map(|batch| {
                    let fingerprints = (0..batch.len()).map(|g| fingerprint(&batch.pieces(g))).collect();
                    (batch, fingerprints)
                });
                let last = batch.as_ref().map_or(true, |b| b.0.len() == 0);
                // Sending fails when an error stopped the receiver.
                if send.send(batch).is_err() || last {
                    return;
                }
            }
        });
        let mut replacing = Replacing {
            stage,
            batches,
            file: &file,
            orphans: OrphanFinder::new(&loads),
            waiting: loads,
            current: None,
            planned: Vec::new(),
            ended: false,
            put: 0,
            counts_before: Vec::new(),
            objects_before: Vec::new(),
            growths: Vec::new(),
            out: ReplaceOutcome::default(),
            options,
        };
        let worker = || |job: ChangeJob| job.assemble(&sources);
        parallel::interleaved(options.workers(), &mut replacing, Replacing::next_job, worker, Replacing::put_changes)?;
        replacing.finish()
    })
}

/// Groups, and for each the fingerprint of its pieces.
type MarkedBatch = (GroupBatch, Vec<u64>);

/// The caller's part: groups are compared with the registry, and changes are put.
struct Replacing<'a> {
    stage: &'a mut BlockingStage,
    batches: Receiver<io::Result<MarkedBatch>>,
    /// Names of all files, for errors that belong to none.
    file: &'a str,
    /// Sources that come after the current one.
    waiting: BTreeMap<u8, SourceLoad>,
    current: Option<SourceComparison>,
    /// Changes for the next job.
    planned: Vec<PlannedChange>,
    /// All groups were received.
    ended: bool,
    /// Changes put so far.
    put: u64,
    /// Counts of the stage before the first change of each source.
    counts_before: Vec<(String, ChangeCounts)>,
    /// Objects that each replaced source had.
    objects_before: Vec<(&'static str, u64)>,
    /// Kinds that seem to grow too much.
    growths: Vec<Growth>,
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
            let (batch, fingerprints) = match self.batches.recv() {
                Ok(batch) => batch.map_err(|e| self.io_error(e))?,
                // The merging thread panicked, and the scope repeats its panic.
                Err(_) => return Err(self.io_error(io::Error::other("merging stopped"))),
            };
            self.ended = fingerprints.is_empty();
            if self.ended {
                self.advance_to_source(None)?;
            } else {
                self.compare(&batch, &fingerprints)?;
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
            self.options.report_progress(&format!("writing {}", change.key.owner), self.put, 0);
        }
        let mut changes = changes.into_iter().peekable();
        while let Some((first, _)) = changes.peek() {
            let owner = first.key.owner.clone();
            if self.counts_before.last().is_none_or(|m| m.0 != owner) {
                self.counts_before.push((owner.clone(), self.stage.counts()?));
            }
            let candidates = &mut self.out.candidates;
            let of_owner = std::iter::from_fn(|| changes.next_if(|(change, _)| change.key.owner == owner));
            self.stage.put_all(of_owner.map(|(change, known)| {
                if known {
                    candidates.add_known(&change);
                } else {
                    candidates.add_new(&change);
                }
                change
            }))?;
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
    fn compare(&mut self, batch: &GroupBatch, fingerprints: &[u64]) -> Result<(), Error> {
        for (group, fingerprint) in fingerprints.iter().enumerate() {
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
                while let Some(missing) = current.known.pop_before(self.stage, entity)? {
                    plan_end(current, missing, &mut self.planned);
                }
                known = current.known.pop_if(self.stage, entity)?;
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
            if known == Some(*fingerprint) {
                self.out.spared += 1;
            } else {
                let known = known.is_some() || !current.load.replaces;
                self.planned.push(PlannedChange::Put { group, fingerprint: *fingerprint, known });
            }
        }
        Ok(())
    }

    /// Ends the current source: entities that were not named end, the guards look at the volume, and the delivery is noted.
    fn end_source(&mut self) -> Result<(), Error> {
        let Some(mut current) = self.current.take() else { return Ok(()) };
        while current.load.replaces
            && let Some(missing) = current.known.pop_before(self.stage, LAST_ENTITY)?
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
                    return Err(refused_volume(&current.load.file, &why));
                }
                if current.load.replaces && self.options.accept_mass_change.is_none() {
                    self.growths.extend(current.growths());
                }
                self.out.warnings.extend(current.warnings());
                let key = current.key;
                self.planned.extend(current.undecided.drain(..).map(|entity| PlannedChange::End { key, entity }));
            }
        }
        self.keep_notes(current);
        Ok(())
    }

    /// Keeps the notes of a source that was compared: its unreadable lines, and its last delivery.
    fn keep_notes(&mut self, current: SourceComparison) {
        if current.load.replaces {
            self.objects_before.push((current.load.source, current.objects_before()));
        }
        let SourceLoad { source, stamp, digest, replaces, unreadable, line_counts, last_entities, .. } = current.load;
        if let Some(unreadable) = &unreadable {
            let n = unreadable.total();
            self.out.warnings.push(format!("{source}: {n} lines could not be read and are in quarantine"));
        }
        let delivery = LastDelivery {
            // A file without stamp does not make older ones acceptable.
            stamp: if stamp.is_empty() { current.previous.stamp } else { stamp },
            digest,
            objects: current.objects,
            delivery: 0,
            groups: line_counts,
            tail: last_entities,
        };
        self.out.source_notes.push(SourceNotes { source, replaces, unreadable, delivery });
    }

    /// After the last change: how much each source changed is known, and refused when it is too much.
    fn finish(mut self) -> Result<ReplaceOutcome, Error> {
        let after = self.stage.counts()?;
        let counts_of = |source: &str| {
            let at = self.counts_before.iter().position(|m| m.0 == source)?;
            let end = self.counts_before.get(at + 1).map_or(after, |m| m.1);
            Some((self.counts_before[at].1, end))
        };
        for growth in &self.growths {
            let withheld = counts_of(growth.source).map_or(0, |(start, end)| end.withheld - start.withheld);
            if growth.is_too_much(withheld) {
                return Err(refused_volume(&growth.file, &growth.reason));
            }
        }
        for (source, before) in &self.objects_before {
            let Some((start, end)) = counts_of(source) else { continue };
            let changed = end.changed - start.changed;
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
        self.out.notes.extend(self.orphans.notes(self.stage)?);
        Ok(self.out)
    }
}

fn refused_volume(file: &str, why: &str) -> Error {
    refused(file, format!("{why}; nothing was imported: check the file, or repeat with --accept-mass-change \"reason\""))
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
