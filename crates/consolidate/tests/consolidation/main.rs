//! Consolidation, from facts as a registry holds them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod facts;
mod faults;
mod files;
mod naive_files;
mod properties;
mod provenance;
mod union;
