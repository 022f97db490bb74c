//! The common parts of HealthcareService and Device, the two resources of authorised activities.

use crate::json::JsonWriter;
use crate::{extensions, organization};
use annuaire_mos::Activite;

/// Nature of an activity: it decides which resource and which profile publish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActivityNature {
    /// Heavy equipment, a Device.
    Equipment,
    /// A care activity.
    Care,
    /// A social or medico-social activity, and everything else.
    Social,
}

impl From<&Activite> for ActivityNature {
    fn from(a: &Activite) -> Self {
        match a.nature.as_str() {
            "EML" => Self::Equipment,
            "AMF" | "AMM" | "AASA" | "ASR" => Self::Care,
            _ => Self::Social,
        }
    }
}

impl ActivityNature {
    /// Whether the profile requires the ARHGOS number.
    pub(crate) const fn has_arhgos_number(self) -> bool {
        matches!(self, Self::Equipment | Self::Care)
    }
}

/// Technical identifier of the structure that carries out an activity; `None` when it is not known.
pub(crate) fn structure(a: &Activite) -> Option<String> {
    (!a.num_finess.is_empty()).then(|| format!("F{}", a.num_finess))
}

/// The reference to the structure that carries out an activity; empty when it is not known.
pub(crate) fn structure_reference(a: &Activite) -> String {
    structure(a).map_or_else(String::new, |structure| organization::reference(&structure))
}

/// The extension with the days of an authorisation and whether it was withdrawn.
pub(crate) fn write_extension(j: &mut JsonWriter, a: &Activite) {
    j.complex_extension(extensions::AUTHORIZATION, |j| {
        j.date_extension("dateAuthorization", &a.date_autorisation);
        j.period_extension("periodAuthorization", &a.date_mise_en_oeuvre, &a.date_fin);
        j.date_extension("dateUpdateAuthorization", &a.date_maj);
        j.boolean_extension("deletedAuthorization", a.inactive);
    });
}
