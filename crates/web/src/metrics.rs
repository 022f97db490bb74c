//! Counters of a server, in the text format of Prometheus.
//!
//! The text is written here and not by `metrics-exporter-prometheus`: that exporter writes families and series in the order of
//! a hash table, ends each family with an empty line, and keeps every duration in memory until the next scrape. Scrapes of
//! this server are sorted, so that two of them can be compared, and its memory does not depend on who scrapes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use crate::position::StorePosition;
use crate::publication::{ClockHealth, PublicationStatus, StoreHealth};

/// Upper bounds of the duration buckets, microseconds.
const BUCKET_MICROS: [u64; 10] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000];

/// Counters of one route and status.
#[derive(Default)]
struct RouteCounters {
    count: u64,
    bytes: u64,
    micros: u64,
    buckets: [u64; BUCKET_MICROS.len()],
}

/// Counters since the start of the server.
#[derive(Default)]
pub(crate) struct Metrics {
    series: Mutex<BTreeMap<(&'static str, u16), RouteCounters>>,
}

impl Metrics {
    /// Counts one answer.
    pub(crate) fn count_answer(&self, route: &'static str, status: u16, bytes: u64, micros: u64) {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let s = all.entry((route, status)).or_default();
        s.count += 1;
        s.bytes += bytes;
        s.micros += micros;
        for (bucket, bound) in s.buckets.iter_mut().zip(BUCKET_MICROS) {
            *bucket += u64::from(micros <= bound);
        }
    }

    /// The text of `/metrics`: where each store is, its health, and that of the clock.
    pub(crate) fn to_text(&self, stores: &[StorePosition], health: &[StoreHealth], clock: &ClockHealth) -> String {
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
            for (count, bound) in s.buckets.iter().zip(BUCKET_MICROS) {
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
        let of_store = |value: fn(&StorePosition) -> u64| -> Vec<(&str, u64)> {
            stores.iter().map(|position| (position.store, value(position))).collect()
        };
        gauge("annuaire_applied_tx", &of_store(|position| position.tx.get()));
        gauge("annuaire_applied_digest", &of_store(StorePosition::digest_number));
        gauge("annuaire_retained_from_tx", &of_store(|position| position.retained_from.get()));
        let each = |value: fn(&StoreHealth) -> Option<u64>| -> Vec<(&str, u64)> {
            health.iter().filter_map(|s| Some((s.store, value(s)?))).collect()
        };
        gauge("annuaire_publication_ok", &each(|s| Some(u64::from(s.status == PublicationStatus::Ok))));
        gauge("annuaire_publication_behind_transactions", &each(|s| s.behind));
        gauge("annuaire_publication_behind_seconds", &each(|s| Some(s.seconds)));
        gauge("annuaire_publication_set_aside", &each(|s| Some(s.set_aside)));
        let logs: Vec<_> = stores.iter().filter_map(|position| Some((position.store, position.log?))).collect();
        if !logs.is_empty() {
            out.push_str("# TYPE annuaire_log_info gauge\n");
        }
        for (store, log) in logs {
            let _ = writeln!(out, "annuaire_log_info{{store=\"{store}\",id=\"{:032x}\",epoch=\"{}\"}} 1", log.id, log.epoch);
        }
        let _ = writeln!(out, "# TYPE annuaire_clock_ok gauge\nannuaire_clock_ok {}", u8::from(clock.reason.is_none()));
        let seconds = |ms: i64| ms as f64 / 1_000.0;
        if let Some(ms) = clock.behind_log_ms {
            let _ = writeln!(
                out,
                "# TYPE annuaire_clock_behind_log_seconds gauge\nannuaire_clock_behind_log_seconds {}",
                seconds(ms)
            );
        }
        if let Some(ms) = clock.ahead_of_database_ms {
            let name = "annuaire_clock_ahead_of_database_seconds";
            let _ = writeln!(out, "# TYPE {name} gauge\n{name} {}", seconds(ms));
        }
        out
    }
}
