//! What files alone say, merged as before there were other owners: a model, written as simply as can be.

use annuaire_base::fact::Fact;
use annuaire_consolidate::{Perimeter, public};
use annuaire_mos::owner::file_source;
use annuaire_mos::{ActiviteAutorisee, BoiteLettresMss, CarteProfessionnel, Objet, Professionnel, Structure};

/// An entity of the model.
#[derive(Debug, Default, PartialEq)]
pub struct NaiveEntity {
    pub professional: Option<Professionnel>,
    pub structure: Option<Structure>,
    pub activities: Vec<ActiviteAutorisee>,
    pub cards: Vec<CarteProfessionnel>,
    pub mailboxes: Vec<BoiteLettresMss>,
}

/// Merges the facts of files about one entity: by rank, then code; the first one decides, others fill.
pub fn merge(mut facts: Vec<Fact>, perimeter: Perimeter) -> NaiveEntity {
    let file = |fact: &Fact| file_source(&fact.key.owner).unwrap();
    facts.retain(|fact| perimeter == Perimeter::Restricted || file(fact).open);
    facts.sort_by_key(|fact| (file(fact).rank, file(fact).code));
    let mut merged = NaiveEntity::default();
    let is_public = perimeter == Perimeter::Public;
    for fact in facts {
        match serde_json::from_str(&fact.payload).unwrap() {
            Objet::Cartes { cartes } => {
                for card in cartes {
                    let card = if is_public { public::public_card(card) } else { card };
                    if !merged.cards.iter().any(|c| c.numero_carte == card.numero_carte) {
                        merged.cards.push(card);
                    }
                }
            }
            Objet::BoitesLettres { boites } => merged.mailboxes.extend(boites),
            Objet::Activite(a) => merged.activities.push(a),
            Objet::Structure(s) => {
                let s = if is_public { public::public_structure(s) } else { s };
                match &mut merged.structure {
                    Some(known) => known.merge(s),
                    None => merged.structure = Some(s),
                }
            }
            Objet::Professionnel(p) => {
                let p = if is_public { public::public_professional(p) } else { p };
                match &mut merged.professional {
                    Some(known) => known.merge(p),
                    None => merged.professional = Some(p),
                }
            }
            other => panic!("{other:?}"),
        }
    }
    if let Some(professional) = &mut merged.professional {
        professional.exercices.retain(|e| !e.nom_exercice.is_empty());
    }
    merged
}
