//! A small transaction: the entities that it changes, by look-ups in both states.

use crate::error::Error;
use crate::limits::PAGE;
use crate::page::{ChangedEntities, EntityPage, GivePage, replace_published};
use crate::state::StateSource;
use annuaire_base::Tx;
use annuaire_consolidate::entity_key;
use annuaire_fhir::schema::{self, params};
use annuaire_fhir::{ids, systems};
use annuaire_index::{Filter, Index, Row};
use std::collections::BTreeMap;

/// Gives the entities that `tx` changes. Cost: a look-up for each entity, owner and state, in a few calls for each page.
pub(crate) fn give_pages(source: StateSource<'_>, index: &Index, tx: Tx, give: GivePage<'_>) -> Result<(), Error> {
    let some_are_set_aside = index.set_aside_count()? > 0;
    let mut from = String::new();
    loop {
        let mut entities = source.registry.changed_entities(tx, &from, PAGE)?;
        let Some(last) = entities.last() else { return Ok(()) };
        from.clone_from(last);
        entities.extend(structures_of_holders(&entities, index, some_are_set_aside)?);
        let after = source.entities_at(tx, &entities)?;
        let mut published = source.entities_at(tx.previous(), &entities)?;
        let mut set_aside = BTreeMap::new();
        if some_are_set_aside {
            for entity in &entities {
                if let Some(known) = index.set_aside_entity(entity)? {
                    let last_made = source.entity_at(known.made_at, entity)?;
                    replace_published(&mut published, entity, last_made);
                    set_aside.insert(entity.clone(), known);
                }
            }
        }
        if !give(Ok(EntityPage::Changed(ChangedEntities { entities, after, published, set_aside }))) {
            return Ok(());
        }
    }
}

/// Mailboxes change with their holder: the structures that are published with the holders among these entities, and those that
/// are set aside because of one.
pub(crate) fn structures_of_holders(entities: &[String], index: &Index, some_are_set_aside: bool) -> Result<Vec<String>, Error> {
    let holders: Vec<&String> = entities.iter().filter(|e| entity_key::is_mailbox_holder(e)).collect();
    let mut structures = Vec::new();
    for number in holders.iter().filter_map(|holder| entity_key::number_of_mailbox_holder(holder)) {
        structures.extend(published_structures(index, number)?);
    }
    if some_are_set_aside && !holders.is_empty() {
        let waiting = index.set_aside_entities(usize::MAX)?.into_iter().filter(|a| holders.contains(&&a.object));
        structures.extend(waiting.map(|a| a.entity).filter(|e| entity_key::is_structure(e)));
    }
    Ok(structures)
}

/// Entities of the structures that are published under a national number.
fn published_structures(index: &Index, number: &str) -> Result<Vec<String>, Error> {
    let snapshot = index.snapshot()?;
    let system = Some(systems::IDNST.to_owned());
    let filter = Filter::Token { param: params::IDENTIFIER.id, system, code: Some(number.to_owned()) };
    let rows = snapshot.search(schema::ORGANIZATION, &filter)?;
    let entity = |row| {
        let version = snapshot.read(Row::new(row))?;
        Ok(ids::structure_of(version.id()).map(entity_key::structure))
    };
    rows.iter().filter_map(|row| entity(row).transpose()).collect()
}
