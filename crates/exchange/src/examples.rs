//! The examples of a report: a few of the objects that really changed.

use crate::error::Error;
use crate::limits;
use crate::report::Examples;
use annuaire_base::Tx;
use annuaire_base::fact::{FactKey, VersionContent};
use annuaire_store::{BlockingRegistry, Change};
use std::collections::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_128;

/// Changes put aside to find [`limits::EXAMPLES`] real ones among them: many changes give the object that the registry has, or are
/// withheld.
const CANDIDATES_MAX: usize = 1_000;

/// Some of the changes that were put, among which the examples of a report are.
#[derive(Default)]
pub(crate) struct ExampleCandidates {
    created: Vec<FactKey>,
    /// With a hash of the content: whether they change anything is only known once they are compared with the objects before.
    changed: Vec<(FactKey, u128)>,
    ended: Vec<FactKey>,
}

impl ExampleCandidates {
    /// Notes a change of an object that the registry does not know, while there is room.
    pub(crate) fn add_new(&mut self, change: &Change) {
        let list = if change.payload.is_some() { &mut self.created } else { &mut self.ended };
        if list.len() < CANDIDATES_MAX {
            list.push(change.key.clone());
        }
    }

    /// Notes a change of an object that the registry may know, while there is room.
    pub(crate) fn add_known(&mut self, change: &Change) {
        match &change.payload {
            Some(payload) if self.changed.len() < CANDIDATES_MAX => {
                self.changed.push((change.key.clone(), xxh3_128(payload.as_bytes())));
            }
            None if self.ended.len() < CANDIDATES_MAX => self.ended.push(change.key.clone()),
            _ => {}
        }
    }

    /// Entities of a source that were put and known, before it is known whether they changed.
    pub(crate) fn changed_of(&self, source: &str) -> impl Iterator<Item = &str> {
        self.changed.iter().map(|c| &c.0).filter(move |key| key.owner == source).map(|key| key.entity.as_str())
    }

    /// The candidates that differ from the objects just after transaction `tx`. Where puts were withheld, the candidates whose
    /// entity was withdrawn are left out.
    pub(crate) fn compare(&self, registry: &BlockingRegistry, tx: Tx, some_withheld: bool) -> Result<Examples, Error> {
        let Self { created, changed, ended } = self;
        let known = entities(changed.iter().map(|c| &c.0).chain(ended));
        let earlier: HashMap<FactKey, u128> =
            registry.facts_at(tx, &known)?.into_iter().map(|f| (f.key, xxh3_128(f.payload.as_bytes()))).collect();
        let mut withdrawn = HashSet::new();
        if some_withheld {
            let all = entities(created.iter().chain(changed.iter().map(|c| &c.0)));
            let versions = registry.history(tx, &all)?.into_iter();
            withdrawn.extend(versions.filter(|v| v.content == VersionContent::Withdrawn).map(|v| v.key.entity));
        }
        let mut out = Examples::default();
        let is_new = |key: &&FactKey| !earlier.contains_key(*key) && !withdrawn.contains(&key.entity);
        add(&mut out.created, created.iter().chain(changed.iter().map(|c| &c.0)).filter(is_new));
        let differs = |(key, hash): &&(FactKey, u128)| earlier.get(key).is_some_and(|before| before != hash);
        add(&mut out.changed, changed.iter().filter(differs).map(|c| &c.0));
        add(&mut out.ended, ended.iter().filter(|key| earlier.contains_key(*key)));
        Ok(out)
    }
}

/// The entities of facts, each once, in order.
fn entities<'a>(keys: impl Iterator<Item = &'a FactKey>) -> Vec<String> {
    let mut all: Vec<String> = keys.map(|key| key.entity.clone()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Adds entities to a list of examples while there is room.
fn add<'a>(list: &mut Vec<String>, keys: impl Iterator<Item = &'a FactKey>) {
    for key in keys {
        if list.len() >= limits::EXAMPLES {
            return;
        }
        if !list.contains(&key.entity) {
            list.push(key.entity.clone());
        }
    }
}
