//! How notifications leave: a trait, so that the rules of delivery are tried without a network.

use std::time::Duration;

/// A notification to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Notification {
    /// Address of the receiver.
    pub endpoint: String,
    /// Headers, those of the subscriber and the signature: secrets.
    pub headers: Vec<(String, String)>,
    /// Bundle in JSON.
    pub body: Vec<u8>,
    /// Time for the whole exchange.
    pub timeout: Duration,
}

/// Shows neither headers nor body nor the address, which may hold a secret.
impl std::fmt::Debug for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notification").field("bytes", &self.body.len()).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Sends notifications. Called by several threads at once.
pub trait Transport: Send + Sync {
    /// Sends one, and waits for the answer of the receiver, not longer than its time.
    ///
    /// # Errors
    /// Why it was not acknowledged by 2xx, in words that show no secret.
    fn send(&self, notification: &Notification) -> Result<(), String>;
}
