//! What is told of each request: one log line, and the counters in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{Method, StatusCode};

use crate::{Client, PublicationStatus, StoreHealth};

/// A sink of log lines.
pub type LogSink = Arc<dyn Fn(&str) + Send + Sync>;

/// What a request asked, as far as it was understood. Names are ours and never parts of the request.
#[derive(Debug, Clone, Copy)]
pub struct RequestSubject {
    /// Name of what answers.
    pub route: &'static str,
    /// Type of resource.
    pub ty: &'static str,
    /// Matches sent.
    pub results: Option<u64>,
}

impl Default for RequestSubject {
    fn default() -> Self {
        Self { route: "other", ty: "-", results: None }
    }
}

/// What the line of a request tells, but for its cost.
#[derive(Debug)]
pub struct RequestLine {
    /// Method of the request.
    pub method: Method,
    /// What was asked.
    pub subject: RequestSubject,
    /// Status of the answer.
    pub status: StatusCode,
    /// Who asked.
    pub client: Client,
    /// Request id that the client was given.
    pub id: String,
    /// When the request arrived, microseconds since 1970 UTC.
    pub start: i64,
}

impl RequestLine {
    pub(crate) fn text(&self, bytes: u64, micros: u64) -> String {
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

/// Upper bounds of the duration buckets, microseconds.
const BOUNDS: [u64; 10] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000];

#[derive(Default)]
struct Series {
    count: u64,
    bytes: u64,
    micros: u64,
    buckets: [u64; BOUNDS.len()],
}

/// What the service did since it started.
#[derive(Default)]
pub(crate) struct Metrics {
    series: Mutex<BTreeMap<(&'static str, u16), Series>>,
}

impl Metrics {
    pub(crate) fn record(&self, route: &'static str, status: u16, bytes: u64, micros: u64) {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let s = all.entry((route, status)).or_default();
        s.count += 1;
        s.bytes += bytes;
        s.micros += micros;
        for (bucket, bound) in s.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(micros <= bound);
        }
    }

    /// The text of `/metrics`; `stores` are the applied transactions by perimeter.
    pub(crate) fn text(&self, stores: &[(&str, u64)], standings: &[StoreHealth]) -> String {
        let all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::from("# TYPE annuaire_requests_total counter\n");
        for ((route, status), s) in all.iter() {
            let _ = writeln!(out, "annuaire_requests_total{{route=\"{route}\",status=\"{status}\"}} {}", s.count);
        }
        out.push_str("# TYPE annuaire_response_bytes_total counter\n");
        for ((route, status), s) in all.iter() {
            let _ = writeln!(out, "annuaire_response_bytes_total{{route=\"{route}\",status=\"{status}\"}} {}", s.bytes);
        }
        out.push_str("# TYPE annuaire_request_seconds histogram\n");
        for ((route, status), s) in all.iter() {
            let labels = format!("route=\"{route}\",status=\"{status}\"");
            for (count, bound) in s.buckets.iter().zip(BOUNDS) {
                let _ = writeln!(out, "annuaire_request_seconds_bucket{{{labels},le=\"{}\"}} {count}", bound as f64 / 1e6);
            }
            let _ = writeln!(out, "annuaire_request_seconds_bucket{{{labels},le=\"+Inf\"}} {}", s.count);
            let _ = writeln!(out, "annuaire_request_seconds_sum{{{labels}}} {}", s.micros as f64 / 1e6);
            let _ = writeln!(out, "annuaire_request_seconds_count{{{labels}}} {}", s.count);
        }
        drop(all);
        let mut gauge = |name: &str, values: &[(&str, u64)]| {
            if !values.is_empty() {
                let _ = writeln!(out, "# TYPE {name} gauge");
            }
            for (store, value) in values {
                let _ = writeln!(out, "{name}{{store=\"{store}\"}} {value}");
            }
        };
        gauge("annuaire_applied_tx", stores);
        let of = |value: fn(&StoreHealth) -> Option<u64>| -> Vec<(&str, u64)> {
            standings.iter().filter_map(|s| Some((s.store, value(s)?))).collect()
        };
        gauge("annuaire_publication_ok", &of(|s| Some(u64::from(s.status == PublicationStatus::Ok))));
        gauge("annuaire_publication_behind_transactions", &of(|s| s.behind));
        gauge("annuaire_publication_behind_seconds", &of(|s| Some(s.seconds)));
        gauge("annuaire_publication_set_aside", &of(|s| Some(s.set_aside)));
        out
    }
}
