//! Values as the columns of the tables hold them, and failures of the database.

use annuaire_base::Tx;
use annuaire_store::Error;

/// The error of the registry for one of the database.
pub(crate) fn fault(e: sqlx::Error) -> Error {
    Error::Database(e.to_string())
}

/// A count as the database stores it.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Reads [`signed`] back.
pub(crate) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A transaction number as the database stores it.
pub(crate) fn tx_column(tx: Tx) -> i64 {
    signed(tx.get())
}

/// Reads [`tx_column`] back.
pub(crate) fn tx_read(column: i64) -> Tx {
    Tx::new(unsigned(column))
}
