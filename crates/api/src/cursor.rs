//! Page tokens: opaque, authenticated, self-contained, valid across restarts.
//!
//! Links to pages are equal for everybody, so that answers can be kept: equal cursors must give equal tokens, and a random nonce
//! is out of the question. AES-GCM-SIV (RFC 8452) is made to resist the reuse of a nonce. Under one fixed nonce, it is a
//! deterministic cipher: whoever does not hold the key learns from two tokens whether their cursors are equal and nothing else.
//! The bound is the birthday bound of its 128-bit tag: after 2⁴⁰ tokens of 32 KiB, the chance that two different ones share a tag
//! is below 2⁻³⁵.

use std::fmt;
use std::sync::Arc;

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use annuaire_base::{LogIdentity, Tx};
use annuaire_index::{Index, Row};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::ApiError;

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

/// The cipher of page tokens for one log: identity and epoch are authenticated with each token and not part of it, so that the
/// token of another log, or of this one before it was restored, opens as little as an altered one.
#[derive(Debug, Clone)]
pub(crate) struct PageSeal {
    cipher: Arc<TokenCipher>,
    log: LogIdentity,
}

impl PageSeal {
    /// The seal of the log that a store follows. A store that follows none yet has only the empty state.
    pub(crate) fn new(cipher: &Arc<TokenCipher>, index: &Index) -> Result<Self, ApiError> {
        let log = index.log().map_err(ApiError::internal)?.unwrap_or_default();
        Ok(Self { cipher: Arc::clone(cipher), log })
    }

    /// The log as bytes: id, then epoch, big-endian.
    pub(crate) fn log_bytes(&self) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes[..16].copy_from_slice(&self.log.id.to_be_bytes());
        bytes[16..].copy_from_slice(&self.log.epoch.to_be_bytes());
        bytes
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
    pub(crate) fn seal(&self, seal: &PageSeal) -> Option<String> {
        let total = self.total.map_or_else(|| "-".to_owned(), |t| t.to_string());
        let last_row = self.last_row.map_or_else(|| "-".to_owned(), |r| r.to_string());
        let plain = format!("{}\n{last_row}\n{total}\n{}\n{}", self.tx, self.scope, self.query);
        let payload = Payload { msg: plain.as_bytes(), aad: &seal.log_bytes() };
        let sealed = seal.cipher.0.encrypt(Nonce::from_slice(&NONCE), payload).ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a token; `None` when it was not sealed with this cipher for this log, or was altered in any way.
    pub(crate) fn open(token: &str, seal: &PageSeal) -> Option<Self> {
        // Another spelling of the bytes of a token is refused.
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let payload = Payload { msg: &sealed[..], aad: &seal.log_bytes() };
        let plain = seal.cipher.0.decrypt(Nonce::from_slice(&NONCE), payload).ok()?;
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

    fn seal(key: u8, log: LogIdentity) -> PageSeal {
        PageSeal { cipher: Arc::new(TokenCipher::new(&[key; 32])), log }
    }

    const LOG: LogIdentity = LogIdentity { id: 0x1234, epoch: 1 };

    #[test]
    fn round_trip() {
        let ours = seal(9, LOG);
        let token = sample().seal(&ours).unwrap();
        assert_eq!(Cursor::open(&token, &ours), Some(sample()));
        assert_eq!(sample().seal(&ours).unwrap(), token);
        assert_eq!(Cursor::open(&token, &seal(8, LOG)), None);
        let untold = Cursor { total: None, last_row: None, ..sample() };
        assert_eq!(Cursor::open(&untold.seal(&ours).unwrap(), &ours), Some(untold));
    }

    /// A number of a transaction means nothing in another log, nor in this one after a restore.
    #[test]
    fn a_token_of_another_log_or_epoch_is_refused() {
        let token = sample().seal(&seal(9, LOG)).unwrap();
        for other in [LogIdentity { epoch: 2, ..LOG }, LogIdentity { id: 0x1235, ..LOG }, LogIdentity::default()] {
            assert_eq!(Cursor::open(&token, &seal(9, other)), None, "{other}");
            assert_ne!(sample().seal(&seal(9, other)).unwrap(), token);
        }
    }

    /// A token of the program before this one, which sealed with XChaCha20-Poly1305: the client runs its search again.
    #[test]
    fn an_old_token_is_refused() {
        let ours = seal(9, LOG);
        assert_eq!(
            Cursor::open(
                "EXuZ8l2SukTkSMeZVchbp5uxu0GQLCVJ0gixOqYmprK-du044CnvuIvsbQhLqCz-7TMrvRJ9Xg-XqhOQ0c8UeplCJ4secwNlPPyda6FC",
                &ours
            ),
            None
        );
        for bad in ["", "A", "=", "AAAA", "\u{e9}", "AAAA AAAA"] {
            assert_eq!(Cursor::open(bad, &ours), None, "{bad}");
        }
    }

    #[test]
    fn every_altered_byte_is_refused() {
        let ours = seal(3, LOG);
        for extra in ["", "x", "xy"] {
            let token = Cursor { query: format!("name=a{extra}"), ..sample() }.seal(&ours).unwrap();
            for i in 0..token.len() {
                for bit in 0..7 {
                    let mut bad = token.clone().into_bytes();
                    bad[i] ^= 1 << bit;
                    assert_eq!(Cursor::open(&String::from_utf8(bad).unwrap(), &ours), None);
                }
                assert_eq!(Cursor::open(&token[..i], &ours), None);
            }
            assert_eq!(Cursor::open(&format!("{token}A"), &ours), None);
        }
    }
}
