//! From a consolidated entity to its published forms.

#[cfg(test)]
mod tests;

use annuaire_consolidate::{ConsolidatedEntity, EntityFault, ForeignResource};
use annuaire_fhir::foreign::{self, Stamps};
use annuaire_fhir::organization::{self, ReferencedStructure};
use annuaire_fhir::{View, activity, professional};
use annuaire_mos::ExerciceProfessionnel;
use annuaire_terms::Resource;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Full forms of an entity. `stamps` concerns resources of other directories.
pub(crate) fn full_forms(entity: &ConsolidatedEntity, view: View, stamps: Stamps) -> Result<Vec<Resource>, EntityFault> {
    make(entity, |out| {
        out.extend(entity.structure.iter().map(|s| organization::full_form(view, s, &entity.mailboxes)));
        if let Some(p) = &entity.professional {
            out.extend(professional::full_forms(view, p, &entity.cards, &entity.mailboxes));
        }
        out.extend(entity.activities.iter().flat_map(|a| activity::full_forms(view, a)));
        if let Some(resource) = &entity.foreign {
            let form = foreign::full_form(view, &resource.json, stamps);
            out.extend(form.map_err(|reason| foreign_fault(entity, resource, reason))?);
        }
        Ok(())
    })
}

/// Reduced forms of all resources that [`full_forms`] makes.
pub(crate) fn reduced_forms(entity: &ConsolidatedEntity, view: View) -> Result<Vec<Resource>, EntityFault> {
    make(entity, |out| {
        out.extend(entity.structure.iter().map(|s| organization::reduced_form(view, s)));
        out.extend(entity.professional.iter().flat_map(|p| professional::reduced_forms(view, p)));
        out.extend(entity.activities.iter().flat_map(|a| activity::reduced_forms(view, a)));
        if let Some(resource) = &entity.foreign {
            let form = foreign::reduced_form(view, &resource.json);
            out.extend(form.map_err(|reason| foreign_fault(entity, resource, reason))?);
        }
        Ok(())
    })
}

/// Whether a resource that is made of `before` may not be made of `after`. False only when every id follows from keys that both
/// have.
pub(crate) fn may_lose_resources(before: &ConsolidatedEntity, after: &ConsolidatedEntity) -> bool {
    let keeps_professional = match (&before.professional, &after.professional) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(a), Some(b)) => {
            let keeps_practice = |a: &ExerciceProfessionnel| {
                let is_same = |b: &&ExerciceProfessionnel| {
                    (&b.profession, &b.categorie_professionnelle) == (&a.profession, &a.categorie_professionnelle)
                };
                b.exercices.iter().find(is_same).is_some_and(|b| {
                    let has = |id: &String| b.situations.iter().any(|s| s.id_situation_exercice == *id);
                    a.situations.iter().all(|s| has(&s.id_situation_exercice))
                })
            };
            a.id_nat_ps == b.id_nat_ps
                && (a.etat_civil.is_none() || b.etat_civil.is_some())
                && a.exercices.iter().all(keeps_practice)
        }
    };
    let keeps_structure = match (&before.structure, &after.structure) {
        (None, _) => true,
        (Some(a), b) => b.as_ref().is_some_and(|b| b.id_technique == a.id_technique),
    };
    // A fault of what is published must be seen.
    let is_simple = before.fault.is_none() && before.activities.is_empty() && before.foreign.is_none();
    !(is_simple && keeps_professional && keeps_structure)
}

/// The structures to which the full forms of an entity point.
pub(crate) fn referenced_structures(entity: &ConsolidatedEntity) -> impl Iterator<Item = ReferencedStructure> {
    let places = entity.professional.iter().flat_map(professional::structures).map(str::to_owned);
    let operators = entity.activities.iter().flat_map(activity::structures);
    let legal_entities = entity.structure.iter().filter_map(organization::legal_entity);
    let referenced = |as_legal_entity| move |id_technique| ReferencedStructure { id_technique, as_legal_entity };
    places.chain(operators).map(referenced(false)).chain(legal_entities.map(referenced(true)))
}

/// Runs `forms`. A panic in it becomes a fault of the entity, so that one entity does not stop the log.
fn make(
    entity: &ConsolidatedEntity,
    forms: impl FnOnce(&mut Vec<Resource>) -> Result<(), EntityFault>,
) -> Result<Vec<Resource>, EntityFault> {
    if let Some(fault) = &entity.fault {
        return Err(fault.clone());
    }
    let mut out = Vec::new();
    // Unwind safe: the forms only read the entity, and `out` is dropped after a panic.
    match catch_unwind(AssertUnwindSafe(|| forms(&mut out))) {
        Ok(made) => made.map(|()| out),
        Err(_) => Err(EntityFault {
            entity: entity.entity.clone(),
            owner: String::new(),
            reason: "a fault of the program ended its making".to_owned(),
        }),
    }
}

fn foreign_fault(entity: &ConsolidatedEntity, resource: &ForeignResource, reason: String) -> EntityFault {
    EntityFault { entity: entity.entity.clone(), owner: resource.owner.clone(), reason }
}
