//! What transactions changed, as subscriptions look at it: each new version beside the one that it replaced.

use crate::error::Result;
use crate::part::ResourcePart;
use annuaire_base::Tx;
use annuaire_index::{RoaringBitmap, Row, Snapshot, Tombstone, Version};
use annuaire_store::subscription::EventKind;
use annuaire_terms::TypeId;
use serde_json::Value;
use std::collections::HashMap;

/// A version that a transaction wrote.
#[derive(Debug)]
pub(crate) struct ChangedVersion {
    pub row: Row,
    /// Row of the version that it replaced, when that one had content.
    pub before: Option<Row>,
    pub ty: TypeId,
    pub id: String,
    pub number: u32,
    pub tx: Tx,
    pub at_ms: i64,
    pub kind: EventKind,
    /// The law withdrew it: nothing says any more what it was.
    pub withdrawn: bool,
}

/// What subscriptions ask of the content of a version.
#[derive(Debug, Default)]
pub(crate) struct VersionFacts {
    /// `system|value` and `value` of its identifiers.
    pub identifiers: Vec<String>,
    /// Its parts, by their numbers.
    pub parts: [Option<String>; 3],
}

/// Which contents must be read.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct ContentNeeds {
    pub identifiers: bool,
    pub parts: bool,
}

/// Some changes, in the order of the log.
#[derive(Default)]
pub(crate) struct ChangedVersions {
    pub all: Vec<ChangedVersion>,
    /// Of the new versions and of those before, as far as they have content.
    pub facts: HashMap<Row, VersionFacts>,
    /// Rows of both, by type.
    pub rows: HashMap<TypeId, RoaringBitmap>,
    /// Changes in which a row is the new version or the one before.
    pub by_row: HashMap<u32, Vec<usize>>,
    /// Changes by which the law withdrew a resource.
    pub withdrawn: Vec<usize>,
}

impl ChangedVersions {
    /// Reads the versions of these rows, and those that they replaced. Cost: two reads for each row.
    pub(crate) fn read(snap: &Snapshot, rows: impl Iterator<Item = u32>, needs: ContentNeeds) -> Result<Self> {
        let mut changes = Self::default();
        for row in rows.map(Row::new) {
            let version = snap.read(row)?;
            let (ty, id) = (version.ty, version.id().to_owned());
            let older = snap.history(ty, &id)?.into_iter().find(|older| *older < row);
            let older = older.map(|older| snap.read(older)).transpose()?;
            let had_content = older.as_ref().is_some_and(|older| older.tombstone.is_none());
            let kind = match (version.tombstone, had_content) {
                (Some(_), _) => EventKind::Removed,
                (None, true) => EventKind::Updated,
                (None, false) => EventKind::Created,
            };
            let at = changes.all.len();
            let before = older.filter(|_| had_content).map(|older| {
                changes.note(&older, at, needs);
                older.row
            });
            changes.note(&version, at, needs);
            let withdrawn = version.tombstone == Some(Tombstone::WithdrawnByLaw);
            if withdrawn {
                changes.withdrawn.push(at);
            }
            let at_ms = snap.commit_ms_of(version.tx)?;
            let (number, tx) = (version.number, version.tx);
            changes.all.push(ChangedVersion { row, before, ty, id, number, tx, at_ms, kind, withdrawn });
        }
        Ok(changes)
    }

    fn note(&mut self, version: &Version, at: usize, needs: ContentNeeds) {
        let row = version.row;
        self.by_row.entry(row.get()).or_default().push(at);
        if version.tombstone.is_some() {
            return;
        }
        self.rows.entry(version.ty).or_default().insert(row.get());
        if (needs.identifiers || needs.parts) && !self.facts.contains_key(&row) {
            // A body that cannot be parsed has no identifier and no part: the change itself is told all the same.
            let body: Value = serde_json::from_slice(version.body()).unwrap_or_default();
            self.facts.insert(row, VersionFacts::of(&body, needs));
        }
    }
}

impl VersionFacts {
    fn of(body: &Value, needs: ContentNeeds) -> Self {
        let mut facts = Self::default();
        if needs.identifiers {
            for identifier in body["identifier"].as_array().into_iter().flatten() {
                let Some(value) = identifier["value"].as_str() else { continue };
                facts.identifiers.push(value.to_owned());
                facts.identifiers.push(format!("{}|{value}", identifier["system"].as_str().unwrap_or_default()));
            }
        }
        if needs.parts {
            facts.parts = ResourcePart::ALL.map(|part| part.of(body));
        }
        facts
    }
}
