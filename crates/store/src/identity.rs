//! Rows of identity: whatever the provider, the cards and the means on a phone keep (clients, sessions, codes, means, keys).
//!
//! This room knows a row by kind and key, and reads neither its content nor the meaning of its kind. A row is written with a
//! [`Unit`](crate::Unit), beside its audit event and its jobs, on the condition that it still has the version that the writer read: of two
//! nodes that consume one code, one loses. A row that is due stays until it is removed or swept: whoever reads it compares the instant.

use crate::{Error, Result, limits};
use async_trait::async_trait;

/// A row of identity. What `content` means is known to the room that owns the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRow {
    /// What it is: a code of the room that owns it. At most [`limits::IDENTITY_KIND_BYTES`].
    pub kind: String,
    /// Its name within the kind, at most [`limits::IDENTITY_KEY_BYTES`]. Of a handle that was given to others it is the SHA-256, never the
    /// handle.
    pub key: String,
    /// Whom it concerns, by which rows of a kind are found; empty for nobody. At most [`limits::IDENTITY_SUBJECT_BYTES`].
    pub subject: String,
    /// When it ends or is to be looked at, milliseconds since 1970 UTC; `None`: it is never due.
    pub due_ms: Option<i64>,
    /// Number of its version, from 1: raised by each replacement.
    pub version: u64,
    /// A text that this room does not read, at most [`limits::IDENTITY_CONTENT_BYTES`]. Secrets in it are sealed by who writes it.
    pub content: String,
}

/// A write of a row that a unit makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityWrite {
    /// A new row; there must be none of this kind and key. The version of the row is not looked at: it becomes 1.
    Create(IdentityRow),
    /// The row in place of the former one. Its version is the one that was read; the row gets the next one.
    Replace(IdentityRow),
    /// Removes a row.
    Remove {
        /// Its kind.
        kind: String,
        /// Its key.
        key: String,
        /// The version that was read.
        version: u64,
    },
}

impl IdentityWrite {
    /// Kind and key of the row.
    #[must_use]
    pub fn place(&self) -> (&str, &str) {
        match self {
            Self::Create(row) | Self::Replace(row) => (&row.kind, &row.key),
            Self::Remove { kind, key, .. } => (kind, key),
        }
    }

    /// The error of a write that found another version.
    #[must_use]
    pub fn lost(&self) -> Error {
        let (kind, key) = self.place();
        Error::IdentityChanged { kind: kind.to_owned(), key: key.to_owned() }
    }

    /// Checks the lengths of a write; for backends.
    ///
    /// # Errors
    /// [`Error::Rejected`], which names the part and its limit.
    pub fn check(&self) -> Result<()> {
        let (kind, key) = self.place();
        let of = |what: &str, text: &str, least: usize, most: usize| match text.len() {
            n if n < least => Err(Error::Rejected(format!("a row of identity without {what}"))),
            n if n > most => Err(Error::Rejected(format!(
                "the {what} of a row of identity of kind {:?} has {n} bytes, and {most} at most are kept: make it shorter",
                start(kind)
            ))),
            _ if text.contains('\0') => {
                Err(Error::Rejected(format!("the {what} of a row of identity of kind {:?} holds a NUL character", start(kind))))
            }
            _ => Ok(()),
        };
        of("kind", kind, 1, limits::IDENTITY_KIND_BYTES)?;
        of("key", key, 1, limits::IDENTITY_KEY_BYTES)?;
        match self {
            Self::Create(row) | Self::Replace(row) => {
                of("subject", &row.subject, 0, limits::IDENTITY_SUBJECT_BYTES)?;
                of("content", &row.content, 0, limits::IDENTITY_CONTENT_BYTES)
            }
            Self::Remove { .. } => Ok(()),
        }
    }
}

/// The beginning of a text of any length, for messages.
fn start(text: &str) -> &str {
    text.char_indices().nth(limits::IDENTITY_KIND_BYTES).map_or(text, |(end, _)| &text[..end])
}

/// Whether there may be a row of this kind and key: what a stranger made up is answered without a question to the database, which would
/// refuse some of it. For backends.
#[must_use]
pub fn may_be_a_row(kind: &str, key: &str) -> bool {
    fits(kind, limits::IDENTITY_KIND_BYTES) && fits(key, limits::IDENTITY_KEY_BYTES)
}

/// As [`may_be_a_row`], for rows of a kind that follow the key `after` and concern a subject. For backends.
#[must_use]
pub fn may_be_rows(kind: &str, subject: Option<&str>, after: &str) -> bool {
    may_be_a_row(kind, after) && subject.is_none_or(|subject| fits(subject, limits::IDENTITY_SUBJECT_BYTES))
}

/// The rows of an answer in the order in which they were asked for. For backends.
#[must_use]
pub fn in_order(places: &[(&str, &str)], rows: &[IdentityRow]) -> Vec<Option<IdentityRow>> {
    places.iter().map(|(kind, key)| rows.iter().find(|row| row.kind == *kind && row.key == *key).cloned()).collect()
}

fn fits(text: &str, most: usize) -> bool {
    text.len() <= most && !text.contains('\0')
}

/// Rows of identity, for those who read and sweep. Every call may fail with the errors of the database. What cannot be a row (longer than
/// its limit) is none.
#[async_trait]
pub trait IdentityStore: Send + Sync {
    /// A row.
    async fn identity_row(&self, kind: &str, key: &str) -> Result<Option<IdentityRow>>;

    /// The row of each of these kinds and keys, in their order, as they stand together. Cost: one question to the database, whose
    /// text grows with them: for a handful.
    async fn identity_rows_at(&self, places: &[(&str, &str)]) -> Result<Vec<Option<IdentityRow>>>;

    /// Rows of a kind by key (byte order): the first `limit` whose key follows `after`, of one subject when it is given. Cost: proportional
    /// to the page.
    async fn identity_rows(&self, kind: &str, subject: Option<&str>, after: &str, limit: u32) -> Result<Vec<IdentityRow>>;

    /// Rows of a kind whose due instant is `until_ms` or before, earliest first, then by key. Cost: proportional to the page.
    async fn identity_rows_due(&self, kind: &str, until_ms: i64, limit: u32) -> Result<Vec<IdentityRow>>;

    /// Removes up to `limit` rows of these kinds that were due before `until_ms`, the earliest of each kind first; returns how many. For
    /// housekeeping: it leaves no audit event, and a writer that had read such a row loses. Call it again while it removes `limit`. SQLite:
    /// writers wait meanwhile.
    async fn sweep_identity(&self, kinds: &[&str], until_ms: i64, limit: u32) -> Result<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, key: &str, subject: &str, content: &str) -> IdentityRow {
        let [kind, key, subject, content] = [kind, key, subject, content].map(str::to_owned);
        IdentityRow { kind, key, subject, due_ms: None, version: 0, content }
    }

    fn refusal(write: &IdentityWrite) -> String {
        write.check().map_or_else(|e| e.to_string(), |()| String::new())
    }

    #[test]
    fn what_is_too_long_is_refused_with_its_limit() {
        let long = |most: usize| "x".repeat(most + 1);
        let most = |most: usize| "x".repeat(most);
        let at_most = row(
            &most(limits::IDENTITY_KIND_BYTES),
            &most(limits::IDENTITY_KEY_BYTES),
            &most(limits::IDENTITY_SUBJECT_BYTES),
            &most(limits::IDENTITY_CONTENT_BYTES),
        );
        assert_eq!(refusal(&IdentityWrite::Create(at_most)), "");
        for (row, what, most) in [
            (row(&long(limits::IDENTITY_KIND_BYTES), "k", "", ""), "kind", limits::IDENTITY_KIND_BYTES),
            (row("k", &long(limits::IDENTITY_KEY_BYTES), "", ""), "key", limits::IDENTITY_KEY_BYTES),
            (row("k", "k", &long(limits::IDENTITY_SUBJECT_BYTES), ""), "subject", limits::IDENTITY_SUBJECT_BYTES),
            (row("k", "k", "", &long(limits::IDENTITY_CONTENT_BYTES)), "content", limits::IDENTITY_CONTENT_BYTES),
        ] {
            for write in [IdentityWrite::Create(row.clone()), IdentityWrite::Replace(row)] {
                let said = refusal(&write);
                let told = said.contains(&format!("the {what} of")) && said.contains(&format!("{} bytes", most + 1));
                assert!(told && said.contains(&format!("{most} at most")) && said.len() < 300, "{said}");
            }
        }
        let remove = |kind: &str, key: &str| IdentityWrite::Remove { kind: kind.into(), key: key.into(), version: 1 };
        assert_eq!(refusal(&remove("", "k")), "a row of identity without kind");
        assert_eq!(refusal(&remove("k", "")), "a row of identity without key");
        assert!(refusal(&remove("k", "a\0b")).contains("the key of a row of identity of kind \"k\" holds a NUL"));
    }

    #[test]
    fn what_no_row_can_have_is_not_asked_for() {
        assert!(may_be_a_row("k", "é") && may_be_rows("k", Some(""), ""));
        assert!(!may_be_a_row("k", "\0") && !may_be_a_row("k\0", "a"));
        assert!(!may_be_a_row("k", &"x".repeat(limits::IDENTITY_KEY_BYTES + 1)));
        assert!(!may_be_rows("k", Some("\0"), "") && !may_be_rows("k", None, "\0"));
    }
}
