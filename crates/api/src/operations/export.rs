//! `[base]/$export`: what a caller asks of the perimeter, made as files behind its back (Bulk Data Export, interop §5).
//!
//! | Address | Answer |
//! |---|---|
//! | `POST` or `GET` `$export` | 202, with the address of the export in `Content-Location` |
//! | `$export/{id}` | 202 while it is made, then the manifest; `DELETE` ends it |
//! | `$export/{id}/files/{name}` | a file, as those of `$bulk-publish` are served |
//! | `{type}/$export` | nothing: the standard has no such operation (BULK-3) |
//!
//! Starting and ending write to the disk, so that they run in the lane of long work.

use annuaire_base::Tx;
use annuaire_base::date::http_date;
use annuaire_bulk::{
    ExportAddresses, ExportCaller, ExportEnd, ExportFailure, ExportJobs, ExportRefusal, ExportRequest, ExportState, Found,
    export_manifest,
};
use annuaire_index::{Index, Snapshot};
use annuaire_web::ErrorCode;
use annuaire_web::limits::WITHDRAWAL_SECONDS;
use axum::http::{HeaderName, Method, StatusCode, header};

use super::export_parameters::{ExportParameters, GivenParameter, posted_parameters};
use super::publish_files::file_of_lines;
use crate::answer::{Answer, AnswerMedia};
use crate::as_of::{beyond_the_past, past_floor};
use crate::call::Call;
use crate::door::{FhirDoor, Sharing};
use crate::error::ApiError;
use crate::format::{AnswerFormat, not_served};
use crate::headers::header_text;
use crate::limits;
use crate::outcome::{Severity, operation_outcome};
use crate::query::{Handling, compile_export_filter, pairs};

/// How far an export is.
const PROGRESS: HeaderName = HeaderName::from_static("x-progress");
/// What a request preferred and got.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The exports of the service.
fn jobs<'s, P: FhirDoor>(call: &Call<'s, P>) -> Result<&'s ExportJobs, ApiError> {
    let none = || ApiError::new(ErrorCode::OperationNotHere, "This server makes no exports.");
    call.service.exports.as_deref().ok_or_else(none)
}

/// Whether callers of the door are known by a key or a credential, and files need what the start needed (BULK-18).
fn knows_callers<P: FhirDoor>(call: &Call<'_, P>) -> bool {
    P::SHARING == Sharing::NoStore || call.service.turns.gate.asks_for_keys()
}

fn now_ms<P: FhirDoor>(call: &Call<'_, P>) -> i64 {
    call.service.turns.gate.now().div_euclid(1_000)
}

/// A failure that may be over soon (BULK-13).
fn transient(cause: annuaire_bulk::Error) -> ApiError {
    let internal = ApiError::internal(cause);
    ApiError { cause: internal.cause, ..ApiError::new(ErrorCode::StoreBehind, "The export cannot be looked up now.") }
}

/// A refusal that asks for patience.
fn throttled(text: &str, hint: &str, seconds: i64) -> Answer {
    let error = ApiError::new(ErrorCode::TooManyExports, text).hint(hint);
    let body = operation_outcome(Severity::Error, std::slice::from_ref(&error));
    Answer::fhir(error.code.status(), body).with(header::RETRY_AFTER, seconds.max(1).to_string())
}

/// `{type}/$export`, which the standard does not have.
pub(crate) fn export_of_type<P: FhirDoor>(_: P::Pass, call: &mut Call<'_, P>, [ty]: [&str; 1]) -> Result<Answer, ApiError> {
    call.subject.route = "export-type";
    Err(ApiError::new(ErrorCode::OperationNotHere, "$export is an operation of the whole directory.")
        .hint(format!("Ask $export with _type={ty}.")))
}

/// `GET $export`: parameters of the address, where a comma makes a list.
pub(crate) fn start_export<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 1]) -> Result<Answer, ApiError> {
    if call.parts.method == Method::HEAD {
        return Err(ApiError::new(ErrorCode::OperationNotHere, "HEAD starts no export: send POST or GET."));
    }
    start(pass, call, Vec::new())
}

/// `POST $export`: a resource Parameters.
pub(crate) fn start_posted_export<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 1]) -> Result<Answer, ApiError> {
    let body = call.form.unwrap_or_default();
    let media = header_text(&call.parts.headers, header::CONTENT_TYPE).to_ascii_lowercase();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !body.is_empty() && !matches!(media, "application/fhir+json" | "application/json" | "text/json" | "json") {
        let text = "Parameters are read in JSON only.";
        return Err(ApiError::new(ErrorCode::BodyNotRead, text).hint("Send them with Content-Type: application/fhir+json."));
    }
    start(pass, call, posted_parameters(body)?)
}

fn start<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, posted: Vec<GivenParameter>) -> Result<Answer, ApiError> {
    call.subject.route = "export-start";
    let jobs = jobs(call)?;
    if AnswerFormat::of_request(call.parts)? != AnswerFormat::Json {
        return Err(not_served("of this kind for $export"));
    }
    call.needs_the_lane()?;
    let in_address = pairs(call.query())?.into_iter().map(|(name, value)| GivenParameter { name, value, is_list: true });
    let given: Vec<GivenParameter> = in_address.chain(posted).collect();
    let handling = Handling::of_request(&call.parts.headers);
    let parameters = ExportParameters::read(&given, P::TYPES, handling)?;
    let index = call.store(pass)?;
    let request = request(call, &index, &parameters)?;
    match jobs.start(request, now_ms(call)) {
        Ok(id) => {
            let answer = Answer::fhir(StatusCode::ACCEPTED, Vec::new())
                .with(header::CONTENT_LOCATION, format!("{}/$export/{id}", call.base()))
                .with(header::RETRY_AFTER, retry_seconds(jobs).to_string())
                .with(header::CACHE_CONTROL, "no-store".to_owned());
            let applied = match handling {
                Handling::Lenient => "respond-async, handling=lenient",
                Handling::Strict => "respond-async, handling=strict",
                Handling::Usual => "respond-async",
            };
            Ok(answer.with(PREFERENCE_APPLIED, applied.to_owned()))
        }
        Err(ExportRefusal::TooManyOfCaller) => Ok(throttled(
            "You have as many exports as one caller may have.",
            "Send DELETE to the address of one that you do not need any more.",
            i64::from(limits::EXPORT_RETRY_SECONDS),
        )),
        Err(ExportRefusal::Full) => Ok(throttled(
            "This server has as many exports as it may have.",
            "Ask again later; $bulk-publish and $changes tell the whole directory.",
            i64::from(limits::EXPORT_RETRY_SECONDS),
        )),
        Err(ExportRefusal::Failed(error)) => Err(ApiError::internal(error)),
    }
}

/// What the job does: instants are transactions, and each filter is one that the search understands.
fn request<P: FhirDoor>(call: &Call<'_, P>, index: &Index, parameters: &ExportParameters) -> Result<ExportRequest, ApiError> {
    let latest = index.snapshot().map_err(ApiError::internal)?.within(call.effort);
    let base = call.base();
    for asked in &parameters.types {
        for filter in &asked.filters {
            compile_export_filter(&latest, &base, &asked.name, filter).map_err(|error| error.in_parameter("_typeFilter"))?;
        }
    }
    let started_tx = latest.tx().get();
    let state = match parameters.until_ms {
        None => latest,
        Some(until_ms) => state_before::<P>(call, index, &latest, until_ms)?,
    };
    let nothing = || ApiError::new(ErrorCode::StoreBehind, "Nothing is published yet.");
    let (_, commit_ms) = state.last_change().map_err(ApiError::internal)?.ok_or_else(nothing)?;
    let after = match parameters.since_ms {
        None => None,
        Some(since_ms) => {
            let last = state.transaction_at(since_ms).map_err(ApiError::internal)?;
            Some(last.map_or(Tx::NONE, |(tx, _)| tx).get())
        }
    };
    let query = call.query();
    let address = if query.is_empty() { format!("{base}/$export") } else { format!("{base}/$export?{query}") };
    Ok(ExportRequest {
        scope: P::SCOPE.to_owned(),
        owner: format!("{:016x}", call.client.number()),
        address,
        base,
        log: index.log().map_err(ApiError::internal)?.map_or_else(String::new, |log| log.to_string()),
        tx: state.tx().get(),
        started_tx,
        commit_ms,
        after,
        types: parameters.types.clone(),
        file_bytes: parameters.file_bytes,
        at_most: parameters.at_most,
        outcomes: parameters.outcomes(),
    })
}

/// The last state before an instant, as long as it is told.
fn state_before<P: FhirDoor>(call: &Call<'_, P>, index: &Index, latest: &Snapshot, until_ms: i64) -> Result<Snapshot, ApiError> {
    let last = latest.transaction_at(until_ms.saturating_sub(1)).map_err(ApiError::internal)?;
    let none = || ApiError::value("No state before this instant is kept.").in_parameter("_until");
    let (tx, _) = last.ok_or_else(none)?;
    if let Some(floor) = past_floor::<P>(call.service, index)?
        && tx < floor.tx()
    {
        return Err(beyond_the_past(&floor));
    }
    match index.snapshot_at(tx) {
        Ok(state) => Ok(state.ok_or_else(|| ApiError::internal("transaction of a state"))?.within(call.effort)),
        Err(annuaire_index::Error::TooOld) => Err(none().recoded(ErrorCode::StateExpired)),
        Err(error) => Err(ApiError::internal(error)),
    }
}

fn retry_seconds(jobs: &ExportJobs) -> i64 {
    (jobs.poll_ms() / 1_000).max(1)
}

/// Does `work` for the caller of an export.
fn for_caller<P: FhirDoor, T>(
    pass: P::Pass,
    call: &Call<'_, P>,
    work: impl FnOnce(&ExportJobs, &ExportCaller<'_>) -> Result<T, annuaire_bulk::Error>,
) -> Result<T, ApiError> {
    let jobs = jobs(call)?;
    let index = call.store(pass)?;
    let owner = format!("{:016x}", call.client.number());
    let owner = knows_callers(call).then_some(owner.as_str());
    work(jobs, &ExportCaller { scope: P::SCOPE, owner, index: &index }).map_err(transient)
}

fn no_such_export() -> ApiError {
    ApiError::new(ErrorCode::OwnResourceUnknown, "No export of yours is at this address.")
        .hint("It may be over: files are kept for a day. Start another one with POST $export.")
}

fn overtaken() -> ApiError {
    ApiError::new(ErrorCode::NoLongerPublished, "What this export told is not published any more.")
        .hint("Delete what you have of it, and start another one with POST $export.")
}

/// `GET $export/{id}`: how far it is, or the manifest (BULK-10…13).
pub(crate) fn export_status<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [id]: [&str; 1]) -> Result<Answer, ApiError> {
    call.subject.route = "export-status";
    let now_ms = now_ms(call);
    let seconds = retry_seconds(jobs(call)?);
    let state = for_caller(pass, call, |jobs, caller| jobs.ask(caller, id, now_ms))?;
    let answer = match state {
        ExportState::Unknown => return Err(no_such_export()),
        ExportState::TooSoon => throttled("You ask more often than Retry-After says.", "", seconds),
        ExportState::Unfinished { done, all } => {
            let told = all.map_or_else(|| "waiting".to_owned(), |all| format!("{done} of {all} resources"));
            Answer::fhir(StatusCode::ACCEPTED, Vec::new()).with(PROGRESS, told).with(header::RETRY_AFTER, seconds.to_string())
        }
        ExportState::Ended(request, ExportEnd::Done(files), expires_ms) => {
            let export = format!("{}/$export/{id}", call.base());
            let addresses = ExportAddresses { export: &export, requires_access: knows_callers(call) };
            let body = export_manifest(&request, &files, addresses);
            Answer { media: AnswerMedia::Json, ..Answer::fhir(StatusCode::OK, body) }.with(header::EXPIRES, http_date(expires_ms))
        }
        ExportState::Ended(_, ExportEnd::Overtaken, _) => return Err(overtaken()),
        ExportState::Ended(_, ExportEnd::Failed(why), _) => return Err(failed(why)),
    };
    Ok(answer.with(header::CACHE_CONTROL, "no-store".to_owned()))
}

fn failed(why: ExportFailure) -> ApiError {
    match why {
        ExportFailure::TooCostly => {
            ApiError::new(ErrorCode::AnswerTooLarge, "The filters of this export need more work than one may take.")
                .hint("Give filters that find less, or export the types as a whole.")
        }
        ExportFailure::TooLarge => ApiError::new(ErrorCode::AnswerTooLarge, "There is no room for the files of this export.")
            .hint("Export fewer types at a time, or ask again later."),
        ExportFailure::Internal => ApiError::new(ErrorCode::Internal, "The export failed. Start it again."),
    }
}

/// `DELETE $export/{id}` (BULK-14).
pub(crate) fn remove_export<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [id]: [&str; 1]) -> Result<Answer, ApiError> {
    call.subject.route = "export-delete";
    call.needs_the_lane()?;
    let now_ms = now_ms(call);
    match for_caller(pass, call, |jobs, caller| jobs.remove(caller, id, now_ms))? {
        true => Ok(Answer::fhir(StatusCode::ACCEPTED, Vec::new()).with(header::CACHE_CONTROL, "no-store".to_owned())),
        false => Err(no_such_export()),
    }
}

/// `GET $export/{id}/files/{name}`.
pub(crate) fn export_file<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [id, name]: [&str; 2]) -> Result<Answer, ApiError> {
    call.subject.route = "export-file";
    let now_ms = now_ms(call);
    let file = match for_caller(pass, call, |jobs, caller| jobs.file(caller, id, name, now_ms))? {
        Found::Here(file) => file,
        Found::Removed => return Err(overtaken()),
        Found::Never => return Err(no_such_export()),
    };
    // WDR-5: nothing may keep it for longer than a withdrawal may take.
    Ok(file_of_lines(call, &file)?.with(header::CACHE_CONTROL, format!("private, max-age={WITHDRAWAL_SECONDS}")))
}
