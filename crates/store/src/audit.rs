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

/// Which events a search of the trail finds: those that fulfil every member; `None` by all.
///
/// An index leads to the events of one object, request or actor. Without any of the three, and for `event` and instants, events are
/// walked by number from the newest one, and those that do not fit are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// About this object.
    pub object: Option<String>,
    /// With this number of a request.
    pub request: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// With this code.
    pub event: Option<String>,
    /// Written at this instant or later, milliseconds since 1970 UTC.
    pub from_ms: Option<i64>,
    /// Written before this instant.
    pub until_ms: Option<i64>,
}

impl AuditFilter {
    /// The events about an object.
    #[must_use]
    pub fn of_object(object: &str) -> Self {
        Self { object: Some(object.to_owned()), ..Self::default() }
    }

    /// The events with the number of a request.
    #[must_use]
    pub fn of_request(request: &str) -> Self {
        Self { request: Some(request.to_owned()), ..Self::default() }
    }

    /// The events of an actor.
    #[must_use]
    pub fn of_actor(actor: &str) -> Self {
        Self { actor: Some(actor.to_owned()), ..Self::default() }
    }

    /// What it asks of columns of text, each by equality; for backends.
    #[must_use]
    pub fn texts(&self) -> Vec<(&'static str, &str)> {
        let all = [("object", &self.object), ("request", &self.request), ("actor", &self.actor), ("event", &self.event)];
        all.into_iter().filter_map(|(column, value)| Some((column, value.as_deref()?))).collect()
    }

    /// What it asks of the instant, as comparison and value; for backends.
    #[must_use]
    pub fn instants(&self) -> Vec<(&'static str, i64)> {
        [(">=", self.from_ms), ("<", self.until_ms)].into_iter().filter_map(|(test, at)| Some((test, at?))).collect()
    }
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
