//! Published FHIR resources as templates print them. Every text of a page that comes from the store passes [`shown_json`].

pub(crate) mod activity;
pub(crate) mod contact;
pub(crate) mod organization;
pub(crate) mod practitioner;
pub(crate) mod role;
pub(crate) mod situation;
pub(crate) mod smartcard;
pub(crate) mod trace;

use std::borrow::Cow;

use annuaire_fhir::schema::type_id;
use annuaire_index::{Error, Snapshot, Version};
use serde_json::Value;

use crate::marks::without_marks;

/// The resource of a version, its texts without marks.
pub(crate) fn shown_json(version: &Version) -> Value {
    let mut resource = serde_json::from_slice(version.body()).unwrap_or(Value::Null);
    remove_marks(&mut resource);
    resource
}

/// The present resource at `Type/id`; `None` when it is not published, or the reference is no such text.
pub(crate) fn referenced(snapshot: &Snapshot, reference: &str) -> Result<Option<Value>, Error> {
    let named = reference.split_once('/').and_then(|(ty, id)| Some((type_id(ty)?, id)));
    let Some((ty, id)) = named else { return Ok(None) };
    Ok(snapshot.current(ty, id)?.map(|version| shown_json(&version)))
}

/// Takes the marks out of all texts of a resource.
fn remove_marks(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = without_marks(text) {
                *text = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(remove_marks),
        Value::Object(members) => members.values_mut().for_each(remove_marks),
        _ => {}
    }
}

/// Whether a resource is active; a `Device` states it as a status.
pub(crate) fn is_active(resource: &Value) -> bool {
    resource["active"] == true || resource["status"] == "active"
}

/// The text at a JSON pointer (RFC 6901); empty when there is none.
fn text_at(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The items of a member that is an array; none when it is not.
fn items<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value.get(member).and_then(Value::as_array).into_iter().flatten()
}

/// The label of a coding, or its code when the terminology has no label for it.
fn coding_label(coding: &Value) -> String {
    let display = text_at(coding, "/display");
    if display.is_empty() { text_at(coding, "/code") } else { display }
}

/// Whether the system of a coding names one of these terminologies: `…/TRE_R09-…` or, in URLs of the national server,
/// `…tre-r09…`.
fn is_of_table(coding: &Value, tables: &[&str]) -> bool {
    let system = text_at(coding, "/system");
    let lower = system.to_lowercase();
    tables.iter().any(|table| system.contains(&format!("/{table}-")) || lower.contains(&table.to_lowercase().replace('_', "-")))
}

/// The value of the identifier of a type; empty when the resource has none.
fn identifier_of_type(resource: &Value, code: &str) -> String {
    items(resource, "identifier")
        .find(|identifier| identifier.pointer("/type/coding/0/code").and_then(Value::as_str) == Some(code))
        .map(|identifier| text_at(identifier, "/value"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::remove_marks;
    use serde_json::json;

    #[test]
    fn marks_of_a_resource_are_not_shown() {
        let mut resource = json!({"name": [{"family": "DE\u{202e}SSAI", "given": ["A\u{200b}B"]}], "active": true});
        remove_marks(&mut resource);
        assert_eq!(resource, json!({"name": [{"family": "DESSAI", "given": ["AB"]}], "active": true}));
    }
}
