//! The requests of a perimeter in words: the table from which the OpenAPI document and the Postman collection are made. A test
//! compares it with the routes that are served.

use annuaire_fhir::schema::{PARAMS, ParamType};
use serde_json::Value;

use super::metadata::value_forms;
use crate::call::Call;
use crate::door::FhirDoor;
use crate::types::PublishedTypes;

/// A part of the service that not every server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfferedPart {
    /// Every server has it.
    Always,
    /// The public perimeter as files.
    Files,
    Exports,
    Subscriptions,
}

/// What the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskedBody {
    Nothing,
    /// The parameters of the search, as a form.
    SearchForm,
    /// `Parameters` of an export.
    Parameters,
    /// A `Subscription`.
    Subscription,
}

/// What a successful answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerKind {
    /// A resource of the type of the path.
    Resource,
    Bundle,
    /// Another FHIR resource.
    Fhir,
    /// JSON that is no resource.
    Json,
    /// A JSON object on each line.
    Lines,
    /// Text or bytes.
    Text,
    /// 202, with the address of the state in `Content-Location`.
    Accepted,
}

/// A query parameter in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueryWords {
    pub name: &'static str,
    /// Its type in R4.
    pub kind: &'static str,
    pub words: &'static str,
    /// The request means nothing without it.
    pub required: bool,
}

/// A request in words.
#[derive(Debug)]
pub(super) struct DescribedRequest {
    /// Its path in the table of routes. `{type}` stands for each type of the perimeter.
    pub path: &'static str,
    pub method: &'static str,
    /// Name of the operation; with the type, where the path has one.
    pub id: &'static str,
    pub words: &'static str,
    /// Its parameters, besides those of a search.
    pub query: &'static [QueryWords],
    pub body: AskedBody,
    pub answer: AnswerKind,
    pub part: OfferedPart,
}

const fn q(name: &'static str, kind: &'static str, words: &'static str) -> QueryWords {
    QueryWords { name, kind, words, required: false }
}

const fn required(name: &'static str, kind: &'static str, words: &'static str) -> QueryWords {
    QueryWords { name, kind, words, required: true }
}

const FORMAT: QueryWords = q("_format", "token", "json or xml; it goes before Accept");
const PRETTY: QueryWords = q("_pretty", "token", "true: JSON is indented");
const AS_OF: QueryWords = q("_asOf", "string", "an instant, a date, or tx: and the number of a transaction: the state of then");
const ELEMENTS: QueryWords = q("_elements", "string", "names of members of the first level, between commas");
const SUMMARY: QueryWords = q("_summary", "token", "true, text, data, count or false");
const COUNT: QueryWords = q("_count", "number", "entries of a page; more than the cap is lowered, 0 gives the total alone");

/// Parameters that shape the answer of a search.
pub(super) const SHAPING: &[QueryWords] = &[
    COUNT,
    q("_sort", "string", "_lastUpdated or _id, with - before it for the last one first"),
    q("_total", "token", "accurate, estimate or none"),
    ELEMENTS,
    SUMMARY,
    q("_include", "string", "*, Type:* or Type:parameter: also the resources that matches point to"),
    q("_revinclude", "string", "*, Type:* or Type:parameter: also the resources that point to matches"),
    AS_OF,
    FORMAT,
    PRETTY,
];

const HISTORY: &[QueryWords] = &[
    q("_since", "date", "versions from this instant on"),
    q("_at", "date", "versions that stood at this instant"),
    COUNT,
    q("_sort", "string", "_lastUpdated: the oldest version first"),
    FORMAT,
    PRETTY,
];

const EXPORT: &[QueryWords] = &[
    q("_type", "string", "types between commas"),
    q("_since", "date", "what changed since this instant"),
    q("_elements", "string", "Type.member or member, between commas"),
    q("_typeFilter", "string", "a search, percent-encoded, that resources must match"),
];

const fn get(path: &'static str, id: &'static str, words: &'static str, answer: AnswerKind) -> DescribedRequest {
    DescribedRequest { path, method: "get", id, words, query: &[], body: AskedBody::Nothing, answer, part: OfferedPart::Always }
}

const fn file(path: &'static str, id: &'static str, words: &'static str, answer: AnswerKind) -> DescribedRequest {
    DescribedRequest { part: OfferedPart::Files, ..get(path, id, words, answer) }
}

const fn export(path: &'static str, id: &'static str, words: &'static str, answer: AnswerKind) -> DescribedRequest {
    DescribedRequest { part: OfferedPart::Exports, ..get(path, id, words, answer) }
}

const fn subscription(path: &'static str, id: &'static str, words: &'static str, answer: AnswerKind) -> DescribedRequest {
    DescribedRequest { part: OfferedPart::Subscriptions, ..get(path, id, words, answer) }
}

/// Every request of a perimeter that means something. Left out are a form that is posted without `/_search`, which is a search too,
/// and `$export` of one type, which is always refused.
pub(super) const REQUESTS: &[DescribedRequest] = &[
    DescribedRequest {
        query: &[FORMAT, PRETTY],
        ..get("/metadata", "metadata", "The CapabilityStatement: what this server does", AnswerKind::Fhir)
    },
    get("/openapi.json", "openapi", "This interface as an OpenAPI 3.1 document", AnswerKind::Json),
    get("/postman.json", "postman", "This interface as a Postman collection", AnswerKind::Json),
    DescribedRequest { query: SHAPING, ..get("/{type}", "search", "Search", AnswerKind::Bundle) },
    DescribedRequest {
        method: "post",
        body: AskedBody::SearchForm,
        ..get("/{type}/_search", "searchByForm", "Search by a form, for long queries", AnswerKind::Bundle)
    },
    DescribedRequest {
        query: SHAPING,
        ..get("/{type}/_search", "searchAtForm", "Search, at the address of the form", AnswerKind::Bundle)
    },
    DescribedRequest {
        method: "post",
        body: AskedBody::Parameters,
        ..get(
            "/Practitioner/$match-practitioner",
            "matchPractitioner",
            "Find the person of a description, with a score and its reasons",
            AnswerKind::Bundle,
        )
    },
    DescribedRequest {
        query: &[ELEMENTS, SUMMARY, AS_OF, FORMAT, PRETTY],
        ..get("/{type}/{id}", "read", "Read the current version", AnswerKind::Resource)
    },
    DescribedRequest {
        query: HISTORY,
        ..get("/{type}/{id}/_history", "historyOfResource", "Versions of one resource", AnswerKind::Bundle)
    },
    DescribedRequest {
        query: &[FORMAT, PRETTY],
        ..get("/{type}/{id}/_history/{version}", "vread", "Read a version", AnswerKind::Resource)
    },
    DescribedRequest {
        query: HISTORY,
        ..get("/{type}/_history", "historyOfType", "Versions of all resources of the type", AnswerKind::Bundle)
    },
    DescribedRequest { query: HISTORY, ..get("/_history", "history", "Versions of all resources", AnswerKind::Bundle) },
    DescribedRequest {
        query: &[required("id", "string", "the token of the link: never build it"), FORMAT, PRETTY],
        ..get("/_page", "page", "A further page: follow the links of bundles", AnswerKind::Bundle)
    },
    DescribedRequest {
        query: &[
            q("after", "number", "the transaction that the copy has; 0 for all that stands"),
            q("limit", "number", "lines of the answer; more than the cap is lowered"),
            q("wait", "number", "seconds to wait for a change"),
            q("content", "token", "id-only or full-resource"),
            q("_type", "string", "types between commas"),
        ],
        ..get("/$changes", "changes", "All versions after a transaction, one a line", AnswerKind::Lines)
    },
    get("/$changes/state", "changesState", "Where the log is", AnswerKind::Json),
    DescribedRequest {
        query: &[required("time", "date", "an instant")],
        ..get("/$changes/at", "changesAt", "The last transaction at an instant", AnswerKind::Json)
    },
    DescribedRequest { query: EXPORT, ..export("/$export", "export", "Start an export", AnswerKind::Accepted) },
    DescribedRequest {
        method: "post",
        body: AskedBody::Parameters,
        ..export("/$export", "exportByParameters", "Start an export by Parameters", AnswerKind::Accepted)
    },
    export("/$export/{id}", "exportStatus", "How far an export is, then its manifest", AnswerKind::Json),
    DescribedRequest {
        method: "delete",
        ..export("/$export/{id}", "exportRemoval", "End an export and remove its files", AnswerKind::Accepted)
    },
    export("/$export/{id}/files/{name}", "exportFile", "A file of an export", AnswerKind::Lines),
    file("/$bulk-publish", "bulkPublish", "The manifest of the directory as files", AnswerKind::Json),
    file("/$bulk-publish/pages/{name}", "bulkPage", "A page of the manifest", AnswerKind::Json),
    file("/$bulk-publish/files/{name}", "bulkFile", "A published file", AnswerKind::Lines),
    file("/$bulk-publish/root.sig", "bulkSignature", "The signature of the manifest", AnswerKind::Text),
    file("/$bulk-publish/checkpoint", "bulkCheckpoint", "The signed state of the verifiable log", AnswerKind::Text),
    file("/$bulk-publish/key", "bulkKey", "The key of the verifiable log", AnswerKind::Text),
    file("/$bulk-publish/tile/{level}/{a}", "bulkTile1", "A tile of the verifiable log", AnswerKind::Text),
    file("/$bulk-publish/tile/{level}/{a}/{b}", "bulkTile2", "A tile of the verifiable log", AnswerKind::Text),
    file("/$bulk-publish/tile/{level}/{a}/{b}/{c}", "bulkTile3", "A tile of the verifiable log", AnswerKind::Text),
    file("/$bulk-publish/tile/{level}/{a}/{b}/{c}/{d}", "bulkTile4", "A tile of the verifiable log", AnswerKind::Text),
    subscription("/Subscription", "subscriptions", "The subscriptions of the caller", AnswerKind::Bundle),
    DescribedRequest {
        method: "post",
        body: AskedBody::Subscription,
        ..subscription("/Subscription", "subscribe", "Create a subscription", AnswerKind::Fhir)
    },
    subscription("/Subscription/_search", "subscriptionsSearch", "The subscriptions of the caller", AnswerKind::Bundle),
    subscription("/Subscription/$status", "subscriptionStatuses", "States of the subscriptions", AnswerKind::Bundle),
    subscription("/Subscription/{id}", "subscription", "Read a subscription", AnswerKind::Fhir),
    DescribedRequest {
        method: "put",
        body: AskedBody::Subscription,
        ..subscription("/Subscription/{id}", "subscriptionChange", "Change a subscription", AnswerKind::Fhir)
    },
    DescribedRequest {
        method: "delete",
        ..subscription("/Subscription/{id}", "subscriptionRemoval", "End a subscription", AnswerKind::Accepted)
    },
    subscription("/Subscription/{id}/$status", "subscriptionStatus", "State of a subscription", AnswerKind::Bundle),
    subscription("/Subscription/{id}/$events", "subscriptionEvents", "Events that were numbered", AnswerKind::Bundle),
    DescribedRequest {
        method: "post",
        ..subscription("/Subscription/{id}/$resend", "subscriptionResend", "Send events again", AnswerKind::Fhir)
    },
];

/// The perimeter that documents describe, as one of its callers finds it.
pub(super) struct DescribedService {
    /// Address of the perimeter.
    pub base: String,
    pub types: PublishedTypes,
    parts: Vec<OfferedPart>,
    /// Header that callers show, with the name of its scheme; `None` where nobody is asked.
    pub key: Option<&'static str>,
}

impl DescribedService {
    pub(super) fn of<P: FhirDoor>(pass: P::Pass, call: &Call<'_, P>) -> Self {
        let service = call.service;
        let offered = [
            (true, OfferedPart::Always),
            (P::files(service, pass).is_some(), OfferedPart::Files),
            (service.exports.is_some(), OfferedPart::Exports),
            (P::offers_subscriptions(service), OfferedPart::Subscriptions),
        ];
        let key = match P::TYPES {
            PublishedTypes::Restricted => Some("Authorization"),
            PublishedTypes::Public => service.turns.gate.asks_for_keys().then_some("ESANTE-API-KEY"),
        };
        let parts = offered.into_iter().filter(|(is_offered, _)| *is_offered).map(|(_, part)| part).collect();
        Self { base: call.base(), types: P::TYPES, parts, key }
    }

    /// The requests that it answers.
    pub(super) fn requests(&self) -> impl Iterator<Item = &'static DescribedRequest> {
        REQUESTS.iter().filter(|request| self.parts.contains(&request.part))
    }
}

/// The criteria of a type: name, type in R4, and what is written.
pub(super) fn criteria(ty: &str) -> Vec<(&'static str, &'static str, &'static str)> {
    let own = PARAMS.iter().filter(|p| p.is_of(ty)).map(|p| (p.name, p.kind.r4_name(), value_forms(p.kind)));
    let common = [("_id", "token", "id; :not, :missing"), ("_lastUpdated", "date", value_forms(ParamType::Date))];
    common.into_iter().chain(own).collect()
}

/// A document in the answer of a request, as JSON that people can read.
pub(super) fn readable(document: &Value) -> Vec<u8> {
    annuaire_web::JsonIndenter::default().indent(document.to_string().as_bytes())
}
