//! Mailboxes of structures that FINESS does not number. The mailbox file knows such a structure by its national number alone, so
//! that its mailboxes are an entity of their own (`NS:`) and are published with the structure that has this number.

use annuaire_base::fact::Fact;
use annuaire_consolidate::{ConsolidatedEntity, Owners, Perimeter, consolidate, entity_key};
use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

/// Facts of the mailbox holders met so far, in one pass over the registry in entity order. Since `NS:` comes before `ST:`,
/// every holder was met when the first structure comes.
#[derive(Default)]
pub(crate) struct MailboxHolders(RwLock<HashMap<String, Vec<Fact>>>);

impl MailboxHolders {
    /// Keeps the mailbox holders among these facts.
    pub(crate) fn keep(&self, facts: &[Fact]) {
        let mut of_holders = facts.iter().filter(|f| entity_key::is_mailbox_holder(&f.key.entity)).peekable();
        if of_holders.peek().is_none() {
            return;
        }
        let mut holders = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for fact in of_holders {
            holders.entry(fact.key.entity.clone()).or_default().push(fact.clone());
        }
    }

    /// Consolidates the facts of complete entities, structures with the mailboxes of their holders.
    pub(crate) fn consolidate(
        &self,
        facts: Vec<Fact>,
        owners: &Owners,
        perimeter: Perimeter,
    ) -> BTreeMap<String, ConsolidatedEntity> {
        let mut all = consolidate(facts, owners, perimeter);
        let holders = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for entity in all.values_mut() {
            let facts = entity.mailbox_holder().and_then(|holder| holders.get(&holder));
            for holder in consolidate(facts.cloned().unwrap_or_default(), owners, perimeter).into_values() {
                entity.add_mailboxes_of(&holder);
            }
        }
        all
    }
}

/// The mailbox holders of the state just after a transaction and of the state just before it.
#[derive(Default)]
pub(crate) struct MailboxHoldersOfBothStates {
    pub(crate) after: MailboxHolders,
    pub(crate) before: MailboxHolders,
}
