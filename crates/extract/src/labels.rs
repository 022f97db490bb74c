//! Labels of codes. A code that no table has gets none.

use annuaire_base::text::fold;
use annuaire_nos::{Concept, Nos, TableConcept};

fn of(found: Option<TableConcept<'static>>) -> &'static str {
    found.map_or("", |(_, concept)| &concept.label)
}

pub(crate) fn concept(table: &str, code: &str) -> Option<&'static Concept> {
    Nos::embedded().table(table)?.get(code)
}

/// Label of a code of a table.
pub(crate) fn label(table: &str, code: &str) -> &'static str {
    concept(table, code).map_or("", |c| &c.label)
}

/// A value in the further columns of a concept.
pub(crate) fn extra(concept: &'static Concept, key: &str) -> &'static str {
    let mut pairs = concept.extra.split(';').filter_map(|pair| pair.split_once('='));
    pairs.find(|(k, _)| *k == key).map_or("", |(_, value)| value)
}

pub(crate) fn profession(code: &str) -> &'static str {
    of(Nos::embedded().profession(code))
}

pub(crate) fn know_how(kind: &str, code: &str) -> &'static str {
    of(Nos::embedded().savoir_faire(kind, code))
}

pub(crate) fn diploma(kind: &str, code: &str) -> &'static str {
    of(Nos::embedded().diplome(kind, code))
}

pub(crate) fn role(code: &str) -> &'static str {
    of(Nos::embedded().fonction(code))
}

/// The short name of a country, as these files have it: `France`.
pub(crate) fn country(code: &str) -> &'static str {
    let Some(country) = concept("TRE_R20", code) else { return "" };
    let short = extra(country, "short");
    if short.is_empty() { &country.label } else { short }
}

/// A label in capitals without accents and hyphens, as FINESS writes departments: `CORSE DU SUD`.
pub(crate) fn capitals(label: &str) -> String {
    fold(label).replace(['-', '\''], " ").to_uppercase()
}
