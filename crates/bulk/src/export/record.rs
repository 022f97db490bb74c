//! What a job is on disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::state::{PageItem, PublishedFile};

/// Layout of `job.json`; a job of another one is forgotten.
pub(crate) const FORMAT: u32 = 1;

/// What is exported of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedType {
    /// Its name.
    pub name: String,
    /// Searches, of which a resource must satisfy one; none for all resources.
    pub filters: Vec<String>,
    /// Members that are told besides the compulsory ones; none for whole resources.
    pub elements: Vec<String>,
}

/// An export as it was asked for, when its instants became transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRequest {
    /// Door at which it was started, as the API names its perimeter.
    pub scope: String,
    /// Pseudonym of the caller.
    pub owner: String,
    /// Address that was asked, which the manifest repeats.
    pub address: String,
    /// Beginning of the references to our own resources, in filters.
    pub base: String,
    /// Identity of the log of the transactions.
    pub log: String,
    /// Transaction whose state is told.
    pub tx: u64,
    /// Transaction of the newest state when it was started: what is withdrawn later ends it.
    pub started_tx: u64,
    /// Instant of the last change up to it, in milliseconds since 1970 UTC (BULK-15).
    pub commit_ms: i64,
    /// Only what changed after this transaction, with what was deleted since (BULK-17).
    pub after: Option<u64>,
    /// Types, in their order.
    pub types: Vec<ExportedType>,
    /// Bytes of lines after which a file is closed.
    pub file_bytes: usize,
    /// Bytes of lines that no file exceeds, unless one line does.
    pub at_most: usize,
    /// What the manifest says beside the files: an OperationOutcome each, in JSON, all of severity `warning`.
    pub outcomes: Vec<String>,
}

impl ExportRequest {
    /// Whether another request has the files of this one (BULK-7): who asks, and by which address, makes no difference.
    pub(crate) fn shares_files_with(&self, other: &Self) -> bool {
        let bare =
            |request: &Self| Self { owner: String::new(), address: String::new(), tx: 0, started_tx: 0, ..request.clone() };
        bare(self) == bare(other)
    }
}

/// The files of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFiles {
    pub(crate) output: Vec<PageItem>,
    pub(crate) deleted: Vec<PageItem>,
    pub(crate) outcome: Vec<PageItem>,
    /// Files by the SHA-256 of their lines.
    pub(crate) files: BTreeMap<String, PublishedFile>,
}

/// Why an export failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportFailure {
    /// Its filters need more work than an export may take.
    TooCostly,
    /// Its files are larger than there is room for.
    TooLarge,
    /// A fault of ours, which the operator was told.
    Internal,
}

/// How an export ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportEnd {
    /// Its files are there.
    Done(ExportFiles),
    /// It has no files.
    Failed(ExportFailure),
    /// Its files were removed, since something was withdrawn by law, its state is not kept any more, or the log is another one.
    Overtaken,
}

/// A job as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExportRecord {
    pub format: u32,
    pub request: ExportRequest,
    /// When it was started; it lasts for a day from then or from its end.
    pub started_ms: i64,
    /// How and when it ended.
    pub end: Option<(ExportEnd, i64)>,
}

impl ExportRecord {
    /// When nothing of it is told any more, `lifetime_ms` after its end.
    pub fn expires_ms(&self, lifetime_ms: i64) -> i64 {
        self.end.as_ref().map_or(self.started_ms, |(_, ended_ms)| *ended_ms).saturating_add(lifetime_ms)
    }

    /// Bytes of its files on disk.
    pub fn bytes(&self) -> u64 {
        match &self.end {
            Some((ExportEnd::Done(files), _)) => files.files.values().map(|file| file.size).sum(),
            _ => 0,
        }
    }
}
