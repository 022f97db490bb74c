//! What a store can hold, in one place.

/// Longest body of a resource, in bytes.
pub const BODY: usize = 64 << 20;
/// Longest logical id, in bytes.
pub const ID: usize = 64;
/// Longest target of a link, in bytes.
pub const TARGET: usize = 4_096;
/// Most searchable values of one resource.
pub const TERMS: usize = 100_000;
/// Longest body, links and id together that are read back: a damaged length must not reserve the memory of the machine.
pub(crate) const READ: u64 = 1 << 29;
