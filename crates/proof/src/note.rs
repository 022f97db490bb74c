//! Signed notes (C2SP signed-note): a text, an empty line, and a line for each signature.

use crate::key::{KeyKind, SignerKey, VerifierKey};
use crate::limits::{NOTE_BYTES, NOTE_SIGNATURES};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// Why bytes are no signed note, or not one to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More bytes than a note may have.
    #[error("a note of more than {NOTE_BYTES} bytes")]
    Long,
    /// Not UTF-8, or a control character in it.
    #[error("no note: it is not UTF-8, or has control characters")]
    Text,
    /// No empty line, or nothing before or after it.
    #[error("no note: a text, an empty line and signatures are expected; it may have been cut")]
    Shape,
    /// A line after the text that is no signature.
    #[error("line {line} of the signatures is none: — NAME BASE64 is expected")]
    Signature {
        /// Its number, from 1.
        line: usize,
    },
    /// More signatures than are looked at.
    #[error("a note of more than {NOTE_SIGNATURES} signatures")]
    Signatures,
    /// No signature of a key that is trusted here.
    #[error("no key that is trusted here signed it; it is signed by {signers}")]
    Untrusted {
        /// Names and hashes of the keys that it names.
        signers: String,
    },
    /// A trusted key did not sign this text.
    #[error("the signature of {key} is not that of this text: the text or the signature was changed")]
    Forged {
        /// Name of the key.
        key: String,
    },
    /// The key cannot sign.
    #[error("the key {key} cannot sign")]
    Key {
        /// Name of the key.
        key: String,
    },
}

/// A note that was read; its text means nothing before [`SignedNote::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

/// A signature that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// Position of its key among those that were given.
    pub key: usize,
    /// Of a cosignature: its instant, in seconds since 1970.
    pub at: Option<u64>,
}

/// The text of a note: it ends its last line and has no other control characters.
fn is_text(text: &str) -> bool {
    text.ends_with('\n') && !text.bytes().any(|b| b < 0x20 && b != b'\n')
}

impl SignedNote {
    /// Signs a text with each of the keys: with two of them while one takes over from the other (TLOG-5).
    ///
    /// # Errors
    ///
    /// A text that does not end its last line or has control characters; no key.
    pub fn sign(text: &str, keys: &[&SignerKey]) -> Result<Self, NoteError> {
        if !is_text(text) {
            return Err(NoteError::Text);
        }
        let mut note = Self { text: text.to_owned(), signatures: Vec::new() };
        for key in keys {
            let name = key.verifier().name().to_owned();
            let bytes = key.sign(text.as_bytes()).ok_or_else(|| NoteError::Key { key: name.clone() })?;
            note.signatures.push(NoteSignature { name, id: key.verifier().id(), bytes });
        }
        // What is written is read by the rules of reading.
        Self::parse(note.to_string().as_bytes())
    }

    /// Reads a note.
    ///
    /// # Errors
    ///
    /// All but the shape that [`fmt::Display`] writes; limits of [`crate::limits`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES {
            return Err(NoteError::Long);
        }
        let note = str::from_utf8(bytes).ok().filter(|note| note.is_empty() || is_text(note)).ok_or(NoteError::Text)?;
        let (before, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Shape)?;
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let lines: Vec<&str> = lines.split('\n').take(NOTE_SIGNATURES + 1).collect();
        if lines.len() > NOTE_SIGNATURES {
            return Err(NoteError::Signatures);
        }
        let signatures = lines.iter().enumerate().map(|(n, line)| signature(line).ok_or(NoteError::Signature { line: n + 1 }));
        Ok(Self { text: format!("{before}\n"), signatures: signatures.collect::<Result<_, _>>()? })
    }

    /// The text, whoever signed it. Use [`Self::verify`] unless the text decides which keys are asked.
    #[must_use]
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The text, when at least one of the keys signed it; with the signatures that were verified.
    ///
    /// # Errors
    ///
    /// No signature of these keys, or a wrong one.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<(&str, Vec<VerifiedSignature>), NoteError> {
        let mut verified = Vec::new();
        for signature in &self.signatures {
            let known = |key: &&VerifierKey| key.name() == signature.name && key.id() == signature.id;
            let Some((position, key)) = keys.iter().enumerate().find(|(_, key)| known(key)) else { continue };
            let at = self.signed_at(key, &signature.bytes);
            verified.push(VerifiedSignature { key: position, at: at.ok_or_else(|| NoteError::Forged { key: key.to_string() })? });
        }
        if verified.is_empty() {
            let signers: Vec<_> = self.signatures.iter().map(|s| format!("{}+{:08x}", s.name, s.id)).collect();
            return Err(NoteError::Untrusted { signers: signers.join(", ") });
        }
        Ok((&self.text, verified))
    }

    /// The instant of a cosignature, nothing of a plain signature; `None` when it is wrong.
    fn signed_at(&self, key: &VerifierKey, bytes: &[u8]) -> Option<Option<u64>> {
        match key.kind() {
            KeyKind::Ed25519 => key.verifies(self.text.as_bytes(), bytes).then_some(None),
            KeyKind::Cosignature => {
                let (instant, signature) = bytes.split_first_chunk::<8>()?;
                let instant = u64::from_be_bytes(*instant);
                let message = format!("cosignature/v1\ntime {instant}\n{}", self.text);
                (i64::try_from(instant).is_ok() && key.verifies(message.as_bytes(), signature)).then_some(Some(instant))
            }
        }
    }

    /// Takes over the signatures of another note with one text, such as cosignatures that a witness gave. Others are left as they are.
    ///
    /// # Errors
    ///
    /// Another text, or too many signatures.
    pub fn add_signatures_of(&mut self, other: &Self) -> Result<(), NoteError> {
        if other.text != self.text {
            return Err(NoteError::Forged { key: other.signatures.first().map_or_else(String::new, |s| s.name.clone()) });
        }
        for signature in &other.signatures {
            if !self.signatures.contains(signature) {
                self.signatures.push(signature.clone());
            }
        }
        if self.signatures.len() > NOTE_SIGNATURES { Err(NoteError::Signatures) } else { Ok(()) }
    }
}

fn signature(line: &str) -> Option<NoteSignature> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (id, bytes) = bytes.split_first_chunk::<4>()?;
    let is_name = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+');
    (is_name && !bytes.is_empty()).then(|| NoteSignature {
        name: name.to_owned(),
        id: u32::from_be_bytes(*id),
        bytes: bytes.to_vec(),
    })
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            let bytes = [&signature.id.to_be_bytes(), signature.bytes.as_slice()].concat();
            writeln!(f, "— {} {}", signature.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}
