//! How a command ends: the codes that scripts read, and one line for people.

use anyhow::Error;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All was done.
    Done,
    /// Refused or failed.
    Refused,
    /// The command line is not understood.
    Usage,
    /// Done, and something is left for the operator to look at.
    Incomplete,
}

/// What `--help` says of the codes.
pub(crate) const CODES: &str = "Exit codes:
  0  all done: every line read, everything published
  1  refused or failed: nothing was changed, unless the message says that the import is committed
  2  the command line is not understood
  3  done, and something is left to look at: lines in quarantine, expected files missing, warnings,
     or nobody who publishes what was committed";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Refused => 1,
            Exit::Usage => 2,
            Exit::Incomplete => 3,
        })
    }
}

/// A command line that the parser of arguments accepts and the command does not.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Says on the error output, in one line, why a command failed.
pub(crate) fn failed(error: &Error) -> Exit {
    eprintln!("Error: {}", said(error));
    if error.is::<Usage>() { Exit::Usage } else { Exit::Refused }
}

/// The chain of causes, each said once: an error that repeats its cause in its own words is not followed by it.
pub(crate) fn said(error: &Error) -> String {
    let mut all = String::new();
    for cause in error.chain() {
        let words = match cause.downcast_ref() {
            Some(annuaire_store::Error::Clock { last_ms, now_ms }) => clock(*last_ms, *now_ms),
            _ => match cause.downcast_ref() {
                // It shows its cause in its own place.
                Some(annuaire_exchange::Error::Store(annuaire_store::Error::Clock { last_ms, now_ms })) => {
                    clock(*last_ms, *now_ms)
                }
                _ => cause.to_string(),
            },
        };
        if all.contains(&words) {
            continue;
        }
        if !all.is_empty() {
            all.push_str(": ");
        }
        all.push_str(&words);
    }
    all.replace('\n', " ")
}

/// What to do when clock and log disagree.
pub(crate) fn clock(last_ms: i64, now_ms: i64) -> String {
    let (last, now) = (date(last_ms), date(now_ms));
    let which = if last_ms > now_ms { "later" } else { "long ago" };
    format!(
        "the clock of this machine says {now} and the last transaction of the log is of {last}, which is {which}: set the clock \
         right (timedatectl) and run this again; if the clock is right, --accept-clock commits all the same, and the log goes on \
         from the later of the two instants"
    )
}

/// An instant as people read it: `2026-11-24 10:00:00 UTC`.
pub(crate) fn date(ms: i64) -> String {
    let text = annuaire_base::date::iso_ms(ms);
    format!("{} UTC", text.get(..19).unwrap_or(&text).replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn causes_are_one_line_and_dates_are_dates() {
        let clock = annuaire_store::Error::Clock { last_ms: 4_070_908_800_000, now_ms: 1_763_978_400_000 };
        let exchange = annuaire_exchange::Error::Store(clock);
        let text = said(&Error::new(exchange).context("importing"));
        assert!(text.starts_with("importing: ") && text.contains("2099-01-01 00:00:00 UTC"), "{text}");
        assert!(
            text.contains("2025-11-24 10:00:00 UTC") && text.contains("--accept-clock") && !text.contains("1763978400000"),
            "{text}"
        );
        assert_eq!(said(&anyhow!("a\nb").context("c")), "c: a b");
    }
}
