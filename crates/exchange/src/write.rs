//! Makes the registry say of each source exactly what its delivery says: a merge of two ordered lists.
//!
//! One thread merges the sorted runs, several assemble objects and write their JSON, and the caller's compares with what the
//! registry knows and puts.

use crate::delivery::{Last, SOURCE, json};
use crate::groups::{GroupBatch, next_groups};
use crate::guard;
use crate::intake::Load;
use crate::quarantine::QUARANTINE;
use crate::{Error, Options, assemble, fhir, finess, limits, refused};
use annuaire_batch::parallel::{self, Lost};
use annuaire_batch::sort::Merge;
use annuaire_mos::Objet;
use annuaire_store::{Change, CommitOutcome, ObjectMark, Unit};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use xxhash_rust::xxh3::Xxh3;

/// Groups, and for each the digest of what its object is made of.
type Digested = (GroupBatch, Vec<u128>);

/// What was written, beside the counts of the unit.
#[derive(Default)]
pub(crate) struct Written {
    /// Objects that were spared because they are made of the same pieces, or kept as they were.
    pub(crate) spared: u64,
    pub(crate) warnings: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// A few of the objects that were said to be new, to change and to end.
    pub(crate) candidates: Candidates,
}

/// Some of the changes, among which the examples of a report are.
#[derive(Default)]
pub(crate) struct Candidates {
    pub(crate) created: Vec<Change>,
    /// Whether they change anything is only known once they are compared with what stood.
    pub(crate) changed: Vec<Change>,
    pub(crate) ended: Vec<Change>,
}

/// How many changed objects are looked at to find those that a report gives as examples.
pub(crate) const LOOKED_AT: usize = 1_000;

/// Writes everything that was read, as the delivery of this number.
///
/// # Errors
/// [`Error::Refused`] when a guard refuses what a source says, or when another import spoke for it since the files were read.
pub(crate) fn replace(
    unit: &mut dyn Unit,
    mut groups: Merge,
    loads: BTreeMap<u8, Load>,
    options: &Options,
    delivery: u64,
) -> Result<Written, Error> {
    for load in loads.values().filter(|l| !is_feed(l.source)) {
        let now = unit.note(SOURCE, load.source)?;
        if now != load.note {
            let stamp = Last::read(now.as_deref()).stamp;
            let source = load.source;
            return Err(refused(
                &load.file,
                format!(
                    "another import spoke for {source} while this one was read (its delivery: {stamp}); nothing was imported, import again"
                ),
            ));
        }
    }
    let file = loads.values().map(|l| l.file.as_str()).collect::<Vec<_>>().join(", ");
    let sources: BTreeMap<u8, &'static str> = loads.iter().map(|(k, l)| (*k, l.source)).collect();
    std::thread::scope(|scope| {
        let (send, batches) = sync_channel::<io::Result<Digested>>(2);
        scope.spawn(move || {
            loop {
                let batch = next_groups(&mut groups, limits::BLOCK_BYTES).map(|b| {
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
        let orphans = Orphans::of(&loads);
        let mut writing = Writing {
            unit,
            batches,
            file: &file,
            delivery,
            waiting: loads,
            current: None,
            steps: Vec::new(),
            ended: false,
            put: 0,
            marks: Vec::new(),
            known: Vec::new(),
            orphans,
            out: Written::default(),
            options,
        };
        let threads = parallel::workers(options.threads);
        let worker = || |work: Work| work.changes(&sources);
        parallel::interleaved(threads, &mut writing, Writing::task, worker, Writing::done)?;
        writing.finish()
    })
}

/// A source of FHIR resources: its files add up, and have neither stamp nor digest.
pub(crate) fn is_feed(source: &str) -> bool {
    source.starts_with("fhir")
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
    /// The object of a group of the batch is put; it is one that stands, as far as that is known.
    Put(usize, u128, bool),
}

/// What a thread makes changes of.
struct Work {
    batch: GroupBatch,
    steps: Vec<Step>,
}

impl Work {
    fn changes(self, sources: &BTreeMap<u8, &'static str>) -> io::Result<Vec<(Change, bool)>> {
        let name = |key: u8| sources.get(&key).copied().unwrap_or_default();
        let one = |step| {
            Ok(match step {
                Step::End(key, entity) => (Change { entity, source: name(key).to_owned(), payload: None, digest: 0 }, true),
                Step::Put(group, digest, known) => {
                    let (key, entity) = self.batch.key(group);
                    let payload = object(name(key), entity, &self.batch.pieces(group))?;
                    (Change { entity: entity.to_owned(), source: name(key).to_owned(), payload, digest }, known)
                }
            })
        };
        self.steps.into_iter().map(one).collect()
    }
}

/// What a source has of one kind of entity, and what happens to it.
struct Volume {
    prefix: [u8; 3],
    before: u64,
    ended: u64,
    created: u64,
    /// The first that end.
    gone: Vec<String>,
}

/// The source that is being compared.
struct Current {
    key: u8,
    load: Load,
    before: Before,
    last: Last,
    count: u64,
    volumes: Vec<Volume>,
    /// Ends that wait for the lines in quarantine to be judged.
    waiting: Vec<String>,
    /// Prefix of the entity that a line is about, when it is a person or a structure.
    main: [u8; 3],
    last_named: String,
    gone_main: u64,
    gone_after: u64,
    /// Entities of the end of the file before that end.
    tail_gone: usize,
}

fn prefix(entity: &str) -> [u8; 3] {
    entity.as_bytes().first_chunk().copied().unwrap_or_default()
}

impl Current {
    fn begin(key: u8, load: Load) -> Self {
        let main = load.tail.last().map(|e| prefix(e)).filter(|p| matches!(p, b"PP:" | b"ST:")).unwrap_or_default();
        Self {
            key,
            before: Before::new(load.source),
            last: Last::read(load.note.as_deref()),
            load,
            count: 0,
            volumes: Vec::new(),
            waiting: Vec::new(),
            main,
            last_named: String::new(),
            gone_main: 0,
            gone_after: 0,
            tail_gone: 0,
        }
    }

    fn volume(&mut self, entity: &str) -> &mut Volume {
        let prefix = prefix(entity);
        let at = self.volumes.iter().position(|v| v.prefix == prefix).unwrap_or_else(|| {
            self.volumes.push(Volume { prefix, before: 0, ended: 0, created: 0, gone: Vec::new() });
            self.volumes.len() - 1
        });
        &mut self.volumes[at]
    }

    /// An entity that the delivery does not name: true when it ends.
    fn gone(&mut self, entity: &str) -> bool {
        if self.load.held.as_mut().is_some_and(|h| h.shelters(entity)) {
            self.volume(entity).before += 1;
            self.count += 1;
            return false;
        }
        let volume = self.volume(entity);
        volume.before += 1;
        volume.ended += 1;
        if volume.gone.len() < limits::EXAMPLES {
            volume.gone.push(entity.to_owned());
        }
        if prefix(entity) == self.main {
            self.gone_main += 1;
            self.gone_after += 1;
        }
        self.tail_gone += usize::from(self.last.tail.iter().any(|t| t == entity));
        true
    }

    /// An entity that the delivery names.
    fn named(&mut self, entity: &str) {
        self.count += 1;
        if prefix(entity) == self.main {
            self.last_named.clear();
            self.last_named.push_str(entity);
            self.gone_after = 0;
        }
    }

    /// Why the delivery of this source is refused, when it is (source-files §13, guards 2 and 3).
    fn refusal(&self) -> Option<String> {
        if !self.last_named.is_empty() && self.gone_after > limits::TAIL_FEW && self.gone_after * 2 > self.gone_main {
            return Some(format!(
                "the file stops at {}, and the {} {} known after it are missing: is it cut?",
                self.last_named,
                self.gone_after,
                guard::called(&self.last_named)
            ));
        }
        let tail = &self.last.tail;
        if tail.len() > 1 && self.tail_gone == tail.len() {
            return Some(format!(
                "the end of the file of the delivery before ({}) is missing: is this one cut?",
                tail.join(", ")
            ));
        }
        // Documents have no lines to count.
        let counted = !self.last.groups.is_empty() && !self.load.groups.is_empty();
        if let Some(group) = counted.then(|| guard::lost(&self.last.groups, &self.load.groups)).flatten() {
            let gone: Vec<&str> = self.volumes.iter().flat_map(|v| &v.gone).map(String::as_str).take(limits::EXAMPLES).collect();
            let examples = if gone.is_empty() { String::new() } else { format!(" (would end: {})", gone.join(", ")) };
            return Some(format!("{group}{examples}"));
        }
        for v in &self.volumes {
            let what = guard::called(str::from_utf8(&v.prefix).unwrap_or_default());
            let grown = v.before >= limits::VOLUME_FLOOR && v.created * 100 > v.before * limits::VOLUME_PERCENT;
            if v.ended > guard::allowed(v.before, limits::VOLUME_PERCENT, limits::VOLUME_FEW) || grown {
                let now = v.before + v.created - v.ended;
                let gone = if v.gone.is_empty() { String::new() } else { format!(" (would end: {})", v.gone.join(", ")) };
                return Some(format!(
                    "{} {what} of {} known, {now} in this delivery: {} would end and {} appear, more than {} %{gone}",
                    v.before,
                    self.load.source,
                    v.ended,
                    v.created,
                    limits::VOLUME_PERCENT
                ));
            }
        }
        None
    }

    /// What the operator should look at.
    fn warnings(&self) -> Vec<String> {
        let much = |v: &&Volume| v.ended > 1 && v.ended * 1_000 >= v.before * limits::WARNING_PER_MILLE;
        let tell = |v: &Volume| {
            let what = guard::called(str::from_utf8(&v.prefix).unwrap_or_default());
            let (source, gone) = (self.load.source, v.gone.join(", "));
            format!("{}: {} of {} {what} of {source} end ({gone})", self.load.file, v.ended, v.before)
        };
        self.volumes.iter().filter(much).map(tell).collect()
    }
}

/// Sources that describe persons, and those that only say something of persons whom others describe.
const PERSONS: &[&str] = &["psla", "psc", "monotable", "r-personne", "r-etatciv", "r-exercpro"];
const ABOUT_PERSONS: &[(&str, &str)] = &[
    ("cps", "a card"),
    ("r-cartepro", "a card"),
    ("mss", "a mailbox"),
    ("r-adressemssante", "a mailbox"),
    ("psla-dipl", "a diploma or an authorisation"),
    ("r-diplobt", "a diploma"),
    ("r-autrediplobt", "a diploma"),
    ("psla-sf", "a know-how"),
];

/// Finds the persons of whom something is said, and whom no file of persons names. Eight bytes for each person.
struct Orphans {
    /// Something is to be looked for.
    wanted: bool,
    about: Vec<(&'static str, Vec<u64>)>,
    persons: HashSet<u64>,
    /// Sources of persons of this call.
    loaded: Vec<&'static str>,
}

impl Orphans {
    fn of(loads: &BTreeMap<u8, Load>) -> Self {
        let wanted = loads.values().any(|l| ABOUT_PERSONS.iter().any(|a| a.0 == l.source));
        let loaded = loads.values().map(|l| l.source).filter(|s| PERSONS.contains(s)).collect();
        Self { wanted, about: Vec::new(), persons: HashSet::new(), loaded }
    }

    fn see(&mut self, source: &'static str, entity: &str) {
        if !self.wanted || !entity.starts_with("PP:") {
            return;
        }
        let hash = xxhash_rust::xxh3::xxh3_64(entity.as_bytes());
        if PERSONS.contains(&source) {
            self.persons.insert(hash);
        } else if ABOUT_PERSONS.iter().any(|a| a.0 == source) {
            match self.about.last_mut().filter(|a| a.0 == source) {
                Some((_, all)) => all.push(hash),
                None => self.about.push((source, vec![hash])),
            }
        }
    }

    /// In words, by source. Cost: what the registry knows of sources of persons that were not delivered is read.
    fn tell(mut self, unit: &mut dyn Unit) -> Result<Vec<String>, Error> {
        for (_, all) in &mut self.about {
            all.retain(|hash| !self.persons.contains(hash));
        }
        self.about.retain(|a| !a.1.is_empty());
        for source in PERSONS.iter().filter(|s| !self.loaded.contains(s)) {
            let mut after = String::new();
            while !self.about.is_empty() {
                let page = unit.known(source, &after, limits::PAGE)?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.entity);
                let known: HashSet<u64> = page.iter().map(|k| xxhash_rust::xxh3::xxh3_64(k.entity.as_bytes())).collect();
                self.about.iter_mut().for_each(|a| a.1.retain(|hash| !known.contains(hash)));
                self.about.retain(|a| !a.1.is_empty());
            }
        }
        let what = |source| ABOUT_PERSONS.iter().find(|a| a.0 == source).map_or("", |a| a.1);
        let tell = |(source, all): &(&'static str, Vec<u64>)| {
            format!(
                "{} persons have {} in {source} and no file of persons names them: it is kept, and published once one does",
                all.len(),
                what(*source)
            )
        };
        Ok(self.about.iter().map(tell).collect())
    }
}

struct Writing<'a> {
    unit: &'a mut dyn Unit,
    batches: Receiver<io::Result<Digested>>,
    /// Names of all files, for errors that belong to none.
    file: &'a str,
    /// Number of the delivery.
    delivery: u64,
    /// Sources that come after the current one.
    waiting: BTreeMap<u8, Load>,
    current: Option<Current>,
    steps: Vec<Step>,
    ended: bool,
    put: u64,
    /// Counts of the unit before the first change of each source.
    marks: Vec<(String, CommitOutcome)>,
    /// Objects that stood, for each source that is replaced.
    known: Vec<(&'static str, u64)>,
    orphans: Orphans,
    out: Written,
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
            self.current = Some(Current::begin(key, load));
        }
    }

    /// Ends the current source: what was not named ends, the volume is looked at, and the delivery is noted.
    fn close(&mut self) -> Result<(), Error> {
        let Some(mut c) = self.current.take() else { return Ok(()) };
        while c.load.whole
            && let Some(gone) = c.before.pop_before(self.unit, "\u{10ffff}")?
        {
            Self::end(&mut c, gone, &mut self.steps);
        }
        let held = c.load.held.as_mut().filter(|_| c.load.whole).and_then(|h| h.holds());
        match held {
            Some(why) => {
                if !c.waiting.is_empty() {
                    self.out.warnings.push(format!(
                        "{}: {why}: the {} objects of {} that this delivery does not name stay as they are until a clean one",
                        c.load.file,
                        c.waiting.len(),
                        c.load.source
                    ));
                }
                c.count += c.waiting.len() as u64;
            }
            None => {
                if c.load.whole
                    && self.options.accept_mass_change.is_none()
                    && let Some(why) = c.refusal()
                {
                    return Err(refused(
                        &c.load.file,
                        format!("{why}; nothing was imported: check the file, or repeat with --accept-mass-change \"reason\""),
                    ));
                }
                self.out.warnings.extend(c.warnings());
                self.steps.extend(c.waiting.drain(..).map(|gone| Step::End(c.key, gone)));
            }
        }
        if c.load.whole {
            self.known.push((c.load.source, c.volumes.iter().map(|v| v.before).sum()));
        }
        let Load { source, stamp, digest, whole, held, groups, tail, .. } = c.load;
        match held {
            Some(held) => {
                let n = held.total();
                self.out.warnings.push(format!("{source}: {n} lines could not be read and are in quarantine"));
                held.write(self.unit, source, self.delivery, whole)?;
            }
            None if whole => self.unit.set_note(QUARANTINE, source, None)?,
            None => {}
        }
        if !is_feed(source) {
            // A file without stamp does not make older ones acceptable.
            let stamp = if stamp.is_empty() { c.last.stamp } else { stamp };
            let last = Last { stamp, digest, objects: c.count, delivery: self.delivery, groups, tail };
            self.unit.set_note(SOURCE, source, Some(&json(&last)?))?;
        }
        Ok(())
    }

    /// An entity is not named: it ends, unless a line that could not be read may be the reason.
    fn end(c: &mut Current, gone: String, steps: &mut Vec<Step>) {
        if c.gone(&gone) {
            if c.load.held.is_some() {
                c.waiting.push(gone);
            } else {
                steps.push(Step::End(c.key, gone));
            }
        }
    }

    fn compare(&mut self, batch: &GroupBatch, digests: &[u128]) -> Result<(), Error> {
        for (group, digest) in digests.iter().enumerate() {
            let (key, entity) = batch.key(group);
            // Groups of a source that is not loaded were read and left out.
            if !self.reach(Some(key))? {
                continue;
            }
            let Some(c) = &mut self.current else { continue };
            if c.load.skip.contains(entity) {
                continue;
            }
            self.orphans.see(c.load.source, entity);
            let mut known = None;
            if c.load.whole {
                while let Some(gone) = c.before.pop_before(self.unit, entity)? {
                    Self::end(c, gone, &mut self.steps);
                }
                known = c.before.pop_if(self.unit, entity)?;
                let sheltered = c.load.held.as_mut().is_some_and(|h| h.shelters(entity));
                let volume = c.volume(entity);
                match known {
                    Some(_) => volume.before += 1,
                    None => volume.created += 1,
                }
                if sheltered && known.is_some() {
                    // A line that could not be read may say more of it: it stays as it is.
                    c.named(entity);
                    self.out.spared += 1;
                    continue;
                }
            }
            c.named(entity);
            if known == Some(*digest) {
                self.out.spared += 1;
            } else {
                self.steps.push(Step::Put(group, *digest, known.is_some() || !c.load.whole));
            }
        }
        Ok(())
    }

    /// After the last change: how much each source changed is known.
    fn finish(mut self) -> Result<Written, Error> {
        let after = self.unit.outcome()?;
        for (source, before) in &self.known {
            let Some(at) = self.marks.iter().position(|m| m.0 == *source) else { continue };
            let end = self.marks.get(at + 1).map_or(after, |m| m.1);
            let changed = end.changed - self.marks[at].1.changed;
            if *before >= limits::VOLUME_FLOOR
                && changed * 100 > before * limits::CHANGED_PERCENT
                && self.options.accept_mass_change.is_none()
            {
                let of = self.out.candidates.changed.iter().filter(|c| c.source == *source);
                let some: Vec<&str> = of.map(|c| c.entity.as_str()).take(limits::EXAMPLES).collect();
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
        self.out.notes.extend(self.orphans.tell(self.unit)?);
        Ok(self.out)
    }
}

impl Writing<'_> {
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

    fn done(&mut self, changes: Result<io::Result<Vec<(Change, bool)>>, Lost>) -> Result<(), Error> {
        let changes = changes.unwrap_or_else(|Lost| panic!("a thread that assembles objects panicked"));
        let changes = changes.map_err(|e| self.fail(e))?;
        self.put += changes.len() as u64;
        if let Some((change, _)) = changes.last() {
            self.options.tell(&format!("writing {}", change.source), self.put, 0);
        }
        for (change, known) in changes {
            if self.marks.last().is_none_or(|m| m.0 != change.source) {
                self.marks.push((change.source.clone(), self.unit.outcome()?));
            }
            let of = &mut self.out.candidates;
            let (list, most) = match (&change.payload, known) {
                (None, _) => (&mut of.ended, LOOKED_AT),
                (Some(_), true) => (&mut of.changed, LOOKED_AT),
                (Some(_), false) => (&mut of.created, limits::EXAMPLES),
            };
            if list.len() < most {
                list.push(change.clone());
            }
            self.unit.put(change)?;
        }
        Ok(())
    }
}

/// The registry's JSON of what was read of one entity; `None` when a feed says that it ended.
fn object(source: &str, entity: &str, pieces: &[&[u8]]) -> io::Result<Option<String>> {
    let object = if is_feed(source) {
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
    page: std::vec::IntoIter<ObjectMark>,
    front: Option<ObjectMark>,
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
