//! Exports: what a caller asks of a state, made as files behind its back (Bulk Data Export, interop §5).
//!
//! ```text
//! <id>/job.json                              the request, and how it ended
//! <id>/files/<SHA-256 of the lines>.ndjson.zst
//! ```
//!
//! A job pins a transaction and holds no reader of the store: its state is opened when it is made. So a program that ends makes the
//! unfinished jobs again, from their text, to equal files. An id has 128 random bits: whoever knows it may ask for the job, at the door
//! where it was started. What was withdrawn by law takes all older jobs with it, before anything else of them is told.

mod jobs;
mod making;
mod manifest;
mod record;

pub use jobs::{ExportCaller, ExportJobs, ExportOptions, ExportRefusal, ExportState};
pub use making::ExportReport;
pub use manifest::{ExportAddresses, export_manifest};
pub use record::{ExportEnd, ExportFailure, ExportFiles, ExportRequest, ExportedType};
