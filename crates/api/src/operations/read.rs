//! `GET [base]/{type}/{id}`: the current version of a resource.

use annuaire_index::Snapshot;
use annuaire_terms::TypeId;
use annuaire_web::ErrorCode;

use super::resource_answer::resource_answer;
use crate::answer::Answer;
use crate::as_of::AskedState;
use crate::basis::TypeSet;
use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::ApiError;

/// The current version, or that of the state which the request names. A resource that left the directory, or was withdrawn by law, has versions but no current one: it answers
/// 410, one that was never there 404.
pub(crate) fn read<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [ty, id]: [&str; 2]) -> Result<Answer, ApiError> {
    call.subject.route = "read";
    let not_published = || ApiError::type_not_published(ErrorCode::TypeUnknown, P::TYPES, ty);
    let (ty, number) = P::TYPES.find(ty).ok_or_else(not_published)?;
    call.subject.ty = ty;
    let query = call.query().to_owned();
    let AskedState { snap, memento, .. } = call.state(pass, &query)?;
    call.depends_on_state(&snap, memento, TypeSet::one(number))?;
    let Some(entry) = snap.current(number, id).map_err(ApiError::internal)? else {
        return Err(left_or_missing(&snap, number, id)?);
    };
    let Some(memento) = memento else {
        // A client may keep the answer, and must ask whether it is still current.
        return resource_answer(call, ty, entry, "no-cache".to_owned());
    };
    let answer = resource_answer(call, ty, entry, memento.cache_control(P::TYPES))?;
    Ok(memento.stamp(answer, &call.original(), Some(&format!("{}/{ty}/{id}/_history", call.base()))))
}

/// Why a resource has no current version.
fn left_or_missing(snap: &Snapshot, ty: TypeId, id: &str) -> Result<ApiError, ApiError> {
    if let Some(former) = former(snap, ty, id)? {
        return Ok(former);
    }
    // HIST-10: with the version that says that it is gone.
    let newest = snap.history(ty, id).map_err(ApiError::internal)?.first().copied();
    let Some(newest) = newest else { return Ok(ApiError::missing(id)) };
    Ok(ApiError::gone(id, snap.read(newest).map_err(ApiError::internal)?.number))
}

/// The refusal of a resource that was withdrawn by law, or of which no version is kept; `None` for any other one.
pub(super) fn former(snap: &Snapshot, ty: TypeId, id: &str) -> Result<Option<ApiError>, ApiError> {
    let former = snap.former(ty, id).map_err(ApiError::internal)?;
    Ok(former.map(|former| match former.is_withdrawn_by_law {
        true => ApiError::withdrawn(id, former.number),
        false => ApiError::no_longer_kept(id, former.number),
    }))
}
