//! Entities out of which nothing can be made: their published resources stay, and the store keeps the reason.

use crate::error::Error;
use crate::limits;
use annuaire_base::Tx;
use annuaire_index::{Index, SetAsideEntity};

/// An object that could not be published. The published resources of its entity stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Transaction that holds the object.
    pub tx: Tx,
    /// Entity key.
    pub entity: String,
    /// Source key.
    pub source: String,
    /// The reason, in words.
    pub reason: String,
}

impl From<SetAsideEntity> for SetAside {
    fn from(e: SetAsideEntity) -> Self {
        // The object at fault may be that of another entity: mailboxes are published with their structure.
        let reason = if e.object == e.entity { e.reason } else { format!("{}: {}", e.object, e.reason) };
        Self { tx: e.tx, entity: e.entity, source: e.source, reason }
    }
}

/// The entities that a store has set aside, the first [`limits::NAMED`] of them, and how many there are.
///
/// # Errors
/// When the store cannot be read.
pub fn set_aside(index: &Index) -> Result<(Vec<SetAside>, u64), Error> {
    let named = index.set_aside_entities(limits::NAMED)?.into_iter().map(SetAside::from).collect();
    Ok((named, index.set_aside_count()?))
}
