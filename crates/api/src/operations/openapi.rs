//! `GET [base]/openapi.json`: the interface of the perimeter as an OpenAPI 3.1 document. No resource type has a dot in its name, so
//! that the address is no resource's.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::described::{AnswerKind, AskedBody, DescribedRequest, DescribedService, QueryWords, criteria, readable};
use crate::answer::{Answer, AnswerMedia};
use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::ApiError;

/// The document of the perimeter, as its client reaches it.
pub(crate) fn openapi<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 0]) -> Result<Answer, ApiError> {
    call.subject.route = "openapi";
    let body = readable(&document(&DescribedService::of::<P>(pass, call)));
    Ok(Answer { media: AnswerMedia::Json, ..Answer::fhir(StatusCode::OK, body) })
}

const FHIR: [&str; 2] = ["application/fhir+json", "application/fhir+xml"];

fn document(service: &DescribedService) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut add = |path: String, request: &DescribedRequest, ty: Option<&str>| {
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[request.method] = operation(request, ty);
    };
    for request in service.requests() {
        if request.path.starts_with("/{type}") {
            for ty in service.types.names() {
                add(request.path.replacen("{type}", ty, 1), request, Some(ty));
            }
        } else {
            add(request.path.to_owned(), request, None);
        }
    }
    let mut out = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Annuaire santé, FHIR R4",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every refusal is an OperationOutcome. A stable name is in issue.details.coding, what to do in issue.details.text.",
            "license": {"name": "Licence Ouverte 2.0", "url": "https://www.etalab.gouv.fr/licence-ouverte-open-licence/"},
        },
        "servers": [{"url": service.base}],
        "paths": paths,
        "components": {"schemas": schemas()},
    });
    let scheme = match service.key {
        Some("Authorization") => json!({"type": "http", "scheme": "bearer"}),
        Some(header) => json!({"type": "apiKey", "in": "header", "name": header}),
        None => return out,
    };
    out["components"]["securitySchemes"] = json!({"key": scheme});
    out["security"] = json!([{"key": []}]);
    out
}

fn schemas() -> Value {
    let resource =
        |name: &str| json!({"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"const": name}}});
    let mut bundle = resource("Bundle");
    bundle["properties"]["total"] = json!({"type": "integer"});
    bundle["properties"]["link"] = json!({
        "type": "array",
        "items": {"type": "object", "properties": {"relation": {"type": "string"}, "url": {"type": "string"}}},
    });
    bundle["properties"]["entry"] = json!({
        "type": "array",
        "items": {"type": "object", "properties": {"fullUrl": {"type": "string"}, "resource": {"$ref": "#/components/schemas/Resource"}}},
    });
    let mut outcome = resource("OperationOutcome");
    outcome["properties"]["issue"] = json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["severity", "code"],
            "properties": {
                "severity": {"type": "string"},
                "code": {"type": "string"},
                "details": {"type": "object"},
                "diagnostics": {"type": "string"},
            },
        },
    });
    json!({
        "Resource": {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"type": "string"}}},
        "Bundle": bundle,
        "OperationOutcome": outcome,
    })
}

fn operation(request: &DescribedRequest, ty: Option<&str>) -> Value {
    let id = format!("{}{}", request.id, ty.unwrap_or_default());
    let words = ty.map_or_else(|| request.words.to_owned(), |ty| format!("{} ({ty})", request.words));
    let mut parameters: Vec<Value> = path_parameters(request.path)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let is_search = ty.is_some() && request.answer == AnswerKind::Bundle && request.id.starts_with("search");
    if let Some(ty) = ty.filter(|_| is_search && request.body == AskedBody::Nothing) {
        parameters.extend(criteria(ty).into_iter().map(|(name, kind, words)| query_parameter(name, kind, words, false)));
    }
    parameters.extend(
        request.query.iter().map(|&QueryWords { name, kind, words, required }| query_parameter(name, kind, words, required)),
    );
    let mut out = json!({"operationId": id, "summary": words, "tags": [ty.unwrap_or("Annuaire")]});
    if !parameters.is_empty() {
        out["parameters"] = parameters.into();
    }
    if let Some(body) = body(request, ty) {
        out["requestBody"] = body;
    }
    out["responses"] = responses(request);
    out
}

/// Names of the parameters of a path, without the type.
fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).filter(|name| *name != "type")
}

fn query_parameter(name: &str, kind: &str, words: &str, required: bool) -> Value {
    let schema = if kind == "number" { json!({"type": "integer"}) } else { json!({"type": "string"}) };
    let mut out = json!({"name": name, "in": "query", "description": format!("{kind}: {words}"), "schema": schema});
    if required {
        out["required"] = true.into();
    }
    out
}

fn body(request: &DescribedRequest, ty: Option<&str>) -> Option<Value> {
    let (media, schema) = match request.body {
        AskedBody::Nothing => return None,
        AskedBody::SearchForm => {
            let names = criteria(ty.unwrap_or_default()).into_iter().map(|(name, ..)| name);
            let shaping = super::described::SHAPING.iter().map(|words| words.name);
            let properties: Map<String, Value> =
                names.chain(shaping).map(|name| (name.to_owned(), json!({"type": "string"}))).collect();
            ("application/x-www-form-urlencoded", json!({"type": "object", "properties": properties}))
        }
        AskedBody::Parameters | AskedBody::Subscription => (FHIR[0], json!({"$ref": "#/components/schemas/Resource"})),
    };
    Some(json!({"content": {media: {"schema": schema}}}))
}

fn responses(request: &DescribedRequest) -> Value {
    let reference = |name: &str| json!({"schema": {"$ref": format!("#/components/schemas/{name}")}});
    let both = |name: &str| json!({FHIR[0]: reference(name), FHIR[1]: {}});
    let success = |content: Value| json!({"description": "The answer", "content": content});
    let refusal = json!({"description": "A refusal", "content": both("OperationOutcome")});
    let (status, answer) = match request.answer {
        AnswerKind::Resource | AnswerKind::Fhir => ("200", success(both("Resource"))),
        AnswerKind::Bundle => ("200", success(both("Bundle"))),
        AnswerKind::Json => ("200", success(json!({"application/json": {}}))),
        AnswerKind::Lines => ("200", success(json!({"application/x-ndjson": {}}))),
        AnswerKind::Text => ("200", success(json!({"text/plain": {}}))),
        AnswerKind::Accepted => ("202", json!({"description": "Begun or done"})),
    };
    let mut out = json!({status: answer, "default": refusal});
    if request.answer == AnswerKind::Resource {
        out["304"] = json!({"description": "The client has this version"});
        out["410"] = json!({"description": "It left the directory", "content": both("OperationOutcome")});
    }
    out
}
