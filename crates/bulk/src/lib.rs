//! A store as files: the chain of Bulk Publish (Bulk Data STU4), for whoever copies the whole directory and follows it.
//!
//! ```text
//! root.json                                the root page
//! pages/<name>.json                        the stub of each root, and the increments
//! files/<SHA-256 of the lines>.ndjson.zst  lines of one type, one zstd frame
//! checkpoint, key, tile/…, *.json.sig      the verifiable log of what was published, when there is one
//! state.json                               what the tree knows of itself; never served
//! ```
//!
//! # Concepts
//!
//! - A **root** tells a state: each resource that stands, once. Its **stub**, a page without files, follows it.
//! - An **increment** tells what the transactions `(after, tx]` changed: the present version of each resource that stands, and what is
//!   deleted. Applied to the state at `after` it gives the state at `tx` (PUB-15).
//! - A page ends with `#pending` until the next one exists. New roots join the **chain** at its end, so that older copies go on (PUB-10).
//! - A chain **ends** (`#closed`) when the log, the perimeter or the forms are others, and when something was withdrawn by law. In the last
//!   case all that held the content is removed with it.
//! - The **state** is written when a page and its files are durable, and before anything leads to the page. It is the truth: what the disk
//!   says otherwise is mended when the tree is opened. So an update that ends at any moment is resumed, and nobody sees half of a page.
//! - A [`PageWitness`] is told of each page before it is published, with its versions in the order of the log, and may sign it.
//! - The [`PublishedLog`] is that witness: a leaf for each version, a signed checkpoint. [`check_published`] checks a copy against its key.
//!
//! The stored pages have relative addresses: any server of static files can serve the tree.
//!
//! # Costs
//!
//! A root reads, hashes and compresses the whole store: one thread reads, up to [`limits::THREADS`] compress. Memory is two files of
//! lines ([`TreeLimits::file_bytes`]) for each of them and one more, and a few compressed ones. Files are kept for several roots: on disk, some four times a root.
//!
//! # What it never does
//!
//! It knows neither HTTP nor perimeters, reads no clock, and never changes a file that has a name.

mod departures;
mod disk;
mod error;
mod export;
pub mod limits;
mod lines;
mod log_keys;
mod manifest;
mod proof_files;
mod published_check;
mod published_log;
mod state;
mod stored_file;
mod tree;
mod update;
mod witness;

pub use annuaire_proof::{Tile, VerifierKey};
pub use error::Error;
pub use export::{
    ExportAddresses, ExportCaller, ExportEnd, ExportFailure, ExportFiles, ExportJobs, ExportOptions, ExportRefusal, ExportReport,
    ExportRequest, ExportState, ExportedType, export_manifest,
};
pub use limits::{ExportLimits, TreeLimits};
pub use log_keys::{add_log_key, log_keys, retire_log_key, signed_by_log_keys};
pub use manifest::{Addresses, CHECKPOINT_EXTENSION, FILE_EXTENSION};
pub use published_check::{CheckReport, CopiedTree, PublishedFault, TreeDirectory, TreePart, check_published};
pub use published_log::{LogDirectories, LogError, PublishedLog, PublishedSalts};
pub use state::PublishedFile;
pub use stored_file::{DecodedLines, StoredFile};
pub use tree::{Found, PublishedTree, TreeOptions, TreeStatus};
pub use update::UpdateReport;
pub use witness::{ChainStart, NewPage, NoWitness, PageWitness, WitnessError};
