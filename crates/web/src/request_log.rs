//! The request log: one line for each request, without a value of any parameter.

use std::sync::Arc;

use axum::http::{Method, StatusCode};

use crate::client::Client;

/// A sink of log lines.
pub type LogSink = Arc<dyn Fn(&str) + Send + Sync>;

/// What a request asked for, as far as it was understood. The names come from our tables and are never parts of the request:
/// names of people must not reach a log.
#[derive(Debug, Clone, Copy)]
pub struct RequestSubject {
    /// Name of the operation or page that answers.
    pub route: &'static str,
    /// Type of the resources.
    pub ty: &'static str,
    /// Number of matches sent.
    pub results: Option<u64>,
}

impl Default for RequestSubject {
    fn default() -> Self {
        Self { route: "other", ty: "-", results: None }
    }
}

/// The log line of a request, without the bytes and the time that its answer took.
#[derive(Debug)]
pub struct RequestLine {
    /// Method of the request.
    pub method: Method,
    /// What the request asked for.
    pub subject: RequestSubject,
    /// Status of the answer.
    pub status: StatusCode,
    /// Client of the request.
    pub client: Client,
    /// Request id that the client was given.
    pub id: String,
    /// When the request arrived, microseconds since 1970 UTC.
    pub start: i64,
}

impl RequestLine {
    /// The line as it is written: `bytes` of the body, `micros` of work.
    pub(crate) fn to_text(&self, bytes: u64, micros: u64) -> String {
        let Self { method, subject, status, client, id, start } = self;
        let time = annuaire_base::date::iso_ms(start / 1_000);
        let results = subject.results.map_or_else(|| "-".to_owned(), |n| n.to_string());
        format!(
            "time={time} method={method} route={} type={} status={} bytes={bytes} us={micros} client={:08x} results={results} id={id}",
            subject.route,
            subject.ty,
            status.as_u16(),
            client.number() >> 32
        )
    }
}
