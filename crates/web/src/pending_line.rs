//! The log line of a request whose answer is still being sent.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::HttpBody;
use axum::http::Method;
use axum::response::Response;

use crate::gate::Gate;
use crate::internal::record_internal_error;
use crate::request_log::RequestLine;

/// Where the log line of a request waits for the end of its answer. A body that outlives its handler shares it with its response,
/// as an extension.
#[derive(Clone, Default)]
pub(crate) struct PendingLine(Arc<Mutex<Option<RequestLine>>>);

impl PendingLine {
    pub fn take(&self) -> Option<RequestLine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Records why the answer is cut.
    pub fn record(&self, cause: &str) {
        if let Some(line) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            record_internal_error(&line.id, line.subject.route, cause);
        }
    }
}

/// Counts an answered request and writes its log line; that of an answer in pieces or of a file, when its end is sent. The body of
/// an answer to `HEAD` is dropped by the router: its length is known, and nothing of it will be made.
pub fn account_for(gate: &Gate, response: &mut Response, line: RequestLine) {
    let pending = response.extensions_mut().remove::<PendingLine>();
    match pending.filter(|_| line.method != Method::HEAD) {
        Some(pending) => *pending.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(line),
        None => gate.account(&line, known_length(response), gate.now() - line.start),
    }
}

/// Bytes of the body of a response, 0 for an answer in pieces.
pub fn known_length(response: &Response) -> u64 {
    response.body().size_hint().exact().unwrap_or(0)
}
