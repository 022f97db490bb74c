//! Parts of a resource whose change is an event of its own.

use annuaire_fhir::extension_urls::{EMAIL_TYPE, MAILBOX_MSS_METADATA, PRACTITIONER_AUTHORIZATION, REGISTRATION};
use serde_json::{Value, json};

/// A part of the content of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourcePart {
    /// `active`, `qualification`, and the extensions of registrations and authorizations.
    RightToPractise,
    /// Entries of `telecom` that are secure mailboxes.
    MessagingAddresses,
    /// Identifiers with `use` = `old`: those of duplicates that were merged into this resource (LOG-7).
    FormerIdentifiers,
}

impl ResourcePart {
    /// All parts, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::RightToPractise, Self::MessagingAddresses, Self::FormerIdentifiers];

    /// Its number.
    #[must_use]
    pub const fn number(self) -> usize {
        match self {
            Self::RightToPractise => 0,
            Self::MessagingAddresses => 1,
            Self::FormerIdentifiers => 2,
        }
    }

    /// The part of a resource as a text that is equal for equal parts; `None` when the resource has none of it.
    #[must_use]
    pub fn of(self, body: &Value) -> Option<String> {
        let among = |member: &str, wanted: &dyn Fn(&Value) -> bool| -> Vec<Value> {
            body[member].as_array().into_iter().flatten().filter(|item| wanted(item)).cloned().collect()
        };
        let found = match self {
            Self::RightToPractise => {
                let rights =
                    among("extension", &|e| [REGISTRATION, PRACTITIONER_AUTHORIZATION].iter().any(|url| e["url"] == *url));
                json!([body["active"], body["qualification"], rights])
            }
            Self::MessagingAddresses => Value::Array(among("telecom", &is_mailbox)),
            Self::FormerIdentifiers => Value::Array(among("identifier", &|identifier| identifier["use"] == "old")),
        };
        let is_empty =
            found.as_array().is_none_or(|items| items.iter().all(|i| i.is_null() || i.as_array().is_some_and(Vec::is_empty)));
        (!is_empty).then(|| found.to_string())
    }
}

fn is_mailbox(telecom: &Value) -> bool {
    let extensions = telecom["extension"].as_array().into_iter().flatten();
    let is_mssante = |e: &Value| e["url"] == EMAIL_TYPE && e.to_string().contains("MSSANTE");
    extensions.into_iter().any(|e| e["url"] == MAILBOX_MSS_METADATA || is_mssante(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_told_apart_from_the_rest() {
        let body = json!({
            "active": true,
            "name": [{"family": "ESSAI"}],
            "qualification": [{"code": {"text": "x"}}],
            "identifier": [{"value": "1"}, {"use": "old", "value": "2"}],
            "telecom": [{"value": "a@mss.example", "extension": [{"url": EMAIL_TYPE, "valueCodeableConcept": {"coding": [{"code": "MSSANTE"}]}}]}, {"value": "0"}],
            "extension": [{"url": REGISTRATION}, {"url": "other"}],
        });
        let mut other = body.clone();
        other["name"] = json!([]);
        other["telecom"][1]["value"] = json!("1");
        for part in ResourcePart::ALL {
            assert!(part.of(&body).is_some());
            assert_eq!(part.of(&body), part.of(&other), "{part:?}");
            assert_eq!(part.of(&json!({"name": []})), None);
            assert_eq!(ResourcePart::ALL[part.number()], part);
        }
        for (part, at, value) in [
            (ResourcePart::RightToPractise, "/active", json!(false)),
            (ResourcePart::RightToPractise, "/extension/0/url", json!("x")),
            (ResourcePart::MessagingAddresses, "/telecom/0/value", json!("b@mss.example")),
            (ResourcePart::FormerIdentifiers, "/identifier/0/use", json!("old")),
        ] {
            let mut changed = body.clone();
            match changed.pointer_mut(at) {
                Some(member) => *member = value,
                None => changed["identifier"][0]["use"] = value,
            }
            assert_ne!(part.of(&body), part.of(&changed), "{part:?} {at}");
        }
    }
}
