//! Recognises the format of a file by its header; its name must agree.
//!
//! A header is of a format when every column that the format reads is there, most of the others too, and the format knows most
//! columns of the header. Else the file is refused: a renamed column must not make another, shorter format of it.

use super::file_names::{announced_format, is_restricted_name, words};
use super::layout::Layout;
use crate::formats::{LineKind, Separator, Slot, TextFormat, all};
use crate::limits;
use annuaire_base::text::fold;
use std::collections::{BTreeSet, HashSet};

/// The layout of a file of this name that begins with this header.
///
/// # Errors
/// Why no format has this header, for the operator.
pub(crate) fn recognise(file: &str, header: &str) -> Result<Layout, String> {
    let separator = if header.contains('|') { Separator::Pipe } else { Separator::Semicolon };
    let mut names: Vec<String> = header.split(separator.as_char()).map(normalise).collect();
    // Every line of most formats ends with a separator, the header included: the last field is empty and has no name.
    let closing = names.len() > 1 && names.last().is_some_and(String::is_empty);
    if closing {
        names.pop();
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|n| !n.is_empty() && !seen.insert(n.as_str())) {
        return Err(format!("line 1: the column {twice:?} is given twice, and nothing says which one to read"));
    }
    let fits: Vec<(&'static TextFormat, HeaderFit)> =
        all().iter().filter(|f| !f.headers.is_empty()).map(|f| (f, HeaderFit::new(f, &names))).collect();
    let chosen = fits
        .iter()
        .filter(|(f, fit)| f.separator == separator && fit.is_match(names.len()))
        .max_by_key(|(f, fit)| fit.nearness(f, names.len()));
    let announced = announced_format(file);
    let Some((format, fit)) = chosen else {
        return Err(no_format(&fits, announced, separator, names.len()));
    };
    if let Some(expected) = announced.filter(|a| *a != format.name) {
        return Err(format!(
            "line 1: the name of the file says {expected} and its columns say {}; nothing was imported, name it as it was delivered",
            format.name
        ));
    }
    if format.is_open() {
        check_open(file, format.name, &names)?;
    }
    if closing && separator == Separator::Pipe {
        names.push(String::new());
    }
    let slot = |name: &str| format.columns.iter().find(|c| c.0 == name).map_or(Slot::Ignore, |c| c.1);
    let fields = names.into_iter().map(|n| (slot(&n), n)).collect();
    let closed = closing || header.ends_with('"');
    Ok(Layout { format, fields, extra: fit.unknown.clone(), missing: fit.labels.clone(), closed })
}

/// Why a header is of no format: its difference from the format that its file announces, else from the nearest one.
fn no_format(fits: &[(&'static TextFormat, HeaderFit)], announced: Option<&str>, separator: Separator, names: usize) -> String {
    let expected = announced.filter(|a| fits.iter().any(|(f, _)| f.name == *a));
    let nearest = fits
        .iter()
        .filter(|(f, _)| expected.is_none_or(|e| f.name == e))
        .max_by_key(|(f, fit)| (fit.nearness(f, names), f.separator == separator));
    let Some((near, fit)) = nearest.filter(|(f, fit)| expected.is_some() || fit.nearness(f, names) >= 500) else {
        return "line 1: no known national format has these columns; nothing was imported".to_owned();
    };
    let why = if near.separator == separator {
        fit.difference()
    } else {
        let sign = near.separator.as_char().to_string();
        format!("its fields are separated by {sign:?}")
    };
    let whose = if expected.is_some() { "its name says" } else { "looks like" };
    format!("line 1: {whose} {}, and {why}; nothing was imported", near.name)
}

/// Refuses a file of an open format that may hold restricted data, by a column or by its name.
fn check_open(file: &str, format: &str, names: &[String]) -> Result<(), String> {
    if let Some(column) = restricted_column(names) {
        return Err(format!(
            "line 1: looks like {format}, which is open data, but only restricted files have the column {column:?}; nothing was imported"
        ));
    }
    if is_restricted_name(file) {
        return Err(format!(
            "line 1: the name of the file is one of a restricted extraction and its columns say {format}, which is open data; nothing was imported"
        ));
    }
    Ok(())
}

/// Whether a first line is that of a national file, or resembles one so much that the file must be read or refused: at least
/// three names of columns, and half of all, are those of national files.
pub(crate) fn resembles_national_file(header: &str) -> bool {
    if is_former_ameli(header) || header.starts_with("finess;etalab;") {
        return true;
    }
    let known: HashSet<&str> = all().iter().flat_map(|f| &f.columns).map(|c| c.0.as_str()).collect();
    let names = header.split(if header.contains('|') { '|' } else { ';' }).map(normalise).filter(|n| !n.is_empty());
    let names: Vec<String> = names.collect();
    let ours = names.iter().filter(|n| known.contains(n.as_str()) || n.starts_with("libelle ")).count();
    ours >= 3 && ours * 2 >= names.len()
}

/// Whether a first line is that of a former file of the health insurance, which has no header and is frozen since 2026: gender
/// first, then 21 or 33 fields.
pub(super) fn is_former_ameli(first: &str) -> bool {
    matches!(first.split(';').count(), 21 | 33) && matches!(first.split(';').next(), Some("H" | "F" | ""))
}

/// The sections of a FINESS open file of this name, given its first line of data. The number on its line 1 counts
/// publications and is no kind (source-files §7). A file of unknown name with establishments only is read as one
/// with positions, which it may turn out to lack.
///
/// # Errors
/// Why the file is no FINESS open file that is read, for the operator.
pub(crate) fn sections(file: &str, data: &str) -> Result<Vec<Layout>, String> {
    let words = words(file);
    let kind = words.split_once("cs1100").and_then(|(_, rest)| rest.get(..3));
    let kind = match kind {
        Some(kind) => kind.to_owned(),
        None => {
            let fields = data.split(';').count();
            let found = match data.split(';').next() {
                Some("structureej") => "501",
                Some("activiteoffresoin") => "503",
                Some("equipmateriellourd") => "504",
                Some("equipementsocial") => "505",
                Some("structureet") if fields <= 4 => "505",
                Some("structureet" | "geolocalisation") => "507",
                _ => return Err("line 2: begins with no section of a FINESS open file".to_owned()),
            };
            found.to_owned()
        }
    };
    let sections: Vec<Layout> = all().iter().filter(|f| f.is_section_of(&kind)).map(Layout::of_section).collect();
    if sections.is_empty() {
        return Err(format!("its name says cs1100{kind}, which is no FINESS open file that is read: 501 to 505 and 507 are"));
    }
    Ok(sections)
}

/// Whether this is the name of a section of any FINESS open file.
pub(super) fn is_section(name: &str) -> bool {
    all().iter().any(|f| !f.section.is_empty() && f.section == name)
}

/// A header without what varies between generations: case, accents, apostrophes, `d'`, spaces, renamed columns.
pub(crate) fn normalise(header: &str) -> String {
    let folded = fold(header.trim().trim_matches('"'));
    let words: Vec<&str> = folded.split(' ').filter(|w| *w != "d").collect();
    let name = words.join(" ").replace("(coord. ", "(coord ");
    match name.as_str() {
        "code fonction" => "code role".to_owned(),
        "libelle fonction" => "libelle role".to_owned(),
        "code_sexe" => "code sexe".to_owned(),
        _ => name,
    }
}

/// The first column of a header that only restricted formats have, by its header or by a word in it.
fn restricted_column(names: &[String]) -> Option<&str> {
    let headers_of = |open: bool| -> BTreeSet<&str> {
        all().iter().filter(|f| f.is_open() == open).flat_map(|f| f.headers.iter().copied()).collect()
    };
    let (open, closed) = (headers_of(true), headers_of(false));
    let restricted = |n: &str| !open.contains(n) && (closed.contains(n) || RESTRICTED_WORDS.iter().any(|w| n.contains(w)));
    names.iter().map(String::as_str).find(|n| restricted(n))
}

/// Words that only headers of restricted columns contain, whatever their exact wording.
const RESTRICTED_WORDS: &[&str] = &[
    "naissance",
    "nom de famille",
    "prenoms",
    "sexe",
    "correspondance",
    "deces",
    "nationalite",
    "etat civil",
    "usage",
    "autres identifiants",
    "sanction",
    "infraction",
];

/// How a header compares with a format.
struct HeaderFit {
    /// Columns that the format reads, and that are missing.
    absent: Vec<String>,
    /// Columns that the format knows and does not read, and that are missing.
    labels: Vec<String>,
    /// Columns of the header that the format does not know.
    unknown: Vec<String>,
    /// Number of columns of the header that the format knows.
    known: usize,
    /// At least half of the labels of the format are there.
    labelled: bool,
}

impl HeaderFit {
    fn new(format: &TextFormat, names: &[String]) -> Self {
        let has = |h: &str| names.iter().any(|n| n == h);
        let unknown: Vec<String> = names.iter().filter(|n| !format.headers.contains(&n.as_str())).cloned().collect();
        // A file of an older generation lacks whole groups, from the last one back, and has nothing else in their place.
        let mut older = unknown.is_empty();
        let mut left_out: Vec<&str> = Vec::new();
        for group in format.generations.iter().rev() {
            older &= !group.iter().any(|h| has(h));
            if older {
                left_out.extend(*group);
            }
        }
        // Nothing of an ignored file is read, and all of its columns must be there.
        let needs_all = matches!(format.kind, LineKind::Ignored(_));
        let read = |h: &str| needs_all || format.columns.iter().any(|c| c.0 == h);
        let missing = || format.headers.iter().filter(|h| !has(h) && !left_out.contains(*h));
        let absent = missing().filter(|h| read(h)).map(|h| (*h).to_owned()).collect();
        let optional = |h: &&&str| !read(h) && !crate::formats::NOT_IN_ALL_PROFILES.contains(*h);
        let labels: Vec<String> = missing().filter(optional).map(|h| (*h).to_owned()).collect();
        let all_labels = format.headers.iter().filter(|h| !read(h) && !left_out.contains(*h)).count();
        Self {
            labelled: (all_labels - labels.len().min(all_labels)) * 2 >= all_labels,
            absent,
            labels,
            known: names.len() - unknown.len(),
            unknown,
        }
    }

    /// Whether a header of `names` columns is of the format.
    fn is_match(&self, names: usize) -> bool {
        self.absent.is_empty() && self.labelled && self.known * 100 >= names * limits::EXPLAINED_PERCENT
    }

    /// How near the two are, per mille: the columns that both have, against those of either.
    fn nearness(&self, format: &TextFormat, names: usize) -> usize {
        self.known * 2_000 / (format.headers.len() + names).max(1)
    }

    /// Why the header is not of this format.
    fn difference(&self) -> String {
        let mut parts = Vec::new();
        if !self.absent.is_empty() {
            parts.push(format!("these columns are missing: {}", self.absent.join(", ")));
        }
        if !self.labelled {
            parts.push(format!("most of its other columns are missing: {}", self.labels.join(", ")));
        }
        if !self.unknown.is_empty() {
            parts.push(format!("it does not know these: {}", self.unknown.join(", ")));
        }
        parts.join("; ")
    }
}
