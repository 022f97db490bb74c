//! A copy of any FHIR directory, kept fresh: as files, as a PostgreSQL database, or as a feed of the registry.
//!
//! A [`Mirror`] has one origin, one directory of state and one [`Sink`]. [`Mirror::once`] makes the copy, or brings it up to date; [`follow`]
//! does so again and again.
//!
//! # From a page to a copy
//!
//! | Word | What it is | Where |
//! |---|---|---|
//! | *channel* | how an origin tells: pages of searches and histories, or published files | `plain`, `published` |
//! | *record* | what the origin says of one resource: it is this, it was deleted, it exists | `record` |
//! | *round* | records that are sorted, compared with the index of keys and committed as one step | `round` |
//! | *sink* | where the copy is: files, tables, or the registry | `sink` |
//!
//! Pages go to disk as they come (`walk`), so that a copy of hours goes on where the line broke; files go on at any byte. Nothing is
//! applied before it is complete. Then an external sort brings the records of each resource together, and one pass over the index
//! of keys decides what is new, changed, older or gone. The circuit breaker looks at the whole, and sink and state commit
//! together: `next.json`, the sink, `state.json`, in this order.
//!
//! # What is trusted
//!
//! Nothing of an origin. Links lead nowhere but to its own scheme, host and port; bodies, lines, depth and pages are bounded; what
//! cannot be read leaves what stands of it as it stands, and a list that leaves doubt deletes nothing.
//!
//! # Costs
//!
//! Memory: [`limits::SORT_BYTES`] to sort, one page, and buffers, whatever the size of the directory. Disk beside the copy: about
//! 80 bytes for each resource, and what was received, compressed, until it is applied. A round reads and writes the parts of index and copy
//! that it touches.
//!
//! # What it never does
//!
//! It never reads a clock or a random source of its own ([`World`]), never prints a key, never switches off the verification
//! of certificates, and never shows a reader half of a round.

mod bundle;
mod disk;
mod error;
mod follow;
mod http;
mod key_index;
pub mod limits;
mod log_copy;
mod metrics;
mod mirror;
mod origin;
mod origin_reader;
mod plain;
mod published;
mod record;
mod resource;
mod round;
mod secret;
mod segments;
mod sink;
mod state;
mod walk;
mod world;

pub use error::{Error, Result};
pub use follow::follow;
pub use http::{HttpCounts, HttpOptions};
pub use log_copy::{LogContent, LogCopy, LogName, LogPosition, LogVersion, ReceivedLog};
pub use metrics::{MirrorMetrics, RunReport};
pub use mirror::{Mirror, MirrorChannel, MirrorOptions, MirrorTell};
pub use origin_reader::OriginReader;
pub use resource::{MirroredResource, ResourceStamp};
pub use round::RoundCounts;
pub use secret::AccessKey;
pub use segments::Segment;
pub use sink::{
    DatabaseSink, Deliver, FeedDelivery, FeedSink, FileSink, FilesManifest, MirrorPosition, RoundEnd, Sink, TypeFiles,
};
pub use world::World;
