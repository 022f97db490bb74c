//! Opening the publication store of a view.

use crate::error::Error;
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::{Index, Marks};
use std::path::Path;

/// Opens, or creates, the store of a view in a directory. `map_bytes` bounds the size of its file.
///
/// # Errors
/// [`Error::OtherView`] when the store is of another guide or perimeter, [`Error::Outdated`] when it is of another version of
/// the program, so that it must be rebuilt.
pub fn open(dir: &Path, map_bytes: usize, view: View) -> Result<Index, Error> {
    let marks = Marks { view: &description(view), forms: annuaire_fhir::limits::FORMS };
    Ok(Index::open_marked(dir, map_bytes, annuaire_fhir::dictionary::ALL, marks)?)
}

/// The view in words. They are written in the store and shown in errors.
fn description(view: View) -> String {
    let guide = match view.guide {
        Guide::V120 => "1.2.0",
        Guide::V110 => "1.1.0",
    };
    let perimeter = match view.perimeter {
        Perimeter::Public => "public",
        Perimeter::Restricted => "restricted",
    };
    format!("the {perimeter} perimeter after guide {guide}")
}
