//! How many logins a backend writes: for measurements, not asserted.

use crate::acts::{cause, sound};
use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::{AuditEvent, BlockingRegistry, CommitClock, Result};
use std::sync::Mutex;
use std::time::Duration;

/// Rows that `threads` write: each of `units` units creates one, replaces the one before, and tells an audit event. Prints units for each
/// second, and the time of the median and of the slowest of a hundred. `clock` tells the time since some instant.
///
/// # Panics
/// When the registry refuses a unit.
#[expect(clippy::print_stdout, reason = "a measurement tells what it found")]
pub fn identity_rate(r: &BlockingRegistry, threads: usize, units: usize, clock: &(dyn Fn() -> Duration + Sync)) {
    let login = |thread: usize, n: usize| -> Result<()> {
        let row = |n: usize| IdentityRow {
            kind: "session".into(),
            key: format!("{:032x}{threads:016x}{thread:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            subject: format!("8109990{:05}", n % 1_000),
            due_ms: Some(i64::try_from(n).unwrap_or(0)),
            version: 1,
            content: "x".repeat(600),
        };
        let mut unit = r.begin()?;
        unit.write_identity(&IdentityWrite::Create(row(n)))?;
        if n > 0 {
            unit.write_identity(&IdentityWrite::Replace(row(n - 1)))?;
        }
        unit.audit(&AuditEvent {
            actor: "810999000001".into(),
            event: "LOGIN".into(),
            detail: "{}".into(),
            ..AuditEvent::default()
        })?;
        unit.save(&cause(), CommitClock { now_ms: &|| 0, any_clock: false }).map(|_| ())
    };
    let (start, times) = (clock(), Mutex::new(Vec::<Duration>::new()));
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (login, times) = (&login, &times);
            scope.spawn(move || {
                for n in 0..units / threads {
                    let start = clock();
                    login(thread, n).expect("save");
                    times.lock().expect("times").push(clock().saturating_sub(start));
                }
            });
        }
    });
    let (whole, mut times) = (clock().saturating_sub(start).as_secs_f64(), times.into_inner().expect("times"));
    times.sort_unstable();
    let ms = |of: usize| times[(times.len() - 1) * of / 100].as_secs_f64() * 1e3;
    println!(
        "{threads} threads: {:.0} units/s, median {:.1} ms, 99 of 100 within {:.1} ms",
        times.len() as f64 / whole,
        ms(50),
        ms(99)
    );
    sound(r);
}
