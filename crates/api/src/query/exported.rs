//! Filters of exports: any search on a type, without what shapes an answer.

use annuaire_index::{Filter, Snapshot};

use super::handling::Handling;
use super::pairs::pairs;
use super::results::is_result_parameter;
use super::search::compile;
use crate::error::ApiError;
use crate::types::any_type;

/// The filter of a query on a type, for an export (`_typeFilter`). References to our own addresses begin with `base`.
///
/// # Errors
/// What is not served, in one sentence: what a strict search refuses, and parameters that shape an answer.
pub fn export_filter(snap: &Snapshot, base: &str, ty: &str, query: &str) -> Result<Filter, String> {
    compile_export_filter(snap, base, ty, query).map_err(|error| format!("{} {}", error.text, error.hint).trim_end().to_owned())
}

pub(crate) fn compile_export_filter(snap: &Snapshot, base: &str, ty: &str, query: &str) -> Result<Filter, ApiError> {
    let (ty, _) = any_type(ty).ok_or_else(|| ApiError::value("The filter names no type that is published."))?;
    for (name, _) in pairs(query)? {
        let plain = name.split(':').next().unwrap_or_default();
        if is_result_parameter(plain) {
            return Err(ApiError::value(&format!("{name} shapes an answer, and a filter of an export has none: leave it out.")));
        }
    }
    Ok(compile(snap, base, ty, query, Handling::Strict)?.filter)
}
