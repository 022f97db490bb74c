//! Where the facts of a resource come from, as its `meta` says (`as-ext-data-trace`).

use serde_json::Value;

use super::{items, text_at};

/// Authority of a resource and the day of its last change there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TraceView {
    /// Code of TRE_R60; empty when the source gave none.
    pub authority: String,
    /// ISO day of the last update at the authority; empty when it is not known.
    pub updated: String,
}

impl TraceView {
    pub(super) fn of_json(resource: &Value) -> Self {
        let meta = resource.get("meta").unwrap_or(&Value::Null);
        let trace = items(meta, "extension").find(|extension| text_at(extension, "/url").ends_with("as-ext-data-trace"));
        let Some(trace) = trace else { return Self::default() };
        let part = |name: &str| items(trace, "extension").find(|part| text_at(part, "/url") == name).unwrap_or(&Value::Null);
        Self {
            authority: text_at(part("autorite-enregistrement"), "/valueCodeableConcept/coding/0/code"),
            updated: text_at(part("date-maj-ae"), "/valueDate"),
        }
    }
}
