//! Changes out of groups, by any thread: objects are assembled and written as JSON.

use crate::groups::GroupBatch;
use crate::owners::{fact_key, publication};
use crate::source_keys::is_feed;
use crate::{assemble, feed, finess_plus};
use annuaire_mos::Objet;
use annuaire_store::Change;
use std::collections::BTreeMap;
use std::io;
use xxhash_rust::xxh3::Xxh3;

/// One change to come.
pub(super) enum PlannedChange {
    /// The object of this source and entity ends.
    End { key: u8, entity: String },
    /// The object of a group of the batch is put.
    Put {
        /// The group.
        group: usize,
        /// Fingerprint of its pieces.
        fingerprint: u64,
        /// The registry has an object of this entity, or may have one.
        known: bool,
    },
}

/// A change, and whether the registry may have an object of its entity.
pub(super) type AssembledChange = (Change, bool);

/// Groups, and what becomes of them.
pub(super) struct ChangeJob {
    pub(super) batch: GroupBatch,
    pub(super) planned: Vec<PlannedChange>,
}

impl ChangeJob {
    /// Assembles the changes. `sources` are the names of sources by key.
    pub(super) fn assemble(self, sources: &BTreeMap<u8, &'static str>) -> io::Result<Vec<AssembledChange>> {
        let name = |key: u8| sources.get(&key).copied().unwrap_or_default();
        let assemble = |planned| {
            Ok(match planned {
                PlannedChange::End { key, entity } => (change(name(key), entity, None, 0), true),
                PlannedChange::Put { group, fingerprint, known } => {
                    let (key, entity) = self.batch.key(group);
                    let payload = object_json(name(key), entity, &self.batch.pieces(group))?;
                    (change(name(key), entity.to_owned(), payload, fingerprint), known)
                }
            })
        };
        self.planned.into_iter().map(assemble).collect()
    }
}

fn change(source: &str, entity: String, payload: Option<String>, fingerprint: u64) -> Change {
    Change { key: fact_key(source, entity), payload, publication: publication(source), fingerprint }
}

/// Fingerprint of the pieces of an object and of the way of assembling: the low half of their XXH3-128, whose whole registries
/// kept before version 4.
pub(super) fn fingerprint(pieces: &[&[u8]]) -> u64 {
    let mut hash = Xxh3::with_seed(assemble::VERSION);
    for piece in pieces {
        hash.update(&(piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    // Zero stands for an unknown fingerprint.
    (hash.digest128() as u64).max(1)
}

/// The registry's JSON of the object that a group makes; `None` when a feed ends it.
fn object_json(source: &str, entity: &str, pieces: &[&[u8]]) -> io::Result<Option<String>> {
    let object = if is_feed(source) {
        match feed::last_resource(pieces) {
            Some(json) => Objet::Ressource { json: json.to_owned() },
            None => return Ok(None),
        }
    } else if pieces.first().is_some_and(|p| finess_plus::is_piece(p)) {
        finess_plus::assemble(entity, pieces)?
    } else {
        assemble::assemble(source, entity, pieces)
    };
    serde_json::to_string(&object).map(Some).map_err(io::Error::other)
}
