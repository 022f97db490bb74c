//! How a command ends: the codes that scripts read, and one line for people.

use crate::amounts::date_utc;
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

/// The table of exit codes in `--help`.
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

/// A command line that the parser of arguments accepts and the command refuses.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A value of an option that the command refuses; shown as the parser of arguments shows its own refusals.
#[derive(Debug)]
pub(crate) struct InvalidValue(pub(crate) String);

impl std::fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidValue {}

/// Prints on the error output, in one line, why a command failed.
pub(crate) fn failed(error: &Error) -> Exit {
    eprintln!("Error: {}", one_line(error));
    if error.is::<Usage>() { Exit::Usage } else { Exit::Refused }
}

/// The chain of causes in one line. A cause that the error before it already quotes is left out.
pub(crate) fn one_line(error: &Error) -> String {
    let mut all = String::new();
    for cause in error.chain() {
        let message = match cause.downcast_ref() {
            Some(annuaire_store::Error::Clock { last_ms, now_ms }) => clock_advice(*last_ms, *now_ms),
            _ => match cause.downcast_ref() {
                // Its own message would quote milliseconds.
                Some(annuaire_exchange::Error::Store(annuaire_store::Error::Clock { last_ms, now_ms })) => {
                    clock_advice(*last_ms, *now_ms)
                }
                _ => cause.to_string(),
            },
        };
        if all.contains(&message) {
            continue;
        }
        if !all.is_empty() {
            all.push_str(": ");
        }
        all.push_str(&message);
    }
    all.replace('\n', " ")
}

/// Advice for an operator whose clock and log disagree.
fn clock_advice(last_ms: i64, now_ms: i64) -> String {
    let (last, now) = (date_utc(last_ms), date_utc(now_ms));
    let which = if last_ms > now_ms { "later" } else { "long ago" };
    format!(
        "the clock of this machine says {now} and the last transaction of the log is of {last}, which is {which}: set the clock \
         right (timedatectl) and run this again; if the clock is right, --accept-clock commits all the same, and the log goes on \
         from the later of the two instants"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn causes_are_one_line_and_dates_are_dates() {
        let clock = annuaire_store::Error::Clock { last_ms: 4_070_908_800_000, now_ms: 1_763_978_400_000 };
        let exchange = annuaire_exchange::Error::Store(clock);
        let text = one_line(&Error::new(exchange).context("importing"));
        assert!(text.starts_with("importing: ") && text.contains("2099-01-01 00:00:00 UTC"), "{text}");
        assert!(
            text.contains("2025-11-24 10:00:00 UTC") && text.contains("--accept-clock") && !text.contains("1763978400000"),
            "{text}"
        );
        assert_eq!(one_line(&anyhow!("a\nb").context("c")), "c: a b");
    }
}
