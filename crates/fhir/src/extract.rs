//! Search terms out of the JSON of a resource.
//!
//! Resources of other directories arrive without terms. For the forms of this directory, which write their terms beside their
//! bytes, a test of `publish` compares both: what a form indexes is what the expressions of the guide find in its JSON.

use crate::schema::{self, PARAMS, ParamType};
use crate::systems::{BOOLEAN, DEVICE_STATUS};
use crate::{extensions, telecom};
use annuaire_base::date::PartialDate;
use annuaire_terms::{Term, limits};
use serde_json::Value;

/// The terms of a resource of type `ty`, by the parameters of [`schema::PARAMS`] and the expressions of the guide.
#[must_use]
pub fn terms(ty: &str, resource: &Value) -> Vec<Term> {
    let mut out = Vec::new();
    for param in PARAMS.iter().filter(|p| p.is_of(ty)) {
        let id = param.id;
        match param.kind {
            ParamType::Token => {
                let codes = tokens(ty, param.name, resource).into_iter().filter(|(_, code)| !code.is_empty());
                out.extend(codes.map(|(system, code)| Term::Token { param: id, system, code }));
            }
            ParamType::Text => {
                let values = texts(ty, param.name, resource).into_iter().filter(|text| !text.is_empty());
                out.extend(values.map(|value| Term::Text { param: id, value }));
            }
            // Its words are those of other parameters.
            ParamType::Sound => {}
            ParamType::Reference => {
                let references = strings_at(resource, reference_path(ty, param.name));
                out.extend(references.iter().filter_map(|r| Some(Term::Reference { param: id, target: target(r)? })));
            }
            ParamType::Date => {
                let days = period_days(resource).into_iter();
                out.extend(days.map(|(end, value)| Term::Text {
                    param: match end {
                        PeriodEnd::First => id,
                        PeriodEnd::Last => schema::PERIOD_END,
                    },
                    value,
                }));
            }
            ParamType::Uri => {
                let without_version = |uri: &String| uri.split('|').next().unwrap_or_default().to_owned();
                let profiles = strings_at(resource, "meta.profile");
                out.extend(profiles.iter().map(|uri| Term::Uri { param: id, value: without_version(uri) }));
            }
        }
    }
    if let Some(ty) = schema::type_id(ty) {
        schema::add_words(ty, &mut out);
    }
    out
}

/// System and code of each value of a token parameter.
fn tokens(ty: &str, name: &str, resource: &Value) -> Vec<(String, String)> {
    match (ty, name) {
        (_, "active") => primitives_at(resource, "active", BOOLEAN),
        (_, "status") => primitives_at(resource, "status", DEVICE_STATUS),
        (_, "identifier") => values_at(resource, "identifier")
            .into_iter()
            .map(|i| (string_of(i, "system").to_owned(), string_of(i, "value").to_owned()))
            .collect(),
        (_, "identifier-type") => codings_at(resource, "identifier.type.coding"),
        (_, "mailbox-mss-type") => {
            let metadata = mailboxes(resource).into_iter().flat_map(|m| extensions_of(m, extensions::MAILBOX_MSS_METADATA));
            concepts(metadata.flat_map(|m| extensions_of(m, "type")))
        }
        (_, "type-smartcard") => {
            concepts(extensions_of(resource, extensions::SMARTCARD).into_iter().flat_map(|c| extensions_of(c, "type")))
        }
        (_, "qualification-code") => codings_at(resource, "qualification.code.coding"),
        (_, "data-information-system") => data_trace(resource, "systeme-information")
            .into_iter()
            .map(|e| (String::new(), string_of(e, "valueCode").to_owned()))
            .collect(),
        (_, "data-registration-authority") => concepts(data_trace(resource, "autorite-enregistrement").into_iter()),
        (_, "role") => codings_at(resource, "code.coding"),
        (_, "type" | "service-type") => codings_at(resource, "type.coding"),
        (_, "characteristic") => codings_at(resource, "characteristic.coding"),
        (_, "service-category") => codings_at(resource, "category.coding"),
        _ => Vec::new(),
    }
}

/// The values of a text parameter.
fn texts(ty: &str, name: &str, resource: &Value) -> Vec<String> {
    let strings = |paths: &[&str]| paths.iter().flat_map(|p| strings_at(resource, p)).collect::<Vec<_>>();
    match (ty, name) {
        ("Organization", "name") => strings(&["name", "alias"]),
        (_, "name") => strings(&["name.family", "name.given", "name.prefix", "name.suffix"]),
        (_, "family") => strings(&["name.family"]),
        (_, "given") => strings(&["name.given"]),
        (_, "mailbox-mss") => mailboxes(resource).into_iter().map(|m| string_of(m, "value").to_owned()).collect(),
        (_, "number-smartcard") => {
            let cards = extensions_of(resource, extensions::SMARTCARD).into_iter();
            cards.flat_map(|c| extensions_of(c, "number")).map(|e| string_of(e, "valueString").to_owned()).collect()
        }
        (_, "address") => strings(&[
            "address.line",
            "address.city",
            "address.district",
            "address.state",
            "address.postalCode",
            "address.country",
        ]),
        (_, "address-city") => strings(&["address.city"]),
        (_, "address-postalcode") => strings(&["address.postalCode"]),
        (_, "address-line") => strings(&["address.line"]),
        (_, "address-insee") => {
            let codes = values_at(resource, "address").into_iter().flat_map(|a| extensions_of(a, extensions::INSEE_CODE));
            codes.filter_map(|e| e.pointer("/valueCoding/code")?.as_str().map(str::to_owned)).collect()
        }
        (_, "pharmacy-licence") => {
            let licences = extensions_of(resource, extensions::PHARMACY_LICENCE);
            licences.into_iter().map(|e| string_of(e, "valueString").to_owned()).collect()
        }
        (_, "manufacturer") => strings(&["manufacturer"]),
        (_, "model") => strings(&["modelNumber"]),
        _ => Vec::new(),
    }
}

/// The path to the links of a reference parameter.
fn reference_path(ty: &str, name: &str) -> &'static str {
    match (ty, name) {
        ("Device", _) => "owner.reference",
        ("HealthcareService", _) => "providedBy.reference",
        (_, "partof") => "partOf.reference",
        (_, "practitioner") => "practitioner.reference",
        _ => "organization.reference",
    }
}

/// The target of a reference, as it is searched: `Type/id` for a resource of this directory, without the version that the
/// reference may name, and the reference itself for another server. `None` for a contained resource, and for a reference that is
/// too long to be searched.
fn target(reference: &str) -> Option<String> {
    if reference.is_empty() || reference.starts_with('#') || reference.len() > limits::TARGET {
        return None;
    }
    let parts: Vec<&str> = reference.split('/').collect();
    Some(match parts[..] {
        [ty, id] | [ty, id, "_history", _] if schema::type_id(ty).is_some() => format!("{ty}/{id}"),
        _ => reference.to_owned(),
    })
}

enum PeriodEnd {
    First,
    Last,
}

/// First and last days of the periods of an Organization, without times: they are not known to the hour.
fn period_days(resource: &Value) -> Vec<(PeriodEnd, String)> {
    let mut days = Vec::new();
    for period in extensions_of(resource, extensions::ORGANIZATION_PERIOD).into_iter().filter_map(|e| e.get("valuePeriod")) {
        for (end, member) in [(PeriodEnd::First, "start"), (PeriodEnd::Last, "end")] {
            let instant = string_of(period, member);
            let day = instant.get(..10).unwrap_or(instant);
            if PartialDate::parse(day).is_some() {
                days.push((end, day.to_owned()));
            }
        }
    }
    days
}

/// Parts of the data trace with this URL.
fn data_trace<'a>(resource: &'a Value, part: &str) -> Vec<&'a Value> {
    let traces = values_at(resource, "meta").into_iter().flat_map(|m| extensions_of(m, extensions::DATA_TRACE));
    traces.flat_map(|t| extensions_of(t, part)).collect()
}

/// Secure mailboxes of a resource.
fn mailboxes(resource: &Value) -> Vec<&Value> {
    let secure = |contact_point: &&Value| {
        let mut kinds = extensions_of(contact_point, extensions::EMAIL_TYPE).into_iter();
        kinds.any(|e| e.pointer("/valueCoding/code") == Some(&telecom::SECURE_MAILBOX.into()))
    };
    values_at(resource, "telecom").into_iter().filter(secure).collect()
}

/// All values at a path of members separated by points; each element of an array on the way is followed.
fn values_at<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for member in path.split('.') {
        found = found.into_iter().filter_map(|v| v.get(member)).flat_map(elements).collect();
    }
    found
}

/// The elements of an array, or the value itself.
fn elements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    }
}

fn string_of<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn strings_at(value: &Value, path: &str) -> Vec<String> {
    values_at(value, path).into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Codes and booleans at a path, under one system.
fn primitives_at(value: &Value, path: &str, system: &str) -> Vec<(String, String)> {
    let as_text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    values_at(value, path).into_iter().map(|v| (system.to_owned(), as_text(v))).collect()
}

/// System and code of the codings at a path.
fn codings_at(value: &Value, path: &str) -> Vec<(String, String)> {
    let coding = |c: &Value| (string_of(c, "system").to_owned(), string_of(c, "code").to_owned());
    values_at(value, path).into_iter().map(coding).collect()
}

/// System and code of the CodeableConcepts that extensions hold.
fn concepts<'a>(extensions: impl Iterator<Item = &'a Value>) -> Vec<(String, String)> {
    extensions.flat_map(|e| codings_at(e, "valueCodeableConcept.coding")).collect()
}

/// Extensions of an element with this URL.
fn extensions_of<'a>(element: &'a Value, url: &str) -> Vec<&'a Value> {
    values_at(element, "extension").into_iter().filter(|e| string_of(e, "url") == url).collect()
}
