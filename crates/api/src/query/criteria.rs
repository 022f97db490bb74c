//! Criteria: what a resource must have to be found.

use annuaire_base::text::folds_to_nothing;
use annuaire_fhir::schema::{self, PARAMS, Param, ParamType, heard_in};
use annuaire_index::{Filter, Row, Snapshot};
use annuaire_web::ErrorCode;

use super::dates::{period, updated};
use super::filters::{any_of, nothing};
use super::references::target;
use super::results::RESULT_PARAMETERS;
use super::sounds::{SOUND_MODIFIER, sounding};
use super::values::{check_token, find_plain, split_values, token, unescape};
use crate::error::ApiError;
use crate::limits;
use crate::types::any_type;

/// What criteria are compiled against.
pub(super) struct CriteriaContext<'a> {
    pub snap: &'a Snapshot,
    /// Start of our own addresses.
    pub base: &'a str,
}

/// The filter of one criterion; `None` when it has no value. It may follow `links` links.
pub(super) fn criterion(
    context: &CriteriaContext,
    ty: &str,
    name: &str,
    value: &str,
    links: usize,
) -> Result<Option<Filter>, ApiError> {
    let names = || PARAMS.iter().filter(|p| p.types.contains(&ty)).map(|p| p.name);
    let unknown_name =
        |name: &str| ApiError::unknown_beside(name, ty, ["_id", "_lastUpdated"].into_iter().chain(names()), &RESULT_PARAMETERS);
    let unknown = || unknown_name(name);
    if let Some(rest) = name.strip_prefix("_has:") {
        let mut parts = rest.splitn(3, ':');
        let (Some(source), Some(link), Some(inner), 1..) = (parts.next(), parts.next(), parts.next(), links) else {
            return Err(unknown());
        };
        return reverse(context, ty, (source, link, inner), value, links - 1, unknown);
    }
    if let Some((head, tail)) = name.split_once('.') {
        let (link, kind) = head.split_once(':').map_or((head, None), |(link, kind)| (link, Some(kind)));
        let param = schema::param(ty, link).filter(|p| p.kind == ParamType::Reference && links > 0);
        let param = param.filter(|p| kind.is_none_or(|k| k == p.target)).ok_or_else(unknown)?;
        return chain(context, param, tail, value, links - 1);
    }
    let (plain, modifier) = name.split_once(':').unwrap_or((name, ""));
    let values = split_values(value);
    if values.is_empty() && !value.is_empty() {
        // An empty value is no criterion; one of spaces and commas was meant as one, and must not find everything.
        return Err(if schema::param(ty, plain).is_some() || matches!(plain, "_id" | "_lastUpdated") {
            ApiError::value("It has spaces and commas only: give a value, or leave the parameter out.")
        } else {
            unknown_name(plain)
        });
    }
    if values.len() > limits::VALUES {
        return Err(ApiError::new(ErrorCode::QueryTooLong, format!("{name} has more than {} values.", limits::VALUES)));
    }
    if matches!(plain, "_id" | "_lastUpdated") && modifier == "missing" && !values.is_empty() {
        return Ok(Some(if missing(value)? { nothing() } else { Filter::All }));
    }
    if plain == "_id" {
        values.iter().try_for_each(|v| check_token(v))?;
        let ids: Vec<String> = values.iter().map(|v| unescape(v).trim().to_owned()).collect();
        let found = (!ids.is_empty()).then_some(Filter::Ids(ids));
        return Ok(if modifier == "not" { found.map(|f| Filter::Not(Box::new(f))) } else { found });
    }
    if plain == "_lastUpdated" {
        let dates: Vec<Filter> = values.iter().map(|v| updated(v.trim())).collect::<Result<_, _>>()?;
        return Ok((!dates.is_empty()).then(|| any_of(dates)));
    }
    let found = schema::param(ty, plain).ok_or_else(|| unknown_name(plain))?;
    if values.is_empty() {
        return Ok(None);
    }
    if modifier == "missing" {
        let absent = match found.kind {
            ParamType::Sound => Filter::And(heard_in(ty, found).iter().map(|param| Filter::Missing(*param)).collect()),
            _ => Filter::Missing(found.id),
        };
        return Ok(Some(if missing(value)? { absent } else { Filter::Not(Box::new(absent)) }));
    }
    if modifier == "of-type" && plain == "identifier" {
        return values
            .iter()
            .map(|v| of_type(context.snap, ty, found, v))
            .collect::<Result<Vec<_>, _>>()
            .map(|all| Some(any_of(all)));
    }
    if modifier == "identifier" && found.kind == ParamType::Reference {
        // The target's business identifier: the chain of that name, which this form does not count as a link.
        return chain(context, found, "identifier", value, 0);
    }
    let filters = values.iter().map(|v| value_filter(ty, found, modifier, v, context.base)).collect::<Result<Vec<_>, _>>()?;
    let joined = any_of(filters);
    let negated = found.kind == ParamType::Token && modifier == "not";
    Ok(Some(if negated { Filter::Not(Box::new(joined)) } else { joined }))
}

/// The value of `:missing`.
fn missing(value: &str) -> Result<bool, ApiError> {
    match value.trim() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ApiError::value("Write true or false.")),
    }
}

/// One value of an ordinary parameter.
fn value_filter(ty: &str, found: &Param, modifier: &str, raw: &str, base: &str) -> Result<Filter, ApiError> {
    let param = found.id;
    Ok(match found.kind {
        ParamType::Token => {
            check_token(raw)?;
            let (system, code) = token(raw);
            if code.as_deref().is_none_or(str::is_empty) && system.as_deref().is_none_or(str::is_empty) {
                return Err(ApiError::value("Write a code, system|code, system| or |code."));
            }
            Filter::Token { param, system, code }
        }
        ParamType::Sound => sounding(heard_in(ty, found), raw)?,
        ParamType::Text if modifier == SOUND_MODIFIER && !heard_in(ty, found).is_empty() => sounding(heard_in(ty, found), raw)?,
        ParamType::Text => {
            let value = unescape(raw);
            if modifier != "exact" && folds_to_nothing(&value) {
                return Err(ApiError::value("It has spaces and signs only, which every text holds: give letters or digits."));
            }
            match modifier {
                "contains" => Filter::Contains { param, value },
                "exact" => Filter::Exact { param, value },
                _ => Filter::Prefix { param, value },
            }
        }
        ParamType::Reference => Filter::Reference { param, target: target(&unescape(raw), found.target, base)? },
        ParamType::Date => period(param, raw)?,
        ParamType::Uri => {
            check_token(raw)?;
            let value = unescape(raw);
            let canonical = value.split('|').next().unwrap_or_default().trim().to_owned();
            if canonical.is_empty() {
                return Err(ApiError::value("Write the canonical address of a profile."));
            }
            Filter::Uri { param, value: canonical }
        }
    })
}

/// `identifier:of-type=system|code|value`: the few resources with this value are read, since postings do not tie a value to
/// its type.
fn of_type(snap: &Snapshot, ty: &str, param: &Param, raw: &str) -> Result<Filter, ApiError> {
    let bad = || ApiError::value("Write system|type|value.");
    check_token(raw)?;
    let first = find_plain(raw, '|').ok_or_else(bad)?;
    let rest = &raw[first + 1..];
    let second = find_plain(rest, '|').ok_or_else(bad)?;
    let [system, code, value] = [&raw[..first], &rest[..second], &rest[second + 1..]].map(|p| unescape(p).trim().to_owned());
    if value.is_empty() {
        return Err(bad());
    }
    let (_, number) = any_type(ty).ok_or_else(bad)?;
    let filter = Filter::Token { param: param.id, system: None, code: Some(value.clone()) };
    let rows = snap.search(number, &filter).map_err(ApiError::from_index)?;
    if rows.len() > limits::OF_TYPE {
        return Err(ApiError::new(
            ErrorCode::AnswerTooLarge,
            format!("{} resources have the identifier {value}: give its system.", rows.len()),
        ));
    }
    let mut ids = Vec::new();
    for row in rows.iter() {
        let entry = snap.read(Row::new(row)).map_err(ApiError::from_index)?;
        let body: serde_json::Value = serde_json::from_slice(entry.body()).map_err(ApiError::internal)?;
        let held = body["identifier"].as_array().into_iter().flatten().any(|i| {
            let coded = i["type"]["coding"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|c| c["code"] == code.as_str() && (system.is_empty() || c["system"] == system.as_str()));
            coded && i["value"] == value.as_str()
        });
        if held {
            ids.push(entry.id().to_owned());
        }
    }
    Ok(if ids.is_empty() { nothing() } else { Filter::Ids(ids) })
}

/// `link.tail=value`: resources that link to a target that matches.
fn chain(context: &CriteriaContext, link: &Param, tail: &str, value: &str, links: usize) -> Result<Option<Filter>, ApiError> {
    let Some((ty, number)) = any_type(link.target) else { return Ok(None) };
    let inner = criterion(context, ty, tail, value, links)?;
    Ok(inner.map(|filter| Filter::Chain {
        param: link.id,
        target_type: number,
        target_name: ty.to_owned(),
        filter: Box::new(filter),
    }))
}

/// `_has:source:link:inner=value`: resources that a matching source links to.
fn reverse(
    context: &CriteriaContext,
    ty: &str,
    (source, link, inner): (&str, &str, &str),
    value: &str,
    links: usize,
    unknown: impl Fn() -> ApiError,
) -> Result<Option<Filter>, ApiError> {
    let (source, number) = any_type(source).ok_or_else(&unknown)?;
    let param = schema::param(source, link).filter(|p| p.target == ty).ok_or_else(&unknown)?;
    let filter = criterion(context, source, inner, value, links)?;
    Ok(filter.map(|filter| Filter::Has {
        source_type: number,
        param: param.id,
        target_name: ty.to_owned(),
        filter: Box::new(filter),
    }))
}
