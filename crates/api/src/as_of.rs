//! Reads of a past state of the directory (Memento, RFC 7089; interop §11.1).
//!
//! A request names the state by the parameter `_asOf` (an instant, or `tx:41`) or by the header `Accept-Datetime`; the parameter wins. A
//! literal stands for its whole interval, as everywhere in FHIR: `_asOf=2026-11-24` is the state at the end of that day, and the second of
//! an HTTP date is all of its milliseconds, so that a client that sends back the `Memento-Datetime` of an answer gets that answer.
//!
//! This is the time of the system: what the directory said. What was true at an instant is in `period` elements (ASOF-7).

use std::sync::Arc;

use annuaire_base::Tx;
use annuaire_base::date::{http_date, iso_ms, parse_http_date};
use annuaire_index::{Index, Snapshot};
use annuaire_web::ErrorCode;
use axum::http::{HeaderMap, HeaderName, header};

use crate::answer::Answer;
use crate::basis::TypeSet;
use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::{ApiError, Awaited};
use crate::headers::header_text;
use crate::limits;
use crate::query::{interval, pairs, without_parameter};
use crate::service::Service;
use crate::types::PublishedTypes;

/// The parameter that names a state.
pub(crate) const PARAMETER: &str = "_asOf";
/// The header that names a state (RFC 7089 §2.1.1).
pub(crate) const ACCEPT_DATETIME: HeaderName = HeaderName::from_static("accept-datetime");
/// Instant of the state that was answered (RFC 7089 §2.1.1).
const MEMENTO_DATETIME: HeaderName = HeaderName::from_static("memento-datetime");

/// The state that a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AsOf {
    /// The last one whose instant is not after the last of these milliseconds (UTC).
    Instant { first_ms: i64, last_ms: i64 },
    /// The last one whose number is not greater.
    Transaction(Tx),
}

impl AsOf {
    /// The state that parameters (still encoded) or headers name; `None` for the state of now.
    fn of_request(parameters: &str, headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let mut named: Option<String> = None;
        for (name, value) in pairs(parameters)? {
            if name != PARAMETER || value.is_empty() {
                continue;
            }
            if named.as_ref().is_some_and(|before| *before != value) {
                return Err(ApiError::value("It is given twice, with two values: keep one.").in_parameter(PARAMETER));
            }
            named = Some(value);
        }
        if let Some(value) = named {
            return Self::of_parameter(&value).map(Some).map_err(|error| error.in_parameter(PARAMETER));
        }
        if !headers.contains_key(ACCEPT_DATETIME) {
            return Ok(None);
        }
        let second = parse_http_date(header_text(headers, ACCEPT_DATETIME)).ok_or_else(|| {
            ApiError::value("Accept-Datetime is an HTTP date, as Tue, 24 Nov 2026 10:00:00 GMT; _asOf takes an instant.")
        })?;
        let first_ms = second.saturating_mul(1_000);
        Ok(Some(Self::Instant { first_ms, last_ms: first_ms.saturating_add(999) }))
    }

    fn of_parameter(value: &str) -> Result<Self, ApiError> {
        if let Some(number) = value.strip_prefix("tx:") {
            let number = number.parse().map_err(|_| ApiError::value("Write tx: and the number of a transaction, as tx:41."))?;
            return Ok(Self::Transaction(Tx::new(number)));
        }
        let (first_ms, last_ms) = interval(value)?;
        Ok(Self::Instant { first_ms, last_ms })
    }

    /// The transaction of the state, and whether it is settled: no later transaction can be the last one of the instant.
    fn find(self, index: &Index, latest: &Snapshot, now_ms: i64) -> Result<(Tx, bool), ApiError> {
        let (found, settled) = match self {
            Self::Transaction(tx) if tx > latest.tx() => {
                // Another server may have given the number, and this one be a moment behind it.
                let awaits = Some(Box::new(Awaited { tx, at_most: limits::BEHIND_WAIT }));
                return Err(ApiError { awaits, ..future(&format!("The last transaction here is {}.", latest.tx())) });
            }
            Self::Transaction(tx) => (latest.transaction_up_to(tx), true),
            Self::Instant { first_ms, .. } if first_ms > now_ms.max(latest.commit_ms()) => {
                return Err(future("Leave it out for the state of now."));
            }
            Self::Instant { last_ms, .. } => (latest.transaction_at(last_ms), last_ms <= latest.commit_ms()),
        };
        match found.map_err(ApiError::internal)? {
            Some((tx, _)) if tx >= index.retained_from() => Ok((tx, settled)),
            None if index.retained_from() == Tx::NONE => Err(ApiError::new(
                ErrorCode::StateUnknown,
                "The directory did not exist at this instant: its first transaction is later.",
            )),
            _ => Err(expired(index, latest)?),
        }
    }
}

/// The refusal of a state that has not come yet (ASOF-4).
fn future(hint: &str) -> ApiError {
    ApiError::new(ErrorCode::StateNotYet, "This state of the directory is in the future.").hint(hint)
}

/// The refusal of a state that the store does not keep any more, with the oldest instant that it keeps.
fn expired(index: &Index, latest: &Snapshot) -> Result<ApiError, ApiError> {
    let first = latest.transaction_up_to(index.retained_from()).map_err(ApiError::internal)?;
    let oldest = match first {
        Some((tx, ms)) => format!("The oldest one is that of {} (tx:{tx}).", iso_ms(ms)),
        None => "Ask a later one.".to_owned(),
    };
    Ok(ApiError::new(ErrorCode::StateExpired, "This state of the directory is not kept any more.").hint(oldest))
}

/// The oldest state that a door tells, when it tells less than its store keeps: what was replaced before it is for the historised
/// perimeter (data-perimeters §2).
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn past_floor<P: FhirDoor>(service: &Service, index: &Index) -> Result<Option<Snapshot>, ApiError> {
    let Some(past) = P::past(service) else { return Ok(None) };
    let past_ms = i64::try_from(past.as_millis()).unwrap_or(i64::MAX);
    let since_ms = service.turns.gate.now().div_euclid(1_000).saturating_sub(past_ms);
    let latest = index.snapshot().map_err(ApiError::internal)?;
    let Some((tx, _)) = latest.transaction_at(since_ms).map_err(ApiError::internal)? else { return Ok(None) };
    match index.snapshot_at(tx) {
        Ok(floor) => Ok(floor),
        // The store keeps less than the door may tell.
        Err(annuaire_index::Error::TooOld) => Ok(None),
        Err(error) => Err(ApiError::internal(error)),
    }
}

/// The refusal of a state before the past that a door tells.
pub(crate) fn beyond_the_past(floor: &Snapshot) -> ApiError {
    let oldest = iso_ms(floor.commit_ms());
    ApiError::new(ErrorCode::StateExpired, "This perimeter does not tell this state of the directory any more.")
        .hint(format!("The oldest one is that of {oldest} (tx:{}); the historised perimeter tells older ones.", floor.tx()))
}

/// The state that an operation reads.
pub(crate) struct AskedState {
    pub index: Arc<Index>,
    pub snap: Snapshot,
    /// What the answer says of the state, when the request names it.
    pub memento: Option<Memento>,
}

/// A past state, as headers tell it (ASOF-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memento {
    /// Instant of its transaction, milliseconds since 1970 UTC.
    commit_ms: i64,
    /// The request gives this state for ever (ASOF-3): only a withdrawal changes the answer.
    pub settled: bool,
}

impl Memento {
    /// That of a page, whose link names its state, for a client that asked for a past one.
    pub(crate) fn of_page(snap: &Snapshot, query: &str, headers: &HeaderMap) -> Option<Self> {
        let is_named = headers.contains_key(ACCEPT_DATETIME)
            || pairs(query).is_ok_and(|all| all.iter().any(|(name, value)| name == PARAMETER && !value.is_empty()));
        is_named.then(|| Self { commit_ms: snap.commit_ms(), settled: true })
    }

    /// How long a cache may keep the answer: a state never changes, but what it holds may be withdrawn (WDR-5).
    pub(crate) fn cache_control(self, types: PublishedTypes) -> String {
        match (self.settled, types) {
            (false, _) => "no-cache".to_owned(),
            (true, PublishedTypes::Public) => format!("max-age={}", limits::VERSION_KEPT),
            (true, PublishedTypes::Restricted) => format!("private, max-age={}", limits::VERSION_KEPT),
        }
    }

    /// An answer of this state, with the address of what it is a state of; with that of its versions, when it is one resource.
    pub(crate) fn stamp(self, answer: Answer, original: &str, timemap: Option<&str>) -> Answer {
        let timemap = timemap.map(|address| format!(", <{address}>; rel=\"timemap\"; type=\"application/fhir+json\""));
        answer
            .with(MEMENTO_DATETIME, http_date(self.commit_ms))
            .with(header::LINK, format!("<{original}>; rel=\"original\"{}", timemap.unwrap_or_default()))
    }
}

/// A bundle of a state, with the headers of one that the request names.
pub(crate) fn stamped(
    answer: Answer,
    memento: Option<Memento>,
    types: PublishedTypes,
    original: impl FnOnce() -> String,
) -> Answer {
    match memento {
        None => answer,
        Some(memento) => {
            let answer = answer.with(header::CACHE_CONTROL, memento.cache_control(types));
            memento.stamp(answer, &original(), None)
        }
    }
}

/// An address without the state that its query names.
pub(crate) fn original(path: &str, query: &str) -> String {
    match without_parameter(query, PARAMETER) {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

impl<P: FhirDoor> Call<'_, P> {
    /// The state that the request names in `parameters` (still encoded) or headers, else that of now.
    ///
    /// # Errors
    /// For a state that is malformed (400), in the future (400), before the first transaction (404), or not kept any more (410).
    pub(crate) fn state(&mut self, pass: P::Pass, parameters: &str) -> Result<AskedState, ApiError> {
        *self.varies_with_instant = true;
        let index = self.store(pass)?;
        let latest = index.snapshot().map_err(ApiError::internal)?.within(self.effort);
        let Some(as_of) = AsOf::of_request(parameters, &self.parts.headers)? else {
            return Ok(AskedState { index, snap: latest, memento: None });
        };
        let now_ms = self.service.turns.gate.now().div_euclid(1_000);
        let (tx, settled) = as_of.find(&index, &latest, now_ms)?;
        if let Some(floor) = past_floor::<P>(self.service, &index)?
            && tx < floor.tx()
        {
            return Err(beyond_the_past(&floor));
        }
        let snap = match index.snapshot_at(tx) {
            Ok(snap) => snap.ok_or_else(|| ApiError::internal("transaction of a state"))?.within(self.effort),
            // Compaction went over it since.
            Err(annuaire_index::Error::TooOld) => return Err(expired(&index, &latest)?),
            Err(error) => return Err(ApiError::internal(error)),
        };
        let memento = Some(Memento { commit_ms: snap.commit_ms(), settled });
        Ok(AskedState { index, snap, memento })
    }

    /// Says what an answer of the state is made of: of `types` in the state of now, of nothing that changes in one that is settled. The
    /// answers of another one are not kept.
    pub(crate) fn depends_on_state(&mut self, snap: &Snapshot, memento: Option<Memento>, types: TypeSet) -> Result<(), ApiError> {
        match memento {
            None => self.depends_on(snap, types),
            Some(memento) if memento.settled && P::past(self.service).is_none() => self.depends_on(snap, TypeSet::NONE),
            Some(_) => Ok(()),
        }
    }

    /// Address of the request without the state that it names, as the client sees it.
    pub(crate) fn original(&self) -> String {
        original(&format!("{}{}", self.base(), self.path()), self.query())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str, header: Option<&str>) -> Result<Option<AsOf>, u16> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(ACCEPT_DATETIME, header.parse().expect("a value"));
        }
        AsOf::of_request(query, &headers).map_err(|error| error.code.status().as_u16())
    }

    #[test]
    fn the_parameter_wins_and_a_literal_stands_for_its_interval() {
        let second = |first_ms| Ok(Some(AsOf::Instant { first_ms, last_ms: first_ms + 999 }));
        let header = Some("Tue, 24 Nov 2026 10:00:00 GMT");
        assert_eq!(asked("", None), Ok(None));
        assert_eq!(asked("_asOf=", None), Ok(None));
        assert_eq!(asked("name=a", header), second(1_795_514_400_000));
        assert_eq!(asked("_asOf=2026-11-24T11:00:01%2B01:00", header), second(1_795_514_401_000));
        assert_eq!(asked("_asOf=2026-11-24T11:00:01+01:00", None), second(1_795_514_401_000));
        let ms = 1_795_514_400_250;
        assert_eq!(
            asked("%5FasOf=2026-11-24T10:00:00.250Z", None),
            Ok(Some(AsOf::Instant { first_ms: ms, last_ms: ms })),
            "a millisecond is itself"
        );
        assert_eq!(asked("_asOf=tx:41", header), Ok(Some(AsOf::Transaction(Tx::new(41)))));
        assert_eq!(asked("_asOf=tx:41&_asOf=tx:41", None), Ok(Some(AsOf::Transaction(Tx::new(41)))));
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for query in ["_asOf=yesterday", "_asOf=tx:", "_asOf=tx:-1", "_asOf=tx:1&_asOf=tx:2", "_asOf=41tx", "_asOf=gt2026"] {
            assert_eq!(asked(query, None), Err(400), "{query}");
        }
        for header in ["", "2026-11-24", "Tue, 24 Nov 2026 10:00:00", "Tue, 99 Nov 2026 10:00:00 GMT"] {
            assert_eq!(asked("", Some(header)), Err(400), "{header}");
        }
    }
}
