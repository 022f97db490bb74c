//! Resource types that are published, and their numbers in publication stores.

use annuaire_terms::TypeId;

/// Names of the published types. The position of a name is the number of its type in publication stores: never reorder.
pub const TYPES: [&str; 6] = ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device", "Person"];

/// Number of Practitioner.
pub const PRACTITIONER: TypeId = number("Practitioner");
/// Number of PractitionerRole.
pub const PRACTITIONER_ROLE: TypeId = number("PractitionerRole");
/// Number of Organization.
pub const ORGANIZATION: TypeId = number("Organization");
/// Number of HealthcareService.
pub const HEALTHCARE_SERVICE: TypeId = number("HealthcareService");
/// Number of Device.
pub const DEVICE: TypeId = number("Device");
/// Number of Person.
pub const PERSON: TypeId = number("Person");

/// Number of types of the public perimeter: they are the first ones of [`TYPES`].
pub const PUBLIC_TYPES: usize = 5;

/// The number of a type of [`TYPES`]. Evaluated by the compiler, so that a name which is not in the table does not compile.
const fn number(name: &str) -> TypeId {
    let mut position = 0;
    while position < TYPES.len() {
        if equal(TYPES[position], name) {
            return TypeId::new(position as u8);
        }
        position += 1;
    }
    panic!("not a published type")
}

/// String equality that the compiler can evaluate.
pub(super) const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// The number of a type by its name; `None` when the type is not published.
#[must_use]
pub fn type_id(name: &str) -> Option<TypeId> {
    types().find(|(_, known)| *known == name).map(|(ty, _)| ty)
}

/// The published types in the order of their numbers, each with its name.
pub fn types() -> impl Iterator<Item = (TypeId, &'static str)> {
    (0..).map(TypeId::new).zip(TYPES)
}

/// The name of a published type.
///
/// # Panics
/// When no published type has this number.
#[must_use]
pub fn type_name(ty: TypeId) -> &'static str {
    TYPES[usize::from(ty)]
}
