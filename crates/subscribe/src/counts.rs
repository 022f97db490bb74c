//! What the engine has done, as metrics tell it.

use annuaire_store::subscription::SubscriptionStatus;
use std::fmt::Write;

/// Counts since the start of the process; gauges are those of the last step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineCounts {
    /// Events stored.
    pub events: u64,
    /// Notifications acknowledged.
    pub delivered: u64,
    /// Notifications that failed.
    pub failed: u64,
    /// Subscriptions by status, in the order of [`SubscriptionStatus::ALL`].
    pub subscriptions: [u64; 4],
    /// Events that wait for an acknowledgement.
    pub waiting: u64,
}

impl EngineCounts {
    /// The text format of Prometheus.
    #[must_use]
    pub fn metrics(&self) -> String {
        let mut out = String::from("# TYPE annuaire_subscriptions gauge\n");
        for (status, count) in SubscriptionStatus::ALL.into_iter().zip(self.subscriptions) {
            let _ = writeln!(out, "annuaire_subscriptions{{status=\"{}\"}} {count}", status.code());
        }
        let _ = writeln!(
            out,
            "# TYPE annuaire_subscription_events_waiting gauge\nannuaire_subscription_events_waiting {}",
            self.waiting
        );
        let _ = writeln!(
            out,
            "# TYPE annuaire_subscription_events_total counter\nannuaire_subscription_events_total {}",
            self.events
        );
        let _ = writeln!(out, "# TYPE annuaire_notifications_total counter");
        for (result, count) in [("acknowledged", self.delivered), ("failed", self.failed)] {
            let _ = writeln!(out, "annuaire_notifications_total{{result=\"{result}\"}} {count}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_by_status_and_result() {
        let counts = EngineCounts { events: 5, delivered: 3, failed: 1, subscriptions: [0, 2, 1, 0], waiting: 4 };
        let text = counts.metrics();
        for line in [
            "annuaire_subscriptions{status=\"active\"} 2",
            "annuaire_subscriptions{status=\"error\"} 1",
            "annuaire_subscription_events_waiting 4",
            "annuaire_subscription_events_total 5",
            "annuaire_notifications_total{result=\"failed\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}: {text}");
        }
    }
}
