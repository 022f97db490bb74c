//! `GET [base]/$bulk-publish`: the perimeter as files, for whoever copies the whole directory (Bulk Data STU4, interop §6).
//!
//! | Address | Answer |
//! |---|---|
//! | `$bulk-publish` | the root page of the manifest |
//! | `$bulk-publish/pages/{name}` | another page of its chain |
//! | `$bulk-publish/pages/{name}.sig`, `files/{digest}.salts` | what proves them: `publish_log` |
//! | `$bulk-publish/files/{name}` | a file, which never changes: as it is stored (`zstd`), or as plain or gzip lines |
//!
//! None of them counts for the rate of a client. A name is looked up in the table of the tree: no path is made of it.

use annuaire_bulk::{Addresses, StoredFile, TreePart};
use annuaire_web::limits::{GZIP_FROM, WITHDRAWAL_SECONDS};
use annuaire_web::{
    ErrorCode, FileBytes, FileRefusal, FileSelection, Representation, accepts_gzip, accepts_zstd, none_match_names,
};
use axum::http::{HeaderValue, StatusCode, header};

use super::publish_log::{proof, salts};
use super::published_tree::{here, tree};
use crate::answer::{Answer, AnswerMedia, AnswerRest};
use crate::call::Call;
use crate::digest::{digest, uuid};
use crate::door::FhirDoor;
use crate::error::ApiError;
use crate::file_lines::FileLines;
use crate::limits::PAGE_KEPT;
use crate::outcome::{Severity, operation_outcome};

/// Media type of files.
const NDJSON: &str = "application/fhir+ndjson";

/// The root page.
pub(crate) fn published_root<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 1]) -> Result<Answer, ApiError> {
    call.subject.route = "bulk-publish";
    let tree = tree(pass, call)?;
    let body = with_addresses(call, |addresses| tree.root(addresses));
    let body = body.ok_or_else(|| ApiError::new(ErrorCode::StoreBehind, "The files are being made for the first time."))?;
    Ok(page(call, body))
}

/// A page of the chain.
pub(crate) fn published_page<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [name]: [&str; 1]) -> Result<Answer, ApiError> {
    call.subject.route = "bulk-publish-page";
    if let Some(name) = name.strip_suffix(".sig") {
        return proof(pass, call, TreePart::PageSignature(name));
    }
    let tree = tree(pass, call)?;
    let body = here(with_addresses(call, |addresses| tree.page(name, addresses)))?;
    Ok(page(call, body))
}

/// A file.
pub(crate) fn published_file<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, [name]: [&str; 1]) -> Result<Answer, ApiError> {
    call.subject.route = "bulk-publish-file";
    if let Some(sha256) = name.strip_suffix(".salts") {
        return salts(pass, call, sha256);
    }
    let file = here(tree(pass, call)?.file(name))?;
    // WDR-5: nothing may keep it for longer than a withdrawal may take.
    let kept = format!("public, max-age={WITHDRAWAL_SECONDS}, immutable");
    Ok(file_of_lines(call, &file)?.with(header::CACHE_CONTROL, kept))
}

/// A file in the encoding that the client takes: as it is stored, as gzip or as plain lines (BULK-19, BULK-20).
pub(super) fn file_of_lines<P: FhirDoor>(call: &Call<'_, P>, file: &StoredFile) -> Result<Answer, ApiError> {
    let headers = &call.parts.headers;
    if accepts_zstd(headers) {
        stored(call, file)
    } else if accepts_gzip(headers) && file.file.decoded_size >= GZIP_FROM as u64 {
        compressed(call, file)
    } else {
        decoded(call, file)
    }
}

fn with_addresses<P: FhirDoor, T>(call: &Call<'_, P>, make: impl FnOnce(Addresses<'_>) -> T) -> T {
    let root = format!("{}/$bulk-publish", call.base());
    make(Addresses::Below { root: &root, requires_access: call.service.turns.gate.asks_for_keys() })
}

/// A page of the manifest. It changes once, when the next one exists.
fn page<P: FhirDoor>(call: &Call<'_, P>, body: Vec<u8>) -> Answer {
    let tag = format!("W/\"{}\"", uuid(digest(&[&body])));
    let answer = match none_match_names(&call.parts.headers, &tag) {
        true => Answer::fhir(StatusCode::NOT_MODIFIED, Vec::new()),
        false => Answer { media: AnswerMedia::Json, ..Answer::fhir(StatusCode::OK, body) },
    };
    answer.with(header::ETAG, tag).with(header::CACHE_CONTROL, format!("public, max-age={PAGE_KEPT}"))
}

/// The stored bytes.
fn stored<P: FhirDoor>(call: &Call<'_, P>, file: &StoredFile) -> Result<Answer, ApiError> {
    let representation = Representation {
        length: file.file.size,
        etag: format!("\"{}\"", file.file.encoded_sha256),
        sha256: file.encoded_digest(),
        content_type: NDJSON,
        content_encoding: Some("zstd"),
    };
    selected(call, &representation, |range| {
        let file = file.open().map_err(ApiError::internal)?;
        Ok(Answer { file: Some(FileBytes { file, range }), ..Answer::fhir(StatusCode::OK, Vec::new()) })
    })
}

/// The plain lines, from any byte on.
fn decoded<P: FhirDoor>(call: &Call<'_, P>, file: &StoredFile) -> Result<Answer, ApiError> {
    let representation = Representation {
        length: file.file.decoded_size,
        etag: format!("\"{}\"", file.sha256),
        sha256: file.decoded_digest(),
        content_type: NDJSON,
        content_encoding: None,
    };
    selected(call, &representation, |range| {
        let length = range.end - range.start;
        Ok(lines(call, file, range.start, length)?.with(header::CONTENT_LENGTH, length.to_string()))
    })
}

/// The lines as gzip. They are compressed as they are sent, and a release may compress otherwise: their tag is weak, and they have no
/// ranges.
fn compressed<P: FhirDoor>(call: &Call<'_, P>, file: &StoredFile) -> Result<Answer, ApiError> {
    let tag = format!("W/\"{}-gzip\"", file.sha256);
    let answer = match none_match_names(&call.parts.headers, &tag) {
        true => Answer::fhir(StatusCode::NOT_MODIFIED, Vec::new()),
        false => lines(call, file, 0, file.file.decoded_size)?.with(header::CONTENT_TYPE, NDJSON.to_owned()),
    };
    Ok(answer.with(header::ETAG, tag))
}

/// Lines in pieces. Decompressing is long work: the request takes its turn.
fn lines<P: FhirDoor>(call: &Call<'_, P>, file: &StoredFile, from: u64, length: u64) -> Result<Answer, ApiError> {
    call.needs_the_lane()?;
    let mut lines = FileLines::open(file, from, length)?;
    let first = lines.next_piece()?;
    let rest = (!first.last).then_some(AnswerRest::Lines(lines));
    Ok(Answer { media: AnswerMedia::Json, rest, ..Answer::fhir(StatusCode::OK, first.bytes) })
}

/// The answer to what a request selects of a representation.
fn selected<P: FhirDoor>(
    call: &Call<'_, P>,
    representation: &Representation,
    body: impl FnOnce(std::ops::Range<u64>) -> Result<Answer, ApiError>,
) -> Result<Answer, ApiError> {
    let selection = match representation.select(&call.parts.method, &call.parts.headers) {
        Ok(selection) => selection,
        Err(refusal) => return Ok(refused(refusal)),
    };
    let range = match &selection {
        FileSelection::Whole => Some(0..representation.length),
        FileSelection::Part(range) => Some(range.clone()),
        FileSelection::NotModified => None,
    };
    let head = representation.response(&selection);
    let mut answer = range.map_or_else(|| Ok(Answer::fhir(StatusCode::OK, Vec::new())), body)?;
    answer.status = head.status();
    answer.headers.extend(head.headers().iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(answer)
}

fn refused(refusal: FileRefusal) -> Answer {
    let error = match refusal {
        FileRefusal::OutOfRange { length } => {
            ApiError::new(ErrorCode::RangeBeyondEnd, format!("The range begins beyond the end: there are {length} bytes."))
        }
        FileRefusal::Changed => ApiError::new(ErrorCode::ConditionFailed, "If-Match names another tag than that of this file."),
    };
    let answer = Answer::fhir(error.code.status(), operation_outcome(Severity::Error, std::slice::from_ref(&error)));
    let header = refusal.header().map(|(name, value): (_, HeaderValue)| (name, value));
    Answer { headers: header.into_iter().collect(), ..answer }
}
