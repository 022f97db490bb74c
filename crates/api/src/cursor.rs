//! Page tokens: opaque, authenticated, self-contained, valid across restarts.
//!
//! Links to pages are equal for everybody, so that answers can be kept: equal cursors must give equal tokens, and a random nonce
//! is out of the question. AES-GCM-SIV (RFC 8452) is made to resist the reuse of a nonce. Under one fixed nonce, it is a
//! deterministic cipher: whoever does not hold the key learns from two tokens whether their cursors are equal and nothing else.
//! The bound is the birthday bound of its 128-bit tag: after 2⁴⁰ tokens of 32 KiB, the chance that two different ones share a tag
//! is below 2⁻³⁵.

use std::fmt;

use aes_gcm_siv::aead::Aead;
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use annuaire_base::Tx;
use annuaire_index::Row;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The one nonce of all tokens.
const NONCE: [u8; 12] = [0; 12];

/// The cipher of page tokens. Its key schedule is computed once.
pub(crate) struct TokenCipher(Aes256GcmSiv);

impl TokenCipher {
    /// A cipher under a key derived from that of the installation.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256GcmSiv::new(&blake3::derive_key("annuaire 2026-11 page tokens under AES-GCM-SIV", key).into()))
    }
}

impl fmt::Debug for TokenCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCipher(hidden)")
    }
}

/// Where the next page starts, and in which state of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Transaction of the first page.
    pub tx: Tx,
    /// Last row already served; `None` before the first page.
    pub last_row: Option<Row>,
    /// Total of the first page; `None` when the client does not want it.
    pub total: Option<u64>,
    /// Perimeter, then `Type` for a search or a path that ends in `_history` for a history.
    pub scope: String,
    /// Query of the first page, still encoded.
    pub query: String,
}

impl Cursor {
    /// The token of the cursor. Equal cursors have equal tokens.
    pub(crate) fn seal(&self, cipher: &TokenCipher) -> Option<String> {
        let total = self.total.map_or_else(|| "-".to_owned(), |t| t.to_string());
        let last_row = self.last_row.map_or_else(|| "-".to_owned(), |r| r.to_string());
        let plain = format!("{}\n{last_row}\n{total}\n{}\n{}", self.tx, self.scope, self.query);
        let sealed = cipher.0.encrypt(Nonce::from_slice(&NONCE), plain.as_bytes()).ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a token; `None` when it was not sealed with this cipher or was altered in any way.
    pub(crate) fn open(token: &str, cipher: &TokenCipher) -> Option<Self> {
        // Another spelling of the bytes of a token is refused.
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let plain = cipher.0.decrypt(Nonce::from_slice(&NONCE), &sealed[..]).ok()?;
        let text = String::from_utf8(plain).ok()?;
        let mut parts = text.splitn(5, '\n');
        let tx = Tx::new(parts.next()?.parse().ok()?);
        let last_row = match parts.next()? {
            "-" => None,
            n => Some(Row::new(n.parse().ok()?)),
        };
        let total = match parts.next()? {
            "-" => None,
            n => Some(n.parse().ok()?),
        };
        Some(Self { tx, last_row, total, scope: parts.next()?.to_owned(), query: parts.next()?.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Cursor {
        Cursor {
            tx: Tx::new(7),
            last_row: Some(Row::new(4_000)),
            total: Some(12),
            scope: "Organization".into(),
            query: "name=a\nb&type=1".into(),
        }
    }

    #[test]
    fn round_trip() {
        let cipher = TokenCipher::new(&[9; 32]);
        let token = sample().seal(&cipher).unwrap();
        assert_eq!(Cursor::open(&token, &cipher), Some(sample()));
        assert_eq!(sample().seal(&cipher).unwrap(), token);
        assert_eq!(Cursor::open(&token, &TokenCipher::new(&[8; 32])), None);
        let untold = Cursor { total: None, last_row: None, ..sample() };
        assert_eq!(Cursor::open(&untold.seal(&cipher).unwrap(), &cipher), Some(untold));
    }

    /// A token of the program before this one, which sealed with XChaCha20-Poly1305: the client runs its search again.
    #[test]
    fn an_old_token_is_refused() {
        let cipher = TokenCipher::new(&[9; 32]);
        assert_eq!(
            Cursor::open(
                "EXuZ8l2SukTkSMeZVchbp5uxu0GQLCVJ0gixOqYmprK-du044CnvuIvsbQhLqCz-7TMrvRJ9Xg-XqhOQ0c8UeplCJ4secwNlPPyda6FC",
                &cipher
            ),
            None
        );
        for bad in ["", "A", "=", "AAAA", "\u{e9}", "AAAA AAAA"] {
            assert_eq!(Cursor::open(bad, &cipher), None, "{bad}");
        }
    }

    #[test]
    fn every_altered_byte_is_refused() {
        let cipher = TokenCipher::new(&[3; 32]);
        for extra in ["", "x", "xy"] {
            let token = Cursor { query: format!("name=a{extra}"), ..sample() }.seal(&cipher).unwrap();
            for i in 0..token.len() {
                for bit in 0..7 {
                    let mut bad = token.clone().into_bytes();
                    bad[i] ^= 1 << bit;
                    assert_eq!(Cursor::open(&String::from_utf8(bad).unwrap(), &cipher), None);
                }
                assert_eq!(Cursor::open(&token[..i], &cipher), None);
            }
            assert_eq!(Cursor::open(&format!("{token}A"), &cipher), None);
        }
    }
}
