//! The examples of a report: a few of the objects that really changed.

use crate::error::Error;
use crate::limits;
use crate::report::Examples;
use annuaire_base::Tx;
use annuaire_store::{Change, Registry};
use std::collections::BTreeMap;

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
        self.changed.iter().filter(move |c| c.source == source).map(|c| c.entity.as_str())
    }

    /// The candidates that differ from the objects just after transaction `tx`.
    pub(crate) fn compare(&self, registry: &mut dyn Registry, tx: Tx) -> Result<Examples, Error> {
        let Self { created, changed, ended } = self;
        let all: Vec<String> = created.iter().chain(changed).chain(ended).map(|c| c.entity.clone()).collect();
        let earlier: BTreeMap<(String, String), String> =
            registry.objects_at(tx, &all)?.into_iter().map(|o| ((o.entity, o.source), o.payload)).collect();
        let mut out = Examples::default();
        for change in created.iter().chain(changed).chain(ended) {
            let before = earlier.get(&(change.entity.clone(), change.source.clone()));
            let list = match (before, &change.payload) {
                (None, Some(_)) => &mut out.created,
                (Some(before), Some(now)) if before != now => &mut out.changed,
                (Some(_), None) => &mut out.ended,
                _ => continue,
            };
            if list.len() < limits::EXAMPLES && !list.contains(&change.entity) {
                list.push(change.entity.clone());
            }
        }
        Ok(out)
    }
}
