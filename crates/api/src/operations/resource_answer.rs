//! The answer that is one resource: conditional, whole or with some of its elements.

use annuaire_base::date::{http_date, parse_http_date};
use annuaire_index::Version;
use annuaire_web::none_match_names;
use axum::http::{StatusCode, header};

use crate::answer::Answer;
use crate::bundle::reduce;
use crate::call::Call;
use crate::door::Door;
use crate::error::ApiError;
use crate::headers::header_text;
use crate::query::read_elements;

/// A version of a resource of type `ty`, or 304 for a client that has it.
pub(super) fn resource_answer<D: Door>(
    call: &Call<'_, D>,
    ty: &str,
    entry: Version,
    cache_control: String,
) -> Result<Answer, ApiError> {
    let headers = &call.parts.headers;
    let tag = format!("W/\"{}\"", entry.number);
    let updated = entry.last_updated_ms;
    // When If-None-Match is present, it alone is evaluated (COND-2).
    let fresh = if headers.contains_key(header::IF_NONE_MATCH) {
        none_match_names(headers, &tag)
    } else {
        // Dates have a resolution of one second. The answer is 304 only when the second that the client names is over, so that
        // no later version fits in it (COND-4).
        let date = parse_http_date(header_text(headers, header::IF_MODIFIED_SINCE));
        let now = call.service.turns.gate.now().div_euclid(1_000_000);
        date.is_some_and(|second| updated.div_euclid(1_000) <= second && second < now)
    };
    let elements = read_elements(ty, call.query())?;
    let answer = match elements {
        _ if fresh => Answer::fhir(StatusCode::NOT_MODIFIED, Vec::new()),
        Some(names) => Answer::fhir(StatusCode::OK, reduce(entry.body(), &names)),
        None => Answer::fhir(StatusCode::OK, entry.into_body()),
    };
    let answer = answer.with(header::ETAG, tag).with(header::LAST_MODIFIED, http_date(updated));
    Ok(answer.with(header::CACHE_CONTROL, cache_control))
}
