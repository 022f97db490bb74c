//! Whether somebody or something was withdrawn by law: nothing is found of it by a search, its tombstones are found by their ids.

use annuaire_fhir::ids::practitioner_id;
use annuaire_index::{Error, Snapshot};
use annuaire_nos::Nos;
use annuaire_terms::TypeId;

use crate::limits;
use crate::schema::PRACTITIONER;

/// Tables of professions and of professional categories, of which the id of a practice is made.
const PROFESSIONS: [&str; 4] = ["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291"];
const CATEGORIES: &str = "TRE_R09";

/// Whether a resource was withdrawn. Cost: two look-ups.
pub(crate) fn is_withdrawn(snapshot: &Snapshot, ty: TypeId, id: &str) -> Result<bool, Error> {
    Ok(snapshot.former(ty, id)?.is_some_and(|former| former.is_withdrawn_by_law))
}

/// Whether a practice of the person with this number was withdrawn, in a profession that the tables know. Cost: a look-up for each
/// profession and category, some hundreds; only an address without a person pays it.
pub(crate) fn professional_is_withdrawn(snapshot: &Snapshot, national_id: &str) -> Result<bool, Error> {
    if national_id.len() > limits::NATIONAL_ID || !national_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/') {
        return Ok(false);
    }
    let nos = Nos::embedded();
    let codes = |table: &str| nos.table(table).into_iter().flat_map(|table| table.concepts()).map(|concept| &*concept.code);
    for profession in PROFESSIONS.into_iter().flat_map(codes).chain([""]) {
        for category in codes(CATEGORIES).chain([""]) {
            if is_withdrawn(snapshot, PRACTITIONER, &practitioner_id(national_id, profession, category))? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
