//! What changed between two public versions, in words.

use serde_json::Value;

/// A change on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub day: String,
    pub words: String,
}

const MEMBERS: &[(&str, &str)] = &[
    ("name", "nom"),
    ("alias", "enseigne"),
    ("qualification", "profession, diplômes ou savoir-faire"),
    ("telecom", "coordonnées ou messageries"),
    ("address", "adresse"),
    ("type", "nature ou catégorie"),
    ("identifier", "identifiants"),
    ("extension", "cartes, autorisations ou dates"),
    ("partOf", "rattachement"),
    ("organization", "lieu d’exercice"),
    ("code", "mode ou fonction d’exercice"),
];

/// The words for what `new` changed in `old`; for a first version, that it was published.
pub(crate) fn describe(old: Option<&Value>, new: &Value) -> String {
    let Some(old) = old else { return "première publication".to_owned() };
    let active = |v: &Value| v["active"] == true || v["status"] == "active";
    match (active(old), active(new)) {
        (true, false) => return "retrait de la publication".to_owned(),
        (false, true) => return "retour à la publication".to_owned(),
        _ => {}
    }
    let changed: Vec<&str> = MEMBERS.iter().filter(|(m, _)| old.get(*m) != new.get(*m)).map(|(_, words)| *words).collect();
    if changed.is_empty() { "mise à jour technique".to_owned() } else { format!("modification ({})", changed.join(" ; ")) }
}

#[cfg(test)]
mod tests {
    use super::describe;
    use serde_json::json;

    #[test]
    fn changes_are_told_in_french() {
        let one = json!({"active": true, "name": [{"family": "A"}], "meta": {"versionId": "1"}});
        let two = json!({"active": true, "name": [{"family": "B"}], "meta": {"versionId": "2"}});
        let gone = json!({"active": false});
        assert_eq!(describe(None, &one), "première publication");
        assert_eq!(describe(Some(&one), &two), "modification (nom)");
        assert_eq!(describe(Some(&two), &gone), "retrait de la publication");
        assert_eq!(describe(Some(&gone), &two), "retour à la publication");
        assert_eq!(describe(Some(&one), &json!({"active": true, "name": [{"family": "A"}]})), "mise à jour technique");
    }
}
