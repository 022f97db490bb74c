//! Cases: rows of kind [`CASE`] that lists find (requests of registration). Content and version of a case are those of its row of identity; beside it
//! stands a **listing**: the columns that lists filter, count and sort by.
//!
//! This room does not know what a state, a kind or an origin means: the room that owns cases does.

use crate::{Error, IdentityRow, Result, limits};
use async_trait::async_trait;
use std::collections::BTreeMap;

/// Kind of the rows of cases; their key is the number of the case.
pub const CASE: &str = "case";

/// What lists know of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseListing {
    /// Its number, the key of its row.
    pub number: String,
    /// Code of its state.
    pub state: String,
    /// Code of its kind.
    pub kind: String,
    /// Code of where it comes from.
    pub origin: String,
    /// Technical identifier of its structure; empty while there is none.
    pub structure: String,
    /// Who began it.
    pub author: String,
    /// Whom it concerns; empty while nobody is known.
    pub subject: String,
    /// Family name, folded; found by its beginning.
    pub family: String,
    /// Given name, folded; found by its beginning.
    pub given: String,
    /// When it was begun, milliseconds since 1970 UTC.
    pub begun_ms: i64,
    /// When its state changed last.
    pub changed_ms: i64,
}

impl CaseListing {
    /// The texts, for checks and columns: number, state, kind, origin, structure, author, subject, family, given.
    #[must_use]
    pub fn texts(&self) -> [&str; 9] {
        [
            &self.number,
            &self.state,
            &self.kind,
            &self.origin,
            &self.structure,
            &self.author,
            &self.subject,
            &self.family,
            &self.given,
        ]
    }

    /// Checks lengths; for backends.
    ///
    /// # Errors
    /// [`Error::Rejected`] for a text beyond [`limits::CASE_TEXT_BYTES`], one with a NUL character, or a case without number.
    pub fn check(&self) -> Result<()> {
        if self.number.is_empty() {
            return Err(Error::Rejected("a case without number".to_owned()));
        }
        match self.texts().iter().any(|text| text.len() > limits::CASE_TEXT_BYTES || text.contains('\0')) {
            true => Err(Error::Rejected(format!(
                "a column of a case is longer than {} bytes or holds a NUL character",
                limits::CASE_TEXT_BYTES
            ))),
            false => Ok(()),
        }
    }
}

/// Which cases a list shows: those that fulfil every member. An empty list of values of a member is fulfilled by none; `None` by all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Of these structures.
    pub structures: Option<Vec<String>>,
    /// In these states.
    pub states: Option<Vec<String>>,
    /// Of these kinds.
    pub kinds: Option<Vec<String>>,
    /// From there.
    pub origins: Option<Vec<String>>,
    /// Begun by this person.
    pub author: Option<String>,
    /// About this person.
    pub subject: Option<String>,
    /// With this number.
    pub number: Option<String>,
    /// Whose folded family name begins so; empty: any.
    pub family: String,
    /// Whose folded given name begins so; empty: any.
    pub given: String,
    /// Begun at this instant or later.
    pub begun_from_ms: Option<i64>,
    /// Begun before this instant.
    pub begun_until_ms: Option<i64>,
    /// Changed at this instant or later.
    pub from_ms: Option<i64>,
    /// Changed before this instant.
    pub until_ms: Option<i64>,
}

/// One condition that a filter puts on a column; for backends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseCondition<'f> {
    /// It is one of these values.
    Among(&'f [String]),
    /// The text compares so, byte by byte: `=`, `>=` or `<`.
    Text(&'static str, String),
    /// The instant compares so: `>=` or `<`.
    Instant(&'static str, i64),
}

impl CaseFilter {
    /// What all of it asks, column by column; a case of the list fulfils each.
    #[must_use]
    pub fn conditions(&self) -> Vec<(&'static str, CaseCondition<'_>)> {
        use CaseCondition::{Among, Instant, Text};
        let lists = [("structure", &self.structures), ("state", &self.states), ("kind", &self.kinds), ("origin", &self.origins)];
        let lists = lists.into_iter().filter_map(|(column, values)| Some((column, Among(values.as_deref()?))));
        let texts = [("author", &self.author), ("subject", &self.subject), ("number", &self.number)];
        let texts = texts.into_iter().filter_map(|(column, value)| Some((column, Text("=", value.clone()?))));
        let names = [("family", &self.family), ("given", &self.given)].into_iter().filter(|(_, prefix)| !prefix.is_empty());
        let names = names.flat_map(|(column, prefix)| {
            let end = after_prefix(prefix).map(|after| (column, Text("<", after)));
            std::iter::once((column, Text(">=", prefix.clone()))).chain(end)
        });
        let instants = [
            ("begun_ms", ">=", self.begun_from_ms),
            ("begun_ms", "<", self.begun_until_ms),
            ("changed_ms", ">=", self.from_ms),
            ("changed_ms", "<", self.until_ms),
        ];
        let instants = instants.into_iter().filter_map(|(column, test, at)| Some((column, Instant(test, at?))));
        lists.chain(texts).chain(names).chain(instants).collect()
    }
}

/// In which order a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CaseOrder {
    /// What changed last comes first; of one instant, the greater number.
    #[default]
    NewestFirst,
    /// The other way round.
    OldestFirst,
}

/// A case of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCase {
    /// Its columns.
    pub listing: CaseListing,
    /// Its row.
    pub row: IdentityRow,
}

/// Lists of cases. Every call may fail with the errors of the database. Cost: an index leads to the cases of the structures, of the author, of the subject or of the
/// states; what remains of them is filtered and sorted.
#[async_trait]
pub trait CaseStore: Send + Sync {
    /// The cases of a list: `limit` of them, after the first `offset`.
    async fn cases(&self, filter: &CaseFilter, order: CaseOrder, offset: u32, limit: u32) -> Result<Vec<ListedCase>>;

    /// How many cases of a list there are, by state; states without one are left out.
    async fn case_counts(&self, filter: &CaseFilter) -> Result<BTreeMap<String, u64>>;
}

/// The least text that follows all those that begin with `prefix`; `None` when there is none: a prefix is a range of bytes.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The next scalar value; surrogates are none.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_range() {
        assert_eq!(after_prefix("DU").as_deref(), Some("DV"));
        assert_eq!(after_prefix("D\u{10ffff}").as_deref(), Some("E"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!((after_prefix(""), after_prefix("\u{10ffff}")), (None, None));
    }

    #[test]
    fn a_case_has_a_number_and_short_columns() {
        let whole = CaseListing { number: "P20261126000042".into(), ..CaseListing::default() };
        assert!(whole.check().is_ok());
        for wrong in [
            CaseListing::default(),
            CaseListing { family: "x".repeat(limits::CASE_TEXT_BYTES + 1), ..whole.clone() },
            CaseListing { given: "\0".into(), ..whole },
        ] {
            assert!(matches!(wrong.check(), Err(Error::Rejected(_))), "{wrong:?}");
        }
    }
}
