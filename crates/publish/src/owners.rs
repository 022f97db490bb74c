//! The owners of facts, as the registry knows them.

use crate::error::Error;
use annuaire_consolidate::Owners;
use annuaire_store::BlockingRegistry;

/// Reads the owners. A few dozen rows: they are read again for each stretch of the log, so that a new one is never unknown.
pub(crate) fn read(registry: &BlockingRegistry) -> Result<Owners, Error> {
    let rows = registry.owners()?;
    Ok(Owners::new(rows.into_iter().map(|row| (row.code, row.description))))
}
