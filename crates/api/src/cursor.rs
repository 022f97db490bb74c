//! Paging tokens: opaque, authenticated, self-contained, valid across restarts.

use std::hash::{DefaultHasher, Hasher};

use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, aead::Aead};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Value of each letter of it, 64 for the bytes that are none.
const VALUES: [u8; 256] = {
    let (mut values, mut i) = ([64; 256], 0);
    while i < 64 {
        values[ALPHABET[i] as usize] = i as u8;
        i += 1;
    }
    values
};
const NONCE: usize = 12;

/// Where the next page starts, and in which frozen state of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Transaction of the first page.
    pub tx: u64,
    /// Last row already served; `None` before the first page.
    pub last_row: Option<u32>,
    /// Total computed on the first page, `None` when it is not wanted.
    pub total: Option<u64>,
    /// `Type` for a search, a path that ends in `_history` for a history.
    pub scope: String,
    /// Query of the first page, still encoded.
    pub query: String,
}

impl Cursor {
    /// Encrypts the cursor. The nonce derives from the key and the text, so equal cursors give equal tokens.
    pub(crate) fn seal(&self, key: &[u8; 32]) -> Option<String> {
        let total = self.total.map_or_else(|| "-".to_owned(), |t| t.to_string());
        let last_row = self.last_row.map_or_else(|| "-".to_owned(), |r| r.to_string());
        let plain = format!("{}\n{last_row}\n{total}\n{}\n{}", self.tx, self.scope, self.query);
        let (a, b) = digest(&[key, plain.as_bytes()]);
        let mut out = a.to_be_bytes().to_vec();
        out.extend_from_slice(&b.to_be_bytes());
        out.truncate(NONCE);
        let sealed = ChaCha20Poly1305::new(key.into()).encrypt(Nonce::from_slice(&out), plain.as_bytes()).ok()?;
        out.extend_from_slice(&sealed);
        Some(encode(&out))
    }

    /// Opens a token; `None` when it was not sealed with `key` or was altered in any way.
    pub(crate) fn open(token: &str, key: &[u8; 32]) -> Option<Self> {
        let bytes = decode(token)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let plain = ChaCha20Poly1305::new(key.into()).decrypt(Nonce::from_slice(nonce), sealed).ok()?;
        let text = String::from_utf8(plain).ok()?;
        let mut parts = text.splitn(5, '\n');
        let tx = parts.next()?.parse().ok()?;
        let last_row = match parts.next()? {
            "-" => None,
            n => Some(n.parse().ok()?),
        };
        let total = match parts.next()? {
            "-" => None,
            n => Some(n.parse().ok()?),
        };
        Some(Self { tx, last_row, total, scope: parts.next()?.to_owned(), query: parts.next()?.to_owned() })
    }
}

/// Two independent 64-bit hashes of `parts`, with their lengths.
pub(crate) fn digest(parts: &[&[u8]]) -> (u64, u64) {
    (hash(1, parts), hash(2, parts))
}

/// A hash of `parts`, with their lengths, for each `salt`.
pub(crate) fn hash(salt: u8, parts: &[&[u8]]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(salt);
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    hasher.finish()
}

fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 3);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| (w << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(word >> (18 - 6 * i)) as usize & 63]));
        }
    }
    out
}

/// Strict inverse of [`encode`]: another spelling of the same bytes is refused.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut word, mut bits) = (0u32, 0u32);
    for c in text.bytes() {
        let value = VALUES[usize::from(c)];
        if value == 64 {
            return None;
        }
        word = (word << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    (encode(&out) == text).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Cursor {
        Cursor { tx: 7, last_row: Some(4_000), total: Some(12), scope: "Organization".into(), query: "name=a\nb&type=1".into() }
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
