//! Rows of feeds of authorities (registration §16.3): a batch, its sealed lines, its sealed acknowledgement, and what is known of each source.

use crate::error::Error;
use crate::limits::FEED_KEPT_MS;
use crate::row::RegistrationRow;
use annuaire_store::{NewJob, Queue};
use annuaire_workflow::feed::{FeedEffect, FeedHold};
use serde::{Deserialize, Serialize};

/// Kind of the jobs of batches; their key is the batch and the page.
pub(crate) const FEED_JOB: &str = "registration-feed";

/// Where a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FeedPhase {
    /// It waits for a human.
    Held,
    /// Its lines are applied.
    Applying,
    /// Every line has its result.
    Applied,
    /// A human rejected it.
    Rejected,
}

/// A batch. It holds no trait.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedBatchRow {
    pub(crate) id: String,
    pub(crate) authority: String,
    /// Name of the file, sealed: it may name somebody.
    pub(crate) name: String,
    /// Who sent it, and who decided on it: a national identification, or the operator.
    pub(crate) sent_by: String,
    pub(crate) decided_by: String,
    /// Why somebody applied or rejected it.
    pub(crate) reason: String,
    pub(crate) received_ms: i64,
    pub(crate) full: bool,
    pub(crate) phase: FeedPhase,
    pub(crate) lines: u32,
    pub(crate) unreadable: u32,
    /// A line names no source, so that nothing ends by absence.
    pub(crate) unnamed: bool,
    pub(crate) population: u64,
    pub(crate) created: u64,
    pub(crate) changed: u64,
    pub(crate) ended: u64,
    pub(crate) removed: u64,
    pub(crate) unchanged: u64,
    pub(crate) pages: u32,
    pub(crate) pages_done: u32,
    pub(crate) accepted: u32,
    pub(crate) warned: u32,
    pub(crate) rejected: u32,
    /// Persons of whom something ended by absence.
    pub(crate) left_out: u32,
}

/// A page of lines, or of the acknowledgement, sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FeedPageRow {
    pub(crate) key: String,
    pub(crate) due_ms: i64,
    pub(crate) sealed: String,
}

/// A line as it was received.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FeedLine {
    /// Line of the file, counted from 1.
    pub(crate) number: u32,
    /// The text; `None` for one that is too long to be kept.
    pub(crate) text: Option<String>,
}

/// What an acknowledgement says of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedAnswer {
    pub(crate) line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u64>,
    pub(crate) result: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    /// The member that an unknown one resembles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) near: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rpps: Option<String>,
}

/// What is known of a source of an authority. References are kept as keyed hashes: some authorities make them of names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedSourceRow {
    pub(crate) authority: String,
    pub(crate) hash: String,
    /// National identification.
    pub(crate) person: String,
    pub(crate) version: u64,
    /// Keyed hash of what the version said.
    pub(crate) fingerprint: String,
    /// Whether the authority states something of the person still.
    pub(crate) stands: bool,
    /// Facets of practices and situations that stand.
    pub(crate) parts: Vec<String>,
    /// The batch of the version, and the code and field of its remark: a page that is done again answers as the first time.
    pub(crate) batch: String,
    pub(crate) remark: Option<(String, String)>,
}

impl FeedBatchRow {
    /// Of whom its rows are found.
    pub(crate) fn subject_of(authority: &str) -> String {
        format!("feed:{authority}")
    }

    /// When it is erased.
    pub(crate) const fn ends_ms(&self) -> i64 {
        self.received_ms.saturating_add(FEED_KEPT_MS)
    }

    /// The key of a page of lines.
    pub(crate) fn page_key(&self, page: u32) -> String {
        format!("{}|{page:06}", self.id)
    }

    /// The key of a page of the acknowledgement.
    pub(crate) fn answer_key(&self, page: u32) -> String {
        format!("{}|r{page:06}", self.id)
    }

    pub(crate) fn job(&self, now_ms: i64) -> NewJob {
        let key = format!("{}|{}", self.id, self.pages_done);
        NewJob { queue: Queue::Work, kind: FEED_JOB.to_owned(), key, due_ms: now_ms, payload: "{}".to_owned() }
    }

    pub(crate) const fn hold(&self) -> Option<FeedHold> {
        let effect =
            FeedEffect { population: self.population, changed: self.created + self.changed + self.ended, removed: self.removed };
        annuaire_workflow::feed::feed_hold(effect, self.full)
    }
}

impl RegistrationRow for FeedBatchRow {
    const KIND: &'static str = "feed-batch";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn subject(&self) -> String {
        Self::subject_of(&self.authority)
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.ends_ms())
    }
}

impl RegistrationRow for FeedPageRow {
    const KIND: &'static str = "feed-page";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

impl RegistrationRow for FeedSourceRow {
    const KIND: &'static str = "feed-source";

    fn key(&self) -> String {
        Self::key_of(&self.authority, &self.hash)
    }

    fn subject(&self) -> String {
        self.person.clone()
    }
}

impl FeedSourceRow {
    pub(crate) fn key_of(authority: &str, hash: &str) -> String {
        format!("{authority}|{hash}")
    }
}

/// The error of lines that cannot be written as text.
pub(crate) const fn unreadable(cause: serde_json::Error) -> Error {
    Error::Unreadable { kind: FeedPageRow::KIND, cause }
}
