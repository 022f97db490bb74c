//! Withdrawal: the content of the versions of a resource is replaced by a tombstone.

use annuaire_terms::TypeId;
use heed::RwTxn;

use crate::closings::ClosedRows;
use crate::databases::Databases;
use crate::dictionaries::Dictionaries;
use crate::error::Error;
use crate::published::PublishedTx;

/// Withdraws resources in the last commit of a transaction, when its own rows, columns and terms are in the databases: all the
/// rows below `reached.end`. Returns the newest rows of the resources; the transaction closes those that are live.
pub fn withdraw(
    _dbs: &Databases,
    _dictionaries: &Dictionaries,
    _txn: &mut RwTxn<'_>,
    _reached: PublishedTx,
    withdrawn: &[(TypeId, String)],
) -> Result<ClosedRows, Error> {
    if withdrawn.is_empty() { Ok(ClosedRows::new()) } else { Err(Error::Refused("withdrawal is not written yet")) }
}
