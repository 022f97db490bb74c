//! Extractions of fictional registries.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
mod round_trip;
