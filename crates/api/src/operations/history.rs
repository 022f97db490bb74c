//! `GET [base]/_history`, `[base]/{type}/_history` and `[base]/{type}/{id}/_history`: versions in the order of their commits.

use std::sync::Arc;

use annuaire_index::{Index, RoaringBitmap, Row, Snapshot};
use annuaire_web::ErrorCode;

use super::bundle_answer::{BundleSource, bundle_answer, with_lowered_count};
use super::read::former;
use crate::answer::Answer;
use crate::as_of::past_floor;
use crate::basis::TypeSet;
use crate::bundle::{BundleFrame, HistoryOrder, PageStart, history};
use crate::call::Call;
use crate::cursor::PageSeal;
use crate::door::FhirDoor;
use crate::error::ApiError;
use crate::query::{Handling, PageSize, interval, page_size, pairs};

/// The history of everything.
pub(crate) fn history_of_all<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 0]) -> Result<Answer, ApiError> {
    first_page(pass, call, HistoryScope::All)
}

/// The history of a type.
pub(crate) fn history_of_type<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [ty]: [&str; 1]) -> Result<Answer, ApiError> {
    first_page(pass, call, HistoryScope::Type(ty))
}

/// The history of a resource.
pub(crate) fn history_of_resource<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    [ty, id]: [&str; 2],
) -> Result<Answer, ApiError> {
    first_page(pass, call, HistoryScope::Resource(ty, id))
}

/// What a history is of.
#[derive(Clone, Copy)]
pub(super) enum HistoryScope<'a> {
    All,
    Type(&'a str),
    Resource(&'a str, &'a str),
}

impl<'a> HistoryScope<'a> {
    /// The scope in a page token; `None` when it is not that of a history.
    pub(super) fn of_token(scope: &'a str) -> Option<Self> {
        let mut segments = scope.split('/');
        Some(match (segments.next()?, segments.next(), segments.next(), segments.next()) {
            ("_history", None, ..) => Self::All,
            (ty, Some("_history"), None, _) => Self::Type(ty),
            (ty, Some(id), Some("_history"), None) => Self::Resource(ty, id),
            _ => return None,
        })
    }

    fn to_token(self) -> String {
        match self {
            Self::All => "_history".to_owned(),
            Self::Type(ty) => format!("{ty}/_history"),
            Self::Resource(ty, id) => format!("{ty}/{id}/_history"),
        }
    }
}

/// The first page, or a following one.
pub(super) struct HistoryPage<'a> {
    pub scope: HistoryScope<'a>,
    /// The store of the state.
    pub index: Arc<Index>,
    /// The state of the first page.
    pub snap: Snapshot,
    /// The query of the first page.
    pub query: &'a str,
    pub handling: Handling,
    /// Where a following page begins.
    pub from: Option<PageStart>,
}

fn first_page<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, scope: HistoryScope<'_>) -> Result<Answer, ApiError> {
    call.subject.route = "history";
    let index = call.store(pass)?;
    let snap = index.snapshot().map_err(ApiError::internal)?.within(call.effort);
    let query = call.query().to_owned();
    let handling = Handling::of_request(&call.parts.headers);
    history_page(call, HistoryPage { scope, index, snap, query: &query, handling, from: None })
}

/// A page of a history.
pub(super) fn history_page<P: FhirDoor>(call: &mut Call<'_, P>, page: HistoryPage<'_>) -> Result<Answer, ApiError> {
    let HistoryPage { scope, index, snap, query, handling, from } = page;
    let ty = match scope {
        HistoryScope::All => None,
        HistoryScope::Type(name) | HistoryScope::Resource(name, _) => {
            let not_published = || ApiError::type_not_published(ErrorCode::TypeUnknown, P::TYPES, name);
            Some(P::TYPES.find(name).ok_or_else(not_published)?)
        }
    };
    call.subject.ty = ty.map_or("-", |(name, _)| name);
    let parameters = HistoryParameters::read(query, ty.map_or("System", |(name, _)| name), handling)?;
    let number = ty.map(|(_, number)| number);
    // What may be told of the past changes with the hour, so that an answer that depends on it is not kept.
    let floor = past_floor::<P>(call.service, &index)?;
    if from.is_none() && floor.is_none() {
        call.depends_on(&snap, number.map_or(TypeSet::all(), TypeSet::one))?;
    }
    let mut rows = match (scope, number) {
        (HistoryScope::Resource(_, id), Some(number)) => {
            let versions = snap.history(number, id).map_err(ApiError::from_index)?;
            if versions.is_empty() {
                return Err(former(&snap, number, id)?.unwrap_or_else(|| ApiError::missing(id)));
            }
            let rows: RoaringBitmap = versions.into_iter().map(Row::get).collect();
            rows & snap.versions_since(Some(number), parameters.since_ms).map_err(ApiError::from_index)?
        }
        _ => snap.versions_since(number, parameters.since_ms).map_err(ApiError::internal)?,
    };
    if let Some(floor) = floor {
        let types = number.map_or_else(|| P::TYPES.numbers(), |number| vec![number]);
        rows = floor.without_replaced(&types, rows).map_err(ApiError::internal)?;
    }
    if let Some((first_ms, last_ms)) = parameters.at_ms {
        rows = snap.current_during(&rows, first_ms, last_ms).map_err(ApiError::from_index)?;
    }
    let base = call.base();
    let self_url = match from {
        Some(_) => format!("{base}/_page?{}", call.query()),
        None if query.is_empty() => format!("{base}{}", call.path()),
        None if parameters.page_size.lowered => format!("{base}{}?{}", call.path(), with_lowered_count(query)),
        None => format!("{base}{}?{query}", call.path()),
    };
    let scope = format!("{}{}", P::SCOPE, scope.to_token());
    let seal = PageSeal::new(&call.service.cipher, &index)?;
    let frame = BundleFrame { base, seal, self_url, scope, query: query.to_owned(), from };
    let source = BundleSource { parts: call.parts, index: &index, snap: &snap, subject: call.subject };
    let HistoryParameters { page_size, order, .. } = parameters;
    bundle_answer(source, frame, |frame| Ok(history(&snap, rows, page_size.entries, order, frame)))
}

/// The parameters of a history.
struct HistoryParameters {
    page_size: PageSize,
    /// Versions from this instant on.
    since_ms: i64,
    /// Versions that were current at some instant between these two.
    at_ms: Option<(i64, i64)>,
    order: HistoryOrder,
}

impl HistoryParameters {
    /// Reads a query. `owner` is named in refusals.
    fn read(query: &str, owner: &str, handling: Handling) -> Result<Self, ApiError> {
        let mut read = Self { page_size: PageSize::default(), since_ms: i64::MIN, at_ms: None, order: HistoryOrder::NewestFirst };
        for (name, value) in pairs(query)? {
            let in_parameter = |error: ApiError| error.in_parameter(&name);
            match name.as_str() {
                "_since" | "_at" if value.is_empty() => {}
                "_since" => read.since_ms = interval(&value).map_err(in_parameter)?.0,
                "_at" => read.at_ms = Some(interval(&value).map_err(in_parameter)?),
                "_count" => read.page_size = page_size(&value)?.unwrap_or(read.page_size),
                "_sort" => {
                    read.order = match value.as_str() {
                        "_lastUpdated" => HistoryOrder::OldestFirst,
                        "-_lastUpdated" | "" | "none" => HistoryOrder::NewestFirst,
                        _ => {
                            let known = ["_lastUpdated", "-_lastUpdated"];
                            return Err(ApiError::unknown(&format!("_sort={value}"), "System", known));
                        }
                    }
                }
                "_format" | "_pretty" | "fhirVersion" => {}
                _ if handling == Handling::Lenient => {}
                _ => return Err(ApiError::unknown(&name, owner, ["_since", "_at", "_count", "_sort"])),
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_survives_its_token() {
        for scope in ["_history", "Organization/_history", "Organization/1/_history", "Organization/_history/_history"] {
            assert_eq!(HistoryScope::of_token(scope).unwrap().to_token(), scope);
        }
        for other in ["Organization", "", "dr:_history/x", "Organization/1/_history/2", "Organization/1", "a/b/c/_history"] {
            assert!(HistoryScope::of_token(other).is_none(), "{other}");
        }
    }

    #[test]
    fn parameters_are_read_or_refused() {
        let read = |query, handling| HistoryParameters::read(query, "System", handling);
        let page = read("_count=3&_sort=_lastUpdated&_since=2026&_at=", Handling::Usual).ok().unwrap();
        assert_eq!((page.page_size.entries, page.order, page.at_ms), (3, HistoryOrder::OldestFirst, None));
        assert!(page.since_ms > 0);
        assert!(read("bogus=1", Handling::Usual).is_err() && read("bogus=1", Handling::Strict).is_err());
        assert!(read("bogus=1", Handling::Lenient).is_ok());
        assert!(read("_sort=name", Handling::Lenient).is_err() && read("_since=x", Handling::Usual).is_err());
    }
}
