//! Extractions of fictional registries.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
mod deliveries;
mod deltas;
mod extractions;
mod filters;
#[path = "../../../annuaire/tests/common/golden.rs"]
mod golden;
mod loaders;
mod perimeters;
mod round_trip;
