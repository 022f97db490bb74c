//! A form that begins a request is sent twice by a double click, and begins one: its key is a row that is written with the request.

use crate::row::RegistrationRow;
use crate::service::Registration;
use serde::{Deserialize, Serialize};

/// Milliseconds for which the key of a form is remembered: longer than a session at the portal lasts.
const KEPT_MS: i64 = 12 * 3_600_000;

/// What a form began.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BegunFormRow {
    /// Hash of the person and the key of the form.
    key: String,
    /// Number of the request.
    pub(crate) number: String,
    due_ms: i64,
}

impl RegistrationRow for BegunFormRow {
    const KIND: &'static str = "begun-form";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

impl BegunFormRow {
    /// The row of a request that is begun now.
    pub(crate) fn new(key: &str, number: &str, now_ms: i64) -> Self {
        Self { key: key.to_owned(), number: number.to_owned(), due_ms: now_ms.saturating_add(KEPT_MS) }
    }
}

impl Registration {
    /// The key of a form of a person, as its row has it; `None` for a form without one.
    pub(crate) fn form_key(&self, person: &str, key: &str) -> Option<String> {
        (!key.is_empty()).then(|| self.keys.hashed("begun-form", &[person, key]))
    }
}
