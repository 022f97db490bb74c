//! The merged view.

mod entity;
pub mod entity_key;
mod merge;
mod owners;
mod payload;
mod perimeter;
mod practice;
mod provenance;
pub mod public;
mod situations;
mod statement;
mod union;

pub use entity::{ConsolidatedEntity, EntityFault, ForeignResource};
pub use merge::consolidate;
pub use owners::{Error, Owners};
pub use perimeter::Perimeter;
pub use provenance::{Item, Provenance, Saying};
