//! Flat tables of FHIR resources, for people who analyse the directory with SQL or data frames.

#![warn(missing_docs)]

mod column;
mod decimal;
mod definition;
mod error;
mod join;
mod json;
pub mod limits;
mod moment;
mod path;
mod published;
mod rows;
mod table;

pub use column::{Cell, Column, Kind};
pub use definition::ViewDefinition;
pub use error::ViewError;
pub use join::{NoResources, Resolve};
pub use json::Document;
pub use published::{CANONICAL_BASE, PublishedView, published};
pub use rows::RowTaker;
pub use table::{TableFormat, TableWriter, table_writer};
