//! One person out of what several speakers say: a union by facet.
//!
//! * **Practices** are one when profession and category are. The strongest speaker of a practice decides its members, the others
//!   fill. Diplomas, authorisations and other lists are united.
//! * **Situations** stand beside each other. Two of them are one when they have one identifier, or when two speakers state them of one
//!   practice with one structure, function and mode, in periods that meet. The strongest speaker decides practice, identifier and
//!   members.
//! * **Civil status** and **contact data** come whole from their strongest speaker: a name of one record and a birthday of another
//!   would be nobody's.

use crate::entity_key;
use crate::practice::{is_one_practice, key_of};
use crate::provenance::{Item, SaidItem};
use crate::situations::SituationPool;
use crate::statement::Statement;
use annuaire_mos::owner::Facet;
use annuaire_mos::{ExerciceProfessionnel, Professionnel};

/// Unites what the files of national registers say with other statements; also the facts that say each part.
pub(crate) fn unite(entity: &str, filed: Option<Statement<'_>>, others: Vec<Statement<'_>>) -> (Professionnel, Vec<SaidItem>) {
    // Practices of files stay where they are: the first one carries what belongs to no practice.
    let filed_practices: Vec<ExerciceProfessionnel> = filed.iter().flat_map(|f| &f.professional.exercices).map(key_of).collect();
    let mut statements: Vec<Statement<'_>> = filed.into_iter().chain(others).collect();
    let situation = Facet::Situation { id: String::new() };
    statements.sort_by(|a, b| a.place(&situation).cmp(&b.place(&situation)));
    let situations = SituationPool::of(&statements);

    let mut items = Vec::new();
    let mut united = Professionnel::default();
    for (facet, item) in [(Facet::CivilStatus, Item::CivilStatus), (Facet::Contact, Item::Contact)] {
        statements.sort_by(|a, b| a.place(&facet).cmp(&b.place(&facet)));
        for statement in &mut statements {
            items.extend(statement.facts_of(item).map(|fact| (item, fact)));
            let said = &mut statement.professional;
            match item {
                Item::CivilStatus => united.etat_civil = united.etat_civil.take().or_else(|| said.etat_civil.take()),
                _ => united.correspondance = united.correspondance.take().or_else(|| said.correspondance.take()),
            }
        }
    }
    let practice = Facet::Practice { profession: String::new(), category: String::new() };
    statements.sort_by(|a, b| a.place(&practice).cmp(&b.place(&practice)));
    let mut said_practices = Vec::new();
    for Statement { professional: mut said, items, .. } in statements {
        for (position, e) in said.exercices.iter_mut().enumerate() {
            e.situations.clear();
            let facts = items.iter().filter(|(item, _)| *item == Item::Practice(position));
            said_practices.extend(facts.map(|(_, fact)| (key_of(e), *fact)));
        }
        united.merge(Professionnel { etat_civil: None, correspondance: None, ..said });
    }
    if united.id_nat_ps.is_empty() {
        identify(&mut united, entity_key::number_of_person(entity).unwrap_or_default());
    }
    let filed_position =
        |e: &ExerciceProfessionnel| filed_practices.iter().position(|f| is_one_practice(f, e)).unwrap_or(usize::MAX);
    united.exercices.sort_by_key(filed_position);
    let position = |key: &ExerciceProfessionnel| united.exercices.iter().position(|e| is_one_practice(e, key));
    items.extend(said_practices.iter().filter_map(|(key, fact)| Some((Item::Practice(position(key)?), *fact))));
    items.extend(situations.place(&mut united.exercices));
    (united, items)
}

/// Gives a person of whom only facets are known the identifiers that the key of the entity holds. The type digit is told where the
/// number alone tells it (identifiers.md §5): RPPS and ADELI numbers by their lengths, numbers of an employer by their slash.
fn identify(united: &mut Professionnel, id_nat_ps: &str) {
    id_nat_ps.clone_into(&mut united.id_nat_ps);
    if let Some((kind, number)) = id_nat_ps.split_at_checked(1) {
        let is_told = match kind {
            "8" => number.len() == 11,
            "0" => number.len() == 9,
            "3" | "4" | "5" | "6" => number.contains('/'),
            _ => false,
        };
        if is_told {
            kind.clone_into(&mut united.type_id_nat_pp);
            number.clone_into(&mut united.id_pp);
        }
    }
}
