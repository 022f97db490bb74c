//! What a mirror did: the report of one run, and figures for whoever watches (REPL-15).

use crate::error::Error;
use crate::http::HttpCounts;
use crate::round::RoundCounts;
use std::collections::{BTreeMap, BTreeSet};

/// What one run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Rounds committed.
    pub rounds: u64,
    /// What they did.
    pub counts: RoundCounts,
    /// Entries and lines left out, by reason.
    pub rejects: BTreeMap<String, u64>,
    /// Pages that came again.
    pub repeated_pages: u64,
    /// Types of which what came leaves doubt: nothing of them was deleted for being absent.
    pub doubtful: BTreeSet<String>,
    /// Everything was asked for again, because the origin does not remember far enough back.
    pub copied_anew: bool,
    /// All ids were compared.
    pub reconciled: bool,
    /// Differences that the comparison found.
    pub differences: u64,
    /// First load and catching up are complete: the copy may be used (REPL-2).
    pub ready: bool,
    /// Until when the origin had told everything, in milliseconds since 1970.
    pub told_ms: Option<i64>,
    /// How often the origin publishes (ISO 8601 duration), if it says so.
    pub cadence: Option<String>,
    /// Resources that the copy holds, by type.
    pub held: BTreeMap<String, u64>,
}

impl RunReport {
    pub(crate) fn reject(&mut self, rejects: &BTreeMap<String, u64>) {
        for (reason, n) in rejects {
            *self.rejects.entry(reason.clone()).or_default() += n;
        }
    }
}

/// Figures since the mirror was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorMetrics {
    /// Until when the origin had told everything, in milliseconds since 1970; the lag is now less this.
    pub told_ms: Option<i64>,
    /// When the last run succeeded, in milliseconds since 1970.
    pub success_ms: Option<i64>,
    /// The copy may be used.
    pub ready: bool,
    /// Runs that succeeded, and that failed.
    pub runs: (u64, u64),
    /// What all rounds did.
    pub counts: RoundCounts,
    /// Entries and lines left out, by reason.
    pub rejects: BTreeMap<String, u64>,
    /// What asking has cost.
    pub http: HttpCounts,
    /// Why the last run failed; `None` after one that succeeded.
    pub last_error: Option<String>,
}

impl MirrorMetrics {
    /// Milliseconds that the copy is behind the origin at the instant `now_ms`.
    #[must_use]
    pub fn lag_ms(&self, now_ms: i64) -> Option<i64> {
        self.told_ms.map(|told| (now_ms - told).max(0))
    }

    pub(crate) fn succeeded(&mut self, report: &RunReport, now_ms: i64) {
        (self.told_ms, self.success_ms, self.ready) = (report.told_ms, Some(now_ms), report.ready);
        self.runs.0 += 1;
        self.counts.add(&report.counts);
        for (reason, n) in &report.rejects {
            *self.rejects.entry(reason.clone()).or_default() += n;
        }
        self.last_error = None;
    }

    pub(crate) fn failed(&mut self, error: &Error) {
        self.runs.1 += 1;
        self.last_error = Some(error.to_string());
    }
}
