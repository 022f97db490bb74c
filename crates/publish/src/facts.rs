//! What all sources together say of one entity, and what is published of it.

use annuaire_fhir::foreign::{self, Stamps};
use annuaire_fhir::{Perimeter, View, forms, perimeter};
use annuaire_mos::{ActiviteAutorisee, BoiteLettresMss, CarteProfessionnel, Objet, Professionnel, Structure, source};
use annuaire_store::Object;
use annuaire_terms::Resource;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An object out of which nothing can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bad {
    /// Entity of the object.
    pub(crate) entity: String,
    /// Its source.
    pub(crate) source: String,
    /// Why, in words.
    pub(crate) reason: String,
}

/// A structure that a published resource points to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Target {
    /// Technical identifier.
    pub(crate) structure: String,
    /// It is named as the legal entity of another one.
    pub(crate) legal: bool,
}

/// What all sources together say of one entity.
#[derive(Default)]
pub(crate) struct Facts {
    person: Option<Professionnel>,
    structure: Option<Structure>,
    activities: Vec<ActiviteAutorisee>,
    cards: Vec<CarteProfessionnel>,
    boxes: Vec<BoiteLettresMss>,
    /// Source and text of a resource of another directory.
    foreign: Option<(String, String)>,
    entity: String,
    bad: Option<Bad>,
}

/// Reads an object. Its tag comes first: known at once, the rest is read straight into its type, at half the cost of looking
/// for the tag among all members.
fn parse(payload: &str) -> serde_json::Result<Objet> {
    match payload.strip_prefix("{\"objet\":\"").and_then(|rest| rest.split('"').next()) {
        Some("professionnel") => serde_json::from_str(payload).map(Objet::Professionnel),
        Some("structure") => serde_json::from_str(payload).map(Objet::Structure),
        Some("activite") => serde_json::from_str(payload).map(Objet::Activite),
        _ => serde_json::from_str(payload),
    }
}

/// Merges the objects of whole entities, those of a perimeter.
pub(crate) fn collect(mut objects: Vec<Object>, perimeter: Perimeter) -> BTreeMap<String, Facts> {
    let public = perimeter == Perimeter::Public;
    // A source that is not open data says nothing in public, whatever its objects hold.
    objects.retain(|o| !public || source::get(&o.source).open);
    objects.sort_by_key(|o| source::get(&o.source).rank);
    let mut all: BTreeMap<String, Facts> = BTreeMap::new();
    for Object { entity, source, payload } in objects {
        let facts = all.entry(entity).or_insert_with_key(|entity| Facts { entity: entity.clone(), ..Facts::default() });
        match parse(&payload) {
            Ok(object) => facts.add(object, source, public),
            Err(e) if facts.bad.is_none() => {
                facts.bad = Some(Bad { entity: facts.entity.clone(), source, reason: format!("it cannot be read: {e}") });
            }
            Err(_) => {}
        }
    }
    for facts in all.values_mut() {
        // Complements say nothing of a practice that no file names.
        if let Some(person) = &mut facts.person {
            person.exercices.retain(|e| !e.nom_exercice.is_empty());
        }
    }
    all
}

impl Facts {
    fn add(&mut self, object: Objet, source: String, public: bool) {
        match object {
            Objet::Cartes { cartes } => {
                for card in cartes {
                    let card = if public { perimeter::public_card(card) } else { card };
                    if !self.cards.iter().any(|c| c.numero_carte == card.numero_carte) {
                        self.cards.push(card);
                    }
                }
            }
            Objet::BoitesLettres { boites } if public => self.boxes.extend(boites.into_iter().map(perimeter::public_mailbox)),
            Objet::BoitesLettres { boites } => self.boxes.extend(boites),
            Objet::Activite(a) => self.activities.push(a),
            Objet::Structure(s) => {
                let s = if public { perimeter::public_structure(s) } else { s };
                match &mut self.structure {
                    Some(mine) => mine.merge(s),
                    None => self.structure = Some(s),
                }
            }
            Objet::Professionnel(p) => {
                let p = if public { perimeter::public_person(p) } else { p };
                match &mut self.person {
                    Some(mine) => mine.merge(p),
                    None => self.person = Some(p),
                }
            }
            // The restricted feed knows more of a resource than the open one, and comes after it.
            Objet::Ressource { json } => self.foreign = Some((source, json)),
            // Groups have no published profile; the health insurance's lines name nobody.
            Objet::Groupement(_) | Objet::Ameli(_) => {}
        }
    }

    /// The entity that holds the mailboxes of a structure that FINESS does not number.
    pub(crate) fn holder(&self) -> Option<String> {
        let s = self.structure.as_ref()?;
        (s.num_finess.is_empty() && !s.id_nat_struct.is_empty()).then(|| format!("NS:{}", s.id_nat_struct))
    }

    /// Adds the mailboxes that a holder holds.
    pub(crate) fn hold(&mut self, holder: &Facts) {
        self.boxes.extend(holder.boxes.iter().cloned());
        if self.bad.is_none() {
            self.bad.clone_from(&holder.bad);
        }
    }

    /// What makes resources, and what can be said when it fails.
    fn make(&self, make: impl FnOnce(&mut Vec<Resource>) -> Result<(), Bad>) -> Result<Vec<Resource>, Bad> {
        if let Some(bad) = &self.bad {
            return Err(bad.clone());
        }
        let mut out = Vec::new();
        // The forms only read: nothing is left half changed.
        match catch_unwind(AssertUnwindSafe(|| make(&mut out))) {
            Ok(made) => made.map(|()| out),
            Err(_) => Err(Bad {
                entity: self.entity.clone(),
                source: String::new(),
                reason: "a fault of the program ended its making".to_owned(),
            }),
        }
    }

    fn bad_feed(&self, source: &str, reason: String) -> Bad {
        Bad { entity: self.entity.clone(), source: source.to_owned(), reason }
    }

    /// What is published of the entity. `stamps` is for resources of other directories.
    pub(crate) fn publish(&self, view: View, stamps: Stamps) -> Result<Vec<Resource>, Bad> {
        self.make(|out| {
            out.extend(self.structure.iter().map(|s| forms::structure(view, s, &self.boxes)));
            if let Some(person) = &self.person {
                out.extend(forms::person(view, person, &self.cards, &self.boxes));
            }
            out.extend(self.activities.iter().flat_map(|a| forms::activity(view, a)));
            if let Some((source, json)) = &self.foreign {
                out.extend(foreign::foreign(view, json, stamps).map_err(|reason| self.bad_feed(source, reason))?);
            }
            Ok(())
        })
    }

    /// The reduced forms of everything that [`Facts::publish`] published.
    pub(crate) fn withdraw(&self, view: View) -> Result<Vec<Resource>, Bad> {
        self.make(|out| {
            out.extend(self.structure.iter().map(|s| forms::inactive_structure(view, s)));
            if let Some(p) = &self.person {
                for e in &p.exercices {
                    out.push(forms::inactive_practitioner(view, p, e));
                    out.extend(e.situations.iter().map(|s| forms::inactive_role(view, p, e, s)));
                }
                if view.perimeter == Perimeter::Restricted && p.etat_civil.is_some() {
                    out.push(forms::inactive_person(view, p));
                }
            }
            out.extend(self.activities.iter().flat_map(|a| forms::inactive_activity(view, a)));
            if let Some((source, json)) = &self.foreign {
                out.extend(foreign::inactive_foreign(view, json).map_err(|reason| self.bad_feed(source, reason))?);
            }
            Ok(())
        })
    }

    /// The structures that what is published of the entity points to.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        let places = self.person.iter().flat_map(|p| &p.exercices).flat_map(|e| &e.situations).map(|s| s.structure.clone());
        let owners = self.activities.iter().flat_map(forms::owners);
        let legal = self.structure.iter().filter_map(forms::legal_entity);
        let target = |legal| move |structure| Target { structure, legal };
        let all = places.chain(owners).map(target(false)).chain(legal.map(target(true)));
        all.filter(|t| !t.structure.is_empty())
    }
}
