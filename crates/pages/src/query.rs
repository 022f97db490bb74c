//! The query strings of pages: reading them, the form that shows what was typed, links to other pages of results.

use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::french::french_count;
use crate::limits;
use crate::marks::without_marks;
use crate::search::FormChoices;

/// Parameters of a query string, each value bounded, trimmed and without marks. The first of each name counts.
#[derive(Debug, Default)]
pub(crate) struct QueryFields(HashMap<String, String>);

impl QueryFields {
    /// Reads what a form sent (`application/x-www-form-urlencoded`). Every text is a query string.
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let clean = |text: &str| without_marks(text).chars().take(limits::FIELD_CHARS).collect::<String>().trim().to_owned();
        let mut fields = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            fields.entry(clean(&name)).or_insert_with(|| clean(&value));
        }
        Self(fields)
    }

    /// The value of a parameter; empty when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The page of results that is asked for, from 1. What is no number asks for the first page.
    pub(crate) fn page_number(&self) -> usize {
        self.get("page").parse().unwrap_or(1).clamp(1, limits::LAST_PAGE)
    }
}

/// What a search form shows: the texts that were typed, and the options of its lists.
#[derive(Debug, Clone)]
pub(crate) struct SearchForm<'a> {
    pub nom: String,
    pub profession: String,
    pub specialite: String,
    pub lieu: String,
    pub choices: &'a FormChoices,
}

impl<'a> SearchForm<'a> {
    pub(crate) fn new(fields: &QueryFields, choices: &'a FormChoices) -> Self {
        let typed = |name: &str| fields.get(name).to_owned();
        Self { nom: typed("nom"), profession: typed("profession"), specialite: typed("specialite"), lieu: typed("lieu"), choices }
    }

    /// Whether nothing was typed or chosen.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.nom, &self.profession, &self.specialite, &self.lieu].into_iter().all(String::is_empty)
    }
}

/// A page of results: which ones of all it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultPage {
    /// From 1.
    pub number: usize,
    /// Results on a page.
    pub size: usize,
}

impl ResultPage {
    /// Results before this page.
    pub(crate) fn start(self) -> usize {
        (self.number - 1) * self.size
    }

    /// The part of `results` that is on this page.
    pub(crate) fn select<T>(self, results: &[T]) -> &[T] {
        let rest = results.get(self.start()..).unwrap_or_default();
        &rest[..rest.len().min(self.size)]
    }

    /// Links to the pages before and after, of `total` results at `path?fields`.
    pub(crate) fn links(self, total: usize, path: &str, fields: &[(&str, &str)]) -> PageLinks {
        let previous = (self.number > 1).then(|| page_link(path, fields, self.number - 1));
        let next = (total > self.start() + self.size).then(|| page_link(path, fields, self.number + 1));
        PageLinks { previous: previous.unwrap_or_default(), next: next.unwrap_or_default() }
    }
}

/// Addresses of the pages of results before and after; empty where there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct PageLinks {
    pub previous: String,
    pub next: String,
}

/// Characters that stay as they are in a value of a query string and in a segment of a path (RFC 3986 §2.3, without `~`).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A text as a value of a query string or a segment of a path. A space is `%20`, which is right in both; the serializer of forms
/// would write `+`.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// The address of a page of results, without the fields that are empty.
fn page_link(path: &str, fields: &[(&str, &str)], number: usize) -> String {
    let number = number.to_string();
    let fields = fields.iter().copied().chain([("page", number.as_str())]).filter(|(_, value)| !value.is_empty());
    let parts: Vec<String> = fields.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("{path}?{}", parts.join("&"))
}

/// How many results there are and which ones are shown: `132 résultats, affichage de 21 à 40`.
pub(crate) struct ResultSummary {
    pub total: u64,
    /// Whether results are in the order of names.
    pub sorted: bool,
    /// Results before the first one shown.
    pub start: usize,
    /// Results shown.
    pub shown: usize,
}

impl ResultSummary {
    /// The sentence; `singular` and `plural` name the results.
    pub(crate) fn sentence(&self, singular: &str, plural: &str) -> String {
        let noun = if self.total > 1 { plural } else { singular };
        let (first, last) = (self.start + 1, self.start + self.shown);
        let range = if self.shown == 0 { String::new() } else { format!(", affichage de {first} à {last}") };
        let hint = if self.sorted || self.shown == 0 { "" } else { " ; précisez la recherche pour un classement par nom" };
        format!("{} {noun}{range}{hint}", french_count(self.total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_bounded_and_come_back_encoded() {
        let fields = QueryFields::parse(Some("nom=le%20Goff+%C3%89&nom=x&page=2&lieu=%00%zz"));
        assert_eq!((fields.get("nom"), fields.page_number(), fields.get("profession")), ("le Goff É", 2, ""));
        let long = QueryFields::parse(Some(&format!("nom={}", "a".repeat(500))));
        assert_eq!(long.get("nom").len(), limits::FIELD_CHARS);
        assert_eq!(page_link("/r", &[("nom", "a&b É"), ("lieu", "")], 3), "/r?nom=a%26b%20%C3%89&page=3");
    }

    #[test]
    fn every_page_number_is_in_bounds() {
        for (typed, number) in [("page=-1", 1), ("page=0", 1), ("page=x", 1), ("", 1), ("page=20000", limits::LAST_PAGE)] {
            assert_eq!(QueryFields::parse(Some(typed)).page_number(), number, "{typed}");
        }
    }

    #[test]
    fn pages_cover_all_results_once_and_link_to_each_other() {
        let results: Vec<usize> = (0..41).collect();
        let pages: Vec<ResultPage> = (1..=4).map(|number| ResultPage { number, size: 20 }).collect();
        assert_eq!(pages.iter().flat_map(|page| page.select(&results)).copied().collect::<Vec<_>>(), results);
        let links: Vec<PageLinks> = pages.iter().map(|page| page.links(results.len(), "/r", &[("nom", "x")])).collect();
        assert_eq!(
            links.iter().map(|l| l.previous.as_str()).collect::<Vec<_>>(),
            ["", "/r?nom=x&page=1", "/r?nom=x&page=2", "/r?nom=x&page=3"]
        );
        assert_eq!(links.iter().map(|l| l.next.as_str()).collect::<Vec<_>>(), ["/r?nom=x&page=2", "/r?nom=x&page=3", "", ""]);
    }

    #[test]
    fn summaries_are_correct_french() {
        let sentence =
            |total, start, shown| ResultSummary { total, sorted: true, start, shown }.sentence("x trouvé", "x trouvés");
        assert_eq!(sentence(0, 0, 0), "0 x trouvé");
        assert!(sentence(1_234_567, 0, 0).starts_with("1\u{202f}234\u{202f}567 x"));
        assert_eq!(sentence(41, 20, 20), "41 x trouvés, affichage de 21 à 40");
        let unsorted = ResultSummary { total: 3_000, sorted: false, start: 0, shown: 20 };
        assert!(unsorted.sentence("x", "x").ends_with("à 20 ; précisez la recherche pour un classement par nom"));
    }
}
