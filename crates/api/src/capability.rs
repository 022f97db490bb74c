//! The CapabilityStatement, generated from the table that the search itself reads.

use annuaire_fhir::schema::{Kind, PARAMS, Param};
use serde_json::{Value, json};

use crate::query::{self, Types};

/// Publication date of the statement's content.
const DATE: &str = "2026-11-24";
const IG: &str = "https://interop.esante.gouv.fr/ig/fhir/annuaire";

/// The statement of the service at `base`.
pub(crate) fn statement(base: &str, types: Types) -> Value {
    let resources: Vec<Value> = types.names().iter().map(|ty| resource(ty, types)).collect();
    json!({
        "resourceType": "CapabilityStatement",
        "url": format!("{base}/metadata"),
        "version": env!("CARGO_PKG_VERSION"),
        "name": "Annuaire",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "instantiates": [format!("{IG}/CapabilityStatement/AsServerDPCapabilityStatement")],
        "software": {"name": "annuaire", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": "Directory of health professionals and structures", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json", "application/fhir+xml", "xml"],
        "implementationGuide": [IG],
        "rest": [{
            "mode": "server",
            "resource": resources,
            "interaction": [{"code": "history-system"}],
        }],
    })
}

fn kind(param: &Param) -> &'static str {
    match param.kind {
        Kind::Token => "token",
        Kind::Text => "string",
        Kind::Reference => "reference",
        Kind::Uri => "uri",
        Kind::Date => "date",
    }
}

fn resource(ty: &str, types: Types) -> Value {
    let perimeter = if types == Types::Public { "dp" } else { "dr" };
    let profiles: Vec<String> = match ty {
        "HealthcareService" => vec!["healthcareservice-healthcare-activity", "healthcareservice-social-equipment"],
        _ => vec![ty],
    }
    .into_iter()
    .map(|p| format!("{IG}/StructureDefinition/as-{perimeter}-{}", p.to_lowercase()))
    .collect();
    let mut out = json!({
        "type": ty,
        "supportedProfile": profiles,
        "interaction": [
            {"code": "search-type"}, {"code": "read"}, {"code": "vread"},
            {"code": "history-instance"}, {"code": "history-type"},
        ],
        "versioning": "versioned",
        "readHistory": true,
        "conditionalRead": "full-support",
    });
    let mut includes: Vec<String> = query::links_from(ty).map(|p| format!("{ty}:{}", p.name)).collect();
    if !includes.is_empty() {
        includes.insert(0, "*".to_owned());
        out["searchInclude"] = json!(includes);
    }
    let reverse: Vec<String> = query::links_to(ty).map(|(source, p)| format!("{source}:{}", p.name)).collect();
    if !reverse.is_empty() {
        out["searchRevInclude"] = json!(reverse);
    }
    let mut params = vec![
        json!({"name": "_id", "definition": "http://hl7.org/fhir/SearchParameter/Resource-id", "type": "token"}),
        json!({"name": "_lastUpdated", "definition": "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated", "type": "date"}),
    ];
    params.extend(PARAMS.iter().filter(|p| p.types.contains(&ty)).map(|p| json!({"name": p.name, "type": kind(p)})));
    out["searchParam"] = json!(params);
    out
}
