//! `GET [base]/postman.json`: the interface of the perimeter as a Postman collection (format 2.1). No resource type has a dot in
//! its name, so that the address is no resource's.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::described::{AnswerKind, AskedBody, DescribedRequest, DescribedService, criteria, readable};
use crate::answer::{Answer, AnswerMedia};
use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::ApiError;

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

/// The collection of the perimeter, as its client reaches it.
pub(crate) fn postman<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 0]) -> Result<Answer, ApiError> {
    call.subject.route = "postman";
    let body = readable(&collection(&DescribedService::of::<P>(pass, call)));
    Ok(Answer { media: AnswerMedia::Json, ..Answer::fhir(StatusCode::OK, body) })
}

fn collection(service: &DescribedService) -> Value {
    let of_type = |request: &&DescribedRequest| request.path.starts_with("/{type}");
    let folder = |ty: &&'static str| {
        let items: Vec<Value> = service.requests().filter(of_type).map(|request| item(service, request, Some(ty))).collect();
        json!({"name": ty, "item": items})
    };
    let own: Vec<Value> = service.requests().filter(|r| !of_type(r)).map(|request| item(service, request, None)).collect();
    let folders = service.types.names().iter().map(folder).chain([json!({"name": "Annuaire", "item": own})]);
    let mut variables = vec![json!({"key": "base", "value": service.base})];
    if service.key.is_some() {
        variables.push(json!({"key": "key", "value": ""}));
    }
    json!({
        "info": {"name": "Annuaire santé, FHIR R4", "schema": SCHEMA},
        "item": folders.collect::<Vec<Value>>(),
        "variable": variables,
    })
}

fn item(service: &DescribedService, request: &DescribedRequest, ty: Option<&'static str>) -> Value {
    let segments: Vec<String> = request
        .path
        .split('/')
        .skip(1)
        .map(|segment| match (segment, ty) {
            ("{type}", Some(ty)) => ty.to_owned(),
            _ => match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) => format!(":{name}"),
                None => segment.to_owned(),
            },
        })
        .collect();
    let is_search = ty.is_some() && request.answer == AnswerKind::Bundle && request.id.starts_with("search");
    let own: Vec<(&str, &str, &str)> = ty.filter(|_| is_search).map(criteria).unwrap_or_default();
    // A collection is tried by ticking what is wanted.
    let pairs = own.into_iter().chain(request.query.iter().map(|words| (words.name, words.kind, words.words)));
    let pairs: Vec<Value> = pairs
        .map(|(name, kind, words)| json!({"key": name, "value": "", "description": format!("{kind}: {words}"), "disabled": true}))
        .collect();
    let variables: Vec<Value> =
        segments.iter().filter_map(|segment| segment.strip_prefix(':')).map(|name| json!({"key": name, "value": ""})).collect();
    let mut url = json!({
        "raw": format!("{{{{base}}}}/{}", segments.join("/")),
        "host": ["{{base}}"],
        "path": segments,
    });
    if !variables.is_empty() {
        url["variable"] = variables.into();
    }
    let mut headers = vec![json!({"key": "Accept", "value": "application/fhir+json"})];
    match service.key {
        Some("Authorization") => headers.push(json!({"key": "Authorization", "value": "Bearer {{key}}"})),
        Some(header) => headers.push(json!({"key": header, "value": "{{key}}"})),
        None => {}
    }
    let mut told = json!({"method": request.method.to_uppercase(), "header": headers});
    match request.body {
        AskedBody::SearchForm => told["body"] = json!({"mode": "urlencoded", "urlencoded": pairs}),
        AskedBody::Parameters | AskedBody::Subscription => {
            let name = if request.body == AskedBody::Parameters { "Parameters" } else { "Subscription" };
            told["header"][0]["value"] = "application/fhir+json".into();
            told["body"] = json!({
                "mode": "raw",
                "raw": json!({"resourceType": name}).to_string(),
                "options": {"raw": {"language": "json"}},
            });
        }
        AskedBody::Nothing if !pairs.is_empty() => url["query"] = pairs.into(),
        AskedBody::Nothing => {}
    }
    told["url"] = url;
    json!({"name": request.words, "request": told, "response": []})
}
