//! Reading the transactions of a group: what they change, and the facts of it.

use super::facts::FactsOverTime;
use crate::error::Error;
use crate::limits::PAGE;
use crate::read::look_ups::structures_of_holders;
use annuaire_base::Tx;
use annuaire_consolidate::{ConsolidatedEntity, Owners, Perimeter, consolidate, entity_key};
use annuaire_index::{Index, SetAsideEntity};
use annuaire_store::{BlockingRegistry, Transaction};
use std::collections::{HashMap, HashSet};

/// Transactions that are applied together, with all that is needed to make their resources.
pub(crate) struct TransactionGroup<'a> {
    /// At least one.
    pub(crate) transactions: Vec<GroupedTransaction<'a>>,
    pub(crate) owners: &'a Owners,
    pub(crate) perimeter: Perimeter,
    /// Facts of the entities, and of those with which they are published.
    facts: FactsOverTime,
    /// Entities that were set aside before the group.
    pub(crate) set_aside: HashMap<String, SetAsideEntity>,
}

/// A transaction of a group.
pub(crate) struct GroupedTransaction<'a> {
    pub(crate) transaction: &'a Transaction,
    /// Entities that it changes, in the order of publication, each once.
    pub(crate) entities: Vec<String>,
}

/// Where the transactions of a group come from.
pub(crate) struct GroupSource<'a> {
    pub(crate) registry: &'a BlockingRegistry,
    pub(crate) owners: &'a Owners,
    pub(crate) index: &'a Index,
    pub(crate) perimeter: Perimeter,
    /// At least one.
    pub(crate) transactions: &'a [Transaction],
    /// What the log says of them.
    pub(crate) log: GroupLog,
    /// Entities that the first transaction changes beside those of the log.
    pub(crate) also: Vec<String>,
}

/// What the log says of transactions. It does not depend on the store: it may be read while the transactions before are applied.
pub(crate) struct GroupLog {
    first: Tx,
    /// For each transaction, the entities that it changes.
    entities: Vec<Vec<String>>,
    /// Their facts; empty for a single transaction, of which both sides may be cheaper.
    facts: FactsOverTime,
}

impl GroupLog {
    /// Reads what the log says of these transactions. Cost: a call for each, and a few for all facts.
    pub(crate) fn read(registry: &BlockingRegistry, transactions: &[Transaction]) -> Result<Self, Error> {
        let entities: Vec<Vec<String>> =
            transactions.iter().map(|tx| changed_entities(registry, tx.tx)).collect::<Result<_, _>>()?;
        let mut facts = FactsOverTime::default();
        if let [_, .., last] = transactions {
            facts.read_history(registry, last.tx, entities.concat())?;
        }
        Ok(Self { first: transactions.first().map_or(Tx::NONE, |first| first.tx), entities, facts })
    }

    /// How many of these transactions it is of; `None` when it is of others, or of more.
    pub(crate) fn length_in(&self, transactions: &[Transaction]) -> Option<usize> {
        let is_first = transactions.first().is_some_and(|first| first.tx == self.first);
        (is_first && self.entities.len() <= transactions.len()).then_some(self.entities.len())
    }
}

/// Reads a group: the first of these transactions, and those after it that do not depend on what an earlier one changes in the
/// store. Cost: a few calls for the facts that the log was not asked for yet.
pub(crate) fn read(source: GroupSource<'_>) -> Result<TransactionGroup<'_>, Error> {
    let GroupSource { registry, owners, index, perimeter, transactions: log, log: GroupLog { entities, facts, .. }, also } =
        source;
    let some_are_set_aside = index.set_aside_count()? > 0;
    let mut transactions: Vec<GroupedTransaction<'_>> = Vec::new();
    let mut also = Some(also);
    for (transaction, mut entities) in log.iter().zip(entities) {
        let changes_mailboxes = entities.iter().any(|e| entity_key::is_mailbox_holder(e));
        if changes_mailboxes && some_are_set_aside && !transactions.is_empty() {
            // Which structures wait for these mailboxes may have changed.
            break;
        }
        if changes_mailboxes {
            entities.extend(structures_of_holders(&entities, index, some_are_set_aside)?);
        }
        entities.extend(also.take().unwrap_or_default());
        let mut seen = HashSet::new();
        entities.retain(|entity| seen.insert(entity.clone()));
        transactions.push(GroupedTransaction { transaction, entities });
    }
    let mut group = TransactionGroup { transactions, owners, perimeter, facts, set_aside: HashMap::new() };
    let all: Vec<String> = group.transactions.iter().flat_map(|tx| &tx.entities).cloned().collect();
    if some_are_set_aside {
        for entity in &all {
            if let Some(known) = index.set_aside_entity(entity)? {
                group.set_aside.insert(entity.clone(), known);
            }
        }
    }
    group.read_facts(registry, all)?;
    group.transactions.truncate(group.independent());
    let holders = group.mailbox_holders();
    group.read_facts(registry, holders)?;
    Ok(group)
}

/// All entities that a transaction changes.
fn changed_entities(registry: &BlockingRegistry, tx: Tx) -> Result<Vec<String>, Error> {
    let mut all = registry.changed_entities(tx, "", PAGE)?;
    let mut last = all.len();
    while last == PAGE as usize {
        let page = registry.changed_entities(tx, all.last().map_or("", String::as_str), PAGE)?;
        last = page.len();
        all.extend(page);
    }
    Ok(all)
}

impl TransactionGroup<'_> {
    fn read_facts(&mut self, registry: &BlockingRegistry, entities: Vec<String>) -> Result<(), Error> {
        match &self.transactions[..] {
            // What is set aside is published as it was at an earlier transaction.
            [only] if self.set_aside.is_empty() => self.facts.read_both_sides(registry, only.transaction.tx, entities),
            [.., last] => self.facts.read_history(registry, last.transaction.tx, entities),
            [] => Ok(()),
        }
    }

    /// An entity just after `tx`, structures with the mailboxes of their holders. `tx` is one of the group, or that before the
    /// first, or that at which a published form was made.
    pub(crate) fn entity_at(&self, entity: &str, tx: Tx) -> Option<ConsolidatedEntity> {
        let of = |entity: &str| consolidate(self.facts.at(entity, tx), self.owners, self.perimeter).remove(entity);
        let mut made = of(entity)?;
        if let Some(holder) = made.mailbox_holder().and_then(|holder| of(&holder)) {
            made.add_mailboxes_of(&holder);
        }
        Some(made)
    }

    /// The mailbox holders of the structures of the group, in every state that is looked at.
    fn mailbox_holders(&self) -> Vec<String> {
        let mut holders = Vec::new();
        for GroupedTransaction { transaction, entities } in &self.transactions {
            for entity in entities.iter().filter(|e| entity_key::is_structure(e)) {
                let made_at = self.set_aside.get(entity).map(|known| known.made_at);
                for tx in [Some(transaction.tx.previous()), Some(transaction.tx), made_at].into_iter().flatten() {
                    let made = consolidate(self.facts.at(entity, tx), self.owners, self.perimeter).remove(entity);
                    holders.extend(made.and_then(|made| made.mailbox_holder()));
                }
            }
        }
        holders
    }

    /// How many transactions of the group do not depend on an earlier one: until one changes the mailboxes of a structure whose
    /// number an earlier one may have changed, so that the store finds it by another number. Every structure that has the
    /// number in any version counts.
    fn independent(&self) -> usize {
        let mut changed: Vec<&String> = Vec::new();
        let mut words: HashSet<&str> = HashSet::new();
        for (n, GroupedTransaction { entities, .. }) in self.transactions.iter().enumerate() {
            let numbers: Vec<&str> = entities.iter().filter_map(|e| entity_key::number_of_mailbox_holder(e)).collect();
            if !numbers.is_empty() {
                words.extend(changed.drain(..).flat_map(|entity| self.facts.words(entity)));
                if numbers.iter().any(|number| words.contains(number)) {
                    return n;
                }
            }
            // Structures, and those of feeds.
            let may_have_number = |e: &&String| entity_key::is_structure(e) || e.starts_with("FH:");
            changed.extend(entities.iter().filter(may_have_number));
        }
        self.transactions.len()
    }
}
