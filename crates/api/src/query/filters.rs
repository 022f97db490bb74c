//! Filters that several criteria make.

use annuaire_index::Filter;

/// A filter that matches nothing.
pub(super) fn nothing() -> Filter {
    Filter::Not(Box::new(Filter::All))
}

/// A filter that matches what one of these matches.
pub(super) fn any_of(mut filters: Vec<Filter>) -> Filter {
    match filters.len() {
        1 => filters.pop().unwrap_or_else(nothing),
        0 => nothing(),
        _ => Filter::Or(filters),
    }
}
