//! Identifiers with their keys, partial dates, folding of names, numbers of transactions: pure values, no I/O.

pub mod date;
pub mod id;
pub mod text;
mod tx;

pub use tx::Tx;
