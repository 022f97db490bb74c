//! From changes to chunks.

use crate::chunk::{self, Encoded, PackedRow, RowProof};
use crate::proof::{Hash, Salt};
use crate::{Change, Entropy, Result, limits};
use annuaire_base::fact::VersionContent;

/// A chunk to be written, and the leaves of its rows.
#[derive(Debug, Clone)]
pub struct NewChunk {
    /// Owner of its rows.
    pub owner: String,
    /// The chunk.
    pub encoded: Encoded,
    /// Entity and facet of each row, for the index of versions.
    pub keys: Vec<(String, String)>,
    /// Leaf of each row, in order.
    pub leaves: Vec<Hash>,
}

/// Changes by owner, entity, facet, one for each fact: its last one.
#[must_use]
pub fn in_order(mut changes: Vec<Change>) -> Vec<Change> {
    if changes.windows(2).all(|w| w[0].key < w[1].key) {
        return changes;
    }
    // A stable sort, then a deduplication from the end: of equal keys the last change stays.
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    changes.reverse();
    changes.dedup_by(|a, b| a.key == b.key);
    changes.reverse();
    changes
}

/// Rows of changes, with fresh salts.
#[must_use]
pub fn rows(changes: Vec<Change>, entropy: &Entropy) -> Vec<(String, PackedRow)> {
    let mut salts = vec![0; changes.len() * size_of::<Salt>()];
    entropy(&mut salts);
    let row = |(change, salt): (Change, &Salt)| {
        let content = match change.payload {
            Some(payload) => VersionContent::Stands { payload, publication: change.publication },
            None => VersionContent::Ends,
        };
        let fingerprint = if content == VersionContent::Ends { 0 } else { change.fingerprint };
        let proof = RowProof::Salt(*salt);
        (change.key.owner, PackedRow { entity: change.key.entity, facet: change.key.facet, content, fingerprint, proof })
    };
    changes.into_iter().zip(salts.as_chunks().0).map(row).collect()
}

/// Cuts rows that are ordered by owner, entity, facet into chunks and encodes them. A chunk holds rows of one owner, and all rows of an
/// entity that it names. Cost: hashing and compressing; not for a thread that serves others when rows are many.
///
/// # Errors
/// Those of [`chunk::encode`].
pub fn chunks(rows: Vec<(String, PackedRow)>) -> Result<Vec<NewChunk>> {
    let mut out = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while let Some((owner, row)) = rows.next() {
        let mut bytes = row.content_bytes();
        let mut of_chunk = vec![row];
        while let Some((next_owner, next)) = rows.peek() {
            let full = bytes >= limits::CHUNK_BYTES || of_chunk.len() >= limits::CHUNK_ROWS;
            let same_entity = of_chunk.last().is_some_and(|r| r.entity == next.entity);
            if *next_owner != owner || (full && !same_entity) {
                break;
            }
            bytes += next.content_bytes();
            of_chunk.extend(rows.next().map(|(_, row)| row));
        }
        let encoded = chunk::encode(&of_chunk)?;
        let leaves = of_chunk.iter().map(|r| r.leaf(&owner)).collect();
        let keys = of_chunk.into_iter().map(|r| (r.entity, r.facet)).collect();
        out.push(NewChunk { owner, encoded, keys, leaves });
    }
    Ok(out)
}

impl PackedRow {
    fn content_bytes(&self) -> usize {
        match &self.content {
            VersionContent::Stands { payload, .. } => payload.len(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{chunks, rows};
    use crate::chunk::Keys;
    use crate::{Change, Entropy, limits};
    use annuaire_base::fact::{FactKey, Publication};
    use std::sync::Arc;

    #[test]
    fn chunks_hold_one_owner_and_whole_entities() {
        let change = |owner: &str, n: usize, facet: usize| Change {
            key: FactKey { owner: owner.into(), entity: format!("E{n:04}"), facet: facet.to_string() },
            payload: (!n.is_multiple_of(7)).then(|| "x".repeat(40)),
            publication: Publication::Open,
            fingerprint: 9,
        };
        let mut changes: Vec<Change> = (0..600).flat_map(|n| (0..3).map(move |f| change("s", n, f))).collect();
        changes.extend((0..9).map(|n| change("t", n, 0)));
        let entropy: Entropy = Arc::new(|bytes| bytes.fill(3));
        let rows = rows(changes, &entropy);
        let leaves: Vec<_> = rows.iter().map(|(owner, row)| row.leaf(owner)).collect();
        let cut = chunks(rows.clone()).unwrap();
        assert_eq!(cut.iter().flat_map(|c| c.leaves.clone()).collect::<Vec<_>>(), leaves);
        let mut back = Vec::new();
        for chunk in &cut {
            let keys = Keys::read(&chunk.encoded.keys).unwrap();
            assert!(keys.len() <= limits::CHUNK_ROWS + 2 && keys.len() == chunk.keys.len());
            let contents = keys.contents(&chunk.encoded.contents).unwrap();
            back.extend(keys.rows(&contents).into_iter().map(|row| (chunk.owner.clone(), row)));
        }
        assert_eq!(back, rows);
        assert!(cut.windows(2).all(|w| w[0].owner < w[1].owner || w[0].encoded.last < w[1].encoded.first));
        assert!(
            rows.iter()
                .all(|(_, r)| (r.fingerprint == 9) == matches!(r.content, annuaire_base::fact::VersionContent::Stands { .. }))
        );
    }
}
