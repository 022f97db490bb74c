//! Which practice is meant: profession and category.

use annuaire_mos::ExerciceProfessionnel;

/// Whether two practices have one profession and category.
pub(crate) fn is_one_practice(a: &ExerciceProfessionnel, b: &ExerciceProfessionnel) -> bool {
    a.profession == b.profession && a.categorie_professionnelle == b.categorie_professionnelle
}

/// The profession and category of a practice, without the rest.
pub(crate) fn key_of(e: &ExerciceProfessionnel) -> ExerciceProfessionnel {
    ExerciceProfessionnel {
        profession: e.profession.clone(),
        categorie_professionnelle: e.categorie_professionnelle.clone(),
        ..Default::default()
    }
}
