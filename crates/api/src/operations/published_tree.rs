//! The files of a perimeter, and look-ups in them.

use annuaire_bulk::{Found, PublishedTree};
use annuaire_web::ErrorCode;

use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::ApiError;

/// The files of the perimeter.
pub(super) fn tree<'s, P: FhirDoor>(pass: P::Pass, call: &Call<'s, P>) -> Result<&'s PublishedTree, ApiError> {
    let none =
        || ApiError::no_such_address().hint("This perimeter is not published as files here; $changes tells what changes in it.");
    P::files(call.service, pass).ok_or_else(none)
}

/// What was looked up.
pub(super) fn here<T>(found: Found<T>) -> Result<T, ApiError> {
    match found {
        Found::Here(it) => Ok(it),
        Found::Never => Err(ApiError::no_such_address()),
        Found::Removed => Err(ApiError::new(ErrorCode::NoLongerPublished, "This is not published any more.")
            .hint("Begin again with the root page, $bulk-publish, and keep what you have until you have it all.")),
    }
}
