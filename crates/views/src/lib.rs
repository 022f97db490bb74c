//! Flat tables of FHIR resources, for people who analyse the directory with SQL or data frames.
//!
//! # Concepts
//!
//! * A [`ViewDefinition`] (SQL on FHIR v2) says which values of a resource are columns. It is compiled once: all that is wrong with it is
//!   said before any row, with the place. FHIRPath is the subset that the standard asks of every runner, with `join`, boundaries,
//!   `repeat` and `%rowIndex`.
//! * A [`Document`] is a resource as a flat list of nodes over its text. Several views read one document.
//! * [`published`] are the tables of the directory. One of them joins: it looks up professional and structure of an activity through
//!   [`Resolve`].
//! * [`table_writer`] writes rows as a [`TableFormat`], in bounded memory.
//!
//! # Example
//!
//! ```
//! use annuaire_views::{Document, TableFormat, ViewDefinition, table_writer};
//!
//! let view = ViewDefinition::parse(
//!     r#"{"resource": "Practitioner", "select": [
//!         {"column": [{"name": "id", "path": "getResourceKey()", "type": "id"}]},
//!         {"forEach": "name", "column": [{"name": "family", "path": "family", "type": "string"}]}]}"#,
//! )?;
//! let mut table = table_writer(TableFormat::Csv, Box::new(std::io::stdout()), view.columns(), &[])?;
//! let json = br#"{"resourceType": "Practitioner", "id": "003-1", "name": [{"family": "EXEMPLE"}, {"family": "MODELE"}]}"#;
//! view.rows(&Document::parse(json)?, &mut |row| table.row(row))?;
//! table.finish()?;
//! # Ok::<(), annuaire_views::ViewError>(())
//! ```
//!
//! # Costs and absences
//!
//! A row costs one evaluation of each path that it takes part in; a document costs one pass over its text. There is no schema of FHIR here: what
//! a member is, its name and its JSON tell (`valueCode` holds a `code`). Keys are the ids of resources, and only relative references
//! have one. This crate knows no other room, reads no file, clock or socket.

mod column;
mod decimal;
mod definition;
mod dictionary;
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
pub use dictionary::dictionary;
pub use error::ViewError;
pub use join::{NoResources, Resolve};
pub use json::Document;
pub use published::{CANONICAL_BASE, PublishedView, published};
pub use rows::RowTaker;
pub use table::{TableFormat, TableWriter, table_writer};
