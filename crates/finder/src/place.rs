//! Places as people type them: communes of today and former ones, districts, postal codes, departments, regions.
//!
//! Names compare folded, with « st » for « saint », without CEDEX. A commune has many spellings in addresses, and the codes of an
//! address may be missing or old, so a [`Place`] tells each way in which an address can say it.

mod gazetteer;
mod near;
mod told;
mod typed;

use crate::limits::{EDGE_POSTAL_CODES, EDGE_WORDS, PLACES};
use gazetteer::{Gazetteer, PlaceName};
use std::collections::BTreeSet;
use std::ops::Range;
pub use told::{Place, PlaceKind};
use typed::{district, is_number, is_postal, words};

/// What a typed place can mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlaceReading {
    /// Best first: complete names, then population; at most [`PLACES`].
    pub places: Vec<Place>,
    /// Whether the places are written as they are typed, without an error that was mended.
    pub is_exact: bool,
    /// Folded words that no place explains; a postal code that contradicts the town is among them.
    pub rest: String,
}

/// How freely words may be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freedom {
    /// All words, as they are, are a place.
    Strict,
    /// A part of the words may be a place, with typing errors, without its article.
    Free,
}

/// Names found in words.
#[derive(Default)]
struct NamesFound<'a> {
    names: Vec<&'a PlaceName>,
    /// A department that its code names.
    department: Option<Place>,
    is_exact: bool,
    rest: Vec<String>,
}

/// Reads a field in which somebody typed a place: « 29200 Brest », « st malo », « paris 15 », « Finistère », « 2A », « Bretagne ».
///
/// A town and a postal code that contradict each other give the town, and [`PlaceReading::rest`] the code. A postal code that no commune has
/// (CEDEX) tells the department. From five letters one error is mended, from nine two, when no place has exactly this name.
/// Some look-ups for a name that exists. For one with errors, only the names whose beginning has few errors are looked at: some nine
/// thousand short rows of a comparison, at most [`NEAR_ROWS`](crate::limits::NEAR_ROWS).
#[must_use]
pub fn read_place(typed: &str) -> PlaceReading {
    Gazetteer::embedded().read(&words(typed), Freedom::Free)
}

/// Places that the first or last words of a text name exactly, or words around a postal code anywhere in it, for one field that takes everything:
/// « 29200 Brest, Dr Lefebvre, cardio ». The longest come first, then the best. The words are folded. Some twenty look-ups, and
/// ten more for each postal code, of which the first [`EDGE_POSTAL_CODES`] count.
#[must_use]
pub fn place_at_edge(words: &[String]) -> Vec<(Range<usize>, Place)> {
    let all = Gazetteer::embedded();
    let mut found = Vec::new();
    for (from, to) in edge_ranges(words) {
        let reading = all.read(&typed::words(&words[from..to].join(" ")), Freedom::Strict);
        if reading.rest.is_empty() {
            found.extend(reading.places.into_iter().map(|place| (from..to, place)));
        }
    }
    // The sort is stable, so the places of a range stay in their order.
    found.sort_by_key(|(range, _)| (std::cmp::Reverse(range.len()), range.start));
    found
}

/// Beginnings and ends of ranges of words that may name a place: at an edge of a text, or around a postal code.
fn edge_ranges(words: &[String]) -> BTreeSet<(usize, usize)> {
    let length = words.len();
    let postal: Vec<usize> = (0..length).filter(|i| is_postal(&words[*i])).take(EDGE_POSTAL_CODES).collect();
    let mut ranges = BTreeSet::new();
    for count in 1..=EDGE_WORDS.min(length) {
        ranges.extend([(0, count), (length - count, length)]);
        for at in &postal {
            ranges.extend([(*at, (at + count).min(length)), ((at + 1).saturating_sub(count), at + 1)]);
        }
    }
    ranges
}

/// Places to propose while somebody types, by the beginning of any of their words or of their postal code: the place that has exactly this name first,
/// then by population. A department or region stands among communes of at most [`AREA_WEIGHT`](crate::limits::AREA_WEIGHT) inhabitants. No typing
/// errors. The work is that of walking over the names that match, at most once over all.
#[must_use]
pub fn suggest_places(typed: &str, limit: usize) -> Vec<Place> {
    let all = Gazetteer::embedded();
    let words = words(typed);
    let limit = limit.min(PLACES);
    if words.is_empty() || limit == 0 {
        return Vec::new();
    }
    if let [digits] = &words[..]
        && (is_number(digits) || matches!(digits.as_str(), "2a" | "2b"))
    {
        return all.beginning_with_digits(&digits.to_uppercase(), limit);
    }
    if let Some(named) = district(&words)
        && named.said.len() == words.len()
        && words.last().is_none_or(|word| !is_number(word))
    {
        return all.read(&words, Freedom::Strict).places.into_iter().take(limit).collect();
    }
    let (postal, name) = postal_apart(&words);
    let keep = |name: &PlaceName| postal.is_none_or(|code| all.agrees(name, code));
    all.beginning_with(&name.join(" "), keep, limit).into_iter().map(|name| all.place(name)).collect()
}

/// Departments in which a postal code lies, `2A` or `2B` for those of Corsica; of a code that no commune has (CEDEX), those of its first digits.
/// Empty for what is no postal code of France.
#[must_use]
pub fn departments_of_postal(code: &str) -> Vec<String> {
    if is_postal(code) { Gazetteer::embedded().departments_of_postal(code) } else { Vec::new() }
}

/// The first postal code of words, and the other words.
fn postal_apart(words: &[String]) -> (Option<&str>, Vec<String>) {
    let at = words.iter().position(|word| is_postal(word));
    let others = words.iter().enumerate().filter(|(i, _)| Some(*i) != at).map(|(_, word)| word.clone()).collect();
    (at.map(|at| words[at].as_str()), others)
}

impl Gazetteer {
    fn read(&self, words: &[String], freedom: Freedom) -> PlaceReading {
        let (postal, others) = postal_apart(words);
        let found = self.named(&others, freedom);
        let told = |places: Vec<Place>, is_exact: bool, rest: &[String]| PlaceReading {
            places: places.into_iter().take(PLACES).collect(),
            is_exact,
            rest: rest.join(" "),
        };
        let Some(postal) = postal else {
            let places = found.department.into_iter().chain(found.names.iter().map(|name| self.place(name))).collect();
            return told(places, found.is_exact, &found.rest);
        };
        let agreeing: Vec<_> = found.names.iter().filter(|name| self.agrees(name, postal)).collect();
        if !agreeing.is_empty() {
            let districts = agreeing.iter().filter_map(|name| self.district_of(name, postal));
            let places = districts.chain(agreeing.iter().map(|name| self.place(name))).collect();
            return told(places, found.is_exact, &found.rest);
        }
        let departments = self.departments_of_postal(postal);
        let of_postal: Vec<Place> = match self.postal(postal) {
            Some(place) => vec![place],
            None => departments.iter().filter_map(|code| self.department(code)).collect(),
        };
        // « 29200 Finistère »: what is around says nothing more.
        let around = found.names.iter().map(|name| self.place(name)).chain(found.department.clone());
        let is_around = around
            .filter(|place| matches!(place.kind, PlaceKind::Department | PlaceKind::Region))
            .any(|place| departments.iter().any(|code| place.departments.contains(code)));
        if is_around {
            return told(of_postal, found.is_exact, &found.rest);
        }
        // A town that is written as it is stands against the code; one that had to be guessed does not.
        if found.is_exact && !found.names.is_empty() {
            let rest: Vec<String> = found.rest.iter().cloned().chain([postal.to_owned()]).collect();
            return told(found.names.iter().map(|name| self.place(name)).collect(), true, &rest);
        }
        let is_exact = !of_postal.is_empty();
        if is_exact {
            return told(of_postal, true, &others);
        }
        told(found.names.iter().map(|name| self.place(name)).collect(), false, &[&found.rest[..], &[postal.to_owned()]].concat())
    }

    /// The places that words without a postal code name.
    fn named(&self, words: &[String], freedom: Freedom) -> NamesFound<'_> {
        if words.is_empty() {
            return NamesFound::default();
        }
        if let Some(named) = district(words) {
            let ordinal = if named.number == 1 { "er" } else { "e" };
            let names = self.exact(&format!("{} {}{ordinal} arrondissement", named.city, named.number), false);
            if !names.is_empty() {
                let rest = (0..words.len()).filter(|i| !named.said.contains(i)).map(|i| words[i].clone()).collect();
                return NamesFound { names, department: None, is_exact: true, rest };
            }
        }
        if let Some(found) = self.exactly(words, freedom) {
            return found;
        }
        let nothing = NamesFound { rest: words.to_vec(), ..NamesFound::default() };
        if freedom == Freedom::Strict {
            return nothing;
        }
        let key = words.join(" ");
        let names = self.near(&key, near::allowed_errors(&key));
        if !names.is_empty() {
            return NamesFound { names, ..NamesFound::default() };
        }
        for length in (1..words.len()).rev() {
            for (said, rest) in [words.split_at(length), {
                let (rest, said) = words.split_at(words.len() - length);
                (said, rest)
            }] {
                if let Some(found) = self.exactly(said, Freedom::Strict) {
                    return NamesFound { rest: found.rest.into_iter().chain(rest.iter().cloned()).collect(), ..found };
                }
            }
        }
        nothing
    }

    /// All words as the name of places, as the code of a department, or as a name with a department or region around it (« Sainte-Anne 25 »,
    /// « Vienne Isère »).
    fn exactly(&self, words: &[String], freedom: Freedom) -> Option<NamesFound<'_>> {
        let short = freedom == Freedom::Free;
        let names = self.exact(&words.join(" "), short);
        if !names.is_empty() {
            return Some(NamesFound { names, is_exact: true, ..NamesFound::default() });
        }
        if let [code] = words {
            return Some(NamesFound { department: Some(self.department(code)?), is_exact: true, ..NamesFound::default() });
        }
        for at in (1..words.len()).rev() {
            let (first, last) = words.split_at(at);
            for (name, area) in [(first, last), (last, first)] {
                let departments = self.departments_named(area);
                let mut names = if departments.is_empty() { Vec::new() } else { self.exact(&name.join(" "), short) };
                names.retain(|name| departments.iter().any(|code| self.is_in(name, code)));
                if !names.is_empty() {
                    return Some(NamesFound { names, is_exact: true, ..NamesFound::default() });
                }
            }
        }
        None
    }

    /// Codes of the departments that words name, by code or by name, or by the name of their region.
    fn departments_named(&self, words: &[String]) -> Vec<String> {
        let by_code = if let [code] = words { self.department(code) } else { None };
        let by_name = self.exact(&words.join(" "), false).into_iter().map(|name| self.place(name));
        let areas = by_name.chain(by_code).filter(|place| matches!(place.kind, PlaceKind::Department | PlaceKind::Region));
        areas.flat_map(|place| place.departments).collect()
    }
}

#[cfg(test)]
mod tests;
