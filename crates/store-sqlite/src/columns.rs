//! Values as the columns of the tables hold them.

use annuaire_base::Tx;

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

/// A JSON array of texts: the form in which one parameter of a statement carries any number of keys (`json_each`).
pub(crate) fn json_list(texts: &[&str]) -> String {
    // A list of texts is always JSON.
    serde_json::to_string(texts).unwrap_or_default()
}
