//! National layouts out: the registry as the national files, deltas between two states of it, the lines of one person, and the
//! difference of two official deliveries. For who loads the national files, unchanged.
//!
//! # From an entity to a line
//!
//! `reading` takes the facts of entities out of the registry, page by page, and lets `annuaire_consolidate` merge them: it decides who is
//! right and what a perimeter shows. `person_lines` and `finess` make lines of each entity (`render`). What a line says of a
//! structure is left open, as marks, since persons come before structures in the registry: `assembly` sorts lines by the structure that
//! they wait for, together with what each structure gives (`place`), fills the marks, and sorts complete lines by file and
//! `order`. Memory is bounded whatever the registry holds.
//!
//! The order of lines is a function of their contents. So two states are compared, and a delta is applied, by merging.
//!
//! # Deltas
//!
//! A line of a delta is `-` or `+`, the separator of the file, and a complete line of it; the first line is `Opération` and the first
//! line of the newer file. [`apply`] turns the older file into the newer one, byte by byte. `docs/extractions.md` tells users the rest.
//!
//! # Example
//!
//! ```
//! use annuaire_exchange::{Options, import};
//! use annuaire_extract::{ExtractOptions, NationalFile, RegistryState, extract, lines_of_person};
//!
//! let dir = tempfile::tempdir()?;
//! annuaire_testkit::generate(&dir.path().join("in"), &annuaire_testkit::Plan { professionals: 20, seed: 7, changed_per_mille: 0 })?;
//! let registry = annuaire_store_sqlite::open_blocking(&dir.path().join("registry.sqlite"))?;
//! import(&registry, &[dir.path().join("in/PS_LibreAcces_Personne_activite_202611010800.txt")], &Options::default())?;
//!
//! let (state, options) = (RegistryState::last(&registry)?, ExtractOptions::default());
//! let out = dir.path().join("out");
//! std::fs::create_dir(&out)?;
//! let report = extract(&registry, state, &out, &options)?;
//! assert_eq!(report.files.iter().filter(|f| f.archive.is_some()).count(), 3);
//!
//! let of_one = lines_of_person(&registry, state, "810999000010", &options)?;
//! assert_eq!(of_one[0].file, NationalFile::Activities);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it never does
//!
//! It reads no clock: all dates are those of the commit. It never invents a value: what the registry does not know is an empty field,
//! and a file that it could not fill is not written. It gives no open name to restricted data.

mod assembly;
mod compare;
mod delivery_lines;
mod delta;
mod delta_file;
mod diff;
mod entity_lines;
mod error;
mod extraction;
mod filter;
mod finess;
mod headers;
mod labels;
pub mod limits;
mod national_file;
mod one_person;
mod options;
mod order;
mod person_lines;
mod place;
mod reading;
mod render;
mod state;
mod text_line;

pub use delta::{StateReading, extract_delta};
pub use delta_file::apply;
pub use diff::{DeliveryDifference, DiffOptions, FileDifference, ObjectDifference, diff};
pub use error::Error;
pub use extraction::{ExtractReport, WrittenNationalFile, extract};
pub use filter::{ActivityFilter, TerritoryCodes};
pub use national_file::{HeaderWidth, NationalFile};
pub use one_person::{PersonLines, lines_of_person};
pub use options::{ExtractOptions, ExtractProgress};
pub use state::RegistryState;
