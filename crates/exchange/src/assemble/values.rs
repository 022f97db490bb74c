//! Fields of lines as attributes of objects.

use crate::formats::Slot as S;
use crate::text::fields::LineFields;
use annuaire_base::date::PartialDate;

/// The field of a slot.
pub(super) fn value(fields: &LineFields<'_>, slot: S) -> String {
    fields.get(slot).to_owned()
}

/// The field of a slot as a partial ISO date; empty when it is no date.
pub(super) fn date(fields: &LineFields<'_>, slot: S) -> String {
    PartialDate::parse(fields.get(slot)).map(|d| d.to_string()).unwrap_or_default()
}

/// Sets an attribute, unless the line leaves it empty.
pub(super) fn set_given(mine: &mut String, value: String) {
    if !value.is_empty() {
        *mine = value;
    }
}

/// The list in order, without repetitions.
pub(super) fn unique<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list.dedup();
    list
}
