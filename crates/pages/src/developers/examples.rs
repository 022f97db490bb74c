//! Examples of requests, made of what the directory has at present, so that each one answers something.

use annuaire_index::{Error, Filter, Row, Snapshot};
use annuaire_terms::TypeId;
use serde_json::Value;

use super::form::query_text;
use crate::limits;
use crate::resource::is_active;

/// A request that answers something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiExample {
    /// Its address below that of the API.
    pub path: String,
    /// What it asks.
    pub words: &'static str,
}

/// A kind of example: what it asks, and how it is made from a resource.
type ExampleMaker = (&'static str, fn(&Value) -> Option<String>);

/// Resources of a type, with examples.
pub(crate) struct ResourceExamples {
    /// How many there are.
    pub total: u64,
    pub examples: Vec<ApiExample>,
}

/// How many resources of a type there are, and examples of requests. Reads some of them.
pub(crate) fn examples(snapshot: &Snapshot, ty: TypeId, name: &str) -> Result<ResourceExamples, Error> {
    let rows = snapshot.search(ty, &Filter::All)?;
    let mut found: Vec<Option<String>> = vec![None; makers(name).len()];
    for row in rows.iter().take(limits::EXAMPLES_READ) {
        let version = snapshot.read(Row::new(row))?;
        let resource: Value = serde_json::from_slice(version.body()).unwrap_or(Value::Null);
        // What left says too little of itself.
        if !is_active(&resource) {
            continue;
        }
        for (place, (_, make)) in found.iter_mut().zip(makers(name)) {
            if place.is_none() {
                *place = make(&resource);
            }
        }
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    let examples = found.into_iter().zip(makers(name)).filter_map(|(query, (words, _))| {
        let query = query?;
        let path = if query.starts_with('/') { format!("{name}{query}") } else { format!("{name}?{query}") };
        Some(ApiExample { path, words })
    });
    Ok(ResourceExamples { total: rows.len(), examples: examples.collect() })
}

fn text<'a>(resource: &'a Value, pointer: &str) -> Option<&'a str> {
    resource.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// `name=value` with the text at a pointer.
fn with(resource: &Value, name: &str, pointer: &str) -> Option<String> {
    Some(format!("{name}={}", query_text(text(resource, pointer)?)))
}

/// `name=system|code` with the coding at a pointer.
fn with_code(resource: &Value, name: &str, pointer: &str) -> Option<String> {
    let coding = resource.pointer(pointer)?;
    Some(format!("{name}={}%7C{}", query_text(text(coding, "/system")?), query_text(text(coding, "/code")?)))
}

/// A number of a resource, with its system.
fn number(resource: &Value) -> Option<String> {
    let identifier = resource.pointer("/identifier/0")?;
    Some(format!("identifier={}%7C{}", query_text(text(identifier, "/system")?), query_text(text(identifier, "/value")?)))
}

fn by_id(resource: &Value) -> Option<String> {
    Some(format!("/{}", query_text(text(resource, "/id")?)))
}

/// Part of the address of the terminology of professions.
const PROFESSIONS: &str = "TRE_G15-ProfessionSante";

const READ: ExampleMaker = ("Lire une ressource", by_id);
const NUMBER: ExampleMaker = ("Chercher par un numéro", number);
const OF_STRUCTURE: ExampleMaker = ("Chercher par la structure, et la recevoir avec", |r| {
    let reference = text(r, "/organization/reference")
        .or_else(|| text(r, "/providedBy/reference"))
        .or_else(|| text(r, "/owner/reference"))?;
    let ty = text(r, "/resourceType")?;
    Some(format!("organization={}&_include={ty}:organization", query_text(reference)))
});

const PRACTITIONER: &[ExampleMaker] = &[
    ("Chercher par le nom, avec les situations d’exercice", |r| {
        Some(format!("{}&_revinclude=PractitionerRole:practitioner", with(r, "family", "/name/0/family")?))
    }),
    ("Chercher par la profession, dix par page", |r| {
        let codings = r["qualification"].as_array()?.iter().filter_map(|one| one["code"]["coding"].as_array()).flatten();
        let profession =
            codings.into_iter().find(|coding| text(coding, "/system").is_some_and(|system| system.contains(PROFESSIONS)))?;
        Some(format!("{}&_count=10", with_code(profession, "qualification-code", "")?))
    }),
    NUMBER,
    READ,
];
const PRACTITIONER_ROLE: &[ExampleMaker] = &[
    ("Chercher par le professionnel, et le recevoir avec", |r| {
        Some(format!("{}&_include=PractitionerRole:practitioner", with(r, "practitioner", "/practitioner/reference")?))
    }),
    OF_STRUCTURE,
    ("Chercher par la fonction ou le mode d’exercice", |r| with_code(r, "role", "/code/0/coding/0")),
    READ,
];
const ORGANIZATION: &[ExampleMaker] = &[
    ("Chercher par la commune, avec ceux qui y exercent", |r| {
        Some(format!("{}&_revinclude=PractitionerRole:organization", with(r, "address-city", "/address/0/city")?))
    }),
    ("Chercher par le code postal", |r| with(r, "address-postalcode", "/address/0/postalCode")),
    ("Chercher par la catégorie", |r| with_code(r, "type", "/type/0/coding/0")),
    ("Chercher les établissements d’une entité juridique", |r| with(r, "partof", "/partOf/reference")),
    NUMBER,
    READ,
];
const HEALTHCARE_SERVICE: &[ExampleMaker] = &[OF_STRUCTURE, NUMBER, READ];
const DEVICE: &[ExampleMaker] =
    &[OF_STRUCTURE, ("Chercher par le type", |r| with_code(r, "type", "/type/coding/0")), NUMBER, READ];

fn makers(ty: &str) -> &'static [ExampleMaker] {
    match ty {
        "Practitioner" => PRACTITIONER,
        "PractitionerRole" => PRACTITIONER_ROLE,
        "Organization" => ORGANIZATION,
        "HealthcareService" => HEALTHCARE_SERVICE,
        "Device" => DEVICE,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_example_is_made_of_what_a_resource_has_alone() {
        let device = json!({"resourceType": "Device", "id": "002-1", "owner": {"reference": "Organization/001-1"}});
        let made: Vec<Option<String>> = makers("Device").iter().map(|(_, make)| make(&device)).collect();
        let owner = "organization=Organization/001-1&_include=Device:organization".to_owned();
        assert_eq!(made, [Some(owner), None, None, Some("/002-1".to_owned())]);
        assert!(makers("Person").is_empty());
    }
}
