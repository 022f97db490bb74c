//! The examples of a report: a few of the objects that really changed.

use crate::error::Error;
use crate::limits;
use crate::report::Examples;
use annuaire_base::Tx;
use annuaire_base::fact::{FactKey, VersionContent};
use annuaire_store::{BlockingRegistry, Change};
use std::collections::{BTreeMap, HashSet};

/// Changes put aside to find [`limits::EXAMPLES`] real ones among them: many changes give the object that the registry has.
const CANDIDATES_MAX: usize = 1_000;

/// Some of the changes that were put, among which the examples of a report are.
#[derive(Default)]
pub(crate) struct ExampleCandidates {
    created: Vec<Change>,
    /// Whether they change anything is only known once they are compared with the objects before.
    changed: Vec<Change>,
    ended: Vec<Change>,
}

impl ExampleCandidates {
    /// Notes a change of an object that the registry does not know, while there is room.
    pub(crate) fn add_new(&mut self, change: &Change) {
        let (list, most) =
            if change.payload.is_some() { (&mut self.created, limits::EXAMPLES) } else { (&mut self.ended, CANDIDATES_MAX) };
        if list.len() < most {
            list.push(change.clone());
        }
    }

    /// Notes a change of an object that the registry may know, while there is room.
    pub(crate) fn add_known(&mut self, change: &Change) {
        let list = if change.payload.is_some() { &mut self.changed } else { &mut self.ended };
        if list.len() < CANDIDATES_MAX {
            list.push(change.clone());
        }
    }

    /// Entities of a source that were put and known, before it is known whether they changed.
    pub(crate) fn changed_of(&self, source: &str) -> impl Iterator<Item = &str> {
        self.changed.iter().filter(move |c| c.key.owner == source).map(|c| c.key.entity.as_str())
    }

    /// The candidates that differ from the objects just after transaction `tx`. Where puts were withheld, the candidates whose
    /// entity was withdrawn are left out.
    pub(crate) fn compare(&self, registry: &BlockingRegistry, tx: Tx, some_withheld: bool) -> Result<Examples, Error> {
        let Self { created, changed, ended } = self;
        let mut all: Vec<String> = created.iter().chain(changed).chain(ended).map(|c| c.key.entity.clone()).collect();
        all.sort_unstable();
        all.dedup();
        let earlier: BTreeMap<FactKey, String> = registry.facts_at(tx, &all)?.into_iter().map(|f| (f.key, f.payload)).collect();
        let mut withdrawn = HashSet::new();
        if some_withheld {
            let versions = registry.history(tx, &all)?.into_iter();
            withdrawn.extend(versions.filter(|v| v.content == VersionContent::Withdrawn).map(|v| v.key.entity));
        }
        let mut out = Examples::default();
        for change in created.iter().chain(changed).chain(ended) {
            let (entity, before) = (&change.key.entity, earlier.get(&change.key));
            if withdrawn.contains(entity) {
                continue;
            }
            let list = match (before, &change.payload) {
                (None, Some(_)) => &mut out.created,
                (Some(before), Some(now)) if before != now => &mut out.changed,
                (Some(_), None) => &mut out.ended,
                _ => continue,
            };
            if list.len() < limits::EXAMPLES && !list.contains(entity) {
                list.push(entity.clone());
            }
        }
        Ok(out)
    }
}
