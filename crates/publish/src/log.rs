//! The transactions of the log that a store does not have yet.

use crate::error::Error;
use annuaire_base::Tx;
use annuaire_index::Index;
use annuaire_store::{Registry, Transaction};

/// Transactions that the store does not have, in order.
///
/// # Errors
/// [`Error::OtherLog`] when the last transaction of the store is not one of this registry, with the same instant.
pub(crate) fn missing_transactions(registry: &mut dyn Registry, index: &Index) -> Result<Vec<Transaction>, Error> {
    let Some((tx, commit_ms)) = index.applied_commit() else { return Ok(registry.transactions(Tx::NONE)?) };
    let mut log = registry.transactions(tx.previous())?;
    match log.first() {
        Some(last) if last.tx == tx && last.commit_ms == commit_ms => {
            log.remove(0);
            Ok(log)
        }
        _ => Err(Error::OtherLog { tx }),
    }
}
