//! Entities as they were at a transaction, by look-ups.

use crate::consolidate::{ConsolidatedEntity, consolidate};
use crate::error::Error;
use annuaire_base::Tx;
use annuaire_fhir::View;
use annuaire_store::Registry;
use std::collections::BTreeMap;

/// These entities just after `tx`, as the sources of a perimeter together know them; structures have the mailboxes of their
/// holders. Unknown entities are left out. Cost: a look-up for each entity and source.
pub(crate) fn entities_at(
    registry: &mut dyn Registry,
    tx: Tx,
    entities: &[String],
    view: View,
) -> Result<BTreeMap<String, ConsolidatedEntity>, Error> {
    if tx == Tx::NONE {
        return Ok(BTreeMap::new());
    }
    let mut all = consolidate(registry.objects_at(tx, entities)?, view.perimeter);
    let holders: Vec<(String, String)> =
        all.iter().filter_map(|(entity, known)| Some((entity.clone(), known.mailbox_holder()?))).collect();
    let keys: Vec<String> = holders.iter().map(|(_, holder)| holder.clone()).collect();
    let mailboxes = consolidate(registry.objects_at(tx, &keys)?, view.perimeter);
    for (entity, holder) in holders {
        if let (Some(entity), Some(holder)) = (all.get_mut(&entity), mailboxes.get(&holder)) {
            entity.add_mailboxes_of(holder);
        }
    }
    Ok(all)
}

/// One entity just after `tx`.
pub(crate) fn entity_at(
    registry: &mut dyn Registry,
    tx: Tx,
    entity: &String,
    view: View,
) -> Result<Option<ConsolidatedEntity>, Error> {
    Ok(entities_at(registry, tx, std::slice::from_ref(entity), view)?.remove(entity))
}
