//! The searches behind the pages.

use crate::limits;
use crate::view::{self, param, token, ty};
use annuaire_base::text::fold;
use annuaire_index::{Error, Filter, RoaringBitmap, Row, Snapshot};
use annuaire_nos::Nos;
use std::collections::BTreeSet;

/// Answers of a search: rows in the order of names when there are few enough to sort.
pub(crate) struct Found {
    pub rows: Vec<Row>,
    pub total: u64,
    pub sorted: bool,
}

/// What nothing fulfils.
fn nothing() -> Filter {
    Filter::Or(Vec::new())
}

/// Names that hold every word given, anywhere, whatever its case and accents. No name holds a text of signs only.
fn named(kind: &str, parameter: &str, words: &str) -> Vec<Filter> {
    if signs(words) {
        return vec![nothing()];
    }
    let id = param(kind, parameter);
    let word = |w: &str| match w.chars().count() {
        0..=2 => Filter::Prefix { param: id, value: w.to_owned() },
        _ => Filter::Contains { param: id, value: w.to_owned() },
    };
    fold(words).split(' ').filter(|w| !w.is_empty()).take(limits::WORDS).map(word).collect()
}

/// Whether something was typed in which there is nothing to look for.
fn signs(text: &str) -> bool {
    !text.is_empty() && !fold(text).chars().any(char::is_alphanumeric)
}

/// Structures of a town or a postal code; none for a text of signs only. `st` and `ste` are read as `saint` and `sainte`.
pub(crate) fn located(place: &str) -> Option<Filter> {
    let folded = fold(place);
    if signs(place) {
        return Some(nothing());
    }
    if folded.is_empty() {
        return None;
    }
    if folded.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Filter::Prefix { param: param("Organization", "address-postalcode"), value: folded });
    }
    let city = |value: String| Filter::Prefix { param: param("Organization", "address-city"), value };
    let spelt = |w: &str| match w {
        "st" => "saint".to_owned(),
        "ste" => "sainte".to_owned(),
        w => w.to_owned(),
    };
    let long = folded.split(' ').map(spelt).collect::<Vec<_>>().join(" ");
    Some(if long == folded { city(folded) } else { Filter::Or(vec![city(folded), city(long)]) })
}

/// Professionals by name, profession, specialty and place of practice.
pub(crate) fn people(snap: &Snapshot, name: &str, profession: &str, specialty: &str, place: &str) -> Result<Found, Error> {
    let mut filters = vec![view::active("Practitioner")];
    filters.extend(named("Practitioner", "name", name));
    let nos = Nos::embedded();
    if let Some((table, concept)) = nos.profession(profession) {
        filters.push(token("Practitioner", "qualification-code", Some(&table.system), &concept.code));
    } else if !profession.is_empty() {
        filters.push(nothing());
    }
    if !specialty.is_empty() {
        filters.push(token("Practitioner", "qualification-code", None, specialty));
    }
    if let Some(filter) = located(place) {
        let role_there = Filter::Chain {
            param: param("PractitionerRole", "organization"),
            target_type: ty("Organization"),
            target_name: "Organization".to_owned(),
            filter: Box::new(Filter::And(vec![view::active("Organization"), filter])),
        };
        filters.push(Filter::Has {
            source_type: ty("PractitionerRole"),
            param: param("PractitionerRole", "practitioner"),
            target_name: "Practitioner".to_owned(),
            filter: Box::new(role_there),
        });
    }
    let rows = snap.search(ty("Practitioner"), &Filter::And(filters))?;
    let key = |row: Row| -> Result<(String, String), Error> {
        let p = view::practice(&view::parse(&snap.entry(row)?));
        Ok((fold(&format!("{} {}", p.family, p.given)), p.national))
    };
    ordered(&rows, key)
}

/// Structures by name and place.
pub(crate) fn structures(snap: &Snapshot, name: &str, place: &str) -> Result<Found, Error> {
    let mut filters = vec![view::active("Organization")];
    filters.extend(named("Organization", "name", name));
    filters.extend(located(place));
    let rows = snap.search(ty("Organization"), &Filter::And(filters))?;
    let key = |row: Row| -> Result<(String, String), Error> {
        let p = view::place(&view::parse(&snap.entry(row)?));
        Ok((fold(&p.name), p.id))
    };
    ordered(&rows, key)
}

fn ordered(rows: &RoaringBitmap, key: impl Fn(Row) -> Result<(String, String), Error>) -> Result<Found, Error> {
    let total = rows.len();
    if total > limits::SORTED {
        return Ok(Found { rows: rows.iter().collect(), total, sorted: false });
    }
    let mut keyed = rows.iter().map(|row| Ok((key(row)?, row))).collect::<Result<Vec<_>, Error>>()?;
    keyed.sort();
    Ok(Found { rows: keyed.into_iter().map(|k| k.1).collect(), total, sorted: true })
}

/// What a form lets choose from: (code, label) in the order of labels.
pub(crate) struct Choices {
    pub professions: Vec<(String, String)>,
    pub specialties: Vec<(String, String)>,
}

/// Open codes of the terminologies.
pub(crate) fn choices() -> Choices {
    let nos = Nos::embedded();
    let open = |tables: &[&str]| {
        let mut all: BTreeSet<(String, String, String)> = BTreeSet::new();
        for table in tables.iter().filter_map(|t| nos.table(t)) {
            for c in table.concepts().iter().filter(|c| c.valid_to.is_empty()) {
                all.insert((fold(&c.label), c.code.clone(), c.label.clone()));
            }
        }
        all.into_iter().map(|(_, code, label)| (code, label)).collect::<Vec<_>>()
    };
    Choices {
        professions: open(&["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291"]),
        specialties: open(&["TRE_R38", "TRE_R40", "TRE_R44"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_alone_find_nobody() {
        for text in ["-", "- -", "'", "…", "*", "%", "«»", "\u{301}", "_", "."] {
            assert_eq!(named("Practitioner", "name", text), [nothing()], "{text}");
            assert_eq!(located(text), Some(nothing()), "{text}");
        }
        assert!(named("Practitioner", "name", "").is_empty() && located("").is_none());
        assert_eq!(named("Practitioner", "name", "le goff-").len(), 2);
    }
}
