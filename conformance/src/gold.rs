//! The gold set of searches: what people type, with the pages that answer it, and the measure of a directory by it.
//!
//! [`gold_queries`] makes queries of the people and structures of a delivery by the published model (`docs/search-quality.md`);
//! [`hard_queries`] are two hundred cases written by hand over a small nation of their own ([`write_hard_nation`]). [`measure_gold`]
//! asks them one after the other on one connection.
//!
//! ```no_run
//! use annuaire_conformance::gold::{GoldAsker, GoldNation, gold_queries, measure_gold};
//!
//! let nation = GoldNation::read("delivery".as_ref())?;
//! let measured = measure_gold(&GoldAsker::new("http://127.0.0.1:8080"), &gold_queries(&nation, 1))?;
//! println!("{measured}");
//! # Ok::<(), String>(())
//! ```

mod asking;
mod command;
mod draft;
mod figures;
mod hard;
mod hostile;
mod kinds;
mod nation;
mod people_kinds;
mod queries;
mod respelling;
mod slips;
mod spelling;
mod spoken;
mod structure_kinds;

pub use asking::{GoldAnswer, GoldAsker};
pub use command::{GOLD_USAGE, gold_command, gold_hard_command};
pub use figures::{GoldFigures, GoldMeasure, measure_gold};
pub use hard::{hard_queries, write_hard_nation};
pub use hostile::{HostileAnswer, growth_table, hostile_answers, hostile_table};
pub use nation::GoldNation;
pub use queries::{GoldQuery, gold_queries, read_queries, write_queries};

#[cfg(test)]
mod tests;
