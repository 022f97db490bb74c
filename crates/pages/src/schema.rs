//! The types and search parameters that the pages use. A name that the table of parameters does not have does not compile.

use annuaire_fhir::schema::PARAMS;
pub(crate) use annuaire_fhir::schema::{DEVICE, HEALTHCARE_SERVICE, ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE};
use annuaire_index::Filter;
use annuaire_terms::ParamId;

/// Parameters of `Practitioner`.
pub(crate) mod practitioner {
    use super::{ParamId, param};
    pub(crate) const ACTIVE: ParamId = param("Practitioner", "active");
    pub(crate) const IDENTIFIER: ParamId = param("Practitioner", "identifier");
    pub(crate) const NAME: ParamId = param("Practitioner", "name");
    pub(crate) const QUALIFICATION_CODE: ParamId = param("Practitioner", "qualification-code");
}

/// Parameters of `PractitionerRole`.
pub(crate) mod role {
    use super::{ParamId, param};
    pub(crate) const ACTIVE: ParamId = param("PractitionerRole", "active");
    pub(crate) const PRACTITIONER: ParamId = param("PractitionerRole", "practitioner");
    pub(crate) const ORGANIZATION: ParamId = param("PractitionerRole", "organization");
}

/// Parameters of `Organization`.
pub(crate) mod organization {
    use super::{ParamId, param};
    pub(crate) const ACTIVE: ParamId = param("Organization", "active");
    pub(crate) const NAME: ParamId = param("Organization", "name");
    pub(crate) const PART_OF: ParamId = param("Organization", "partof");
    pub(crate) const POSTAL_CODE: ParamId = param("Organization", "address-postalcode");
    pub(crate) const CITY: ParamId = param("Organization", "address-city");
}

/// Parameters of `HealthcareService`.
pub(crate) mod service {
    use super::{ParamId, param};
    pub(crate) const ACTIVE: ParamId = param("HealthcareService", "active");
    pub(crate) const ORGANIZATION: ParamId = param("HealthcareService", "organization");
}

/// Parameters of `Device`, which has a status instead of `active`.
pub(crate) mod device {
    use super::{ParamId, param};
    pub(crate) const STATUS: ParamId = param("Device", "status");
    pub(crate) const ORGANIZATION: ParamId = param("Device", "organization");
}

/// The number of a parameter of a type. Evaluated by the compiler, to which an unknown name is an error.
const fn param(ty: &str, name: &str) -> ParamId {
    let mut at = 0;
    while at < PARAMS.len() {
        let param = &PARAMS[at];
        let mut of = 0;
        while of < param.types.len() {
            if equal(param.name, name) && equal(param.types[of], ty) {
                return param.id;
            }
            of += 1;
        }
        at += 1;
    }
    panic!("the type has no such search parameter")
}

/// String equality that the compiler can evaluate.
const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Resources with a code, whatever its system.
pub(crate) fn with_code(param: ParamId, code: &str) -> Filter {
    Filter::Token { param, system: None, code: Some(code.to_owned()) }
}

/// Resources with a code of one system.
pub(crate) fn with_code_of(param: ParamId, system: &str, code: &str) -> Filter {
    Filter::Token { param, system: Some(system.to_owned()), code: Some(code.to_owned()) }
}

/// Resources whose `active` is true; `param` is the parameter `active` of their type.
pub(crate) fn active(param: ParamId) -> Filter {
    with_code(param, "true")
}

/// Resources that refer to `Type/id`.
pub(crate) fn referring_to(param: ParamId, target: &str) -> Filter {
    Filter::Reference { param, target: target.to_owned() }
}
