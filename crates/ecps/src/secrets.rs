//! What derives from the secret of the installation, and what is random.

use annuaire_base::text::hex;
use annuaire_store::Entropy;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Derives handles and codes, so that no secret is at rest: who reads a row of the registry can compute none of them without the
/// secret of the installation. All nodes of a cluster have one secret.
pub(crate) struct Secrets {
    key: [u8; 32],
    pub(crate) pepper: [u8; 32],
    entropy: Entropy,
}

impl Secrets {
    pub(crate) fn new(secret: &[u8; 32], entropy: Entropy) -> Self {
        Self {
            key: blake3::derive_key("annuaire 2026-11 codes of the means on a phone", secret),
            pepper: blake3::derive_key("annuaire 2026-11 pepper of PINs", secret),
            entropy,
        }
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.entropy)(&mut bytes);
        bytes
    }

    /// A number below `bound` (at most 2³²), each as likely as the others: draws that would favour small ones are repeated.
    pub(crate) fn below(&self, bound: u32) -> u32 {
        let most = u32::MAX - u32::MAX % bound;
        loop {
            let drawn = u32::from_be_bytes(self.random());
            if drawn < most {
                return drawn % bound;
            }
        }
    }

    /// 256 random bits as text.
    pub(crate) fn handle(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.random::<32>())
    }

    /// 256 bits that follow from a purpose and the parts.
    fn derived(&self, purpose: &str, parts: &[&str]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in std::iter::once(&purpose).chain(parts) {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// A handle that follows from a purpose and the parts, as text.
    pub(crate) fn derived_handle(&self, purpose: &str, parts: &[&str]) -> String {
        URL_SAFE_NO_PAD.encode(self.derived(purpose, parts))
    }

    /// 128 bits as 26 letters and digits that are not taken for one another (the alphabet of Crockford).
    pub(crate) fn derived_code(&self, purpose: &str, parts: &[&str]) -> String {
        const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bytes = self.derived(purpose, parts);
        let bits = bytes[..16].iter().fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
        (0..26).map(|n| char::from(LETTERS[(bits >> (5 * (25 - n)) & 31) as usize])).collect()
    }

    /// Six digits that follow from a purpose and the parts.
    pub(crate) fn derived_digits(&self, purpose: &str, parts: &[&str]) -> String {
        let bytes = self.derived(purpose, parts);
        let bits = bytes[..16].iter().fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
        format!("{:06}", bits % 1_000_000)
    }
}

/// The key of a row whose handle somebody holds.
pub(crate) fn key_of(handle: &str) -> String {
    hex(&Sha256::digest(handle.as_bytes()))
}

/// A key that several texts make together.
pub(crate) fn key_of_parts(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}

/// A code of [`Secrets::derived_code`] as somebody typed it: lower case, blanks and hyphens, O for 0, I and L for 1.
pub(crate) fn typed_code(text: &str) -> String {
    let letters = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(64);
    let read = letters.map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    });
    read.collect()
}

/// A code in groups, as people read it.
pub(crate) fn shown_code(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn secrets(secret: u8) -> Secrets {
        Secrets::new(&[secret; 32], Arc::new(|bytes| bytes.fill(7)))
    }

    #[test]
    fn codes_follow_from_secret_purpose_and_parts() {
        let code = |secret: u8, purpose: &str, parts: &[&str]| secrets(secret).derived_code(purpose, parts);
        assert_eq!(code(1, "a", &["b"]), code(1, "a", &["b"]));
        for other in
            [code(2, "a", &["b"]), code(1, "b", &["b"]), code(1, "a", &["c"]), code(1, "a", &["", "b"]), code(1, "ab", &[])]
        {
            assert_ne!(code(1, "a", &["b"]), other);
        }
        assert_eq!(code(1, "a", &[]).len(), 26);
        assert_eq!(secrets(1).derived_digits("a", &[]).len(), 6);
        assert_ne!(key_of_parts(&["a", "b"]), key_of_parts(&["ab"]));
    }

    #[test]
    fn a_code_is_read_as_it_was_shown() {
        let code = secrets(3).derived_code("a", &[]);
        assert_eq!(typed_code(&shown_code(&code)), code);
        assert_eq!(typed_code(" oil-z "), "011Z");
    }
}
