//! What is signed of a page of published files (TLOG-3): its content, its place in the chain, and the state of the log after it.

use crate::checkpoint::{root_of_base64, root_to_base64};
use crate::limits::NAME_BYTES;
use crate::merkle::Hash;
use crate::tile::decimal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;

/// The text of the note `pages/NAME.json.sig`.
///
/// The digest is that of [`page_digest`]: without the links, which change when the next page comes, and with addresses below the root of the
/// files, so that the tree verifies wherever it is copied (PUB-17). That pages follow one another is said by `before` instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageStatement {
    /// Name of the log.
    pub origin: String,
    /// Name of the page, without its directory.
    pub name: String,
    /// Digest of the page.
    pub digest: Hash,
    /// Leaves of the log before its first version.
    pub before: u64,
    /// Leaves of the log after its last transaction.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

const FORM: &str = "annuaire-page/1";

/// Why a text is no such statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no statement about a page: its lines are {FORM}, log, page, digest, leaves before, leaves, root")]
pub struct NotAPageStatement;

fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control)
}

impl PageStatement {
    /// Reads the text of a note.
    ///
    /// # Errors
    ///
    /// Any other text than [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Result<Self, NotAPageStatement> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(NotAPageStatement)?.split('\n').collect();
        let [FORM, origin, name, digest, before, size, root] = lines.as_slice() else { return Err(NotAPageStatement) };
        if !is_name(origin) || !is_name(name) {
            return Err(NotAPageStatement);
        }
        Ok(Self {
            origin: (*origin).to_owned(),
            name: (*name).to_owned(),
            digest: root_of_base64(digest).ok_or(NotAPageStatement)?,
            before: decimal(before).ok_or(NotAPageStatement)?,
            size: decimal(size).ok_or(NotAPageStatement)?,
            root: root_of_base64(root).ok_or(NotAPageStatement)?,
        })
    }
}

impl fmt::Display for PageStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digest, root) = (STANDARD.encode(self.digest), root_to_base64(&self.root));
        write!(f, "{FORM}\n{}\n{}\n{digest}\n{}\n{}\n{root}\n", self.origin, self.name, self.before, self.size)
    }
}

/// The digest of a page, whoever serves it: SHA-256 of its JSON without white space, without the members that say how
/// it is served (`link`, `request`, `requiresAccessToken`), members in the order of their names, and of each text that begins with `base` only what follows. `base` is the address of the root of the files
/// with its last `/`; empty for a root page with relative addresses, `../` for a page below `pages/` with such.
#[must_use]
pub fn page_digest(page: &Value, base: &str) -> Hash {
    let mut text = String::new();
    write_value(&mut text, page, base, true);
    Sha256::digest(text).into()
}

fn write_value(out: &mut String, value: &Value, base: &str, is_page: bool) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .filter(|(name, _)| !is_page || !matches!(name.as_str(), "link" | "request" | "requiresAccessToken"))
                .collect();
            members.sort_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (n, (name, value)) in members.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_value(out, value, base, false);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_value(out, item, base, false);
            }
            out.push(']');
        }
        Value::String(text) => out.push_str(&Value::from(text.strip_prefix(base).unwrap_or(text)).to_string()),
        other => out.push_str(&other.to_string()),
    }
}
