//! Records of deliveries: one for each import that read something, beside the log and written in the transaction of the import.

use crate::error::Error;
use crate::limits;
use annuaire_base::Tx;
use annuaire_store::{BlockingRegistry, BlockingUnit, ChangeCounts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;

/// Kind of the notes that hold the last delivery of each source; the key is the source.
pub(crate) const SOURCE: &str = "source";

/// Kind of the notes that hold a record of each import; the key is its number.
const DELIVERY: &str = "delivery";

/// Kind and key of the note that holds the number of the last record.
const LAST: (&str, &str) = ("delivery-count", "last");

/// A file of a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliveredFile {
    /// Name, of the member for an archive.
    pub file: String,
    /// Recognised format.
    pub format: String,
    /// Sources that it gave.
    pub sources: Vec<String>,
    /// Date and time in its name, 12 digits; empty when it has none.
    pub stamp: String,
    /// XXH3-128 of its bytes once decompressed, in hexadecimal.
    pub digest: String,
    /// Data lines.
    pub lines: u64,
    /// Lines that could not be read.
    pub quarantined: u64,
}

/// The record of an import that read something, or of an undoing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Delivered {
    /// 1, 2, 3… in the order of the imports.
    pub number: u64,
    /// Its transaction, `None` when it changed nothing.
    pub tx: Option<Tx>,
    /// When it was written, in milliseconds since 1970 UTC, by the caller's clock.
    pub at_ms: i64,
    /// Who imported.
    pub author: String,
    /// Why.
    pub reason: String,
    /// The files that were read.
    pub files: Vec<DeliveredFile>,
    /// Objects that the registry did not know.
    pub created: u64,
    /// Objects whose content differed.
    pub changed: u64,
    /// Objects that their source no longer gave.
    pub ended: u64,
    /// Objects known as they were.
    pub unchanged: u64,
    /// Objects of entities that are withdrawn by law, which were not written.
    pub withheld: u64,
    /// The delivery that undid this one.
    pub undone_by: Option<u64>,
    /// The delivery that this one undid.
    pub undoes: Option<u64>,
}

/// A record with what undoing needs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DeliveryRecord {
    #[serde(flatten)]
    pub(crate) delivered: Delivered,
    /// The notes of its sources as they were before it; `None` for a source that had none.
    pub(crate) sources_before: BTreeMap<String, Option<String>>,
}

fn key(number: u64) -> String {
    format!("{number:010}")
}

/// The JSON of a note.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::Io { file: "record of the delivery".to_owned(), source: io::Error::other(e) })
}

impl DeliveryRecord {
    /// The record of this number.
    pub(crate) fn get(registry: &BlockingRegistry, number: u64) -> Result<Option<Self>, Error> {
        Ok(registry.note(DELIVERY, &key(number))?.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// The record of this number, as a transaction sees it.
    pub(crate) fn get_in(unit: &mut BlockingUnit, number: u64) -> Result<Option<Self>, Error> {
        Ok(unit.note(DELIVERY, &key(number))?.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// Takes number and counts of the transaction, which ends at this instant.
    pub(crate) fn count(&mut self, tx: Option<Tx>, counts: ChangeCounts, at_ms: i64) {
        let d = &mut self.delivered;
        (d.tx, d.at_ms) = (tx, at_ms);
        ChangeCounts { created: d.created, changed: d.changed, ended: d.ended, unchanged: d.unchanged, withheld: d.withheld } =
            counts;
    }

    /// Writes the record under its number.
    pub(crate) fn write(&self, unit: &mut BlockingUnit) -> Result<(), Error> {
        Ok(unit.set_note(DELIVERY, &key(self.delivered.number), Some(&to_json(self)?))?)
    }
}

/// Takes the number of the next record.
pub(crate) fn next_number(unit: &mut BlockingUnit) -> Result<u64, Error> {
    let last = unit.note(LAST.0, LAST.1)?.and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    unit.set_note(LAST.0, LAST.1, Some(&(last + 1).to_string()))?;
    Ok(last + 1)
}

/// All deliveries, oldest first. Registries written before records were kept have none for their first transactions.
///
/// Cost: one note for each delivery.
///
/// # Errors
/// [`Error::Store`] when the registry cannot be read.
pub fn deliveries(registry: &BlockingRegistry) -> Result<Vec<Delivered>, Error> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = registry.notes(DELIVERY, &after, limits::NOTES)?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after.clone_from(last);
        all.extend(page.iter().filter_map(|(_, json)| serde_json::from_str::<DeliveryRecord>(json).ok()).map(|r| r.delivered));
    }
}
