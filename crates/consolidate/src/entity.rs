//! One entity, as all owners together know it.

use crate::entity_key;
use crate::provenance::Provenance;
use annuaire_mos::{ActiviteAutorisee, BoiteLettresMss, CarteProfessionnel, Professionnel, Structure};

/// One entity, as all owners together know it and as far as a perimeter may show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsolidatedEntity {
    /// Its key.
    pub entity: String,
    /// The person, practices without a name left out.
    pub professional: Option<Professionnel>,
    /// The structure.
    pub structure: Option<Structure>,
    /// Activities.
    pub activities: Vec<ActiviteAutorisee>,
    /// Cards, each number once.
    pub cards: Vec<CarteProfessionnel>,
    /// Mailboxes.
    pub mailboxes: Vec<BoiteLettresMss>,
    /// The resource of another directory.
    pub foreign: Option<ForeignResource>,
    /// Who says what.
    pub provenance: Provenance,
    /// The first fact that cannot be used. Publishing the others alone would withdraw what it says.
    pub fault: Option<EntityFault>,
}

/// A resource of another directory. The public part of its members is taken when its form is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignResource {
    /// Code of the owner that gave it.
    pub owner: String,
    /// The resource, as received.
    pub json: String,
}

/// The reason why nothing can be made out of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityFault {
    /// Entity of the fact at fault.
    pub entity: String,
    /// Owner of the fact at fault; empty when no fact is.
    pub owner: String,
    /// In words.
    pub reason: String,
}

impl ConsolidatedEntity {
    /// The entity that holds the mailboxes of a structure that FINESS does not number.
    #[must_use]
    pub fn mailbox_holder(&self) -> Option<String> {
        let s = self.structure.as_ref()?;
        (s.num_finess.is_empty() && !s.id_nat_struct.is_empty()).then(|| entity_key::mailbox_holder(&s.id_nat_struct))
    }

    /// Adds the mailboxes of the holder, or its fault: the structure is published with them or not at all.
    pub fn add_mailboxes_of(&mut self, holder: &Self) {
        self.provenance.add_mailboxes_of(&holder.provenance, self.mailboxes.len());
        self.mailboxes.extend(holder.mailboxes.iter().cloned());
        if self.fault.is_none() {
            self.fault.clone_from(&holder.fault);
        }
    }
}
