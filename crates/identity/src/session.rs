//! Accounts, sessions and grants: who is logged in, since when, and what was given to whom.

use serde::{Deserialize, Serialize};

use crate::card_holder::CardHolder;
use crate::limits::{IDLE_MS, REFRESH_MS, SESSION_MS};
use crate::rows::ProviderRow;

/// A person as relying parties know them: `sub` stays when the national identifier changes (identity.md §0.1, 2).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    /// Opaque identifier, for ever.
    pub(crate) sub: String,
    /// National identifier of the first login.
    pub(crate) first_national_id: String,
}

impl ProviderRow for Account {
    const KIND: &'static str = "account";

    fn key(&self) -> &str {
        &self.sub
    }
}

/// The account of a national identifier: each identifier that a person ever logged in with or was known by leads to one account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccountName {
    pub(crate) national_id: String,
    pub(crate) sub: String,
}

impl ProviderRow for AccountName {
    const KIND: &'static str = "account_name";

    fn key(&self) -> &str {
        &self.national_id
    }

    fn subject(&self) -> &str {
        &self.sub
    }
}

/// The way in which a person proved who they are (identity.md §1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthMode {
    /// A card.
    Card,
    /// The means on a phone.
    Mobile,
    /// A passkey without a phone.
    Webauthn,
    /// An identity provider of an establishment.
    IdentityBroker,
}

impl AuthMode {
    /// The value of `authMode`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "CARD",
            Self::Mobile => "MOBILE",
            Self::Webauthn => "WEBAUTHN",
            Self::IdentityBroker => "IDENTITY_BROKER",
        }
    }
}

/// An act of proving who one is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// National identifier that was proved.
    pub national_id: String,
    /// How.
    pub mode: AuthMode,
    /// Methods (RFC 8176).
    pub amr: Vec<String>,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The device, card or passkey: when it ends, the session ends.
    pub means: String,
    /// What the card says of its holder, for staff whom the directory does not describe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<CardHolder>,
    /// The certificate of the card (DER, base64url): when a list of revocations names it, the session ends. Empty for other means.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub certificate: String,
}

/// A session of a person at the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// Identifier that tokens carry (`sid`). It opens nothing: the cookie is another value.
    pub(crate) sid: String,
    pub(crate) sub: String,
    pub(crate) authentication: Authentication,
    /// Last use, noted at most once a minute.
    pub(crate) used_ms: i64,
    /// Clients that were given tokens.
    pub(crate) clients: Vec<String>,
}

impl ProviderRow for Session {
    const KIND: &'static str = "session";

    fn key(&self) -> &str {
        &self.sid
    }

    fn subject(&self) -> &str {
        &self.sub
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.end_ms())
    }
}

impl Session {
    /// When it ends if nobody uses it.
    pub(crate) fn end_ms(&self) -> i64 {
        (self.used_ms + IDLE_MS).min(self.last_ms())
    }

    /// When it ends at the latest.
    pub(crate) fn last_ms(&self) -> i64 {
        self.authentication.at_ms + SESSION_MS
    }
}

/// The cookie of a session: its hash leads to the session, so that a copy of the database opens none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SessionCookie {
    pub(crate) sha256: String,
    pub(crate) sid: String,
    pub(crate) until_ms: i64,
}

impl ProviderRow for SessionCookie {
    const KIND: &'static str = "session_cookie";

    fn key(&self) -> &str {
        &self.sha256
    }

    fn subject(&self) -> &str {
        &self.sid
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.until_ms)
    }
}

/// What binds tokens to their holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Binding {
    /// A key that signs proofs (RFC 9449): its thumbprint.
    Dpop(String),
    /// A TLS certificate (RFC 8705): its thumbprint.
    Certificate(String),
}

/// What one login gave to one client: the family of its tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) sid: String,
    pub(crate) sub: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) acr: String,
    pub(crate) binding: Option<Binding>,
    /// SHA-256 of the refresh token in force; empty when there is none.
    pub(crate) refresh_sha256: String,
    /// SHA-256 of the one before, and until when it is still taken.
    pub(crate) former_sha256: String,
    pub(crate) former_until_ms: i64,
    /// When the refresh token ends.
    pub(crate) refresh_until_ms: i64,
    /// When the session ends at the latest: so does the grant.
    pub(crate) until_ms: i64,
    /// Nothing of it is good any more.
    pub(crate) revoked: bool,
}

impl ProviderRow for Grant {
    const KIND: &'static str = "grant";

    fn key(&self) -> &str {
        &self.id
    }

    fn subject(&self) -> &str {
        &self.sid
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.until_ms)
    }
}

/// What happens to a refresh token that is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshVerdict {
    /// It is the one in force, or the one before within its grace.
    Good,
    /// It is over.
    Over,
    /// It was replaced: somebody else has it, or had it.
    Reused,
}

impl Grant {
    /// The grant of a code, without tokens yet.
    pub(crate) fn of_code(code: &Code, session: &Session, binding: Option<Binding>) -> Self {
        Self {
            id: code.grant.clone(),
            client_id: code.client_id.clone(),
            scope: code.scope.clone(),
            nonce: code.nonce.clone(),
            acr: code.acr.clone(),
            binding,
            ..Self::of_session(session)
        }
    }

    /// A grant of a session that says nothing yet of its client.
    pub(crate) fn of_session(session: &Session) -> Self {
        Self {
            id: String::new(),
            sid: session.sid.clone(),
            sub: session.sub.clone(),
            client_id: String::new(),
            scope: String::new(),
            nonce: None,
            acr: String::new(),
            binding: None,
            refresh_sha256: String::new(),
            former_sha256: String::new(),
            former_until_ms: 0,
            refresh_until_ms: 0,
            until_ms: session.last_ms(),
            revoked: false,
        }
    }

    pub(crate) fn judge(&self, presented_sha256: &str, now_ms: i64) -> RefreshVerdict {
        let is = |known: &str| !known.is_empty() && annuaire_jose::equal(known, presented_sha256);
        let known = is(&self.refresh_sha256) || (is(&self.former_sha256) && now_ms <= self.former_until_ms);
        match (self.revoked || now_ms >= self.refresh_until_ms, known) {
            (true, _) => RefreshVerdict::Over,
            (false, true) => RefreshVerdict::Good,
            (false, false) => RefreshVerdict::Reused,
        }
    }

    /// Puts a refresh token in force. `rotates_from` is the hash of the one that was presented.
    pub(crate) fn put_refresh(&mut self, sha256: String, rotates_from: Option<String>, now_ms: i64, grace_ms: i64) {
        if let Some(former) = rotates_from {
            // A former one that is presented again within its grace keeps its first deadline.
            if self.former_sha256 != former {
                (self.former_sha256, self.former_until_ms) = (former, now_ms + grace_ms);
            }
        }
        self.refresh_sha256 = sha256;
        self.prolong(now_ms);
    }

    /// A refresh token that stays is good for its time from now on.
    pub(crate) fn prolong(&mut self, now_ms: i64) {
        self.refresh_until_ms = (now_ms + REFRESH_MS).min(self.until_ms);
    }
}

/// An authorization code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) sha256: String,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    /// Thumbprint that the request named (RFC 9449 §10).
    pub(crate) dpop_jkt: Option<String>,
    pub(crate) grant: String,
    pub(crate) sid: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) acr: String,
    pub(crate) until_ms: i64,
    pub(crate) used: bool,
    pub(crate) forgotten_ms: i64,
}

impl ProviderRow for Code {
    const KIND: &'static str = "code";

    fn key(&self) -> &str {
        &self.sha256
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.forgotten_ms)
    }
}

/// Something that may be used once: an assertion of a client, a proof of possession, a logout token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Once {
    pub(crate) key: String,
    pub(crate) until_ms: i64,
}

impl ProviderRow for Once {
    const KIND: &'static str = "once";

    fn key(&self) -> &str {
        &self.key
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.until_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::REFRESH_GRACE_MS;

    fn grant() -> Grant {
        Grant {
            id: "g".into(),
            sid: "s".into(),
            sub: "u".into(),
            client_id: "c".into(),
            scope: "openid".into(),
            nonce: None,
            acr: "eidas1".into(),
            binding: None,
            refresh_sha256: String::new(),
            former_sha256: String::new(),
            former_until_ms: 0,
            refresh_until_ms: 0,
            until_ms: SESSION_MS,
            revoked: false,
        }
    }

    #[test]
    fn a_refresh_token_is_good_once_and_a_lost_answer_is_forgiven() {
        let mut g = grant();
        g.put_refresh("1".into(), None, 0, REFRESH_GRACE_MS);
        assert_eq!(g.judge("1", 1_000), RefreshVerdict::Good);
        g.put_refresh("2".into(), Some("1".into()), 1_000, REFRESH_GRACE_MS);
        assert_eq!(g.judge("1", 1_000 + REFRESH_GRACE_MS), RefreshVerdict::Good);
        // The answer was lost: a third one, and the grace of the first is not longer for it.
        g.put_refresh("3".into(), Some("1".into()), 9_000, REFRESH_GRACE_MS);
        assert_eq!(g.judge("1", 1_001 + REFRESH_GRACE_MS), RefreshVerdict::Reused);
        assert_eq!(g.judge("2", 9_000), RefreshVerdict::Reused);
        assert_eq!(g.judge("3", 9_000), RefreshVerdict::Good);
        assert_eq!(g.judge("3", 9_000 + REFRESH_MS), RefreshVerdict::Over);
        assert_eq!(g.judge("", 9_000), RefreshVerdict::Reused, "no token is none");
        g.revoked = true;
        assert_eq!(g.judge("3", 9_000), RefreshVerdict::Over);
    }

    #[test]
    fn nothing_outlives_the_session() {
        let mut g = grant();
        g.put_refresh("1".into(), None, SESSION_MS - 1, REFRESH_GRACE_MS);
        assert_eq!(g.refresh_until_ms, SESSION_MS);
        assert_eq!(g.judge("1", SESSION_MS), RefreshVerdict::Over);
    }
}
