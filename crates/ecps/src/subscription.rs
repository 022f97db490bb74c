//! Subscriptions to notifications, what is sent to them, and who sends it.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use web_push_native::Auth;
use web_push_native::p256::PublicKey;

/// What a push service made of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushOutcome {
    /// It was accepted.
    Accepted,
    /// The subscription is over (404, 410): nothing is sent there any more.
    Gone,
}

/// A notification that leaves: the body is encrypted for the phone.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingPush {
    /// Address of the push service.
    pub endpoint: String,
    /// Headers, among them the signature by our key.
    pub headers: Vec<(String, String)>,
    /// Body, `aes128gcm` (RFC 8291).
    pub body: Vec<u8>,
}

/// Sends notifications over HTTPS, to addresses that may be called. May be called by several tasks at once.
#[async_trait]
pub trait PushSender: Send + Sync {
    /// Refuses an address that this server does not call.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&self, endpoint: &str) -> Result<(), String>;

    /// Posts one, and waits for [`limits::PUSH_SECONDS`](crate::limits::PUSH_SECONDS) at the most.
    ///
    /// # Errors
    /// Why nobody took it, in words without address.
    async fn send(&self, push: &OutgoingPush) -> Result<PushOutcome, String>;
}

/// A subscription as the browser of a phone made it, and as the row of the means keeps it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushSubscription {
    /// Address of the push service.
    pub endpoint: String,
    /// Its keys.
    pub keys: PushKeys,
}

impl std::fmt::Debug for PushSubscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PushSubscription")
    }
}

/// The keys of a subscription, base64url.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushKeys {
    /// Public key of the browser: a point of P-256.
    pub p256dh: String,
    /// Secret of the subscription: 16 bytes.
    pub auth: String,
}

impl PushSubscription {
    pub(crate) fn keys(&self) -> Option<(PublicKey, Auth)> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let key = PublicKey::from_sec1_bytes(&bytes(&self.keys.p256dh)?).ok()?;
        let auth: [u8; 16] = bytes(&self.keys.auth)?.try_into().ok()?;
        Some((key, auth.into()))
    }
}
