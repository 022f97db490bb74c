//! A login that is under way in a browser.

use serde::{Deserialize, Serialize};

use crate::authorize::AuthorizeRequest;
use crate::card_holder::CardHolder;
use crate::rows::ProviderRow;

/// A login: the request that it answers, the browser that it belongs to, and how far it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Its id, which stands in addresses. It opens nothing without the cookie of the browser.
    pub(crate) id: String,
    pub(crate) request: AuthorizeRequest,
    /// Name of the client, for pages.
    pub(crate) client_name: String,
    /// SHA-256 of the cookie of the browser.
    pub(crate) browser_sha256: String,
    pub(crate) step: LoginStep,
    pub(crate) until_ms: i64,
}

/// How far a login is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub(crate) enum LoginStep {
    /// The person chooses a means.
    Choice,
    /// A phone was asked.
    Phone {
        /// Handle of the prompt.
        prompt: String,
        /// The number to choose on the phone.
        number: String,
    },
    /// It is over: a code was given, or refused.
    Done,
}

impl ProviderRow for Login {
    const KIND: &'static str = "login";

    fn key(&self) -> &str {
        &self.id
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.until_ms)
    }
}

/// A proof of the card host, to be used once by the browser that began the login (identity.md §3.5, 7).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CardTicket {
    pub(crate) sha256: String,
    pub(crate) login: String,
    pub(crate) national_id: String,
    /// Issuer and number of the card.
    pub(crate) card: String,
    /// What the card says of its holder, for staff whom the directory does not describe.
    #[serde(default)]
    pub(crate) holder: Option<CardHolder>,
    /// Its certificate (DER, base64url).
    #[serde(default)]
    pub(crate) certificate: String,
    pub(crate) until_ms: i64,
}

impl ProviderRow for CardTicket {
    const KIND: &'static str = "card_ticket";

    fn key(&self) -> &str {
        &self.sha256
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.until_ms)
    }
}
