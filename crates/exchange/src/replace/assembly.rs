//! Changes out of groups, by any thread: objects are assembled and written as JSON.

use crate::groups::GroupBatch;
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
        digest: u128,
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
                PlannedChange::End { key, entity } => {
                    (Change { entity, source: name(key).to_owned(), payload: None, digest: 0 }, true)
                }
                PlannedChange::Put { group, digest, known } => {
                    let (key, entity) = self.batch.key(group);
                    let payload = object_json(name(key), entity, &self.batch.pieces(group))?;
                    (Change { entity: entity.to_owned(), source: name(key).to_owned(), payload, digest }, known)
                }
            })
        };
        self.planned.into_iter().map(assemble).collect()
    }
}

/// Fingerprint of the pieces of an object and of the way of assembling.
pub(super) fn digest(pieces: &[&[u8]]) -> u128 {
    let mut hash = Xxh3::with_seed(assemble::VERSION);
    for piece in pieces {
        hash.update(&(piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    // Zero stands for an unknown digest.
    hash.digest128().max(1)
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
