//! Merging the objects of an entity.

use super::payload::parse;
use crate::entity_key;
use annuaire_fhir::{Perimeter, perimeter};
use annuaire_mos::{ActiviteAutorisee, BoiteLettresMss, CarteProfessionnel, Objet, Professionnel, Structure, source};
use annuaire_store::Object;
use std::collections::BTreeMap;

/// The reason why nothing can be made out of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityFault {
    /// Entity of the object at fault.
    pub(crate) entity: String,
    /// Source of the object at fault; empty when no object is.
    pub(crate) source: String,
    /// In words.
    pub(crate) reason: String,
}

/// A resource of another directory.
pub(crate) struct ForeignResource {
    /// Source that gave it.
    pub(crate) source: String,
    /// The resource, as received.
    pub(crate) json: String,
}

/// One entity, as all sources together know it.
#[derive(Default)]
pub(crate) struct ConsolidatedEntity {
    pub(crate) entity: String,
    pub(crate) professional: Option<Professionnel>,
    pub(crate) structure: Option<Structure>,
    pub(crate) activities: Vec<ActiviteAutorisee>,
    pub(crate) cards: Vec<CarteProfessionnel>,
    pub(crate) mailboxes: Vec<BoiteLettresMss>,
    pub(crate) foreign: Option<ForeignResource>,
    /// The first object that cannot be read.
    pub(crate) fault: Option<EntityFault>,
}

/// Merges objects into their entities, by entity key. The objects of an entity must be complete.
pub(crate) fn consolidate(mut objects: Vec<Object>, perimeter: Perimeter) -> BTreeMap<String, ConsolidatedEntity> {
    objects.retain(|o| perimeter == Perimeter::Restricted || source::get(&o.source).open);
    objects.sort_by_key(|o| source::get(&o.source).rank);
    let mut all: BTreeMap<String, ConsolidatedEntity> = BTreeMap::new();
    for Object { entity, source, payload } in objects {
        let consolidated =
            all.entry(entity).or_insert_with_key(|key| ConsolidatedEntity { entity: key.clone(), ..Default::default() });
        match parse(&payload) {
            Ok(object) => consolidated.add(object, source, perimeter),
            Err(cause) => consolidated.fail(source, &cause),
        }
    }
    for consolidated in all.values_mut() {
        if let Some(professional) = &mut consolidated.professional {
            professional.exercices.retain(|e| !e.nom_exercice.is_empty());
        }
    }
    all
}

impl ConsolidatedEntity {
    /// Adds an object. Objects come in the order of the ranks of their sources.
    fn add(&mut self, object: Objet, source: String, perimeter: Perimeter) {
        let public = perimeter == Perimeter::Public;
        match object {
            Objet::Cartes { cartes } => {
                for card in cartes {
                    let card = if public { perimeter::public_card(card) } else { card };
                    if !self.cards.iter().any(|c| c.numero_carte == card.numero_carte) {
                        self.cards.push(card);
                    }
                }
            }
            Objet::BoitesLettres { boites } if public => {
                self.mailboxes.extend(boites.into_iter().map(perimeter::public_mailbox));
            }
            Objet::BoitesLettres { boites } => self.mailboxes.extend(boites),
            // Activities of FINESS are open data as a whole.
            Objet::Activite(a) => self.activities.push(a),
            Objet::Structure(s) => {
                let s = if public { perimeter::public_structure(s) } else { s };
                match &mut self.structure {
                    Some(merged) => merged.merge(s),
                    None => self.structure = Some(s),
                }
            }
            Objet::Professionnel(p) => {
                let p = if public { perimeter::public_professional(p) } else { p };
                match &mut self.professional {
                    Some(merged) => merged.merge(p),
                    None => self.professional = Some(p),
                }
            }
            // The restricted feed knows more of a resource than the open one, and comes after it.
            Objet::Ressource { json } => self.foreign = Some(ForeignResource { source, json }),
            // Groups have no published profile; the health insurance's lines name nobody.
            Objet::Groupement(_) | Objet::Ameli(_) => {}
        }
    }

    /// Notes that an object cannot be read, unless there was one before.
    fn fail(&mut self, source: String, cause: &serde_json::Error) {
        if self.fault.is_none() {
            let reason = format!("it cannot be read: {cause}");
            self.fault = Some(EntityFault { entity: self.entity.clone(), source, reason });
        }
    }

    /// The entity that holds the mailboxes of a structure that FINESS does not number.
    pub(crate) fn mailbox_holder(&self) -> Option<String> {
        let s = self.structure.as_ref()?;
        (s.num_finess.is_empty() && !s.id_nat_struct.is_empty()).then(|| entity_key::mailbox_holder(&s.id_nat_struct))
    }

    /// Adds the mailboxes of the holder, or its fault: the structure is published with them or not at all.
    pub(crate) fn add_mailboxes_of(&mut self, holder: &ConsolidatedEntity) {
        self.mailboxes.extend(holder.mailboxes.iter().cloned());
        if self.fault.is_none() {
            self.fault.clone_from(&holder.fault);
        }
    }
}
