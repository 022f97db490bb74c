//! `GET [base]/$changes`: the versions of the directory in the order of the log, for copies (interop §11.2).
//!
//! | Call | Lines |
//! |---|---|
//! | `after=0` | each resource that stands, as its version of now |
//! | `after=N` | the versions of the transactions after `N`, deletions included |
//!
//! Versions that were replaced before `first` of `$changes/state` are not kept: lines after an earlier transaction pass them over, and lead
//! to the same state.
//!
//! Whoever has applied the lines up to `X-Complete-Tx`, in their order, has the state of that transaction. The link `next` always leads
//! on: to the rest of an answer that `limit` cut, then to what comes later. Numbers and instants told here are those of the changes of
//! this perimeter: what is committed for another one shows neither in a line nor in a header.

use std::sync::Arc;

use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_index::{Index, RoaringBitmap, Row, Snapshot};
use annuaire_terms::TypeId;
use annuaire_web::ErrorCode;
use annuaire_web::limits::PIECE;
use axum::http::{HeaderName, StatusCode, header};
use serde_json::json;

use super::last_change::{LastChange, last_change};
use crate::answer::{Answer, AnswerMedia, AnswerRest};
use crate::as_of::past_floor;
use crate::call::Call;
use crate::change_lines::ChangeLines;
use crate::door::FhirDoor;
use crate::error::{ApiError, Awaited};
use crate::limits;
use crate::query::{interval, pairs};
use crate::types::PublishedTypes;

/// Last transaction of the perimeter.
const LAST_TX: HeaderName = HeaderName::from_static("x-last-tx");
/// Instant of that transaction.
const LAST_TIME: HeaderName = HeaderName::from_static("x-last-time");
/// Transaction up to which the lines so far tell everything.
const COMPLETE_TX: HeaderName = HeaderName::from_static("x-complete-tx");
/// Lines that come after those of this answer.
const LINES_LEFT: HeaderName = HeaderName::from_static("x-lines-left");
/// Identity of the log in which numbers of transactions mean something: its id, a point, its epoch.
const LOG: HeaderName = HeaderName::from_static("x-log");

/// The versions after a transaction.
pub(crate) fn changes<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 1]) -> Result<Answer, ApiError> {
    call.subject.route = "changes";
    let index = call.store(pass)?;
    let parameters = ChangesParameters::read(call.query(), P::TYPES)?;
    let page = changes_page(call, &index, &parameters)?;
    if page.rows.is_empty() && !parameters.wait.is_zero() && !call.has_waited {
        // Asked again with each transaction, until one of them has something for this perimeter.
        return Err(ApiError::awaiting(Awaited { tx: Tx::new(index.applied_tx().get() + 1), at_most: parameters.wait }));
    }
    call.subject.results = Some(page.rows.len());
    let ChangesPage { snap, rows, left, last, complete, next } = page;
    let mut lines = ChangeLines::new(snap.tx(), rows, parameters.with_resources);
    let (body, is_last) = lines.write(&snap, PIECE)?;
    let rest = (!is_last).then(|| AnswerRest::Changes { lines, index: Arc::clone(&index) });
    let answer = Answer { media: AnswerMedia::Lines, rest, ..Answer::fhir(StatusCode::OK, body) };
    let answer = answer
        .with(header::CACHE_CONTROL, "no-cache".to_owned())
        .with(header::LINK, format!("<{}/$changes?{next}>; rel=\"next\"", call.base()))
        .with(LAST_TX, last.tx.to_string())
        .with(LAST_TIME, iso_ms(last.ms))
        .with(COMPLETE_TX, complete.to_string())
        .with(LINES_LEFT, left.to_string());
    with_log(answer, &index)
}

/// `GET [base]/$changes/state`: where the log is, and from which transaction on its versions are kept.
pub(crate) fn changes_state<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 2]) -> Result<Answer, ApiError> {
    call.subject.route = "changes-state";
    let index = call.store(pass)?;
    let snap = index.snapshot().map_err(ApiError::internal)?;
    let last = last_change(&snap)?;
    let floor = past_floor::<P>(call.service, &index)?;
    let first = floor.map_or(index.retained_from(), |floor| floor.tx());
    let body = json!({
        "first": first.get(),
        "last": last.tx.get(),
        "lastTime": (last.tx > Tx::NONE).then(|| iso_ms(last.ms)),
    });
    with_log(json_answer(&body), &index)
}

/// `GET [base]/$changes/at?time=`: the last transaction at an instant or before it.
pub(crate) fn changes_at<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 2]) -> Result<Answer, ApiError> {
    call.subject.route = "changes-at";
    let index = call.store(pass)?;
    let mut wanted = None;
    for (name, value) in pairs(call.query())? {
        match name.as_str() {
            "time" if !value.is_empty() => wanted = Some(interval(&value).map_err(|error| error.in_parameter("time"))?.0),
            "time" | "_format" | "_pretty" => {}
            _ => return Err(ApiError::unknown(&name, "System", ["time"])),
        }
    }
    let wanted = wanted.ok_or_else(|| ApiError::value("Write time=2026-11-25T08:30:00+01:00.").in_parameter("time"))?;
    let snap = index.snapshot().map_err(ApiError::internal)?;
    let found = match snap.transaction_at(wanted).map_err(ApiError::internal)? {
        // The last of this perimeter.
        Some((tx, _)) => last_change(&kept_state(&index, tx)?)?,
        None => LastChange::NONE,
    };
    if found.tx == Tx::NONE {
        let hint = "The first transaction that is kept is later: $changes?after=0 gives the whole directory.";
        return Err(ApiError::missing("$changes").hint(hint));
    }
    with_log(json_answer(&json!({"tx": found.tx.get(), "time": iso_ms(found.ms)})), &index)
}

fn json_answer(body: &serde_json::Value) -> Answer {
    let answer = Answer { media: AnswerMedia::Json, ..Answer::fhir(StatusCode::OK, body.to_string().into_bytes()) };
    answer.with(header::CACHE_CONTROL, "no-cache".to_owned())
}

fn with_log(answer: Answer, index: &Index) -> Result<Answer, ApiError> {
    let log = index.log().map_err(ApiError::internal)?;
    Ok(match log {
        Some(log) => answer.with(LOG, format!("{:032x}.{}", log.id, log.epoch)),
        None => answer,
    })
}

/// What an answer tells.
struct ChangesPage {
    snap: Snapshot,
    rows: RoaringBitmap,
    /// Rows that `limit` left to the answers that follow.
    left: u64,
    last: LastChange,
    complete: Tx,
    /// Query of the link that leads on.
    next: String,
}

fn changes_page<P: FhirDoor>(call: &Call<'_, P>, index: &Index, parameters: &ChangesParameters) -> Result<ChangesPage, ApiError> {
    let ChangesParameters { after, until, row, .. } = *parameters;
    if until.unwrap_or(after) > index.applied_tx() {
        return Err(ApiError::behind(until.unwrap_or(after)));
    }
    let snap = match until {
        None => index.snapshot().map_err(ApiError::internal)?,
        Some(until) => kept_state(index, until)?,
    }
    .within(call.effort);
    let is_copy = after == Tx::NONE;
    let floor = past_floor::<P>(call.service, index)?;
    if floor.as_ref().is_some_and(|floor| snap.tx() < floor.tx()) {
        return Err(overtaken());
    }
    let mut rows = match is_copy {
        true => snap.standing(&parameters.types),
        false => {
            let rows = snap.since(&parameters.types, after).map_err(ApiError::internal)?;
            match floor {
                Some(floor) => floor.without_replaced(&parameters.types, rows).map_err(ApiError::internal)?,
                None => rows,
            }
        }
    };
    if let Some(row) = row {
        rows.remove_range(..=row);
    }
    let last = last_change(&snap)?;
    let first_left = rows.select(u32::try_from(parameters.limit).unwrap_or(u32::MAX));
    let all = rows.len();
    if let Some(first_left) = first_left {
        rows.remove_range(first_left..);
    }
    let left = all - rows.len();
    let tx_of = |row: u32| snap.read(Row::new(row)).map(|version| version.tx).map_err(ApiError::from_index);
    let (complete, next) = match (first_left, rows.max()) {
        (Some(left), Some(end)) => {
            // All but what the transaction of the next line begins.
            let complete = Tx::new(tx_of(left)?.get() - 1);
            let until = if is_copy { format!("&until={}", until.unwrap_or(last.tx)) } else { String::new() };
            (complete, format!("after={after}&row={end}{until}"))
        }
        _ => {
            let reached = last.tx.max(after);
            (reached, format!("after={reached}"))
        }
    };
    let next = next + &parameters.kept;
    Ok(ChangesPage { snap, rows, left, last, complete, next })
}

/// The state of a transaction, while it is kept.
fn kept_state(index: &Index, tx: Tx) -> Result<Snapshot, ApiError> {
    match index.snapshot_at(tx) {
        Ok(Some(snap)) => Ok(snap),
        Ok(None) => Err(ApiError::value("No transaction of the log has this number.").in_parameter("until")),
        Err(annuaire_index::Error::TooOld) => Err(overtaken()),
        Err(error) => Err(ApiError::internal(error)),
    }
}

/// A copy that takes longer than states are kept.
fn overtaken() -> ApiError {
    ApiError::new(ErrorCode::PageExpired, "The state of this copy is not kept any more.").hint("Begin again with after=0.")
}

/// The parameters of `$changes`.
struct ChangesParameters {
    after: Tx,
    /// State of a copy that is under way.
    until: Option<Tx>,
    /// Row of the last line that the client has.
    row: Option<u32>,
    limit: u64,
    wait: std::time::Duration,
    with_resources: bool,
    types: Vec<TypeId>,
    /// Parameters that the next link repeats.
    kept: String,
}

impl ChangesParameters {
    fn read(query: &str, types: PublishedTypes) -> Result<Self, ApiError> {
        let all = types.numbers();
        let mut read = Self {
            after: Tx::NONE,
            until: None,
            row: None,
            limit: limits::CHANGES,
            wait: std::time::Duration::ZERO,
            with_resources: true,
            types: all,
            kept: String::new(),
        };
        for (name, value) in pairs(query)? {
            let number = || value.parse::<u64>().map_err(|_| ApiError::value("Write a whole number.").in_parameter(&name));
            match name.as_str() {
                _ if value.is_empty() => {}
                "after" => read.after = Tx::new(number()?),
                "until" => read.until = Some(Tx::new(number()?)),
                "row" => read.row = Some(u32::try_from(number()?).unwrap_or(u32::MAX)),
                "limit" => {
                    read.limit = number()?.clamp(1, limits::CHANGES_CAP);
                    read.kept += &format!("&limit={}", read.limit);
                }
                "wait" => read.wait = std::time::Duration::from_secs(number()?).min(limits::CHANGES_WAIT),
                "content" => match value.as_str() {
                    "id-only" => {
                        read.with_resources = false;
                        read.kept += "&content=id-only";
                    }
                    "full-resource" => {}
                    _ => return Err(ApiError::value("Write id-only or full-resource.").in_parameter(&name)),
                },
                "_type" => {
                    let number_of = |name: &str| {
                        let not_published = || ApiError::type_not_published(ErrorCode::TypeNotSearched, types, name);
                        types.find(name).map(|(_, number)| number).ok_or_else(not_published)
                    };
                    read.types = value.split(',').map(number_of).collect::<Result<_, _>>()?;
                    read.kept += &format!("&_type={value}");
                }
                "_format" | "_pretty" => {}
                _ => return Err(ApiError::unknown(&name, "System", ["after", "limit", "wait", "content", "_type"])),
            }
        }
        Ok(read)
    }
}
