//! Where a copy goes.

mod database;
mod feed;
mod files;

pub use database::DatabaseSink;
pub use feed::{Deliver, FeedDelivery, FeedSink};
pub use files::{FileSink, FilesManifest, TypeFiles};

use crate::error::Result;
use crate::resource::MirroredResource;
use serde::{Deserialize, Serialize};

/// Which state of which mirror a sink holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorPosition {
    /// Random name of the mirror.
    pub mirror: String,
    /// Number of the last round that it committed.
    pub round: u64,
}

/// What a sink is told at the end of a round, to be kept with the data.
#[derive(Debug, Clone, Copy)]
pub struct RoundEnd<'a> {
    /// The state that the data are then.
    pub position: &'a MirrorPosition,
    /// Base address of the origin.
    pub origin: &'a str,
    /// Until when the origin had told everything, in milliseconds since 1970.
    pub told_ms: Option<i64>,
    /// First load and catching up are complete (REPL-2); before, nobody should take the copy for the directory.
    pub ready: bool,
}

/// A place that holds a copy. A round is [`Sink::begin`], any number of changes, then [`Sink::commit`] or [`Sink::abandon`].
///
/// Changes come sorted by type, then by id, each id once. Readers see the state before or after a round and nothing in
/// between (REPL-11); data and position are committed together (REPL-5). Every method fails when the place cannot be reached or
/// written; the copy then stands as it was.
pub trait Sink {
    /// The state that the place holds; `None` when it holds no copy.
    ///
    /// # Errors
    /// As all methods.
    fn position(&mut self) -> Result<Option<MirrorPosition>>;

    /// Begins a round. When it `replaces`, the copy is afterwards what the round names and nothing else.
    ///
    /// # Errors
    /// As all methods.
    fn begin(&mut self, position: &MirrorPosition, replaces: bool) -> Result<()>;

    /// Puts a resource, new or in the place of its last version.
    ///
    /// # Errors
    /// As all methods.
    fn upsert(&mut self, resource: &MirroredResource) -> Result<()>;

    /// Removes a resource, if it is there.
    ///
    /// # Errors
    /// As all methods.
    fn delete(&mut self, resource_type: &str, id: &str) -> Result<()>;

    /// Makes the round visible, durably.
    ///
    /// # Errors
    /// As all methods.
    fn commit(&mut self, end: &RoundEnd<'_>) -> Result<()>;

    /// Forgets the round.
    ///
    /// # Errors
    /// As all methods.
    fn abandon(&mut self) -> Result<()>;
}
