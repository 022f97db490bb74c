//! What is being done, how fast, and how long it still takes: a bar on a terminal, a line every ten seconds otherwise.

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);
/// Time between two changes of the bar.
const REDRAW: Duration = Duration::from_millis(200);

/// Told what is being done, how much is done and how much there is (0 when unknown): bytes of what is read or copied, objects or
/// changes of the rest.
pub(crate) type Tell = Arc<dyn Fn(&str, u64, u64) + Send + Sync>;

/// The stage that is under way.
struct Stage {
    what: String,
    /// When it was first told, and how much was done then.
    begun: Instant,
    from: u64,
    shown: Instant,
    told: Instant,
}

/// What tells the operator; says nothing when `quiet`.
pub(crate) fn told(quiet: bool) -> Tell {
    if quiet {
        return Arc::new(|_, _, _| {});
    }
    let bar = std::io::stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("{wide_bar} {msg}").unwrap_or(ProgressStyle::default_bar());
        ProgressBar::new(0).with_style(style).with_finish(ProgressFinish::AndClear)
    });
    let every = if bar.is_some() { REDRAW } else { EVERY };
    let now = Instant::now();
    let stage = Mutex::new(Stage { what: String::new(), begun: now, from: 0, shown: now, told: now });
    Arc::new(move |what, done, total| {
        let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // A server has nothing to tell for hours: a short work after that is no news.
        if now - stage.told >= every {
            stage.shown = now;
        }
        stage.told = now;
        if stage.what != what || done < stage.from {
            (stage.what, stage.begun, stage.from) = (what.to_owned(), now, done);
        }
        let over = total > 0 && done >= total;
        if now - stage.shown >= every {
            stage.shown = now;
            let said = line(what, done, total, done - stage.from, now - stage.begun);
            match &bar {
                Some(bar) => {
                    bar.set_length(total.max(1));
                    bar.set_position(if total == 0 { 0 } else { done });
                    bar.set_message(said);
                }
                None => eprintln!("{said}"),
            }
        }
        if let (Some(bar), true) = (&bar, over) {
            bar.set_message("");
            bar.set_position(0);
        }
    })
}

/// Tells of a work that tells nothing itself: `measure` says, from outside, how much is done and how much there is.
pub(crate) fn during<T>(tell: &Tell, what: &str, measure: &(dyn Fn() -> (u64, u64) + Sync), work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Where no thread can be had, the work is done without a word.
        let watching = std::thread::Builder::new().spawn_scoped(scope, || {
            while !over.load(Ordering::Relaxed) {
                let (done, total) = measure();
                // The end is told by the end of the work.
                tell(what, done, if done < total { total } else { 0 });
                std::thread::park_timeout(REDRAW);
            }
        });
        let end = End(&over, watching.as_ref().ok().map(|w| w.thread().clone()));
        let done = work();
        drop(end);
        done
    })
}

/// Ends the watch whatever ends the work.
struct End<'a>(&'a AtomicBool, Option<std::thread::Thread>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if let Some(watching) = &self.1 {
            watching.unpark();
        }
    }
}

/// One line: share, amounts, rate and time left, as far as they are known. `gained` was done in `elapsed`.
fn line(what: &str, done: u64, total: u64, gained: u64, elapsed: Duration) -> String {
    let bytes = ["reading", "copying", "checking"].iter().any(|verb| what.starts_with(verb));
    let amount = |n: u64| if bytes { size(n) } else { thousands(n) };
    let seconds = elapsed.as_secs_f64();
    let mut said = what.to_owned();
    let share = done.saturating_mul(100).checked_div(total);
    match share {
        Some(percent) => said.push_str(&format!(": {} % ({} of {}", percent.min(100), amount(done), amount(total))),
        None if done > 0 => said.push_str(&format!(": {} (", amount(done))),
        None => return format!("{said}: {} so far", duration(elapsed)),
    }
    if seconds >= 1.0 && gained > 0 {
        let rate = gained as f64 / seconds;
        if share.is_some() {
            said.push_str(", ");
        }
        said.push_str(&format!("{}/s", amount(rate as u64)));
        if total > done {
            said.push_str(&format!(", {} left", duration(Duration::from_secs_f64((total - done) as f64 / rate.max(0.001)))));
        }
    }
    if said.ends_with('(') {
        said.truncate(said.len() - 2);
        return said;
    }
    said.push(')');
    said
}

/// Bytes in the largest unit that leaves a whole part: `1.4 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1_024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1_024.0;
    }
    format!("{value:.1} TiB")
}

/// A number in groups of three digits: `1,234,567`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// So many lines, in words.
pub(crate) fn lines(n: u64) -> String {
    if n == 1 { "1 line".to_owned() } else { format!("{} lines", thousands(n)) }
}

/// A time in the two largest units that say it: `2 min 05 s`.
pub(crate) fn duration(time: Duration) -> String {
    let s = time.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min {:02} s", s / 60, s % 60),
        3_600..172_800 => format!("{} h {:02} min", s / 3_600, s / 60 % 60),
        _ => format!("{} days", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::AssertUnwindSafe;

    #[test]
    fn a_line_says_share_rate_and_time_left() {
        let s = Duration::from_secs;
        for (what, done, total, gained, elapsed, said) in [
            ("publishing", 340_000, 1_000_000, 240_000, s(10), "publishing: 34 % (340,000 of 1,000,000, 24,000/s, 27 s left)"),
            ("reading a.txt", 3 << 20, 4 << 20, 3 << 20, s(3), "reading a.txt: 75 % (3.0 MiB of 4.0 MiB, 1.0 MiB/s, 1 s left)"),
            ("writing x", 5_000, 0, 5_000, s(10), "writing x: 5,000 (500/s)"),
            ("writing x", 5_000, 0, 0, s(0), "writing x: 5,000"),
            ("verifying the registry", 0, 0, 0, s(125), "verifying the registry: 2 min 05 s so far"),
            ("publishing", 10, 10, 0, s(0), "publishing: 100 % (10 of 10)"),
        ] {
            assert_eq!(line(what, done, total, gained, elapsed), said);
        }
    }

    #[test]
    fn amounts_are_read_at_a_glance() {
        assert_eq!([size(999), size(1_536), size(3 << 30)], ["999 B", "1.5 KiB", "3.0 GiB"]);
        assert_eq!([thousands(7), thousands(1_000), thousands(12_345_678)], ["7", "1,000", "12,345,678"]);
        let said = [59, 60, 3_661, 400_000].map(|s| duration(Duration::from_secs(s)));
        assert_eq!(said, ["59 s", "1 min 00 s", "1 h 01 min", "4 days"]);
    }

    #[test]
    fn a_work_that_panics_ends_its_watch() {
        let tell: Tell = Arc::new(|_, _, _| {});
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| during(&tell, "x", &|| (0, 0), || panic!("work"))));
        assert!(done.is_err());
        assert_eq!(during(&tell, "x", &|| (1, 2), || 7), 7);
    }
}
