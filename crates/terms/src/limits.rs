//! Limits that every resource obeys; forms keep within them and the store refuses what exceeds them.

/// Longest body (the two parts together), in bytes.
pub const BODY: usize = 64 << 20;
/// Longest logical identifier, in bytes.
pub const ID: usize = 64;
/// Longest target of a reference, in bytes.
pub const TARGET: usize = 4_096;
/// Most terms of one resource.
pub const TERMS: usize = 100_000;
