//! `GET [base]/_page?id=…`: a following page of a search or history, in the state of the first one.

use annuaire_web::ErrorCode;

use super::bundle_answer::{BundleSource, bundle_answer};
use super::history::{HistoryPage, HistoryScope, history_page};
use crate::answer::Answer;
use crate::as_of::{self, Memento, beyond_the_past, past_floor, stamped};
use crate::basis::TypeSet;
use crate::bundle::{BundleFrame, PageStart, searchset};
use crate::call::Call;
use crate::cursor::{Cursor, PageSeal};
use crate::door::FhirDoor;
use crate::error::ApiError;
use crate::query::{Handling, compile, pairs};

/// The page that the token `id` names. A token of one perimeter opens nothing in another, since its scope begins with the
/// perimeter. Handling is lenient: the first page settled which parameters are accepted.
pub(crate) fn page<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 0]) -> Result<Answer, ApiError> {
    call.subject.route = "page";
    let token = pairs(call.query())?.into_iter().find(|(name, value)| name == "id" && !value.is_empty());
    let Some((_, token)) = token else {
        return Err(ApiError::new(ErrorCode::PageTokenMissing, "Parameter id required to fetch the next page"));
    };
    let index = call.store(pass)?;
    let seal = PageSeal::new(&call.service.cipher, &index)?;
    let cursor = Cursor::open(&token, &seal).ok_or_else(invalid_token)?;
    let scope = cursor.scope.strip_prefix(P::SCOPE).ok_or_else(invalid_token)?;
    if cursor.tx > index.applied_tx() {
        return Err(ApiError::behind(cursor.tx));
    }
    let snap = match index.snapshot_at(cursor.tx) {
        Ok(snap) => snap.ok_or_else(invalid_token)?.within(call.effort),
        Err(annuaire_index::Error::TooOld) => return Err(ApiError::expired()),
        Err(error) => return Err(ApiError::internal(error)),
    };
    match past_floor::<P>(call.service, &index)? {
        Some(floor) if snap.tx() < floor.tx() => return Err(beyond_the_past(&floor)),
        Some(_) => {}
        None => call.depends_on(&snap, TypeSet::NONE)?,
    }
    let from = Some(PageStart { last_row: cursor.last_row, total: cursor.total });
    if let Some(scope) = HistoryScope::of_token(scope) {
        let page = HistoryPage { scope, index, snap, query: &cursor.query, handling: Handling::Lenient, from };
        return history_page(call, page);
    }
    let (ty, number) = P::TYPES.find(scope).ok_or_else(invalid_token)?;
    call.subject.ty = ty;
    let base = call.base();
    let search = compile(&snap, &base, ty, &cursor.query, Handling::Lenient)?;
    let self_url = format!("{base}/_page?{}", call.query());
    let original = as_of::original(&format!("{base}/{ty}"), &cursor.query);
    let frame = BundleFrame { base, seal, self_url, scope: cursor.scope, query: cursor.query, from };
    *call.varies_with_instant = true;
    let memento = Memento::of_page(&snap, &frame.query, &call.parts.headers);
    let source = BundleSource { parts: call.parts, index: &index, snap: &snap, subject: call.subject };
    let answer = bundle_answer(source, frame, |frame| searchset(&snap, number, search, frame))?;
    Ok(stamped(answer, memento, P::TYPES, || original))
}

/// A token that was altered, that is of another perimeter, or of another log or epoch.
fn invalid_token() -> ApiError {
    let text = "The url can't be processed. Maybe it is too old or corrupted.";
    ApiError::new(ErrorCode::PageTokenInvalid, text).hint("Run the search again from its first page.")
}
