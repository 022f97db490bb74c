//! The searches behind the pages: what a visitor types becomes a filter of the store.

use std::collections::BTreeSet;

use annuaire_base::text::fold;
use annuaire_index::{Error, Filter, RoaringBitmap, Row, Snapshot};
use annuaire_nos::Nos;
use annuaire_terms::ParamId;

use crate::limits;
use crate::resource::organization::OrganizationView;
use crate::resource::practitioner::PractitionerView;
use crate::resource::shown_json;
use crate::schema::{
    ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE, active, organization, practitioner, role, with_code, with_code_of,
};

/// The resources that a search found.
pub(crate) struct MatchingRows {
    pub rows: Vec<Row>,
    pub total: u64,
    /// Whether the rows are in the order of names; too many results are in the order of the store.
    pub sorted: bool,
}

/// What a visitor looks for among professionals; empty texts do not restrict.
pub(crate) struct PeopleCriteria<'a> {
    /// Words of a name.
    pub name: &'a str,
    /// Code of a profession.
    pub profession: &'a str,
    /// Code of a specialty.
    pub specialty: &'a str,
    /// Town or postal code of a place of practice.
    pub place: &'a str,
}

/// Professionals that fulfil all criteria.
pub(crate) fn people(snapshot: &Snapshot, criteria: &PeopleCriteria<'_>) -> Result<MatchingRows, Error> {
    let mut filters = vec![active(practitioner::ACTIVE)];
    filters.extend(containing_words(practitioner::NAME, criteria.name));
    if let Some((table, concept)) = Nos::embedded().profession(criteria.profession) {
        filters.push(with_code_of(practitioner::QUALIFICATION_CODE, &table.system, &concept.code));
    } else if !criteria.profession.is_empty() {
        filters.push(no_resource());
    }
    if !criteria.specialty.is_empty() {
        filters.push(with_code(practitioner::QUALIFICATION_CODE, criteria.specialty));
    }
    filters.extend(located(criteria.place).map(practising_at));
    let rows = snapshot.search(PRACTITIONER, &Filter::And(filters))?;
    sorted_by_name(&rows, |row| {
        let shown = PractitionerView::of_json(&shown_json(&snapshot.read(row)?));
        Ok((fold(&format!("{} {}", shown.family, shown.given)), shown.national_id))
    })
}

/// Structures by name and place; empty texts do not restrict.
pub(crate) fn structures(snapshot: &Snapshot, name: &str, place: &str) -> Result<MatchingRows, Error> {
    let mut filters = vec![active(organization::ACTIVE)];
    filters.extend(containing_words(organization::NAME, name));
    filters.extend(located(place));
    let rows = snapshot.search(ORGANIZATION, &Filter::And(filters))?;
    sorted_by_name(&rows, |row| {
        let shown = OrganizationView::of_json(&shown_json(&snapshot.read(row)?));
        Ok((fold(&shown.name), shown.technical_id))
    })
}

/// Professionals with a situation at a structure that fulfils `structure`.
fn practising_at(structure: Filter) -> Filter {
    let role_there = Filter::Chain {
        param: role::ORGANIZATION,
        target_type: ORGANIZATION,
        target_name: "Organization".to_owned(),
        filter: Box::new(Filter::And(vec![active(organization::ACTIVE), structure])),
    };
    Filter::Has {
        source_type: PRACTITIONER_ROLE,
        param: role::PRACTITIONER,
        target_name: "Practitioner".to_owned(),
        filter: Box::new(role_there),
    }
}

/// The filter that no resource fulfils.
fn no_resource() -> Filter {
    Filter::Or(Vec::new())
}

/// Names that contain every word typed, whatever its case and accents. A word of one or two letters must begin the name, since
/// the trigram filters of the store cannot narrow it down. Signs alone find nobody.
fn containing_words(param: ParamId, words: &str) -> Vec<Filter> {
    if is_signs_alone(words) {
        return vec![no_resource()];
    }
    let filter = |word: &str| match word.chars().count() {
        0..=2 => Filter::Prefix { param, value: word.to_owned() },
        _ => Filter::Contains { param, value: word.to_owned() },
    };
    fold(words).split(' ').filter(|word| !word.is_empty()).take(limits::NAME_WORDS).map(filter).collect()
}

/// Whether something was typed that has no letter and no digit. `base::text::folds_to_nothing` asks for less: of `*` or `%`
/// folding leaves a sign, which a search would look for, and of nothing typed it leaves nothing.
fn is_signs_alone(typed: &str) -> bool {
    !typed.is_empty() && !fold(typed).chars().any(char::is_alphanumeric)
}

/// Structures of a town or a postal code; `None` when nothing was typed, no structure for signs alone. `st` and `ste` are
/// also read as `saint` and `sainte`.
fn located(place: &str) -> Option<Filter> {
    let folded = fold(place);
    if is_signs_alone(place) {
        return Some(no_resource());
    }
    if folded.is_empty() {
        return None;
    }
    if folded.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Filter::Prefix { param: organization::POSTAL_CODE, value: folded });
    }
    let city = |value: String| Filter::Prefix { param: organization::CITY, value };
    let spelt_out = |word: &str| match word {
        "st" => "saint".to_owned(),
        "ste" => "sainte".to_owned(),
        word => word.to_owned(),
    };
    let long = folded.split(' ').map(spelt_out).collect::<Vec<_>>().join(" ");
    Some(if long == folded { city(folded) } else { Filter::Or(vec![city(folded), city(long)]) })
}

/// The rows in the order of `key`, when they are few enough to read them all.
fn sorted_by_name(rows: &RoaringBitmap, key: impl Fn(Row) -> Result<(String, String), Error>) -> Result<MatchingRows, Error> {
    let total = rows.len();
    if total > limits::SORTED {
        return Ok(MatchingRows { rows: rows.iter().map(Row::new).collect(), total, sorted: false });
    }
    let mut keyed = rows.iter().map(Row::new).map(|row| Ok((key(row)?, row))).collect::<Result<Vec<_>, Error>>()?;
    keyed.sort();
    Ok(MatchingRows { rows: keyed.into_iter().map(|(_, row)| row).collect(), total, sorted: true })
}

/// What the form lets choose from: code and label, in the order of labels.
#[derive(Debug, Default)]
pub(crate) struct FormChoices {
    pub professions: Vec<(String, String)>,
    pub specialties: Vec<(String, String)>,
}

impl FormChoices {
    /// The codes of the terminologies that are valid today.
    pub(crate) fn of_terminologies() -> Self {
        let nos = Nos::embedded();
        let valid_codes = |tables: &[&str]| {
            let mut choices: BTreeSet<(String, String, String)> = BTreeSet::new();
            for table in tables.iter().filter_map(|table| nos.table(table)) {
                for concept in table.concepts().iter().filter(|concept| concept.valid_to.is_empty()) {
                    choices.insert((fold(&concept.label), concept.code.clone(), concept.label.clone()));
                }
            }
            choices.into_iter().map(|(_, code, label)| (code, label)).collect::<Vec<_>>()
        };
        Self {
            professions: valid_codes(&["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291"]),
            specialties: valid_codes(&["TRE_R38", "TRE_R40", "TRE_R44"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_base::text::folds_to_nothing;

    #[test]
    fn signs_alone_find_nobody() {
        for typed in ["-", "- -", "'", "…", "*", "%", "«»", "\u{301}", "_", "."] {
            assert_eq!(containing_words(practitioner::NAME, typed), [no_resource()], "{typed}");
            assert_eq!(located(typed), Some(no_resource()), "{typed}");
        }
        assert!(containing_words(practitioner::NAME, "").is_empty() && located("").is_none());
        assert_eq!(containing_words(practitioner::NAME, "le goff-").len(), 2);
    }

    /// Why there are two functions: what folds to nothing is signs alone, and not the reverse.
    #[test]
    fn signs_alone_are_more_than_what_folds_to_nothing() {
        for typed in ["-", "'", "\u{301}", ". -"] {
            assert!(is_signs_alone(typed) && folds_to_nothing(typed), "{typed}");
        }
        for typed in ["*", "%", "_", "«»"] {
            assert!(is_signs_alone(typed) && !folds_to_nothing(typed), "{typed}");
        }
        assert!(!is_signs_alone("") && folds_to_nothing(""));
    }
}
