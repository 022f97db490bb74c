//! Administrative gender.

/// The FHIR code of a sex of civil status (`TRE_R10`); empty when it is not known.
pub(crate) fn code(sexe_administratif: &str) -> &'static str {
    match sexe_administratif {
        "M" => "male",
        "F" => "female",
        "" => "",
        _ => "unknown",
    }
}
