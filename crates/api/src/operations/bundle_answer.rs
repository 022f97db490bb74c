//! The answer that is a bundle: conditional, whole or its first piece.

use std::sync::Arc;

use annuaire_index::{Index, Snapshot};
use annuaire_web::limits::PIECE;
use annuaire_web::{RequestSubject, none_match_names};
use axum::http::{Method, StatusCode, header, request::Parts};

use crate::answer::{Answer, AnswerRest, BundleRest};
use crate::bundle::{BundleDraft, BundleFrame};
use crate::digest::digest;
use crate::error::ApiError;
use crate::limits;
use crate::query::decode_form;

/// Where a bundle is answered from, and to whom.
pub(super) struct BundleSource<'a> {
    pub parts: &'a Parts,
    pub index: &'a Arc<Index>,
    pub snap: &'a Snapshot,
    pub subject: &'a mut RequestSubject,
}

/// The bundle that `make` drafts: whole when it is short, else its first piece and the rest. A client that has this very bundle
/// gets 304, and the bundle is not made.
pub(super) fn bundle_answer(
    source: BundleSource<'_>,
    frame: BundleFrame,
    make: impl FnOnce(BundleFrame) -> Result<BundleDraft, ApiError>,
) -> Result<Answer, ApiError> {
    let BundleSource { parts, index, snap, subject } = source;
    let tag = bundle_tag(snap, &frame);
    // No cache holds the answer to a POST.
    if parts.method != Method::POST && none_match_names(&parts.headers, &tag) {
        return Ok(Answer::fhir(StatusCode::NOT_MODIFIED, Vec::new()).with(header::ETAG, tag));
    }
    let mut draft = make(frame)?;
    let complete = draft.write(snap, PIECE)?;
    subject.results = Some(draft.matches());
    let body = draft.take();
    let rest = (!complete).then(|| AnswerRest::Bundle(Box::new(BundleRest::new(draft, Arc::clone(index)))));
    Ok(Answer { rest, ..Answer::fhir(StatusCode::OK, body) }.with(header::ETAG, tag))
}

/// The tag of a bundle: log, state and query name the answer (COND-6). A transaction of another log, or of another life of this
/// one, has the number but not the content.
fn bundle_tag(snap: &Snapshot, frame: &BundleFrame) -> String {
    // Fixed texts, so that a tag outlives a change of the types behind it: clients keep tags across upgrades.
    let last = match frame.from.map(|from| from.last_row) {
        None => String::new(),
        Some(None) => "None".to_owned(),
        Some(Some(row)) => format!("Some({row})"),
    };
    let log = frame.seal.log_bytes();
    let (hash, _) = digest(&[&log, frame.base.as_bytes(), frame.scope.as_bytes(), frame.query.as_bytes(), last.as_bytes()]);
    format!("W/\"tx-{}-{hash:016x}\"", snap.tx())
}

/// A query with a `_count` above the cap replaced by the cap, as it was applied.
pub(super) fn with_lowered_count(raw: &str) -> String {
    let show = |part: &str| {
        let is_count = part.split('=').next().and_then(decode_form).is_some_and(|name| name == "_count");
        if is_count { format!("_count={}", limits::PAGE_CAP) } else { part.to_owned() }
    };
    raw.split('&').map(show).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::with_lowered_count;

    #[test]
    fn only_the_count_is_lowered() {
        assert_eq!(with_lowered_count("a=1&_count=9999"), "a=1&_count=1000");
        assert_eq!(with_lowered_count("%5Fcount=9999&b"), "_count=1000&b");
    }
}
