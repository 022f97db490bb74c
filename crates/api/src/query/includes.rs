//! Includes: links of the schema, and the rules that follow them.

use annuaire_fhir::schema::{PARAMS, Param, ParamType, TYPES};

use super::values::split_values;
use crate::error::ApiError;

/// A rule of `_include` or `_revinclude`, which brings linked resources to a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IncludeRule {
    /// Type that holds the reference.
    pub source: &'static str,
    /// The reference.
    pub param: &'static Param,
    /// From the target to the resources that point at it (`_revinclude`).
    pub reverse: bool,
    /// Also from resources already brought (`:iterate`).
    pub iterate: bool,
}

/// From which resources a rule starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IncludeReach {
    /// From the matches of the search.
    MatchesOnly,
    /// Also from resources that another rule brought (`:iterate`).
    Iterate,
}

/// Reference parameters of `ty`.
pub(crate) fn links_from(ty: &str) -> impl Iterator<Item = &'static Param> {
    PARAMS.iter().filter(move |p| p.kind == ParamType::Reference && p.types.contains(&ty))
}

/// Reference parameters that point to `ty`, with the type that holds them.
pub(crate) fn links_to(ty: &str) -> impl Iterator<Item = (&'static str, &'static Param)> {
    PARAMS
        .iter()
        .filter(move |p| p.kind == ParamType::Reference && p.target == ty)
        .flat_map(|p| p.types.iter().map(move |source| (*source, p)))
}

/// Whether an item of `_include` or `_revinclude` names this link: `*`, `Source:*`, `Source:param` or `Source:param:Target`.
fn names_link(item: &str, source: &str, param: &Param) -> bool {
    let mut parts = item.splitn(3, ':');
    if item == "*" {
        return true;
    }
    parts.next() == Some(source)
        && parts.next().is_some_and(|name| name == "*" || name == param.name)
        && parts.next().is_none_or(|target| target == param.target)
}

/// Refuses an item that names no link of `ty`, and lists those that do.
fn no_link<'a>(item: &str, ty: &str, links: impl Iterator<Item = (&'a str, &'a Param)>) -> ApiError {
    let typed = item.matches(':').count() > 1;
    let known: Vec<String> = links
        .map(|(source, p)| format!("{source}:{}{}", p.name, if typed { format!(":{}", p.target) } else { String::new() }))
        .collect();
    ApiError::unknown(item, ty, known.iter().map(String::as_str).chain((!known.is_empty()).then_some("*")))
}

pub(super) fn include(ty: &str, value: &str, reach: IncludeReach, out: &mut Vec<IncludeRule>) -> Result<(), ApiError> {
    let iterate = reach == IncludeReach::Iterate;
    for item in split_values(value) {
        let before = out.len();
        // An iterated rule may start from any type; a plain one starts from the type searched.
        for source in TYPES.into_iter().filter(|source| *source == ty || (iterate && item != "*")) {
            let named = links_from(source).filter(|p| names_link(item, source, p));
            out.extend(named.map(|param| IncludeRule { source, param, reverse: false, iterate }));
        }
        if out.len() == before {
            return Err(no_link(item, ty, links_from(ty).map(|p| (ty, p))));
        }
    }
    Ok(())
}

pub(super) fn revinclude(ty: &str, value: &str, reach: IncludeReach, out: &mut Vec<IncludeRule>) -> Result<(), ApiError> {
    let iterate = reach == IncludeReach::Iterate;
    for item in split_values(value) {
        let before = out.len();
        for target in TYPES.into_iter().filter(|target| *target == ty || (iterate && item != "*")) {
            let named = links_to(target).filter(|(source, p)| names_link(item, source, p));
            out.extend(named.map(|(source, param)| IncludeRule { source, param, reverse: true, iterate }));
        }
        if out.len() == before {
            return Err(no_link(item, ty, links_to(ty)));
        }
    }
    Ok(())
}
