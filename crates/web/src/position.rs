//! Where a store is in its log, as doors, metrics and logs name it.

use annuaire_base::{LogIdentity, Tx};

/// Where a store is in its log. Two nodes that name one log, one transaction and one digest show one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorePosition {
    /// `public` or `restricted`.
    pub store: &'static str,
    /// The log; `None` for a store that followed none yet.
    pub log: Option<LogIdentity>,
    /// Last transaction of the log that the store shows.
    pub tx: Tx,
    /// Instant of that transaction, milliseconds since 1970 UTC; 0 without one.
    pub commit_ms: i64,
    /// Digest of the log up to that transaction.
    pub digest: [u8; 32],
    /// First transaction whose state is still answered.
    pub retained_from: Tx,
}

impl StorePosition {
    /// The first 48 bits of the digest in hexadecimal: enough to tell two logs apart.
    #[must_use]
    pub fn digest_prefix(&self) -> String {
        digest_prefix(&self.digest)
    }

    /// [`StorePosition::digest_prefix`] as a number that a floating-point number holds exactly.
    #[must_use]
    pub fn digest_number(&self) -> u64 {
        self.digest[..6].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// The first 48 bits of the digest of a transaction in hexadecimal, as status, health and messages show them.
#[must_use]
pub fn digest_prefix(digest: &[u8; 32]) -> String {
    annuaire_base::text::hex(&digest[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_shown_by_its_beginning() {
        let mut digest = [0xff; 32];
        digest[0] = 0x0a;
        let position = StorePosition { store: "public", log: None, tx: Tx::NONE, commit_ms: 0, digest, retained_from: Tx::NONE };
        assert_eq!(position.digest_prefix(), "0affffffffff");
        assert_eq!(format!("{:012x}", position.digest_number()), position.digest_prefix());
    }
}
