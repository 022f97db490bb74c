//! Facts to entities: in the order of strength, each reduced to what the perimeter shows, the strongest first.

use crate::entity::{ConsolidatedEntity, EntityFault, ForeignResource};
use crate::owners::{FactOwners, Owners};
use crate::payload::parse;
use crate::perimeter::Perimeter;
use crate::practice::is_one_practice;
use crate::provenance::{Item, Provenance};
use crate::public::public_object;
use crate::statement::{Speaker, StatedSituation, Statement};
use crate::{entity_key, union};
use annuaire_base::fact::Fact;
use annuaire_mos::owner::{Facet, Owner, OwnerKind, Standing, Strength, UnknownFacet};
use annuaire_mos::{ExerciceProfessionnel, Objet, Professionnel, SituationExercice};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Merges facts into their entities, by entity key. Facts may come in any order, those of an entity must be complete. Cost: a parse
/// of each payload, and little more; facts in entity order are the fastest.
///
/// What cannot be used (an owner whom nobody describes and whose code tells nobody, an unknown facet, a payload that cannot be read or speaks of another facet)
/// makes its entity [faulty](ConsolidatedEntity::fault).
#[must_use]
pub fn consolidate(mut facts: Vec<Fact>, owners: &Owners, perimeter: Perimeter) -> BTreeMap<String, ConsolidatedEntity> {
    facts.retain(|fact| perimeter.counts(fact.publication));
    facts.sort_by(|a, b| a.key.entity.cmp(&b.key.entity));
    let known = owners.of(&facts);
    let mut facts = facts.into_iter().peekable();
    let mut all: BTreeMap<String, ConsolidatedEntity> = BTreeMap::new();
    let mut of_entity = Vec::new();
    while let Some(mut first) = facts.next() {
        let entity = std::mem::take(&mut first.key.entity);
        of_entity.push(RankedFact::of(first, &known));
        while let Some(next) = facts.next_if(|fact| fact.key.entity == entity) {
            of_entity.push(RankedFact::of(next, &known));
        }
        sort(&mut of_entity);
        // Merged in its place: an entity is large, and moving it costs more than finding the place.
        let merged = all.entry(entity.clone()).or_default();
        merged.entity = entity;
        merged.provenance = Provenance::of_facts(of_entity.len());
        let mut merging = Merging::into(merged, perimeter, &of_entity);
        of_entity.drain(..).for_each(|fact| merging.add_fact(fact));
        merging.finish();
    }
    all
}

/// A fact with what decides its place.
struct RankedFact<'o> {
    fact: Fact,
    owner: Option<&'o Owner>,
    facet: Result<Facet, UnknownFacet>,
    strength: Option<Strength>,
}

impl<'o> RankedFact<'o> {
    fn of(fact: Fact, owners: &'o FactOwners<'_>) -> Self {
        let owner = owners.get(&fact.key.owner);
        let facet = fact.key.facet.parse();
        let strength = owner.zip(facet.as_ref().ok()).map(|(owner, facet)| owner.strength(facet));
        Self { fact, owner, facet, strength }
    }

    /// Whether it is all that a file of a national register says of the entity.
    fn is_register_file(&self) -> bool {
        self.owner.is_some_and(is_register_file) && matches!(self.facet, Ok(Facet::Whole))
    }
}

fn is_register_file(owner: &Owner) -> bool {
    matches!(owner.kind, OwnerKind::File { producer: Standing::Register, .. })
}

/// Brings the facts of an entity into the order in which they are merged. A fact that is given twice counts once, in its last
/// version.
fn sort(facts: &mut Vec<RankedFact<'_>>) {
    if facts.len() > 1 {
        fn key<'a>(f: &'a RankedFact<'_>) -> (&'a str, &'a str) {
            (&f.fact.key.owner, &f.fact.key.facet)
        }
        fn place<'a>(f: &'a RankedFact<'_>) -> (Option<Strength>, (&'a str, &'a str), Reverse<u64>) {
            (f.strength, key(f), Reverse(f.fact.tx.get()))
        }
        facts.sort_by(|a, b| place(a).cmp(&place(b)));
        facts.dedup_by(|again, fact| key(again) == key(fact));
    }
}

/// An entity while its facts are added.
struct Merging<'m, 'o> {
    merged: &'m mut ConsolidatedEntity,
    perimeter: Perimeter,
    /// Others than files of national registers speak of it.
    has_other_speakers: bool,
    /// Situations that files of national registers state, before they are reduced. Empty unless others speak too.
    filed_situations: Vec<StatedSituation>,
    /// The first file of a national register that describes the professional.
    first_file: Option<&'o Owner>,
    /// What others say of the professional.
    statements: Vec<Statement<'o>>,
}

impl<'m, 'o> Merging<'m, 'o> {
    fn into(merged: &'m mut ConsolidatedEntity, perimeter: Perimeter, facts: &[RankedFact<'o>]) -> Self {
        Self {
            merged,
            perimeter,
            has_other_speakers: !facts.iter().all(RankedFact::is_register_file),
            filed_situations: Vec::new(),
            first_file: None,
            statements: Vec::new(),
        }
    }

    fn add_fact(&mut self, ranked: RankedFact<'o>) {
        let RankedFact { fact, owner, facet, .. } = ranked;
        let Fact { key, tx, payload, .. } = fact;
        let number = self.merged.provenance.add_fact(key, tx);
        let (owner, facet) = match (owner, facet) {
            (Some(owner), Ok(facet)) => (owner, facet),
            (None, _) => return self.fail(number, "the registry does not describe its owner: register the owner".to_owned()),
            (_, Err(unknown)) => return self.fail(number, unknown.to_string()),
        };
        // The object is large: it is looked at where it is, and moved once.
        match parse(&payload) {
            Ok(object) => match self.objection(&object, &facet) {
                None => self.add(object, owner, facet, number),
                Some(reason) => self.fail(number, reason),
            },
            Err(cause) => self.fail(number, format!("it cannot be read: {cause}")),
        }
    }

    /// The reason why an object cannot be what a fact about this facet holds.
    fn objection(&self, object: &Objet, facet: &Facet) -> Option<String> {
        if *facet != Facet::Whole && entity_key::number_of_person(&self.merged.entity).is_none() {
            return Some(format!("it is stored as {:?}, a facet of persons", facet.to_string()));
        }
        let about = object.facet();
        if about != *facet {
            return Some(format!("it is stored as facet {:?} and speaks of {:?}", facet.to_string(), about.to_string()));
        }
        let states_situations = matches!(object, Objet::Exercice(e) if !e.exercice.situations.is_empty());
        states_situations.then(|| "it states situations within a practice: they are facts of their own".to_owned())
    }

    /// Notes that a fact cannot be used, unless there was one before.
    fn fail(&mut self, fact: usize, reason: String) {
        let merged = &mut *self.merged;
        if merged.fault.is_none() {
            let owner = merged.provenance.owner_of(fact).to_owned();
            merged.fault = Some(EntityFault { entity: merged.entity.clone(), owner, reason });
        }
    }

    /// Adds an object. Objects come in the order of strength.
    fn add(&mut self, mut object: Objet, owner: &'o Owner, facet: Facet, fact: usize) {
        // Days are restricted, and decide whether two owners state one situation.
        let situations = if self.has_other_speakers { StatedSituation::all_of(&object) } else { Vec::new() };
        if self.perimeter == Perimeter::Public {
            let Some(public) = public_object(object) else { return };
            object = public;
        }
        let merged = &mut *self.merged;
        match object {
            Objet::Cartes { cartes } => {
                for card in cartes {
                    let known = merged.cards.iter().position(|c| c.numero_carte == card.numero_carte);
                    merged.provenance.note(Item::Card(known.unwrap_or(merged.cards.len())), fact);
                    if known.is_none() {
                        merged.cards.push(card);
                    }
                }
            }
            Objet::BoitesLettres { boites } => {
                for mailbox in boites {
                    merged.provenance.note(Item::Mailbox(merged.mailboxes.len()), fact);
                    merged.mailboxes.push(mailbox);
                }
            }
            Objet::Activite(a) => merged.activities.push(a),
            Objet::Structure(s) => match &mut merged.structure {
                Some(known) => known.merge(s),
                None => merged.structure = Some(s),
            },
            Objet::Professionnel(p) if is_register_file(owner) => {
                self.first_file = self.first_file.or(Some(owner));
                self.filed_situations.extend(situations);
                self.add_file(p, fact);
            }
            // A restricted feed knows more of a resource than the open one, and comes after it.
            Objet::Ressource { json } => merged.foreign = Some(ForeignResource { owner: owner.code.clone(), json }),
            object => self.statements.extend(Statement::of(object, owner, facet, fact, situations)),
        }
    }

    /// Adds what one more file of a national register says of the professional: the first file that has situations numbers them
    /// (`Professionnel::merge`).
    fn add_file(&mut self, p: Professionnel, fact: usize) {
        let merged = &mut *self.merged;
        let provenance = &mut merged.provenance;
        let known: &[ExerciceProfessionnel] = merged.professional.as_ref().map_or(&[], |known| &known.exercices);
        if p.etat_civil.is_some() {
            provenance.note(Item::CivilStatus, fact);
        }
        if p.correspondance.is_some() {
            provenance.note(Item::Contact, fact);
        }
        let numbered = known.iter().any(|e| !e.situations.is_empty());
        let mut added = known.len();
        for e in &p.exercices {
            let practice = known.iter().position(|k| is_one_practice(k, e)).unwrap_or_else(|| {
                added += 1;
                added - 1
            });
            provenance.note(Item::Practice(practice), fact);
            for (position, s) in e.situations.iter().enumerate() {
                let of_practice = || known.get(practice).into_iter().flat_map(|k| &k.situations);
                let of_id = |k: &SituationExercice| k.id_situation_exercice == s.id_situation_exercice;
                let situation = if numbered { of_practice().position(of_id) } else { Some(position) };
                situation.into_iter().for_each(|s| provenance.note(Item::Situation(practice, s), fact));
            }
        }
        match &mut merged.professional {
            Some(known) => known.merge(p),
            None => merged.professional = Some(p),
        }
    }

    /// Unites what the files say with what others say.
    fn finish(self) {
        let Self { merged, statements, filed_situations, first_file, .. } = self;
        if !statements.is_empty() {
            let filed = first_file.zip(merged.professional.take()).map(|(owner, professional)| Statement {
                speaker: Speaker::RegisterFiles,
                owner,
                facet: Facet::Whole,
                professional,
                situations: filed_situations,
                items: merged.provenance.take_professional(),
            });
            let (professional, items) = union::unite(&merged.entity, filed, statements);
            merged.professional = Some(professional);
            merged.provenance.extend(items);
        }
        leave_unnamed_practices_out(merged);
    }
}

/// A practice to which nobody gives a name comes from complements alone.
fn leave_unnamed_practices_out(merged: &mut ConsolidatedEntity) {
    let Some(professional) = &mut merged.professional else { return };
    if professional.exercices.iter().all(|e| !e.nom_exercice.is_empty()) {
        return;
    }
    let mut kept = 0..;
    let new_positions: Vec<Option<usize>> =
        professional.exercices.iter().map(|e| if e.nom_exercice.is_empty() { None } else { kept.next() }).collect();
    professional.exercices.retain(|e| !e.nom_exercice.is_empty());
    merged.provenance.move_practices(&new_positions);
}
