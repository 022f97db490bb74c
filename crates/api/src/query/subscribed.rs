//! Filters of subscriptions: criteria that every version of a resource answers, whatever its state.

use annuaire_index::{Filter, Snapshot};

use super::criteria::{CriteriaContext, criterion};
use super::modifiers::{modifier_works, working_modifiers};
use super::pairs::pairs;
use crate::error::ApiError;

/// The filter of a query on a type, for subscriptions: a version that was replaced satisfies it or not, as one that stands. References to our
/// own addresses begin with `base`.
///
/// # Errors
/// What is not served, in one sentence: parameters and modifiers that the search does not know, and those that ask about more than a version:
/// chains, `_has`, `:of-type`, `:identifier`, instants, parameters of results.
pub fn subscription_filter(snap: &Snapshot, base: &str, ty: &str, query: &str) -> Result<Filter, String> {
    let said = |error: ApiError| format!("{} {}", error.text, error.hint).trim_end().to_owned();
    let context = CriteriaContext { snap, base };
    let mut all = Vec::new();
    for (name, value) in pairs(query).map_err(said)? {
        let (plain, modifier) = name.split_once(':').unwrap_or((&name, ""));
        let of_more =
            (plain.starts_with('_') && plain != "_profile") || name.contains('.') || matches!(modifier, "of-type" | "identifier");
        if of_more {
            return Err(format!("{name} is not served in a filter of a subscription."));
        }
        if !modifier_works(ty, &name) {
            return Err(format!("The modifier of {name} is not supported. {}", working_modifiers(ty, plain)));
        }
        let filter = criterion(&context, ty, &name, &value, 0).map_err(|error| said(error.in_parameter(plain)))?;
        all.push(filter.ok_or_else(|| format!("{name} has no value."))?);
    }
    match all.len() {
        0 => Err("The filter has no parameter.".into()),
        1 => Ok(all.remove(0)),
        _ => Ok(Filter::And(all)),
    }
}
