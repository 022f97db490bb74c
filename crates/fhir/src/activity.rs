//! The resources of one authorised activity: a HealthcareService, or a Device for heavy equipment, for each establishment that
//! carries it out.
//!
//! No resource is made of an activity that nobody carries out yet, nor of a care activity or an equipment without the ARHGOS
//! number that its profile requires.

use crate::authorisation::{self, ActivityNature};
use crate::view::View;
use crate::{device, healthcare_service};
use annuaire_mos::{Activite, ActiviteAutorisee};
use annuaire_terms::Resource;

/// Full forms. The authorised level fills the gaps in the level of each establishment.
#[must_use]
pub fn full_forms(view: View, a: &ActiviteAutorisee) -> Vec<Resource> {
    let form = |x: &Activite| match ActivityNature::from(x) {
        ActivityNature::Equipment => device::full_form(view, x),
        ActivityNature::Care | ActivityNature::Social => healthcare_service::full_form(view, x),
    };
    published_levels(a).map(|x| form(&completed(x, &a.autorisee))).collect()
}

/// Reduced forms of the resources that [`full_forms`] makes, once the activity left the directory.
#[must_use]
pub fn reduced_forms(view: View, a: &ActiviteAutorisee) -> Vec<Resource> {
    let form = |x: &Activite| match ActivityNature::from(x) {
        ActivityNature::Equipment => device::reduced_form(view, x, arhgos_number(x, a)),
        ActivityNature::Care | ActivityNature::Social => healthcare_service::reduced_form(view, x, arhgos_number(x, a)),
    };
    published_levels(a).map(form).collect()
}

/// Technical identifiers of the structures that the resources of an activity point to.
pub fn structures(a: &ActiviteAutorisee) -> impl Iterator<Item = String> {
    published_levels(a).filter_map(authorisation::structure)
}

/// The levels out of which a resource is made.
fn published_levels(a: &ActiviteAutorisee) -> impl Iterator<Item = &Activite> {
    a.exercees.iter().filter(|x| !ActivityNature::from(*x).has_arhgos_number() || !arhgos_number(x, a).is_empty())
}

/// The ARHGOS number of an establishment's level, or that of the authorised level.
fn arhgos_number<'a>(x: &'a Activite, a: &'a ActiviteAutorisee) -> &'a str {
    if x.num_autorisation_arhgos.is_empty() { &a.autorisee.num_autorisation_arhgos } else { &x.num_autorisation_arhgos }
}

/// The level of an establishment, its gaps filled from the authorised level.
fn completed(x: &Activite, authorised: &Activite) -> Activite {
    let or = |own: &str, above: &str| if own.is_empty() { above.to_owned() } else { own.to_owned() };
    Activite {
        num_autorisation_arhgos: or(&x.num_autorisation_arhgos, &authorised.num_autorisation_arhgos),
        marque: or(&x.marque, &authorised.marque),
        numero_serie: or(&x.numero_serie, &authorised.numero_serie),
        date_autorisation: or(&x.date_autorisation, &authorised.date_autorisation),
        date_fin: or(&x.date_fin, &authorised.date_fin),
        age_min: or(&x.age_min, &authorised.age_min),
        age_max: or(&x.age_max, &authorised.age_max),
        capacite: x.capacite.or(authorised.capacite),
        capacite_habilitee: x.capacite_habilitee.or(authorised.capacite_habilitee),
        ..x.clone()
    }
}
