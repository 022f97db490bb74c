//! Entities as they were at a transaction, by look-ups.

use crate::error::Error;
use annuaire_base::Tx;
use annuaire_consolidate::{ConsolidatedEntity, Owners, Perimeter, consolidate};
use annuaire_store::BlockingRegistry;
use std::collections::BTreeMap;

/// Where states are read, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct StateSource<'a> {
    pub(crate) registry: &'a BlockingRegistry,
    pub(crate) owners: &'a Owners,
    pub(crate) perimeter: Perimeter,
}

impl StateSource<'_> {
    /// These entities just after `tx`, as the owners of a perimeter together know them; structures have the mailboxes of their
    /// holders. Unknown entities are left out. Cost: a look-up for each entity and owner, in two calls.
    pub(crate) fn entities_at(&self, tx: Tx, entities: &[String]) -> Result<BTreeMap<String, ConsolidatedEntity>, Error> {
        let &Self { registry, owners, perimeter } = self;
        if tx == Tx::NONE || entities.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut all = consolidate(registry.facts_at(tx, entities)?, owners, perimeter);
        let holders: Vec<(String, String)> =
            all.iter().filter_map(|(entity, known)| Some((entity.clone(), known.mailbox_holder()?))).collect();
        if holders.is_empty() {
            return Ok(all);
        }
        let keys: Vec<String> = holders.iter().map(|(_, holder)| holder.clone()).collect();
        let mailboxes = consolidate(registry.facts_at(tx, &keys)?, owners, perimeter);
        for (entity, holder) in holders {
            if let (Some(entity), Some(holder)) = (all.get_mut(&entity), mailboxes.get(&holder)) {
                entity.add_mailboxes_of(holder);
            }
        }
        Ok(all)
    }

    /// One entity just after `tx`.
    pub(crate) fn entity_at(&self, tx: Tx, entity: &String) -> Result<Option<ConsolidatedEntity>, Error> {
        Ok(self.entities_at(tx, std::slice::from_ref(entity))?.remove(entity))
    }
}
