//! Identifiers with their keys, partial dates, folding of names: pure values, no I/O.

pub mod date;
pub mod id;
pub mod text;
