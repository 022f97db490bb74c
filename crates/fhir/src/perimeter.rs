//! The public part of every kind of object (data-perimeters §3), by enumeration.
//!
//! A member that no rule names is not public, whatever is added to the domain or to a feed later. Activities of FINESS are open
//! data as a whole and need no rule.

mod domain;
mod foreign;
mod profiles;

pub use domain::{public_card, public_mailbox, public_professional, public_structure};
pub use foreign::public_resource;
