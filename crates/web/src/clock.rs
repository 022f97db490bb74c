//! The clock, as a parameter: this room never reads the time itself.

use std::sync::Arc;

/// A clock that gives microseconds since 1970 UTC.
pub type ClockUs = Arc<dyn Fn() -> i64 + Send + Sync>;
