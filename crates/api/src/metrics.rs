//! Counters in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

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
    pub(crate) fn text(&self, stores: &[(&str, u64)]) -> String {
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
        out.push_str("# TYPE annuaire_applied_tx gauge\n");
        for (store, tx) in stores {
            let _ = writeln!(out, "annuaire_applied_tx{{store=\"{store}\"}} {tx}");
        }
        out
    }
}
