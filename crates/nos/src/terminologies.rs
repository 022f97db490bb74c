//! The embedded terminologies, and look-ups in several of them.

use crate::embedded;
use crate::table::{self, Concept, Table, short_name};
use annuaire_base::text::fold;
use std::collections::HashMap;
use std::sync::OnceLock;

/// The embedded terminologies. A table is parsed when it is first used.
#[derive(Debug)]
pub struct Nos {
    /// By short name: the number of the file, and the table once it was used.
    tables: HashMap<String, (usize, OnceLock<Table>)>,
    /// Codes of registration authorities by their folded label.
    authorities: OnceLock<HashMap<String, String>>,
}

/// A concept, after the table that holds it.
pub type TableConcept<'a> = (&'a Table, &'a Concept);

impl Nos {
    /// The tables of this program.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static NOS: OnceLock<Nos> = OnceLock::new();
        NOS.get_or_init(|| Self {
            tables: embedded::FILES.iter().enumerate().map(|(i, f)| (short_name(f.0).to_owned(), (i, OnceLock::new()))).collect(),
            authorities: OnceLock::new(),
        })
    }

    /// A table by its short name, such as `TRE_G15` or `JDV_J106`.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        let (i, slot) = self.tables.get(name)?;
        Some(slot.get_or_init(|| table::parse(embedded::FILES[*i].0, embedded::FILES[*i].1)))
    }

    /// The concept of a code that may be in several tables: of the first table where it is valid on `day`, else of the table
    /// that closed it last. A code that moved to another table is closed in the former one, not deleted.
    fn find_in(&self, names: &[&str], code: &str, day: &str) -> Option<TableConcept<'_>> {
        if code.is_empty() {
            return None;
        }
        let all = || names.iter().filter_map(|n| self.table(n)).filter_map(|table| Some((table, table.get(code)?)));
        let valid = all().find(|(_, concept)| concept.valid_on(day));
        // Of several tables that closed it on the same day, the first.
        valid.or_else(|| all().rev().max_by(|a, b| closing_day(a.1).cmp(closing_day(b.1))))
    }

    /// A profession, in the tables as they are today. The files do not tell which of four tables a code belongs to.
    #[must_use]
    pub fn profession(&self, code: &str) -> Option<TableConcept<'_>> {
        self.profession_on(code, "")
    }

    /// A profession, as the tables were on an ISO day.
    #[must_use]
    pub fn profession_on(&self, code: &str, day: &str) -> Option<TableConcept<'_>> {
        self.find_in(&["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291"], code, day)
    }

    /// A know-how, in the table that its TRE_R04 type designates.
    #[must_use]
    pub fn savoir_faire(&self, kind: &str, code: &str) -> Option<TableConcept<'_>> {
        let named = Self::savoir_faire_tables(kind);
        self.find_in(named, code, "").or_else(|| self.find_in(&["TRE_R97", "TRE_R359", "TRE_R394"], code, ""))
    }

    /// The table that a TRE_R04 type designates, when it designates one: a code that it does not have yet belongs to it.
    #[must_use]
    pub fn savoir_faire_table(&self, kind: &str) -> Option<&Table> {
        self.single_table(Self::savoir_faire_tables(kind))
    }

    /// The table of a list of one.
    fn single_table(&self, names: &[&str]) -> Option<&Table> {
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
    pub fn diplome(&self, kind: &str, code: &str) -> Option<TableConcept<'_>> {
        let named = Self::diplome_tables(kind);
        self.find_in(named, code, "").or_else(|| self.find_in(&["TRE_R226", "TRE_R348"], code, ""))
    }

    /// The table that a TRE_R14 type designates, when it designates one: a code that it does not have yet belongs to it.
    #[must_use]
    pub fn diplome_table(&self, kind: &str) -> Option<&Table> {
        self.single_table(Self::diplome_tables(kind))
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
    pub fn fonction(&self, code: &str) -> Option<TableConcept<'_>> {
        self.find_in(&["TRE_R21", "TRE_R96", "TRE_R85"], code, "")
    }

    /// A section of the pharmacists' register.
    #[must_use]
    pub fn section_pharmacien(&self, code: &str) -> Option<TableConcept<'_>> {
        self.find_in(&["TRE_R06", "TRE_G05"], code, "")
    }

    /// A sub-section of the pharmacists' register. Some files give the letter of the section instead.
    #[must_use]
    pub fn sous_section_pharmacien(&self, code: &str) -> Option<TableConcept<'_>> {
        self.find_in(&["TRE_G05", "TRE_R06"], code, "")
    }

    /// The TRE_R60 code of a registration authority, from its code or from its label as the open files write it.
    #[must_use]
    pub fn autorite(&self, label: &str) -> Option<&str> {
        let table = self.table("TRE_R60")?;
        if let Some(c) = table.get(label) {
            return Some(&c.code);
        }
        let labels = self.authorities.get_or_init(|| table.concepts().iter().map(|c| (fold(&c.label), c.code.clone())).collect());
        labels.get(&fold(label)).map(String::as_str)
    }
}

/// Day from which a code is closed; after every day for an open code.
fn closing_day(concept: &Concept) -> &str {
    if concept.valid_to.is_empty() { "9999" } else { &concept.valid_to }
}

#[cfg(test)]
mod tests {
    use super::Nos;
    use crate::embedded::FILES;
    use crate::table::short_name;

    #[test]
    fn every_table_is_well_formed_and_no_open_code_is_given_twice() {
        for (file, content) in FILES {
            let rows = csv::Reader::from_reader(content.as_bytes()).records().map(Result::unwrap).count();
            let table = Nos::embedded().table(short_name(file)).unwrap();
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
