//! Persons who have a card, a mailbox or the like, and whom no file of persons names: the operator should import one.

use crate::error::Error;
use crate::limits;
use crate::source_load::SourceLoad;
use annuaire_store::BlockingStage;
use std::collections::{BTreeMap, HashSet};

/// Finds the persons who have a card, a mailbox or the like, and whom no file of persons names. Eight bytes for each person.
pub(super) struct OrphanFinder {
    /// A source of this call is about persons whom others describe.
    wanted: bool,
    about: Vec<(&'static str, Vec<u64>)>,
    persons: HashSet<u64>,
    /// Sources of persons of this call.
    loaded: Vec<&'static str>,
}

impl OrphanFinder {
    pub(super) fn new(loads: &BTreeMap<u8, SourceLoad>) -> Self {
        let wanted = loads.values().any(|l| ABOUT_PERSONS.iter().any(|a| a.0 == l.source));
        let loaded = loads.values().map(|l| l.source).filter(|s| PERSONS.contains(s)).collect();
        Self { wanted, about: Vec::new(), persons: HashSet::new(), loaded }
    }

    /// Takes an entity that a source of this call names.
    pub(super) fn add(&mut self, source: &'static str, entity: &str) {
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

    /// How many orphans each source has, as texts. Cost: the entities of sources of persons that were not delivered are read
    /// from the registry.
    pub(super) fn notes(mut self, stage: &mut BlockingStage) -> Result<Vec<String>, Error> {
        for (_, all) in &mut self.about {
            all.retain(|hash| !self.persons.contains(hash));
        }
        self.about.retain(|a| !a.1.is_empty());
        for source in PERSONS.iter().filter(|s| !self.loaded.contains(s)) {
            let mut after = String::new();
            while !self.about.is_empty() {
                let page = stage.known(source, &after, limits::PAGE)?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.entity);
                let known: HashSet<u64> = page.iter().map(|k| xxhash_rust::xxh3::xxh3_64(k.entity.as_bytes())).collect();
                self.about.iter_mut().for_each(|a| a.1.retain(|hash| !known.contains(hash)));
                self.about.retain(|a| !a.1.is_empty());
            }
        }
        let given = |source| ABOUT_PERSONS.iter().find(|a| a.0 == source).map_or("", |a| a.1);
        let note = |(source, all): &(&'static str, Vec<u64>)| {
            format!(
                "{} persons have {} in {source} and no file of persons names them: it is kept, and published once one does",
                all.len(),
                given(*source)
            )
        };
        Ok(self.about.iter().map(note).collect())
    }
}

/// Sources that describe persons.
const PERSONS: &[&str] = &["psla", "psc", "monotable", "r-personne", "r-etatciv", "r-exercpro"];

/// Sources about persons whom others describe, with what they give.
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
