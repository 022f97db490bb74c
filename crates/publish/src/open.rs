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

/// Opens the store of a view that an earlier version of the program filled, when its files can still be read: it may be served
/// while another one is made, and is not to be continued. `None` when there is no such store.
///
/// # Errors
/// When the store cannot be read.
pub fn open_former(dir: &Path, map_bytes: usize, view: View) -> Result<Option<Index>, Error> {
    for forms in (0..annuaire_fhir::limits::FORMS).rev() {
        let marks = Marks { view: &description(view), forms };
        match Index::open_marked(dir, map_bytes, annuaire_fhir::dictionary::ALL, marks) {
            Ok(index) if index.is_empty() => return Ok(None),
            Ok(index) => return Ok(Some(index)),
            // Other forms, or files that this program cannot read.
            Err(annuaire_index::Error::Outdated { .. }) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(None)
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
