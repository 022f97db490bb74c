//! For backends: counts and transaction numbers as columns of a database, whose integers are signed.

use annuaire_base::Tx;

/// A count as the database stores it.
#[must_use]
pub fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Reads [`signed`] back.
#[must_use]
pub fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A transaction number as the database stores it.
#[must_use]
pub fn tx_column(tx: Tx) -> i64 {
    signed(tx.get())
}

/// Reads [`tx_column`] back.
#[must_use]
pub fn tx_read(column: i64) -> Tx {
    Tx::new(unsigned(column))
}
