//! Whether all of a resource is public, asked of its parsed value.
//!
//! A copy asks this of each resource that it receives, and nearly always the answer is yes. It is the question whether
//! [`public_resource`](super::foreign::public_resource) would leave the resource as it is; a test compares the two.

use super::foreign::{Mailbox, declares_restriction, members_of};
use super::profiles::{self, Members, Rule};
use crate::systems::{ADELI, IDNPS, RPPS};
use serde_json::{Map, Value};

/// Whether the public perimeter shows every member of a resource. Members that the text gave twice are not seen here. Cost: a walk over
/// the value.
#[must_use]
pub fn is_wholly_public(resource: &Value) -> bool {
    let Some(object) = resource.as_object() else { return false };
    members_of(resource).is_some_and(|rules| !declares_restriction(resource) && members_pass(object, rules))
}

fn members_pass(object: &Map<String, Value>, rules: Members) -> bool {
    object.iter().all(|(name, value)| {
        let rule = rules.iter().find(|(known, _)| known == name).map(|(_, rule)| rule);
        rule.is_some_and(|rule| value_passes(value, rule))
    })
}

fn value_passes(value: &Value, rule: &Rule) -> bool {
    let Value::Array(elements) = value else {
        return !matches!(rule, Rule::PersonIdentifiers) && element_passes(value, rule);
    };
    match rule {
        // Of several names one passes.
        Rule::PracticeName => match elements.as_slice() {
            [] => true,
            [name] => {
                let used = name.get("use").and_then(Value::as_str);
                used.is_none_or(|used| matches!(used, "usual" | "official")) && element_passes(name, rule)
            }
            _ => false,
        },
        Rule::PersonIdentifiers => elements.iter().all(|one| is_public_identifier(one, elements) && element_passes(one, rule)),
        Rule::Primitive | Rule::Object(_) => elements.iter().all(|one| one.is_null() || element_passes(one, rule)),
        _ => elements.iter().all(|one| element_passes(one, rule)),
    }
}

fn element_passes(value: &Value, rule: &Rule) -> bool {
    if let Rule::Primitive = rule {
        return !value.is_object() && !value.is_array();
    }
    let Value::Object(object) = value else { return false };
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    match rule {
        Rule::Primitive => false,
        Rule::Object(rules) => members_pass(object, rules),
        Rule::Extensions(known) => {
            let of_url = text("url").and_then(|url| known.iter().find(|(known, _)| *known == url));
            object.len() > 1 && of_url.is_some_and(|(_, rule)| element_passes(value, rule))
        }
        Rule::OfSystem(systems, rules) => {
            text("system").is_some_and(|system| systems.contains(&system)) && members_pass(object, rules)
        }
        Rule::PersonIdentifiers => members_pass(object, profiles::IDENTIFIER),
        Rule::PracticeName => members_pass(object, profiles::PRACTICE_NAME),
        Rule::SecureMailboxes => {
            let mailbox = Mailbox::of(value);
            mailbox.secure && mailbox.listed && members_pass(object, profiles::SECURE_MAILBOX)
        }
        Rule::ContactPoints => {
            Mailbox::of(value).listed && text("use") != Some("home") && members_pass(object, profiles::CONTACT_POINT)
        }
    }
}

fn is_public_identifier(identifier: &Value, all: &[Value]) -> bool {
    let text = |identifier: &'_ Value, name: &str| identifier.get(name).and_then(Value::as_str).map(str::to_owned);
    match identifier.get("system").and_then(Value::as_str) {
        Some(IDNPS | RPPS) => true,
        Some(ADELI) => text(identifier, "value").is_some_and(|number| {
            let national = format!("0{number}");
            let says_it = |one: &Value| {
                one.get("system").and_then(Value::as_str) == Some(IDNPS)
                    && one.get("value").and_then(Value::as_str) == Some(national.as_str())
            };
            all.iter().any(says_it)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_wholly_public;
    use crate::perimeter::public_resource;
    use crate::tests::SAMPLES;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::borrow::Cow;

    /// Values in the tree, the root first.
    fn size(value: &Value) -> usize {
        1 + match value {
            Value::Array(all) => all.iter().map(size).sum(),
            Value::Object(all) => all.values().map(size).sum(),
            _ => 0,
        }
    }

    /// Changes the value at a place of the tree; the rest of the number when it is not in this part.
    fn change(value: &mut Value, place: usize, how: u8) -> Result<(), usize> {
        if place == 0 {
            match (how, &mut *value) {
                (0, Value::Object(object)) => _ = object.insert("birthDate".into(), json!("1970-01-01")),
                (1, Value::Object(object)) => object.pop_last(),
                (2, Value::Object(object)) => _ = object.insert("use".into(), json!("home")),
                (3, Value::Object(object)) => _ = object.insert("use".into(), json!("old")),
                (4, Value::Object(object)) => _ = object.insert("system".into(), json!("https://adeli.esante.gouv.fr")),
                (5, Value::Object(object)) => _ = object.insert("system".into(), json!("email")),
                (6, Value::Array(elements)) => elements.extend(elements.first().cloned()),
                (7, Value::Array(elements)) => elements.push(Value::Null),
                (8, Value::Array(elements)) => *value = elements.pop().unwrap_or(Value::Null),
                (9, Value::Bool(said)) => *said = !*said,
                (10, _) => *value = json!({}),
                (11, _) => *value = json!([]),
                (12, _) => *value = json!({"url": "listeRouge", "valueBoolean": true}),
                (13, other) => *value = json!([other.clone()]),
                _ => *value = json!("x"),
            }
            return Ok(());
        }
        let mut left = place - 1;
        let parts: Box<dyn Iterator<Item = &mut Value>> = match value {
            Value::Array(all) => Box::new(all.iter_mut()),
            Value::Object(all) => Box::new(all.values_mut()),
            _ => return Err(left),
        };
        for part in parts {
            match change(part, left, how) {
                Ok(()) => return Ok(()),
                Err(rest) => left = rest,
            }
        }
        Err(left)
    }

    trait PopLast {
        fn pop_last(&mut self);
    }

    impl PopLast for serde_json::Map<String, Value> {
        fn pop_last(&mut self) {
            if let Some(name) = self.keys().next_back().cloned() {
                self.shift_remove(&name);
            }
        }
    }

    /// Whether the text rule leaves a resource as it is.
    fn passes_as_it_is(value: &Value) -> bool {
        let text = value.to_string();
        matches!(public_resource(&text, value), Some(Cow::Borrowed(_)))
    }

    #[test]
    fn the_samples_are_wholly_public() {
        for sample in SAMPLES {
            assert!(is_wholly_public(&serde_json::from_str(sample).unwrap()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_value_passes_when_the_text_does(
            sample in 0..SAMPLES.len(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..15_u8), 0..3),
        ) {
            let mut value: Value = serde_json::from_str(SAMPLES[sample]).unwrap();
            for (place, how) in changes {
                let place = place.index(size(&value));
                // The resource itself stays an object.
                if place > 0 {
                    change(&mut value, place, how).unwrap();
                }
            }
            prop_assert_eq!(is_wholly_public(&value), passes_as_it_is(&value), "{}", value);
        }
    }
}
