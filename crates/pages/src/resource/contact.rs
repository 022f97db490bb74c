//! Telephone numbers, mail addresses and secure mailboxes.

use serde_json::Value;

use super::{items, text_at};
use crate::french::french_phone;

/// A way to reach a structure or a professional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContactView {
    /// What it is, in French.
    pub kind: &'static str,
    pub value: String,
    /// Department or use of a mailbox; mostly empty.
    pub service: String,
    /// Whether the contact before is of another kind: a list names each kind once.
    pub begins_kind: bool,
}

const PHONE: &str = "Téléphone";
const FAX: &str = "Télécopie";

impl ContactView {
    pub(crate) fn is_phone(&self) -> bool {
        self.kind == PHONE
    }

    /// The contacts of a resource, without the ones that repeat the one before them.
    pub(super) fn all_of(resource: &Value) -> Vec<Self> {
        let mut contacts: Vec<Self> = items(resource, "telecom").map(Self::of_json).collect();
        contacts.dedup();
        for at in 1..contacts.len() {
            contacts[at].begins_kind = contacts[at].kind != contacts[at - 1].kind;
        }
        contacts
    }

    fn of_json(telecom: &Value) -> Self {
        let secure = items(telecom, "extension").any(|extension| text_at(extension, "/valueCoding/code") == "MSSANTE");
        let kind = match (secure, text_at(telecom, "/system").as_str()) {
            (true, _) => "Messagerie sécurisée",
            (_, "phone") => PHONE,
            (_, "fax") => FAX,
            _ => "Courriel",
        };
        let value = text_at(telecom, "/value");
        let value = if matches!(kind, PHONE | FAX) { french_phone(&value) } else { value };
        let mut parts = items(telecom, "extension").flat_map(|extension| items(extension, "extension"));
        let service = parts.find(|part| text_at(part, "/url") == "service");
        let service = service.map(|part| text_at(part, "/valueString")).unwrap_or_default();
        Self { kind, value, service, begins_kind: true }
    }
}
