//! For backends: which rows a batch of puts adds to log and state.
//!
//! A backend buffers changes, reads the last version of each object, and writes the rows that [`decide`] returns. All of it is
//! pure, so every backend counts and deduplicates alike.

use crate::{Change, CommitOutcome};
use annuaire_base::Tx;
use std::collections::HashMap;

/// The last version of an object in the registry.
#[derive(Debug, Clone)]
pub struct LastVersion {
    /// Source key.
    pub source: String,
    /// Entity key.
    pub entity: String,
    /// Transaction of this version.
    pub tx: Tx,
    /// Transaction of the version before it.
    pub prev: Option<Tx>,
    /// JSON, `None` when the object ended.
    pub payload: Option<String>,
    /// Fingerprint given with it, zero when unknown.
    pub digest: u128,
}

/// A row of the log, to be added under the transaction being written.
#[derive(Debug)]
pub struct LogRow {
    /// The new version.
    pub change: Change,
    /// Transaction of the version before it.
    pub prev: Option<Tx>,
}

/// A row of the state.
#[derive(Debug)]
pub struct StateRow {
    /// Source key.
    pub source: String,
    /// Entity key.
    pub entity: String,
    /// Transaction of the last version.
    pub tx: Tx,
    /// The last version ends the object.
    pub ended: bool,
    /// Fingerprint, zero when unknown.
    pub digest: u128,
}

/// Fingerprint as a column: NULL when unknown.
#[must_use]
pub fn digest_bytes(digest: u128) -> Option<Vec<u8>> {
    (digest != 0).then(|| digest.to_be_bytes().to_vec())
}

/// Reads [`digest_bytes`] back.
#[must_use]
pub fn digest_of(bytes: Option<&[u8]>) -> u128 {
    bytes.and_then(|b| b.try_into().ok()).map_or(0, u128::from_be_bytes)
}

/// Changes by source and entity, one for each object: its last version.
#[must_use]
pub fn in_order(mut changes: Vec<Change>) -> Vec<Change> {
    let key = |c: &Change| (c.source.clone(), c.entity.clone());
    if changes.windows(2).all(|w| (&w[0].source, &w[0].entity) < (&w[1].source, &w[1].entity)) {
        return changes;
    }
    // A stable sort, then a deduplication from the end: of equal keys the last change stays.
    changes.sort_by_cached_key(key);
    changes.reverse();
    changes.dedup_by(|a, b| a.source == b.source && a.entity == b.entity);
    changes.reverse();
    changes
}

/// The runs of one source in ordered changes.
pub fn by_source(changes: &[Change]) -> impl Iterator<Item = &[Change]> {
    changes.chunk_by(|a, b| a.source == b.source)
}

/// The rows that transaction `tx` adds for `changes` (from [`in_order`]), given the last version of each object. None of these
/// versions may be of `tx` itself. Counts are added to `outcome`.
pub fn decide(
    tx: Tx,
    changes: Vec<Change>,
    versions: Vec<LastVersion>,
    outcome: &mut CommitOutcome,
) -> (Vec<LogRow>, Vec<StateRow>) {
    let mut last: HashMap<(String, String), LastVersion> =
        versions.into_iter().map(|w| ((w.source.clone(), w.entity.clone()), w)).collect();
    let (mut log, mut states) = (Vec::new(), Vec::new());
    for change in changes {
        let old = if last.is_empty() { None } else { last.remove(&(change.source.clone(), change.entity.clone())) };
        let current = old.as_ref().and_then(|w| w.payload.as_ref());
        let state = |tx, ended| StateRow {
            source: change.source.clone(),
            entity: change.entity.clone(),
            tx,
            ended,
            digest: if ended { 0 } else { change.digest },
        };
        match (current, &change.payload) {
            (None, None) => {
                outcome.unchanged += 1;
                continue;
            }
            (Some(before), Some(now)) => {
                let known = old.as_ref().map_or(0, |w| w.digest);
                let same_input = known != 0 && known == change.digest;
                if same_input || before == now {
                    outcome.unchanged += 1;
                    if !same_input && change.digest != 0 {
                        // Equal content from another input: the new fingerprint spares the comparison next time.
                        states.extend(old.as_ref().map(|w| state(w.tx, false)));
                    }
                    continue;
                }
                outcome.changed += 1;
            }
            (None, Some(_)) => outcome.created += 1,
            (Some(_), None) => outcome.ended += 1,
        }
        states.push(state(tx, change.payload.is_none()));
        log.push(LogRow { change, prev: old.map(|w| w.tx) });
    }
    (log, states)
}

/// Subtracts what a version of the unit being written had counted, because another version replaces it. `revives`: the object
/// was absent or ended before it.
pub fn uncount(version: &LastVersion, revives: bool, outcome: &mut CommitOutcome) {
    let count = match &version.payload {
        None => &mut outcome.ended,
        Some(_) if revives => &mut outcome.created,
        Some(_) => &mut outcome.changed,
    };
    *count = count.saturating_sub(1);
}
