//! The types and search parameters that the pages use. A name that the table of parameters does not have does not compile.

use annuaire_fhir::schema::param_id;
pub(crate) use annuaire_fhir::schema::{DEVICE, HEALTHCARE_SERVICE, ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE};
use annuaire_index::Filter;
use annuaire_terms::ParamId;

/// Parameters of `Practitioner`.
pub(crate) mod practitioner {
    use super::{ParamId, param_id};
    pub(crate) const ACTIVE: ParamId = param_id("Practitioner", "active");
    pub(crate) const IDENTIFIER: ParamId = param_id("Practitioner", "identifier");
    pub(crate) const FAMILY: ParamId = param_id("Practitioner", "family");
    pub(crate) const GIVEN: ParamId = param_id("Practitioner", "given");
    pub(crate) const MAILBOX_MSS: ParamId = param_id("Practitioner", "mailbox-mss");
    pub(crate) const QUALIFICATION_CODE: ParamId = param_id("Practitioner", "qualification-code");
}

/// Parameters of `PractitionerRole`.
pub(crate) mod role {
    use super::{ParamId, param_id};
    pub(crate) const ACTIVE: ParamId = param_id("PractitionerRole", "active");
    pub(crate) const PRACTITIONER: ParamId = param_id("PractitionerRole", "practitioner");
    pub(crate) const ORGANIZATION: ParamId = param_id("PractitionerRole", "organization");
    pub(crate) const MAILBOX_MSS: ParamId = param_id("PractitionerRole", "mailbox-mss");
}

/// Parameters of `Organization`.
pub(crate) mod organization {
    use super::{ParamId, param_id};
    pub(crate) const ACTIVE: ParamId = param_id("Organization", "active");
    pub(crate) const IDENTIFIER: ParamId = param_id("Organization", "identifier");
    pub(crate) const NAME: ParamId = param_id("Organization", "name");
    pub(crate) const MAILBOX_MSS: ParamId = param_id("Organization", "mailbox-mss");
    pub(crate) const ADDRESS: ParamId = param_id("Organization", "address");
    pub(crate) const ADDRESS_LINE: ParamId = param_id("Organization", "address-line");
    pub(crate) const PART_OF: ParamId = param_id("Organization", "partof");
    pub(crate) const POSTAL_CODE: ParamId = param_id("Organization", "address-postalcode");
    pub(crate) const CITY: ParamId = param_id("Organization", "address-city");
}

/// Parameters of `HealthcareService`.
pub(crate) mod service {
    use super::{ParamId, param_id};
    pub(crate) const ACTIVE: ParamId = param_id("HealthcareService", "active");
    pub(crate) const ORGANIZATION: ParamId = param_id("HealthcareService", "organization");
}

/// Parameters of `Device`, which has a status instead of `active`.
pub(crate) mod device {
    use super::{ParamId, param_id};
    pub(crate) const STATUS: ParamId = param_id("Device", "status");
    pub(crate) const ORGANIZATION: ParamId = param_id("Device", "organization");
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
