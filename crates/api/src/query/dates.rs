//! Criteria on dates and instants.

use annuaire_base::date::{parse_days, parse_instant};
use annuaire_fhir::schema::PERIOD_END;
use annuaire_index::Filter;
use annuaire_terms::ParamId;
use annuaire_web::ErrorCode;

use super::filters::nothing;
use crate::error::ApiError;

/// One `_lastUpdated` criterion (fhir-api §6.4). The literal stands for an interval, from its first to its last millisecond.
pub(super) fn updated(value: &str) -> Result<Filter, ApiError> {
    let bad = || bad_date(value);
    let letters = value.bytes().take_while(u8::is_ascii_lowercase).count();
    let (prefix, literal) = value.split_at(letters);
    let (start, end) = parse_instant(&literal.trim().replace(' ', "+")).ok_or_else(bad)?;
    let after = end.saturating_add(1);
    let between = |from_ms, before_ms| Filter::Updated { from_ms, before_ms };
    Ok(match prefix {
        "" | "eq" | "ap" => between(Some(start), Some(after)),
        "ne" => Filter::Not(Box::new(between(Some(start), Some(after)))),
        "gt" | "sa" => between(Some(after), None),
        "ge" => between(Some(start), None),
        "lt" | "eb" => between(None, Some(start)),
        "le" => between(None, Some(after)),
        _ => return Err(bad()),
    })
}

fn bad_date(value: &str) -> ApiError {
    ApiError::new(ErrorCode::ValueMalformedAsDocumented, format!("Bad date literal: {value}"))
        .hint("Write 2026, 2026-11, 2026-11-25 or 2026-11-25T08:30:00+01:00; a search takes eq, ne, gt, ge, lt, le, sa, eb or ap before it.")
}

/// First and last instant of a date literal, for `_since` and `_at`.
pub(crate) fn interval(value: &str) -> Result<(i64, i64), ApiError> {
    parse_instant(&value.trim().replace(' ', "+")).ok_or_else(|| bad_date(value))
}

/// A criterion on a period, by days of Paris. A period without start began at the beginning of time, one without end lasts for
/// ever (R4 search, date).
pub(super) fn period(start: ParamId, value: &str) -> Result<Filter, ApiError> {
    let bad = || bad_date(value);
    let value = value.trim();
    let letters = value.bytes().take_while(u8::is_ascii_lowercase).count();
    let (prefix, literal) = value.split_at(letters);
    // Days from `a` on and before `z`; after the last day that can be written there is none.
    let (a, z) = parse_days(&literal.trim().replace(' ', "+")).ok_or_else(bad)?;
    let end = PERIOD_END;
    let between = |param, from: Option<&String>, before: Option<&String>| Filter::Between {
        param,
        from: from.cloned(),
        before: before.cloned(),
    };
    let not = |f| Filter::Not(Box::new(f));
    let known = Filter::Or(vec![not(Filter::Missing(start)), not(Filter::Missing(end))]);
    let open = |param| Filter::And(vec![known.clone(), Filter::Missing(param)]);
    let ends_from = |at: &String| Filter::Or(vec![open(end), between(end, Some(at), None)]);
    let starts_before = |at: Option<&String>| Filter::Or(vec![open(start), between(start, None, at)]);
    let within = Filter::And(vec![between(start, Some(&a), None), between(end, None, z.as_ref())]);
    Ok(match prefix {
        "" | "eq" => within,
        "ne" => Filter::And(vec![known.clone(), not(within)]),
        "gt" => z.as_ref().map_or_else(|| open(end), ends_from),
        "ge" => ends_from(&a),
        "lt" => starts_before(Some(&a)),
        "le" => starts_before(z.as_ref()),
        "sa" => z.as_ref().map_or_else(nothing, |z| between(start, Some(z), None)),
        "eb" => between(end, None, Some(&a)),
        "ap" => Filter::And(vec![starts_before(z.as_ref()), ends_from(&a)]),
        _ => return Err(bad()),
    })
}
