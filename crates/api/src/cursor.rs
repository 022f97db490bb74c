//! Paging tokens: opaque, authenticated, self-contained, valid across restarts.
//!
//! Links of pages are the same for everybody, so that answers can be kept: equal cursors give equal tokens. The nonce is
//! therefore not random but a keyed hash of the text, under a key of its own: with 24 bytes of it, two texts share a nonce no
//! sooner than two random nonces would be equal, and who does not hold the key learns from equal tokens that their texts are
//! equal and nothing else.

use annuaire_base::Tx;
use annuaire_index::Row;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};

const NONCE: usize = 24;

/// Where the next page starts, and in which frozen state of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Transaction of the first page.
    pub tx: Tx,
    /// Last row already served; `None` before the first page.
    pub last_row: Option<Row>,
    /// Total computed on the first page, `None` when it is not wanted.
    pub total: Option<u64>,
    /// `Type` for a search, a path that ends in `_history` for a history.
    pub scope: String,
    /// Query of the first page, still encoded.
    pub query: String,
}

impl Cursor {
    /// Encrypts the cursor. Equal cursors give equal tokens.
    pub(crate) fn seal(&self, key: &[u8; 32]) -> Option<String> {
        let total = self.total.map_or_else(|| "-".to_owned(), |t| t.to_string());
        let last_row = self.last_row.map_or_else(|| "-".to_owned(), |r| r.to_string());
        let plain = format!("{}\n{last_row}\n{total}\n{}\n{}", self.tx, self.scope, self.query);
        let mut out = vec![0; NONCE];
        let nonces = blake3::derive_key("annuaire 2026-11 nonces of paging tokens", key);
        blake3::Hasher::new_keyed(&nonces).update(plain.as_bytes()).finalize_xof().fill(&mut out);
        let sealed = cipher(key).encrypt(XNonce::from_slice(&out), plain.as_bytes()).ok()?;
        out.extend_from_slice(&sealed);
        Some(URL_SAFE_NO_PAD.encode(out))
    }

    /// Opens a token; `None` when it was not sealed with `key` or was altered in any way.
    pub(crate) fn open(token: &str, key: &[u8; 32]) -> Option<Self> {
        // Another spelling of the bytes of a token is refused.
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let plain = cipher(key).decrypt(XNonce::from_slice(nonce), sealed).ok()?;
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

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&blake3::derive_key("annuaire 2026-11 paging tokens", key).into())
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
        let key = [9; 32];
        let token = sample().seal(&key).unwrap();
        assert_eq!(Cursor::open(&token, &key), Some(sample()));
        assert_eq!(sample().seal(&key).unwrap(), token);
        assert_eq!(Cursor::open(&token, &[8; 32]), None);
        let untold = Cursor { total: None, last_row: None, ..sample() };
        assert_eq!(Cursor::open(&untold.seal(&key).unwrap(), &key), Some(untold));
    }

    /// A token of the version before this one, whose nonce was shorter.
    #[test]
    fn an_old_token_is_refused() {
        use chacha20poly1305::{ChaCha20Poly1305, Nonce};
        let (key, nonce) = ([9; 32], [5; 12]);
        let sealed = ChaCha20Poly1305::new(&key.into()).encrypt(Nonce::from_slice(&nonce), &b"7\n1\n-\nDevice\n"[..]).unwrap();
        assert_eq!(Cursor::open(&URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()), &key), None);
        for bad in ["", "A", "=", "AAAA", "\u{e9}", "AAAA AAAA"] {
            assert_eq!(Cursor::open(bad, &key), None, "{bad}");
        }
    }

    #[test]
    fn every_altered_byte_is_refused() {
        let key = [3; 32];
        for extra in ["", "x", "xy"] {
            let token = Cursor { query: format!("name=a{extra}"), ..sample() }.seal(&key).unwrap();
            for i in 0..token.len() {
                for bit in 0..7 {
                    let mut bad = token.clone().into_bytes();
                    bad[i] ^= 1 << bit;
                    assert_eq!(Cursor::open(&String::from_utf8(bad).unwrap(), &key), None);
                }
                assert_eq!(Cursor::open(&token[..i], &key), None);
            }
            assert_eq!(Cursor::open(&format!("{token}A"), &key), None);
        }
    }
}
