//! `GET [base]/{type}/{id}`: the current version of a resource.

use annuaire_web::ErrorCode;

use super::resource_answer::resource_answer;
use crate::answer::Answer;
use crate::basis::TypeSet;
use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::ApiError;

/// The current version. A resource that left the directory, or was withdrawn by law, has versions but no current one: it answers
/// 410, one that was never there 404.
pub(crate) fn read<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [ty, id]: [&str; 2]) -> Result<Answer, ApiError> {
    call.subject.route = "read";
    let not_published = || ApiError::type_not_published(ErrorCode::TypeUnknown, P::TYPES);
    let (ty, number) = P::TYPES.find(ty).ok_or_else(not_published)?;
    call.subject.ty = ty;
    let snap = call.store(pass)?.snapshot().map_err(ApiError::internal)?;
    call.depends_on(&snap, TypeSet::one(number))?;
    let Some(entry) = snap.current(number, id).map_err(ApiError::internal)? else {
        let Some(last) = snap.history(number, id).map_err(ApiError::internal)?.first().copied() else {
            return Err(ApiError::missing(id));
        };
        let last = snap.read(last).map_err(ApiError::internal)?;
        return Err(if last.is_withdrawn() { ApiError::withdrawn(id, last.number) } else { ApiError::gone(id) });
    };
    // A client may keep the answer, and must ask whether it is still current.
    resource_answer(call, ty, entry, "no-cache".to_owned())
}
