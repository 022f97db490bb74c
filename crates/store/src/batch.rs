//! For backends: buffered puts, and what is to be written of them.
//!
//! A backend buffers changes, asks what stands of these objects, and writes the rows that [`decide`] returns.

use crate::{Change, CommitOutcome};
use annuaire_base::Tx;
use std::collections::HashMap;

/// The last word on an object, as the registry has it.
#[derive(Debug, Clone)]
pub struct LastWrite {
    /// Who says it.
    pub source: String,
    /// Entity key.
    pub entity: String,
    /// Transaction of the word.
    pub tx: Tx,
    /// Transaction of the word before it.
    pub prev: Option<Tx>,
    /// JSON, `None` when the object ended.
    pub payload: Option<String>,
    /// Fingerprint given with it, zero when unknown.
    pub digest: u128,
}

/// A row of the log, its transaction being the one that is written.
#[derive(Debug)]
pub struct LogRow {
    /// What is said.
    pub change: Change,
    /// Transaction of the previous word on the same object.
    pub prev: Option<Tx>,
}

/// A row of the state.
#[derive(Debug)]
pub struct StateRow {
    /// Who says it.
    pub source: String,
    /// Entity key.
    pub entity: String,
    /// Transaction of the last word.
    pub tx: Tx,
    /// The last word is an end.
    pub ended: bool,
    /// Fingerprint, zero when unknown.
    pub digest: u128,
}

/// Fingerprint as a column: nothing when unknown.
#[must_use]
pub fn digest_bytes(digest: u128) -> Option<Vec<u8>> {
    (digest != 0).then(|| digest.to_be_bytes().to_vec())
}

/// Reads [`digest_bytes`] back.
#[must_use]
pub fn digest_of(bytes: Option<&[u8]>) -> u128 {
    bytes.and_then(|b| b.try_into().ok()).map_or(0, u128::from_be_bytes)
}

/// Changes by source and entity, one for each object: its last word.
#[must_use]
pub fn in_order(mut changes: Vec<Change>) -> Vec<Change> {
    let key = |c: &Change| (c.source.clone(), c.entity.clone());
    if changes.windows(2).all(|w| (&w[0].source, &w[0].entity) < (&w[1].source, &w[1].entity)) {
        return changes;
    }
    // Stable, and then read from the end: of equal keys the last one stays.
    changes.sort_by_cached_key(key);
    changes.reverse();
    changes.dedup_by(|a, b| a.source == b.source && a.entity == b.entity);
    changes.reverse();
    changes
}

/// Ranges of one source in ordered changes.
pub fn by_source(changes: &[Change]) -> impl Iterator<Item = &[Change]> {
    changes.chunk_by(|a, b| a.source == b.source)
}

/// The rows that transaction `tx` adds for `changes` (from [`in_order`]), given the words that stand, none of which may be of
/// `tx` itself. Counts go to `outcome`.
pub fn decide(tx: Tx, changes: Vec<Change>, words: Vec<LastWrite>, outcome: &mut CommitOutcome) -> (Vec<LogRow>, Vec<StateRow>) {
    let mut words: HashMap<(String, String), LastWrite> =
        words.into_iter().map(|w| ((w.source.clone(), w.entity.clone()), w)).collect();
    let (mut log, mut states) = (Vec::new(), Vec::new());
    for change in changes {
        let old = if words.is_empty() { None } else { words.remove(&(change.source.clone(), change.entity.clone())) };
        let stood = old.as_ref().and_then(|w| w.payload.as_ref());
        let state = |tx, ended| StateRow {
            source: change.source.clone(),
            entity: change.entity.clone(),
            tx,
            ended,
            digest: if ended { 0 } else { change.digest },
        };
        match (stood, &change.payload) {
            (None, None) => {
                outcome.unchanged += 1;
                continue;
            }
            (Some(before), Some(now)) => {
                let known = old.as_ref().map_or(0, |w| w.digest);
                let same_origin = known != 0 && known == change.digest;
                if same_origin || before == now {
                    outcome.unchanged += 1;
                    if !same_origin && change.digest != 0 {
                        // Made of something else and yet the same: next time it is known by its new fingerprint.
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

/// Takes back what a word of the unit being written counted, because another follows. `revives` tells that what stood before
/// it was an end or nothing.
pub fn uncount(word: &LastWrite, revives: bool, outcome: &mut CommitOutcome) {
    let count = match &word.payload {
        None => &mut outcome.ended,
        Some(_) if revives => &mut outcome.created,
        Some(_) => &mut outcome.changed,
    };
    *count = count.saturating_sub(1);
}
