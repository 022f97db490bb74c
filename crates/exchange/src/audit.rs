//! The event that each delivery leaves in the audit trail.

use crate::delivery::{Delivered, to_json};
use crate::error::Error;
use annuaire_store::AuditEvent;
use serde_json::json;

/// The event of a delivery that is about to be committed. It names files and counts, and nobody.
pub(crate) fn delivery_event(delivered: &Delivered) -> Result<AuditEvent, Error> {
    let Delivered { files, tx, created, changed, ended, unchanged, withheld, undoes, .. } = delivered;
    let counts = json!({
        "created": created, "changed": changed, "ended": ended, "unchanged": unchanged, "withheld": withheld,
    });
    Ok(AuditEvent {
        actor: delivered.author.clone(),
        event: if undoes.is_some() { "undo" } else { "import" }.to_owned(),
        object: delivered.number.to_string(),
        request: None,
        detail: to_json(&json!({ "tx": tx, "undoes": undoes, "files": files, "counts": counts }))?,
    })
}
