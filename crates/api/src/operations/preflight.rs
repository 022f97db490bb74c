//! `OPTIONS`: the question that a browser asks before a page of another site may send a request.

use annuaire_web::Anyone;
use axum::http::StatusCode;

use crate::answer::Answer;

/// An empty answer, to which the door adds what other sites may do. A browser sends no key with this question, so that anyone may
/// ask it; it reveals nothing.
pub(crate) fn preflight(_: Anyone) -> Answer {
    Answer::fhir(StatusCode::NO_CONTENT, Vec::new())
}
