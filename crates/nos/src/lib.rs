//! National terminologies as tables with validity dates, embedded in the program.
//!
//! A code is never deleted: closed codes keep resolving, so that old data can be shown.

pub mod coding;
mod embedded;
pub mod geographie;

use annuaire_base::text::fold;
pub use coding::Coding;
use std::collections::HashMap;
use std::sync::OnceLock;

/// One code of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concept {
    /// The code, as text: leading zeros and case matter.
    pub code: String,
    /// Label; may change without a change of code.
    pub label: String,
    /// First day of use, ISO, empty when unknown.
    pub valid_from: String,
    /// Day from which the code must not be used for new data, empty when open.
    pub valid_to: String,
    /// `key=value;key=value`.
    pub extra: String,
}

impl Concept {
    /// Whether the code may be used for new data on an ISO day; an empty day asks whether it is not closed at all.
    #[must_use]
    pub fn valid_on(&self, day: &str) -> bool {
        if day.is_empty() {
            return self.valid_to.is_empty();
        }
        self.valid_from.as_str() <= day && (self.valid_to.is_empty() || day < self.valid_to.as_str())
    }
}

/// A code system or value set.
#[derive(Debug)]
pub struct Table {
    /// Name up to the first dash (`TRE_G15`), or the whole name of a guide's code system.
    pub name: String,
    /// Canonical URL as published.
    pub system: String,
    concepts: Vec<Concept>,
    by_code: HashMap<String, usize>,
}

impl Table {
    /// The concept of a code, open or closed. When a code was opened twice, the later one.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Concept> {
        self.by_code.get(code).map(|i| &self.concepts[*i])
    }

    /// All concepts, in file order.
    #[must_use]
    pub fn concepts(&self) -> &[Concept] {
        &self.concepts
    }
}

/// All embedded tables; each is parsed at its first use.
#[derive(Debug)]
pub struct Nos {
    tables: HashMap<String, (usize, OnceLock<Table>)>,
    authorities: OnceLock<HashMap<String, String>>,
}

/// Day from which a code is closed; an open one sorts last.
fn closing(concept: &Concept) -> &str {
    if concept.valid_to.is_empty() { "9999" } else { &concept.valid_to }
}

/// A code found: its table and its concept.
pub type Found<'a> = Option<(&'a Table, &'a Concept)>;

impl Nos {
    /// The tables of this program.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static NOS: OnceLock<Nos> = OnceLock::new();
        NOS.get_or_init(|| Self {
            tables: embedded::FILES.iter().enumerate().map(|(i, f)| (short(f.0).to_owned(), (i, OnceLock::new()))).collect(),
            authorities: OnceLock::new(),
        })
    }

    /// A table by its short name, such as `TRE_G15` or `JDV_J106`.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        let (i, slot) = self.tables.get(name)?;
        Some(slot.get_or_init(|| parse(embedded::FILES[*i].0, embedded::FILES[*i].1)))
    }

    /// A code that one of several tables holds: the first one where it is valid on `day`, else the one that closed it last. A
    /// code moves from table to table and is not deleted where it was.
    fn first(&self, names: &[&str], code: &str, day: &str) -> Found<'_> {
        if code.is_empty() {
            return None;
        }
        let all = || names.iter().filter_map(|n| self.table(n)).filter_map(|table| Some((table, table.get(code)?)));
        let valid = all().find(|(_, concept)| concept.valid_on(day));
        // Of equal days the first table wins, as above.
        valid.or_else(|| all().rev().max_by(|a, b| closing(a.1).cmp(closing(b.1))))
    }

    /// A profession, among those of today: the files do not say which of four tables a code belongs to.
    #[must_use]
    pub fn profession(&self, code: &str) -> Found<'_> {
        self.profession_on(code, "")
    }

    /// A profession, as the tables were on an ISO day.
    #[must_use]
    pub fn profession_on(&self, code: &str, day: &str) -> Found<'_> {
        self.first(&["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291"], code, day)
    }

    /// A know-how, in the table that its TRE_R04 type designates.
    #[must_use]
    pub fn savoir_faire(&self, kind: &str, code: &str) -> Found<'_> {
        let named = Self::savoir_faire_tables(kind);
        self.first(named, code, "").or_else(|| self.first(&["TRE_R97", "TRE_R359", "TRE_R394"], code, ""))
    }

    /// The one table that a TRE_R04 type designates: the system of a code that it does not have yet.
    #[must_use]
    pub fn savoir_faire_table(&self, kind: &str) -> Option<&Table> {
        self.only(Self::savoir_faire_tables(kind))
    }

    fn only(&self, names: &[&str]) -> Option<&Table> {
        match names {
            [one] => self.table(one),
            _ => None,
        }
    }

    fn savoir_faire_tables(kind: &str) -> &'static [&'static str] {
        match kind {
            "S" => &["TRE_R38"],
            "C" => &["TRE_R39"],
            "CEX" => &["TRE_R40"],
            "OP" => &["TRE_G13"],
            "DNQ" => &["TRE_R42"],
            "CAPA" => &["TRE_R43"],
            "PAC" => &["TRE_R44"],
            "FQ" => &["TRE_R45"],
            "SH" => &["TRE_R46"],
            _ => &[],
        }
    }

    /// A diploma, in the table that its TRE_R14 type designates.
    #[must_use]
    pub fn diplome(&self, kind: &str, code: &str) -> Found<'_> {
        let named = Self::diplome_tables(kind);
        self.first(named, code, "").or_else(|| self.first(&["TRE_R226", "TRE_R348"], code, ""))
    }

    /// The one table that a TRE_R14 type designates: the system of a code that it does not have yet.
    #[must_use]
    pub fn diplome_table(&self, kind: &str) -> Option<&Table> {
        self.only(Self::diplome_tables(kind))
    }

    fn diplome_tables(kind: &str) -> &'static [&'static str] {
        match kind {
            "AU" => &["TRE_R36", "TRE_R58"],
            "CQ" => &["TRE_R47"],
            "DE" => &["TRE_R48"],
            "DES" => &["TRE_R49"],
            "DESC1" => &["TRE_R50"],
            "DESC2" => &["TRE_R51"],
            "CAPA" => &["TRE_R52"],
            "DEEE" => &["TRE_R53"],
            "DU" => &["TRE_R54"],
            "CES" => &["TRE_R55"],
            "ATT" => &["TRE_R56"],
            "DEES" => &["TRE_R57"],
            _ => &[],
        }
    }

    /// A function or a role in care.
    #[must_use]
    pub fn fonction(&self, code: &str) -> Found<'_> {
        self.first(&["TRE_R21", "TRE_R96", "TRE_R85"], code, "")
    }

    /// A section of the pharmacists' register.
    #[must_use]
    pub fn section_pharmacien(&self, code: &str) -> Found<'_> {
        self.first(&["TRE_R06", "TRE_G05"], code, "")
    }

    /// A sub-section of the pharmacists' register: some have the letter of their section.
    #[must_use]
    pub fn sous_section_pharmacien(&self, code: &str) -> Found<'_> {
        self.first(&["TRE_G05", "TRE_R06"], code, "")
    }

    /// The TRE_R60 code of a registration authority, from its code or from its label as the open files write it.
    #[must_use]
    pub fn autorite(&self, label: &str) -> Option<&str> {
        let table = self.table("TRE_R60")?;
        if let Some(c) = table.get(label) {
            return Some(&c.code);
        }
        let labels = self.authorities.get_or_init(|| table.concepts.iter().map(|c| (fold(&c.label), c.code.clone())).collect());
        labels.get(&fold(label)).map(String::as_str)
    }
}

fn short(file: &str) -> &str {
    let stem = file.trim_end_matches(".csv");
    if stem.starts_with("TRE_") || stem.starts_with("JDV_") { stem.split('-').next().unwrap_or(stem) } else { stem }
}

/// Canonical URL of a table (guide §4): a few recent ones live under another base and in lower case.
fn canonical(file: &str) -> String {
    let stem = file.trim_end_matches(".csv");
    match stem.split_at_checked(4) {
        Some(("TRE_", rest)) if matches!(short(file), "TRE_R394" | "TRE_R401" | "TRE_R403") => {
            let slug = match short(file) {
                "TRE_R394" => "r394-competence-metier",
                "TRE_R401" => "r401-activite-sociale-regulee",
                "TRE_R403" => "r403-public-activite-smsse-regulee",
                _ => rest,
            };
            format!("https://smt.esante.gouv.fr/fhir/CodeSystem/tre-{slug}")
        }
        Some((kind @ ("TRE_" | "JDV_"), rest)) => {
            format!("https://mos.esante.gouv.fr/NOS/{stem}/FHIR/{}-{rest}", kind.trim_end_matches('_'))
        }
        _ if stem.starts_with("as-cs") => format!("https://interop.esante.gouv.fr/ig/fhir/annuaire/CodeSystem/{stem}"),
        _ => format!("https://hl7.fr/ig/fhir/core/CodeSystem/{stem}"),
    }
}

fn parse(file: &str, content: &str) -> Table {
    let mut concepts = Vec::new();
    // The files are part of the program and every one is parsed by a test, so a bad record cannot reach a user.
    for record in csv::Reader::from_reader(content.as_bytes()).records().flatten() {
        let field = |i: usize| record.get(i).unwrap_or_default().to_owned();
        concepts.push(Concept { code: field(0), label: field(1), valid_from: field(2), valid_to: field(3), extra: field(4) });
    }
    let by_code = concepts.iter().enumerate().map(|(i, c)| (c.code.clone(), i)).collect();
    Table { name: short(file).to_owned(), system: canonical(file), concepts, by_code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_well_formed_and_no_open_code_is_given_twice() {
        for (file, content) in embedded::FILES {
            let rows = csv::Reader::from_reader(content.as_bytes()).records().map(Result::unwrap).count();
            let table = Nos::embedded().table(short(file)).unwrap();
            assert_eq!(table.concepts().len(), rows, "{file}");
            assert!(rows > 0, "{file}");
            if file.starts_with("TRE_") {
                let mut open = std::collections::HashSet::new();
                for c in table.concepts().iter().filter(|c| c.valid_to.is_empty()) {
                    assert!(open.insert(&c.code), "{file}: {} twice", c.code);
                }
            }
        }
    }

    #[test]
    fn codes_resolve_with_their_system() {
        let nos = Nos::embedded();
        let (table, concept) = nos.profession("10").unwrap();
        assert_eq!((table.name.as_str(), concept.label.as_str()), ("TRE_G15", "Médecin"));
        assert_eq!(table.system, "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante");
        assert_eq!(nos.savoir_faire("S", "SM04").map(|f| f.0.name.as_str()), Some("TRE_R38"));
        assert_eq!(nos.diplome("DE", "DE05").map(|f| f.0.name.as_str()), Some("TRE_R48"));
        assert_eq!(nos.autorite("CNOM"), Some("CNOM"));
        // A psychologist is a user of a title; the table of health professions held the code for no day at all.
        let psychologist = |day| nos.profession_on("93", day).map(|f| f.0.name.as_str());
        assert_eq!(nos.profession("93").map(|f| f.0.name.as_str()), Some("TRE_R95"));
        assert_eq!([psychologist("2021-12-17"), psychologist("2026-11-25"), psychologist("2019-01-01")], [Some("TRE_R95"); 3]);
        assert_eq!(nos.profession("35").map(|f| f.0.name.as_str()), Some("TRE_G15"), "closed, and nowhere else");
        assert!(nos.profession_on("213", "2019-06-01").unwrap().1.valid_on("2019-06-01"));
        assert!(!nos.profession_on("213", "2020-05-29").unwrap().1.valid_on("2020-05-29"));
        assert_eq!(nos.sous_section_pharmacien("A").map(|f| f.0.name.as_str()), Some("TRE_G05"));
        assert_eq!(nos.section_pharmacien("A").map(|f| f.0.name.as_str()), Some("TRE_R06"));
        assert_eq!(nos.diplome_table("DU").map(|t| t.name.as_str()), Some("TRE_R54"));
        assert!(nos.diplome_table("AU").is_none(), "one of two");
        assert_eq!(
            nos.table("TRE_R401").unwrap().system,
            "https://smt.esante.gouv.fr/fhir/CodeSystem/tre-r401-activite-sociale-regulee"
        );
        assert!(nos.profession("").is_none());
        assert!(nos.table("TRE_R66").unwrap().get("001").is_some_and(|c| !c.valid_to.is_empty()), "closed codes still resolve");
    }
}
