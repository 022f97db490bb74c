//! What the registry keeps of a source that was compared, beside its facts: its last delivery, and its unreadable lines.

use crate::delivery::{SOURCE, to_json};
use crate::error::Error;
use crate::last_deliveries::LastDelivery;
use crate::quarantine::{QUARANTINE, UnreadableLines};
use crate::source_keys::is_feed;
use annuaire_store::BlockingUnit;

/// The notes of a source, to be written with the transaction, in which the delivery gets its number.
pub(crate) struct SourceNotes {
    pub(super) source: &'static str,
    /// The source is replaced, and with it the list of its unreadable lines.
    pub(super) replaces: bool,
    pub(super) unreadable: Option<UnreadableLines>,
    /// The delivery, without its number.
    pub(super) delivery: LastDelivery,
}

impl SourceNotes {
    /// Writes the notes of the delivery of this number.
    pub(crate) fn write(self, unit: &mut BlockingUnit, number: u64) -> Result<(), Error> {
        match self.unreadable {
            Some(unreadable) if self.replaces => unreadable.replace_note(unit, self.source, number)?,
            Some(unreadable) => unreadable.extend_note(unit, self.source, number)?,
            None if self.replaces => unit.set_note(QUARANTINE, self.source, None)?,
            None => {}
        }
        if !is_feed(self.source) {
            let last = LastDelivery { delivery: number, ..self.delivery };
            unit.set_note(SOURCE, self.source, Some(&to_json(&last)?))?;
        }
        Ok(())
    }
}
