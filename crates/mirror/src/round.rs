//! One round: what was received is sorted, compared with what is known, and committed as one step.

use crate::error::{Error, Result};
use crate::key_index::{KEY_LINES, KnownResource, KnownState, TypeIndex};
use crate::limits;
use crate::record::{Evidence, Record, Said};
use crate::resource::{MirroredResource, ResourceStamp, digest};
use crate::segments::{Passed, Rewriter, sync_names};
use crate::sink::{MirrorPosition, RoundEnd, Sink};
use crate::state::{MirrorState, StateDirectory, Watermark};
use annuaire_batch::sort::Sorter;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Which of several records about one resource counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// That of the newest version. When versions cannot tell: the last that shows the resource, the first that tells an event, since
    /// histories list the newest first.
    Newest,
    /// The last one (published files).
    Last,
}

/// What was received, on its way to be sorted.
pub(crate) struct Received {
    sorter: Sorter,
    order: u64,
}

impl Received {
    /// Nothing yet. Sorting goes through `spill` when memory does not suffice.
    pub(crate) fn new(spill: &std::path::Path) -> Self {
        Self { sorter: Sorter::new(limits::SORT_BYTES, Some(spill.to_owned())), order: 0 }
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, record: &Record) -> Result<()> {
        let mut value = self.order.to_be_bytes().to_vec();
        record.write(&mut value);
        self.sorter.push(&[record.resource_type.as_bytes(), b"\t", record.id.as_bytes()], &value)?;
        self.order += 1;
        Ok(())
    }
}

/// A round to be applied.
pub(crate) struct Round {
    pub(crate) received: Received,
    /// Types of which everything that there is was received: what was not named is gone.
    pub(crate) complete: BTreeSet<String>,
    /// Types of these of which nothing is deleted all the same, because what was received leaves doubt.
    pub(crate) doubtful: BTreeSet<String>,
    pub(crate) precedence: Precedence,
    pub(crate) watermark: Watermark,
    pub(crate) told_ms: Option<i64>,
    pub(crate) ready: bool,
    /// The sink holds nothing that counts.
    pub(crate) replaces: bool,
}

/// What a round may do.
#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    /// Share of a type that may be deleted or deactivated, per cent.
    pub(crate) percent: u32,
    /// Somebody has looked and gave this reason, or the origin announced it.
    pub(crate) confirmed: Option<String>,
}

/// What rounds did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoundCounts {
    /// Resources put, new or changed.
    pub upserted: u64,
    /// Of these, resources that became inactive.
    pub deactivated: u64,
    /// Resources removed.
    pub deleted: u64,
    /// Records that say what is known.
    pub unchanged: u64,
    /// Records of a version older than what is known; they were left out.
    pub older: u64,
    /// Resources that a complete copy does not name, and that stay because it leaves doubt.
    pub held_back: u64,
}

impl RoundCounts {
    /// Adds the counts of another round.
    pub fn add(&mut self, other: &Self) {
        self.upserted += other.upserted;
        self.deactivated += other.deactivated;
        self.deleted += other.deleted;
        self.unchanged += other.unchanged;
        self.older += other.older;
        self.held_back += other.held_back;
    }

    /// Changes made.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.upserted + self.deleted
    }
}

/// Applies a round: state and sink are then at the next round, or both as before.
pub(crate) fn apply(
    dir: &StateDirectory,
    state: &mut MirrorState,
    sink: &mut dyn Sink,
    round: Round,
    breaker: &Breaker,
    tell: &dyn Fn(&str, u64, u64),
) -> Result<RoundCounts> {
    let mut next = state.clone();
    next.round += 1;
    let position = MirrorPosition { mirror: next.mirror.clone(), round: next.round };
    let applied = sink.begin(&position, round.replaces).and_then(|()| merge(dir, &mut next, sink, round, breaker, tell));
    let counts = match applied {
        Ok(counts) => counts,
        Err(e) => {
            // The first error is the one to tell; files without a list are removed by the next round too.
            let _ = sink.abandon();
            let _ = dir.sweep(state);
            return Err(e);
        }
    };
    sync_names(&dir.index())?;
    dir.prepare(&next)?;
    let end = RoundEnd { position: &position, origin: &next.origin, told_ms: next.told_ms, ready: next.ready };
    sink.commit(&end)?;
    dir.adopt(&next)?;
    *state = next;
    Ok(counts)
}

fn merge(
    dir: &StateDirectory,
    next: &mut MirrorState,
    sink: &mut dyn Sink,
    round: Round,
    breaker: &Breaker,
    tell: &dyn Fn(&str, u64, u64),
) -> Result<RoundCounts> {
    let all = round.received.order;
    let mut merge = round.received.sorter.finish(1)?;
    let (mut counts, mut done) = (RoundCounts::default(), 0);
    let mut waiting = round.complete.clone();
    loop {
        let from_merge = merge.peek().map(|(key, _)| split_key(key).map(|(ty, _)| ty.to_owned())).transpose()?;
        let Some(ty) = from_merge.into_iter().chain(waiting.first().cloned()).min() else { break };
        waiting.remove(&ty);
        let before = next.index.get(&ty).cloned().unwrap_or_default();
        let complete = round.complete.contains(&ty);
        let mut typed = TypeMerge {
            ty: &ty,
            complete,
            doubtful: round.doubtful.contains(&ty),
            sink,
            counts: RoundCounts::default(),
            live: before.live,
        };
        let stem = format!("{ty}-{:08}", next.round);
        let mut rewriter = Rewriter::new(&dir.index(), stem, KEY_LINES, complete, &before.segments);
        while let Some((key, _)) = merge.peek() {
            let (of, id) = split_key(key)?;
            if of != ty {
                break;
            }
            let id = id.to_owned();
            let best = best_of_group(&mut merge, &ty, &id, round.precedence, &mut done)?;
            let old = rewriter.seek(&id, &mut |id, line| typed.passed(id, line))?;
            let known = old.as_deref().map(KnownResource::read).transpose()?;
            if let Some(line) = typed.decide(&id, best, known)? {
                rewriter.put(&id, line.as_bytes())?;
            }
            if done % 1024 == 0 {
                tell("applying", done, all);
            }
        }
        let segments = rewriter.finish(&mut |id, line| typed.passed(id, line))?;
        let (type_counts, live) = (typed.counts, typed.live);
        check_breaker(&ty, &type_counts, before.live, live, next.former.get(&ty).copied(), breaker)?;
        counts.add(&type_counts);
        next.index.insert(ty, TypeIndex { live, segments });
    }
    tell("applying", all, all);
    next.former = BTreeMap::new();
    next.watermark = Some(round.watermark);
    next.told_ms = round.told_ms.or(next.told_ms);
    next.ready = round.ready;
    Ok(counts)
}

fn split_key(key: &[u8]) -> Result<(&str, &str)> {
    let split = str::from_utf8(key).ok().and_then(|k| k.split_once('\t'));
    split.ok_or_else(|| Error::State("sorting gave back what it was not given".into()))
}

/// Takes all records of one resource; the one that counts.
fn best_of_group(
    merge: &mut annuaire_batch::sort::Merge,
    ty: &str,
    id: &str,
    precedence: Precedence,
    done: &mut u64,
) -> Result<Option<Record>> {
    let mut best: Option<Record> = None;
    while let Some((key, value)) = merge.peek() {
        if split_key(key)? != (ty, id) {
            break;
        }
        let record = value.get(8..).and_then(|bytes| Record::read(ty, id, bytes));
        let record = record.ok_or_else(|| Error::State("sorting gave back what it was not given".into()))?;
        *done += 1;
        merge.advance()?;
        if record.said == Said::Kept {
            continue;
        }
        let wins = match (&best, precedence) {
            (None, _) | (_, Precedence::Last) => true,
            (Some(best), Precedence::Newest) => match record.stamp.compare(&best.stamp) {
                Ordering::Greater => true,
                Ordering::Less => false,
                Ordering::Equal => {
                    matches!(record.said, Said::Is { evidence: Evidence::Present | Evidence::Confirmed, .. })
                }
            },
        };
        if wins {
            best = Some(record);
        }
    }
    Ok(best)
}

/// The merge of one type.
struct TypeMerge<'a> {
    ty: &'a str,
    complete: bool,
    doubtful: bool,
    sink: &'a mut dyn Sink,
    counts: RoundCounts,
    live: u64,
}

impl TypeMerge<'_> {
    /// A resource that was not named.
    fn passed(&mut self, id: &str, line: &[u8]) -> Result<Passed> {
        if !self.complete || KnownResource::read(line)?.state == KnownState::Gone {
            return Ok(Passed::Keep);
        }
        if self.doubtful {
            self.counts.held_back += 1;
            return Ok(Passed::Keep);
        }
        self.delete(id)?;
        Ok(Passed::Drop)
    }

    fn delete(&mut self, id: &str) -> Result<()> {
        self.sink.delete(self.ty, id)?;
        self.counts.deleted += 1;
        self.live -= 1;
        Ok(())
    }

    /// Decides about a resource that was named; its line of the index afterwards.
    fn decide(&mut self, id: &str, best: Option<Record>, known: Option<KnownResource>) -> Result<Option<String>> {
        let keep = |known: Option<KnownResource>| known.map(|k| k.line(id));
        let Some(Record { stamp, said, .. }) = best else { return Ok(keep(known)) };
        match (said, known) {
            (Said::Is { evidence, inactive, json }, known) => self.decide_present(id, stamp, evidence, inactive, json, known),
            (Said::Deleted, Some(known)) if known.state != KnownState::Gone => {
                if stamp.compare(&known.stamp) == Ordering::Less {
                    self.counts.older += 1;
                    return Ok(keep(Some(known)));
                }
                self.delete(id)?;
                let stamp = if stamp == ResourceStamp::default() { known.stamp } else { stamp };
                Ok(Some(KnownResource { stamp, digest: 0, state: KnownState::Gone }.line(id)))
            }
            (Said::Deleted, None) if stamp != ResourceStamp::default() => {
                self.counts.unchanged += 1;
                Ok(Some(KnownResource { stamp, digest: 0, state: KnownState::Gone }.line(id)))
            }
            (_, known) => {
                self.counts.unchanged += 1;
                Ok(keep(known))
            }
        }
    }

    fn decide_present(
        &mut self,
        id: &str,
        stamp: ResourceStamp,
        evidence: Evidence,
        inactive: bool,
        json: String,
        known: Option<KnownResource>,
    ) -> Result<Option<String>> {
        let new = KnownResource {
            digest: digest(&json),
            state: if inactive { KnownState::Inactive } else { KnownState::Active },
            stamp: stamp.clone(),
        };
        if let Some(known) = &known {
            let order = stamp.compare(&known.stamp);
            let stale = if known.state == KnownState::Gone {
                // An event of before the deletion, told again. What is shown now is there now, whatever its number.
                let told_before = order == Ordering::Less || (order == Ordering::Equal && stamp == known.stamp);
                evidence == Evidence::Event && known.stamp != ResourceStamp::default() && told_before
            } else {
                if new.digest == known.digest && new.state == known.state && stamp == known.stamp {
                    self.counts.unchanged += 1;
                    return Ok(Some(known.line(id)));
                }
                // A smaller number at a later time: the origin began to count anew, if a complete copy or the resource itself shows it.
                let sure = evidence == Evidence::Confirmed || (self.complete && evidence == Evidence::Present);
                let began_anew = sure && stamp.compare_times(&known.stamp) == Ordering::Greater;
                order == Ordering::Less && !began_anew
            };
            if stale {
                self.counts.older += 1;
                return Ok(Some(known.line(id)));
            }
        }
        let line = new.line(id);
        self.sink.upsert(&MirroredResource { resource_type: self.ty.to_owned(), id: id.to_owned(), stamp, inactive, json })?;
        self.counts.upserted += 1;
        match known.map(|k| k.state) {
            None | Some(KnownState::Gone) => self.live += 1,
            Some(KnownState::Active) if inactive => self.counts.deactivated += 1,
            Some(_) => {}
        }
        Ok(Some(line))
    }
}

/// Refuses a round that takes too much away (REPL-9).
fn check_breaker(
    ty: &str,
    counts: &RoundCounts,
    live_before: u64,
    live_after: u64,
    former: Option<u64>,
    breaker: &Breaker,
) -> Result<()> {
    let (gone, known) = match former.filter(|_| live_before == 0) {
        Some(former) => (former.saturating_sub(live_after), former),
        None => (counts.deleted + counts.deactivated, live_before),
    };
    if gone * 100 > known * u64::from(breaker.percent) && breaker.confirmed.is_none() {
        return Err(Error::MassChange { resource_type: ty.to_owned(), gone, known, percent: breaker.percent });
    }
    Ok(())
}
