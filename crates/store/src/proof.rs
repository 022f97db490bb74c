//! For backends: what a third party can check of the log, by hashes alone.
//!
//! A row of the log is a **leaf**, the rows of a transaction are a Merkle tree (RFC 6962 §2.1), and the digest of a transaction
//! covers its root and the digest of the transaction before it. A leaf is salted, so that the hash of a withdrawn row lets nobody
//! test a guess about a person. Every field is preceded by its length: no two rows have one encoding.

use crate::AuditEvent;
use annuaire_base::Tx;
use annuaire_base::fact::{Publication, VersionContent};
use sha2::{Digest, Sha256};

pub use annuaire_proof::{Hash, Merkle};

/// Random bytes of a row.
pub type Salt = [u8; 16];

/// How a leaf and a chunk name the kind of a version.
#[must_use]
pub fn flag(content: &VersionContent) -> u8 {
    match content {
        VersionContent::Stands { publication: Publication::Restricted, .. } => 0,
        VersionContent::Stands { publication: Publication::Open, .. } => 1,
        VersionContent::Ends => 2,
        VersionContent::Withdrawn => 3,
    }
}

fn field(hash: &mut Sha256, bytes: &[u8]) {
    // Texts of the log are far below 4 GiB; a longer one would still be hashed whole.
    hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(bytes);
}

/// The leaf of a row. `flag` is that of [`flag`], `payload` empty unless the fact stands.
#[must_use]
pub fn leaf(owner: &str, entity: &str, facet: &str, salt: &Salt, flag: u8, payload: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0]);
    for bytes in [owner.as_bytes(), entity.as_bytes(), facet.as_bytes(), salt, &[flag], payload.as_bytes()] {
        field(&mut hash, bytes);
    }
    hash.finalize().into()
}

/// The digest of a transaction: over the digest of the one before it (zeros for the first), its number, its instant and the root of
/// its rows.
#[must_use]
pub fn tx_digest(before: &Hash, tx: Tx, commit_ms: i64, root: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(tx.get().to_be_bytes());
    hash.update(commit_ms.to_be_bytes());
    hash.update(root);
    hash.finalize().into()
}

/// The hash of a row of the audit trail: over the hash of the row before it (zeros for the first) and all that the row says.
#[must_use]
pub fn audit_hash(before: &Hash, number: u64, at_ms: i64, tx: Option<Tx>, event: &AuditEvent) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(number.to_be_bytes());
    hash.update(at_ms.to_be_bytes());
    // No transaction has the number zero.
    hash.update(tx.map_or(0, Tx::get).to_be_bytes());
    for text in [&event.actor, &event.event, &event.object] {
        field(&mut hash, text.as_bytes());
    }
    hash.update([u8::from(event.request.is_some())]);
    field(&mut hash, event.request.as_deref().unwrap_or_default().as_bytes());
    field(&mut hash, event.detail.as_bytes());
    hash.finalize().into()
}

/// The events of a unit with the numbers and hashes that they take after `end`, the number and hash of the last row written (zeros when there is none).
pub fn audit_chain(
    end: (u64, Hash),
    events: &[AuditEvent],
    at_ms: i64,
    tx: Option<Tx>,
) -> impl Iterator<Item = (u64, Hash, &AuditEvent)> {
    events.iter().scan(end, move |(number, hash), event| {
        *number += 1;
        *hash = audit_hash(hash, *number, at_ms, tx, event);
        Some((*number, *hash, event))
    })
}

#[cfg(test)]
mod tests {
    use super::{Hash, leaf};

    #[test]
    fn no_two_rows_have_one_leaf() {
        let salt = [7; 16];
        let rows = [
            ("a", "b", "", 0, "1"),
            ("ab", "", "", 0, "1"),
            ("a", "", "b", 0, "1"),
            ("a", "b", "", 1, "1"),
            ("a", "b", "", 0, "2"),
        ];
        let mut leaves: Vec<Hash> = rows.iter().map(|(o, e, f, flag, p)| leaf(o, e, f, &salt, *flag, p)).collect();
        leaves.push(leaf("a", "b", "", &[8; 16], 0, "1"));
        leaves.sort_unstable();
        leaves.dedup();
        assert_eq!(leaves.len(), rows.len() + 1);
    }
}
