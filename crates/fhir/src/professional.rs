//! All resources of one professional: a Practitioner for each practice, a PractitionerRole for each situation, and in the
//! restricted perimeter a Person when the civil status is known.

use crate::practice::practices;
use crate::view::View;
use crate::{person, practitioner, practitioner_role};
use annuaire_consolidate::Perimeter;
use annuaire_mos::{BoiteLettresMss, CarteProfessionnel, Professionnel};
use annuaire_terms::Resource;

/// Full forms. A card or mailbox goes to the practices of the profession that it names, or to the first practice.
#[must_use]
pub fn full_forms(
    view: View,
    professional: &Professionnel,
    cards: &[CarteProfessionnel],
    mailboxes: &[BoiteLettresMss],
) -> Vec<Resource> {
    let mut out = Vec::new();
    for practice in practices(professional, cards, mailboxes) {
        out.push(practitioner::full_form(view, &practice));
        let situations = practice.exercice.situations.iter();
        out.extend(situations.map(|s| practitioner_role::full_form(view, professional, practice.exercice, s)));
    }
    if has_person(view, professional) {
        out.push(person::full_form(view, professional));
    }
    out
}

/// Reduced forms of the resources that [`full_forms`] makes, once the professional left the directory.
#[must_use]
pub fn reduced_forms(view: View, professional: &Professionnel) -> Vec<Resource> {
    let mut out = Vec::new();
    for exercice in &professional.exercices {
        out.push(practitioner::reduced_form(view, professional, exercice));
        let situations = exercice.situations.iter();
        out.extend(situations.map(|s| practitioner_role::reduced_form(view, professional, exercice, s)));
    }
    if has_person(view, professional) {
        out.push(person::reduced_form(view, professional));
    }
    out
}

/// Technical identifiers of the structures that the resources of a professional point to.
pub fn structures(professional: &Professionnel) -> impl Iterator<Item = &str> {
    let situations = professional.exercices.iter().flat_map(|e| &e.situations);
    situations.map(|s| s.structure.as_str()).filter(|structure| !structure.is_empty())
}

fn has_person(view: View, professional: &Professionnel) -> bool {
    view.perimeter == Perimeter::Restricted && professional.etat_civil.is_some()
}
