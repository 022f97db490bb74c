//! Identifiers with their keys, partial dates, folding of names, transactions and facts of the log: pure values, no I/O.
//!
//! Every other room knows this one, and it knows none. It never reads a clock, a file or a random source, so all of it is
//! tested in milliseconds, on every day from year 1 to year 9999 and on arbitrary texts.
//!
//! - [`id`]: shapes and check keys of national numbers. Numbers are text: leading zeros and Corsican letters matter.
//! - [`nir`]: social security numbers, which must be recognised to be refused.
//! - [`date`]: dates known to the year, the month or the day; FHIR instants; HTTP dates. Legal time is that of Paris.
//! - [`text`]: the folded form in which names compare.
//! - [`sound`]: the key under which names that are said alike are found.
//! - [`words`]: the words of a text, as people write and leave them out.
//! - [`Tx`]: the number of a transaction of the change log.
//! - [`fact`]: what one owner says of one facet of one entity, as the change log keeps it.
//! - [`LogIdentity`]: which log the number belongs to.
//!
//! ```
//! use annuaire_base::{date, id, text};
//!
//! assert!(id::rpps("10999000010").is_ok());
//! assert_eq!(id::rpps("10999000011"), Err(id::IdError::Key));
//! assert_eq!(date::PartialDate::parse("09/03/2026").unwrap().to_string(), "2026-03-09");
//! assert_eq!(text::fold("D’Essai-Cœur"), "d essai coeur");
//! ```

pub mod date;
pub mod fact;
pub mod id;
mod log_identity;
pub mod nir;
pub mod sound;
pub mod text;
mod tx;
pub mod words;

pub use log_identity::{LogIdentity, NotALogIdentity};
pub use tx::Tx;
