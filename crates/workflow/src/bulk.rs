//! Lists of employers: the columns of the file, its header, and a line of it as drafts of the form (registration §17.1).
//!
//! One line is one person in one situation. What a line says is turned into the drafts that a manager would type, so that every rule of the form
//! holds for it too; this module adds only what a file needs. Choices where the reference is silent:
//!
//! * `AJOUTER`, `MODIFIER` and `FERMER` name the person by RPPS number. `MODIFIER` leaves what is blank as it is.
//! * `commune_naissance` of a birth abroad is the town.
//! * `NON` in `identite_verifiee` is a warning: the request is made, and each such request is opened and settled alone.

mod columns;
mod header;
mod line;

pub use columns::{BulkAction, BulkColumn, BulkVerification, ColumnNeed};
pub use header::{BulkHeader, HeaderFault, is_bulk_header, read_bulk_header};
pub use line::{BulkFinding, BulkLine, read_bulk_line};
