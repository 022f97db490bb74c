//! Keys of signed notes (C2SP signed-note, RFC 8032), and their text forms.

use crate::limits::NAME_BYTES;
use crate::secret::Secret;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// What a key signs, as the byte of C2SP signed-note says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// The text of a note (`0x01`).
    Ed25519,
    /// A cosignature of a witness: an instant and the text (`0x04`, C2SP tlog-cosignature).
    Cosignature,
}

impl KeyKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// Why a text is no key. It never repeats the text, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the shape of a key.
    #[error("no key: a public one is NAME+HASH+BASE64, as `annuaire key` prints it, a secret one PRIVATE+KEY+NAME+HASH+BASE64")]
    Shape,
    /// The name of a key.
    #[error("the name of a key is 1 to 255 bytes without spaces, control characters and plus signs")]
    Name,
    /// The hash belongs to another name or other bytes.
    #[error("the hash of the key is not that of its name and its bytes: it was copied wrongly")]
    Hash,
    /// Another algorithm, or another length.
    #[error("a key of a kind that is not known here: Ed25519 (1) and cosignatures (4) of 32 bytes are")]
    Kind,
}

/// A public key with its name: what a client pins. Its text is `name+hash+base64`, the hash in 8 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    public: [u8; 32],
}

/// First bytes of SHA-256 over name, newline, kind and public key.
fn key_id(name: &str, kind: KeyKind, public: &[u8; 32]) -> u32 {
    let hash: [u8; 32] =
        Sha256::new().chain_update(name).chain_update([b'\n', kind.byte()]).chain_update(public).finalize().into();
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// Whether a text may be the name of a key.
fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES).contains(&name.len()) && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

impl VerifierKey {
    /// A key with a name that signatures repeat: for a log, its origin.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`].
    pub fn new(name: &str, kind: KeyKind, public: [u8; 32]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name);
        }
        Ok(Self { name: name.to_owned(), kind, public })
    }

    /// Reads `name+hash+base64`.
    ///
    /// # Errors
    ///
    /// Any other shape, a hash that does not fit, a kind that is not known.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, rest) = text.split_once('+').ok_or(KeyError::Shape)?;
        let (id, encoded) = rest.split_once('+').ok_or(KeyError::Shape)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::Shape)?;
        let key = Self::of_bytes(name, &bytes)?;
        if id.len() != 8 || !id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(KeyError::Shape);
        }
        if id != format!("{:08x}", key.id()) {
            return Err(KeyError::Hash);
        }
        Ok(key)
    }

    fn of_bytes(name: &str, bytes: &[u8]) -> Result<Self, KeyError> {
        let (kind, public) = bytes.split_first().ok_or(KeyError::Kind)?;
        let kind = match kind {
            1 => KeyKind::Ed25519,
            4 => KeyKind::Cosignature,
            _ => return Err(KeyError::Kind),
        };
        Self::new(name, kind, public.try_into().map_err(|_| KeyError::Kind)?)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The number by which a signature names it beside its name.
    #[must_use]
    pub fn id(&self) -> u32 {
        key_id(&self.name, self.kind, &self.public)
    }

    /// Whether it signed a message (RFC 8032).
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.kind.byte()];
        bytes.extend(self.public);
        write!(f, "{}+{:08x}+{}", self.name, self.id(), STANDARD.encode(bytes))
    }
}

/// A secret key of a log. Its text is that of the tools of C2SP, `PRIVATE+KEY+name+hash+base64`.
#[derive(Debug)]
pub struct SignerKey {
    verifier: VerifierKey,
    seed: Secret,
}

const PRIVATE: &str = "PRIVATE+KEY+";

impl SignerKey {
    /// The key of 32 random bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`].
    pub fn of_seed(name: &str, seed: Secret) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.bytes()).map_err(|_| KeyError::Kind)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Kind)?;
        Ok(Self { verifier: VerifierKey::new(name, KeyKind::Ed25519, public)?, seed })
    }

    /// Reads the text of a secret key.
    ///
    /// # Errors
    ///
    /// Any other shape, and a hash that does not fit. The error says nothing of the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let rest = text.strip_prefix(PRIVATE).ok_or(KeyError::Shape)?;
        let (name, rest) = rest.split_once('+').ok_or(KeyError::Shape)?;
        let (id, encoded) = rest.split_once('+').ok_or(KeyError::Shape)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| KeyError::Shape)?);
        let seed = bytes.strip_prefix(&[KeyKind::Ed25519.byte()]).ok_or(KeyError::Kind)?;
        let mut seed: [u8; 32] = seed.try_into().map_err(|_| KeyError::Kind)?;
        let key = Self::of_seed(name, Secret::take(&mut seed))?;
        if id != format!("{:08x}", key.verifier.id()) {
            return Err(KeyError::Hash);
        }
        Ok(key)
    }

    /// Its text, to be kept where only the owner reads.
    #[must_use]
    pub fn to_private_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(vec![KeyKind::Ed25519.byte()]);
        bytes.extend_from_slice(self.seed.bytes());
        // Long enough that it never moves.
        let mut text = Zeroizing::new(String::with_capacity(PRIVATE.len() + self.verifier.name.len() + 64));
        text.push_str(PRIVATE);
        text.push_str(&self.verifier.name);
        text.push_str(&format!("+{:08x}+", self.verifier.id()));
        STANDARD.encode_string(bytes.as_slice(), &mut text);
        text
    }

    /// The public key.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a text (RFC 8032: one text has one signature).
    pub(crate) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let pair = Ed25519KeyPair::from_seed_unchecked(self.seed.bytes()).ok()?;
        Some(pair.sign(text).as_ref().to_vec())
    }
}
