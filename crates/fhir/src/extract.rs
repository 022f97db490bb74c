//! Search terms out of the JSON of a resource: for resources of another directory, which arrive without terms, and as the
//! check of what our own forms index.

use crate::schema::{self, PARAMS, ParamType};
use crate::systems::{AS, BOOLEAN, DEVICE_STATUS};
use annuaire_base::date::PartialDate;
use annuaire_index::Term;
use serde_json::Value;

const MAILBOX: &str = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type";
const INSEE: &str = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code";

/// All values at a path of members; arrays on the way are walked through.
fn at<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for member in path.split('.') {
        found = found.into_iter().filter_map(|v| v.get(member)).flat_map(spread).collect();
    }
    found
}

fn spread(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn strings(value: &Value, path: &str) -> Vec<String> {
    at(value, path).into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Extensions of an element with this URL.
fn extensions<'a>(element: &'a Value, url: &str) -> Vec<&'a Value> {
    at(element, "extension").into_iter().filter(|e| text(e, "url") == url).collect()
}

/// (system, code) of the codings at a path.
fn codings(value: &Value, path: &str) -> Vec<(String, String)> {
    at(value, path).into_iter().map(|c| (text(c, "system").to_owned(), text(c, "code").to_owned())).collect()
}

fn trace<'a>(resource: &'a Value, part: &str) -> Vec<&'a Value> {
    let traces = at(resource, "meta").into_iter().flat_map(|m| extensions(m, &format!("{AS}as-ext-data-trace")));
    traces.flat_map(|t| extensions(t, part)).collect()
}

/// Secure mailboxes of a resource.
fn mailboxes(resource: &Value) -> Vec<&Value> {
    let mss = |t: &&Value| extensions(t, MAILBOX).iter().any(|e| e.pointer("/valueCoding/code") == Some(&"MSSANTE".into()));
    at(resource, "telecom").into_iter().filter(mss).collect()
}

/// What a reference points to: `Type/id` of this directory, without the version that it may name; anything else, as an
/// absolute URL, is another server's and stays as it is. `None` for a contained resource, and for one too long to be searched.
fn target(reference: &str) -> Option<String> {
    if reference.is_empty() || reference.starts_with('#') || reference.len() > annuaire_index::limits::TARGET {
        return None;
    }
    let parts: Vec<&str> = reference.split('/').collect();
    Some(match parts[..] {
        [ty, id] | [ty, id, "_history", _] if schema::type_id(ty).is_some() => format!("{ty}/{id}"),
        _ => reference.to_owned(),
    })
}

/// The terms of a resource of type `ty`, by the parameters of [`schema::PARAMS`] and the expressions of the guide.
#[must_use]
pub fn terms(ty: &str, resource: &Value) -> Vec<Term> {
    let mut out = Vec::new();
    for param in PARAMS.iter().filter(|p| p.types.contains(&ty)) {
        match param.kind {
            ParamType::Token => {
                let found = tokens(ty, param.name, resource).into_iter().filter(|c| !c.1.is_empty());
                out.extend(found.map(|(system, code)| Term::Token { param: param.id, system, code }));
            }
            ParamType::Text => {
                let found = texts(ty, param.name, resource).into_iter().filter(|t| !t.is_empty());
                out.extend(found.map(|value| Term::Text { param: param.id, value }));
            }
            ParamType::Reference => {
                let path = match (ty, param.name) {
                    ("Device", _) => "owner.reference",
                    ("HealthcareService", _) => "providedBy.reference",
                    (_, "partof") => "partOf.reference",
                    (_, "practitioner") => "practitioner.reference",
                    _ => "organization.reference",
                };
                let found = strings(resource, path);
                out.extend(found.iter().filter_map(|r| Some(Term::Reference { param: param.id, target: target(r)? })));
            }
            ParamType::Date => {
                let url = "http://hl7.org/fhir/StructureDefinition/organization-period";
                for period in extensions(resource, url).into_iter().filter_map(|e| e.get("valuePeriod")) {
                    for (id, member) in [(param.id, "start"), (schema::PERIOD_END, "end")] {
                        // Days only: a period of a structure is not known to the hour.
                        let day = text(period, member);
                        let day = day.get(..10).unwrap_or(day);
                        if PartialDate::parse(day).is_some() {
                            out.push(Term::Text { param: id, value: day.to_owned() });
                        }
                    }
                }
            }
            ParamType::Uri => {
                let bare = |u: &String| u.split('|').next().unwrap_or_default().to_owned();
                let found = strings(resource, "meta.profile");
                out.extend(found.iter().map(|u| Term::Uri { param: param.id, value: bare(u) }));
            }
        }
    }
    out
}

fn tokens(ty: &str, name: &str, r: &Value) -> Vec<(String, String)> {
    let plain = |system: &str, values: Vec<&Value>| {
        let as_text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        values.into_iter().map(|v| (system.to_owned(), as_text(v))).collect::<Vec<_>>()
    };
    let smartcards = |part: &str| {
        let cards = extensions(r, &format!("{AS}as-ext-smartcard")).into_iter();
        cards.flat_map(|c| extensions(c, part)).flat_map(|e| codings(e, "valueCodeableConcept.coding")).collect::<Vec<_>>()
    };
    match (ty, name) {
        (_, "active") => plain(BOOLEAN, at(r, "active")),
        (_, "status") => plain(DEVICE_STATUS, at(r, "status")),
        (_, "identifier") => {
            at(r, "identifier").into_iter().map(|i| (text(i, "system").to_owned(), text(i, "value").to_owned())).collect()
        }
        (_, "identifier-type") => codings(r, "identifier.type.coding"),
        (_, "mailbox-mss-type") => {
            let metadata = format!("{AS}as-ext-mailbox-mss-metadata");
            let kinds = mailboxes(r).into_iter().flat_map(|m| extensions(m, &metadata)).flat_map(|m| extensions(m, "type"));
            kinds.flat_map(|e| codings(e, "valueCodeableConcept.coding")).collect()
        }
        (_, "type-smartcard") => smartcards("type"),
        (_, "qualification-code") => codings(r, "qualification.code.coding"),
        (_, "data-information-system") => {
            trace(r, "systeme-information").into_iter().map(|e| (String::new(), text(e, "valueCode").to_owned())).collect()
        }
        (_, "data-registration-authority") => {
            trace(r, "autorite-enregistrement").into_iter().flat_map(|e| codings(e, "valueCodeableConcept.coding")).collect()
        }
        (_, "role") => codings(r, "code.coding"),
        (_, "type" | "service-type") => codings(r, "type.coding"),
        (_, "characteristic") => codings(r, "characteristic.coding"),
        (_, "service-category") => codings(r, "category.coding"),
        _ => Vec::new(),
    }
}

fn texts(ty: &str, name: &str, r: &Value) -> Vec<String> {
    let all = |paths: &[&str]| paths.iter().flat_map(|p| strings(r, p)).collect::<Vec<_>>();
    match (ty, name) {
        ("Organization", "name") => all(&["name", "alias"]),
        (_, "name") => all(&["name.family", "name.given", "name.prefix", "name.suffix"]),
        (_, "family") => all(&["name.family"]),
        (_, "given") => all(&["name.given"]),
        (_, "mailbox-mss") => mailboxes(r).into_iter().map(|m| text(m, "value").to_owned()).collect(),
        (_, "number-smartcard") => {
            let cards = extensions(r, &format!("{AS}as-ext-smartcard")).into_iter();
            cards.flat_map(|c| extensions(c, "number")).map(|e| text(e, "valueString").to_owned()).collect()
        }
        (_, "address") => {
            all(&["address.line", "address.city", "address.district", "address.state", "address.postalCode", "address.country"])
        }
        (_, "address-city") => all(&["address.city"]),
        (_, "address-postalcode") => all(&["address.postalCode"]),
        (_, "address-line") => all(&["address.line"]),
        (_, "address-insee") => {
            let codes = at(r, "address").into_iter().flat_map(|a| extensions(a, INSEE));
            codes.filter_map(|e| e.pointer("/valueCoding/code")?.as_str().map(str::to_owned)).collect()
        }
        (_, "pharmacy-licence") => {
            let licences = extensions(r, &format!("{AS}as-ext-organization-pharmacy-licence"));
            licences.into_iter().map(|e| text(e, "valueString").to_owned()).collect()
        }
        (_, "manufacturer") => all(&["manufacturer"]),
        (_, "model") => all(&["modelNumber"]),
        _ => Vec::new(),
    }
}
