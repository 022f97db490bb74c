//! A transaction that changes much of what is published: the states just after it and just before it are read in entity order,
//! side by side. This costs less than a look-up for each entity and source.

use crate::error::Error;
use crate::limits::PAGE;
use crate::mailboxes::MailboxHoldersOfBothStates;
use crate::page::{EntitiesSideBySide, EntityPage, GivePage};
use crate::state::StateSource;
use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey};
use annuaire_consolidate::{consolidate, entity_key};
use annuaire_index::Index;
use annuaire_store::BlockingRegistry;
use std::collections::{HashMap, HashSet};

/// Gives the entities that `tx` changes, in order. Cost: two passes over the registry.
pub(crate) fn give_pages(
    source: StateSource<'_>,
    index: &Index,
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
                side.read_on(source.registry)?;
            }
        }
        let end = earlier_end(&after, &before);
        let (now, then) = (after.take_up_to(end.as_deref()), before.take_up_to(end.as_deref()));
        holders.after.keep(&now);
        holders.before.keep(&then);
        let mut entities = differing(&now, &then);
        changed_holders.extend(entities.iter().filter(|e| entity_key::is_mailbox_holder(e)).cloned());
        if !changed_holders.is_empty() {
            entities.extend(structures_of(&changed_holders, &now, source));
            entities.sort_unstable();
            entities.dedup();
        }
        let changed: HashSet<&str> = entities.iter().map(String::as_str).collect();
        let only_changed = |facts: Vec<Fact>| facts.into_iter().filter(|f| changed.contains(f.key.entity.as_str())).collect();
        let (now, then) = (only_changed(now), only_changed(then));
        let mut set_aside = HashMap::new();
        if some_are_set_aside {
            for entity in &entities {
                if let Some(known) = index.set_aside_entity(entity)? {
                    let last_made = source.entity_at(known.made_at, entity)?;
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
    /// Facts read and not yet taken.
    facts: Vec<Fact>,
    /// The entity up to which the state is read; `None` when it is read to its end.
    read_to: Option<String>,
}

impl StateReader {
    fn at(tx: Tx) -> Self {
        Self { tx, facts: Vec::new(), read_to: Some(String::new()) }
    }

    /// Reads the next page, if there is one.
    fn read_on(&mut self, registry: &BlockingRegistry) -> Result<(), Error> {
        if let Some(from) = &self.read_to {
            let (facts, next) = registry.standing(self.tx, from, PAGE)?;
            self.facts.extend(facts);
            self.read_to = next;
        }
        Ok(())
    }

    /// Takes the facts of the entities up to `end`, all of them without an end.
    fn take_up_to(&mut self, end: Option<&str>) -> Vec<Fact> {
        let end = end.map_or(self.facts.len(), |end| self.facts.partition_point(|f| f.key.entity.as_str() <= end));
        let rest = self.facts.split_off(end);
        std::mem::replace(&mut self.facts, rest)
    }
}

/// The entity up to which both states are read; `None` when both are read to their ends.
fn earlier_end(a: &StateReader, b: &StateReader) -> Option<String> {
    match (&a.read_to, &b.read_to) {
        (Some(a), Some(b)) => Some(a.min(b).clone()),
        (a, b) => a.as_ref().or(b.as_ref()).cloned(),
    }
}

/// The structures among these facts that are published with one of these mailbox holders.
fn structures_of(holders: &HashSet<String>, facts: &[Fact], source: StateSource<'_>) -> Vec<String> {
    let structures = facts.iter().filter(|f| entity_key::is_structure(&f.key.entity)).cloned().collect();
    let concerned = consolidate(structures, source.owners, source.perimeter).into_iter();
    concerned.filter(|(_, structure)| structure.mailbox_holder().is_some_and(|h| holders.contains(&h))).map(|(e, _)| e).collect()
}

/// Entities whose facts differ between two lists in entity order, in order. A fact that stands in both states in one version is
/// of one transaction in both.
fn differing(now: &[Fact], then: &[Fact]) -> Vec<String> {
    let (mut now, mut then) = (now.chunk_by(of_one_entity), then.chunk_by(of_one_entity));
    let (mut a, mut b) = (now.next(), then.next());
    let mut out = Vec::new();
    loop {
        let entity = |facts: Option<&[Fact]>| facts.and_then(|f| f.first()).map(|f| f.key.entity.clone());
        match (entity(a), entity(b)) {
            (None, None) => return out,
            (Some(left), Some(right)) if left == right => {
                if !a.unwrap_or_default().iter().map(version_of).eq(b.unwrap_or_default().iter().map(version_of)) {
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

fn version_of(fact: &Fact) -> (&FactKey, Tx) {
    (&fact.key, fact.tx)
}

fn of_one_entity(a: &Fact, b: &Fact) -> bool {
    a.key.entity == b.key.entity
}
