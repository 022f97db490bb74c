//! The clock of the machine: the one place of the product that reads it.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

/// Microseconds since 1970 UTC.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the program reads the clock; every other room takes it as a parameter"
)]
pub(crate) fn now_us() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

/// Milliseconds since 1970 UTC.
pub(crate) fn now_ms() -> i64 {
    now_us() / 1_000
}

/// An instant that never steps back, to measure how long something takes.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the program reads the clock; every other room takes it as a parameter"
)]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Time since the first call.
pub(crate) fn uptime() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(instant);
    START.elapsed()
}
