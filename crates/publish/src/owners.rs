//! The owners of facts, as the registry knows them.

use crate::error::Error;
use annuaire_consolidate::Owners;
use annuaire_store::BlockingRegistry;

/// Reads the owners. A few dozen rows: they are read again for each stretch of the log, so that a new one is never unknown. An
/// owner whose description cannot be used is nobody: its facts are set aside, and the others are published.
pub(crate) fn read(registry: &BlockingRegistry) -> Result<Owners, Error> {
    let mut rows: Vec<(String, String)> = registry.owners()?.into_iter().map(|row| (row.code, row.description)).collect();
    rows.retain(|row| Owners::new([row.clone()]).is_ok());
    Ok(Owners::new(rows).unwrap_or_default())
}
