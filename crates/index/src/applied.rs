//! Where a store is in its log.

use annuaire_base::Tx;

/// SHA-256 that the log keeps for a transaction: of all that it wrote, and of the digest before it.
pub type LogDigest = [u8; 32];

/// The last transaction that a store has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Its number; [`Tx::NONE`] for a store without a transaction.
    pub tx: Tx,
    /// Its instant, milliseconds since 1970 UTC; 0 for a store without a transaction.
    pub commit_ms: i64,
    /// Its digest in the log, zeros when the caller gave none.
    pub digest: LogDigest,
}
