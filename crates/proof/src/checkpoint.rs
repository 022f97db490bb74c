//! Checkpoints (C2SP tlog-checkpoint): what a log says of itself at a size.

use crate::limits::NAME_BYTES;
use crate::merkle::Hash;
use crate::tile::decimal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The state of a log. Its text is that of the note: origin, size and root, each in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// Why a text is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no checkpoint: its lines are the origin, the number of leaves and the root in base64")]
pub struct NotACheckpoint;

impl Checkpoint {
    /// The state of the log that is named `origin`.
    ///
    /// # Errors
    ///
    /// An empty, a long or a broken line as origin.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, NotACheckpoint> {
        let is_line = (1..=NAME_BYTES).contains(&origin.len()) && !origin.chars().any(char::is_control);
        is_line.then(|| Self { origin: origin.to_owned(), size, root }).ok_or(NotACheckpoint)
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Reads the text of a note. Extension lines are accepted and mean nothing here.
    ///
    /// # Errors
    ///
    /// Fewer lines, an empty one, a number with zeros before it, a root that is no 32 bytes.
    pub fn parse(text: &str) -> Result<Self, NotACheckpoint> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(NotACheckpoint)?.split('\n').collect();
        let [origin, size, root, extensions @ ..] = lines.as_slice() else { return Err(NotACheckpoint) };
        if extensions.iter().any(|line| line.is_empty()) {
            return Err(NotACheckpoint);
        }
        Self::new(origin, decimal(size).ok_or(NotACheckpoint)?, root_of_base64(root).ok_or(NotACheckpoint)?)
    }
}

/// A root as checkpoints write it.
#[must_use]
pub fn root_to_base64(root: &Hash) -> String {
    STANDARD.encode(root)
}

/// Reads a root as checkpoints write it; `None` for any other text.
#[must_use]
pub fn root_of_base64(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, root_to_base64(&self.root))
    }
}
