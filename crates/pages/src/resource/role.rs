//! What somebody does in a situation, in people's words.

use serde_json::Value;

use super::{coding_label, is_of_table, items, text_at};

const MODE: &[&str] = &["TRE_R23"];
const ACTIVITY: &[&str] = &["TRE_R22"];
const FUNCTIONS: &[&str] = &["TRE_R21", "TRE_R96", "TRE_R85"];

/// Mode and functions of a `PractitionerRole`, without what says nothing to a visitor, each once.
pub(crate) fn role_labels(resource: &Value) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for label in codings(resource).filter_map(role_in_words) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    // « Salarié en poste fixe » says « Salarié ».
    let is_said_by =
        |label: &String, other: &String| other.strip_prefix(label.as_str()).is_some_and(|rest| rest.starts_with(' '));
    let said: Vec<bool> = labels.iter().map(|label| labels.iter().any(|other| is_said_by(label, other))).collect();
    let mut said = said.into_iter();
    labels.retain(|_| !said.next().unwrap_or_default());
    labels
}

/// The functions of a `PractitionerRole` alone.
pub(crate) fn functions(resource: &Value) -> Vec<String> {
    codings(resource).filter(|coding| is_of_table(coding, FUNCTIONS)).filter_map(role_in_words).collect()
}

fn codings(resource: &Value) -> impl Iterator<Item = &Value> {
    items(resource, "code").filter_map(|concept| concept.pointer("/coding/0"))
}

/// One coding in words; `None` for what every ordinary situation says, or nobody understands.
fn role_in_words(coding: &Value) -> Option<String> {
    let words = match text_at(coding, "/code").as_str() {
        "L" if is_of_table(coding, MODE) => "Libéral",
        "GENR02" if is_of_table(coding, ACTIVITY) => "Remplaçant",
        "GENR03" if is_of_table(coding, ACTIVITY) => "Remplacement",
        "GENR01" | "GENR99" if is_of_table(coding, ACTIVITY) => return None,
        "FON-AU" if is_of_table(coding, FUNCTIONS) => return None,
        _ if is_of_table(coding, FUNCTIONS) => return Some(without_acronym(&coding_label(coding)).to_owned()),
        _ => return Some(coding_label(coding)),
    };
    Some(words.to_owned())
}

/// A label without the acronym in brackets with which the terminology ends it: « Avocat … sans consentement (eSSS) ».
fn without_acronym(label: &str) -> &str {
    let Some((words, acronym)) = label.strip_suffix(')').and_then(|label| label.rsplit_once(" (")) else { return label };
    let is_acronym = !acronym.contains(' ') && acronym.chars().filter(|letter| letter.is_uppercase()).count() > 1;
    if is_acronym { words } else { label }
}

#[cfg(test)]
mod tests {
    use super::{functions, role_labels, without_acronym};
    use serde_json::json;

    #[test]
    fn a_situation_is_told_in_peoples_words() {
        let concept = |table: &str, code: &str, display: &str| json!({"coding": [{"system": format!("https://x.example/{table}-X/FHIR/X"), "code": code, "display": display}]});
        let role = json!({"code": [
            concept("TRE_R22", "GENR01", "Activité de soin et de pharmacie"),
            concept("TRE_R23", "L", "Libéral, indépendant, artisan, commerçant"),
            concept("TRE_R21", "FON-AU", "Fonction non définie"),
            concept("TRE_R21", "FON-01", "Titulaire de cabinet"),
            concept("TRE_R85", "303", "Avocat participant aux processus de soins sans consentement (eSSS)"),
            concept("TRE_R21", "FON-01", "Titulaire de cabinet"),
            concept("TRE_R24", "L", "Lieu"),
        ]});
        let lawyer = "Avocat participant aux processus de soins sans consentement";
        assert_eq!(role_labels(&role), ["Libéral", "Titulaire de cabinet", lawyer, "Lieu"]);
        assert_eq!(functions(&role), ["Titulaire de cabinet", lawyer, "Titulaire de cabinet"]);
        let employed =
            json!({"code": [concept("TRE_R23", "S", "Salarié"), concept("TRE_R21", "FON-33", "Salarié en poste fixe")]});
        assert_eq!(role_labels(&employed), ["Salarié en poste fixe"]);
        assert_eq!(without_acronym("Aide (à domicile)"), "Aide (à domicile)");
    }
}
