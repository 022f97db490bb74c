//! The public part of a resource of another directory (data-perimeters §3), by enumeration: a member that no public profile lists
//! is not public, whatever a feed adds later. `annuaire-consolidate` enumerates the public members of all other objects.

mod foreign;
mod profiles;
mod whole;

pub use foreign::public_resource;
pub use whole::is_wholly_public;
