//! A mirror that stays fresh.

use crate::error::{Error, Result};
use crate::limits;
use crate::metrics::{MirrorMetrics, RunReport};
use crate::mirror::Mirror;
use crate::world::random_time;
use std::time::Duration;

/// Brings the copy up to date again and again, until the world asks to stop. Between two runs lies `cadence`, or what the origin
/// announces when that is longer, and a random time of up to a quarter of it, so that many mirrors do not come at once (REPL-7). After a
/// failure of the line, of the origin or of the sink the next run follows after a growing pause. `each` is told of every run.
///
/// # Errors
/// When a run fails in a way that waiting does not mend: the circuit breaker, a wrong option, a state of another mirror.
pub fn follow(
    mirror: &mut Mirror<'_>,
    cadence: Duration,
    each: &mut dyn FnMut(&Result<RunReport>, &MirrorMetrics),
) -> Result<()> {
    let world = mirror.world().clone();
    let mut failures = 0_u32;
    while !world.stopped() {
        let done = mirror.once();
        each(&done, mirror.metrics());
        let pause = match done {
            Ok(report) => {
                failures = 0;
                report.cadence.as_deref().and_then(duration).map_or(cadence, |announced| announced.max(cadence))
            }
            Err(Error::Stopped) => return Ok(()),
            Err(Error::Later { seconds, .. }) => Duration::from_secs(seconds),
            Err(
                e @ (Error::MassChange { .. } | Error::Request(_) | Error::State(_) | Error::Status { status: 401 | 403, .. }),
            ) => {
                return Err(e);
            }
            Err(_) => {
                failures += 1;
                limits::PAUSE_MAX.saturating_mul(1 << (failures - 1).min(10)).min(cadence)
            }
        };
        world.pause(pause + random_time(world.as_ref(), pause / 4));
    }
    Ok(())
}

/// An ISO 8601 duration of days, hours, minutes and seconds, such as `PT15M`; `None` for anything else.
fn duration(text: &str) -> Option<Duration> {
    let (days, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.strip_prefix('P')?, ""));
    let mut seconds = 0_u64;
    for (part, units) in [(days, &[('D', 86_400_u64)][..]), (time, &[('H', 3600), ('M', 60), ('S', 1)])] {
        let mut rest = part;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let number: u64 = rest[..end].parse().ok()?;
            let unit = rest[end..].chars().next()?;
            let (_, of) = units.iter().find(|(name, _)| *name == unit)?;
            seconds = seconds.checked_add(number.checked_mul(*of)?)?;
            rest = &rest[end + 1..];
        }
    }
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [("PT15M", 900), ("P1D", 86_400), ("P1DT2H3S", 93_603), ("PT90S", 90)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "P", "15M", "PT", "P1M", "PT1X", "PT99999999999999999999H", "P1Y"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
