//! `[base]/Subscription…`: what the holder of a key does with its subscriptions (interop §7).
//!
//! Calls of the registry block, so that all of this runs in the lane of long work: the first, quick attempt gives way to it.

use std::sync::Arc;

use annuaire_base::date::http_date;
use annuaire_subscribe::{Caller, PayloadContent, RefusalKind, ServiceError, ShownSubscription, SubscriptionService};
use annuaire_web::{ErrorCode, Subscriber};
use axum::http::{HeaderName, StatusCode, header};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::ApiError;
use crate::headers::header_text;
use crate::query::pairs;
use crate::types::PublishedTypes;

/// The signing key, given once.
const SECRET: HeaderName = HeaderName::from_static("webhook-secret");
/// Parameters that every operation takes and ignores: they chose the format.
const COMMON: [&str; 3] = ["_format", "_pretty", "fhirVersion"];

/// A call that may have subscriptions.
struct Subscribing<'a> {
    service: &'a SubscriptionService,
    caller: Caller<'a>,
    /// Proof that the caller is known.
    _right: Subscriber,
}

/// Does `work` for a caller that has the right to subscriptions.
fn subscribing<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    route: &'static str,
    work: impl FnOnce(&Subscribing<'_>, &Call<'_, P>) -> Result<Answer, ApiError>,
) -> Result<Answer, ApiError> {
    call.subject.route = route;
    call.subject.ty = "Subscription";
    let stranger = || {
        ApiError::new(ErrorCode::NotASubscriber, "Subscriptions belong to the holder of a key.")
            .hint("This server is open to everybody, or copies another directory: ask for an API key, or subscribe where the data come from.")
    };
    let right = P::subscriber(pass).ok_or_else(stranger)?;
    let service: Arc<SubscriptionService> = call.service.subscriptions.clone().ok_or_else(stranger)?;
    call.needs_the_lane()?;
    let snap = call.store(pass)?.snapshot().map_err(ApiError::internal)?;
    let (owner, base) = (format!("{:016x}", call.client.number()), call.base());
    let perimeter = match P::TYPES {
        PublishedTypes::Public => "public",
        PublishedTypes::Restricted => "restricted",
    };
    let caller = Caller { owner: &owner, perimeter, base: &base, request: call.request_id, snap: &snap };
    let answer = work(&Subscribing { service: &service, caller, _right: right }, call)?;
    // It is the caller's alone.
    Ok(answer.with(header::CACHE_CONTROL, "no-store".to_owned()))
}

/// A refusal of the service as one of ours.
fn refused(error: ServiceError) -> ApiError {
    match error {
        ServiceError::Failed(error) => ApiError::internal(error),
        ServiceError::Refused { kind, text, hint } => {
            let code = match kind {
                RefusalKind::Malformed => ErrorCode::ResourceMalformed,
                RefusalKind::NotServed => ErrorCode::ResourceNotServed,
                RefusalKind::Unknown => ErrorCode::OwnResourceUnknown,
                RefusalKind::Stale => ErrorCode::VersionStale,
                RefusalKind::TooMany => ErrorCode::TooManyResources,
            };
            ApiError::new(code, text).hint(hint)
        }
    }
}

fn json_answer(status: StatusCode, body: &Value) -> Answer {
    Answer::fhir(status, body.to_string().into_bytes())
}

/// The answer that shows a subscription; `location` for a new one.
fn shown(status: StatusCode, shown: ShownSubscription, location: Option<String>) -> Answer {
    let answer = json_answer(status, &shown.resource)
        .with(header::ETAG, format!("W/\"{}\"", shown.head.version))
        .with(header::LAST_MODIFIED, http_date(shown.head.changed_ms));
    let answer = location.into_iter().fold(answer, |answer, at| answer.with(header::LOCATION, at));
    shown.secret.into_iter().fold(answer, |answer, secret| answer.with(SECRET, secret))
}

/// The body, which must be JSON.
fn body<'a, P: FhirDoor>(call: &Call<'a, P>) -> Result<&'a [u8], ApiError> {
    let media = header_text(&call.parts.headers, header::CONTENT_TYPE).to_ascii_lowercase();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !matches!(media, "application/fhir+json" | "application/json" | "text/json" | "json") {
        let text = "A Subscription is read in JSON only.";
        return Err(ApiError::new(ErrorCode::BodyNotRead, text).hint("Send it with Content-Type: application/fhir+json."));
    }
    Ok(call.form.unwrap_or_default())
}

/// The version that `If-Match` names.
fn if_match<P: FhirDoor>(call: &Call<'_, P>) -> Result<Option<u64>, ApiError> {
    let given = header_text(&call.parts.headers, header::IF_MATCH).trim();
    if given.is_empty() || given == "*" {
        return Ok(None);
    }
    let number = given.trim_start_matches("W/").trim_matches('"').parse().ok();
    let stale = || ApiError::new(ErrorCode::VersionStale, "If-Match names no version of a subscription.").hint("As W/\"1\".");
    number.map(Some).ok_or_else(stale)
}

/// The parameters of the query, which must be among `known`.
fn parameters<P: FhirDoor>(call: &Call<'_, P>, known: &[&str]) -> Result<Vec<(String, String)>, ApiError> {
    let all = pairs(call.query())?;
    let unknown = all.iter().find(|(name, _)| !known.contains(&name.as_str()) && !COMMON.contains(&name.as_str()));
    match unknown {
        Some((name, _)) => Err(ApiError::unknown(name, "Subscription", known.iter().copied())),
        None => Ok(all),
    }
}

/// Bounds of event numbers, both included.
fn bounds(parameters: &[(String, String)]) -> Result<(u64, u64), ApiError> {
    let number = |name: &str, absent: u64| match parameters.iter().find(|(n, _)| n == name) {
        None => Ok(absent),
        Some((_, value)) => value.parse().map_err(|_| ApiError::value("Write the number of an event.").in_parameter(name)),
    };
    Ok((number("eventsSinceNumber", 1)?, number("eventsUntilNumber", u64::MAX)?))
}

/// `POST [base]/Subscription`.
pub(crate) fn create_subscription<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 1]) -> Result<Answer, ApiError> {
    subscribing(pass, call, "subscription-create", |own, call| {
        let made = own.service.create(own.caller, body(call)?).map_err(refused)?;
        let location = format!("{}/Subscription/{}/_history/{}", own.caller.base, made.head.id, made.head.version);
        Ok(shown(StatusCode::CREATED, made, Some(location)))
    })
}

/// `GET [base]/Subscription`: those of the caller. It takes no criteria.
pub(crate) fn list_subscriptions<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 1]) -> Result<Answer, ApiError> {
    subscribing(pass, call, "subscription-list", |own, call| {
        parameters(call, &[])?;
        let all = own.service.list(own.caller).map_err(refused)?;
        let entry = |one: &ShownSubscription| {
            let full = format!("{}/Subscription/{}", own.caller.base, one.head.id);
            json!({"fullUrl": full, "resource": one.resource, "search": {"mode": "match"}})
        };
        let link = json!([{"relation": "self", "url": format!("{}/Subscription", own.caller.base)}]);
        let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": all.len(), "link": link});
        if !all.is_empty() {
            bundle["entry"] = all.iter().map(entry).collect();
        }
        Ok(json_answer(StatusCode::OK, &bundle))
    })
}

/// `GET [base]/Subscription/{id}`.
pub(crate) fn read_subscription<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [id]: [&str; 1]) -> Result<Answer, ApiError> {
    subscribing(pass, call, "subscription-read", |own, _| {
        Ok(shown(StatusCode::OK, own.service.read(own.caller, id).map_err(refused)?, None))
    })
}

/// `PUT [base]/Subscription/{id}`.
pub(crate) fn update_subscription<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    [id]: [&str; 1],
) -> Result<Answer, ApiError> {
    subscribing(pass, call, "subscription-update", |own, call| {
        let updated = own.service.update(own.caller, id, body(call)?, if_match(call)?).map_err(refused)?;
        Ok(shown(StatusCode::OK, updated, None))
    })
}

/// `DELETE [base]/Subscription/{id}`.
pub(crate) fn delete_subscription<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    [id]: [&str; 1],
) -> Result<Answer, ApiError> {
    subscribing(pass, call, "subscription-delete", |own, call| {
        own.service.remove(own.caller, id, if_match(call)?).map_err(refused)?;
        Ok(Answer::fhir(StatusCode::NO_CONTENT, Vec::new()))
    })
}

/// A bundle of statuses.
fn statuses(base: &str, all: Vec<(String, Value)>) -> Value {
    let entry = |(id, status): (String, Value)| json!({"fullUrl": format!("{base}/Subscription/{id}/$status"), "resource": status, "search": {"mode": "match"}});
    let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": all.len()});
    if !all.is_empty() {
        bundle["entry"] = all.into_iter().map(entry).collect();
    }
    bundle
}

/// `GET [base]/Subscription/{id}/$status`.
pub(crate) fn subscription_status<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    [id]: [&str; 1],
) -> Result<Answer, ApiError> {
    subscribing(pass, call, "subscription-status", |own, call| {
        parameters(call, &[])?;
        let status = own.service.status(own.caller, id).map_err(refused)?;
        Ok(json_answer(StatusCode::OK, &statuses(own.caller.base, vec![(id.to_owned(), status)])))
    })
}

/// `GET [base]/Subscription/$status?id=&status=`: those of the caller that have one of the ids and one of the statuses.
pub(crate) fn subscription_statuses<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    _: [&str; 2],
) -> Result<Answer, ApiError> {
    subscribing(pass, call, "subscription-status", |own, call| {
        let asked = parameters(call, &["id", "status"])?;
        let wanted = |name: &str, value: &str| {
            let mut of_name = asked.iter().filter(|(n, _)| n == name).flat_map(|(_, values)| values.split(',')).peekable();
            of_name.peek().is_none() || of_name.any(|one| one.trim() == value)
        };
        let mut all = Vec::new();
        for one in own.service.list(own.caller).map_err(refused)? {
            if wanted("id", &one.head.id) && wanted("status", one.head.status.code()) {
                all.push((one.head.id.clone(), own.service.status(own.caller, &one.head.id).map_err(refused)?));
            }
        }
        Ok(json_answer(StatusCode::OK, &statuses(own.caller.base, all)))
    })
}

/// `GET [base]/Subscription/{id}/$events?eventsSinceNumber=&eventsUntilNumber=&content=`.
pub(crate) fn subscription_events<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    [id]: [&str; 1],
) -> Result<Answer, ApiError> {
    subscribing(pass, call, "subscription-events", |own, call| {
        let asked = parameters(call, &["eventsSinceNumber", "eventsUntilNumber", "content"])?;
        let content = match asked.iter().find(|(name, _)| name == "content") {
            None => None,
            Some((_, code)) => {
                let known = PayloadContent::find(code);
                Some(known.ok_or_else(|| ApiError::value("Write empty, id-only or full-resource.").in_parameter("content"))?)
            }
        };
        let bundle = own.service.events(own.caller, id, bounds(&asked)?, content).map_err(refused)?;
        Ok(Answer::fhir(StatusCode::OK, bundle))
    })
}

/// `POST [base]/Subscription/{id}/$resend?eventsSinceNumber=&eventsUntilNumber=`; a Parameters in the body may hold them as well.
pub(crate) fn resend_subscription<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    [id]: [&str; 1],
) -> Result<Answer, ApiError> {
    subscribing(pass, call, "subscription-resend", |own, call| {
        let mut asked = parameters(call, &["eventsSinceNumber", "eventsUntilNumber"])?;
        let sent = call.form.unwrap_or_default();
        if !sent.is_empty() {
            let sent: Value = serde_json::from_slice(body(call).map(|_| sent)?)
                .map_err(|_| ApiError::new(ErrorCode::ResourceMalformed, "The body is no resource Parameters in JSON."))?;
            for parameter in sent["parameter"].as_array().into_iter().flatten() {
                if let (Some(name), Some(value)) = (parameter["name"].as_str(), parameter["valueString"].as_str()) {
                    asked.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        let (first, last) = own.service.resend(own.caller, id, bounds(&asked)?).map_err(refused)?;
        let text = format!("Events {first} to {last} are sent again.");
        let issue = json!([{"severity": "information", "code": "informational", "diagnostics": text}]);
        Ok(json_answer(StatusCode::OK, &json!({"resourceType": "OperationOutcome", "issue": issue})))
    })
}
