//! Codings: a code together with the system and the label that the terminologies know for it.
//!
//! A code that no table knows is still a coding: it keeps the system of the table where it should be, when that is certain, and
//! has no label. What a source wrote is so never lost.

use crate::table::{Concept, Table};
use crate::terminologies::{Nos, TableConcept};

/// A code of a terminology, as FHIR writes it in a `Coding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding<'a> {
    /// Canonical URL of the table; empty when no table is known for the code.
    pub system: &'static str,
    /// The code, as the source wrote it.
    pub code: &'a str,
    /// Label of the code; empty when no table knows it.
    pub display: &'static str,
}

impl<'a> Coding<'a> {
    /// A code of a system whose labels are not published.
    #[must_use]
    pub const fn without_label(system: &'static str, code: &'a str) -> Self {
        Self { system, code, display: "" }
    }

    /// A concept of an embedded table.
    #[must_use]
    pub fn of_concept(table: &'static Table, concept: &'static Concept) -> Coding<'static> {
        Coding { system: &table.system, code: &concept.code, display: &concept.label }
    }
}

/// The canonical URL of a table by its short name (`TRE_R87`); empty for a table that is not embedded.
#[must_use]
pub fn system(table: &str) -> &'static str {
    Nos::embedded().table(table).map_or("", |t| t.system.as_str())
}

/// A code of one table, named by its short name. An unknown code keeps the system of the table and has no label.
#[must_use]
pub fn in_table<'a>(table: &str, code: &'a str) -> Coding<'a> {
    Nos::embedded().table(table).map_or(Coding::without_label("", code), |t| Coding {
        system: &t.system,
        code,
        display: t.get(code).map_or("", |c| &c.label),
    })
}

/// A profession, among those of today ([`Nos::profession`]).
#[must_use]
pub fn profession(code: &str) -> Coding<'_> {
    resolved(Nos::embedded().profession(code), None, code)
}

/// A know-how of a `TRE_R04` type. A code that its table does not have yet keeps the system of that table.
#[must_use]
pub fn savoir_faire<'a>(kind: &str, code: &'a str) -> Coding<'a> {
    let nos = Nos::embedded();
    resolved(nos.savoir_faire(kind, code), nos.savoir_faire_table(kind), code)
}

/// A diploma of a `TRE_R14` type. A code that its table does not have yet keeps the system of that table.
#[must_use]
pub fn diplome<'a>(kind: &str, code: &'a str) -> Coding<'a> {
    let nos = Nos::embedded();
    resolved(nos.diplome(kind, code), nos.diplome_table(kind), code)
}

/// A function or a role in care ([`Nos::fonction`]).
#[must_use]
pub fn fonction(code: &str) -> Coding<'_> {
    resolved(Nos::embedded().fonction(code), None, code)
}

/// A section of the pharmacists' register ([`Nos::section_pharmacien`]).
#[must_use]
pub fn section_pharmacien(code: &str) -> Coding<'_> {
    resolved(Nos::embedded().section_pharmacien(code), None, code)
}

/// A sub-section of the pharmacists' register ([`Nos::sous_section_pharmacien`]).
#[must_use]
pub fn sous_section_pharmacien(code: &str) -> Coding<'_> {
    resolved(Nos::embedded().sous_section_pharmacien(code), None, code)
}

/// The coding of a code that was looked for in several tables. When none of them has it, its system is that of `expected`, the
/// one table that the code must belong to, if there is such a table.
fn resolved<'a>(found: Option<TableConcept<'static>>, expected: Option<&'static Table>, code: &'a str) -> Coding<'a> {
    match found {
        Some((table, concept)) => Coding { system: &table.system, code, display: &concept.label },
        None => Coding { system: expected.map_or("", |t| t.system.as_str()), code, display: "" },
    }
}

#[cfg(test)]
mod tests {
    use super::{Coding, diplome, in_table, profession, savoir_faire, system};

    #[test]
    fn a_code_has_the_system_and_the_label_of_its_table() {
        let doctor = profession("10");
        assert_eq!((doctor.code, doctor.display), ("10", "Médecin"));
        assert_eq!(in_table("TRE_G15", "10"), doctor);
        assert_eq!(system("TRE_G15"), doctor.system);
    }

    #[test]
    fn an_unknown_code_keeps_the_system_of_the_table_that_its_type_designates() {
        assert_eq!(in_table("TRE_R09", "?"), Coding { system: system("TRE_R09"), code: "?", display: "" });
        assert_eq!(savoir_faire("S", "?"), Coding { system: system("TRE_R38"), code: "?", display: "" });
        // Two tables hold the diplomas of type AU: nobody knows which one a new code belongs to.
        assert_eq!(diplome("AU", "?"), Coding { system: "", code: "?", display: "" });
        assert_eq!(profession("?"), Coding { system: "", code: "?", display: "" });
        assert_eq!(in_table("TRE_X", "1"), Coding { system: "", code: "1", display: "" });
    }
}
