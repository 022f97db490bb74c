//! `GET [base]/{type}/{id}/_history/{version}`: one version of a resource.

use annuaire_index::Tombstone;
use annuaire_web::ErrorCode;

use super::read::former;
use super::resource_answer::resource_answer;
use crate::answer::Answer;
use crate::as_of::past_floor;
use crate::basis::TypeSet;
use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::ApiError;
use crate::limits;
use crate::types::PublishedTypes;

/// The version of that number. A version never changes, but it may be withdrawn, which caches must notice within a day (COND-5,
/// WDR-5).
pub(crate) fn vread<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    [ty, id, version]: [&str; 3],
) -> Result<Answer, ApiError> {
    call.subject.route = "vread";
    let not_published = || ApiError::type_not_published(ErrorCode::TypeUnknown, P::TYPES, ty);
    let (ty, number) = P::TYPES.find(ty).ok_or_else(not_published)?;
    call.subject.ty = ty;
    let index = call.store(pass)?;
    let snap = index.snapshot().map_err(ApiError::internal)?;
    let floor = past_floor::<P>(call.service, &index)?;
    if floor.is_none() {
        call.depends_on(&snap, TypeSet::NONE)?;
    }
    let found = match version.parse::<u32>() {
        Ok(n) => snap.version(number, id, n).map_err(ApiError::internal)?,
        Err(_) => None,
    };
    let Some(entry) = found else {
        return Err(former(&snap, number, id)?.unwrap_or_else(|| ApiError::missing(&format!("{id}/_history/{version}"))));
    };
    if floor.is_some_and(|floor| floor.had_replaced(&entry)) {
        let hint = "It was replaced before what this perimeter tells; the historised perimeter tells it.";
        return Err(ApiError::missing(&format!("{id}/_history/{version}")).hint(hint));
    }
    match entry.tombstone {
        None => {}
        Some(Tombstone::WithdrawnByLaw) => return Err(ApiError::withdrawn(&format!("{id}/_history/{version}"), entry.number)),
        Some(Tombstone::Vanished) => return Err(ApiError::gone(id, entry.number)),
    }
    let seconds = limits::VERSION_KEPT;
    let cache_control = match P::TYPES {
        PublishedTypes::Public => format!("max-age={seconds}, immutable"),
        PublishedTypes::Restricted => format!("private, max-age={seconds}, immutable"),
    };
    resource_answer(call, ty, entry, cache_control)
}
