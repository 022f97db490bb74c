//! What one call gives of one source.

use crate::quarantine::UnreadableLines;
use std::collections::{BTreeMap, HashSet};

/// What one call gives of one source, its pieces excepted.
#[derive(Clone)]
pub(crate) struct SourceLoad {
    pub(crate) source: &'static str,
    pub(crate) stamp: String,
    pub(crate) digest: String,
    /// Name of the file.
    pub(crate) file: String,
    /// The source is replaced by what was read: its objects that were not named end.
    pub(crate) replaces: bool,
    /// The note of the source when the import began, or when the load was last compared: another import may change it before this
    /// one writes.
    pub(crate) note: Option<String>,
    /// Lines that could not be read; absent when there are none.
    pub(crate) unreadable: Option<UnreadableLines>,
    /// Lines for each profession and department.
    pub(crate) line_counts: BTreeMap<String, u64>,
    /// The last entities that the file names.
    pub(crate) last_entities: Vec<String>,
    /// Entities whose groups are dropped: positions of establishments that no file and no object describes.
    pub(crate) dropped: HashSet<String>,
}
