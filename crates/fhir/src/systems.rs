//! URIs of the published resources: naming systems, code systems, bases of profiles and extensions.

/// System of the national identification of professionals (IDNPS).
pub const IDNPS: &str = "urn:oid:1.2.250.1.71.4.2.1";
/// System of the national identification of structures (IDNST).
pub const IDNST: &str = "urn:oid:1.2.250.1.71.4.2.2";
pub(crate) const RPPS: &str = "https://rpps.esante.gouv.fr";
pub(crate) const ADELI: &str = "https://adeli.esante.gouv.fr";
pub(crate) const FINESS: &str = "https://finess.esante.gouv.fr";
/// SIREN and SIRET numbers.
pub(crate) const SIRENE: &str = "https://sirene.fr";
/// Number of a place within the practice of one RPPS number.
pub(crate) const RPPS_RANG: &str = "https://rppsrang.esante.gouv.fr";
/// Authorisation numbers of care activities and heavy equipment.
pub(crate) const ARHGOS: &str = "https://arhgos.ars.sante.fr";

/// Base of the profiles and extensions of the national directory.
pub(crate) const AS: &str = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/";
/// Base of the profiles and extensions of the French core.
pub(crate) const FR: &str = "https://hl7.fr/ig/fhir/core/StructureDefinition/";
/// Base of the extensions of FHIR R4 itself.
pub(crate) const R4: &str = "http://hl7.org/fhir/StructureDefinition/";
/// Beginning of the extensions for the parts of an address line.
pub(crate) const ADXP: &str = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-";

/// Types of identifiers.
pub(crate) const ID_TYPES: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203";
/// Legal or geographical entity.
pub(crate) const STRUCTURE_TYPES: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-3307";
/// INSEE communes.
pub(crate) const COMMUNES: &str = "https://mos.esante.gouv.fr/NOS/TRE_R13-Commune/FHIR/TRE-R13-Commune";
/// System under which the values of a boolean are searched.
pub(crate) const BOOLEAN: &str = "http://hl7.org/fhir/ValueSet/special-values";
/// System under which the status of a Device is searched.
pub(crate) const DEVICE_STATUS: &str = "http://hl7.org/fhir/device-status";
