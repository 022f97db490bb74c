//! Telephone numbers, mail addresses and secure mailboxes.

use serde_json::Value;

use super::{items, text_at};
use crate::french::french_phone;
use crate::phone::tel_uri;

/// A way to reach a structure or a professional.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContactView {
    /// What it is, in French.
    pub kind: &'static str,
    pub value: String,
    /// `tel:` or `mailto:` address; empty for what no program of a visitor reaches, as a secure mailbox.
    pub uri: String,
    /// Department or use of a mailbox; mostly empty.
    pub service: String,
    /// Whether the contact before is of another kind: a list names each kind once.
    pub begins_kind: bool,
}

const PHONE: &str = "Téléphone";
const FAX: &str = "Télécopie";
const MAIL: &str = "Courriel";
const SECURE_MAIL: &str = "Messagerie sécurisée";

impl ContactView {
    pub(crate) fn is_phone(&self) -> bool {
        self.kind == PHONE
    }

    pub(crate) fn is_secure_mailbox(&self) -> bool {
        self.kind == SECURE_MAIL
    }

    pub(crate) fn is_fax(&self) -> bool {
        self.kind == FAX
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
            (true, _) => SECURE_MAIL,
            (_, "phone") => PHONE,
            (_, "fax") => FAX,
            _ => MAIL,
        };
        let value = text_at(telecom, "/value");
        let uri = match kind {
            PHONE => tel_uri(&value),
            MAIL if is_plain_address(&value) => format!("mailto:{value}"),
            _ => String::new(),
        };
        let value = if matches!(kind, PHONE | FAX) { french_phone(&value) } else { value };
        let mut parts = items(telecom, "extension").flat_map(|extension| items(extension, "extension"));
        let service = parts.find(|part| text_at(part, "/url") == "service");
        let service = service.map(|part| text_at(part, "/valueString")).unwrap_or_default();
        Self { kind, value, uri, service, begins_kind: true }
    }
}

/// Whether a text is a mail address without signs that `mailto:` gives a meaning to (RFC 6068 §2).
fn is_plain_address(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+@".contains(&byte);
    text.split('@').count() == 2 && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::ContactView;
    use serde_json::json;

    #[test]
    fn only_what_a_visitor_reaches_has_an_address() {
        let telecom = json!({"telecom": [
            {"system": "phone", "value": "0465715099"}, {"system": "fax", "value": "0465715098"},
            {"system": "email", "value": "a@b.example"}, {"system": "email", "value": "a@b.example?bcc=c@d.example"},
            {"system": "email", "value": "a@b.mssante.example", "extension": [{"valueCoding": {"code": "MSSANTE"}}]},
        ]});
        let uris: Vec<String> = ContactView::all_of(&telecom).into_iter().map(|contact| contact.uri).collect();
        assert_eq!(uris, ["tel:+33465715099", "", "mailto:a@b.example", "", ""]);
    }
}
