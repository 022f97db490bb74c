//! The owners of facts, as the registry knows them.

use crate::error::Error;
use annuaire_consolidate::Owners;
use annuaire_store::BlockingRegistry;

/// Reads the owners that have a description. A few dozen rows, however many professionals own something: they are read again for each
/// stretch of the log, so that a new one is never unknown. An owner whose description cannot be used is nobody: its facts are set aside,
/// and the others are published.
pub(crate) fn read(registry: &BlockingRegistry) -> Result<Owners, Error> {
    let rows = registry.described_owners()?;
    Ok(Owners::usable(rows.iter().map(|row| (&row.code, &row.description))))
}
