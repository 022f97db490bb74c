//! One terminology: its codes with their labels and validity dates.

use std::collections::HashMap;

/// One code of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concept {
    /// The code, as text: leading zeros and case matter.
    pub code: String,
    /// Label. It may change while the code stays.
    pub label: String,
    /// First day of use (ISO 8601); empty when it is not known.
    pub valid_from: String,
    /// Day from which new data must not use the code (ISO 8601); empty for an open code.
    pub valid_to: String,
    /// Further columns of the published table, as `key=value;key=value`.
    pub extra: String,
}

impl Concept {
    /// Whether new data of an ISO day may use the code. With an empty day: whether the code is open, whatever the day.
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
    /// Short name: `TRE_G15`, `JDV_J106`, or the name of a guide's code system.
    pub name: String,
    /// Canonical URL as published.
    pub system: String,
    concepts: Vec<Concept>,
    by_code: HashMap<String, usize>,
}

impl Table {
    /// The concept of a code, open or closed. Of a code that was opened twice, the later concept.
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

/// Short name of a table: the name of its file up to the first dash (`TRE_G15`), or the complete name for the code systems of a
/// guide.
pub(crate) fn short_name(file: &str) -> &str {
    let stem = file.trim_end_matches(".csv");
    if stem.starts_with("TRE_") || stem.starts_with("JDV_") { stem.split('-').next().unwrap_or(stem) } else { stem }
}

/// Canonical URL of a table (guide §4). A few recent tables are published under another base and in lower case.
fn canonical_url(file: &str) -> String {
    let stem = file.trim_end_matches(".csv");
    match stem.split_at_checked(4) {
        Some(("TRE_", rest)) if matches!(short_name(file), "TRE_R394" | "TRE_R401" | "TRE_R403") => {
            let slug = match short_name(file) {
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

/// Reads a table from its file: a header, then one record a code.
pub(crate) fn parse(file: &str, content: &str) -> Table {
    let mut concepts = Vec::new();
    // The files are part of the program and a test reads every record of them, so that no bad record reaches a user.
    for record in csv::Reader::from_reader(content.as_bytes()).records().flatten() {
        let field = |i: usize| record.get(i).unwrap_or_default().to_owned();
        concepts.push(Concept { code: field(0), label: field(1), valid_from: field(2), valid_to: field(3), extra: field(4) });
    }
    let by_code = concepts.iter().enumerate().map(|(i, c)| (c.code.clone(), i)).collect();
    Table { name: short_name(file).to_owned(), system: canonical_url(file), concepts, by_code }
}
