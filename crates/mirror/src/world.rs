//! Clock, chance and pauses, as parameters.

use std::time::Duration;

/// What a mirror knows of the world around it. The program passes the machine; tests pass a world of their own, in which
/// hours take no time.
pub trait World: Send + Sync {
    /// Milliseconds since 1970 UTC, by the clock of this machine.
    fn now_ms(&self) -> i64;
    /// Time since any fixed instant; never steps back.
    fn elapsed(&self) -> Duration;
    /// Returns after this time, or earlier when [`World::stopped`] becomes true.
    fn pause(&self, time: Duration);
    /// A random number.
    fn random(&self) -> u64;
    /// Whether the caller wants the mirror to end soon. It is asked between requests.
    fn stopped(&self) -> bool {
        false
    }
}

/// A random time from zero to `limit`, which is excluded.
pub(crate) fn random_time(world: &dyn World, limit: Duration) -> Duration {
    let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(world.random().checked_rem(micros).unwrap_or(0))
}

/// Hexadecimal digits of random numbers, 32 of them.
pub(crate) fn random_name(world: &dyn World) -> String {
    format!("{:016x}{:016x}", world.random(), world.random())
}
