//! Which format a file is: told by its header, and its name may not say otherwise.
//!
//! A file is a format when every column that the format reads is there, most of the others too, and the format explains most
//! of the header. Else it is refused: a renamed column must not make of it another, shorter format.

use crate::formats::{Format, Kind, Separator, Slot, all};
use crate::limits;
use annuaire_base::text::fold;
use std::collections::BTreeSet;

/// A format bound to the header of one file.
pub(crate) struct Layout {
    pub(crate) format: Format,
    /// Slot and name of each field of a line.
    pub(crate) fields: Vec<(Slot, String)>,
    /// Headers in the file that the format does not know.
    pub(crate) extra: Vec<String>,
    /// Headers of the format that the file lacks; none of them is read.
    pub(crate) missing: Vec<String>,
    /// The header ends with a separator or a quote, and so does every whole line.
    pub(crate) closed: bool,
}

impl Layout {
    /// Number of fields of a line.
    pub(crate) fn width(&self) -> usize {
        self.fields.len()
    }

    /// A section of a FINESS file.
    fn section(format: Format) -> Self {
        let fields = format.columns.iter().map(|(n, s)| (*s, n.clone())).collect();
        Self { format, fields, extra: Vec::new(), missing: Vec::new(), closed: false }
    }
}

/// Header wording varies between generations: case, accents, apostrophes, `d'`, spaces, renamed columns.
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

/// The former files of the health insurance, without header, frozen in 2026: gender first, then 21 or 33 fields.
pub(crate) fn frozen(first: &str) -> bool {
    matches!(first.split(';').count(), 21 | 33) && matches!(first.split(';').next(), Some("H" | "F" | ""))
}

/// Parts of names of files, folded, with the format that they announce; the longer ones first where one holds another.
const NAMES: &[(&str, &str)] = &[
    ("ps libreacces personne activite", "PS_LibreAcces_Personne_activite"),
    ("ps libreacces dipl autexerc", "PS_LibreAcces_Dipl_AutExerc"),
    ("ps libreacces savoirfaire", "PS_LibreAcces_SavoirFaire"),
    ("porteurs cps cpf", "Porteurs_CPS_CPF"),
    ("extraction correspondance mssante", "Extraction_Correspondance_MSSante"),
    ("extraction prosanteconnect", "Extraction_ProSanteConnect_Personne_activite"),
    ("extraction pro sante connect", "Extraction_Pro_sante_connect"),
    ("extractionmonotable", "ExtractionMonoTable_CAT18_ToutePopulation"),
    ("rapport des echecs de bascule", "pscload_rapport_des_echecs_de_bascule"),
    ("bascule adeli rpps", "bascule ADELI RPPS"),
    ("table de correspondance bascule", "bascule ADELI RPPS"),
    ("extraction rpps derniercodeadeli", "Extraction_RPPS_DernierCodeADELI"),
    ("extraction certificat pp", "Extraction_Certificat_PP"),
    ("extraction certificat pm", "Extraction_Certificat_PM"),
    ("liste ps", "liste-ps (Ameli)"),
    ("liste cds", "liste-cds (Ameli)"),
    ("etalab stock et", "etalab_stock_et"),
    ("cs1100501", "FINESS cs1100501"),
    ("cs1100502", "FINESS cs1100502"),
    ("cs1100503", "FINESS cs1100503"),
    ("cs1100504", "FINESS cs1100504"),
    ("cs1100505", "FINESS cs1100505"),
    ("cs1100507", "FINESS cs1100507"),
    ("finess structures", "FINESS+ structures"),
    ("finess activites", "FINESS+ activités"),
];

/// The files of the restricted extractions (source-files §5), as they follow the name of the extraction.
pub(crate) const RESTRICTED: &[&str] = &[
    "Personne",
    "EtatCiv",
    "Langue",
    "CoordCorresp",
    "DiplObt",
    "AutreDiplObt",
    "AutExerc",
    "ExercPro",
    "ReferAe",
    "SavoirFaire",
    "AttribPart",
    "CartePro",
    "Sanction",
    "CoordAct",
    "Activite",
    "Structure",
    "CoordStruct",
    "CoordStructGeoloc",
    "AdresseMSSante",
];

/// Beginnings of names that only restricted files have.
const RESTRICTED_NAMES: &[&str] = &[
    "extraction rpps",
    "extraction adeli",
    "extraction cps",
    "extraction certificat",
    "extraction prosanteconnect",
    "extraction pro sante connect",
    "bascule",
];

/// What only restricted columns speak of, whatever their exact wording.
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

/// A name of a file as words, without its date.
fn words(name: &str) -> String {
    fold(&name.replace('_', " "))
}

/// The format that the name of a file announces, when it announces one.
pub(crate) fn announced(name: &str) -> Option<&'static str> {
    let words = words(name);
    if let Some((_, format)) = NAMES.iter().find(|(part, _)| words.contains(part)) {
        return Some(format);
    }
    // `[RACINE]_<Nom>_<12 digits>`.
    let mut parts = words.split(' ').rev().skip_while(|p| !(p.len() == 12 && p.bytes().all(|b| b.is_ascii_digit())));
    parts.next()?;
    let part = parts.next()?;
    parts.next()?;
    RESTRICTED.iter().find(|r| fold(r) == part).copied()
}

/// Whether a first line is that of a national file, or is so much like one that it must be read or refused: at least three
/// names of columns and half of all are those of national files.
pub(crate) fn resembles(first: &str) -> bool {
    if frozen(first) || first.starts_with("finess;etalab;") {
        return true;
    }
    let known: std::collections::HashSet<String> = all().into_iter().flat_map(|f| f.columns).map(|c| c.0).collect();
    let names = first.split(if first.contains('|') { '|' } else { ';' }).map(normalise).filter(|n| !n.is_empty());
    let names: Vec<String> = names.collect();
    let ours = names.iter().filter(|n| known.contains(*n) || n.starts_with("libelle ")).count();
    ours >= 3 && ours * 2 >= names.len()
}

/// The name is one of a restricted file.
pub(crate) fn restricted_name(name: &str) -> bool {
    let words = words(name);
    RESTRICTED_NAMES.iter().any(|n| words.contains(n))
        || announced(name).is_some_and(|a| all().iter().any(|f| f.name == a && !f.open()))
}

/// Whether the format of this name speaks for an open source.
pub(crate) fn is_open(format: &str) -> bool {
    all().iter().any(|f| f.name == format && f.open())
}

/// The first column of a header that only restricted formats have, or that speaks of what only they hold.
fn restricted_column<'a>(names: &'a [String], formats: &[Format]) -> Option<&'a str> {
    let of = |open: bool| -> BTreeSet<&str> {
        formats.iter().filter(|f| f.open() == open).flat_map(|f| f.headers.iter().copied()).collect()
    };
    let (open, closed) = (of(true), of(false));
    let restricted = |n: &str| !open.contains(n) && (closed.contains(n) || RESTRICTED_WORDS.iter().any(|w| n.contains(w)));
    names.iter().map(String::as_str).find(|n| restricted(n))
}

/// How a header compares with a format.
struct Fit {
    /// Columns that are read and missing.
    absent: Vec<String>,
    /// Columns that are known, not read, and missing.
    labels: Vec<String>,
    /// Columns of the header that the format does not know.
    unknown: Vec<String>,
    /// Columns of the header that it knows.
    known: usize,
    /// The labels that are there are at least half of those of the format.
    labelled: bool,
}

impl Fit {
    fn of(format: &Format, names: &[String]) -> Self {
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
        let whole = matches!(format.kind, Kind::Ignored(_));
        let read = |h: &str| whole || format.columns.iter().any(|c| c.0 == h);
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

    fn holds(&self, names: usize) -> bool {
        self.absent.is_empty() && self.labelled && self.known * 100 >= names * limits::EXPLAINED_PERCENT
    }

    /// How near the two are: what they share against what either has, per mille.
    fn nearness(&self, format: &Format, names: usize) -> usize {
        self.known * 2_000 / (format.headers.len() + names).max(1)
    }

    /// What keeps the header from being of this format.
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

/// The layout of a file of this name that begins with this header; else why it is none, in words.
pub(crate) fn recognise(file: &str, first: &str) -> Result<Layout, String> {
    let separator = if first.contains('|') { Separator::Pipe } else { Separator::Semicolon };
    let mut names: Vec<String> = first.split(if separator == Separator::Pipe { '|' } else { ';' }).map(normalise).collect();
    // Every line of most formats ends with a separator, the header included: the last field is empty and has no name.
    let closing = names.len() > 1 && names.last().is_some_and(String::is_empty);
    if closing {
        names.pop();
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|n| !n.is_empty() && !seen.insert(n.as_str())) {
        return Err(format!("line 1: the column {twice:?} is given twice, and nothing says which one to read"));
    }
    let formats = all();
    let announced = announced(file);
    let closed = restricted_column(&names, &formats);
    let fits: Vec<(&Format, Fit)> = formats.iter().filter(|f| !f.headers.is_empty()).map(|f| (f, Fit::of(f, &names))).collect();
    let nearest = |of: Option<&str>| {
        let of = fits.iter().filter(|(f, _)| of.is_none_or(|o| f.name == o));
        of.max_by_key(|(f, fit)| (fit.nearness(f, names.len()), f.separator == separator))
    };
    let chosen = fits
        .iter()
        .filter(|(f, fit)| f.separator == separator && fit.holds(names.len()))
        .max_by_key(|(f, fit)| fit.nearness(f, names.len()));
    let Some((format, fit)) = chosen else {
        let expected = announced.filter(|a| fits.iter().any(|(f, _)| f.name == *a));
        let Some((near, fit)) = nearest(expected).filter(|(f, fit)| expected.is_some() || fit.nearness(f, names.len()) >= 500)
        else {
            return Err("line 1: no known national format has these columns; nothing was imported".to_owned());
        };
        let why = if near.separator == separator {
            fit.difference()
        } else {
            let sign = if near.separator == Separator::Pipe { "|" } else { ";" };
            format!("its fields are separated by {sign:?}")
        };
        let whose = if expected.is_some() { "its name says" } else { "looks like" };
        return Err(format!("line 1: {whose} {}, and {why}; nothing was imported", near.name));
    };
    if let Some(expected) = announced.filter(|a| *a != format.name) {
        return Err(format!(
            "line 1: the name of the file says {expected} and its columns say {}; nothing was imported, name it as it was delivered",
            format.name
        ));
    }
    if format.open() {
        if let Some(column) = closed {
            return Err(format!(
                "line 1: looks like {}, which is open data, but only restricted files have the column {column:?}; nothing was imported",
                format.name
            ));
        }
        if restricted_name(file) {
            return Err(format!(
                "line 1: the name of the file is one of a restricted extraction and its columns say {}, which is open data; nothing was imported",
                format.name
            ));
        }
    }
    let (extra, missing, name) = (fit.unknown.clone(), fit.labels.clone(), format.name);
    let format = all().into_iter().find(|f| f.name == name).ok_or_else(|| "line 1: unknown".to_owned())?;
    if closing && separator == Separator::Pipe {
        names.push(String::new());
    }
    let slot = |name: &str| format.columns.iter().find(|c| c.0 == name).map_or(Slot::Ignore, |c| c.1);
    let fields = names.into_iter().map(|n| (slot(&n), n)).collect();
    let closed = closing || first.ends_with('"');
    Ok(Layout { format, fields, extra, missing, closed })
}

/// The sections of a FINESS open file of this name, given its first line of data; the number on its line 1 counts
/// publications and says nothing of the kind (source-files §7). A file of unknown name with establishments only is read as
/// one with positions, which it may turn out to lack.
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
    let sections: Vec<Layout> = all().into_iter().filter(|f| f.in_file(&kind)).map(Layout::section).collect();
    if sections.is_empty() {
        return Err(format!("its name says cs1100{kind}, which is no FINESS open file that is read: 501 to 505 and 507 are"));
    }
    Ok(sections)
}

/// Section names of all FINESS open files.
pub(crate) fn is_section(name: &str) -> bool {
    all().iter().any(|f| !f.section.is_empty() && f.section == name)
}
