//! One source while its delivery is compared with the registry: what is named, what ends, and the guards on both
//! (source-files §13, guards 2 and 3).

use super::known_objects::KnownObjects;
use crate::last_deliveries::LastDelivery;
use crate::limits;
use crate::source_load::SourceLoad;
use crate::volume::{allowed_loss, kind_name, lost_lines};

/// The source that is being compared.
pub(super) struct SourceComparison {
    pub(super) key: u8,
    pub(super) load: SourceLoad,
    /// Its objects in the registry, of which those that come next in the order are left.
    pub(super) known: KnownObjects,
    pub(super) previous: LastDelivery,
    /// Objects that the source has after this delivery.
    pub(super) objects: u64,
    volumes: Vec<VolumeCount>,
    /// Entities that end unless the unreadable lines, once all are known, may name them.
    pub(super) undecided: Vec<String>,
    /// Prefix of the entity that a line is about, when it is a person or a structure.
    main: [u8; 3],
    /// The last entity with this prefix that the delivery names.
    last_named: String,
    /// Entities with this prefix that end, and those of them that come after the last one named.
    ended_main: u64,
    ended_after: u64,
    /// Entities at the end of the file of the delivery before that end.
    ended_tail: usize,
}

/// What a source has of one kind of entity, and what becomes of it.
pub(super) struct VolumeCount {
    prefix: [u8; 3],
    pub(super) before: u64,
    pub(super) ended: u64,
    pub(super) created: u64,
    /// The first entities that end.
    examples: Vec<String>,
}

/// A kind of entities of a source that seems to grow too much.
pub(super) struct Growth {
    pub(super) source: &'static str,
    pub(super) file: String,
    before: u64,
    created: u64,
    pub(super) reason: String,
}

impl Growth {
    /// Whether it grows too much when this many of what is new is withheld.
    pub(super) fn is_too_much(&self, withheld: u64) -> bool {
        self.created.saturating_sub(withheld) * 100 > self.before * limits::VOLUME_PERCENT
    }
}

fn prefix(entity: &str) -> [u8; 3] {
    entity.as_bytes().first_chunk().copied().unwrap_or_default()
}

impl SourceComparison {
    pub(super) fn begin(key: u8, load: SourceLoad) -> Self {
        let main = load.last_entities.last().map(|e| prefix(e)).filter(|p| matches!(p, b"PP:" | b"ST:")).unwrap_or_default();
        Self {
            key,
            known: KnownObjects::new(load.source),
            previous: LastDelivery::read(load.note.as_deref()),
            load,
            objects: 0,
            volumes: Vec::new(),
            undecided: Vec::new(),
            main,
            last_named: String::new(),
            ended_main: 0,
            ended_after: 0,
            ended_tail: 0,
        }
    }

    /// The count of the kind of an entity.
    pub(super) fn volume(&mut self, entity: &str) -> &mut VolumeCount {
        let prefix = prefix(entity);
        let at = self.volumes.iter().position(|v| v.prefix == prefix).unwrap_or_else(|| {
            self.volumes.push(VolumeCount { prefix, before: 0, ended: 0, created: 0, examples: Vec::new() });
            self.volumes.len() - 1
        });
        &mut self.volumes[at]
    }

    /// Objects that the source had before.
    pub(super) fn objects_before(&self) -> u64 {
        self.volumes.iter().map(|v| v.before).sum()
    }

    /// Counts a known entity that the delivery does not name; whether it ends, which it does unless an unreadable line may name
    /// it.
    pub(super) fn count_missing(&mut self, entity: &str) -> bool {
        if self.load.unreadable.as_mut().is_some_and(|u| u.shelters(entity)) {
            self.volume(entity).before += 1;
            self.objects += 1;
            return false;
        }
        let volume = self.volume(entity);
        volume.before += 1;
        volume.ended += 1;
        if volume.examples.len() < limits::EXAMPLES {
            volume.examples.push(entity.to_owned());
        }
        if prefix(entity) == self.main {
            self.ended_main += 1;
            self.ended_after += 1;
        }
        self.ended_tail += usize::from(self.previous.tail.iter().any(|t| t == entity));
        true
    }

    /// Counts an entity that the delivery names.
    pub(super) fn count_named(&mut self, entity: &str) {
        self.objects += 1;
        if prefix(entity) == self.main {
            self.last_named.clear();
            self.last_named.push_str(entity);
            self.ended_after = 0;
        }
    }

    /// Why the delivery of this source is refused, when it is (source-files §13, guards 2 and 3).
    pub(super) fn refusal(&self) -> Option<String> {
        if !self.last_named.is_empty() && self.ended_after > limits::TAIL_FEW && self.ended_after * 2 > self.ended_main {
            return Some(format!(
                "the file stops at {}, and the {} {} known after it are missing: is it cut?",
                self.last_named,
                self.ended_after,
                kind_name(&self.last_named)
            ));
        }
        let tail = &self.previous.tail;
        if tail.len() > 1 && self.ended_tail == tail.len() {
            return Some(format!(
                "the end of the file of the delivery before ({}) is missing: is this one cut?",
                tail.join(", ")
            ));
        }
        // Documents have no lines to count.
        let counted = !self.previous.groups.is_empty() && !self.load.line_counts.is_empty();
        if let Some(group) = counted.then(|| lost_lines(&self.previous.groups, &self.load.line_counts)).flatten() {
            let ended: Vec<&str> =
                self.volumes.iter().flat_map(|v| &v.examples).map(String::as_str).take(limits::EXAMPLES).collect();
            let examples = if ended.is_empty() { String::new() } else { format!(" (would end: {})", ended.join(", ")) };
            return Some(format!("{group}{examples}"));
        }
        for v in &self.volumes {
            if v.ended > allowed_loss(v.before, limits::VOLUME_PERCENT, limits::VOLUME_FEW) {
                return Some(self.moved(v));
            }
        }
        None
    }

    /// Kinds that would grow too much (guard 2). Whether they do is known once the stage has counted what is withheld, since a
    /// withdrawn entity seems to be new in each delivery.
    pub(super) fn growths(&self) -> Vec<Growth> {
        let many = |v: &&VolumeCount| v.before >= limits::VOLUME_FLOOR && v.created * 100 > v.before * limits::VOLUME_PERCENT;
        let growth = |v: &VolumeCount| Growth {
            source: self.load.source,
            file: self.load.file.clone(),
            before: v.before,
            created: v.created,
            reason: self.moved(v),
        };
        self.volumes.iter().filter(many).map(growth).collect()
    }

    /// How much of one kind ends and appears, as a text.
    fn moved(&self, v: &VolumeCount) -> String {
        let what = kind_name(str::from_utf8(&v.prefix).unwrap_or_default());
        let now = v.before + v.created - v.ended;
        let ended = if v.examples.is_empty() { String::new() } else { format!(" (would end: {})", v.examples.join(", ")) };
        format!(
            "{} {what} of {} known, {now} in this delivery: {} would end and {} appear, more than {} %{ended}",
            v.before,
            self.load.source,
            v.ended,
            v.created,
            limits::VOLUME_PERCENT
        )
    }

    /// What the operator should look at.
    pub(super) fn warnings(&self) -> Vec<String> {
        let many = |v: &&VolumeCount| v.ended > 1 && v.ended * 1_000 >= v.before * limits::WARNING_PER_MILLE;
        let message = |v: &VolumeCount| {
            let what = kind_name(str::from_utf8(&v.prefix).unwrap_or_default());
            let (source, ended) = (self.load.source, v.examples.join(", "));
            format!("{}: {} of {} {what} of {source} end ({ended})", self.load.file, v.ended, v.before)
        };
        self.volumes.iter().filter(many).map(message).collect()
    }
}
