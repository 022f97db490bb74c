//! What changed between two public versions of a resource, in words.

use annuaire_base::date::iso_day;
use annuaire_index::{Error, Snapshot, Tombstone};
use annuaire_terms::TypeId;
use serde_json::Value;

use crate::french::french_day;
use crate::limits;
use crate::resource::{is_active, shown_json};

/// A change of a resource, as a page lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownChange {
    pub day: String,
    pub description: String,
}

/// A resource whose changes a page lists.
pub(crate) struct FollowedResource {
    pub ty: TypeId,
    pub id: String,
    /// What the page calls it.
    pub noun: &'static str,
}

/// The changes of some resources in the last [`limits::HISTORY_DAYS`] days, newest first, without repetition.
pub(crate) fn recent_changes(
    snapshot: &Snapshot,
    now_ms: i64,
    resources: &[FollowedResource],
) -> Result<Vec<ShownChange>, Error> {
    let since_ms = now_ms - limits::HISTORY_DAYS * 86_400_000;
    let mut changes: Vec<(i64, String)> = Vec::new();
    for FollowedResource { ty, id, noun } in resources {
        let rows = snapshot.history(*ty, id)?;
        for (at, row) in rows.iter().enumerate() {
            let version = snapshot.read(*row)?;
            // Of what was withdrawn by law not even that it changed is told.
            if version.last_updated_ms < since_ms || version.tombstone == Some(Tombstone::WithdrawnByLaw) {
                break;
            }
            if version.tombstone.is_some() {
                continue;
            }
            let before = rows.get(at + 1).map(|row| snapshot.read(*row)).transpose()?;
            let before = before.filter(|older| older.tombstone.is_none()).map(|older| shown_json(&older));
            let description = describe_change(before.as_ref(), &shown_json(&version));
            changes.push((version.last_updated_ms, format!("{noun} : {description}")));
        }
    }
    changes.sort_by(|a, b| b.cmp(a));
    changes.dedup();
    let shown = |(last_updated_ms, description)| ShownChange { day: french_day(&iso_day(last_updated_ms)), description };
    Ok(changes.into_iter().map(shown).collect())
}

/// Members of a resource and what a visitor calls them.
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

/// What `after` changed in `before`; a first version has nothing before.
fn describe_change(before: Option<&Value>, after: &Value) -> String {
    let Some(before) = before else { return "première publication".to_owned() };
    match (is_active(before), is_active(after)) {
        (true, false) => return "retrait de la publication".to_owned(),
        (false, true) => return "retour à la publication".to_owned(),
        _ => {}
    }
    let changed = MEMBERS.iter().filter(|(member, _)| before.get(*member) != after.get(*member));
    let nouns: Vec<&str> = changed.map(|(_, noun)| *noun).collect();
    if nouns.is_empty() { "mise à jour technique".to_owned() } else { format!("modification ({})", nouns.join(" ; ")) }
}

#[cfg(test)]
mod tests {
    use super::describe_change;
    use serde_json::json;

    #[test]
    fn changes_are_described_in_french() {
        let one = json!({"active": true, "name": [{"family": "A"}], "meta": {"versionId": "1"}});
        let two = json!({"active": true, "name": [{"family": "B"}], "meta": {"versionId": "2"}});
        let gone = json!({"active": false});
        let untouched = json!({"active": true, "name": [{"family": "A"}]});
        assert_eq!(describe_change(None, &one), "première publication");
        assert_eq!(describe_change(Some(&one), &two), "modification (nom)");
        assert_eq!(describe_change(Some(&two), &gone), "retrait de la publication");
        assert_eq!(describe_change(Some(&gone), &two), "retour à la publication");
        assert_eq!(describe_change(Some(&one), &untouched), "mise à jour technique");
    }
}
