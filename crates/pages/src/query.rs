//! The query strings of pages: reading them, the form that shows what was typed, links to other pages of results.

use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use annuaire_finder::concept::Family;

use crate::choices::FormChoices;
use crate::limits;
use crate::marks::without_marks;

/// Parameters of a query string, each value bounded, trimmed and without marks. The first of each name counts.
#[derive(Debug, Default)]
pub(crate) struct QueryFields {
    values: HashMap<String, String>,
    /// Whether a value was longer than what is read of it.
    pub is_cut: bool,
}

impl QueryFields {
    /// Reads what a form sent (`application/x-www-form-urlencoded`). Every text is a query string.
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let clean = |text: &str| without_marks(text).chars().take(limits::FIELD_CHARS).collect::<String>().trim().to_owned();
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            fields.is_cut |= value.chars().count() > limits::FIELD_CHARS;
            fields.values.entry(clean(&name)).or_insert_with(|| clean(&value));
        }
        fields
    }

    /// The value of a parameter; empty when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// The value of a parameter, else that of its former name.
    pub(crate) fn either(&self, name: &str, former: &str) -> &str {
        if self.get(name).is_empty() { self.get(former) } else { self.get(name) }
    }

    /// The page of results that is asked for, from 1. What is no number asks for the first page.
    pub(crate) fn page_number(&self) -> usize {
        self.get("page").parse().unwrap_or(1).clamp(1, limits::LAST_PAGE)
    }
}

/// Which of both kinds of results is wanted alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WantedKind {
    People,
    Structures,
}

impl WantedKind {
    /// Value of the field `type`.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::People => "professionnels",
            Self::Structures => "structures",
        }
    }
}

/// Criteria of the advanced form: name of the field, and label. With the words, the place and the profession they are the eleven that
/// the national conformance programme asks of a search.
pub(crate) const ADVANCED: [(&str, &str); 9] = [
    ("identifiant", "Identifiant"),
    ("nom", "Nom d’exercice"),
    ("prenom", "Prénom d’exercice"),
    ("structure", "Structure"),
    ("adresse", "Adresse"),
    ("voie", "Voie"),
    ("cp", "Code postal"),
    ("ville", "Ville"),
    ("mss", "Adresse de messagerie sécurisée"),
];

/// What a search form shows: what was typed and chosen, and the options of its lists.
#[derive(Debug, Clone)]
pub(crate) struct SearchForm<'a> {
    /// Box « what ».
    pub q: String,
    /// Box « where ».
    pub ou: String,
    /// Profession or specialty as people say it.
    pub family: Option<&'static Family>,
    /// Codes of a profession and a specialty.
    pub profession: String,
    pub specialite: String,
    pub wanted: Option<WantedKind>,
    /// Whether near spellings are left out.
    pub is_exact: bool,
    /// Values of [`ADVANCED`], in their order; empty where nothing was typed.
    more: Vec<String>,
    pub choices: &'a FormChoices,
}

impl<'a> SearchForm<'a> {
    pub(crate) fn new(fields: &QueryFields, choices: &'a FormChoices) -> Self {
        let families = annuaire_finder::concept::families();
        Self {
            q: fields.get("q").to_owned(),
            ou: fields.either("ou", "lieu").to_owned(),
            family: families.iter().find(|family| family.label == fields.get("metier")),
            profession: fields.get("profession").to_owned(),
            specialite: fields.get("specialite").to_owned(),
            wanted: [WantedKind::People, WantedKind::Structures].into_iter().find(|wanted| wanted.code() == fields.get("type")),
            is_exact: fields.get("exact") == "1",
            more: ADVANCED.iter().map(|(name, _)| fields.get(name).to_owned()).collect(),
            choices,
        }
    }

    /// The criteria of the advanced form that were typed: field, label and value.
    pub(crate) fn advanced(&self) -> Vec<(&'static str, &'static str, &str)> {
        let lists = [("profession", "Profession", self.profession.as_str()), ("specialite", "Spécialité", &self.specialite)];
        let lists = lists.into_iter().map(|(name, label, code)| (name, label, self.choices.label(code).unwrap_or(code)));
        let typed = ADVANCED.iter().zip(&self.more).map(|((name, label), value)| (*name, *label, value.as_str()));
        lists.chain(typed).filter(|(_, _, value)| !value.is_empty()).collect()
    }

    /// The fields of the advanced form, with what was typed: field, label and value.
    pub(crate) fn advanced_fields(&self) -> Vec<(&'static str, &'static str, &str)> {
        ADVANCED.iter().zip(&self.more).map(|((name, label), value)| (*name, *label, value.as_str())).collect()
    }

    /// All that is asked, as fields of a query string; empty values ask nothing.
    pub(crate) fn criteria(&self) -> Vec<(&str, &str)> {
        let mut all = vec![
            ("q", self.q.as_str()),
            ("ou", &self.ou),
            ("metier", self.family.map_or("", |family| family.label)),
            ("profession", &self.profession),
            ("specialite", &self.specialite),
            ("type", self.wanted.map_or("", WantedKind::code)),
            ("exact", if self.is_exact { "1" } else { "" }),
        ];
        all.extend(ADVANCED.iter().zip(&self.more).map(|((name, _), value)| (*name, value.as_str())));
        all
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
    let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("page", number.as_str())]).collect();
    search_link(path, &fields)
}

/// The address of a search, without the fields that are empty.
pub(crate) fn search_link(path: &str, fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<String> = fields.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("{path}?{}", parts.join("&"))
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
}
