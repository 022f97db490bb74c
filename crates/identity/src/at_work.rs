//! A person as the merged view has them.

use std::collections::BTreeMap;

use annuaire_consolidate::ConsolidatedEntity;
use annuaire_mos::Structure;

/// A person with the structures where they work.
#[derive(Debug, Clone, Default)]
pub struct PersonAtWork {
    /// The person: civil status, practices, situations, cards.
    pub person: ConsolidatedEntity,
    /// Structures of their situations, by technical identifier.
    pub structures: BTreeMap<String, Structure>,
}
