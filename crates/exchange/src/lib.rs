//! National files in: recognition by content, streaming readers, guards, and the delta against what the registry already knows
//! from the same source.
//!
//! Each national file belongs to a *source* that owns its objects: a delivery replaces all objects of its source, and leaves
//! the objects of others alone. All files of one call are one transaction, so that a person, their roles and their structures
//! appear together.
//!
//! # From a line to a change
//!
//! Five words name the data of one person on the way from a file to the registry, here and in all modules:
//!
//! | Word | What it is | Where it is made |
//! |---|---|---|
//! | *line* (*record* of a JSON document) | the text of a file about one person | `text`, `documents` |
//! | *piece* | the fields of one line that describe one entity, packed: the line of a person at work gives a piece of the person and a piece of the structure | `text::pieces`, `finess_plus`, `feed` |
//! | *group* | all pieces of one entity from one source, sorted | `groups` |
//! | *object* | the object of the national model (MOS) that a group makes | `assemble` |
//! | *change* | an object that is put, or that ends, as a fact of its source | `replace` |
//!
//! `read` chooses the reader of a file, `containers` opens archives, `formats` lists the columns of each text format, `intake` and
//! `loads` keep what is gathered on the way. `national_text` hands the lines of text files to those who read them without importing. A new format is one entry in a file of `formats`.
//!
//! # Example
//!
//! One file of one fictional person, imported twice: the second delivery changes nothing.
//!
//! ```
//! use annuaire_exchange::{Options, import};
//!
//! let dir = tempfile::tempdir()?;
//! let file = dir.path().join("PS_LibreAcces_SavoirFaire_202611240800.txt");
//! std::fs::write(
//!     &file,
//!     "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom d'exercice|Prénom d'exercice|Code profession|\
//!      Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|\
//!      Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|\n\
//!      8|10999000010|810999000010|EXEMPLE|Ada|10|Médecin|C|Civil|S|Spécialité ordinale|SM04|Cardiologie|\n",
//! )?;
//! let registry = annuaire_store_sqlite::open_blocking(&dir.path().join("registry.sqlite"))?;
//! let options = Options { author: "the manual".into(), ..Options::default() };
//!
//! let report = import(&registry, std::slice::from_ref(&file), &options)?;
//! assert_eq!(report.files[0].format, "PS_LibreAcces_SavoirFaire");
//! assert_eq!((report.created, report.examples.created), (1, vec!["PP:810999000010".to_owned()]));
//!
//! let again = import(&registry, &[file], &options)?;
//! assert!(again.files[0].already_imported && again.tx.is_none());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Costs
//!
//! A line is read once and copied three times (out of the file, into a piece, into the sort), by as many threads as there are
//! processors. Memory is bounded by [`limits`]: [`limits::SORT_BYTES`] for pieces, a few blocks of 1 MiB for each thread, and
//! eight bytes a line to find duplicates. The registry is compared in order, one page at a time, and an object is only assembled
//! when its pieces differ from those of the last delivery. What differs is written beside the state of the registry, in short
//! transactions of its database; others wait for the last step only, which makes it stand and takes milliseconds.
//!
//! # Two at once
//!
//! Whether a delivery is new enough is looked at when its header is read, when it is compared, and again in the transaction that
//! makes it stand. When another import came in between, a newer delivery is compared again, and an older one is refused: of two
//! deliveries of a source the one with the later stamp wins, whichever is faster.
//!
//! # What it never does
//!
//! It never makes a fact of a restricted source public, never keeps the text of an unreadable line, never repeats a possible social security
//! number, never takes restricted data for open data because of a name, and never writes a part of a call.

mod assemble;
mod audit;
mod containers;
mod current_loads;
mod delivery;
mod documents;
mod error;
mod examples;
mod feed;
mod finess_plus;
mod formats;
mod groups;
mod import;
mod intake;
mod json;
mod last_deliveries;
pub mod limits;
mod loads;
mod national_text;
mod options;
mod owners;
mod quarantine;
mod read;
mod replace;
mod report;
mod source_keys;
mod source_load;
mod text;
mod transaction;
mod undo;
mod volume;

pub use delivery::{Delivered, DeliveredFile, deliveries};
pub use error::Error;
pub use import::import;
pub use national_text::{NationalText, TextReader, column_name, read_texts};
pub use options::{ClockMs, Options, Progress, ResourceCheck};
pub use quarantine::{Quarantined, quarantine};
pub use report::{Examples, FileReport, Rejected, Report};
pub use undo::undo;
