//! The CapabilityStatement, generated from the table that the search itself reads.

use annuaire_fhir::schema::{Kind, PARAMS, TYPES};
use serde_json::{Value, json};

use crate::query;

/// Publication date of the statement's content.
const DATE: &str = "2026-07-01";

/// The statement of the service at `base`.
pub(crate) fn statement(base: &str) -> Value {
    let resources: Vec<Value> = TYPES.iter().map(|ty| resource(ty)).collect();
    json!({
        "resourceType": "CapabilityStatement",
        "name": "Annuaire",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": "annuaire", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": "Directory of health professionals and structures", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "resource": resources,
            "interaction": [{"code": "history-system"}],
        }],
    })
}

fn resource(ty: &str) -> Value {
    let mut params = vec![json!({"name": "_id", "type": "token"}), json!({"name": "_lastUpdated", "type": "date"})];
    params.extend(PARAMS.iter().filter(|p| p.types.contains(&ty)).map(|p| {
        let kind = match p.kind {
            Kind::Token => "token",
            Kind::Text => "string",
            Kind::Reference => "reference",
            Kind::Uri => "uri",
        };
        json!({"name": p.name, "type": kind})
    }));
    let mut out = json!({
        "type": ty,
        "interaction": [
            {"code": "search-type"}, {"code": "read"}, {"code": "vread"},
            {"code": "history-instance"}, {"code": "history-type"},
        ],
        "versioning": "versioned",
        "readHistory": true,
        "conditionalRead": "not-match",
        "searchParam": params,
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
    out
}
