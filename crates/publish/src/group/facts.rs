//! Facts of some entities, as they were just after any transaction.

use crate::error::Error;
use crate::limits::PAGE;
use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey, FactVersion, VersionContent};
use annuaire_store::BlockingRegistry;
use std::collections::{BTreeMap, HashMap};

/// Versions of the facts of some entities.
#[derive(Default)]
pub(crate) struct FactsOverTime {
    /// By entity; those of one entity by owner, facet, transaction.
    versions: HashMap<String, Vec<FactVersion>>,
}

impl FactsOverTime {
    /// Adds all versions up to `tx` of the entities that are not there yet.
    pub(crate) fn read_history(&mut self, registry: &BlockingRegistry, tx: Tx, entities: Vec<String>) -> Result<(), Error> {
        let mut wanted: Vec<String> = entities.into_iter().filter(|e| !self.versions.contains_key(e)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for page in wanted.chunks(PAGE as usize) {
            for version in registry.history(tx, page)? {
                self.versions.entry(version.key.entity.clone()).or_default().push(version);
            }
        }
        for entity in wanted {
            self.versions.entry(entity).or_default();
        }
        Ok(())
    }

    /// Adds the versions that stand just before `tx` and just after it, of the entities that are not there yet. Cheaper than
    /// their history, when it is long.
    pub(crate) fn read_both_sides(&mut self, registry: &BlockingRegistry, tx: Tx, entities: Vec<String>) -> Result<(), Error> {
        let mut wanted: Vec<String> = entities.into_iter().filter(|e| !self.versions.contains_key(e)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for page in wanted.chunks(PAGE as usize) {
            let before = if tx.previous() == Tx::NONE { Vec::new() } else { registry.facts_at(tx.previous(), page)? };
            let after = registry.facts_at(tx, page)?;
            let mut all: BTreeMap<(FactKey, Tx), VersionContent> = BTreeMap::new();
            for Fact { key, tx: at, payload, publication } in before {
                // Ends with the transaction, unless a later line says that it stands.
                all.insert((key.clone(), tx), VersionContent::Ends);
                all.insert((key, at), VersionContent::Stands { payload, publication });
            }
            for Fact { key, tx: at, payload, publication } in after {
                if at < tx {
                    all.remove(&(key.clone(), tx));
                }
                all.insert((key, at), VersionContent::Stands { payload, publication });
            }
            for ((key, tx), content) in all {
                self.versions.entry(key.entity.clone()).or_default().push(FactVersion { key, tx, content });
            }
        }
        for entity in wanted {
            self.versions.entry(entity).or_default();
        }
        Ok(())
    }

    /// The facts of an entity just after `tx`, by owner and facet.
    pub(crate) fn at(&self, entity: &str, tx: Tx) -> Vec<Fact> {
        let versions = self.versions.get(entity).map_or(&[][..], Vec::as_slice);
        let of_one_fact = |a: &FactVersion, b: &FactVersion| a.key == b.key;
        let standing = |versions: &[FactVersion]| {
            let last = versions.iter().rev().find(|version| version.tx <= tx)?;
            let VersionContent::Stands { payload, publication } = &last.content else { return None };
            let (key, payload) = (last.key.clone(), payload.clone());
            Some(Fact { key, tx: last.tx, payload, publication: *publication })
        };
        versions.chunk_by(of_one_fact).filter_map(standing).collect()
    }

    /// The texts that any version of an entity holds, as its JSON writes them.
    pub(crate) fn words(&self, entity: &str) -> impl Iterator<Item = &str> {
        let versions = self.versions.get(entity).map_or(&[][..], Vec::as_slice);
        // A resource of another directory is JSON within JSON: its quotes are escaped.
        versions.iter().filter_map(payload_of).flat_map(|payload| payload.split('"')).map(|word| word.trim_end_matches('\\'))
    }
}

fn payload_of(version: &FactVersion) -> Option<&str> {
    match &version.content {
        VersionContent::Stands { payload, .. } => Some(payload),
        VersionContent::Ends | VersionContent::Withdrawn => None,
    }
}
