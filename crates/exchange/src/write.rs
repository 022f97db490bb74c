//! Makes the registry say of each source exactly what its delivery says: a merge of two ordered lists.
//!
//! One thread merges the sorted runs, several assemble objects and write their JSON, and the caller's compares with what the
//! registry knows and puts.

use crate::intake::Load;
use crate::parallel::{self, Line};
use crate::sort::{Batch, Groups};
use crate::delivery::{Last, SOURCE};
use crate::{Error, Options, assemble, fhir, finess, limits, refused};
use annuaire_mos::Objet;
use annuaire_store::{Change, Known, Unit};
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use xxhash_rust::xxh3::Xxh3;

/// Groups, and for each the digest of what its object is made of.
type Digested = (Batch, Vec<u128>);

/// Writes everything that was read; returns the number of objects that were spared because they are made of the same pieces.
pub(crate) fn replace(
    unit: &mut dyn Unit,
    mut groups: Groups,
    loads: BTreeMap<u8, Load>,
    options: &Options,
) -> Result<u64, Error> {
    let file = loads.values().map(|l| l.file.as_str()).collect::<Vec<_>>().join(", ");
    let sources: BTreeMap<u8, &'static str> = loads.iter().map(|(k, l)| (*k, l.source)).collect();
    std::thread::scope(|scope| {
        let (send, batches) = sync_channel::<io::Result<Digested>>(2);
        scope.spawn(move || {
            loop {
                let batch = groups.next(limits::BLOCK_BYTES).map(|b| {
                    let digests = (0..b.len()).map(|g| digest(&b.pieces(g))).collect();
                    (b, digests)
                });
                let last = batch.as_ref().map_or(true, |b| b.0.len() == 0);
                // The other end is gone when an error stopped it.
                if send.send(batch).is_err() || last {
                    return;
                }
            }
        });
        let mut writing = Writing {
            unit,
            batches,
            file: &file,
            waiting: loads,
            current: None,
            steps: Vec::new(),
            ended: false,
            spared: 0,
            written: 0,
            options,
        };
        parallel::run(&mut writing, parallel::workers(options.threads), &|work: Work| work.changes(&sources))?;
        Ok(writing.spared)
    })
}

/// Fingerprint of what an object is made of: its pieces, the place of each in a feed left out, and the way of assembling.
fn digest(pieces: &[&[u8]]) -> u128 {
    let mut hash = Xxh3::with_seed(assemble::VERSION);
    for piece in pieces {
        hash.update(&(piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    // Zero says that nothing is known.
    hash.digest128().max(1)
}

/// One change to come.
enum Step {
    /// The object of this source and entity ends.
    End(u8, String),
    /// The object of a group of the batch is put.
    Put(usize, u128),
}

/// What a thread makes changes of.
struct Work {
    batch: Batch,
    steps: Vec<Step>,
}

impl Work {
    fn changes(self, sources: &BTreeMap<u8, &'static str>) -> io::Result<Vec<Change>> {
        let name = |key: u8| sources.get(&key).copied().unwrap_or_default();
        let one = |step| {
            Ok(match step {
                Step::End(key, entity) => Change { entity, source: name(key).to_owned(), payload: None, digest: 0 },
                Step::Put(group, digest) => {
                    let (key, entity) = self.batch.key(group);
                    let payload = object(name(key), entity, &self.batch.pieces(group))?;
                    Change { entity: entity.to_owned(), source: name(key).to_owned(), payload, digest }
                }
            })
        };
        self.steps.into_iter().map(one).collect()
    }
}

/// The source that is being compared.
struct Current {
    key: u8,
    load: Load,
    before: Before,
    count: u64,
    ended: u64,
    created: u64,
}

struct Writing<'a> {
    unit: &'a mut dyn Unit,
    batches: Receiver<io::Result<Digested>>,
    /// Names of all files, for errors that belong to none.
    file: &'a str,
    /// Sources that come after the current one.
    waiting: BTreeMap<u8, Load>,
    current: Option<Current>,
    steps: Vec<Step>,
    ended: bool,
    spared: u64,
    written: u64,
    options: &'a Options,
}

impl Writing<'_> {
    fn fail(&self, source: io::Error) -> Error {
        Error::Io { file: self.file.to_owned(), source }
    }

    /// Ends the sources before `key`, all of them without one, and begins it if it is loaded.
    fn reach(&mut self, key: Option<u8>) -> Result<bool, Error> {
        loop {
            if let Some(current) = &self.current {
                if Some(current.key) == key {
                    return Ok(true);
                }
                self.close()?;
            }
            let Some(next) = self.waiting.first_entry().filter(|n| key.is_none_or(|k| *n.key() <= k)) else { return Ok(false) };
            let (key, load) = next.remove_entry();
            self.current = Some(Current { key, before: Before::new(load.source), load, count: 0, ended: 0, created: 0 });
        }
    }

    /// Ends the current source: what was not named ends, the volume is looked at, and the delivery is noted.
    fn close(&mut self) -> Result<(), Error> {
        let Some(mut c) = self.current.take() else { return Ok(()) };
        while c.load.whole
            && let Some(gone) = c.before.pop_before(self.unit, "\u{10ffff}")?
        {
            c.ended += 1;
            self.steps.push(Step::End(c.key, gone));
        }
        let Current { load, count, ended, created, .. } = c;
        let Load { source, stamp, file, whole } = load;
        let before = count + ended - created;
        if whole
            && before >= limits::VOLUME_FLOOR
            && ended.max(created) * 100 > before * limits::VOLUME_PERCENT
            && self.options.accept_mass_change.is_none()
        {
            return Err(refused(
                &file,
                format!(
                    "{before} {source} objects known, {ended} would end and {created} appear: more than {} %; check the file, or repeat with --accept-mass-change \"reason\"",
                    limits::VOLUME_PERCENT
                ),
            ));
        }
        if !stamp.is_empty() && !source.starts_with("fhir") {
            let json = serde_json::to_string(&Last { stamp, objects: count, ..Last::default() });
            self.unit.set_note(SOURCE, source, Some(&json.map_err(|e| self.fail(io::Error::other(e)))?))?;
        }
        Ok(())
    }

    fn compare(&mut self, batch: &Batch, digests: &[u128]) -> Result<(), Error> {
        for (group, digest) in digests.iter().enumerate() {
            let (key, entity) = batch.key(group);
            // Groups of a source that is not loaded were read and left out.
            if !self.reach(Some(key))? {
                continue;
            }
            let Some(c) = &mut self.current else { continue };
            c.count += 1;
            let mut known = 0;
            if c.load.whole {
                while let Some(gone) = c.before.pop_before(self.unit, entity)? {
                    c.ended += 1;
                    self.steps.push(Step::End(key, gone));
                }
                match c.before.pop_if(self.unit, entity)? {
                    Some(digest) => known = digest,
                    None => c.created += 1,
                }
            }
            if known == *digest {
                self.spared += 1;
            } else {
                self.steps.push(Step::Put(group, *digest));
            }
        }
        Ok(())
    }
}

impl Line for Writing<'_> {
    type Task = Work;
    type Done = io::Result<Vec<Change>>;
    type Error = Error;

    fn task(&mut self) -> Result<Option<Work>, Error> {
        while !self.ended {
            let (batch, digests) = match self.batches.recv() {
                Ok(batch) => batch.map_err(|e| self.fail(e))?,
                // The merging thread panicked, and the scope says so.
                Err(_) => return Err(self.fail(io::Error::other("merging stopped"))),
            };
            self.ended = digests.is_empty();
            if self.ended {
                self.reach(None)?;
            } else {
                self.compare(&batch, &digests)?;
            }
            if !self.steps.is_empty() {
                return Ok(Some(Work { batch, steps: std::mem::take(&mut self.steps) }));
            }
        }
        Ok(None)
    }

    fn done(&mut self, changes: io::Result<Vec<Change>>) -> Result<(), Error> {
        let changes = changes.map_err(|e| self.fail(e))?;
        self.written += changes.len() as u64;
        if let Some(change) = changes.last() {
            self.options.tell(&format!("writing {}", change.source), self.written, 0);
        }
        for change in changes {
            self.unit.put(change)?;
        }
        Ok(())
    }
}

/// The registry's JSON of what was read of one entity; `None` when a feed says that it ended.
fn object(source: &str, entity: &str, pieces: &[&[u8]]) -> io::Result<Option<String>> {
    let object = if entity.starts_with("FH:") {
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
struct Before {
    source: &'static str,
    page: std::vec::IntoIter<Known>,
    front: Option<Known>,
    last: String,
    done: bool,
}

impl Before {
    fn new(source: &'static str) -> Self {
        Self { source, page: Vec::new().into_iter(), front: None, last: String::new(), done: false }
    }

    fn fill(&mut self, unit: &mut dyn Unit) -> Result<(), Error> {
        if self.front.is_none() && !self.done {
            self.front = self.page.next();
            if self.front.is_none() {
                let page = unit.known(self.source, &self.last, limits::PAGE)?;
                self.page = page.into_iter();
                self.front = self.page.next();
                self.done = self.front.is_none();
            }
            if let Some(known) = &self.front {
                self.last.clone_from(&known.entity);
            }
        }
        Ok(())
    }

    fn pop_before(&mut self, unit: &mut dyn Unit, limit: &str) -> Result<Option<String>, Error> {
        self.fill(unit)?;
        Ok(self.front.take_if(|k| k.entity.as_str() < limit).map(|k| k.entity))
    }

    /// The digest of an entity that is known.
    fn pop_if(&mut self, unit: &mut dyn Unit, entity: &str) -> Result<Option<u128>, Error> {
        self.fill(unit)?;
        Ok(self.front.take_if(|k| k.entity == entity).map(|k| k.digest))
    }
}
