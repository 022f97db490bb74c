//! National terminologies (NOS) and communes, as tables with validity dates embedded in the program.
//!
//! # Concepts
//!
//! * A [`Table`] is one terminology: a code system (`TRE_…`), a value set (`JDV_…`) or a code system of a guide. It gives each
//!   code a [`Concept`]: label, first day of use, day of closing. A code is never deleted: a closed one keeps resolving, so
//!   that old data can be shown.
//! * [`Nos`] holds all tables and answers questions that concern several of them: which table has a profession, which table the
//!   type of a diploma designates.
//! * [`coding`] makes a FHIR coding (system, code, label) of a code, whether a table knows it or not.
//! * [`geography`] holds the communes in force and the former ones.
//!
//! # Example
//!
//! ```
//! use annuaire_nos::{Nos, coding};
//!
//! let (table, physician) = Nos::embedded().profession_on("10", "2026-11-26").unwrap();
//! assert_eq!((table.name.as_str(), physician.label.as_str()), ("TRE_G15", "Médecin"));
//! // Code 213 was closed between these two days; it still resolves.
//! let (_, closed) = Nos::embedded().profession_on("213", "2026-11-26").unwrap();
//! assert!(closed.valid_on("2019-06-01") && !closed.valid_on("2026-11-26"));
//! // A code that no table knows is kept, without a label.
//! assert_eq!(coding::in_table("TRE_R23", "?").display, "");
//! ```
//!
//! # Costs and absences
//!
//! A table is parsed at its first use, the communes in under a tenth of a second. A look-up is one access to a hash table for
//! each table that may have the code. This crate reads no file and no clock: the day is a parameter. `data/nos/README.md` tells
//! how tables are updated.

pub mod coding;
mod embedded;
pub mod geography;
mod table;
mod terminologies;

pub use coding::Coding;
pub use table::{Concept, Table};
pub use terminologies::{Nos, TableConcept};
