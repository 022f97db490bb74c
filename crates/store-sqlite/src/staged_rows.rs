//! Rows of a stage on their way into the file.

use crate::batch::Batch;
use annuaire_base::fact::FactKey;
use annuaire_store::ChangeCounts;
use annuaire_store::backend::NewChunk;
use std::collections::{BTreeMap, HashMap};

/// A fact of a buffer, and whether it stood at the base.
pub(crate) struct PutPlace {
    pub(crate) key: FactKey,
    pub(crate) stood: bool,
}

/// A buffer, decided, hashed and compressed.
pub(crate) struct PreparedRows {
    pub(crate) chunks: Vec<NewChunk>,
    pub(crate) counts: ChangeCounts,
    /// For each row of the chunks: whether its fact stood at the base.
    pub(crate) stood: Vec<bool>,
    /// Facts whose put left no row.
    pub(crate) idle: Vec<PutPlace>,
    /// First and last fact of each owner.
    pub(crate) spans: Vec<(FactKey, FactKey)>,
    /// Facts with equal content from another input, by chunk: the new fingerprint spares the comparison next time.
    pub(crate) marks: BTreeMap<i64, Vec<(FactKey, u64)>>,
}

/// The end of a stage, of which more is to be written.
pub(crate) struct StageTail {
    pub(crate) batch: Batch,
    pub(crate) counts: ChangeCounts,
    /// The greatest fact of each owner that was put.
    pub(crate) last: HashMap<String, FactKey>,
    /// Rows were taken back, so the tree must be made again.
    pub(crate) reordered: bool,
    /// When the lease was last renewed.
    pub(crate) renewed_ms: i64,
    /// Buffers that the adopting unit writes: it has the turn for which the stage would wait.
    pub(crate) unwritten: Vec<PreparedRows>,
    /// Chunks of the past that got other fingerprints, to be forgotten by the cache once that is committed.
    pub(crate) marked: Vec<i64>,
}
