//! What a resource of another directory shows in public: by enumeration of members, as the public profiles of the guide list
//! them. What is not named here is left out, whatever it is called; what stays keeps its bytes.

use crate::raw::{self, Member};
use serde_json::Value;
use std::borrow::Cow;

const AS: &str = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/";
const EMAIL: &str = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type";
const METADATA: &str = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata";

/// What passes of a value. Rules hold for each element of an array.
enum Rule {
    /// Texts, numbers and booleans.
    Plain,
    /// Objects, of which these members.
    Object(&'static [(&'static str, Rule)]),
    /// Extensions with these URLs, of which these members.
    Extensions(&'static [(&'static str, Rule)]),
    /// Objects, of which these members, when their `system` is one of these.
    Systems(&'static [&'static str], &'static [(&'static str, Rule)]),
    /// The name that a professional practises under: one.
    Name,
    /// Contact points of a person: listed secure mailboxes only.
    Mailboxes,
    /// Contact points of a structure: all but unlisted mailboxes.
    Contacts,
}

use Rule::{Contacts, Extensions, Mailboxes, Name, Object, Plain, Systems};

type Members = &'static [(&'static str, Rule)];

const CODING: Rule =
    Object(&[("system", Plain), ("version", Plain), ("code", Plain), ("display", Plain), ("userSelected", Plain)]);
const CONCEPT: Rule = Object(&[("coding", CODING), ("text", Plain)]);
const PERIOD: Rule = Object(&[("start", Plain), ("end", Plain)]);
const QUANTITY: Rule = Object(&[("value", Plain), ("unit", Plain), ("system", Plain), ("code", Plain)]);
const RANGE: Rule = Object(&[("low", QUANTITY), ("high", QUANTITY)]);
/// The text of a link to a person may be another name than the one practised under.
const PERSON: Rule = Object(&[("reference", Plain), ("type", Plain)]);
const STRUCTURE: Rule = Object(&[("reference", Plain), ("type", Plain), ("display", Plain)]);
const IDENTIFIER: Members = &[("use", Plain), ("type", CONCEPT), ("system", Plain), ("value", Plain)];

const OF_CONCEPT: Rule = Object(&[("url", Plain), ("valueCodeableConcept", CONCEPT)]);
const OF_CODING: Rule = Object(&[("url", Plain), ("valueCoding", CODING)]);
const OF_TEXT: Rule = Object(&[("url", Plain), ("valueString", Plain)]);
const OF_CODE: Rule = Object(&[("url", Plain), ("valueCode", Plain)]);
const OF_DATE: Rule = Object(&[("url", Plain), ("valueDate", Plain)]);
const OF_INSTANT: Rule = Object(&[("url", Plain), ("valueDateTime", Plain)]);
const OF_BOOLEAN: Rule = Object(&[("url", Plain), ("valueBoolean", Plain)]);
const OF_INTEGER: Rule = Object(&[("url", Plain), ("valueInteger", Plain)]);
const OF_PERIOD: Rule = Object(&[("url", Plain), ("valuePeriod", PERIOD)]);
const OF_RANGE: Rule = Object(&[("url", Plain), ("valueRange", RANGE)]);

const TRACE: Rule = Extensions(&[(
    "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-data-trace",
    Object(&[
        ("url", Plain),
        (
            "extension",
            Extensions(&[("autorite-enregistrement", OF_CONCEPT), ("systeme-information", OF_CODE), ("date-maj-ae", OF_DATE)]),
        ),
    ]),
)]);
const META: Rule =
    Object(&[("extension", TRACE), ("versionId", Plain), ("lastUpdated", Plain), ("source", Plain), ("profile", Plain)]);
const CONTACT: Members = &[
    (
        "extension",
        Extensions(&[
            (EMAIL, OF_CODING),
            (
                METADATA,
                Object(&[
                    ("url", Plain),
                    (
                        "extension",
                        Extensions(&[
                            ("type", OF_CONCEPT),
                            ("description", OF_TEXT),
                            ("service", OF_TEXT),
                            ("listeRouge", OF_BOOLEAN),
                        ]),
                    ),
                ]),
            ),
        ]),
    ),
    ("system", Plain),
    ("value", Plain),
    ("use", Plain),
    ("rank", Plain),
];
const MAILBOX: Members = &[
    (
        "extension",
        Extensions(&[
            (EMAIL, OF_CODING),
            (
                METADATA,
                Object(&[
                    ("url", Plain),
                    ("extension", Extensions(&[("type", OF_CONCEPT), ("description", OF_TEXT), ("service", OF_TEXT)])),
                ]),
            ),
        ]),
    ),
    ("system", Plain),
    ("value", Plain),
    ("use", Plain),
    ("rank", Plain),
];
const LINE: Rule = Object(&[(
    "extension",
    Extensions(&[
        ("http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-careOf", OF_TEXT),
        ("http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-additionalLocator", OF_TEXT),
        ("http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-houseNumber", OF_TEXT),
        ("http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-buildingNumberSuffix", OF_TEXT),
        ("http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetNameType", OF_TEXT),
        ("http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetNameBase", OF_TEXT),
        ("http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-postBox", OF_TEXT),
        ("https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-lieu-dit", OF_TEXT),
    ]),
)]);
const ADDRESS: Rule = Object(&[
    ("extension", Extensions(&[("https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code", OF_CODING)])),
    ("use", Plain),
    ("type", Plain),
    ("text", Plain),
    ("line", Plain),
    ("_line", LINE),
    ("city", Plain),
    ("district", Plain),
    ("state", Plain),
    ("postalCode", Plain),
    ("country", Plain),
]);
const AUTHORIZATION: (&str, Rule) = (
    "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-authorization",
    Object(&[
        ("url", Plain),
        (
            "extension",
            Extensions(&[
                ("dateAuthorization", OF_DATE),
                ("periodAuthorization", OF_PERIOD),
                ("dateUpdateAuthorization", OF_DATE),
                ("deletedAuthorization", OF_BOOLEAN),
            ]),
        ),
    ]),
);

const PRACTITIONER: Members = &[
    ("resourceType", Plain),
    ("id", Plain),
    ("meta", META),
    ("language", Plain),
    (
        "extension",
        Extensions(&[
            (
                "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-practitioner-authorization",
                Object(&[
                    ("url", Plain),
                    (
                        "extension",
                        Extensions(&[
                            ("type", OF_CONCEPT),
                            ("period", OF_PERIOD),
                            ("field", OF_CONCEPT),
                            ("profession", OF_CONCEPT),
                        ]),
                    ),
                ]),
            ),
            (
                "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-smartcard",
                Object(&[
                    ("url", Plain),
                    ("extension", Extensions(&[("type", OF_CONCEPT), ("number", OF_TEXT), ("period", OF_PERIOD)])),
                ]),
            ),
        ]),
    ),
    // A social security number is an identifier too: only the two that the profile names.
    ("identifier", Systems(&["urn:oid:1.2.250.1.71.4.2.1", "https://rpps.esante.gouv.fr"], IDENTIFIER)),
    ("active", Plain),
    ("name", Name),
    ("telecom", Mailboxes),
    ("qualification", Object(&[("code", CONCEPT)])),
];
const ROLE: Members = &[
    ("resourceType", Plain),
    ("id", Plain),
    ("meta", META),
    ("language", Plain),
    ("identifier", Systems(&["https://rpps.esante.gouv.fr", "https://annuaire.sante.fr"], IDENTIFIER)),
    ("active", Plain),
    ("practitioner", PERSON),
    ("organization", STRUCTURE),
    ("code", CONCEPT),
    ("telecom", Mailboxes),
];
const ORGANIZATION: Members = &[
    ("resourceType", Plain),
    ("id", Plain),
    ("meta", META),
    ("language", Plain),
    (
        "extension",
        Extensions(&[
            ("http://hl7.org/fhir/StructureDefinition/organization-period", OF_PERIOD),
            ("https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization-short-name", OF_TEXT),
            ("https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-organization-raison-sociale", OF_TEXT),
            ("https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-pharmacy-licence", OF_TEXT),
            ("https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-pricing-model", OF_CONCEPT),
            ("https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-closing-type", OF_CONCEPT),
            ("https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-budget-type", OF_TEXT),
            (
                "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-authorization-deadline",
                Object(&[("url", Plain), ("extension", Extensions(&[("endDate", OF_INSTANT), ("indicator", OF_BOOLEAN)]))]),
            ),
        ]),
    ),
    ("identifier", Object(IDENTIFIER)),
    ("active", Plain),
    (
        "type",
        Object(&[
            (
                "extension",
                Extensions(&[(
                    "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-organization-types",
                    OF_CODE,
                )]),
            ),
            ("coding", CODING),
            ("text", Plain),
        ]),
    ),
    ("name", Plain),
    ("alias", Plain),
    ("telecom", Contacts),
    ("address", ADDRESS),
    ("partOf", STRUCTURE),
];
const SERVICE: Members = &[
    ("resourceType", Plain),
    ("id", Plain),
    ("meta", META),
    ("language", Plain),
    (
        "extension",
        Extensions(&[
            AUTHORIZATION,
            (
                "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-installation",
                Object(&[
                    ("url", Plain),
                    (
                        "extension",
                        Extensions(&[
                            ("dateFirstInstallation", OF_DATE),
                            ("dateLastInstallation", OF_DATE),
                            ("deletedInstallation", OF_BOOLEAN),
                        ]),
                    ),
                ]),
            ),
            (
                "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-patient-type",
                Object(&[
                    ("url", Plain),
                    ("extension", Extensions(&[("authorizedAgeRange", OF_RANGE), ("installedAgeRange", OF_RANGE)])),
                ]),
            ),
            (
                "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-supported-capacity",
                Object(&[
                    ("url", Plain),
                    (
                        "extension",
                        Extensions(&[
                            ("capacityAvailable", OF_INTEGER),
                            ("femaleCapacityAvailable", OF_INTEGER),
                            ("maleCapacityAvailable", OF_INTEGER),
                            ("socialAssistanceCapacityAvailable", OF_INTEGER),
                            ("installedCapacity", OF_INTEGER),
                            ("femaleInstalledCapacity", OF_INTEGER),
                            ("maleInstalledCapacity", OF_INTEGER),
                            ("socialAssistanceInstalledCapacity", OF_INTEGER),
                        ]),
                    ),
                ]),
            ),
        ]),
    ),
    ("identifier", Object(IDENTIFIER)),
    ("active", Plain),
    ("providedBy", STRUCTURE),
    ("category", CONCEPT),
    ("type", CONCEPT),
    ("eligibility", Object(&[("code", CONCEPT)])),
    ("characteristic", CONCEPT),
];
const DEVICE: Members = &[
    ("resourceType", Plain),
    ("id", Plain),
    ("meta", META),
    ("language", Plain),
    ("extension", Extensions(&[AUTHORIZATION])),
    ("identifier", Object(IDENTIFIER)),
    ("status", Plain),
    ("manufacturer", Plain),
    ("serialNumber", Plain),
    ("type", CONCEPT),
    ("owner", STRUCTURE),
];

/// What is public of a resource: the text itself when all of it is, `None` when nothing is (a Person, a type that is not
/// published, one that says that it is restricted).
pub(crate) fn resource<'a>(json: &'a str, value: &Value) -> Option<Cow<'a, str>> {
    let members = match value.get("resourceType")?.as_str()? {
        "Practitioner" => PRACTITIONER,
        "PractitionerRole" => ROLE,
        "Organization" => ORGANIZATION,
        "HealthcareService" => SERVICE,
        "Device" => DEVICE,
        _ => return None,
    };
    let meta = |member: &str| value.get("meta").and_then(|m| m.get(member)).and_then(Value::as_array);
    let restricted = |p: &Value| p.as_str().is_some_and(|p| p.starts_with(AS) && p[AS.len()..].starts_with("as-dr-"));
    let closed = |s: &Value| s.get("code").and_then(Value::as_str).is_some_and(|code| matches!(code, "R" | "V"));
    if meta("profile").is_some_and(|p| p.iter().any(restricted)) || meta("security").is_some_and(|s| s.iter().any(closed)) {
        return None;
    }
    object(json, members)
}

/// The members of an object that pass; `None` when none does.
fn object<'a>(text: &'a str, rules: Members) -> Option<Cow<'a, str>> {
    let all = raw::members(text);
    let (mut kept, mut whole): (Vec<Cow<'a, str>>, bool) = (Vec::with_capacity(all.len()), true);
    for Member { name, whole: written, value, .. } in all {
        let Some((_, rule)) = rules.iter().find(|(known, _)| *known == name) else {
            whole = false;
            continue;
        };
        match pass(value, rule, name.starts_with('_')) {
            Some(Cow::Borrowed(_)) => kept.push(Cow::Borrowed(written)),
            Some(Cow::Owned(part)) => {
                kept.push(Cow::Owned(format!("\"{name}\":{part}")));
                whole = false;
            }
            None => whole = false,
        }
    }
    match (whole, kept.is_empty()) {
        (true, _) => Some(Cow::Borrowed(text)),
        (false, true) => None,
        (false, false) => Some(Cow::Owned(format!("{{{}}}", kept.join(",")))),
    }
}

/// What passes of a member; `None` when nothing does. `beside` is set for a member whose elements go with those of another one
/// by their position.
fn pass<'a>(text: &'a str, rule: &Rule, beside: bool) -> Option<Cow<'a, str>> {
    if !text.starts_with('[') {
        return one(text, rule);
    }
    let all = raw::values(text);
    let chosen = if matches!(rule, Name) { practised(&all) } else { None };
    let mut whole = true;
    let mut kept: Vec<Cow<'a, str>> = Vec::with_capacity(all.len());
    for (place, value) in all.into_iter().enumerate() {
        let passed = match rule {
            Name if chosen != Some(place) => None,
            Plain | Object(_) if value == "null" => Some(Cow::Borrowed(value)),
            _ => one(value, rule),
        };
        whole &= matches!(passed, Some(Cow::Borrowed(_)));
        match passed {
            Some(part) => kept.push(part),
            None if beside => kept.push(Cow::Borrowed("null")),
            // A text among others has its place.
            None if matches!(rule, Plain) => return None,
            None => {}
        }
    }
    match (whole, kept.iter().all(|part| part == "null")) {
        (true, _) => Some(Cow::Borrowed(text)),
        (false, true) => None,
        (false, false) => Some(Cow::Owned(format!("[{}]", kept.join(",")))),
    }
}

fn one<'a>(text: &'a str, rule: &Rule) -> Option<Cow<'a, str>> {
    if let Plain = rule {
        return (!text.starts_with(['{', '['])).then_some(Cow::Borrowed(text));
    }
    if !text.starts_with('{') {
        return None;
    }
    let member = |name: &str| {
        let found = raw::members(text).into_iter().filter(|m| m.name == name).collect::<Vec<_>>();
        match found.as_slice() {
            [one] => serde_json::from_str::<String>(one.value).ok(),
            _ => None,
        }
    };
    match rule {
        Plain => None,
        Object(rules) => object(text, rules),
        Extensions(known) => {
            let url = member("url")?;
            let (_, rule) = known.iter().find(|(known, _)| *known == url)?;
            // An extension that says nothing but its name is none.
            one(text, rule).filter(|part| raw::members(part).len() > 1)
        }
        Systems(known, rules) => {
            let system = member("system")?;
            known.contains(&system.as_str()).then(|| object(text, rules))?
        }
        Name => object(
            text,
            &[("use", Plain), ("text", Plain), ("family", Plain), ("given", Plain), ("prefix", Plain), ("suffix", Plain)],
        ),
        Mailboxes => {
            let (secure, listed) = mailbox(text);
            (secure && listed).then(|| object(text, MAILBOX))?
        }
        Contacts => {
            let (_, listed) = mailbox(text);
            (listed && member("use").as_deref() != Some("home")).then(|| object(text, CONTACT))?
        }
    }
}

/// Which of several names is the one practised under: the usual one, else the first that is not said to be another one.
fn practised(names: &[&str]) -> Option<usize> {
    let using: Vec<Option<String>> =
        names.iter().map(|name| serde_json::from_str::<Value>(name).ok()?.get("use")?.as_str().map(str::to_owned)).collect();
    let usual = using.iter().position(|u| u.as_deref() == Some("usual"));
    usual.or_else(|| using.iter().position(|u| u.as_deref().is_none_or(|u| u == "official")))
}

/// Whether a contact point is a secure mailbox, and whether it is listed (everything else is).
fn mailbox(text: &str) -> (bool, bool) {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return (false, false) };
    let extensions = |of: &Value, url: &str| -> Vec<Value> {
        let all = of.get("extension").and_then(Value::as_array).cloned().unwrap_or_default();
        all.into_iter().filter(|e| e.get("url").and_then(Value::as_str) == Some(url)).collect()
    };
    let secure = extensions(&value, EMAIL).iter().any(|e| e.pointer("/valueCoding/code") == Some(&"MSSANTE".into()))
        && value.get("system") == Some(&"email".into());
    let metadata = extensions(&value, METADATA);
    let unlisted =
        metadata.iter().flat_map(|m| extensions(m, "listeRouge")).any(|e| e.get("valueBoolean") != Some(&false.into()));
    (secure, !unlisted)
}
