//! Technical ids of published resources, derived from business keys: a rebuild, or another machine, gives the same ids.

use annuaire_terms::limits;
use xxhash_rust::xxh3::xxh3_128;

/// Beginning of the ids of Organizations.
const ORGANIZATION: &str = "001";

/// Id of the Practitioner of one practice.
#[must_use]
pub fn practitioner_id(id_nat_ps: &str, profession: &str, categorie: &str) -> String {
    technical_id("003", &[id_nat_ps, profession, categorie])
}

/// Id of the PractitionerRole of one situation.
#[must_use]
pub fn role_id(id_situation: &str) -> String {
    technical_id("005", &[id_situation])
}

/// Id of the Organization of one structure.
#[must_use]
pub fn organization_id(id_technique: &str) -> String {
    technical_id(ORGANIZATION, &[id_technique])
}

/// Technical identifier of the structure of an Organization id, where the id is made of it. An id that ends in a hash gives the
/// identifier of no structure.
#[must_use]
pub fn structure_of(organization_id: &str) -> Option<&str> {
    organization_id.strip_prefix(ORGANIZATION)?.strip_prefix('-')
}

/// Id of the HealthcareService of one activity.
#[must_use]
pub fn service_id(id_activite: &str) -> String {
    technical_id("004", &[id_activite])
}

/// Id of the Device of one heavy equipment.
#[must_use]
pub fn device_id(id_activite: &str) -> String {
    technical_id("002", &[id_activite])
}

/// Id of the Person of one national identification; restricted perimeter only.
#[must_use]
pub fn person_id(id_nat_ps: &str) -> String {
    technical_id("006", &[id_nat_ps])
}

/// A technical id made of a business key. Two keys never share an id: a key of letters, digits and hyphens that fits is part of
/// its id as it is. The id of any other key keeps the permitted characters, then has a point, which the first kind never has,
/// and a hash of the complete key.
fn technical_id(prefix: &str, parts: &[&str]) -> String {
    let mut id = String::from(prefix);
    for part in parts {
        id.push('-');
        id.extend(part.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-'));
    }
    let permitted = |part: &&str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    // Of several parts, a hyphen within one could be the hyphen between two.
    let unambiguous = parts.len() == 1 || !parts.iter().any(|part| part.contains('-'));
    if parts.iter().all(permitted) && unambiguous && id.len() <= limits::ID {
        return id;
    }
    let key: Vec<String> = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    let hash = format!("{:032x}", xxh3_128(key.concat().as_bytes()));
    id.truncate(limits::ID - 1 - hash.len());
    format!("{id}.{hash}")
}

#[cfg(test)]
mod tests {
    use super::{organization_id, practitioner_id, role_id, structure_of};
    use proptest::prelude::*;

    #[test]
    fn ids_of_plain_keys_are_the_keys() {
        assert_eq!(practitioner_id("810999000003", "10", "C"), "003-810999000003-10-C");
        assert_eq!(role_id("12345678901234567890"), "005-12345678901234567890");
        assert_eq!(organization_id("R1-9"), "001-R1-9");
        assert_eq!(structure_of("001-R1-9"), Some("R1-9"));
        assert_eq!(organization_id(&"x".repeat(60)), format!("001-{}", "x".repeat(60)));
    }

    proptest! {
        /// Keys that differ by a sign, by where a dash is, or beyond what an id can hold.
        #[test]
        fn two_keys_never_share_an_id(
            a in prop::collection::vec("[R19./ é-]{0,3}(x{61})?", 3),
            b in prop::collection::vec("[R19./ é-]{0,3}(x{61})?", 3),
        ) {
            let id = |k: &[String]| practitioner_id(&k[0], &k[1], &k[2]);
            prop_assert_eq!(a == b, id(&a) == id(&b), "{:?} {:?}", id(&a), id(&b));
            prop_assert_eq!(a[0] == b[0], organization_id(&a[0]) == organization_id(&b[0]));
            prop_assert!(id(&a).len() <= 64 && id(&a).bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.')));
        }
    }
}
