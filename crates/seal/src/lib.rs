//! Secrets at rest: sealed with a key that derives from the secret of the installation.
//!
//! ```
//! use annuaire_seal::Sealer;
//!
//! let sealer = Sealer::new(&[1; 32], "annuaire 2026-11 an example");
//! let sealed = sealer.seal("row-1", "secret", [9; 12]).expect("short texts can be sealed");
//! assert_eq!(sealer.open("row-1", &sealed).as_deref().map(String::as_str), Some("secret"));
//! assert_eq!(sealer.open("row-2", &sealed), None);
//! ```
//!
//! It reads no random source: nonces are parameters.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Bytes of a nonce.
pub const NONCE: usize = 12;

/// Seals and opens secrets with AES-256-GCM-SIV (RFC 8452). Its `Debug` form shows nothing.
pub struct Sealer(Aes256GcmSiv);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    /// A sealer under the secret of the installation; all nodes of a cluster have one secret. What was sealed for one purpose does not open for
    /// another. A purpose is a constant of the room that seals, and says product, date and what is sealed, as the derivation of BLAKE3 asks.
    #[must_use]
    pub fn new(secret: &[u8; 32], purpose: &str) -> Self {
        let key = Zeroizing::new(blake3::derive_key(purpose, secret));
        Self(Aes256GcmSiv::new(&(*key).into()))
    }

    /// Seals a text for the row `id`: moved to another row it does not open. `nonce` is random; one used twice reveals equal texts and nothing else.
    /// The result is base64: the nonce, then the sealed text, which is 16 bytes longer than the text. `None` for texts beyond 64 GiB.
    #[must_use]
    pub fn seal(&self, id: &str, text: &str, nonce: [u8; NONCE]) -> Option<String> {
        let sealed = self.0.encrypt(&Nonce::from(nonce), Payload { msg: text.as_bytes(), aad: id.as_bytes() }).ok()?;
        Some(STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// Opens what [`seal`](Self::seal) gave; `None` when it is damaged, of another row, for another purpose or under another secret.
    #[must_use]
    pub fn open(&self, id: &str, sealed: &str) -> Option<Zeroizing<String>> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        let text = self.0.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: id.as_bytes() }).ok()?;
        String::from_utf8(text).ok().map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(sealer: &Sealer, id: &str, sealed: &str) -> Option<String> {
        sealer.open(id, sealed).map(|text| text.to_string())
    }

    #[test]
    fn a_secret_opens_where_it_was_sealed_only() {
        let sealer = Sealer::new(&[1; 32], "a purpose");
        let sealed = sealer.seal("a", "secret", [9; 12]).unwrap();
        assert!(!sealed.contains("secret"));
        assert_eq!(opened(&sealer, "a", &sealed).as_deref(), Some("secret"));
        assert_eq!(opened(&sealer, "b", &sealed), None);
        assert_eq!(opened(&Sealer::new(&[2; 32], "a purpose"), "a", &sealed), None);
        assert_eq!(opened(&Sealer::new(&[1; 32], "another purpose"), "a", &sealed), None);
        for damaged in ["", "x", "AAAA", &sealed[4..], &sealed[..sealed.len() - 4]] {
            assert_eq!(opened(&sealer, "a", damaged), None, "{damaged}");
        }
    }

    #[test]
    fn its_debug_form_shows_nothing() {
        assert_eq!(format!("{:?}", Sealer::new(&[1; 32], "a purpose")), "Sealer(…)");
    }
}
