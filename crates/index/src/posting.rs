//! Posting lists: for each term, the rows that have it.
//!
//! Terms live in blocks ([`block`], [`block_writer`], [`block_merge`], [`bloom`]), the rows of frequent terms in sets ([`row_set`]). A transaction
//! collects its terms in key order ([`sorter`]) and merges them into the blocks ([`write`]); a search reads one term or a range of
//! terms ([`read`], [`text`], [`ids`], [`near`], [`order`]) and unites their rows ([`union`]). [`discard`] undoes an interrupted transaction, [`sweep`]
//! removes rows and unites small blocks, [`longs`] removes long texts that no term has any more.

pub mod block;
mod block_merge;
pub mod block_writer;
mod bloom;
pub mod discard;
mod ids;
mod longs;
pub mod near;
pub mod order;
pub mod read;
pub mod row_set;
pub mod sorter;
pub mod sweep;
mod text;
mod union;
pub mod write;

#[cfg(test)]
mod block_tests;
