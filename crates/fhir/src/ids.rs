//! Technical ids of published resources, derived from business keys: a rebuild, or another machine, gives the same ones.

use xxhash_rust::xxh3::xxh3_128;

/// A technical id out of a business key. Two keys never share one: a key of letters, digits and dashes that fits is its own
/// id; of any other one the id keeps what it may, then a point, which no such key has, and a hash of the whole key.
fn technical(prefix: &str, parts: &[&str]) -> String {
    let mut id = String::from(prefix);
    for part in parts {
        id.push('-');
        id.extend(part.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-'));
    }
    let letters = |part: &&str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    // Of several parts, a dash within one could be the dash between two.
    let clear = parts.len() == 1 || !parts.iter().any(|part| part.contains('-'));
    if parts.iter().all(letters) && clear && id.len() <= annuaire_index::limits::ID {
        return id;
    }
    let whole: Vec<String> = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    let hash = format!("{:032x}", xxh3_128(whole.concat().as_bytes()));
    id.truncate(annuaire_index::limits::ID - 1 - hash.len());
    format!("{id}.{hash}")
}

/// Id of the Practitioner of one practice: the same after a rebuild and on another machine.
#[must_use]
pub fn practitioner_id(id_nat_ps: &str, profession: &str, categorie: &str) -> String {
    technical("003", &[id_nat_ps, profession, categorie])
}

/// Id of the PractitionerRole of one situation.
#[must_use]
pub fn role_id(id_situation: &str) -> String {
    technical("005", &[id_situation])
}

/// Id of the Organization of one structure.
#[must_use]
pub fn organization_id(id_technique: &str) -> String {
    technical("001", &[id_technique])
}

/// Id of the HealthcareService of one activity.
#[must_use]
pub fn service_id(id_activite: &str) -> String {
    technical("004", &[id_activite])
}

/// Id of the Device of one heavy equipment.
#[must_use]
pub fn device_id(id_activite: &str) -> String {
    technical("002", &[id_activite])
}

/// Id of the Person of one national identification; restricted perimeter only.
#[must_use]
pub fn person_id(id_nat_ps: &str) -> String {
    technical("006", &[id_nat_ps])
}

#[cfg(test)]
mod tests {
    use super::{organization_id, practitioner_id, role_id};
    use proptest::prelude::*;

    #[test]
    fn ids_of_plain_keys_are_the_keys() {
        assert_eq!(practitioner_id("810999000003", "10", "C"), "003-810999000003-10-C");
        assert_eq!(role_id("12345678901234567890"), "005-12345678901234567890");
        assert_eq!(organization_id("R1-9"), "001-R1-9");
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
