//! Secrets of subscriptions at rest: sealed with a key that derives from the secret of the installation.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a nonce.
const NONCE: usize = 12;

/// Seals and opens secrets. Its `Debug` form shows nothing.
pub struct Sealer(Aes256GcmSiv);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    /// A sealer under the secret of the installation. All nodes of a cluster have one secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(Aes256GcmSiv::new(&blake3::derive_key("annuaire 2026-11 secrets of subscriptions", secret).into()))
    }

    /// Seals a text for the subscription `id`: moved to another one it does not open. `nonce` is random; one used twice reveals equal texts
    /// and nothing else.
    pub(crate) fn seal(&self, id: &str, text: &str, nonce: [u8; NONCE]) -> Option<String> {
        let sealed = self.0.encrypt(&Nonce::from(nonce), Payload { msg: text.as_bytes(), aad: id.as_bytes() }).ok()?;
        Some(STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// Opens what [`seal`](Self::seal) gave; `None` when it is damaged, of another subscription or under another secret.
    pub(crate) fn open(&self, id: &str, sealed: &str) -> Option<String> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        let text = self.0.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: id.as_bytes() }).ok()?;
        String::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_where_it_was_sealed_only() {
        let sealer = Sealer::new(&[1; 32]);
        let sealed = sealer.seal("a", "secret", [9; 12]).unwrap();
        assert!(!sealed.contains("secret"));
        assert_eq!(sealer.open("a", &sealed).as_deref(), Some("secret"));
        assert_eq!(sealer.open("b", &sealed), None);
        assert_eq!(Sealer::new(&[2; 32]).open("a", &sealed), None);
        assert_eq!(sealer.open("a", "x"), None);
    }
}
