//! `GET [base]/metadata`: the CapabilityStatement, generated from the table that the search itself reads.

use annuaire_fhir::schema::{PARAMS, Param, ParamType, heard_in};
use annuaire_subscribe::TOPICS;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::narrative::narrative;
use crate::answer::Answer;
use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::ApiError;
use crate::query::{links_from, links_to};
use crate::service::ServiceOperator;
use crate::types::PublishedTypes;

/// The statement of the perimeter, as its client reaches it.
pub(crate) fn metadata<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 0]) -> Result<Answer, ApiError> {
    call.subject.route = "metadata";
    let mut statement = statement(&call.base(), P::TYPES, P::offers_subscriptions(call.service));
    add_operator(&mut statement, &call.service.operator);
    let published = P::files(call.service, pass).is_some().then_some(("bulk-publish", BULK_PUBLISH));
    let exported = call.service.exports.is_some().then_some(("export", EXPORT));
    let operations: Vec<Value> =
        exported.into_iter().chain(published).map(|(name, definition)| json!({"name": name, "definition": definition})).collect();
    if !operations.is_empty() {
        statement["rest"][0]["operation"] = operations.into();
    }
    statement["text"] = narrative(&statement);
    let body = statement.to_string().into_bytes();
    Ok(Answer::fhir(StatusCode::OK, body))
}

/// Publication date of the statement's content.
const DATE: &str = "2026-11-27";
/// Definition of `$bulk-publish` (Bulk Data STU4).
const BULK_PUBLISH: &str = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/bulk-publish";
/// Definition of `$export` at the level of the system (Bulk Data).
const EXPORT: &str = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export";
/// Definition of `$match-practitioner`, which is ours (interop §11.5): R4 defines `$match` for patients alone.
const MATCH: &str = "https://annuaire.example/fhir/OperationDefinition/match-practitioner";
const MATCH_FORMS: &str = "An extension of this server. POST a Parameters in JSON: resource (a partial Practitioner: identifier, name, \
    qualification, address of a place of practice), count, onlyCertainMatches. The answer is a searchset with search.score, \
    match-grade and an explanation whose weights add up to the score.";
const IG: &str = "https://interop.esante.gouv.fr/ig/fhir/annuaire";
/// By this extension a client learns that past states are answered (interop §11.1).
const AS_OF: &str = "https://annuaire.example/fhir/StructureDefinition/as-of";
/// What is served beyond R4, and where R4 leaves a choice.
const REST: &str = "Searches: _count (lowered to a cap), _total, _sort by _lastUpdated or _id, _elements, _summary, \
    one level of chaining and of _has. _include and _revinclude: *, Type:*, Type:parameter or Type:parameter:Target, with \
    :iterate. A date without an offset is read in the time of Paris. Histories: _since, _at, _count, and _sort=_lastUpdated \
    for the oldest version first; versions that were replaced longer ago than they are kept are passed over, deletions never. \
    $changes?after=TX tells all versions after a transaction, one a line (after=0: all that stands); $changes/state and \
    $changes/at?time= say where the log is. A modifier without effect is named in an outcome entry; Prefer: handling=strict refuses it, \
    handling=lenient also ignores unknown parameters and names them. Follow the next links: they stay in the state and in the \
    format of the first page. meta.lastUpdated of a bundle is the instant of that state: ask _lastUpdated=ge with it to get all \
    that changed since. Reads and searches take _asOf (an instant, a date, or tx: and the number of a transaction) or \
    Accept-Datetime, and answer the state of the whole directory then. What left the directory is answered with 410, and its history with its versions.";

/// Says who answers for the service, as far as the operator says it.
fn add_operator(statement: &mut Value, operator: &ServiceOperator) {
    let ServiceOperator { name, contact } = operator;
    let Some(members) = statement.as_object_mut() else { return };
    // Members without a value are kept until here for the order of the R4 schema.
    match name {
        Some(name) => members["publisher"] = json!(name),
        None => _ = members.shift_remove("publisher"),
    }
    match contact {
        Some(contact) => {
            let system = if contact.contains("://") { "url" } else { "email" };
            members["contact"] = json!([{"telecom": [{"system": system, "value": contact}]}]);
        }
        None => _ = members.shift_remove("contact"),
    }
}

/// The statement of the service at `base`.
fn statement(base: &str, types: PublishedTypes, subscriptions: bool) -> Value {
    let mut resources: Vec<Value> = types.names().iter().map(|ty| resource(ty, types)).collect();
    if subscriptions {
        resources.push(subscription());
    }
    let mut out = json!({
        "resourceType": "CapabilityStatement",
        "text": {},
        "url": format!("{base}/metadata"),
        "version": env!("CARGO_PKG_VERSION"),
        "name": "Annuaire",
        "title": match types {
            PublishedTypes::Public => "Annuaire santé : API FHIR des données publiques",
            PublishedTypes::Restricted => "Annuaire santé : API FHIR des données en accès restreint",
        },
        "status": "active",
        "date": DATE,
        "publisher": null,
        "contact": null,
        "kind": "instance",
        "instantiates": [format!("{IG}/CapabilityStatement/AsServerDPCapabilityStatement")],
        "software": {"name": "annuaire", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": "Directory of health professionals and structures", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json", "application/fhir+xml", "xml"],
        "implementationGuide": [IG],
        "rest": [{
            "mode": "server",
            "extension": [{
                "url": AS_OF,
                "valueString": "_asOf=2026-11-24T10:00:00Z, _asOf=2026-11-24, _asOf=tx:41 or Accept-Datetime on read and search",
            }],
            "documentation": REST,
            "resource": resources,
            "interaction": [{"code": "history-system"}],
        }],
    });
    // The guide has no statement for the restricted perimeter.
    if types == PublishedTypes::Restricted
        && let Some(members) = out.as_object_mut()
    {
        members.shift_remove("instantiates");
    }
    if subscriptions {
        let own = json!("http://hl7.org/fhir/uv/subscriptions-backport/CapabilityStatement/backport-subscription-server-r4");
        match out["instantiates"].as_array_mut() {
            Some(all) => all.push(own),
            None => out["instantiates"] = json!([own]),
        }
    }
    out
}

/// Subscriptions, with their topics (SUB-2).
fn subscription() -> Value {
    let topic =
        "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical";
    let topics: Vec<Value> = TOPICS.iter().map(|t| json!({"url": topic, "valueCanonical": t.canonical()})).collect();
    let operation = |name: &str| {
        let definition =
            format!("http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-{name}");
        json!({"name": name, "definition": definition})
    };
    json!({
        "extension": topics,
        "type": "Subscription",
        "supportedProfile": [annuaire_subscribe::PROFILE],
        "documentation": "Those of the caller's key. rest-hook; empty, id-only, full-resource. A search takes no criteria.",
        "interaction": [
            {"code": "create"}, {"code": "read"}, {"code": "update"}, {"code": "delete"}, {"code": "search-type"},
        ],
        "versioning": "versioned",
        "operation": [operation("status"), operation("events"), operation("resend")],
    })
}

/// Address of the definition of a parameter, when one is published.
fn definition(ty: &str, name: &str) -> Option<String> {
    let core = |id: &str| Some(format!("http://hl7.org/fhir/SearchParameter/{id}"));
    let guide = |id: &str| Some(format!("{IG}/SearchParameter/as-sp-{id}"));
    match name {
        "_id" | "_lastUpdated" | "_profile" => core(&format!("Resource-{}", name.trim_start_matches('_'))),
        "address-insee" => guide("insee-code"),
        "period" => guide("organization-period"),
        "address-line"
        | "data-information-system"
        | "data-registration-authority"
        | "mailbox-mss"
        | "mailbox-mss-type"
        | "number-smartcard"
        | "type-smartcard"
        | "qualification-code"
        | "pharmacy-licence" => guide(name),
        "identifier-type" => None,
        // R4 gives a person other parameters than an individual.
        "active" | "family" | "given" if ty == "Person" => None,
        "family" | "given" | "phonetic" => core(&format!("individual-{name}")),
        _ => core(&format!("{ty}-{name}")),
    }
}

/// The forms of a value and the modifiers that have an effect.
pub(super) fn value_forms(kind: ParamType) -> &'static str {
    match kind {
        ParamType::Token => "code, system|code, system| or |code; :not, :missing, and :of-type on identifier",
        ParamType::Text => "starts with, ignoring case and accents; letters or digits are needed; :contains, :exact, :missing",
        ParamType::Reference => {
            "id, Type/id or the address of a resource of this server; :identifier=system|value, :missing, the type of the target; chaining"
        }
        ParamType::Sound => {
            "words of the family or given name, each of which must sound as one of the name does in French; letters are needed; :missing"
        }
        ParamType::Uri => "canonical without version; :missing",
        ParamType::Date => "eq, ne, gt, ge, lt, le, sa, eb, ap; :missing",
    }
}

/// What the statement says of a parameter: its values and modifiers, those that are ours among them.
fn documentation(ty: &str, param: &Param) -> String {
    let forms = value_forms(param.kind);
    match param.kind == ParamType::Text && !heard_in(ty, param).is_empty() {
        true => {
            format!("{forms}; :phonetic, an extension of this server: each word must sound as one of the name does in French")
        }
        false => forms.to_owned(),
    }
}

fn parameter(ty: &str, name: &str, kind: &str, documentation: &str) -> Value {
    // In the order of the R4 schema.
    match definition(ty, name) {
        Some(definition) => json!({"name": name, "definition": definition, "type": kind, "documentation": documentation}),
        None => json!({"name": name, "type": kind, "documentation": documentation}),
    }
}

fn resource(ty: &str, types: PublishedTypes) -> Value {
    let perimeter = if types == PublishedTypes::Public { "dp" } else { "dr" };
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
    let mut includes: Vec<String> = links_from(ty).map(|p| format!("{ty}:{}", p.name)).collect();
    if !includes.is_empty() {
        includes.splice(0..0, ["*".to_owned(), format!("{ty}:*")]);
        out["searchInclude"] = json!(includes);
    }
    let mut reverse: Vec<String> = links_to(ty).map(|(source, p)| format!("{source}:{}", p.name)).collect();
    if !reverse.is_empty() {
        reverse.insert(0, "*".to_owned());
        out["searchRevInclude"] = json!(reverse);
    }
    let mut params = vec![
        parameter(ty, "_id", "token", "id; :not, :missing"),
        parameter(ty, "_lastUpdated", "date", value_forms(ParamType::Date)),
    ];
    let own = PARAMS.iter().filter(|p| p.types.contains(&ty));
    params.extend(own.map(|p| parameter(ty, p.name, p.kind.r4_name(), &documentation(ty, p))));
    out["searchParam"] = json!(params);
    if ty == "Practitioner" {
        out["operation"] = json!([{"name": "match-practitioner", "definition": MATCH, "documentation": MATCH_FORMS}]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_is_told_as_far_as_it_is_known() {
        let told = |name: Option<&str>, contact: Option<&str>| {
            let mut told = statement("http://x/fhir/v2", PublishedTypes::Public, false);
            let operator = ServiceOperator { name: name.map(str::to_owned), contact: contact.map(str::to_owned) };
            add_operator(&mut told, &operator);
            told
        };
        let nobody = told(None, None);
        assert!(nobody.get("publisher").is_none() && nobody.get("contact").is_none() && nobody["title"].is_string());
        let one = told(Some("Agence d’essai"), Some("api@annuaire.example"));
        assert_eq!(one["publisher"], "Agence d’essai");
        assert_eq!(one["contact"], json!([{"telecom": [{"system": "email", "value": "api@annuaire.example"}]}]));
        let page = told(None, Some("https://annuaire.example/aide"));
        assert_eq!(page["contact"][0]["telecom"][0]["system"], "url");
    }

    #[test]
    fn every_parameter_is_documented_and_points_to_its_definition() {
        let statement_of_dp = statement("http://x/fhir/v2", PublishedTypes::Public, false);
        assert!(
            statement_of_dp["instantiates"].is_array()
                && statement("http://x/fhir/dr", PublishedTypes::Restricted, false)["instantiates"].is_null()
        );
        let mut without = Vec::new();
        for r in statement_of_dp["rest"][0]["resource"].as_array().unwrap() {
            for p in r["searchParam"].as_array().unwrap() {
                assert!(p["documentation"].is_string(), "{p}");
                if p["definition"].is_null() {
                    without.push(p["name"].as_str().unwrap());
                }
            }
        }
        // No guide defines this parameter.
        assert_eq!(without, ["identifier-type", "identifier-type"]);
        assert_eq!(definition("Practitioner", "family").unwrap(), "http://hl7.org/fhir/SearchParameter/individual-family");
        assert_eq!(definition("Organization", "partof").unwrap(), "http://hl7.org/fhir/SearchParameter/Organization-partof");
        assert_eq!(definition("Organization", "address-insee").unwrap(), format!("{IG}/SearchParameter/as-sp-insee-code"));
    }
}
