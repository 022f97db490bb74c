//! Structures of a place, as a filter of the store.

use annuaire_fhir::schema::{ORGANIZATION, PRACTITIONER_ROLE, params};
use annuaire_index::Filter;

use crate::place::{Place, PlaceKind};

/// Structures whose address lies in a place. The code of the commune decides; where an address has none, postal code and town do.
#[must_use]
pub fn structures_in(place: &Place) -> Filter {
    let insee = |code: &String| Filter::Folded { param: params::ADDRESS_INSEE.id, value: code.clone() };
    let insee_start = |start: &String| Filter::Prefix { param: params::ADDRESS_INSEE.id, value: start.clone() };
    let postal = |code: &String| Filter::Folded { param: params::ADDRESS_POSTALCODE.id, value: code.clone() };
    let postal_start = |start: String| Filter::Prefix { param: params::ADDRESS_POSTALCODE.id, value: start };
    let city = |name: &String| Filter::Prefix { param: params::ADDRESS_CITY.id, value: name.clone() };
    match place.kind {
        PlaceKind::PostalCode => Filter::Or(place.postal.iter().map(postal).collect()),
        PlaceKind::Department | PlaceKind::Region => {
            let mut any: Vec<Filter> = place.departments.iter().map(insee_start).collect();
            any.extend(place.postal.iter().cloned().map(postal_start));
            Filter::Or(any)
        }
        PlaceKind::Commune | PlaceKind::District | PlaceKind::FormerCommune => {
            let mut any: Vec<Filter> = place.insee.iter().map(insee).collect();
            any.push(Filter::And(vec![
                Filter::Or(place.postal.iter().map(postal).collect()),
                Filter::Or(place.names.iter().map(city).collect()),
            ]));
            Filter::Or(any)
        }
    }
}

/// Practices with a situation at a structure that fulfils `structure`.
#[must_use]
pub fn practising_at(structure: Filter) -> Filter {
    let role_there = Filter::Chain {
        param: params::ORGANIZATION.id,
        target_type: ORGANIZATION,
        target_name: "Organization".to_owned(),
        filter: Box::new(structure),
    };
    Filter::Has {
        source_type: PRACTITIONER_ROLE,
        param: params::PRACTITIONER.id,
        target_name: "Practitioner".to_owned(),
        filter: Box::new(role_there),
    }
}
