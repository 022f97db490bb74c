//! Consolidation, from facts as a registry holds them.

mod facts;
mod faults;
mod files;
mod naive_files;
mod properties;
mod provenance;
mod union;
