//! Link columns: ids and reference targets by row.
//!
//! A search through references to many resources (chained search, `_has`) reads two columns in sequence instead of the resources
//! and their posting lists. [`column`] has the layout and the writer, [`read`] the scans of a search, [`check`] the verification,
//! [`id_set`] the hash set that joins two columns, [`sweep`] the removal of rows.

pub mod check;
pub mod column;
pub mod id_set;
pub mod read;
pub mod sweep;
