//! The audit trail: who did or read what (`registration.md` §14).

use annuaire_base::Tx;

/// An event of the audit trail, to be written with a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditEvent {
    /// Who: a number of a person, or the name of a command.
    pub actor: String,
    /// What: a code of the trail.
    pub event: String,
    /// About what: an entity, a request, a session.
    pub object: String,
    /// Number of the request, if there is one.
    pub request: Option<String>,
    /// All else as a JSON object: session, means, address, before and after. Secrets are masked by the caller.
    pub detail: String,
}

/// An event of the audit trail, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Number, from 1 without a gap.
    pub number: u64,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Transaction of its unit, absent when the unit changed no fact (a read, a refusal).
    pub tx: Option<Tx>,
    /// The event.
    pub event: AuditEvent,
    /// SHA-256 over the row and the hash of the row before it: a changed, removed or inserted row is found by `verify`.
    pub hash: [u8; 32],
}
