//! What a leaf stands for: one published version, without a word of whom it is about (TLOG-1).

use crate::limits::FIELD_BYTES;
use crate::merkle::{Hash, leaf_hash};
use crate::salts::VersionSalt;
use crate::secret::keyed;
use crate::tile::decimal;
use annuaire_base::Tx;
use hmac::Mac;
use std::fmt;

/// What a version did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryOp {
    /// The first version.
    Create,
    /// A later version.
    Update,
    /// The resource left, whatever the reason.
    Delete,
}

impl EntryOp {
    /// The word of entries, of salts and of `$changes`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete].into_iter().find(|op| op.word() == word)
    }
}

/// The entry of a version. Its encoding is the five fields in this order, each preceded by its length in one byte; numbers have eight
/// bytes, the first the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEntry<'a> {
    /// Its transaction.
    pub tx: Tx,
    /// Instant of the transaction, in milliseconds since 1970.
    pub commit_ms: i64,
    /// Type of the resource.
    pub resource_type: &'a str,
    /// What the version did.
    pub op: EntryOp,
    /// From [`commitment`].
    pub commitment: Hash,
}

impl LogEntry<'_> {
    /// The encoding. A name of a type beyond 255 bytes, which no type has, is cut.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(96);
        let resource_type = &self.resource_type.as_bytes()[..self.resource_type.len().min(FIELD_BYTES)];
        let (tx, instant) = (self.tx.get().to_be_bytes(), self.commit_ms.to_be_bytes());
        for field in [&tx, &instant, resource_type, self.op.word().as_bytes(), &self.commitment] {
            bytes.push(u8::try_from(field.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(field);
        }
        bytes
    }

    /// The hash of its leaf.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        leaf_hash(&self.to_bytes())
    }
}

/// What an entry says of the content: HMAC-SHA-256 under the salt over id, version and the SHA-256 of the content (the bytes as published;
/// nothing for a deletion). Without the salt it lets nobody test a guess; with it, it is that of one content only.
#[must_use]
pub fn commitment(salt: &VersionSalt, id: &str, version: u64, content: &Hash) -> Hash {
    let mut mac = keyed(salt.bytes());
    for field in [id.as_bytes(), &version.to_be_bytes(), content] {
        mac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(field);
    }
    mac.finalize().into_bytes().into()
}

/// What a client needs beside a line of a file to make its leaf: the line of the sidecar with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaltLine {
    /// Transaction of the version.
    pub tx: Tx,
    /// Instant of the transaction, in milliseconds since 1970. `meta.lastUpdated` is another one in a resource of another directory.
    pub commit_ms: i64,
    /// What the version did.
    pub op: EntryOp,
    /// Its salt; `None` when it was destroyed.
    pub salt: Option<VersionSalt>,
}

/// Why a line of a sidecar cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no line of a sidecar: TRANSACTION MILLISECONDS OPERATION SALT is expected, the salt in 64 hexadecimal digits or - when it was destroyed"
)]
pub struct NotASaltLine;

impl SaltLine {
    /// Reads a line without its end.
    ///
    /// # Errors
    ///
    /// Any other text than [`fmt::Display`] writes.
    pub fn parse(line: &str) -> Result<Self, NotASaltLine> {
        let mut words = line.split(' ');
        let mut next = || words.next().ok_or(NotASaltLine);
        let (tx, instant, op, salt) = (next()?, next()?, next()?, next()?);
        if words.next().is_some() {
            return Err(NotASaltLine);
        }
        let salt = match salt {
            "-" => None,
            salt => Some(VersionSalt::parse(salt).ok_or(NotASaltLine)?),
        };
        let tx = Tx::new(decimal(tx).ok_or(NotASaltLine)?);
        let commit_ms = decimal(instant).and_then(|ms| i64::try_from(ms).ok()).ok_or(NotASaltLine)?;
        Ok(Self { tx, commit_ms, op: EntryOp::of_word(op).ok_or(NotASaltLine)?, salt })
    }
}

impl fmt::Display for SaltLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.tx, self.commit_ms, self.op.word())?;
        match &self.salt {
            Some(salt) => f.write_str(&salt.to_hex()),
            None => f.write_str("-"),
        }
    }
}
