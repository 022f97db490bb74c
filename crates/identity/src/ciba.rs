//! Requests to prove who one is without a browser (OpenID CIBA, identity.md §1.10).

use serde::{Deserialize, Serialize};

use crate::rows::ProviderRow;
use crate::session::Binding;

/// A request of a client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CibaRequest {
    pub(crate) sha256: String,
    pub(crate) client_id: String,
    /// The person: requests of one person are counted.
    pub(crate) national_id: String,
    pub(crate) scope: String,
    pub(crate) acr: String,
    pub(crate) binding: Option<Binding>,
    /// Handle of the prompt on the phone.
    pub(crate) prompt: String,
    pub(crate) interval_s: i64,
    /// When it was last asked for.
    pub(crate) polled_ms: i64,
    pub(crate) expires_ms: i64,
    pub(crate) asked_ms: i64,
    /// Tokens were given, or a refusal was told.
    pub(crate) done: bool,
    /// Kept for a while, so that a late poll is told what happened.
    pub(crate) forgotten_ms: i64,
}

impl ProviderRow for CibaRequest {
    const KIND: &'static str = "ciba";

    fn key(&self) -> &str {
        &self.sha256
    }

    fn subject(&self) -> &str {
        &self.national_id
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.forgotten_ms)
    }
}

/// What a poll is told before anything else is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PollVerdict {
    /// The prompt is looked at.
    Look,
    /// The client asks too often: it waits five seconds longer from now on.
    SlowDown,
    /// Time is over.
    Expired,
    /// It was used, or is another client's.
    Invalid,
}

impl CibaRequest {
    /// Judges a poll of `client_id`.
    pub(crate) fn poll(&self, client_id: &str, now_ms: i64) -> PollVerdict {
        if self.client_id != client_id || self.done {
            PollVerdict::Invalid
        } else if now_ms >= self.expires_ms {
            PollVerdict::Expired
        } else if self.polled_ms > 0 && now_ms - self.polled_ms < self.interval_s * 1_000 {
            PollVerdict::SlowDown
        } else {
            PollVerdict::Look
        }
    }
}

/// Whether a binding message is what the phone shows: two digits.
pub(crate) fn is_binding_message(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_are_judged_in_order() {
        let request = CibaRequest {
            sha256: String::new(),
            client_id: "c".into(),
            national_id: "n".into(),
            scope: "openid".into(),
            acr: "eidas1".into(),
            binding: None,
            prompt: String::new(),
            interval_s: 5,
            polled_ms: 0,
            expires_ms: 120_000,
            asked_ms: 0,
            done: false,
            forgotten_ms: 600_000,
        };
        assert_eq!(request.poll("c", 1), PollVerdict::Look, "the first poll may come at once");
        let polled = CibaRequest { polled_ms: 10_000, ..request.clone() };
        assert_eq!(polled.poll("c", 14_999), PollVerdict::SlowDown);
        assert_eq!(polled.poll("c", 15_000), PollVerdict::Look);
        assert_eq!(polled.poll("c", 120_000), PollVerdict::Expired);
        assert_eq!(polled.poll("d", 15_000), PollVerdict::Invalid);
        assert_eq!(CibaRequest { done: true, ..polled }.poll("c", 15_000), PollVerdict::Invalid);
        for (text, is) in [("42", true), ("00", true), ("4", false), ("422", false), ("4a", false), ("٤٢", false)] {
            assert_eq!(is_binding_message(text), is, "{text}");
        }
    }
}
