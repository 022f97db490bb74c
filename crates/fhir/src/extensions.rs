//! URLs of the extensions in published resources. A form writes them, the extraction of terms looks for them, and the public
//! perimeter enumerates them.

/// An extension of the national directory.
macro_rules! directory {
    ($name:literal) => {
        concat!("https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/", $name)
    };
}

/// An extension of the French core.
macro_rules! french_core {
    ($name:literal) => {
        concat!("https://hl7.fr/ig/fhir/core/StructureDefinition/", $name)
    };
}

/// Origin of the facts of a resource.
pub(crate) const DATA_TRACE: &str = directory!("as-ext-data-trace");
/// Metadata of a secure mailbox.
pub const MAILBOX_MSS_METADATA: &str = directory!("as-ext-mailbox-mss-metadata");
/// Locality within a commune, part of an address line.
pub(crate) const LIEU_DIT: &str = directory!("as-ext-lieu-dit");
pub(crate) const DIGITAL_CERTIFICATE: &str = directory!("as-ext-digital-certificate");

/// Registration of a practice with its authority.
pub const REGISTRATION: &str = directory!("as-ext-registration");
/// Authorization to practise.
pub const PRACTITIONER_AUTHORIZATION: &str = directory!("as-ext-practitioner-authorization");
pub(crate) const SMARTCARD: &str = directory!("as-ext-smartcard");
/// Validity of a spoken language.
pub(crate) const TIMED_METADATA: &str = directory!("as-ext-codeableconcept-timed-metadata");

pub(crate) const BIRTH_PLACE: &str = directory!("as-ext-person-birth-place");
pub(crate) const CIVIL_STATUS: &str = directory!("as-ext-person-statut-etat-civil");
pub(crate) const DECEASED: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Person.deceasedDateTime";

pub(crate) const ORGANIZATION_PERIOD: &str = "http://hl7.org/fhir/StructureDefinition/organization-period";
/// Which slice of `Organization.type` a coding fills.
pub(crate) const ORGANIZATION_TYPES: &str = directory!("as-ext-organization-types");
pub(crate) const PHARMACY_LICENCE: &str = directory!("as-ext-organization-pharmacy-licence");
pub(crate) const PRICING_MODEL: &str = directory!("as-ext-organization-pricing-model");
pub(crate) const BUDGET_TYPE: &str = directory!("as-ext-organization-budget-type");
pub(crate) const CLOSING_TYPE: &str = directory!("as-ext-organization-closing-type");
pub(crate) const AUTHORIZATION_DEADLINE: &str = directory!("as-ext-organization-authorization-deadline");
pub(crate) const SHORT_NAME: &str = french_core!("fr-core-organization-short-name");
pub(crate) const RAISON_SOCIALE: &str = french_core!("fr-core-organization-raison-sociale");

pub(crate) const AUTHORIZATION: &str = directory!("as-ext-authorization");
pub(crate) const INSTALLATION: &str = directory!("as-ext-installation");
pub(crate) const PATIENT_TYPE: &str = directory!("as-ext-patient-type");
pub(crate) const SUPPORTED_CAPACITY: &str = directory!("as-ext-supported-capacity");

/// Kind of an e-mail address: `MSSANTE` for a secure mailbox.
pub const EMAIL_TYPE: &str = french_core!("fr-core-contact-point-email-type");
pub(crate) const INSEE_CODE: &str = french_core!("fr-core-address-insee-code");

/// Parts of an address line (ISO 21090).
pub(crate) mod address_part {
    macro_rules! iso21090 {
        ($name:literal) => {
            concat!("http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-", $name)
        };
    }

    pub(crate) const CARE_OF: &str = iso21090!("careOf");
    pub(crate) const ADDITIONAL_LOCATOR: &str = iso21090!("additionalLocator");
    pub(crate) const HOUSE_NUMBER: &str = iso21090!("houseNumber");
    pub(crate) const BUILDING_NUMBER_SUFFIX: &str = iso21090!("buildingNumberSuffix");
    pub(crate) const STREET_NAME_TYPE: &str = iso21090!("streetNameType");
    pub(crate) const STREET_NAME_BASE: &str = iso21090!("streetNameBase");
    pub(crate) const POST_BOX: &str = iso21090!("postBox");
}
