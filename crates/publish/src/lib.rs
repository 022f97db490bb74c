//! Carries the log into publication stores.
//!
//! A store is a view of the log: each transaction is applied once, in order, and a store that
//! was deleted is rebuilt by applying them all again, to the same bytes.

use annuaire_fhir::{Guide, public};
use annuaire_index::{Index, Resource};
use annuaire_mos::{BoiteLettresMss, CarteProfessionnel, Objet, Professionnel, Structure};
use annuaire_store::{Object, Registry};
use std::collections::BTreeMap;

/// Entities read from the registry at a time.
const PAGE: u32 = 500;

/// Why publication stopped. What was published before stays whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry failed.
    #[error(transparent)]
    Store(#[from] annuaire_store::Error),
    /// The publication store failed.
    #[error(transparent)]
    Index(#[from] annuaire_index::Error),
    /// A registry object is not what the domain expects.
    #[error("registry object {entity} of {object_source}: {reason}")]
    Object {
        /// Entity key.
        entity: String,
        /// Source key.
        object_source: String,
        /// The parser's words.
        reason: serde_json::Error,
    },
}

/// Applies every transaction that the store does not have yet; returns the number of new resource versions.
///
/// # Errors
/// Stops at the first failure; calling again resumes.
pub fn follow(registry: &mut dyn Registry, index: &Index, guide: Guide) -> Result<u64, Error> {
    let mut versions = 0;
    for tx in registry.transactions(index.applied_tx())? {
        let changes = Changes { registry, tx: tx.tx, guide, after: Some(String::new()), ready: Vec::new().into_iter() };
        versions += index.apply::<Error>(tx.tx, tx.commit_ms, changes)?;
    }
    Ok(versions)
}

/// The resources that one transaction changes, streamed in entity order.
struct Changes<'a> {
    registry: &'a mut dyn Registry,
    tx: u64,
    guide: Guide,
    after: Option<String>,
    ready: std::vec::IntoIter<Resource>,
}

impl Iterator for Changes<'_> {
    type Item = Result<Resource, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(resource) = self.ready.next() {
                return Some(Ok(resource));
            }
            match self.page() {
                Ok(Some(resources)) => self.ready = resources.into_iter(),
                Ok(None) => return None,
                Err(e) => {
                    self.after = None;
                    return Some(Err(e));
                }
            }
        }
    }
}

impl Changes<'_> {
    fn page(&mut self) -> Result<Option<Vec<Resource>>, Error> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let entities = self.registry.changed_entities(self.tx, &after, PAGE)?;
        let Some(last) = entities.last() else { return Ok(None) };
        self.after = Some(last.clone());
        let now = gather(self.registry.objects_at(self.tx, &entities)?)?;
        let before = gather(self.registry.objects_at(self.tx - 1, &entities)?)?;
        let nothing = Facts::default();
        let mut out = Vec::new();
        for entity in &entities {
            let facts = now.get(entity).unwrap_or(&nothing);
            let current = facts.publish(self.guide);
            if let Some(old) = before.get(entity) {
                let gone = |r: &Resource| !current.iter().any(|c| c.ty == r.ty && c.id == r.id);
                out.extend(old.withdraw(self.guide).into_iter().filter(gone));
            }
            out.extend(current);
        }
        Ok(Some(out))
    }
}

/// What all sources together say of one entity.
#[derive(Default)]
struct Facts {
    person: Option<Professionnel>,
    structure: Option<Structure>,
    cards: Vec<CarteProfessionnel>,
    boxes: Vec<BoiteLettresMss>,
}

fn gather(objects: Vec<Object>) -> Result<BTreeMap<String, Facts>, Error> {
    let mut all: BTreeMap<String, Facts> = BTreeMap::new();
    // Sources come in alphabetical order, so the activity file (`psla`) precedes its complements.
    for Object { entity, source, payload } in objects {
        let object = serde_json::from_str(&payload).map_err(|reason| Error::Object {
            entity: entity.clone(),
            object_source: source.clone(),
            reason,
        })?;
        let facts = all.entry(entity).or_default();
        match object {
            Objet::Cartes { cartes } => facts.cards = cartes,
            Objet::BoitesLettres { boites } => facts.boxes = boites,
            Objet::Structure(s) => facts.structure = Some(s),
            Objet::Professionnel(p) if source == "psla" => facts.person = Some(p),
            Objet::Professionnel(p) => {
                // A complement says nothing of a person that the activity file does not publish.
                let Some(person) = &mut facts.person else { continue };
                person.diplomes.extend(p.diplomes);
                person.autorisations.extend(p.autorisations);
                for e in p.exercices {
                    let same = |m: &&mut annuaire_mos::ExerciceProfessionnel| {
                        m.profession == e.profession && m.categorie_professionnelle == e.categorie_professionnelle
                    };
                    if let Some(mine) = person.exercices.iter_mut().find(same) {
                        mine.savoir_faire.extend(e.savoir_faire);
                        mine.savoir_faire.sort();
                        mine.savoir_faire.dedup();
                    }
                }
            }
        }
    }
    Ok(all)
}

impl Facts {
    fn publish(&self, guide: Guide) -> Vec<Resource> {
        let mut out: Vec<Resource> = self.structure.iter().map(|s| public::structure(guide, s, &self.boxes)).collect();
        if let Some(person) = &self.person {
            out.extend(public::person(guide, person, &self.cards, &self.boxes));
        }
        out
    }

    /// The reduced forms of everything that [`Facts::publish`] published.
    fn withdraw(&self, guide: Guide) -> Vec<Resource> {
        let mut out: Vec<Resource> = self.structure.iter().map(|s| public::inactive_structure(guide, s)).collect();
        if let Some(p) = &self.person {
            for e in &p.exercices {
                out.push(public::inactive_practitioner(guide, p, e));
                out.extend(e.situations.iter().map(|s| public::inactive_role(guide, p, e, s)));
            }
        }
        out
    }
}
