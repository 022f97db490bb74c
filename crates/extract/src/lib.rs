//! National layouts out: the registry as the national files, deltas between two states of it, the lines of one person, and the
//! difference of two official deliveries.

mod assembly;
mod compare;
mod delivery_lines;
mod delta;
mod delta_file;
mod diff;
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
pub use filter::ActivityFilter;
pub use national_file::{HeaderWidth, NationalFile};
pub use one_person::{PersonLines, lines_of_person};
pub use options::{ExtractOptions, ExtractProgress};
pub use state::RegistryState;
