//! The report of an import: the files that it read, and the changes that it made.

#[cfg(doc)]
use crate::{Options, limits};
use annuaire_base::Tx;
use serde::Serialize;
use std::collections::BTreeMap;

/// A line left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Line number from 1.
    pub line: u64,
    /// Header of the column, when one column is at fault.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

/// The report of one file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FileReport {
    /// Path, and member for an archive.
    pub file: String,
    /// Recognised format.
    pub format: String,
    /// Data lines.
    pub lines: u64,
    /// Exact duplicates, removed.
    pub duplicates: u64,
    /// Lines kept although a number has a wrong key.
    pub wrong_keys: u64,
    /// Lines left out (all counted).
    pub rejected: u64,
    /// The first of them, [`limits::REPORTED_LINES`] at most.
    pub rejected_lines: Vec<Rejected>,
    /// A file of these bytes was the last delivery of all its sources: nothing of it is imported again.
    pub already_imported: bool,
    /// Headers that the format does not know; their columns were not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_columns: Vec<String>,
    /// Columns of the format that the file lacks; none of them is read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_columns: Vec<String>,
    /// Codes absent from their terminology, kept as they are, with the number of lines (guard 5).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_codes: BTreeMap<String, u64>,
    /// Known defects of the source that were found and dealt with, with their number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub oddities: BTreeMap<String, u64>,
    /// Why a recognised file was not imported.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub left_out: String,
}

/// Entity keys of a few objects, [`limits::EXAMPLES`] of each kind at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Examples {
    /// Objects that the registry did not know.
    pub created: Vec<String>,
    /// Objects whose content differs.
    pub changed: Vec<String>,
    /// Objects that their source no longer gives.
    pub ended: Vec<String>,
}

/// The report of one import.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// One per text file, archives expanded.
    pub files: Vec<FileReport>,
    /// Transaction number, absent when nothing changed.
    pub tx: Option<Tx>,
    /// Objects that the registry did not know.
    pub created: u64,
    /// Objects whose content differs.
    pub changed: u64,
    /// Objects that their source no longer gives.
    pub ended: u64,
    /// Objects already known as they are.
    pub unchanged: u64,
    /// Objects of entities that are withdrawn by law: they are not written, whatever a file says.
    #[serde(skip_serializing_if = "is_zero")]
    pub withheld: u64,
    /// Other observations, as sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Number of the record of this delivery; absent when nothing was read and in a dry run.
    pub delivery: Option<u64>,
    /// What the operator must look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Members that an archive is expected to have and lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Members of archives that are no national file, left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<String>,
    /// Lines and records that could not be read; what they name stays as it was.
    pub quarantined: u64,
    /// Some of the objects that were created, changed and ended, as entity keys.
    pub examples: Examples,
    /// Seconds spent in each stage, by [`Options::now`]; zeros without it.
    pub stages: Vec<(String, f64)>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Report {
    /// True when all was read: nothing quarantined, no member missing, no warning. The program ends with 3 when it is false.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.quarantined == 0 && self.missing.is_empty() && self.warnings.is_empty()
    }
}
