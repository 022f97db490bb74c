//! The OpenAPI document (3.1), made from the table of routes.

use crate::fields::{FieldSpec, MemberKind, SECTIONS};
use crate::problem::CallFault;
use crate::route::{BodyKind, HrRoute};
use annuaire_workflow::messages::{MessageCode, MessageWeight};
use serde_json::{Map, Value, json};

/// What statuses of refusals mean.
const REFUSALS: [(u16, &str); 11] = [
    (400, "L'appel est mal formé"),
    (401, "Le jeton, ou l'identifiant et le secret, manquent ou ne valent plus"),
    (403, "Hors du périmètre, ou réservé à une personne"),
    (404, "Rien à cette adresse"),
    (409, "Action impossible dans cet état"),
    (412, "Modifiée depuis la version que nomme If-Match"),
    (413, "Envoi trop long"),
    (422, "À corriger : voyez constats"),
    (428, "If-Match est absent"),
    (429, "Trop de requêtes : attendez Retry-After secondes"),
    (500, "Panne"),
];

fn schema(specs: &[FieldSpec]) -> Value {
    let properties: Map<String, Value> = specs
        .iter()
        .map(|FieldSpec(name, kind, words)| {
            let value = match kind {
                MemberKind::Text => json!({"type": ["string", "null"], "description": words}),
                MemberKind::Flag => json!({"type": "boolean", "description": words}),
                MemberKind::Texts => json!({"type": "array", "items": {"type": "string"}, "description": words}),
            };
            ((*name).to_owned(), value)
        })
        .collect();
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn body(route: &HrRoute) -> Option<Value> {
    let json_body = |schema: Value| json!({"content": {"application/json": {"schema": schema}}});
    Some(match route.body {
        BodyKind::Nothing => return None,
        BodyKind::Credentials => json!({"required": true, "content": {"application/x-www-form-urlencoded": {"schema": {
            "type": "object",
            "properties": {
                "grant_type": {"const": "client_credentials"},
                "client_id": {"type": "string"},
                "client_secret": {"type": "string"},
            },
            "required": ["grant_type"],
        }}}}),
        BodyKind::Object(specs) => json_body(schema(specs)),
        BodyKind::Section => json_body(json!({"anyOf": SECTIONS
            .iter()
            .map(|(name, _)| json!({"$ref": format!("#/components/schemas/{name}")}))
            .collect::<Vec<_>>()})),
        BodyKind::List => json!({"required": true, "content": {
            "text/csv": {},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {},
            "application/vnd.oasis.opendocument.spreadsheet": {},
        }}),
    })
}

fn parameters(route: &HrRoute) -> Vec<Value> {
    let places = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let places = places.map(|name| {
        let names: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
        let schema = if name == "section" { json!({"enum": names}) } else { json!({"type": "string"}) };
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    });
    let query = route.query.iter().map(|spec| {
        json!({"name": spec.name, "in": "query", "required": spec.required, "description": spec.words, "schema": {"type": "string"}})
    });
    let headers =
        route.headers.iter().map(|name| json!({"name": name, "in": "header", "required": true, "schema": {"type": "string"}}));
    places.chain(query).chain(headers).collect()
}

fn operation(route: &HrRoute) -> Value {
    let (status, brings) = route.success;
    let mut responses = Map::new();
    responses.insert(status.to_string(), json!({"description": brings}));
    let closed: &[u16] = if route.is_closed() { &[401] } else { &[] };
    let mut refusals: Vec<u16> = route.refusals.iter().chain(closed).chain(&[400, 413, 429, 500]).copied().collect();
    refusals.sort_unstable();
    refusals.dedup();
    for refused in refusals {
        let words = REFUSALS.iter().find(|(known, _)| *known == refused).map_or("", |(_, words)| *words);
        let body = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/probleme"}}});
        responses.insert(refused.to_string(), json!({"description": words, "content": body}));
    }
    let mut value = json!({
        "operationId": route.name.strip_prefix("hr.").unwrap_or(route.name),
        "summary": route.words,
        "parameters": parameters(route),
        "responses": responses,
        "security": if route.is_closed() { json!([{"jeton": []}]) } else { json!([]) },
    });
    if let (Some(members), Some(body)) = (value.as_object_mut(), body(route)) {
        members.insert("requestBody".to_owned(), body);
    }
    value
}

/// The document of a table of routes; `server` is the complete address of the interface.
pub(crate) fn described(routes: &[HrRoute], server: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let path = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(route.method.lower().to_owned(), operation(route));
        }
    }
    let codes = MessageCode::ALL.iter().filter(|code| code.weight() != MessageWeight::Page);
    let codes = codes.map(|code| (code.as_str().to_owned(), json!(code.template())));
    let codes: Map<String, Value> =
        codes.chain(CallFault::ALL.iter().map(|fault| (fault.code().to_owned(), json!(fault.title())))).collect();
    let mut schemas: Map<String, Value> = SECTIONS.iter().map(|(name, specs)| ((*name).to_owned(), schema(specs))).collect();
    schemas.insert(
        "probleme".to_owned(),
        json!({
            "type": "object",
            "required": ["type", "title", "status", "detail", "code", "constats"],
            "properties": {
                "type": {"type": "string", "format": "uri"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "code": {"type": "string", "description": "Voyez x-codes"},
                "constats": {"type": "array", "items": {
                    "type": "object",
                    "required": ["champ", "code", "message", "bloquant"],
                    "properties": {
                        "champ": {"type": "string"},
                        "code": {"type": "string"},
                        "message": {"type": "string"},
                        "bloquant": {"type": "boolean"},
                    },
                }},
            },
        }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Enregistrement RPPS+ : interface des logiciels d'employeurs",
            "version": "1",
            "description": "Un représentant légal enregistre le logiciel, sous un gestionnaire qui en répond. Le logiciel prépare et envoie des demandes ; \
                il valide si l'établissement a signé l'option, jamais une demande avec un avertissement.",
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"jeton": {"type": "oauth2", "flows": {"clientCredentials": {
                "tokenUrl": format!("{server}/jeton"),
                "scopes": {},
            }}}},
        },
        "x-codes": codes,
    })
}
