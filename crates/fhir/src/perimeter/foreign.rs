//! The public part of a resource of another directory.
//!
//! Only the members that [`profiles`] lists pass, whatever else the resource holds. A member that passes unchanged keeps its
//! bytes, so that most resources are not copied at all.

use super::profiles::{self, Members, Rule};
use crate::raw_json::{self, RawMember};
use crate::systems::{ADELI, DIRECTORY_PROFILES, IDNPS, RPPS};
use crate::{extensions, telecom};
use serde_json::Value;
use std::borrow::Cow;

/// The public part of a resource, given as text and as the value read from it.
///
/// It is the text itself when everything passes, and `None` when nothing does: a Person, a type that is not published, a resource
/// that follows a restricted profile or carries a security label of restriction. Cost: a pass over the text.
#[must_use]
pub fn public_resource<'a>(json: &'a str, value: &Value) -> Option<Cow<'a, str>> {
    let members = members_of(value)?;
    if declares_restriction(value) { None } else { public_members(json, members) }
}

/// The public members of resources of its type; `None` for a type that is not published.
pub(super) fn members_of(resource: &Value) -> Option<Members> {
    match resource.get("resourceType")?.as_str()? {
        "Practitioner" => Some(profiles::PRACTITIONER),
        "PractitionerRole" => Some(profiles::PRACTITIONER_ROLE),
        "Organization" => Some(profiles::ORGANIZATION),
        "HealthcareService" => Some(profiles::HEALTHCARE_SERVICE),
        "Device" => Some(profiles::DEVICE),
        _ => None,
    }
}

/// Whether the resource itself declares that it is restricted: by a profile of the restricted perimeter (`as-dr-…`), or by the
/// confidentiality `R` or `V`.
pub(super) fn declares_restriction(resource: &Value) -> bool {
    let meta = |member: &str| resource.get("meta").and_then(|m| m.get(member)).and_then(Value::as_array).into_iter().flatten();
    let restricted_profile = |p: &Value| {
        let name = p.as_str().and_then(|p| p.strip_prefix(DIRECTORY_PROFILES));
        name.is_some_and(|name| name.starts_with("as-dr-"))
    };
    let restricted_label = |s: &Value| s.get("code").and_then(Value::as_str).is_some_and(|code| matches!(code, "R" | "V"));
    meta("profile").any(restricted_profile) || meta("security").any(restricted_label)
}

/// The public members of an object; `None` when it has none.
fn public_members<'a>(text: &'a str, rules: Members) -> Option<Cow<'a, str>> {
    let members = raw_json::members(text);
    let mut unchanged = true;
    let mut passed: Vec<Cow<'a, str>> = Vec::with_capacity(members.len());
    for RawMember { name, text: written, value, .. } in members {
        let rule = rules.iter().find(|(known, _)| *known == name).map(|(_, rule)| rule);
        match rule.and_then(|rule| public_value(value, rule, name.starts_with('_'))) {
            Some(Cow::Borrowed(_)) => passed.push(Cow::Borrowed(written)),
            Some(Cow::Owned(part)) => {
                passed.push(Cow::Owned(format!("\"{name}\":{part}")));
                unchanged = false;
            }
            None => unchanged = false,
        }
    }
    match (unchanged, passed.is_empty()) {
        (true, _) => Some(Cow::Borrowed(text)),
        (false, true) => None,
        (false, false) => Some(Cow::Owned(format!("{{{}}}", passed.join(",")))),
    }
}

/// The public part of the value of a member; `None` when it has none. `positional`: elements of the array belong to those of
/// another member by their position, so that one that does not pass leaves a `null`.
fn public_value<'a>(text: &'a str, rule: &Rule, positional: bool) -> Option<Cow<'a, str>> {
    if !text.starts_with('[') {
        // What is no list of identifiers is none.
        return if matches!(rule, Rule::PersonIdentifiers) { None } else { public_element(text, rule) };
    }
    let elements = raw_json::values(text);
    let national = if matches!(rule, Rule::PersonIdentifiers) { national_identifications(&elements) } else { Vec::new() };
    let practice_name = if matches!(rule, Rule::PracticeName) { position_of_practice_name(&elements) } else { None };
    let mut unchanged = true;
    let mut passed: Vec<Cow<'a, str>> = Vec::with_capacity(elements.len());
    for (position, element) in elements.into_iter().enumerate() {
        let part = match rule {
            Rule::PracticeName if practice_name != Some(position) => None,
            Rule::PersonIdentifiers if !is_public_identifier(element, &national) => None,
            Rule::Primitive | Rule::Object(_) if element == "null" => Some(Cow::Borrowed(element)),
            _ => public_element(element, rule),
        };
        unchanged &= matches!(part, Some(Cow::Borrowed(_)));
        match part {
            Some(part) => passed.push(part),
            None if positional => passed.push(Cow::Borrowed("null")),
            // Texts of an array have their places: without one of them, none passes.
            None if matches!(rule, Rule::Primitive) => return None,
            None => {}
        }
    }
    match (unchanged, passed.iter().all(|part| part == "null")) {
        (true, _) => Some(Cow::Borrowed(text)),
        (false, true) => None,
        (false, false) => Some(Cow::Owned(format!("[{}]", passed.join(",")))),
    }
}

/// The public part of one element, or of a value that is no array.
fn public_element<'a>(text: &'a str, rule: &Rule) -> Option<Cow<'a, str>> {
    if let Rule::Primitive = rule {
        return (!text.starts_with(['{', '['])).then_some(Cow::Borrowed(text));
    }
    if !text.starts_with('{') {
        return None;
    }
    match rule {
        Rule::Primitive => None,
        Rule::Object(rules) => public_members(text, rules),
        Rule::Extensions(known) => {
            let url = string_member(text, "url")?;
            let (_, rule) = known.iter().find(|(known, _)| *known == url)?;
            // An extension needs more than its URL.
            public_element(text, rule).filter(|part| raw_json::members(part).len() > 1)
        }
        Rule::OfSystem(systems, rules) => {
            let system = string_member(text, "system")?;
            systems.contains(&system.as_str()).then(|| public_members(text, rules))?
        }
        Rule::PersonIdentifiers => public_members(text, profiles::IDENTIFIER),
        Rule::PracticeName => public_members(text, profiles::PRACTICE_NAME),
        Rule::SecureMailboxes => {
            let mailbox = Mailbox::read(text)?;
            (mailbox.secure && mailbox.listed).then(|| public_members(text, profiles::SECURE_MAILBOX))?
        }
        Rule::ContactPoints => {
            let listed = Mailbox::read(text)?.listed;
            let at_home = string_member(text, "use").as_deref() == Some("home");
            (listed && !at_home).then(|| public_members(text, profiles::CONTACT_POINT))?
        }
    }
}

/// The string of a member that the object has exactly once.
fn string_member(object: &str, name: &str) -> Option<String> {
    let mut found = raw_json::members(object).into_iter().filter(|m| m.name == name);
    match (found.next(), found.next()) {
        (Some(only), None) => serde_json::from_str(only.value).ok(),
        _ => None,
    }
}

/// The national identifications among identifiers.
fn national_identifications(identifiers: &[&str]) -> Vec<String> {
    let is_national = |identifier: &&&str| string_member(identifier, "system").as_deref() == Some(IDNPS);
    identifiers.iter().filter(is_national).filter_map(|identifier| string_member(identifier, "value")).collect()
}

/// Whether an identifier of a person is public. An ADELI number is when the national identification says it already: a zero, then
/// the number. Another one stays out (data-perimeters: alternative identifiers).
fn is_public_identifier(identifier: &str, national: &[String]) -> bool {
    match string_member(identifier, "system").as_deref() {
        Some(IDNPS | RPPS) => true,
        Some(ADELI) => string_member(identifier, "value").is_some_and(|number| national.contains(&format!("0{number}"))),
        _ => false,
    }
}

/// Which of several names is the one practised under: the usual one, else the first official one or without a `use`.
fn position_of_practice_name(names: &[&str]) -> Option<usize> {
    let uses: Vec<Option<String>> =
        names.iter().map(|name| serde_json::from_str::<Value>(name).ok()?.get("use")?.as_str().map(str::to_owned)).collect();
    let usual = uses.iter().position(|u| u.as_deref() == Some("usual"));
    usual.or_else(|| uses.iter().position(|u| u.as_deref().is_none_or(|u| u == "official")))
}

/// The two properties of a contact point that decide whether it is public.
pub(super) struct Mailbox {
    /// It is a secure health mailbox.
    pub(super) secure: bool,
    /// Its holder did not ask to be left out of the directory (`listeRouge`). Other contact points are listed.
    pub(super) listed: bool,
}

impl Mailbox {
    fn read(contact_point: &str) -> Option<Self> {
        Some(Self::of(&serde_json::from_str(contact_point).ok()?))
    }

    pub(super) fn of(contact_point: &Value) -> Self {
        let secure = extensions_with(contact_point, extensions::EMAIL_TYPE)
            .any(|e| e.pointer("/valueCoding/code").and_then(Value::as_str) == Some(telecom::SECURE_MAILBOX))
            && contact_point.get("system").and_then(Value::as_str) == Some("email");
        let metadata = extensions_with(contact_point, extensions::MAILBOX_MSS_METADATA);
        let mut unlisted = metadata.flat_map(|m| extensions_with(m, "listeRouge"));
        Self { secure, listed: unlisted.all(|e| e.get("valueBoolean").and_then(Value::as_bool) == Some(false)) }
    }
}

fn extensions_with<'a>(element: &'a Value, url: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = element.get("extension").and_then(Value::as_array).into_iter().flatten();
    all.filter(move |e| e.get("url").and_then(Value::as_str) == Some(url))
}
