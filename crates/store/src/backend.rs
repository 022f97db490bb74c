//! For backends: which rows a batch of puts adds to the log, and which version of a fact is seen at a transaction.
//!
//! All of it is pure, so every backend counts, deduplicates and cuts alike. Rows are written under a **batch**, and a batch stands
//! once a transaction names it ([`Batches`]).

mod batches;
mod decision;
mod puts;
mod rows;

pub use batches::Batches;
pub use decision::{LastVersion, Verdict, decide, expected};
pub use puts::Puts;
pub use rows::{NewChunk, chunks, in_order, rows};
