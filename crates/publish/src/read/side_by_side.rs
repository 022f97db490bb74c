//! A transaction that changes much of what is published: the states just after it and just before it are read in entity order,
//! side by side. This costs less than a look-up for each entity and source.

use crate::consolidate::consolidate;
use crate::entity_key;
use crate::error::Error;
use crate::limits::PAGE;
use crate::mailboxes::MailboxHoldersOfBothStates;
use crate::page::{EntitiesSideBySide, EntityPage, GivePage};
use crate::state::entity_at;
use annuaire_base::Tx;
use annuaire_fhir::{Perimeter, View};
use annuaire_index::Index;
use annuaire_store::{Object, Registry};
use std::collections::{HashMap, HashSet};

/// Gives the entities that `tx` changes, in order. Cost: two passes over the registry.
pub(crate) fn give_pages(
    registry: &mut dyn Registry,
    index: &Index,
    view: View,
    tx: Tx,
    holders: &MailboxHoldersOfBothStates,
    give: GivePage<'_>,
) -> Result<(), Error> {
    let some_are_set_aside = index.set_aside_count()? > 0;
    let mut after = StateReader::at(tx);
    let mut before = StateReader::at(tx.previous());
    // Mailbox holders that changed: the structures that they are published with change too.
    let mut changed_holders: HashSet<String> = HashSet::new();
    loop {
        let behind = earlier_end(&after, &before);
        for side in [&mut after, &mut before] {
            if side.read_to == behind {
                side.read_on(registry)?;
            }
        }
        let end = earlier_end(&after, &before);
        let (now, then) = (after.take_up_to(end.as_deref()), before.take_up_to(end.as_deref()));
        holders.after.keep(&now);
        holders.before.keep(&then);
        let mut entities = differing(&now, &then);
        changed_holders.extend(entities.iter().filter(|e| entity_key::is_mailbox_holder(e)).cloned());
        if !changed_holders.is_empty() {
            entities.extend(structures_of(&changed_holders, &now, view.perimeter));
            entities.sort_unstable();
            entities.dedup();
        }
        let changed: HashSet<&str> = entities.iter().map(String::as_str).collect();
        let only_changed = |objects: Vec<Object>| objects.into_iter().filter(|o| changed.contains(o.entity.as_str())).collect();
        let (now, then) = (only_changed(now), only_changed(then));
        let mut set_aside = HashMap::new();
        if some_are_set_aside {
            for entity in &entities {
                if let Some(known) = index.set_aside_entity(entity)? {
                    let last_made = entity_at(registry, known.made_at, entity, view)?;
                    set_aside.insert(entity.clone(), (known, last_made));
                }
            }
        }
        if !entities.is_empty() {
            let page = EntitiesSideBySide { entities, after: now, before: then, set_aside };
            if !give(Ok(EntityPage::SideBySide(page))) {
                return Ok(());
            }
        }
        if end.is_none() {
            return Ok(());
        }
    }
}

/// The state at a transaction, read in entity order.
struct StateReader {
    tx: Tx,
    /// Objects read and not yet taken.
    objects: Vec<Object>,
    /// The entity up to which the state is read; `None` when it is read to its end.
    read_to: Option<String>,
}

impl StateReader {
    fn at(tx: Tx) -> Self {
        Self { tx, objects: Vec::new(), read_to: Some(String::new()) }
    }

    /// Reads the next page, if there is one.
    fn read_on(&mut self, registry: &mut dyn Registry) -> Result<(), Error> {
        if let Some(from) = &self.read_to {
            let (objects, next) = registry.standing(self.tx, from, PAGE)?;
            self.objects.extend(objects);
            self.read_to = next;
        }
        Ok(())
    }

    /// Takes the objects of the entities up to `end`, all of them without an end.
    fn take_up_to(&mut self, end: Option<&str>) -> Vec<Object> {
        let end = end.map_or(self.objects.len(), |end| self.objects.partition_point(|o| o.entity.as_str() <= end));
        let rest = self.objects.split_off(end);
        std::mem::replace(&mut self.objects, rest)
    }
}

/// The entity up to which both states are read; `None` when both are read to their ends.
fn earlier_end(a: &StateReader, b: &StateReader) -> Option<String> {
    match (&a.read_to, &b.read_to) {
        (Some(a), Some(b)) => Some(a.min(b).clone()),
        (a, b) => a.as_ref().or(b.as_ref()).cloned(),
    }
}

/// The structures among these objects that are published with one of these mailbox holders.
fn structures_of(holders: &HashSet<String>, objects: &[Object], perimeter: Perimeter) -> Vec<String> {
    let structures = objects.iter().filter(|o| entity_key::is_structure(&o.entity)).cloned().collect();
    let concerned = consolidate(structures, perimeter).into_iter();
    concerned.filter(|(_, structure)| structure.mailbox_holder().is_some_and(|h| holders.contains(&h))).map(|(e, _)| e).collect()
}

/// Entities whose objects differ between two lists in entity order, in order.
fn differing(now: &[Object], then: &[Object]) -> Vec<String> {
    let (mut now, mut then) = (now.chunk_by(of_one_entity), then.chunk_by(of_one_entity));
    let (mut a, mut b) = (now.next(), then.next());
    let mut out = Vec::new();
    loop {
        let entity = |objects: Option<&[Object]>| objects.and_then(|o| o.first()).map(|o| o.entity.clone());
        match (entity(a), entity(b)) {
            (None, None) => return out,
            (Some(left), Some(right)) if left == right => {
                if a != b {
                    out.push(left);
                }
                (a, b) = (now.next(), then.next());
            }
            (Some(left), right) if right.as_ref().is_none_or(|right| left < *right) => {
                out.push(left);
                a = now.next();
            }
            (_, right) => {
                out.extend(right);
                b = then.next();
            }
        }
    }
}

fn of_one_entity(a: &Object, b: &Object) -> bool {
    a.entity == b.entity
}
