//! Mailboxes of structures that FINESS does not number. The mailbox file knows such a structure by its national number alone, so
//! that its mailboxes are an entity of their own (`NS:`) and are published with the structure that has this number.

use crate::consolidate::{ConsolidatedEntity, consolidate};
use crate::entity_key;
use annuaire_fhir::Perimeter;
use annuaire_store::Object;
use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

/// Objects of the mailbox holders met so far, in one pass over the registry in entity order. Since `NS:` comes before `ST:`,
/// every holder was met when the first structure comes.
#[derive(Default)]
pub(crate) struct MailboxHolders(RwLock<HashMap<String, Vec<Object>>>);

impl MailboxHolders {
    /// Keeps the mailbox holders among these objects.
    pub(crate) fn keep(&self, objects: &[Object]) {
        let mut holders = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for object in objects.iter().filter(|o| entity_key::is_mailbox_holder(&o.entity)) {
            holders.entry(object.entity.clone()).or_default().push(object.clone());
        }
    }

    /// Consolidates the objects of complete entities, structures with the mailboxes of their holders.
    pub(crate) fn consolidate(&self, objects: Vec<Object>, perimeter: Perimeter) -> BTreeMap<String, ConsolidatedEntity> {
        let mut all = consolidate(objects, perimeter);
        let holders = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for entity in all.values_mut() {
            let objects = entity.mailbox_holder().and_then(|holder| holders.get(&holder));
            for holder in consolidate(objects.cloned().unwrap_or_default(), perimeter).into_values() {
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
