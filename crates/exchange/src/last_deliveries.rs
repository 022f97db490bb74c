//! The last delivery of each source, and which of two deliveries is the newer one.

use crate::delivery::SOURCE;
use crate::error::{Error, refused};
use crate::limits;
use crate::source_keys::is_feed;
use crate::source_load::SourceLoad;
use annuaire_store::BlockingRegistry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the registry keeps of the last delivery of a source.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct LastDelivery {
    /// Its stamp, empty when its file had none.
    pub(crate) stamp: String,
    /// Digest of the bytes of its file, empty in notes of the first versions.
    pub(crate) digest: String,
    /// Objects that it gave.
    pub(crate) objects: u64,
    /// Number of its record.
    pub(crate) delivery: u64,
    /// Lines for each profession and department, as `profession/department`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) groups: BTreeMap<String, u64>,
    /// The last entities that its file named, in its order: when all of them are missing from the next file, that one is cut.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tail: Vec<String>,
}

impl LastDelivery {
    /// A note of the kind [`SOURCE`]; without one, nothing is known.
    pub(crate) fn read(note: Option<&str>) -> Self {
        note.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// Whether it was a file of these bytes. A file without stamp is known by its bytes alone.
    pub(crate) fn is_of(&self, stamp: &str, digest: &str) -> bool {
        self.digest == digest && (stamp.is_empty() || self.stamp == stamp)
    }

    /// Whether it is newer than a file of this stamp. A file without stamp is older than none.
    pub(crate) fn is_newer_than(&self, stamp: &str) -> bool {
        !stamp.is_empty() && *stamp < *self.stamp
    }
}

/// The last deliveries of all sources at one moment, as notes.
#[derive(Debug, Default)]
pub(crate) struct LastDeliveries(BTreeMap<String, String>);

impl LastDeliveries {
    /// Those that the registry has now.
    pub(crate) fn read(registry: &BlockingRegistry) -> Result<Self, Error> {
        let mut all = BTreeMap::new();
        loop {
            let after = all.last_key_value().map_or("", |(last, _): (&String, _)| last);
            let page = registry.notes(SOURCE, after, limits::NOTES)?;
            if page.is_empty() {
                return Ok(Self(all));
            }
            all.extend(page);
        }
    }

    /// The note of a source.
    pub(crate) fn note(&self, source: &str) -> Option<&str> {
        self.0.get(source).map(String::as_str)
    }

    /// The last delivery of a source.
    pub(crate) fn of(&self, source: &str) -> LastDelivery {
        LastDelivery::read(self.note(source))
    }

    /// Checks that a load may follow what these deliveries say of its source, when they say something else than when the import
    /// began. A load with a later stamp may: it is compared with what the other import left. Of two files that no stamp puts in an
    /// order the one that was committed first stays.
    ///
    /// # Errors
    /// [`Error::Refused`] when the load is not newer than the other import.
    pub(crate) fn check_order(&self, load: &SourceLoad) -> Result<(), Error> {
        let source = load.source;
        if is_feed(source) || self.note(source) == load.note.as_deref() {
            return Ok(());
        }
        let stamp = self.of(source).stamp;
        if !load.stamp.is_empty() && stamp < load.stamp {
            return Ok(());
        }
        let stamp = if stamp.is_empty() { "without date" } else { &stamp };
        Err(refused(
            &load.file,
            format!(
                "another import spoke for {source} while this one was read (its delivery: {stamp}); nothing was imported, import again"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::LastDelivery;

    #[test]
    fn a_file_is_known_by_its_bytes_and_old_by_its_stamp() {
        let last = LastDelivery { stamp: "202611250800".into(), digest: "ab".into(), ..LastDelivery::default() };
        assert!(last.is_of("202611250800", "ab") && last.is_of("", "ab"));
        assert!(!last.is_of("202611260800", "ab") && !last.is_of("202611250800", "cd"));
        assert!(last.is_newer_than("202611240800"));
        assert!(!last.is_newer_than("202611250800") && !last.is_newer_than("202611260800") && !last.is_newer_than(""));
        assert!(!LastDelivery::default().is_newer_than("202611250800"));
    }
}
