//! What is being done, how fast, and how long it still takes: a bar on a terminal, a line every ten seconds otherwise.

use crate::amounts::{duration, size, thousands};
use crate::clock;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);
/// Time between two changes of the bar.
const REDRAW: Duration = Duration::from_millis(200);

/// Called with the name of a stage, how much of it is done and how much there is (0 when unknown): bytes of a file that is read
/// or copied, else objects or changes.
pub(crate) type SharedTell = Arc<dyn Fn(&str, u64, u64) + Send + Sync>;

/// The stage that is under way.
struct StageClock {
    name: String,
    /// When the first call named the stage.
    begun: Instant,
    /// How much was done at that first call: the rate counts from there.
    done_at_begin: u64,
    /// When a line or a bar was last shown.
    shown: Instant,
    /// When the last call came.
    called: Instant,
}

/// Shows the operator what is under way, on the error output; nothing at all when `quiet`.
pub(crate) fn shown_unless(quiet: bool) -> SharedTell {
    if quiet {
        return Arc::new(|_, _, _| {});
    }
    let bar = std::io::stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("{wide_bar} {msg}").unwrap_or(ProgressStyle::default_bar());
        ProgressBar::new(0).with_style(style).with_finish(ProgressFinish::AndClear)
    });
    let every = if bar.is_some() { REDRAW } else { EVERY };
    let now = clock::instant();
    let stage = Mutex::new(StageClock { name: String::new(), begun: now, done_at_begin: 0, shown: now, called: now });
    Arc::new(move |what, done, total| {
        let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::instant();
        // A server is silent for hours: work that follows and is short needs no line.
        if now - stage.called >= every {
            stage.shown = now;
        }
        stage.called = now;
        if stage.name != what || done < stage.done_at_begin {
            (stage.name, stage.begun, stage.done_at_begin) = (what.to_owned(), now, done);
        }
        let over = total > 0 && done >= total;
        if now - stage.shown >= every {
            stage.shown = now;
            let text = progress_line(what, done, total, done - stage.done_at_begin, now - stage.begun);
            match &bar {
                Some(bar) => {
                    bar.set_length(total.max(1));
                    bar.set_position(if total == 0 { 0 } else { done });
                    bar.set_message(text);
                }
                None => eprintln!("{text}"),
            }
        }
        if let (Some(bar), true) = (&bar, over) {
            bar.set_message("");
            bar.set_position(0);
        }
    })
}

/// Reports on work that does not report itself: `measure` is called beside it and gives how much is done and how much there is.
pub(crate) fn during<T>(tell: &SharedTell, what: &str, measure: &(dyn Fn() -> (u64, u64) + Sync), work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Without a thread for it, the work is done without progress.
        let watching = std::thread::Builder::new().spawn_scoped(scope, || {
            while !over.load(Ordering::Relaxed) {
                let (done, total) = measure();
                // 100 % before the end of the work would be early.
                tell(what, done, if done < total { total } else { 0 });
                std::thread::park_timeout(REDRAW);
            }
        });
        let end = WatchEnd(&over, watching.as_ref().ok().map(|w| w.thread().clone()));
        let done = work();
        drop(end);
        done
    })
}

/// Stops the watching thread when the work ends, by a panic too.
struct WatchEnd<'a>(&'a AtomicBool, Option<std::thread::Thread>);

impl Drop for WatchEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if let Some(watching) = &self.1 {
            watching.unpark();
        }
    }
}

/// One line: share, amounts, rate and time left, as far as they are known. `gained` was done in `elapsed`.
fn progress_line(what: &str, done: u64, total: u64, gained: u64, elapsed: Duration) -> String {
    let bytes = ["reading", "copying", "checking"].iter().any(|verb| what.starts_with(verb));
    let amount = |n: u64| if bytes { size(n) } else { thousands(n) };
    let seconds = elapsed.as_secs_f64();
    let mut line = what.to_owned();
    let share = done.saturating_mul(100).checked_div(total);
    match share {
        Some(percent) => line.push_str(&format!(": {} % ({} of {}", percent.min(100), amount(done), amount(total))),
        None if done > 0 => line.push_str(&format!(": {} (", amount(done))),
        None => return format!("{line}: {} so far", duration(elapsed)),
    }
    if seconds >= 1.0 && gained > 0 {
        let rate = gained as f64 / seconds;
        if share.is_some() {
            line.push_str(", ");
        }
        line.push_str(&format!("{}/s", amount(rate as u64)));
        if total > done {
            line.push_str(&format!(", {} left", duration(Duration::from_secs_f64((total - done) as f64 / rate.max(0.001)))));
        }
    }
    if line.ends_with('(') {
        line.truncate(line.len() - 2);
        return line;
    }
    line.push(')');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::AssertUnwindSafe;

    #[test]
    fn a_line_gives_share_rate_and_time_left() {
        let s = Duration::from_secs;
        for (what, done, total, gained, elapsed, said) in [
            ("publishing", 340_000, 1_000_000, 240_000, s(10), "publishing: 34 % (340,000 of 1,000,000, 24,000/s, 27 s left)"),
            ("reading a.txt", 3 << 20, 4 << 20, 3 << 20, s(3), "reading a.txt: 75 % (3.0 MiB of 4.0 MiB, 1.0 MiB/s, 1 s left)"),
            ("writing x", 5_000, 0, 5_000, s(10), "writing x: 5,000 (500/s)"),
            ("writing x", 5_000, 0, 0, s(0), "writing x: 5,000"),
            ("verifying the registry", 0, 0, 0, s(125), "verifying the registry: 2 min 05 s so far"),
            ("publishing", 10, 10, 0, s(0), "publishing: 100 % (10 of 10)"),
        ] {
            assert_eq!(progress_line(what, done, total, gained, elapsed), said);
        }
    }

    #[test]
    fn a_work_that_panics_ends_its_watch() {
        let tell: SharedTell = Arc::new(|_, _, _| {});
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| during(&tell, "x", &|| (0, 0), || panic!("work"))));
        assert!(done.is_err());
        assert_eq!(during(&tell, "x", &|| (1, 2), || 7), 7);
    }
}
