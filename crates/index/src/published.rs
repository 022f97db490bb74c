//! A published transaction, as the database `tx` holds it.

use annuaire_base::Tx;
use heed::RoTxn;

use crate::databases::Databases;
use crate::error::Error;
use crate::row::Row;

/// A published transaction. Key: its number, 8 bytes big-endian. Value: `end`, 4 bytes little-endian, then `commit_ms`, 8 bytes
/// little-endian. Writing this entry, in the last commit of a transaction, is what publishes it.
#[derive(Debug, Clone, Copy)]
pub struct PublishedTx {
    pub tx: Tx,
    /// First row after those of the transaction: every row below it is visible.
    pub end: Row,
    /// Instant of the transaction, milliseconds since 1970 UTC.
    pub commit_ms: i64,
}

impl PublishedTx {
    /// The state before the first transaction.
    pub const EMPTY: Self = Self { tx: Tx::NONE, end: Row::FIRST, commit_ms: 0 };

    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self, Error> {
        let bad = Error::Corrupt("transaction");
        let (Ok(tx), Some((end, ms))) = (key.try_into(), value.split_first_chunk()) else {
            return Err(bad);
        };
        let ms = ms.try_into().map_err(|_| bad)?;
        Ok(Self {
            tx: Tx::new(u64::from_be_bytes(tx)),
            end: Row::new(u32::from_le_bytes(*end)),
            commit_ms: i64::from_le_bytes(ms),
        })
    }

    /// Key of a transaction in the databases `tx` and `closings`: big-endian, so that keys sort as numbers.
    pub const fn key(tx: Tx) -> [u8; 8] {
        tx.get().to_be_bytes()
    }

    pub fn value(&self) -> [u8; 12] {
        let [a, b, c, d] = self.end.get().to_le_bytes();
        let [e, f, g, h, i, j, k, l] = self.commit_ms.to_le_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }

    /// The last transaction at an instant or before it; [`PublishedTx::EMPTY`] when there is none. Cost: a binary search over the
    /// numbers of the transactions, one look-up a step.
    pub fn last_until(dbs: &Databases, txn: &RoTxn<'_>, ms: i64) -> Result<Self, Error> {
        let latest = Self::latest(dbs, txn)?;
        if latest.commit_ms <= ms {
            return Ok(latest);
        }
        // Smallest number such that the first transaction at or after it is after the instant. Stores skip numbers.
        let (mut low, mut high) = (0, latest.tx.get());
        while low < high {
            let middle = low + (high - low) / 2;
            let found = dbs.tx.get_greater_than_or_equal_to(txn, &Self::key(Tx::new(middle)))?;
            let (key, value) = found.ok_or(Error::Corrupt("transactions"))?;
            let found = Self::decode(key, value)?;
            if found.commit_ms > ms { high = middle } else { low = found.tx.get() + 1 }
        }
        let found = dbs.tx.get_lower_than(txn, &Self::key(Tx::new(low)))?;
        found.map_or(Ok(Self::EMPTY), |(key, value)| Self::decode(key, value))
    }

    /// The latest transaction of a store; [`PublishedTx::EMPTY`] before the first.
    pub fn latest(dbs: &Databases, txn: &RoTxn<'_>) -> Result<Self, Error> {
        dbs.tx.last(txn)?.map_or(Ok(Self::EMPTY), |(key, value)| Self::decode(key, value))
    }
}
