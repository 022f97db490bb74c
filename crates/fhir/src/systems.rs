//! Systems of identifiers and codes in published resources, and the bases of the names of profiles.
//!
//! The systems of the national terminologies come from `annuaire_nos`.

/// System of the national identification of professionals (IDNPS).
pub const IDNPS: &str = "urn:oid:1.2.250.1.71.4.2.1";
/// System of the national identification of structures (IDNST).
pub const IDNST: &str = "urn:oid:1.2.250.1.71.4.2.2";
pub(crate) const RPPS: &str = "https://rpps.esante.gouv.fr";
pub(crate) const ADELI: &str = "https://adeli.esante.gouv.fr";
pub(crate) const FINESS: &str = "https://finess.esante.gouv.fr";
/// SIREN and SIRET numbers.
pub const SIRENE: &str = "https://sirene.fr";
/// Number of a place of practice of one RPPS number.
pub(crate) const RPPS_RANG: &str = "https://rppsrang.esante.gouv.fr";
/// Authorisation numbers of care activities and heavy equipment.
pub(crate) const ARHGOS: &str = "https://arhgos.ars.sante.fr";

/// Base of the profiles of the national directory.
pub(crate) const DIRECTORY_PROFILES: &str = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/";
/// Base of the profiles of the French core.
pub(crate) const FRENCH_CORE_PROFILES: &str = "https://hl7.fr/ig/fhir/core/StructureDefinition/";

/// Types of identifiers.
pub(crate) const IDENTIFIER_TYPES: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203";
/// Legal entity or geographical entity.
pub(crate) const ENTITY_TYPES: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-3307";
/// INSEE codes of communes.
pub(crate) const COMMUNES: &str = "https://mos.esante.gouv.fr/NOS/TRE_R13-Commune/FHIR/TRE-R13-Commune";
/// Under this system the two values of a boolean are searched.
pub(crate) const BOOLEAN: &str = "http://hl7.org/fhir/ValueSet/special-values";
/// Under this system the status of a Device is searched.
pub(crate) const DEVICE_STATUS: &str = "http://hl7.org/fhir/device-status";
